/* Session: what the snapshot says, and from when it counts. */
#include "session_rig.h"

static void
disconnect_age_counts_from_the_first_loss(void **state)
{
	struct rig rig;

	(void)state;
	rig_login(&rig, 1);
	assert_int_equal(rig_snapshot(&rig).disconnect_age, SNAPSHOT_NONE);
	rig_lose(&rig, 1006);

	mono_ns lost_at = rig.now;

	for (int i = 0; i < 20; i++) {
		rig.now += CLOCK_S(1);
		rig_lose(&rig, 1006);
		session_note_check(&rig.session, rig.now);
		(void)rig_sit_out(&rig);
		assert_int_equal(rig_snapshot(&rig).disconnect_age, rig.now - lost_at);
	}
	rig_open(&rig);
	assert_int_equal(rig_snapshot(&rig).disconnect_age, rig.now - lost_at);
	rig_resumed(&rig, 2);
	assert_int_equal(rig_snapshot(&rig).disconnect_age, SNAPSHOT_NONE);
	session_note_check(&rig.session, rig.now);
	assert_int_equal(rig_snapshot(&rig).disconnect_age, SNAPSHOT_NONE);
	rig_lose(&rig, 1006);
	assert_int_equal(rig_snapshot(&rig).disconnect_age, 0);
}

static void
every_way_down_starts_the_disconnect_age(void **state)
{
	static const struct {
		const char *name;
		struct session_event event;
	} cases[] = {
	    {"lost", {.kind = SESSION_LOST, .code = 1006}},
	    {"fatal", {.kind = SESSION_LOST, .code = 4004}},
	    {"unreadable", {.kind = SESSION_UNREADABLE}},
	    {"slept", {.kind = SESSION_SLEPT}},
	    {"operator", {.kind = SESSION_RECONNECT}},
	    {"stopped", {.kind = SESSION_STOP_ASKED}},
	    {"refused", {.kind = SESSION_REFUSED}},
	};
	struct rig rig;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		rig_login(&rig, 1);
		rig_step(&rig, &cases[i].event);
		rig.now += CLOCK_S(3);
		if (rig_snapshot(&rig).connected ||
		    rig_snapshot(&rig).disconnect_age != CLOCK_S(3)) {
			fail_msg("%s", cases[i].name);
		}
	}
}

static void
a_shard_that_never_connected_is_down_from_the_first_check(void **state)
{
	struct rig rig;

	(void)state;
	rig_init(&rig, NULL, 1);
	rig_do(&rig, SESSION_START);
	rig.now += CLOCK_S(100);
	assert_int_equal(rig_snapshot(&rig).disconnect_age, SNAPSHOT_NONE);
	session_note_check(&rig.session, rig.now);
	rig.now += CLOCK_S(60);
	session_note_check(&rig.session, rig.now);
	assert_int_equal(rig_snapshot(&rig).disconnect_age, CLOCK_S(60));
}

static void
the_snapshot_says_what_is(void **state)
{
	struct rig rig;

	(void)state;
	rig_init(&rig, NULL, 1);

	struct snapshot snap = rig_snapshot(&rig);

	assert_int_equal(snap.state, SNAPSHOT_IDLE);
	assert_false(snap.connected);
	assert_int_equal(snap.last_event_age, SNAPSHOT_NONE);
	assert_int_equal(snap.last_dispatch_age, SNAPSHOT_NONE);
	assert_int_equal(snap.last_ready_age, SNAPSHOT_NONE);
	assert_int_equal(snap.uptime, SNAPSHOT_NONE);
	assert_int_equal(snap.heartbeat_interval, SNAPSHOT_NONE);
	assert_int_equal(snap.next_try_in, SNAPSHOT_NONE);
	assert_int_equal(snap.latency, SNAPSHOT_NONE);
	assert_int_equal(snap.seq, -1);
	assert_string_equal(snap.session_id, "");

	rig_login(&rig, 1);
	rig.now += CLOCK_S(2);
	rig_dispatch(&rig, 5);
	rig.now += CLOCK_S(3);
	rig_say(&rig, ACK);
	rig.now += CLOCK_S(1);
	snap = rig_snapshot(&rig);
	assert_true(snap.connected);
	assert_true(snap.ready);
	assert_int_equal(snap.shard_count, 1);
	assert_int_equal(snap.last_event_age, CLOCK_S(1));
	assert_int_equal(snap.last_dispatch_age, CLOCK_S(4));
	assert_int_equal(snap.last_ready_age, CLOCK_S(6));
	assert_int_equal(snap.uptime, CLOCK_S(6));
	assert_int_equal(snap.heartbeat_interval, INTERVAL);
	assert_int_equal(snap.seq, 5);
	assert_int_equal(snap.seq_gaps, 1);
	assert_int_equal(snap.dispatches, 2);
	assert_int_equal(snap.events, 4); /* HELLO, READY, one dispatch, one ACK */
	assert_int_equal(snap.acks, 1);
	assert_int_equal(snap.attempts, 1);
	assert_int_equal(snap.reconnects, 0);
	assert_int_equal(snap.identifies, 1);
	assert_int_equal(snap.resumes, 0);
	assert_int_equal(snap.guilds, 2);
	assert_string_equal(snap.session_id, "cafe0123...");
	assert_string_equal(snap.user_id, "42");
	assert_string_equal(snap.user_name, "bo");
	assert_string_equal(snap.reason, "");

	rig_lose(&rig, 4000);
	rig_open(&rig);
	rig_resumed(&rig, 6);
	rig.session.failures = 5;
	rig_lose(&rig, 1001);
	snap = rig_snapshot(&rig);
	assert_int_equal(snap.state, SNAPSHOT_BACKOFF);
	assert_int_equal(snap.last_close_code, 1001);
	assert_int_equal(snap.reconnects, 1);
	assert_int_equal(snap.resumes, 1);
	assert_int_equal(snap.resumed, 1);
	assert_int_equal(snap.attempts, 2);
	assert_int_equal(snap.uptime, SNAPSHOT_NONE);
	assert_int_equal(snap.next_try_in, session_wake_at(&rig.session) - rig.now);
	assert_true(snap.next_try_in >= CLOCK_S(1));
	assert_string_equal(snap.reason, "close code 1001: going away");
	rig.now = session_wake_at(&rig.session) + CLOCK_S(9);
	assert_int_equal(rig_snapshot(&rig).next_try_in, 0);
}

