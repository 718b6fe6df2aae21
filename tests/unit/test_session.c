/* Session: the stories of a login, its sequence, its orders and its view. */
#include "session_rig.h"

/* ---- login ---- */

static void
a_new_session_takes_a_slot_before_it_connects(void **state)
{
	struct rig rig;

	(void)state;
	rig_init(&rig, NULL, 1);
	rig_do(&rig, SESSION_START);
	assert_int_equal(rig.session.state, SNAPSHOT_WAIT_SLOT);
	assert_true(rig_did(&rig, SESSION_ASK_SLOT));
	assert_false(rig_did(&rig, SESSION_CONNECT));
	rig_do(&rig, SESSION_SLOT);
	assert_true(rig_did(&rig, SESSION_CONNECT));
	assert_null(rig_action(&rig, SESSION_CONNECT)->url);
	rig_do(&rig, SESSION_OPENED);
	assert_false(rig_snapshot(&rig).connected);
	rig_say(&rig, HELLO);
	assert_true(rig_did(&rig, SESSION_IDENTIFY));
	assert_false(rig_did(&rig, SESSION_RESUME));
	assert_false(rig_snapshot(&rig).connected);
	rig_say(&rig, READY);
	assert_true(rig_did(&rig, SESSION_SAVE));
	assert_true(rig_did(&rig, SESSION_DISPATCH));
	assert_true(rig_snapshot(&rig).connected);
	for (int64_t seq = 2; seq <= 4; seq++) {
		rig_dispatch(&rig, seq);
		assert_true(rig_did(&rig, SESSION_DISPATCH));
	}
	assert_int_equal(rig.session.saved.seq, 4);
	assert_int_equal(rig.session.seq_gaps, 0);
}

static void
a_stored_session_is_resumed_without_a_slot(void **state)
{
	struct rig rig;

	(void)state;
	rig_init(&rig, &rig_saved, 1);
	rig_do(&rig, SESSION_START);
	assert_false(rig_did(&rig, SESSION_ASK_SLOT));
	assert_string_equal(rig_action(&rig, SESSION_CONNECT)->url, RESUME_URL);
	rig_open(&rig);
	assert_true(rig_did(&rig, SESSION_RESUME));
	assert_false(rig_did(&rig, SESSION_IDENTIFY));
	rig_dispatch(&rig, 8);
	assert_false(rig_snapshot(&rig).connected);
	rig_resumed(&rig, 9);
	assert_true(rig_snapshot(&rig).connected);
	assert_true(rig_did(&rig, SESSION_SAVE));
	assert_int_equal(rig.session.saved.seq, 9);
	assert_string_equal(rig.session.saved.resume_url, RESUME_URL);
	assert_int_equal(rig.session.identifies, 0);
}

static void
a_stored_session_without_a_sequence_is_no_session(void **state)
{
	struct session_saved saved = rig_saved;
	struct rig rig;

	(void)state;
	saved.seq = -1;
	rig_init(&rig, &saved, 1);
	rig_do(&rig, SESSION_START);
	assert_true(rig_did(&rig, SESSION_ASK_SLOT));
	assert_string_equal(rig.session.saved.id, "");
}

static void
start_is_taken_once(void **state)
{
	struct rig rig;

	(void)state;
	rig_init(&rig, &rig_saved, 1);
	rig_do(&rig, SESSION_START);
	rig_do(&rig, SESSION_START);
	assert_int_equal(rig.actions.count, 0);
}

static void
each_step_of_a_login_has_its_deadline(void **state)
{
	struct rig rig;

	(void)state;
	for (int step = 0; step < 3; step++) {
		static const mono_ns timeouts[] = {CONNECT_TIMEOUT, HELLO_TIMEOUT,
		    READY_TIMEOUT};
		static const char *const reasons[] = {"timed out while connecting",
		    "timed out while waiting for hello", "timed out while resuming"};

		rig_init(&rig, &rig_saved, 1);
		rig_do(&rig, SESSION_START);
		if (step >= 1) {
			rig_do(&rig, SESSION_OPENED);
		}
		if (step >= 2) {
			rig_say(&rig, HELLO);
			rig.session.beat_due = CLOCK_NEVER; /* not what is asked here */
		}
		assert_int_equal(session_wake_at(&rig.session) - rig.now,
		    timeouts[step]);
		rig.now += timeouts[step] - 1;
		rig_do(&rig, SESSION_TIMEOUT);
		assert_int_equal(rig.actions.count, 0);
		rig.now += 1;
		rig_do(&rig, SESSION_TIMEOUT);
		assert_int_equal(rig_closed(&rig), CLOSECODE_KEEP);
		assert_string_equal(rig_snapshot(&rig).reason, reasons[step]);
	}
}

