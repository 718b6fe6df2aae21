/* Durations: every unit, both sides of what is a duration, and the way back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "duration.h"

static void
texts_are_read_in_their_unit(void **state)
{
	static const struct {
		const char *text;
		mono_ns value;
	} cases[] = {
	    {"0", 0},
	    {"90", CLOCK_S(90)},
	    {"0.5", CLOCK_MS(500)},
	    {"250ms", CLOCK_MS(250)},
	    {"1.5ms", CLOCK_US(1500)},
	    {"90s", CLOCK_S(90)},
	    {"5min", CLOCK_S(300)},
	    {"5m", CLOCK_S(300)},
	    {"1h", CLOCK_S(3600)},
	    {"1.5h", CLOCK_S(5400)},
	    {"2d", CLOCK_S(172800)},
	    {" 90 s ", CLOCK_S(90)},
	    {"007", CLOCK_S(7)},
	    {"0.000000001", 1},
	    {"0.0000000019", 1},
	    {"9223372036", CLOCK_S(9223372036)},
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		mono_ns value = -1;

		print_message("%s\n", cases[i].text);
		assert_int_equal(duration_parse(cases[i].text, &value), GW_OK);
		assert_int_equal(value, cases[i].value);
	}
}

static void
other_texts_are_refused(void **state)
{
	static const struct {
		const char *text;
		enum gw_err err;
	} cases[] = {
	    {"", GW_ERR_SYNTAX},
	    {" ", GW_ERR_SYNTAX},
	    {"s", GW_ERR_SYNTAX},
	    {"abc", GW_ERR_SYNTAX},
	    {"90x", GW_ERR_SYNTAX},
	    {"90S", GW_ERR_SYNTAX},
	    {"90s5", GW_ERR_SYNTAX},
	    {"1 h 5 min", GW_ERR_SYNTAX},
	    {"1.", GW_ERR_SYNTAX},
	    {".5", GW_ERR_SYNTAX},
	    {"1..5", GW_ERR_SYNTAX},
	    {"1,5", GW_ERR_SYNTAX},
	    {"1e3", GW_ERR_SYNTAX},
	    {"+5", GW_ERR_SYNTAX},
	    {"0x10", GW_ERR_SYNTAX},
	    {"nan", GW_ERR_SYNTAX},
	    {"inf", GW_ERR_SYNTAX},
	    {"-", GW_ERR_SYNTAX},
	    {"-x", GW_ERR_SYNTAX},
	    {"-5", GW_ERR_RANGE},
	    {"-5min", GW_ERR_RANGE},
	    {"9223372037", GW_ERR_RANGE},
	    {"9223372036.854775808", GW_ERR_RANGE},
	    {"106752d", GW_ERR_RANGE},
	    {"99999999999999999999", GW_ERR_RANGE},
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		mono_ns value = -1;

		print_message("\"%s\"\n", cases[i].text);
		assert_int_equal(duration_parse(cases[i].text, &value), cases[i].err);
		assert_int_equal(value, -1);
	}
}

static void
the_largest_exact_unit_is_written(void **state)
{
	static const struct {
		mono_ns value;
		const char *text;
	} cases[] = {
	    {0, "0s"},
	    {1, "0.000001ms"},
	    {CLOCK_US(1), "0.001ms"},
	    {CLOCK_US(1500), "1.5ms"},
	    {CLOCK_MS(250), "250ms"},
	    {CLOCK_S(1), "1s"},
	    {CLOCK_MS(1500), "1500ms"},
	    {CLOCK_S(59), "59s"},
	    {CLOCK_S(60), "1min"},
	    {CLOCK_S(90), "90s"},
	    {CLOCK_S(1110), "1110s"},
	    {CLOCK_S(3600), "1h"},
	    {CLOCK_S(86400), "1d"},
	    {INT64_MAX, "9223372036854.775807ms"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		char text[DURATION_TEXT_ROOM];
		mono_ns back = -1;

		duration_format(cases[i].value, text, sizeof text);
		assert_string_equal(text, cases[i].text);
		assert_int_equal(duration_parse(text, &back), GW_OK);
		assert_int_equal(back, cases[i].value);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(texts_are_read_in_their_unit),
	    cmocka_unit_test(other_texts_are_refused),
	    cmocka_unit_test(the_largest_exact_unit_is_written),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
