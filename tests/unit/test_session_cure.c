/* Session: what each loss costs, and when a session is given up. */
#include "session_rig.h"

/* What the machine does after a loss. */
enum outcome {
	RESUMES,
	RESUMES_ONCE,
	IDENTIFIES,
	STOPS,
};

static const struct {
	unsigned code;
	enum outcome outcome;
} rows[] = {
    {CLOSECODE_NONE, RESUMES},
    {0, RESUMES},
    {999, RESUMES},
    {1000, RESUMES_ONCE},
    {1001, RESUMES},
    {1002, RESUMES},
    {1003, RESUMES},
    {1004, RESUMES},
    {1006, RESUMES},
    {1007, RESUMES},
    {1008, RESUMES},
    {1009, RESUMES},
    {1010, RESUMES},
    {1011, RESUMES},
    {1012, RESUMES},
    {1013, RESUMES},
    {1014, RESUMES},
    {1015, RESUMES},
    {4000, RESUMES},
    {4001, IDENTIFIES},
    {4002, RESUMES},
    {4003, IDENTIFIES},
    {4004, STOPS},
    {4005, RESUMES_ONCE},
    {4006, IDENTIFIES},
    {4007, IDENTIFIES},
    {4008, RESUMES},
    {4009, IDENTIFIES},
    {4010, STOPS},
    {4011, STOPS},
    {4012, STOPS},
    {4013, STOPS},
    {4014, STOPS},
    {4015, RESUMES},
    {4999, RESUMES},
    {65535, RESUMES},
};

/* Plays on from a loss until it is clear what the machine made of it. */
static enum outcome
outcome_of(struct rig *rig)
{
	if (rig_did(rig, SESSION_FATAL)) {
		return STOPS;
	}
	(void)rig_sit_out(rig);
	if (rig->session.state == SNAPSHOT_WAIT_SLOT) {
		return IDENTIFIES;
	}
	rig_open(rig);
	assert_true(rig_did(rig, SESSION_RESUME));
	rig_lose(rig, CLOSECODE_NONE);
	(void)rig_sit_out(rig);
	return rig->session.state == SNAPSHOT_WAIT_SLOT ? RESUMES_ONCE : RESUMES;
}

static void
every_close_code_has_its_cure_when_up(void **state)
{
	struct rig rig;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		rig_login(&rig, 1);
		rig_lose(&rig, rows[i].code);

		bool held = rig.session.saved.id[0] != '\0';
		bool keeps =
		    rows[i].outcome == RESUMES || rows[i].outcome == RESUMES_ONCE;

		if (held != keeps || (rig.session.saved.seq >= 0) != keeps ||
		    rig_did(&rig, SESSION_FORGET) == keeps ||
		    outcome_of(&rig) != rows[i].outcome) {
			fail_msg("close code %u", rows[i].code);
		}
	}
}

static void
every_close_code_has_its_cure_in_answer_to_resume(void **state)
{
	struct rig rig;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		rig_begin_resume(&rig, 1);
		rig_lose(&rig, rows[i].code);
		if (outcome_of(&rig) != rows[i].outcome) {
			fail_msg("close code %u", rows[i].code);
		}
	}
}

static void
every_close_code_has_its_cure_in_answer_to_identify(void **state)
{
	struct rig rig;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		rig_init(&rig, NULL, 1);
		rig_do(&rig, SESSION_START);
		rig_do(&rig, SESSION_SLOT);
		rig_open(&rig);
		rig_lose(&rig, rows[i].code);

		enum outcome expected = rows[i].outcome == STOPS ? STOPS : IDENTIFIES;

		if (outcome_of(&rig) != expected) {
			fail_msg("close code %u", rows[i].code);
		}
	}
}

static void
a_fatal_code_is_followed_by_nothing_within_an_hour(void **state)
{
	struct rig rig;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		if (rows[i].outcome != STOPS) {
			continue;
		}
		rig_login(&rig, 1);
		rig_lose(&rig, rows[i].code);
		assert_int_equal(rig_snapshot(&rig).last_close_code, rows[i].code);
		assert_int_equal(session_wake_at(&rig.session), CLOCK_NEVER);
		for (int second = 0; second < 3600; second++) {
			rig.now += CLOCK_S(1);
			rig_do(&rig, SESSION_TIMEOUT);
			assert_int_equal(rig.actions.count, 0);
		}
		rig_do(&rig, SESSION_RECONNECT);
		rig_do(&rig, SESSION_SLOT);
		rig_do(&rig, SESSION_START);
		assert_int_equal(rig.session.state, SNAPSHOT_FATAL);
	}
}