static void
a_late_deadline_is_put_off_once(void **state)
{
	static const struct {
		const char *name;
		mono_ns late;
		bool at_once;
	} cases[] = {
	    {"in time", 0, true},
	    {"exactly at the limit", CLOCK_MS(500), true},
	    {"a moment later", CLOCK_MS(500) + 1, false},
	    {"after a minute of SIGSTOP", CLOCK_S(60), false},
	};
	struct rig rig;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		rig_begin_resume(&rig, 1);
		rig.session.beat_due = CLOCK_NEVER;
		rig.now = session_wake_at(&rig.session) + cases[i].late;
		rig_do(&rig, SESSION_TIMEOUT);
		if ((rig_closed(&rig) != 0) != cases[i].at_once) {
			fail_msg("%s", cases[i].name);
		}
		if (!cases[i].at_once) {
			assert_int_equal(rig_wake(&rig), CLOCK_MS(500));
			assert_int_equal(rig_closed(&rig), CLOSECODE_KEEP);
		}
	}
}

static void
what_waits_in_the_kernel_saves_a_late_login(void **state)
{
	struct rig rig;

	(void)state;
	rig_begin_resume(&rig, 1);
	rig.session.beat_due = CLOCK_NEVER;
	rig.now = session_wake_at(&rig.session) + CLOCK_S(30);
	rig_do(&rig, SESSION_TIMEOUT);
	rig_resumed(&rig, 8);
	assert_int_equal(rig.session.state, SNAPSHOT_READY);
}

static void
dispatches_and_pieces_restart_the_wait_for_ready(void **state)
{
	struct rig rig;

	(void)state;
	rig_begin_resume(&rig, 1);
	rig.now += READY_TIMEOUT - 1;
	rig_dispatch(&rig, 8);
	assert_int_equal(rig.session.deadline, rig.now + READY_TIMEOUT);
	rig.now += READY_TIMEOUT - 1;
	rig_do(&rig, SESSION_FRAME);
	assert_int_equal(rig.session.deadline, rig.now + READY_TIMEOUT);
	rig.now += 1;
	rig_say(&rig, ACK);
	assert_int_equal(rig.session.deadline, rig.now - 1 + READY_TIMEOUT);
}

static void
pings_do_not_hold_a_login_open_for_ever(void **state)
{
	struct rig rig;
	mono_ns began = 0;

	(void)state;
	rig_begin_resume(&rig, 1);
	began = rig.now;
	for (int i = 0; i < 100 && rig.session.state == SNAPSHOT_RESUMING; i++) {
		rig.session.beat_due = CLOCK_NEVER;
		rig.now += CLOCK_S(1);
		rig_do(&rig, SESSION_FRAME);
		if (rig.now >= rig.session.deadline) {
			rig_do(&rig, SESSION_TIMEOUT);
		}
	}
	assert_int_equal(rig.now - began, 4 * READY_TIMEOUT);
	assert_int_not_equal(rig.session.state, SNAPSHOT_RESUMING);
}

static void
a_hello_that_cannot_be_used_ends_the_connection(void **state)
{
	static const struct {
		const char *interval;
		bool usable;
	} cases[] = {
	    {"0", false},
	    {"-1", false},
	    {"1", false},
	    {"99", false},
	    {"100", true},
	    {"41250", true},
	    {"600000", true},
	    {"600001", false},
	    {"1000000000000", false},
	    {"9223372036854775808", false},
	    {"\"41250\"", false},
	    {"null", false},
	};
	struct rig rig;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		rig_init(&rig, &rig_saved, 1);
		rig_do(&rig, SESSION_START);
		rig_do(&rig, SESSION_OPENED);
		rig_sayf(&rig, "{\"op\":10,\"d\":{\"heartbeat_interval\":%s}}",
		    cases[i].interval);
		if (rig_did(&rig, SESSION_RESUME) != cases[i].usable ||
		    (rig_closed(&rig) == CLOSECODE_KEEP) == cases[i].usable) {
			fail_msg("heartbeat_interval %s", cases[i].interval);
		}
	}
	rig_init(&rig, &rig_saved, 1);
	rig_do(&rig, SESSION_START);
	rig_do(&rig, SESSION_OPENED);
	rig_say(&rig, "{\"op\":10}");
	assert_int_equal(rig_closed(&rig), CLOSECODE_KEEP);
}

