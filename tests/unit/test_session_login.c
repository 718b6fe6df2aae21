/* Session: the way to READY, its deadlines, and READY in odd places. */
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
	assert_string_equal(rig_host(&rig), GENERAL);
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
	assert_string_equal(rig_host(&rig), RESUME_URL);
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

/* Where in the last step the first action of this kind stands. */
static size_t
place_of(const struct rig *rig, enum session_action_kind kind)
{
	size_t place = 0;

	while (place < rig->actions.count && rig->actions.list[place].kind != kind) {
		place++;
	}
	assert_true(place < rig->actions.count);
	return place;
}

static void
resumed_is_handed_on_before_the_record_says_so(void **state)
{
	struct rig rig;

	(void)state;
	rig_init(&rig, &rig_saved, 1);
	rig_do(&rig, SESSION_START);
	rig_open(&rig);
	rig_resumed(&rig, 9);
	/* A kill between the two then repeats it rather than loses it. */
	assert_true(place_of(&rig, SESSION_DISPATCH) < place_of(&rig, SESSION_SAVE));
	/* And whoever reads "ready" may kill the process. */
	assert_true(place_of(&rig, SESSION_SAVE) < place_of(&rig, SESSION_CHANGED));
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
a_piece_never_brings_the_deadline_forward(void **state)
{
	struct rig rig;

	(void)state;
	rig_begin_resume(&rig, 1);
	rig.session.beat_due = CLOCK_NEVER;
	rig.now += CLOCK_S(300);
	rig_do(&rig, SESSION_TIMEOUT); /* late: put off */

	mono_ns deadline = session_wake_at(&rig.session);

	rig_do(&rig, SESSION_FRAME);
	assert_int_equal(session_wake_at(&rig.session), deadline);
	assert_true(deadline > rig.now);
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
	assert_string_equal(rig_host(&rig), GENERAL);
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

static void
a_deadline_that_is_late_is_put_off_once_and_no_more(void **state)
{
	struct rig rig;

	(void)state;
	rig_begin_resume(&rig, 1);
	rig.now = rig.session.deadline + CLOCK_S(1);
	rig_do(&rig, SESSION_TIMEOUT);
	assert_int_equal(rig.session.state, SNAPSHOT_RESUMING);
	rig.now = rig.session.deadline + CLOCK_S(1);
	rig_do(&rig, SESSION_TIMEOUT);
	assert_int_not_equal(rig.session.state, SNAPSHOT_RESUMING);
	assert_int_equal(rig_closed(&rig), CLOSECODE_KEEP);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_deadline_that_is_late_is_put_off_once_and_no_more),
	    cmocka_unit_test(a_new_session_takes_a_slot_before_it_connects),
	    cmocka_unit_test(a_stored_session_is_resumed_without_a_slot),
	    cmocka_unit_test(resumed_is_handed_on_before_the_record_says_so),
	    cmocka_unit_test(a_stored_session_without_a_sequence_is_no_session),
	    cmocka_unit_test(start_is_taken_once),
	    cmocka_unit_test(each_step_of_a_login_has_its_deadline),
	    cmocka_unit_test(a_late_deadline_is_put_off_once),
	    cmocka_unit_test(what_waits_in_the_kernel_saves_a_late_login),
	    cmocka_unit_test(dispatches_and_pieces_restart_the_wait_for_ready),
	    cmocka_unit_test(a_piece_never_brings_the_deadline_forward),
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
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
