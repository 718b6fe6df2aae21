/* Session: its sequence, the orders of the gateway and of the operator. */
#include "session_rig.h"

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
		assert_string_equal(rig_host(&rig), RESUME_URL);
		rig_open(&rig);
		assert_true(rig_did(&rig, SESSION_RESUME));
	}
}

static void
op_7_counts_as_a_failure_only_when_young(void **state)
{
	static const struct {
		const char *name;
		mono_ns age;
		uint32_t failures;
	} cases[] = {
	    {"a moment too young", CLOCK_S(5) - 1, 4},
	    {"just old enough", CLOCK_S(5), 2},
	    {"old enough for all", CLOCK_S(20), 0},
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
	assert_int_equal(rig_snapshot(&rig).identifies_refused, identifies);
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

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_sequence_moves_forward_only),
	    cmocka_unit_test(control_payloads_do_not_touch_the_sequence),
	    cmocka_unit_test(a_replay_is_handed_on_once_though_it_is_broken_off),
	    cmocka_unit_test(odd_payloads_are_signs_of_life_and_nothing_more),
	    cmocka_unit_test(an_unknown_or_nameless_event_is_handed_on),
	    cmocka_unit_test(op_7_resumes_at_once_at_the_resume_host),
	    cmocka_unit_test(op_7_counts_as_a_failure_only_when_young),
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
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
