/* Session: heartbeats, and the zombie rule from both sides. */
#include "session_rig.h"

/* ---- when beats are sent ---- */

static void
the_first_beat_is_spread_over_the_interval(void **state)
{
	mono_ns least = CLOCK_NEVER;
	mono_ns most = 0;
	struct rig rig;

	(void)state;
	for (uint64_t seed = 0; seed < 1000; seed++) {
		rig_begin_resume(&rig, seed);

		mono_ns wait = rig.session.beat_due - rig.now;

		least = wait < least ? wait : least;
		most = wait > most ? wait : most;
	}
	assert_in_range(least, 0, INTERVAL / 50);
	assert_in_range(most, INTERVAL - INTERVAL / 50, INTERVAL - 1);
}

static void
later_beats_keep_the_interval(void **state)
{
	struct rig rig;

	(void)state;
	rig_login(&rig, 1);
	rig_beat(&rig);
	for (int i = 0; i < 100; i++) {
		assert_int_equal(rig_wake(&rig), INTERVAL - CLOCK_MS(50));
		assert_true(rig_did(&rig, SESSION_HEARTBEAT));
		rig.now += CLOCK_MS(50);
		rig_say(&rig, ACK);
	}
	assert_int_equal(rig.session.heartbeats, 101);
	assert_int_equal(rig.session.acks, 101);
}

static void
a_beat_that_went_out_late_is_followed_after_a_whole_interval(void **state)
{
	struct rig rig;

	(void)state;
	rig_login(&rig, 1);
	rig_beat(&rig);
	rig.now = session_wake_at(&rig.session) + CLOCK_S(4);
	rig_do(&rig, SESSION_TIMEOUT);
	assert_true(rig_did(&rig, SESSION_HEARTBEAT));
	assert_int_equal(session_wake_at(&rig.session) - rig.now, INTERVAL);
}

static void
an_early_timer_sends_nothing(void **state)
{
	struct rig rig;

	(void)state;
	rig_login(&rig, 1);
	rig.now = session_wake_at(&rig.session) - 1;
	rig_do(&rig, SESSION_TIMEOUT);
	assert_int_equal(rig.actions.count, 0);
}

static void
beats_begin_before_ready(void **state)
{
	struct rig rig;

	(void)state;
	rig_begin_resume(&rig, 1);
	rig.now = rig.session.beat_due;
	rig.session.deadline = CLOCK_NEVER;
	rig_do(&rig, SESSION_TIMEOUT);
	assert_true(rig_did(&rig, SESSION_HEARTBEAT));
	assert_int_equal(rig.session.state, SNAPSHOT_RESUMING);
}

static void
no_beat_outlives_its_connection(void **state)
{
	struct rig rig;

	(void)state;
	rig_login(&rig, 1);
	rig.session.failures = 5;
	rig_lose(&rig, 1006);
	assert_int_equal(rig.session.beat_due, CLOCK_NEVER);
	rig.now += CLOCK_S(120);
	rig_do(&rig, SESSION_TIMEOUT);
	assert_false(rig_did(&rig, SESSION_HEARTBEAT));
}

/* ---- op 1 ---- */

static void
a_demand_is_answered_at_once_and_changes_no_schedule(void **state)
{
	struct rig rig;

	(void)state;
	rig_login(&rig, 1);
	rig_beat(&rig);

	struct session before = rig.session;

	rig.now += CLOCK_S(7);
	rig_say(&rig, BEAT);
	assert_true(rig_did(&rig, SESSION_HEARTBEAT));
	assert_int_equal(rig.session.beat_due, before.beat_due);
	assert_int_equal(rig.session.beat_sent_at, before.beat_sent_at);
	assert_int_equal(rig.session.unacked_since, CLOCK_NEVER);
	assert_int_equal(rig_wake(&rig), INTERVAL - CLOCK_MS(50) - CLOCK_S(7));
	assert_true(rig_did(&rig, SESSION_HEARTBEAT));
}

static void
an_unanswered_demand_kills_nobody(void **state)
{
	struct rig rig;

	(void)state;
	rig_login(&rig, 1);
	rig_beat(&rig);
	rig_say(&rig, BEAT);
	(void)rig_wake(&rig);
	assert_true(rig_did(&rig, SESSION_HEARTBEAT));
	assert_int_equal(rig.session.zombies, 0);
}