static void
a_loss_without_a_code_keeps_the_last_one(void **state)
{
	struct rig rig;

	(void)state;
	rig_login(&rig, 1);
	rig_lose(&rig, 1001);
	rig_lose(&rig, CLOSECODE_NONE);
	assert_int_equal(rig_snapshot(&rig).last_close_code, 1001);
}

static void
too_many_sends_slow_the_ordinary_ones(void **state)
{
	static const uint32_t limits[] = {55, 27, 15, 15};
	struct rig rig;

	(void)state;
	rig_login(&rig, 1);
	for (size_t i = 0; i < COUNT_OF(limits); i++) {
		uint32_t sent = 0;

		rig_lose(&rig, 4008);
		(void)rig_sit_out(&rig);
		while (send_budget_take(&rig.session.sends, rig.now, false)) {
			sent++;
		}
		assert_int_equal(sent, limits[i]);
		rig_open(&rig);
		rig_resumed(&rig, 2);
		rig.now += CLOCK_S(61);
	}
}

/* ---- when a session is given up ---- */

static void
three_unanswered_resumes_end_a_session(void **state)
{
	struct rig rig;

	(void)state;
	rig_begin_resume(&rig, 1);
	for (int i = 1; i <= 3; i++) {
		assert_int_equal(rig.session.resume_tries, i);
		assert_string_equal(rig.session.saved.id, rig_saved.id);
		rig_lose(&rig, 1006);
		(void)rig_sit_out(&rig);
		if (i < 3) {
			rig_open(&rig);
		}
	}
	assert_int_equal(rig.session.state, SNAPSHOT_WAIT_SLOT);
	assert_string_equal(rig.session.saved.id, "");
	assert_int_equal(rig.session.saved.seq, -1);
}

static void
resumes_that_time_out_or_turn_zombie_are_tries_too(void **state)
{
	struct rig rig;

	(void)state;
	rig_begin_resume(&rig, 1);
	for (int i = 0; i < 3; i++) {
		while (rig.session.state == SNAPSHOT_RESUMING) {
			(void)rig_wake(&rig);
		}
		(void)rig_sit_out(&rig);
		if (i < 2) {
			rig_open(&rig);
		}
	}
	assert_int_equal(rig.session.state, SNAPSHOT_WAIT_SLOT);
}

static void
op_9_true_to_every_resume_ends_in_a_new_session(void **state)
{
	struct rig rig;
	unsigned resumes = 1;

	(void)state;
	rig_begin_resume(&rig, 1);
	while (rig.session.state != SNAPSHOT_WAIT_SLOT && resumes < 10) {
		rig_say(&rig, OP9TRUE);
		(void)rig_sit_out(&rig);
		if (rig.session.state == SNAPSHOT_CONNECTING) {
			rig_open(&rig);
			resumes++;
		}
	}
	assert_int_equal(resumes, 3);
}

static void
a_resumed_session_has_all_its_tries_again(void **state)
{
	struct rig rig;

	(void)state;
	rig_begin_resume(&rig, 1);
	for (int i = 0; i < 10; i++) {
		rig_lose(&rig, 1006);
		(void)rig_sit_out(&rig);
		rig_open(&rig);
		rig_resumed(&rig, 8 + i);
	}
	assert_int_equal(rig.session.resume_tries, 0);
	assert_string_equal(rig.session.saved.id, rig_saved.id);
}

static void
after_five_minutes_down_one_failed_resume_is_enough(void **state)
{
	static const struct {
		const char *name;
		mono_ns down;
		bool given_up;
	} cases[] = {
	    {"a minute", CLOCK_S(60), false},
	    {"exactly five", CLOCK_S(300), false},
	    {"a moment more", CLOCK_S(300) + 1, true},
	};
	struct rig rig;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		rig_login(&rig, 1);
		rig_lose(&rig, 1006);

		mono_ns lost_at = rig.now;

		rig_open(&rig);
		rig.now = lost_at + cases[i].down;
		rig_lose(&rig, 1006);
		if ((rig.session.saved.id[0] == '\0') != cases[i].given_up) {
			fail_msg("%s", cases[i].name);
		}
	}
}