static void
a_second_hello_changes_nothing(void **state)
{
	struct rig rig;

	(void)state;
	rig_login(&rig, 1);
	rig_say(&rig, "{\"op\":10,\"d\":{\"heartbeat_interval\":500}}");
	assert_int_equal(rig.actions.count, 0);
	assert_int_equal(rig.session.interval, INTERVAL);
}

static void
before_hello_nothing_but_orders_is_heard(void **state)
{
	struct rig rig;

	(void)state;
	rig_init(&rig, &rig_saved, 1);
	rig_do(&rig, SESSION_START);
	rig_do(&rig, SESSION_OPENED);
	rig_say(&rig, READY);
	rig_dispatch(&rig, 99);
	assert_int_equal(rig.actions.count, 0);
	assert_int_equal(rig.session.state, SNAPSHOT_WAIT_HELLO);
	assert_int_equal(rig.session.saved.seq, 7);
	rig_say(&rig, BEAT);
	assert_true(rig_did(&rig, SESSION_HEARTBEAT));
	rig_say(&rig, HELLO);
	assert_true(rig_did(&rig, SESSION_RESUME));
}

static void
payloads_without_a_connection_are_not_heard(void **state)
{
	struct rig rig;

	(void)state;
	rig_init(&rig, &rig_saved, 1);
	rig_say(&rig, HELLO);
	rig_do(&rig, SESSION_START);
	rig_say(&rig, HELLO);
	assert_int_equal(rig.actions.count, 0);
	assert_int_equal(rig.session.events, 0);
}

/* ---- READY and RESUMED in odd places ---- */

static void
ready_without_an_id_works_but_cannot_be_resumed(void **state)
{
	struct rig rig;

	(void)state;
	rig_init(&rig, NULL, 1);
	rig_do(&rig, SESSION_START);
	rig_do(&rig, SESSION_SLOT);
	rig_open(&rig);
	rig_say(&rig, "{\"op\":0,\"t\":\"READY\",\"s\":1,\"d\":{}}");
	assert_true(rig_snapshot(&rig).connected);
	assert_true(rig_did(&rig, SESSION_FORGET));
	rig_dispatch(&rig, 2);
	assert_int_equal(rig.session.saved.seq, 2);
	rig_lose(&rig, 1006);
	assert_true(rig_did(&rig, SESSION_ASK_SLOT));
	/* The next session must not be given the sequence of this one. */
	assert_int_equal(rig.session.saved.seq, -1);
}

static void
ready_without_a_sequence_is_resumable_from_the_first_dispatch_on(void **state)
{
	struct rig rig;

	(void)state;
	rig_init(&rig, NULL, 1);
	rig_do(&rig, SESSION_START);
	rig_do(&rig, SESSION_SLOT);
	rig_open(&rig);
	rig_say(&rig,
	    "{\"op\":0,\"t\":\"READY\",\"s\":null,\"d\":{\"session_id\":\"x\"}}");
	assert_int_equal(rig.session.saved.seq, -1);
	rig_dispatch(&rig, 2);
	rig_lose(&rig, 1006);
	assert_null(rig_action(&rig, SESSION_CONNECT)->url);
	rig_open(&rig);
	assert_true(rig_did(&rig, SESSION_RESUME));
}

static void
ready_that_cannot_be_read_is_no_ready(void **state)
{
	struct rig rig;

	(void)state;
	rig_init(&rig, NULL, 1);
	rig_do(&rig, SESSION_START);
	rig_do(&rig, SESSION_SLOT);
	rig_open(&rig);
	rig_say(&rig, "{\"op\":0,\"t\":\"READY\",\"s\":1,\"d\":[]}");
	assert_int_equal(rig_closed(&rig), CLOSECODE_KEEP);
	assert_false(rig_did(&rig, SESSION_SAVE));
	assert_false(rig_snapshot(&rig).connected);
}

static void
ready_twice_is_one_connection(void **state)
{
	struct rig rig;

	(void)state;
	rig_login(&rig, 1);
	rig_dispatch(&rig, 2);
	rig.now += CLOCK_S(1);
	rig_say(&rig, READY);
	assert_int_equal(rig_closed(&rig), 0);
	assert_false(rig_did(&rig, SESSION_DISPATCH)); /* its s was here before */
	assert_int_equal(rig.session.saved.seq, 2);
	assert_int_equal(rig_snapshot(&rig).reconnects, 0);
	assert_int_equal(rig_snapshot(&rig).last_ready_age, CLOCK_S(1));
}

static void
ready_of_another_session_sets_the_sequence(void **state)
{
	struct rig rig;

	(void)state;
	rig_begin_resume(&rig, 1);
	rig_say(&rig,
	    "{\"op\":0,\"t\":\"READY\",\"s\":1,\"d\":{\"session_id\":\"other\"}}");
	assert_int_equal(rig.session.state, SNAPSHOT_READY);
	assert_int_equal(rig.session.saved.seq, 1);
	assert_string_equal(rig.session.saved.id, "other");
	assert_string_equal(rig.session.saved.resume_url, "");
}