static void
pieces_and_pings_are_no_events(void **state)
{
	struct rig rig;

	(void)state;
	rig_login(&rig, 1);
	rig.now += CLOCK_S(5);
	rig_do(&rig, SESSION_FRAME);
	assert_int_equal(rig_snapshot(&rig).last_event_age, CLOCK_S(5));
}

static void
a_long_reason_is_cut_at_a_whole_character(void **state)
{
	char text[400];
	struct rig rig;

	(void)state;
	for (size_t shift = 0; shift < 4; shift++) {
		memset(text, 'x', shift);
		for (size_t i = shift; i + 4 < sizeof text; i += 4) {
			memcpy(text + i, "\xF0\x9F\x9F\xA2", 5);
		}
		rig_login(&rig, 1);
		rig_step(&rig,
		    &(struct session_event){.kind = SESSION_LOST,
			.code = 1006,
			.text = text});

		size_t size = strlen(rig.session.reason);

		assert_int_equal((size - shift) % 4, 0);
		assert_in_range(size, sizeof rig.session.reason - 5,
		    sizeof rig.session.reason - 1);
	}
}

static void
each_change_of_state_is_told_with_both_ends(void **state)
{
	struct rig rig;
	enum snapshot_state last = SNAPSHOT_IDLE;

	(void)state;
	rig_init(&rig, NULL, 3);
	for (int i = 0; i < 8; i++) {
		if (i == 0) {
			rig_do(&rig, SESSION_START);
		} else if (i == 1) {
			rig_do(&rig, SESSION_SLOT);
		} else if (i == 2) {
			rig_do(&rig, SESSION_OPENED);
		} else if (i == 3) {
			rig_say(&rig, HELLO);
		} else if (i == 4) {
			rig_say(&rig, READY);
		} else if (i == 5) {
			rig_lose(&rig, 1006);
		} else if (i == 6) {
			rig_lose(&rig, 4004);
		} else {
			break;
		}

		const struct session_action *changed =
		    rig_action(&rig, SESSION_CHANGED);

		if (!changed || changed->old_state != last ||
		    changed->new_state != rig.session.state) {
			fail_msg("step %d", i);
		}
		last = rig.session.state;
	}
	assert_int_equal(last, SNAPSHOT_FATAL);
}

static void
a_start_that_waits_for_its_turn_says_so(void **state)
{
	struct rig rig;

	(void)state;
	rig_init(&rig, &rig_saved, 1);
	rig.crowd = 100;
	rig_do(&rig, SESSION_START);
	assert_int_equal(rig.session.state, SNAPSHOT_BACKOFF);
	assert_string_not_equal(rig_snapshot(&rig).reason, "");
	assert_true(rig_snapshot(&rig).next_try_in > 0);
	rig_init(&rig, NULL, 1);
	rig_do(&rig, SESSION_START);
	assert_int_equal(rig.session.state, SNAPSHOT_WAIT_SLOT);
	assert_string_not_equal(rig_snapshot(&rig).reason, "");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(disconnect_age_counts_from_the_first_loss),
	    cmocka_unit_test(every_way_down_starts_the_disconnect_age),
	    cmocka_unit_test(a_shard_that_never_connected_is_down_from_the_first_check),
	    cmocka_unit_test(the_snapshot_says_what_is),
	    cmocka_unit_test(pieces_and_pings_are_no_events),
	    cmocka_unit_test(a_long_reason_is_cut_at_a_whole_character),
	    cmocka_unit_test(a_start_that_waits_for_its_turn_says_so),
	    cmocka_unit_test(each_change_of_state_is_told_with_both_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
