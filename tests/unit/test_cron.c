/* Cron expressions and times of day. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "buf.h"
#include "cron.h"

#define COUNT(cases) (sizeof(cases) / sizeof(cases)[0])
#define WHY_ROOM     256

static uint64_t
range(unsigned first, unsigned last, unsigned step)
{
	uint64_t set = 0;

	for (; first <= last; first += step) {
		set |= UINT64_C(1) << first;
	}
	return set;
}

static void
fields_are_sets_of_numbers(void **state)
{
	struct cron cron;
	char why[WHY_ROOM];

	(void)state;
	assert_int_equal(cron_parse("*/15 0-23/6 1,15,31 jan,Jul-SEP 1-5", &cron, why,
			     sizeof why),
	    GW_OK);
	assert_int_equal(cron.minutes, range(0, 59, 15));
	assert_int_equal(cron.hours, range(0, 18, 6));
	assert_int_equal(cron.days, 1U << 1 | 1U << 15 | 1U << 31);
	assert_int_equal(cron.months, 1U << 1 | 1U << 7 | 1U << 8 | 1U << 9);
	assert_int_equal(cron.weekdays, range(1, 5, 1));
	assert_false(cron.any_day);
	assert_false(cron.any_weekday);
	assert_int_equal(cron_parse("  59\t23 * * * ", &cron, why, sizeof why), GW_OK);
	assert_int_equal(cron.minutes, UINT64_C(1) << 59);
	assert_int_equal(cron.days, range(1, 31, 1));
	assert_true(cron.any_day);
	assert_int_equal(cron_parse("0,0,0 0 29 2 *", &cron, why, sizeof why), GW_OK);
}

static void
sunday_is_0_and_7(void **state)
{
	static const struct {
		const char *field;
		uint32_t weekdays;
	} cases[] = {
	    {"0", 1U},
	    {"7", 1U},
	    {"sun", 1U},
	    {"5-7", 1U | 1U << 5 | 1U << 6},
	    {"0-7", 0x7F},
	    {"*", 0x7F},
	    {"*/2", 1U | 1U << 2 | 1U << 4 | 1U << 6},
	    {"fri-sat,7", 1U | 1U << 5 | 1U << 6},
	};
	char text[64];
	char why[WHY_ROOM];
	struct cron cron;

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		(void)snprintf(text, sizeof text, "0 0 * * %s", cases[i].field);
		assert_int_equal(cron_parse(text, &cron, why, sizeof why), GW_OK);
		assert_int_equal(cron.weekdays, cases[i].weekdays);
	}
}

static void
of_day_and_weekday_one_is_enough_where_both_are_restricted(void **state)
{
	static const struct {
		const char *text;
		unsigned day, weekday;
		bool fits;
	} cases[] = {
	    {"0 0 13 * 5", 13, 1, true},
	    {"0 0 13 * 5", 12, 5, true},
	    {"0 0 13 * 5", 12, 1, false},
	    {"0 0 13 * *", 13, 1, true},
	    {"0 0 13 * *", 12, 1, false},
	    {"0 0 * * 5", 12, 5, true},
	    {"0 0 * * 5", 13, 1, false},
	    {"0 0 */2 * 5", 13, 5, true},
	    {"0 0 */2 * 5", 12, 5, false},
	    {"0 0 */2 * 5", 13, 4, false},
	    {"0 0 13 6 5", 13, 5, false},
	};
	char why[WHY_ROOM];
	struct cron cron;

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		assert_int_equal(cron_parse(cases[i].text, &cron, why, sizeof why),
		    GW_OK);
		assert_int_equal(cron_fits_date(&cron, 5, cases[i].day,
				     cases[i].weekday),
		    cases[i].fits);
	}
}

