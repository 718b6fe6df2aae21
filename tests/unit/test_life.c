/* The lives of the daemon: counted over restarts, kills, torn writes and damage. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "life.h"

_Alignas(8) static uint8_t file[LIFE_BYTES];

static int
begin(void **state)
{
	(void)state;
	memset(file, 0, sizeof file);
	return 0;
}

static void
expect_last(enum life_end end, int code, uint64_t starts)
{
	struct life life;

	assert_int_equal(life_begin(file, &life), LIFE_FOUND);
	assert_string_equal(life_end_word(life.last_end), life_end_word(end));
	assert_int_equal(life.last_code, code);
	assert_int_equal(life.starts, starts);
}

static void
the_first_start_knows_nothing(void **state)
{
	struct life life;

	(void)state;
	assert_int_equal(life_begin(file, &life), LIFE_FRESH);
	assert_int_equal(life.starts, 1);
	assert_int_equal(life.last_end, LIFE_END_UNKNOWN);
	assert_int_equal(life.last_code, LIFE_NO_CODE);
}

static void
an_end_that_was_not_written_is_a_kill(void **state)
{
	struct life life;

	(void)state;
	(void)life_begin(file, &life);
	expect_last(LIFE_END_KILLED, LIFE_NO_CODE, 2);
	expect_last(LIFE_END_KILLED, LIFE_NO_CODE, 3);
}

static void
ends_are_told_to_the_next_life(void **state)
{
	static const struct {
		int status;
		enum life_end end;
	} cases[] = {
	    {0, LIFE_END_STOPPED},
	    {1, LIFE_END_WATCHDOG},
	    {70, LIFE_END_INTERNAL},
	    {77, LIFE_END_REFUSED},
	    {78, LIFE_END_CONFIG},
	    {99, LIFE_END_INTERNAL},
	};
	struct life life;

	(void)state;
	(void)life_begin(file, &life);
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		assert_int_equal(life_end_of(cases[i].status), cases[i].end);
		life_end(file, &life, cases[i].end, cases[i].status);
		expect_last(cases[i].end, cases[i].status, i + 2);
		life.starts = i + 2;
	}
}

static void
trips_add_up(void **state)
{
	struct life life;

	(void)state;
	(void)life_begin(file, &life);
	life_trip(file, &life, LIFE_TRIP_STALE);
	life_end(file, &life, LIFE_END_WATCHDOG, 1);
	(void)life_begin(file, &life);
	life_trip(file, &life, LIFE_TRIP_STALE);
	life_trip(file, &life, LIFE_TRIP_DISCONNECTED);
	(void)life_begin(file, &life);
	assert_int_equal(life.trips[LIFE_TRIP_STALE], 2);
	assert_int_equal(life.trips[LIFE_TRIP_DISCONNECTED], 1);
	assert_int_equal(life.trips[LIFE_TRIP_LOOP], 0);
	assert_string_equal(life_trip_word(LIFE_TRIP_LOOP), "loop");
}

static void
a_stuck_loop_is_counted_by_the_next_life(void **state)
{
	struct life life;

	(void)state;
	(void)life_begin(file, &life);
	life_trip_loop(file);
	(void)life_begin(file, &life);
	assert_int_equal(life.last_end, LIFE_END_LOOP);
	assert_int_equal(life.last_code, 1);
	assert_int_equal(life.trips[LIFE_TRIP_LOOP], 1);
	/* And by that one only. */
	(void)life_begin(file, &life);
	assert_int_equal(life.last_end, LIFE_END_KILLED);
	assert_int_equal(life.trips[LIFE_TRIP_LOOP], 1);
}

/* A write that stopped after any number of its bytes leaves the life before. */
static void
a_torn_write_costs_one_step(void **state)
{
	_Alignas(8) uint8_t before[LIFE_BYTES];
	uint8_t after[LIFE_BYTES];
	struct life life;

	(void)state;
	(void)life_begin(file, &life);
	life_trip(file, &life, LIFE_TRIP_STALE);
	memcpy(before, file, sizeof before);
	life_trip(file, &life, LIFE_TRIP_STALE);
	memcpy(after, file, sizeof after);
	for (size_t cut = 0; cut <= LIFE_BYTES; cut += 4) {
		memcpy(file, before, sizeof file);
		memcpy(file, after, cut);
		assert_int_equal(life_begin(file, &life), LIFE_FOUND);
		assert_int_equal(life.starts, 2);
		assert_in_range(life.trips[LIFE_TRIP_STALE], 1, 2);
	}
}

static void
damage_costs_the_counts(void **state)
{
	struct life life;

	(void)state;
	(void)life_begin(file, &life);
	(void)life_begin(file, &life);
	for (size_t i = 0; i < 1024; i += 16) {
		file[i] ^= 0x5a;
	}
	assert_int_equal(life_begin(file, &life), LIFE_DAMAGED);
	assert_int_equal(life.starts, 1);
	assert_int_equal(life.last_end, LIFE_END_UNKNOWN);
	/* It is whole again. */
	expect_last(LIFE_END_KILLED, LIFE_NO_CODE, 2);
}

/* Whatever stands there, it is read without a fault and counted on from. */
static void
any_bytes_are_survived(void **state)
{
	uint32_t seed = 1;
	struct life life;

	(void)state;
	for (unsigned round = 0; round < 2000; round++) {
		for (size_t i = 0; i < sizeof file; i++) {
			seed = seed * 1664525U + 1013904223U;
			file[i] = (uint8_t)(seed >> 24);
		}
		assert_int_equal(life_begin(file, &life), LIFE_DAMAGED);
		assert_int_equal(life.starts, 1);
	}
}

static void
a_newer_version_is_not_read(void **state)
{
	struct life life;

	(void)state;
	(void)life_begin(file, &life);
	file[12] = 2; /* version of slot 0 */
	assert_int_equal(life_begin(file, &life), LIFE_NEWER);
	assert_int_equal(life.starts, 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup(the_first_start_knows_nothing, begin),
	    cmocka_unit_test_setup(an_end_that_was_not_written_is_a_kill, begin),
	    cmocka_unit_test_setup(ends_are_told_to_the_next_life, begin),
	    cmocka_unit_test_setup(trips_add_up, begin),
	    cmocka_unit_test_setup(a_stuck_loop_is_counted_by_the_next_life, begin),
	    cmocka_unit_test_setup(a_torn_write_costs_one_step, begin),
	    cmocka_unit_test_setup(damage_costs_the_counts, begin),
	    cmocka_unit_test_setup(any_bytes_are_survived, begin),
	    cmocka_unit_test_setup(a_newer_version_is_not_read, begin),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