static void
ready_in_answer_to_resume_keeps_the_sequence_of_the_same_session(void **state)
{
	struct rig rig;

	(void)state;
	rig_begin_resume(&rig, 1);
	rig_say(&rig, READY);
	assert_int_equal(rig.session.state, SNAPSHOT_READY);
	assert_int_equal(rig.session.saved.seq, 7);
}

static void
resumed_without_a_resume_is_a_dispatch_like_any(void **state)
{
	struct rig rig;

	(void)state;
	rig_init(&rig, NULL, 1);
	rig_do(&rig, SESSION_START);
	rig_do(&rig, SESSION_SLOT);
	rig_open(&rig);
	rig_resumed(&rig, 1);
	assert_int_equal(rig.session.state, SNAPSHOT_IDENTIFYING);
	rig_say(&rig, READY);
	rig_resumed(&rig, 2);
	assert_true(rig_did(&rig, SESSION_DISPATCH));
	assert_false(rig_did(&rig, SESSION_CHANGED));
	assert_int_equal(rig_snapshot(&rig).resumed, 0);
}

static void
resumed_counts_whatever_its_sequence_says(void **state)
{
	static const char *const seqs[] = {"8", "7", "1", "0", "null", "-5", "\"9\""};
	struct rig rig;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(seqs); i++) {
		rig_begin_resume(&rig, 1);
		rig_sayf(&rig, "{\"op\":0,\"t\":\"RESUMED\",\"s\":%s}", seqs[i]);
		if (rig.session.state != SNAPSHOT_READY || rig.session.saved.seq < 7) {
			fail_msg("s %s", seqs[i]);
		}
	}
}

/* ---- the sequence ---- */

static void
the_sequence_moves_forward_only(void **state)
{
	static const struct {
		const char *name;
		const char *seq;
		int64_t kept;
		bool handed_on;
		unsigned gaps, duplicates;
	} cases[] = {
	    {"the next", "11", 11, true, 0, 0},
	    {"a gap", "13", 13, true, 1, 0},
	    {"a repeat", "10", 10, false, 0, 1},
	    {"a fall", "3", 10, false, 0, 1},
	    {"zero", "0", 10, false, 0, 1},
	    {"null", "null", 10, true, 0, 0},
	    {"a string", "\"11\"", 10, true, 0, 0},
	    {"a fraction", "11.5", 10, true, 0, 0},
	    {"negative", "-1", 10, true, 0, 0},
	    {"2^53 + 1", "9007199254740993", 10, true, 0, 0},
	    {"2^63", "9223372036854775808", 10, true, 0, 0},
	    {"the largest believed", "281474976710654", 281474976710654, true, 1, 0},
	    {"one above", "281474976710655", 10, true, 0, 0},
	};
	struct rig rig;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		rig_login(&rig, 1);
		rig.session.saved.seq = 10;
		rig_sayf(&rig, "{\"op\":0,\"t\":\"X\",\"s\":%s,\"d\":{}}",
		    cases[i].seq);
		if (rig.session.saved.seq != cases[i].kept ||
		    rig_did(&rig, SESSION_DISPATCH) != cases[i].handed_on ||
		    rig.session.seq_gaps != cases[i].gaps ||
		    rig.session.duplicates != cases[i].duplicates) {
			fail_msg("%s", cases[i].name);
		}
	}
	rig_login(&rig, 1);
	rig_say(&rig, "{\"op\":0,\"t\":\"X\"}");
	assert_true(rig_did(&rig, SESSION_DISPATCH));
	assert_int_equal(rig.session.saved.seq, 1);
}

static void
control_payloads_do_not_touch_the_sequence(void **state)
{
	struct rig rig;

	(void)state;
	rig_login(&rig, 1);
	rig_say(&rig, "{\"op\":11,\"s\":null}");
	rig_say(&rig, "{\"op\":11,\"s\":99}");
	rig_say(&rig, "{\"op\":1,\"s\":0}");
	rig_say(&rig, "{\"op\":99,\"s\":50,\"d\":{}}");
	assert_int_equal(rig.session.saved.seq, 1);
}

