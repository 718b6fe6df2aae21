/* Session: when the presence is sent, and how often it may be. */
#include "session_rig.h"

static void
login(struct rig *rig, bool has_presence)
{
	rig_init(rig, NULL, 1);
	rig->session.config.has_presence = has_presence;
	rig_do(rig, SESSION_START);
	rig_do(rig, SESSION_SLOT);
	rig_open(rig);
	rig_say(rig, READY);
}

/* Loses the connection and resumes. */
static void
resume(struct rig *rig)
{
	rig_lose(rig, 1006);
	(void)rig_sit_out(rig);
	rig_open(rig);
	assert_false(rig_did(rig, SESSION_SHOW));
	rig_resumed(rig, rig->session.saved.seq + 1);
}

/* Lives on with answered beats until it is shown or limit has passed. */
static bool
shown_within(struct rig *rig, mono_ns limit)
{
	mono_ns end = rig->now + limit;

	while (session_wake_at(&rig->session) <= end) {
		(void)rig_wake(rig);
		if (rig_did(rig, SESSION_SHOW)) {
			return true;
		}
		if (rig_did(rig, SESSION_HEARTBEAT)) {
			rig_say(rig, ACK);
		}
	}
	rig->now = end;
	return false;
}

static void
it_is_shown_again_after_each_resume(void **state)
{
	struct rig rig;

	(void)state;
	login(&rig, true);
	assert_false(rig_did(&rig, SESSION_SHOW)); /* IDENTIFY had it */
	for (int i = 0; i < 3; i++) {
		rig.now += CLOCK_S(30);
		resume(&rig);
		assert_true(rig_did(&rig, SESSION_SHOW));
	}
}

static void
without_one_nothing_is_shown(void **state)
{
	struct rig rig;

	(void)state;
	login(&rig, false);
	resume(&rig);
	assert_false(rig_did(&rig, SESSION_SHOW));
	assert_false(shown_within(&rig, CLOCK_S(86400)));
}

static void
it_is_repeated_each_hour(void **state)
{
	struct rig rig;

	(void)state;
	login(&rig, true);
	for (int hour = 0; hour < 5; hour++) {
		mono_ns before = rig.now;

		assert_true(shown_within(&rig, CLOCK_S(86400)));
		assert_int_equal(rig.now - before, CLOCK_S(3600));
	}
}

static void
another_one_is_shown_at_once_where_the_session_is_up(void **state)
{
	struct rig rig;

	(void)state;
	login(&rig, false);
	rig_do(&rig, SESSION_PRESENCE);
	assert_true(rig_did(&rig, SESSION_SHOW));
	assert_int_equal(rig.actions.count, 1);
	resume(&rig);
	assert_true(rig_did(&rig, SESSION_SHOW));
}

static void
another_one_waits_for_a_session_that_is_down(void **state)
{
	struct rig rig;

	(void)state;
	rig_init(&rig, NULL, 1);
	rig_do(&rig, SESSION_START);
	rig_do(&rig, SESSION_SLOT);
	rig_do(&rig, SESSION_PRESENCE); /* in time for IDENTIFY */
	assert_int_equal(rig.actions.count, 0);
	rig_open(&rig);
	rig_say(&rig, READY);
	assert_false(rig_did(&rig, SESSION_SHOW));

	rig_lose(&rig, 4009);
	(void)rig_sit_out(&rig);
	rig_do(&rig, SESSION_SLOT);
	rig_open(&rig);
	assert_true(rig_did(&rig, SESSION_IDENTIFY));
	rig_do(&rig, SESSION_PRESENCE); /* IDENTIFY had the one before */
	assert_int_equal(rig.actions.count, 0);
	rig_say(&rig, READY);
	assert_true(rig_did(&rig, SESSION_SHOW));
}

/* In no 20 s more than five, over connections; the last one always gets through. */
static void
five_in_twenty_seconds_are_the_most(void **state)
{
	mono_ns shown[64];
	size_t count = 0;
	struct rig rig;

	(void)state;
	login(&rig, true);
	for (int i = 0; i < 45; i++) {
		rig.now += CLOCK_S(1);
		if (i % 10 == 9) {
			resume(&rig);
		} else {
			rig_do(&rig, SESSION_PRESENCE);
		}
		if (rig_did(&rig, SESSION_SHOW)) {
			shown[count++] = rig.now;
		}
	}
	rig_do(&rig, SESSION_PRESENCE);
	assert_false(rig_did(&rig, SESSION_SHOW));
	assert_true(shown_within(&rig, CLOCK_S(20)));
	shown[count++] = rig.now;
	assert_in_range(count, 10, 16);
	for (size_t i = 5; i < count; i++) {
		assert_true(shown[i] - shown[i - 5] >= CLOCK_S(20));
	}
}

static void
it_waits_for_room_among_the_ordinary_sends(void **state)
{
	struct rig rig;

	(void)state;
	login(&rig, true);
	rig.now += CLOCK_S(1);
	while (send_budget_take(&rig.session.sends, rig.now, false)) {
	}
	mono_ns full_at = rig.now;

	rig_do(&rig, SESSION_PRESENCE);
	assert_false(rig_did(&rig, SESSION_SHOW));
	assert_true(shown_within(&rig, CLOCK_S(120)));
	assert_in_range(rig.now - full_at, CLOCK_S(50), CLOCK_S(62));
}

static void
a_session_that_is_over_shows_nothing(void **state)
{
	struct rig rig;

	(void)state;
	login(&rig, true);
	rig_do(&rig, SESSION_STOP_ASKED);
	assert_int_equal(session_wake_at(&rig.session), CLOCK_NEVER);
	rig_do(&rig, SESSION_PRESENCE);
	assert_int_equal(rig.actions.count, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(it_is_shown_again_after_each_resume),
	    cmocka_unit_test(without_one_nothing_is_shown),
	    cmocka_unit_test(it_is_repeated_each_hour),
	    cmocka_unit_test(another_one_is_shown_at_once_where_the_session_is_up),
	    cmocka_unit_test(another_one_waits_for_a_session_that_is_down),
	    cmocka_unit_test(five_in_twenty_seconds_are_the_most),
	    cmocka_unit_test(it_waits_for_room_among_the_ordinary_sends),
	    cmocka_unit_test(a_session_that_is_over_shows_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
