/* Session: the rungs of the cure, and what a snapshot says of them. */
#include "session_rig.h"

static void
assert_rung(const struct rig *rig, enum snapshot_cure cure, uint32_t tries)
{
	struct snapshot snap = rig_snapshot(rig);

	if (snap.cure != cure || snap.cure_tries != tries) {
		fail_msg("%s, %" PRIu32 " tries", snapshot_cure_text(snap.cure),
		    snap.cure_tries);
	}
}

static void
unanswered_resumes_climb_to_the_general_host_and_then_to_a_new_session(void **state)
{
	struct rig rig;

	(void)state;
	rig_begin_resume(&rig, 1);
	assert_rung(&rig, SNAPSHOT_CURE_RESUME, 0);
	rig_lose(&rig, 1006);
	assert_rung(&rig, SNAPSHOT_CURE_RESUME, 1);
	(void)rig_sit_out(&rig);
	rig_open(&rig);
	rig_lose(&rig, 1006);
	assert_rung(&rig, SNAPSHOT_CURE_GENERAL, 0);
	(void)rig_sit_out(&rig);
	assert_string_equal(rig_host(&rig), GENERAL);
	rig_open(&rig);
	rig_lose(&rig, 1006);
	assert_rung(&rig, SNAPSHOT_CURE_IDENTIFY, 0);
	(void)rig_sit_out(&rig);
	assert_int_equal(rig.session.state, SNAPSHOT_WAIT_SLOT);
	for (uint32_t i = 1; i <= 5; i++) {
		rig_do(&rig, SESSION_SLOT);
		rig_open(&rig);
		rig_lose(&rig, 1006);
		assert_rung(&rig, SNAPSHOT_CURE_IDENTIFY, i);
		(void)rig_sit_out(&rig);
	}
	rig_do(&rig, SESSION_SLOT);
	rig_open(&rig);
	rig_say(&rig, READY);
	assert_rung(&rig, SNAPSHOT_CURE_NONE, 0);
	rig_lose(&rig, 1006);
	assert_rung(&rig, SNAPSHOT_CURE_RESUME, 0);
}

static void
failed_connects_are_tries_of_the_host_that_failed(void **state)
{
	static const struct {
		enum snapshot_cure cure;
		uint32_t tries;
	} after[] = {
	    {SNAPSHOT_CURE_RESUME, 1},
	    {SNAPSHOT_CURE_GENERAL, 0},
	    {SNAPSHOT_CURE_GENERAL, 1},
	    {SNAPSHOT_CURE_RESUME, 0},
	    {SNAPSHOT_CURE_RESUME, 1},
	};
	struct rig rig;

	(void)state;
	rig_login(&rig, 1);
	rig_lose(&rig, 1006);
	assert_rung(&rig, SNAPSHOT_CURE_RESUME, 0);
	for (size_t i = 0; i < COUNT_OF(after); i++) {
		rig_lose(&rig, CLOSECODE_NONE);
		assert_rung(&rig, after[i].cure, after[i].tries);
		(void)rig_sit_out(&rig);
		assert_string_equal(rig_host(&rig),
		    after[i].cure == SNAPSHOT_CURE_RESUME ? RESUME_URL : GENERAL);
	}
}

static void
a_session_without_a_host_of_its_own_has_all_its_tries_at_the_general_one(void **state)
{
	struct session_saved saved = rig_saved;
	struct rig rig;

	(void)state;
	saved.resume_url[0] = '\0';
	rig_init(&rig, &saved, 1);
	rig_do(&rig, SESSION_START);
	for (uint32_t i = 0; i < 3; i++) {
		assert_rung(&rig, SNAPSHOT_CURE_GENERAL, i);
		rig_open(&rig);
		rig_lose(&rig, 1006);
		(void)rig_sit_out(&rig);
	}
	assert_rung(&rig, SNAPSHOT_CURE_IDENTIFY, 0);
}