static void
a_replay_is_handed_on_once_though_it_is_broken_off(void **state)
{
	struct rig rig;
	unsigned handed_on = 0;

	(void)state;
	rig_begin_resume(&rig, 1);
	for (int64_t seq = 8; seq <= 10; seq++) {
		rig_dispatch(&rig, seq);
		handed_on += rig_did(&rig, SESSION_DISPATCH);
	}
	rig_lose(&rig, 1006);
	assert_int_equal(rig.session.saved.seq, 10);
	rig_open(&rig);
	for (int64_t seq = 9; seq <= 12; seq++) {
		rig_dispatch(&rig, seq);
		handed_on += rig_did(&rig, SESSION_DISPATCH);
	}
	rig_resumed(&rig, 13);
	assert_int_equal(handed_on, 5); /* 8 to 12 */
	assert_int_equal(rig.session.duplicates, 2);
	assert_int_equal(rig.session.seq_gaps, 0);
}

/* ---- odd payloads ---- */

static void
odd_payloads_are_signs_of_life_and_nothing_more(void **state)
{
	static const char *const payloads[] = {
	    "{\"op\":99}",
	    "{\"d\":{\"op\":7},\"s\":null,\"t\":null,\"op\":99,\"x\":[]}",
	    "{\"op\":-1}",
	    "{}",
	    "{\"op\":\"0\"}",
	    "{\"op\":7.5}",
	    "{\"op\":2,\"d\":{}}",
	    "{\"op\":9999999999}",
	};
	struct rig rig;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(payloads); i++) {
		rig_login(&rig, 1);
		rig.now += CLOCK_S(1);
		rig_say(&rig, payloads[i]);
		if (rig.actions.count != 0 || rig_snapshot(&rig).last_event_age != 0) {
			fail_msg("%s", payloads[i]);
		}
	}
}

static void
an_unknown_or_nameless_event_is_handed_on(void **state)
{
	struct rig rig;

	(void)state;
	rig_login(&rig, 1);
	rig_say(&rig, "{\"t\":\"NEVER_HEARD\",\"s\":2,\"op\":0,\"d\":null}");
	assert_true(rig_did(&rig, SESSION_DISPATCH));
	rig_say(&rig, "{\"s\":3,\"op\":0}");
	assert_true(rig_did(&rig, SESSION_DISPATCH));
	assert_int_equal(rig.session.saved.seq, 3);
}

/* ---- op 7 and op 9 ---- */

static void
op_7_resumes_at_once_at_the_resume_host(void **state)
{
	static const mono_ns ages[] = {0, CLOCK_S(1), CLOCK_S(5) - 1, CLOCK_S(5),
	    CLOCK_S(3600)};
	struct rig rig;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(ages); i++) {
		rig_login(&rig, 1);
		rig.now += ages[i];
		rig_say(&rig, OP7);
		assert_int_equal(rig_closed(&rig), CLOSECODE_KEEP);
		assert_string_equal(rig_action(&rig, SESSION_CONNECT)->url, RESUME_URL);
		rig_open(&rig);
		assert_true(rig_did(&rig, SESSION_RESUME));
	}
}

static void
op_7_neither_counts_as_a_failure_nor_forgives_one(void **state)
{
	static const struct {
		const char *name;
		mono_ns age;
		uint32_t failures;
	} cases[] = {
	    {"a moment too young", CLOCK_S(5) - 1, 4},
	    {"just old enough", CLOCK_S(5), 3},
	    {"a moment before stable", CLOCK_S(60) - 1, 3},
	    {"stable", CLOCK_S(60), 0},
	};
	struct rig rig;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		rig_login(&rig, 1);
		rig.session.failures = 3;
		rig.now += cases[i].age;
		rig_say(&rig, OP7);
		if (rig.session.failures != cases[i].failures ||
		    rig_did(&rig, SESSION_CONNECT) != (i != 0)) {
			fail_msg("%s", cases[i].name);
		}
	}
}

static void
op_7_before_hello_is_obeyed(void **state)
{
	struct rig rig;

	(void)state;
	rig_init(&rig, &rig_saved, 1);
	rig_do(&rig, SESSION_START);
	rig_do(&rig, SESSION_OPENED);
	rig_say(&rig, OP7);
	assert_int_equal(rig_closed(&rig), CLOSECODE_KEEP);
	assert_true(rig_did(&rig, SESSION_CONNECT));
	assert_int_equal(rig.session.saved.seq, 7);
}

static void
the_servers_own_close_after_op_7_is_not_heard(void **state)
{
	struct rig rig;

	(void)state;
	rig_login(&rig, 1);
	rig.session.failures = 2;
	rig_say(&rig, OP7);
	assert_int_equal(rig.session.state, SNAPSHOT_BACKOFF);
	rig_lose(&rig, 1000);
	assert_int_equal(rig.actions.count, 0);
	assert_false(rig.session.doubtful);
	assert_int_equal(rig_snapshot(&rig).last_close_code, 0);
}

