/* How often an event may be logged. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "log_rate.h"

static struct log_rate rate;
static struct log_rate_summary told;

static int
begin(void **state)
{
	(void)state;
	memset(&rate, 0, sizeof rate);
	return 0;
}

/* How many of count lines go out, one each so often from begin on. */
static unsigned
admitted(enum log_level level, const char *event, unsigned count, mono_ns from,
    mono_ns each)
{
	unsigned out = 0;

	for (unsigned i = 0; i < count; i++) {
		mono_ns at = from + (mono_ns)i * each;

		out += log_rate_admit(&rate, level, event, at) ? 1 : 0;
	}
	return out;
}

static void
a_crowd_gets_its_burst_by_level(void **state)
{
	(void)state;
	assert_int_equal(admitted(LOG_LEVEL_WARNING, "w", 1000, 5, 0), 50);
	assert_int_equal(admitted(LOG_LEVEL_ERROR, "e", 1000, 5, 0), 50);
	assert_int_equal(admitted(LOG_LEVEL_INFO, "i", 1000, 5, 0), 200);
	assert_int_equal(admitted(LOG_LEVEL_DEBUG, "d", 1000, 5, 0), 1000);
	assert_int_equal(rate.suppressed, 950 + 950 + 800);
}

static void
what_goes_on_gets_one_line_each_two_seconds(void **state)
{
	(void)state;
	/* 100 a second for 100 s: the burst, and one each 2 s. */
	assert_int_equal(admitted(LOG_LEVEL_WARNING, "w", 10000, 0, CLOCK_MS(10)),
	    50 + 49);
	/* At that pace none is left out, however long. */
	assert_int_equal(admitted(LOG_LEVEL_WARNING, "slow", 5000, 0, CLOCK_S(2)),
	    5000);
	assert_int_equal(admitted(LOG_LEVEL_INFO, "info", 5000, 0, CLOCK_MS(50)), 5000);
}

static void
silence_gives_the_burst_back(void **state)
{
	(void)state;
	assert_int_equal(admitted(LOG_LEVEL_WARNING, "w", 60, 0, 0), 50);
	assert_int_equal(admitted(LOG_LEVEL_WARNING, "w", 60, CLOCK_S(20), 0), 10);
	assert_int_equal(admitted(LOG_LEVEL_WARNING, "w", 60, CLOCK_S(1000), 0), 50);
}

static void
events_do_not_share(void **state)
{
	char same[] = "w";

	(void)state;
	assert_int_equal(admitted(LOG_LEVEL_WARNING, "w", 60, 0, 0), 50);
	assert_true(log_rate_admit(&rate, LOG_LEVEL_WARNING, "x", 0));
	/* By what it says, not by where it stands. */
	assert_false(log_rate_admit(&rate, LOG_LEVEL_WARNING, same, 0));
}

static void
what_was_left_out_is_told_once_after_30_s(void **state)
{
	(void)state;
	assert_false(log_rate_take(&rate, CLOCK_S(99), true, &told));
	assert_true(log_rate_wake(&rate) == CLOCK_NEVER);
	(void)admitted(LOG_LEVEL_WARNING, "w", 60, CLOCK_S(100), 0);
	(void)admitted(LOG_LEVEL_ERROR, "w", 3, CLOCK_S(101), 0);
	assert_true(log_rate_wake(&rate) == CLOCK_S(130));
	assert_false(log_rate_take(&rate, CLOCK_S(130) - 1, false, &told));
	assert_true(log_rate_take(&rate, CLOCK_S(130), false, &told));
	assert_string_equal(told.event, "w");
	assert_int_equal(told.lines, 13);
	assert_int_equal(told.level, LOG_LEVEL_ERROR);
	assert_true(told.span == CLOCK_S(30));
	assert_false(log_rate_take(&rate, CLOCK_S(1000), true, &told));
	assert_true(log_rate_wake(&rate) == CLOCK_NEVER);
}

static void
before_an_end_all_is_told(void **state)
{
	(void)state;
	(void)admitted(LOG_LEVEL_WARNING, "a", 51, 0, 0);
	(void)admitted(LOG_LEVEL_WARNING, "b", 52, 0, 0);
	assert_true(log_rate_take(&rate, 1, true, &told));
	assert_string_equal(told.event, "a");
	assert_int_equal(told.lines, 1);
	assert_true(log_rate_take(&rate, 1, true, &told));
	assert_string_equal(told.event, "b");
	assert_int_equal(told.lines, 2);
	assert_false(log_rate_take(&rate, 1, true, &told));
}

/* More events than rows, all hot: bounded, and all is accounted for. */
static void
more_events_than_rows_share_the_last_one(void **state)
{
	static char names[3 * LOG_RATE_ROWS][8];
	unsigned out = 0;
	uint64_t lines = 0;
	unsigned others = 0;

	(void)state;
	for (unsigned i = 0; i < 3 * LOG_RATE_ROWS; i++) {
		(void)snprintf(names[i], sizeof names[i], "e%u", i);
		out += admitted(LOG_LEVEL_WARNING, names[i], 100, 0, 0);
	}
	assert_int_equal(out, 50 * LOG_RATE_ROWS);
	while (log_rate_take(&rate, 0, true, &told)) {
		lines += told.lines;
		others += strcmp(told.event, "other events") == 0 ? 1 : 0;
	}
	assert_int_equal(lines, 100 * 3 * LOG_RATE_ROWS - out);
	assert_int_equal(others, 1);
	/* Rows that are at peace again go to whoever needs one. */
	assert_int_equal(admitted(LOG_LEVEL_WARNING, "new", 60, CLOCK_S(1000), 0), 50);
	assert_true(log_rate_take(&rate, CLOCK_S(1000), true, &told));
	assert_string_equal(told.event, "new");
}

static void
what_is_not_told_yet_keeps_its_row(void **state)
{
	(void)state;
	(void)admitted(LOG_LEVEL_WARNING, "w", 53, 0, 0);
	/* Long after its allowance is whole again. */
	assert_true(log_rate_admit(&rate, LOG_LEVEL_WARNING, "x", CLOCK_S(500)));
	assert_true(log_rate_take(&rate, CLOCK_S(500), false, &told));
	assert_string_equal(told.event, "w");
	assert_int_equal(told.lines, 3);
}

#define RATE_TEST(function) cmocka_unit_test_setup(function, begin)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    RATE_TEST(a_crowd_gets_its_burst_by_level),
	    RATE_TEST(what_goes_on_gets_one_line_each_two_seconds),
	    RATE_TEST(silence_gives_the_burst_back),
	    RATE_TEST(events_do_not_share),
	    RATE_TEST(what_was_left_out_is_told_once_after_30_s),
	    RATE_TEST(before_an_end_all_is_told),
	    RATE_TEST(what_is_not_told_yet_keeps_its_row),
	    RATE_TEST(more_events_than_rows_share_the_last_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