static void
a_storm_of_demands_leaves_room_for_the_beats(void **state)
{
	struct rig rig;
	unsigned answered = 0;

	(void)state;
	rig_login(&rig, 1);
	for (int i = 0; i < 1000; i++) {
		rig_say(&rig, BEAT);
		answered += rig_did(&rig, SESSION_HEARTBEAT);
	}
	assert_in_range(answered, 100, QUOTA_SENDS_ORDINARY);
	rig_beat(&rig);
	assert_true(
	    answered + 2 <= QUOTA_SENDS_MAX); /* IDENTIFY and the regular beat too */
}

static void
a_very_short_interval_is_kept_up_for_ever(void **state)
{
	struct rig rig;

	(void)state;
	rig_init(&rig, &rig_saved, 1);
	rig_do(&rig, SESSION_START);
	rig_do(&rig, SESSION_OPENED);
	rig_say(&rig, "{\"op\":10,\"d\":{\"heartbeat_interval\":100}}");
	rig_resumed(&rig, 8);
	for (int i = 0; i < 1000; i++) {
		rig_beat(&rig);
	}
	assert_int_equal(rig.session.zombies, 0);
}

/* ---- the zombie rule ---- */

static void
silence_for_one_interval_after_a_beat_is_death(void **state)
{
	struct rig rig;

	(void)state;
	rig_login(&rig, 1);
	rig_beat(&rig);
	(void)rig_wake(&rig);
	assert_int_equal(session_wake_at(&rig.session) - rig.now, INTERVAL);
	rig.now += INTERVAL - 1;
	rig_do(&rig, SESSION_TIMEOUT);
	assert_int_equal(rig.actions.count, 0);
	rig.now += 1;
	rig_do(&rig, SESSION_TIMEOUT);
	assert_int_equal(rig_closed(&rig), CLOSECODE_KEEP);
	assert_false(rig_did(&rig, SESSION_HEARTBEAT));
	assert_string_equal(rig_host(&rig), RESUME_URL);
	assert_int_equal(rig_snapshot(&rig).zombies, 1);
	rig_open(&rig);
	assert_true(rig_did(&rig, SESSION_RESUME));
	assert_int_equal(rig.session.saved.seq, 1);
}

static void
any_frame_after_the_beat_gives_one_more_interval(void **state)
{
	static const struct {
		const char *name;
		const char *payload; /* NULL: a piece or control frame */
		mono_ns after;
		bool lives;
	} cases[] = {
	    {"a dispatch", "{\"op\":0,\"s\":2,\"t\":\"X\"}", 1, true},
	    {"a dispatch at the last moment", "{\"op\":0,\"s\":2,\"t\":\"X\"}",
		INTERVAL - 1, true},
	    {"a piece", NULL, 1, true},
	    {"an unknown opcode", "{\"op\":99}", CLOCK_S(1), true},
	    {"a frame at the very instant of the beat", NULL, 0, false},
	};
	struct rig rig;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		rig_login(&rig, 1);
		rig_beat(&rig);
		(void)rig_wake(&rig);
		rig.now += cases[i].after;
		if (cases[i].payload) {
			rig_say(&rig, cases[i].payload);
		} else {
			rig_do(&rig, SESSION_FRAME);
		}
		(void)rig_wake(&rig);
		if (rig_did(&rig, SESSION_HEARTBEAT) != cases[i].lives ||
		    (rig_closed(&rig) == 0) != cases[i].lives) {
			fail_msg("%s", cases[i].name);
		}
	}
}

static void
two_intervals_without_an_answer_are_death_whatever_else_arrives(void **state)
{
	struct rig rig;

	(void)state;
	rig_login(&rig, 1);
	rig_beat(&rig);
	(void)rig_wake(&rig);

	mono_ns unanswered_since = rig.now;
	int64_t seq = 2;

	while (rig_closed(&rig) == 0) {
		mono_ns at = session_wake_at(&rig.session);

		if (rig.now + CLOCK_S(1) < at) {
			rig.now += CLOCK_S(1);
			rig_dispatch(&rig, seq++);
		} else {
			(void)rig_wake(&rig);
		}
	}
	assert_int_equal(rig.now - unanswered_since, 2 * INTERVAL);
	assert_int_equal(rig_closed(&rig), CLOSECODE_KEEP);
	assert_int_equal(rig_snapshot(&rig).zombies, 1);
}

static void
an_answer_before_the_second_interval_ends_saves_the_connection(void **state)
{
	struct rig rig;

	(void)state;
	rig_login(&rig, 1);
	rig_beat(&rig);
	(void)rig_wake(&rig);
	rig.now += 1;
	rig_do(&rig, SESSION_FRAME);
	(void)rig_wake(&rig);
	assert_true(rig_did(&rig, SESSION_HEARTBEAT));
	rig.now = session_wake_at(&rig.session) - 1;
	rig_say(&rig, ACK);
	(void)rig_wake(&rig);
	assert_true(rig_did(&rig, SESSION_HEARTBEAT));
	assert_int_equal(rig.session.zombies, 0);
}