static void
what_we_end_ourselves_is_no_failed_try(void **state)
{
	static const struct session_event ends[] = {
	    {.kind = SESSION_SLEPT},
	    {.kind = SESSION_RECONNECT},
	};
	struct rig rig;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(ends); i++) {
		rig_begin_resume(&rig, 1);
		rig_lose(&rig, 1006);
		rig_open(&rig);
		rig_step(&rig, &ends[i]);
		assert_rung(&rig, SNAPSHOT_CURE_RESUME, 1);
	}
}

static void
a_lost_session_begins_its_rung_anew(void **state)
{
	struct rig rig;

	(void)state;
	rig_init(&rig, NULL, 1);
	rig_do(&rig, SESSION_START);
	assert_rung(&rig, SNAPSHOT_CURE_IDENTIFY, 0);
	rig_do(&rig, SESSION_SLOT);
	rig_lose(&rig, CLOSECODE_NONE);
	assert_rung(&rig, SNAPSHOT_CURE_IDENTIFY, 1);

	rig_login(&rig, 1);
	rig_lose(&rig, 4009);
	assert_rung(&rig, SNAPSHOT_CURE_IDENTIFY, 0);
	rig_login(&rig, 1);
	rig_lose(&rig, 4004);
	assert_rung(&rig, SNAPSHOT_CURE_NONE, 0);
}

static void
an_outage_of_a_day_costs_no_session(void **state)
{
	struct rig rig;
	unsigned hosts[2] = {0, 0};

	(void)state;
	rig_login(&rig, 3);
	rig_lose(&rig, 1006);

	mono_ns lost_at = rig.now;

	while (rig.now - lost_at < CLOCK_S(86400)) {
		hosts[rig.session.at_general]++;
		if (hosts[0] % 2 == 0) {
			rig_lose(&rig, CLOSECODE_NONE); /* no route */
		} else {
			(void)rig_wake(&rig); /* silence */
		}
		(void)rig_sit_out(&rig);
		assert_int_equal(rig.session.state, SNAPSHOT_CONNECTING);
		assert_int_equal(rig.session.resume_tries, 0);
	}
	assert_in_range(hosts[0], hosts[1] - 2, hosts[1] + 2);
	rig_open(&rig);
	assert_true(rig_did(&rig, SESSION_RESUME));
	rig_resumed(&rig, 2);
	assert_int_equal(rig.session.identifies, 1);
}

/* An incident at Discord's side: connections live, beats are answered, READY is late.
 */
static void
a_day_without_ready_spends_few_identifies(void **state)
{
	struct rig rig;

	(void)state;
	rig_init(&rig, NULL, 11);
	rig_do(&rig, SESSION_START);

	mono_ns end = rig.now + CLOCK_S(86400);

	while (rig.now < end) {
		rig_do(&rig, SESSION_SLOT);
		rig_open(&rig);
		while (rig.session.state == SNAPSHOT_IDENTIFYING) {
			(void)rig_wake(&rig);
			if (rig_did(&rig, SESSION_HEARTBEAT)) {
				rig_say(&rig, ACK);
			}
		}
		assert_int_equal(rig_closed(&rig), CLOSECODE_KEEP);
		(void)rig_sit_out(&rig);
	}
	assert_in_range(rig.session.identifies, 100, 400);
	assert_int_equal(rig.session.zombies, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(
		unanswered_resumes_climb_to_the_general_host_and_then_to_a_new_session),
	    cmocka_unit_test(failed_connects_are_tries_of_the_host_that_failed),
	    cmocka_unit_test(
		a_session_without_a_host_of_its_own_has_all_its_tries_at_the_general_one),
	    cmocka_unit_test(what_we_end_ourselves_is_no_failed_try),
	    cmocka_unit_test(a_lost_session_begins_its_rung_anew),
	    cmocka_unit_test(an_outage_of_a_day_costs_no_session),
	    cmocka_unit_test(a_day_without_ready_spends_few_identifies),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
