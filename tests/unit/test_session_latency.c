/* Session: what the answers to heartbeats say, and the truth about latency. */
#include "session_rig.h"

static void
answers_without_beats_say_nothing(void **state)
{
	struct rig rig;

	(void)state;
	rig_login(&rig, 1);
	for (int i = 0; i < 1000; i++) {
		rig_say(&rig, ACK);
	}
	assert_int_equal(rig_snapshot(&rig).latency, SNAPSHOT_NONE);
	rig_beat(&rig);
	rig.now += CLOCK_S(9);
	rig_say(&rig, ACK);
	assert_int_equal(rig_snapshot(&rig).latency, CLOCK_MS(50));
}

static void
latency_is_unknown_before_the_first_answer(void **state)
{
	struct rig rig;

	(void)state;
	rig_login(&rig, 1);
	assert_int_equal(rig_snapshot(&rig).latency, SNAPSHOT_NONE);
	(void)rig_wake(&rig);
	rig.now += CLOCK_S(20);
	assert_int_equal(rig_snapshot(&rig).latency, SNAPSHOT_NONE);
	rig_say(&rig, ACK);
	assert_int_equal(rig_snapshot(&rig).latency, CLOCK_S(20));
}

static void
an_open_beat_counts_once_it_is_older_than_the_last_latency(void **state)
{
	static const struct {
		mono_ns open;
		mono_ns latency;
	} cases[] = {
	    {0, CLOCK_MS(50)},
	    {CLOCK_MS(50), CLOCK_MS(50)},
	    {CLOCK_MS(50) + 1, CLOCK_MS(50) + 1},
	    {CLOCK_S(12), CLOCK_S(12)},
	};
	struct rig rig;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		rig_login(&rig, 1);
		rig_beat(&rig);
		(void)rig_wake(&rig);
		rig.now += cases[i].open;
		assert_int_equal(rig_snapshot(&rig).latency, cases[i].latency);
	}
}

static void
the_oldest_open_beat_counts(void **state)
{
	struct rig rig;

	(void)state;
	rig_login(&rig, 1);
	rig_beat(&rig);
	(void)rig_wake(&rig);

	mono_ns sent = rig.now;

	rig.now += 1;
	rig_do(&rig, SESSION_FRAME);
	(void)rig_wake(&rig);
	assert_true(rig_did(&rig, SESSION_HEARTBEAT));
	rig.now = sent + INTERVAL + CLOCK_MS(20);
	assert_int_equal(rig_snapshot(&rig).latency, rig.now - sent);
}

static void
an_answer_belongs_to_the_older_of_two_open_beats(void **state)
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
	rig.now += CLOCK_MS(20);
	rig_say(&rig, ACK);
	assert_int_equal(rig_snapshot(&rig).latency, INTERVAL + CLOCK_MS(20));
	rig.now += CLOCK_MS(30);
	rig_say(&rig, ACK); /* the younger one's */
	assert_int_equal(rig_snapshot(&rig).latency, INTERVAL + CLOCK_MS(20));
	rig_beat(&rig);
	assert_int_equal(rig_snapshot(&rig).latency, CLOCK_MS(50));
}

static void
a_latency_older_than_two_intervals_is_unknown(void **state)
{
	struct rig rig;

	(void)state;
	rig_login(&rig, 1);
	rig_beat(&rig);

	mono_ns measured = rig.now;

	rig.now = measured + 2 * INTERVAL;
	assert_int_equal(rig_snapshot(&rig).latency, CLOCK_MS(50));
	rig.now = measured + 2 * INTERVAL + 1;
	assert_int_equal(rig_snapshot(&rig).latency, SNAPSHOT_NONE);
}

static void
latency_dies_with_its_connection(void **state)
{
	struct rig rig;

	(void)state;
	rig_login(&rig, 1);
	rig_beat(&rig);
	rig_lose(&rig, 1006);
	assert_int_equal(rig_snapshot(&rig).latency, SNAPSHOT_NONE);
	rig_open(&rig);
	rig_resumed(&rig, 2);
	assert_int_equal(rig_snapshot(&rig).latency, SNAPSHOT_NONE);
}
int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(answers_without_beats_say_nothing),
	    cmocka_unit_test(latency_is_unknown_before_the_first_answer),
	    cmocka_unit_test(
		an_open_beat_counts_once_it_is_older_than_the_last_latency),
	    cmocka_unit_test(the_oldest_open_beat_counts),
	    cmocka_unit_test(an_answer_belongs_to_the_older_of_two_open_beats),
	    cmocka_unit_test(a_latency_older_than_two_intervals_is_unknown),
	    cmocka_unit_test(latency_dies_with_its_connection),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