static void
op_9_waits_and_keeps_the_session_only_where_it_may(void **state)
{
	static const struct {
		const char *name;
		const char *payload;
		bool keeps;
		unsigned code;
	} cases[] = {
	    {"true", OP9TRUE, true, 4000},
	    {"false", OP9, false, 1000},
	    {"null", "{\"op\":9,\"d\":null}", false, 1000},
	    {"missing", "{\"op\":9}", false, 1000},
	    {"a string", "{\"op\":9,\"d\":\"true\"}", false, 1000},
	    {"one", "{\"op\":9,\"d\":1}", false, 1000},
	};
	static const char *const places[] = {"after RESUME", "when up"};
	struct rig rig;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		for (size_t place = 0; place < COUNT_OF(places); place++) {
			rig_begin_resume(&rig, i + 1);
			if (place == 1) {
				rig_resumed(&rig, 8);
			}
			rig_say(&rig, cases[i].payload);

			bool kept = rig.session.saved.id[0] != '\0';

			if (kept != cases[i].keeps ||
			    (rig.session.saved.seq >= 0) != cases[i].keeps ||
			    (rig.session.saved.resume_url[0] != '\0') !=
				cases[i].keeps ||
			    rig_did(&rig, SESSION_FORGET) == cases[i].keeps ||
			    rig_closed(&rig) != cases[i].code ||
			    rig.session.state != SNAPSHOT_BACKOFF) {
				fail_msg("%s, %s", cases[i].name, places[place]);
			}
			(void)rig_wake(&rig);
			assert_int_equal(rig_did(&rig, SESSION_ASK_SLOT),
			    !cases[i].keeps);
			assert_int_equal(rig_did(&rig, SESSION_CONNECT),
			    cases[i].keeps);
		}
	}
}

static void
op_9_waits_1_to_5_seconds(void **state)
{
	mono_ns least = CLOCK_NEVER;
	mono_ns most = 0;
	struct rig rig;

	(void)state;
	for (uint64_t seed = 0; seed < 1000; seed++) {
		rig_login(&rig, seed);
		rig_say(&rig, seed % 2 == 0 ? OP9 : OP9TRUE);

		mono_ns wait = rig_wake(&rig);

		least = wait < least ? wait : least;
		most = wait > most ? wait : most;
	}
	assert_in_range(least, CLOCK_S(1), CLOCK_MS(1100));
	assert_in_range(most, CLOCK_MS(4900), CLOCK_S(5));
}

static void
op_9_after_identify_is_counted_and_slows_down(void **state)
{
	struct rig rig;
	unsigned identifies = 0;
	mono_ns end = 0;

	(void)state;
	rig_init(&rig, NULL, 5);
	end = rig.now + CLOCK_S(3600);
	rig_do(&rig, SESSION_START);
	while (rig.now < end) {
		rig_do(&rig, SESSION_SLOT);
		rig_open(&rig);
		identifies += rig_did(&rig, SESSION_IDENTIFY);
		rig_say(&rig, identifies % 2 == 0 ? OP9 : OP9TRUE);
		(void)rig_sit_out(&rig);
		assert_true(rig_did(&rig, SESSION_ASK_SLOT));
	}
	/* A thousand a day are 41 an hour. */
	assert_in_range(identifies, 10, 41);
}

/* ---- what others ask ---- */

static void
the_operator_gets_a_new_connection_at_once(void **state)
{
	struct rig rig;

	(void)state;
	rig_login(&rig, 1);
	rig.session.failures = 5;
	rig_do(&rig, SESSION_RECONNECT);
	assert_int_equal(rig_closed(&rig), CLOSECODE_KEEP);
	assert_true(rig_did(&rig, SESSION_CONNECT));
	assert_int_equal(rig.session.failures, 5);
	rig_lose(&rig, 1006);
	assert_int_equal(rig.session.state, SNAPSHOT_BACKOFF);
	rig_do(&rig, SESSION_RECONNECT);
	assert_true(rig_did(&rig, SESSION_CONNECT));
}

static void
the_operator_does_not_use_up_the_resume_tries(void **state)
{
	struct rig rig;

	(void)state;
	rig_begin_resume(&rig, 1);
	for (int i = 0; i < 10; i++) {
		rig_do(&rig, SESSION_RECONNECT);
		rig_open(&rig);
		assert_true(rig_did(&rig, SESSION_RESUME));
	}
	assert_int_equal(rig.session.resume_tries, 1);
}