static void
a_dead_peer_is_noticed_within_two_intervals(void **state)
{
	struct rig rig;

	(void)state;
	for (uint64_t seed = 0; seed < 500; seed++) {
		rig_login(&rig, seed);
		for (uint64_t i = 0; i < seed % 3; i++) {
			rig_beat(&rig);
		}

		mono_ns died = rig.now;

		while (rig_closed(&rig) == 0) {
			(void)rig_wake(&rig);
		}
		assert_true(rig.now - died <= 2 * INTERVAL);
	}
}

static void
a_quiet_guild_with_answered_beats_lives_for_ever(void **state)
{
	struct rig rig;

	(void)state;
	rig_login(&rig, 1);
	rig_live(&rig, CLOCK_S(30 * 24 * 3600));
	assert_int_equal(rig.session.zombies, 0);
	assert_true(rig_snapshot(&rig).connected);
	assert_true(rig_snapshot(&rig).last_event_age <= INTERVAL + CLOCK_MS(50));
}

static void
a_zombie_during_a_login_is_one_too(void **state)
{
	struct rig rig;

	(void)state;
	rig_begin_resume(&rig, 1);
	rig.session.deadline = CLOCK_NEVER;
	(void)rig_wake(&rig);
	assert_true(rig_did(&rig, SESSION_HEARTBEAT));
	(void)rig_wake(&rig);
	assert_int_equal(rig_closed(&rig), CLOSECODE_KEEP);
	assert_int_equal(rig.session.zombies, 1);
}

/* ---- late timers ---- */

static void
a_late_verdict_is_put_off_once(void **state)
{
	static const struct {
		const char *name;
		mono_ns late;
		bool at_once;
	} cases[] = {
	    {"in time", 0, true},
	    {"exactly at the limit", CLOCK_MS(500), true},
	    {"a moment later", CLOCK_MS(500) + 1, false},
	    {"most of an interval", INTERVAL, false},
	};
	struct rig rig;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		rig_login(&rig, 1);
		rig_beat(&rig);
		(void)rig_wake(&rig);
		rig.now = session_wake_at(&rig.session) + cases[i].late;
		rig_do(&rig, SESSION_TIMEOUT);
		if ((rig_closed(&rig) != 0) != cases[i].at_once) {
			fail_msg("%s", cases[i].name);
		}
		if (!cases[i].at_once) {
			assert_int_equal(rig.actions.count, 0);
			assert_int_equal(rig_wake(&rig), CLOCK_MS(500));
			assert_int_equal(rig_closed(&rig), CLOSECODE_KEEP);
		}
	}
}

static void
an_answer_that_waits_in_the_kernel_saves_a_late_verdict(void **state)
{
	struct rig rig;

	(void)state;
	rig_login(&rig, 1);
	rig_beat(&rig);
	(void)rig_wake(&rig);
	rig.now = session_wake_at(&rig.session) + CLOCK_S(20);
	rig_do(&rig, SESSION_TIMEOUT);
	rig_say(&rig, ACK);
	(void)rig_wake(&rig);
	assert_true(rig_did(&rig, SESSION_HEARTBEAT));
	/* The next silence is judged by the same rules. */
	(void)rig_wake(&rig);
	assert_int_equal(rig_closed(&rig), CLOSECODE_KEEP);
}

static void
a_verdict_that_is_late_again_is_put_off_no_more(void **state)
{
	struct rig rig;

	(void)state;
	rig_login(&rig, 1);
	rig_beat(&rig);
	(void)rig_wake(&rig);
	rig.now = session_wake_at(&rig.session) + CLOCK_S(1);
	rig_do(&rig, SESSION_TIMEOUT);
	assert_int_equal(rig_closed(&rig), 0);
	rig.now = session_wake_at(&rig.session) + CLOCK_S(1);
	rig_do(&rig, SESSION_TIMEOUT);
	assert_int_equal(rig_closed(&rig), CLOSECODE_KEEP);
}