static void
a_bad_field_is_named_with_what_it_allows(void **state)
{
	static const struct {
		const char *text;
		const char *why;
	} cases[] = {
	    {"", "too few fields where five are needed: minute hour"},
	    {"* * * *", "too few fields"},
	    {"* * * * * *", "too many fields"},
	    {"@daily", "too few fields"},
	    {"60 * * * *", "minute: \"60\" is none of 0 to 59"},
	    {"* 24 * * *", "hour: \"24\" is none of 0 to 23"},
	    {"* * 0 * *", "day of the month: \"0\" is none of 1 to 31"},
	    {"* * * 13 *", "month: \"13\" is none of 1 to 12, jan to dec"},
	    {"* * * foo *", "month: \"foo\" is none of"},
	    {"* * * * 8", "weekday: \"8\" is none of 0 to 7, sun to sat"},
	    {"* * * * monday", "weekday: \"monday\" is none of"},
	    {"mon * * * *", "minute: \"mon\" is none of 0 to 59"},
	    {"5-1 * * * *", "minute: 5-1 runs backwards"},
	    {"* * * * sat-sun", "weekday: 6-0 runs backwards"},
	    {"1- * * * *", "minute: \"\" is none of"},
	    {"-1 * * * *", "minute: \"\" is none of"},
	    {"1,,2 * * * *", "minute: an empty item in a list"},
	    {", * * * *", "minute: an empty item in a list"},
	    {"*/0 * * * *", "minute: a step is a number from 1 to 59, not \"0\""},
	    {"*/ * * * *", "minute: a step is a number"},
	    {"*/x * * * *", "minute: a step is a number"},
	    {"*/60 * * * *", "minute: a step is a number"},
	    {"5/10 * * * *", "minute: a step needs a range, such as */10 or 5-59/10"},
	    {"** * * * *", "minute: \"**\" is none of"},
	    {"1.5 * * * *", "minute: \"1.5\" is none of"},
	    {"0x1 * * * *", "minute: \"0x1\" is none of"},
	    {"000 * * * *", "minute: \"000\" is none of"},
	    {"0 0 30 2 *", "that date never comes"},
	    {"0 0 31 4,6,9,11 *", "that date never comes"},
	};
	char why[WHY_ROOM];
	struct cron cron;

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		why[0] = '\0';
		assert_int_not_equal(cron_parse(cases[i].text, &cron, why, sizeof why),
		    GW_OK);
		if (!strstr(why, cases[i].why)) {
			print_message("%s: %s\n", cases[i].text, why);
			fail();
		}
	}
}

static void
times_come_in_order_and_once(void **state)
{
	struct cron_times times;
	char why[WHY_ROOM];

	(void)state;
	assert_int_equal(cron_times_parse("18:00, 02:00,10:30,02:00", &times, why,
			     sizeof why),
	    GW_OK);
	assert_int_equal(times.count, 3);
	assert_int_equal(times.at[0], 120);
	assert_int_equal(times.at[1], 630);
	assert_int_equal(times.at[2], 1080);
	assert_int_equal(cron_times_parse("", &times, why, sizeof why), GW_OK);
	assert_int_equal(times.count, 0);
}

static void
what_is_no_time_of_day_is_named(void **state)
{
	static const char *const cases[] = {"24:00", "2:00", "02:60", "02.00", "0200",
	    "02:00:00", "-2:00", "aa:bb", "02:0x"};
	struct cron_times times;
	char why[WHY_ROOM];

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		assert_int_equal(cron_times_parse(cases[i], &times, why, sizeof why),
		    GW_ERR_SYNTAX);
		assert_non_null(strstr(why, cases[i]));
	}
}

static void
there_is_room_for_48_times(void **state)
{
	struct cron_times times;
	struct buf text;
	char why[WHY_ROOM];

	(void)state;
	buf_init(&text, 1024);
	for (int i = 0; i <= CRON_TIMES_MAX; i++) {
		assert_int_equal(buf_append(&text, "", 1), GW_OK);
		assert_int_equal(cron_times_parse(text.data, &times, why, sizeof why),
		    GW_OK);
		assert_int_equal(times.count, i);
		text.size--; /* the NUL */
		assert_int_equal(buf_printf(&text, "%02d:%02d,", i / 60, i % 60),
		    GW_OK);
	}
	assert_int_equal(buf_append(&text, "", 1), GW_OK);
	assert_int_equal(cron_times_parse(text.data, &times, why, sizeof why),
	    GW_ERR_RANGE);
	assert_non_null(strstr(why, "more than 48 times"));
	buf_fini(&text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(fields_are_sets_of_numbers),
	    cmocka_unit_test(sunday_is_0_and_7),
	    cmocka_unit_test(
		of_day_and_weekday_one_is_enough_where_both_are_restricted),
	    cmocka_unit_test(a_bad_field_is_named_with_what_it_allows),
	    cmocka_unit_test(times_come_in_order_and_once),
	    cmocka_unit_test(what_is_no_time_of_day_is_named),
	    cmocka_unit_test(there_is_room_for_48_times),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
