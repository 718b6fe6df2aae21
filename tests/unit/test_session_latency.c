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

/* Sends the beat that is due; a frame before it keeps the connection alive. */
static void
send_beat(struct rig *rig)
{
	rig_do(rig, SESSION_FRAME);
	(void)rig_wake(rig);
	assert_true(rig_did(rig, SESSION_HEARTBEAT));
}

/* The latency after an answer so long after the beat that was sent last. */
static mono_ns
answered_after(struct rig *rig, mono_ns wait)
{
	rig->now += wait;
	rig_say(rig, ACK);
	return rig_snapshot(rig).latency;
}

static void
answers_belong_to_open_beats_in_their_order(void **state)
{
	struct rig rig;

	(void)state;
	rig_login(&rig, 1);
	rig_beat(&rig);
	(void)rig_wake(&rig);
	rig.now += 1;
	send_beat(&rig);
	assert_int_equal(answered_after(&rig, CLOCK_MS(20)), INTERVAL + CLOCK_MS(20));
	assert_int_equal(answered_after(&rig, CLOCK_MS(30)), CLOCK_MS(50));
	assert_int_equal(answered_after(&rig, CLOCK_S(1)),
	    CLOCK_MS(50)); /* no beat's */
}

static void
a_gateway_slower_than_an_interval_looks_so_all_the_time(void **state)
{
	static const mono_ns over[] = {INTERVAL / 15, INTERVAL / 4, INTERVAL / 2,
	    INTERVAL * 4 / 5};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(over); i++) {
		struct rig rig;

		rig_login(&rig, 1);
		rig_beat(&rig);
		(void)rig_wake(&rig);
		rig.now += 1;
		for (int beats = 0; beats < 20; beats++) {
			send_beat(&rig);
			assert_int_equal(answered_after(&rig, over[i]),
			    INTERVAL + over[i]);
		}
		assert_int_equal(rig.session.zombies, 0);
	}
}

static void
an_answer_left_out_makes_one_later_one_look_late_and_no_more(void **state)
{
	struct rig rig;

	(void)state;
	rig_login(&rig, 1);
	rig_beat(&rig);
	(void)rig_wake(&rig); /* never answered */
	rig.now += 1;
	send_beat(&rig);
	assert_int_equal(answered_after(&rig, CLOCK_MS(70)), INTERVAL + CLOCK_MS(70));
	for (int beats = 0; beats < 20; beats++) {
		send_beat(&rig);
		assert_int_equal(answered_after(&rig, CLOCK_MS(60)), CLOCK_MS(60));
	}
	assert_int_equal(rig.session.zombies, 0);
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
	    cmocka_unit_test(answers_belong_to_open_beats_in_their_order),
	    cmocka_unit_test(a_gateway_slower_than_an_interval_looks_so_all_the_time),
	    cmocka_unit_test(
		an_answer_left_out_makes_one_later_one_look_late_and_no_more),
	    cmocka_unit_test(a_latency_older_than_two_intervals_is_unknown),
	    cmocka_unit_test(latency_dies_with_its_connection),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