static void
a_process_that_stood_still_drops_and_resumes_at_once(void **state)
{
	static const struct {
		const char *name;
		int64_t interval_ms;
		mono_ns late;
		bool drops;
	} cases[] = {
	    {"a minute", 41250, CLOCK_S(60), false},
	    {"exactly one and a half intervals", 41250, CLOCK_MS(61875), false},
	    {"a moment more", 41250, CLOCK_MS(61875) + 1, true},
	    {"three minutes", 41250, CLOCK_S(180), true},
	    {"short interval, exactly 5 s", 1000, CLOCK_S(5), false},
	    {"short interval, a moment more", 1000, CLOCK_S(5) + 1, true},
	};
	struct rig rig;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		rig_init(&rig, &rig_saved, 1);
		rig_do(&rig, SESSION_START);
		rig_do(&rig, SESSION_OPENED);
		rig_sayf(&rig, "{\"op\":10,\"d\":{\"heartbeat_interval\":%" PRId64 "}}",
		    cases[i].interval_ms);
		rig_resumed(&rig, 8);
		rig.now = session_wake_at(&rig.session) + cases[i].late;
		rig_do(&rig, SESSION_TIMEOUT);
		if ((rig_closed(&rig) == CLOSECODE_KEEP) != cases[i].drops ||
		    rig_did(&rig, SESSION_CONNECT) != cases[i].drops) {
			fail_msg("%s", cases[i].name);
		}
	}
}

/* ---- how late they were ---- */

/* How late the last step's beat was; fails where there was none. */
static mono_ns
lateness(const struct rig *rig)
{
	const struct session_action *beat = rig_action(rig, SESSION_HEARTBEAT);

	assert_non_null(beat);
	/* The optimiser does not know that a failed assertion ends the test. */
	return beat ? beat->late : CLOCK_NEVER;
}

static void
each_regular_beat_says_how_late_it_is(void **state)
{
	static const mono_ns late[] = {0, 1, CLOCK_MS(3), CLOCK_MS(499), CLOCK_S(3)};
	struct rig rig;

	(void)state;
	rig_login(&rig, 1);
	for (size_t i = 0; i < COUNT_OF(late); i++) {
		rig.now = rig.session.beat_due + late[i];
		rig_do(&rig, SESSION_TIMEOUT);
		assert_int_equal(lateness(&rig), late[i]);
		rig_say(&rig, ACK);
		rig_say(&rig, BEAT);
		assert_int_equal(lateness(&rig), SNAPSHOT_NONE);
	}
}

static void
a_beat_that_waited_for_its_verdict_is_late_by_all_of_it(void **state)
{
	struct rig rig;

	(void)state;
	rig_login(&rig, 1);
	(void)rig_wake(&rig);

	mono_ns due = rig.now + INTERVAL;

	rig.now = due + CLOCK_S(1);
	rig_do(&rig, SESSION_TIMEOUT); /* a verdict, put off */
	assert_false(rig_did(&rig, SESSION_HEARTBEAT));
	rig_do(&rig, SESSION_FRAME);
	(void)rig_wake(&rig);
	assert_int_equal(lateness(&rig), rig.now - due);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_first_beat_is_spread_over_the_interval),
	    cmocka_unit_test(later_beats_keep_the_interval),
	    cmocka_unit_test(
		a_beat_that_went_out_late_is_followed_after_a_whole_interval),
	    cmocka_unit_test(an_early_timer_sends_nothing),
	    cmocka_unit_test(beats_begin_before_ready),
	    cmocka_unit_test(no_beat_outlives_its_connection),
	    cmocka_unit_test(a_demand_is_answered_at_once_and_changes_no_schedule),
	    cmocka_unit_test(an_unanswered_demand_kills_nobody),
	    cmocka_unit_test(a_storm_of_demands_leaves_room_for_the_beats),
	    cmocka_unit_test(a_very_short_interval_is_kept_up_for_ever),
	    cmocka_unit_test(silence_for_one_interval_after_a_beat_is_death),
	    cmocka_unit_test(any_frame_after_the_beat_gives_one_more_interval),
	    cmocka_unit_test(
		two_intervals_without_an_answer_are_death_whatever_else_arrives),
	    cmocka_unit_test(
		an_answer_before_the_second_interval_ends_saves_the_connection),
	    cmocka_unit_test(a_dead_peer_is_noticed_within_two_intervals),
	    cmocka_unit_test(a_quiet_guild_with_answered_beats_lives_for_ever),
	    cmocka_unit_test(a_zombie_during_a_login_is_one_too),
	    cmocka_unit_test(a_late_verdict_is_put_off_once),
	    cmocka_unit_test(an_answer_that_waits_in_the_kernel_saves_a_late_verdict),
	    cmocka_unit_test(a_verdict_that_is_late_again_is_put_off_no_more),
	    cmocka_unit_test(a_process_that_stood_still_drops_and_resumes_at_once),
	    cmocka_unit_test(each_regular_beat_says_how_late_it_is),
	    cmocka_unit_test(a_beat_that_waited_for_its_verdict_is_late_by_all_of_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
