/* Snapshot: the aggregate over all shards. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "snapshot.h"

static const struct snapshot up = {
    .connected = true,
    .state = SNAPSHOT_READY,
    .last_event_age = CLOCK_S(2),
    .last_ready_age = CLOCK_S(50),
    .disconnect_age = SNAPSHOT_NONE,
    .latency = CLOCK_MS(40),
    .reconnects = 1,
    .resumes = 2,
    .identifies = 3,
    .dispatches = 4,
};

static const struct snapshot down = {
    .state = SNAPSHOT_BACKOFF,
    .last_event_age = CLOCK_S(700),
    .last_ready_age = CLOCK_S(900),
    .disconnect_age = CLOCK_S(600),
    .latency = SNAPSHOT_NONE,
    .reconnects = 10,
    .resumes = 20,
    .identifies = 30,
    .dispatches = 40,
};

static void
no_shard_knows_nothing(void **state)
{
	struct snapshot_total total = snapshot_aggregate(NULL, 0);

	(void)state;
	assert_int_equal(total.shards, 0);
	assert_int_equal(total.connected, 0);
	assert_int_equal(total.last_event_age, SNAPSHOT_NONE);
	assert_int_equal(total.last_ready_age, SNAPSHOT_NONE);
	assert_int_equal(total.disconnect_age, SNAPSHOT_NONE);
	assert_int_equal(total.latency, SNAPSHOT_NONE);
}

static void
counters_are_summed_over_all_shards(void **state)
{
	const struct snapshot shards[] = {up, down};
	struct snapshot_total total = snapshot_aggregate(shards, 2);

	(void)state;
	assert_int_equal(total.shards, 2);
	assert_int_equal(total.connected, 1);
	assert_int_equal(total.reconnects, 11);
	assert_int_equal(total.resumes, 22);
	assert_int_equal(total.identifies, 33);
	assert_int_equal(total.dispatches, 44);
}

static void
silence_and_latency_are_the_worst_of_the_connected(void **state)
{
	struct snapshot shards[] = {up, up, down};

	(void)state;
	shards[1].last_event_age = CLOCK_S(9);
	shards[1].latency = CLOCK_MS(90);

	struct snapshot_total total = snapshot_aggregate(shards, 3);

	assert_int_equal(total.last_event_age, CLOCK_S(9));
	assert_int_equal(total.latency, CLOCK_MS(90));
}

static void
one_unknown_latency_makes_the_whole_unknown_in_any_order(void **state)
{
	struct snapshot shards[] = {up, up, up};

	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		shards[i].latency = SNAPSHOT_NONE;
		assert_int_equal(snapshot_aggregate(shards, 3).latency, SNAPSHOT_NONE);
		shards[i].latency = up.latency;
	}
	assert_int_equal(snapshot_aggregate(shards, 3).latency, up.latency);
}

static void
a_latency_of_zero_is_a_latency(void **state)
{
	struct snapshot shards[] = {up, up};

	(void)state;
	shards[0].latency = 0;
	shards[1].latency = 0;
	assert_int_equal(snapshot_aggregate(shards, 2).latency, 0);
}

static void
ready_is_the_youngest_and_disconnect_the_longest(void **state)
{
	struct snapshot shards[] = {down, up, down};

	(void)state;
	shards[2].disconnect_age = CLOCK_S(601);
	shards[2].last_ready_age = SNAPSHOT_NONE;

	struct snapshot_total total = snapshot_aggregate(shards, 3);

	assert_int_equal(total.last_ready_age, CLOCK_S(50));
	assert_int_equal(total.disconnect_age, CLOCK_S(601));
	assert_int_equal(snapshot_aggregate(&up, 1).disconnect_age, SNAPSHOT_NONE);
}

static void
every_state_has_a_text_of_its_own(void **state)
{
	(void)state;
	for (unsigned i = SNAPSHOT_IDLE; i <= SNAPSHOT_FATAL; i++) {
		for (unsigned j = SNAPSHOT_IDLE; j < i; j++) {
			assert_string_not_equal(snapshot_state_text(
						    (enum snapshot_state)i),
			    snapshot_state_text((enum snapshot_state)j));
		}
	}
	assert_string_equal(snapshot_state_text(SNAPSHOT_FATAL), "refused by Discord");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(no_shard_knows_nothing),
	    cmocka_unit_test(counters_are_summed_over_all_shards),
	    cmocka_unit_test(silence_and_latency_are_the_worst_of_the_connected),
	    cmocka_unit_test(one_unknown_latency_makes_the_whole_unknown_in_any_order),
	    cmocka_unit_test(a_latency_of_zero_is_a_latency),
	    cmocka_unit_test(ready_is_the_youngest_and_disconnect_the_longest),
	    cmocka_unit_test(every_state_has_a_text_of_its_own),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