static void
a_fresh_reconnect_gives_the_session_up(void **state)
{
	static const struct session_event fresh = {.kind = SESSION_RECONNECT,
	    .drop_session = true};
	struct rig rig;

	(void)state;
	rig_login(&rig, 1);
	rig_step(&rig, &fresh);
	assert_int_equal(rig_closed(&rig), CLOSECODE_DONE);
	assert_true(rig_did(&rig, SESSION_FORGET));
	assert_true(rig_did(&rig, SESSION_ASK_SLOT));

	rig_login(&rig, 1);
	rig.session.failures = 5;
	rig_lose(&rig, 1006);
	assert_int_equal(rig.session.state, SNAPSHOT_BACKOFF);
	rig_step(&rig, &fresh);
	assert_true(rig_did(&rig, SESSION_FORGET));
	assert_true(rig_did(&rig, SESSION_ASK_SLOT));
}

static void
a_host_that_slept_drops_and_resumes_at_once(void **state)
{
	struct rig rig;

	(void)state;
	rig_login(&rig, 1);
	rig.now += CLOCK_S(600);
	rig_do(&rig, SESSION_SLEPT);
	assert_int_equal(rig_closed(&rig), CLOSECODE_KEEP);
	assert_true(rig_did(&rig, SESSION_CONNECT));
	assert_int_equal(rig_snapshot(&rig).disconnect_age, 0);
	rig_open(&rig);
	assert_true(rig_did(&rig, SESSION_RESUME));
}

static void
a_stop_keeps_the_session_and_is_final(void **state)
{
	struct rig rig;

	(void)state;
	rig_login(&rig, 1);
	rig_do(&rig, SESSION_STOP_ASKED);
	assert_int_equal(rig_closed(&rig), CLOSECODE_KEEP);
	assert_true(rig_did(&rig, SESSION_SAVE));
	assert_false(rig_did(&rig, SESSION_FORGET));
	assert_int_equal(session_wake_at(&rig.session), CLOCK_NEVER);
	for (int kind = SESSION_START; kind <= SESSION_STOP_ASKED; kind++) {
		if (kind != SESSION_PAYLOAD) {
			rig_do(&rig, (enum session_event_kind)kind);
			assert_int_equal(rig.actions.count, 0);
		}
	}
	rig_say(&rig, READY);
	assert_int_equal(rig.session.state, SNAPSHOT_STOPPED);
	assert_int_equal(rig.actions.count, 0);
}

static void
a_final_stop_ends_the_session(void **state)
{
	struct rig rig;

	(void)state;
	rig_login(&rig, 1);
	rig_step(&rig,
	    &(struct session_event){.kind = SESSION_STOP_ASKED, .drop_session = true});
	assert_int_equal(rig_closed(&rig), CLOSECODE_DONE);
	assert_true(rig_did(&rig, SESSION_FORGET));
	assert_false(rig_did(&rig, SESSION_SAVE));
}

static void
a_stop_gives_the_slot_back(void **state)
{
	struct rig rig;

	(void)state;
	rig_init(&rig, NULL, 1);
	rig_do(&rig, SESSION_START);
	rig_do(&rig, SESSION_STOP_ASKED);
	assert_true(rig_did(&rig, SESSION_DROP_SLOT));
	assert_int_equal(rig_closed(&rig), 0);
	rig_init(&rig, NULL, 1);
	rig_do(&rig, SESSION_START);
	rig_do(&rig, SESSION_SLOT);
	rig_do(&rig, SESSION_STOP_ASKED);
	assert_true(rig_did(&rig, SESSION_DROP_SLOT));
	assert_int_equal(rig_closed(&rig), CLOSECODE_KEEP);
}

static void
a_refusal_by_rest_is_final(void **state)
{
	struct rig rig;

	(void)state;
	rig_login(&rig, 1);
	rig_step(&rig,
	    &(struct session_event){.kind = SESSION_REFUSED, .text = "token is wrong"});
	assert_true(rig_did(&rig, SESSION_FATAL));
	assert_int_equal(rig_closed(&rig), CLOSECODE_KEEP);
	assert_string_equal(rig_snapshot(&rig).reason, "token is wrong");
	assert_int_equal(session_wake_at(&rig.session), CLOCK_NEVER);
	rig_init(&rig, NULL, 1);
	rig_do(&rig, SESSION_REFUSED);
	assert_true(rig_did(&rig, SESSION_FATAL));
	assert_string_not_equal(rig_snapshot(&rig).reason, "");
}