static void
an_outage_without_a_single_resume_keeps_the_session(void **state)
{
	struct rig rig;

	(void)state;
	rig_login(&rig, 1);
	rig_lose(&rig, 1006);
	rig_open(&rig);
	rig_lose(&rig, 1006); /* one RESUME fails before the outage */

	mono_ns lost_at = rig.now;

	while (rig.now - lost_at < CLOCK_S(3600)) {
		rig_lose(&rig, CLOSECODE_NONE);
		(void)rig_sit_out(&rig);
		assert_int_equal(rig.session.state, SNAPSHOT_CONNECTING);
	}
	rig_open(&rig);
	assert_true(rig_did(&rig, SESSION_RESUME));
	rig_lose(&rig, 1006);
	assert_string_equal(rig.session.saved.id, "");
	assert_int_equal(rig.session.identifies, 1);
}

static void
a_payload_that_cannot_be_read_three_times_ends_the_session(void **state)
{
	static const struct session_event unreadable = {.kind = SESSION_UNREADABLE,
	    .text = "not JSON"};
	struct rig rig;

	(void)state;
	rig_login(&rig, 1);
	rig_step(&rig, &unreadable);
	assert_int_equal(rig_closed(&rig), CLOSECODE_KEEP);
	assert_string_equal(rig_snapshot(&rig).reason, "not JSON");
	for (int i = 2; i <= 3; i++) {
		assert_string_not_equal(rig.session.saved.id, "");
		(void)rig_sit_out(&rig);
		rig_open(&rig);
		rig_step(&rig, &unreadable);
	}
	assert_string_equal(rig.session.saved.id, "");
	assert_true(rig_did(&rig, SESSION_FORGET));
}

static void
unreadable_payloads_at_different_places_do_not_add_up(void **state)
{
	struct rig rig;

	(void)state;
	rig_login(&rig, 1);
	for (int64_t seq = 2; seq < 20; seq++) {
		rig_do(&rig, SESSION_UNREADABLE);
		(void)rig_sit_out(&rig);
		rig_open(&rig);
		rig_dispatch(&rig, seq);
		rig_resumed(&rig, seq);
		assert_int_equal(rig.session.state, SNAPSHOT_READY);
	}
	assert_string_not_equal(rig.session.saved.id, "");
	assert_int_equal(rig.session.identifies, 1);
}

/* ---- what comes late ---- */

static void
what_comes_after_the_end_is_not_heard(void **state)
{
	struct rig rig;

	(void)state;
	rig_login(&rig, 1);
	rig.session.failures = 5;
	rig_lose(&rig, 1006);

	struct session before = rig.session;

	rig_lose(&rig, 4004);
	assert_int_equal(rig.actions.count, 0);
	rig_do(&rig, SESSION_OPENED);
	rig_do(&rig, SESSION_UNREADABLE);
	rig_say(&rig, READY);
	rig_say(&rig, OP9);
	assert_int_equal(rig.actions.count, 0);
	assert_memory_equal(&before.saved, &rig.session.saved, sizeof before.saved);
	assert_int_equal(rig.session.state, SNAPSHOT_BACKOFF);
	assert_int_equal(rig.session.failures, before.failures);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_close_code_has_its_cure_when_up),
	    cmocka_unit_test(every_close_code_has_its_cure_in_answer_to_resume),
	    cmocka_unit_test(every_close_code_has_its_cure_in_answer_to_identify),
	    cmocka_unit_test(a_fatal_code_is_followed_by_nothing_within_an_hour),
	    cmocka_unit_test(a_loss_without_a_code_keeps_the_last_one),
	    cmocka_unit_test(too_many_sends_slow_the_ordinary_ones),
	    cmocka_unit_test(three_unanswered_resumes_end_a_session),
	    cmocka_unit_test(resumes_that_time_out_or_turn_zombie_are_tries_too),
	    cmocka_unit_test(op_9_true_to_every_resume_ends_in_a_new_session),
	    cmocka_unit_test(a_resumed_session_has_all_its_tries_again),
	    cmocka_unit_test(after_five_minutes_down_one_failed_resume_is_enough),
	    cmocka_unit_test(an_outage_without_a_single_resume_keeps_the_session),
	    cmocka_unit_test(
		a_payload_that_cannot_be_read_three_times_ends_the_session),
	    cmocka_unit_test(unreadable_payloads_at_different_places_do_not_add_up),
	    cmocka_unit_test(what_comes_after_the_end_is_not_heard),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