static void
a_slot_that_nobody_waits_for_goes_back(void **state)
{
	struct rig rig;

	(void)state;
	rig_login(&rig, 1);
	rig_do(&rig, SESSION_SLOT);
	assert_true(rig_did(&rig, SESSION_DROP_SLOT));
	rig_init(&rig, NULL, 1);
	rig_do(&rig, SESSION_START);
	rig_do(&rig, SESSION_SLOT);
	rig_do(&rig, SESSION_SLOT);
	assert_int_equal(rig.actions.count, 0); /* still in use */
}

/* ---- the view ---- */

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

		assert_non_null(changed);
		assert_int_equal(changed->old_state, last);
		assert_int_equal(changed->new_state, rig.session.state);
		last = rig.session.state;
	}
	assert_int_equal(last, SNAPSHOT_FATAL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_new_session_takes_a_slot_before_it_connects),
	    cmocka_unit_test(a_stored_session_is_resumed_without_a_slot),
	    cmocka_unit_test(a_stored_session_without_a_sequence_is_no_session),
	    cmocka_unit_test(start_is_taken_once),
	    cmocka_unit_test(each_step_of_a_login_has_its_deadline),
	    cmocka_unit_test(a_late_deadline_is_put_off_once),
	    cmocka_unit_test(what_waits_in_the_kernel_saves_a_late_login),
	    cmocka_unit_test(dispatches_and_pieces_restart_the_wait_for_ready),
	    cmocka_unit_test(pings_do_not_hold_a_login_open_for_ever),
	    cmocka_unit_test(a_hello_that_cannot_be_used_ends_the_connection),
	    cmocka_unit_test(a_second_hello_changes_nothing),
	    cmocka_unit_test(before_hello_nothing_but_orders_is_heard),
	    cmocka_unit_test(payloads_without_a_connection_are_not_heard),
	    cmocka_unit_test(ready_without_an_id_works_but_cannot_be_resumed),
	    cmocka_unit_test(
		ready_without_a_sequence_is_resumable_from_the_first_dispatch_on),
	    cmocka_unit_test(ready_that_cannot_be_read_is_no_ready),
	    cmocka_unit_test(ready_twice_is_one_connection),
	    cmocka_unit_test(ready_of_another_session_sets_the_sequence),
	    cmocka_unit_test(
		ready_in_answer_to_resume_keeps_the_sequence_of_the_same_session),
	    cmocka_unit_test(resumed_without_a_resume_is_a_dispatch_like_any),
	    cmocka_unit_test(resumed_counts_whatever_its_sequence_says),
	    cmocka_unit_test(the_sequence_moves_forward_only),
	    cmocka_unit_test(control_payloads_do_not_touch_the_sequence),
	    cmocka_unit_test(a_replay_is_handed_on_once_though_it_is_broken_off),
	    cmocka_unit_test(odd_payloads_are_signs_of_life_and_nothing_more),
	    cmocka_unit_test(an_unknown_or_nameless_event_is_handed_on),
	    cmocka_unit_test(op_7_resumes_at_once_at_the_resume_host),
	    cmocka_unit_test(op_7_neither_counts_as_a_failure_nor_forgives_one),
	    cmocka_unit_test(op_7_before_hello_is_obeyed),
	    cmocka_unit_test(the_servers_own_close_after_op_7_is_not_heard),
	    cmocka_unit_test(op_9_waits_and_keeps_the_session_only_where_it_may),
	    cmocka_unit_test(op_9_waits_1_to_5_seconds),
	    cmocka_unit_test(op_9_after_identify_is_counted_and_slows_down),
	    cmocka_unit_test(the_operator_gets_a_new_connection_at_once),
	    cmocka_unit_test(the_operator_does_not_use_up_the_resume_tries),
	    cmocka_unit_test(a_fresh_reconnect_gives_the_session_up),
	    cmocka_unit_test(a_host_that_slept_drops_and_resumes_at_once),
	    cmocka_unit_test(a_stop_keeps_the_session_and_is_final),
	    cmocka_unit_test(a_final_stop_ends_the_session),
	    cmocka_unit_test(a_stop_gives_the_slot_back),
	    cmocka_unit_test(a_refusal_by_rest_is_final),
	    cmocka_unit_test(a_slot_that_nobody_waits_for_goes_back),
	    cmocka_unit_test(disconnect_age_counts_from_the_first_loss),
	    cmocka_unit_test(every_way_down_starts_the_disconnect_age),
	    cmocka_unit_test(a_shard_that_never_connected_is_down_from_the_first_check),
	    cmocka_unit_test(the_snapshot_says_what_is),
	    cmocka_unit_test(pieces_and_pings_are_no_events),
	    cmocka_unit_test(a_long_reason_is_cut_at_a_whole_character),
	    cmocka_unit_test(each_change_of_state_is_told_with_both_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
