/* Time zones: TZif files and POSIX rules. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "zone.h"

#define COUNT(cases) (sizeof(cases) / sizeof(cases)[0])
#define HOUR         3600
#define WHY_ROOM     256

static struct zone zone;

/* The figures are those of date(1): TZ=Europe/Vienna date -d @1774745999. */
static void
offsets_change_at_the_second_of_the_transition(void **state)
{
	static const struct {
		const char *name;
		int64_t at;
		int32_t offset;
	} cases[] = {
	    {"UTC", 0, 0},
	    {"Etc/UTC", INT64_C(1) << 40, 0},
	    {"Europe/Vienna", 1774745999, HOUR},
	    {"Europe/Vienna", 1774746000, 2 * HOUR},
	    {"Europe/Vienna", 1792889999, 2 * HOUR},
	    {"Europe/Vienna", 1792890000, HOUR},
	    {"Europe/Vienna", INT64_C(4102444800), HOUR}, /* 2100 */
	    {"Europe/Vienna", INT64_C(4118083200), 2 * HOUR},
	    {"America/New_York", 1772953199, -5 * HOUR},
	    {"America/New_York", 1772953200, -4 * HOUR},
	    {"Australia/Sydney", 1775318399, 11 * HOUR},
	    {"Australia/Sydney", 1775318400, 10 * HOUR},
	    {"Australia/Lord_Howe", 1775314800, 10 * HOUR + HOUR / 2},
	    {"Asia/Kolkata", 1775314800, 5 * HOUR + HOUR / 2},
	};
	char why[WHY_ROOM];

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		assert_int_equal(zone_read(cases[i].name, &zone, why, sizeof why),
		    GW_OK);
		if (zone_offset(&zone, cases[i].at) != cases[i].offset) {
			print_message("%s at %lld: %d\n", cases[i].name,
			    (long long)cases[i].at, zone_offset(&zone, cases[i].at));
			fail();
		}
	}
}

static void
a_name_stays_inside_the_folder(void **state)
{
	static const char *const cases[] = {"", "/etc/passwd", "../zoneinfo/UTC",
	    "Europe/../Europe/Vienna", "Europe/", "Europe/Vienna ", "a\nb",
	    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"};
	char why[WHY_ROOM];

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		assert_int_equal(zone_read(cases[i], &zone, why, sizeof why),
		    GW_ERR_SYNTAX);
		assert_string_equal(why, "no name of a time zone");
	}
	assert_int_equal(zone_read("Europe", &zone, why, sizeof why), GW_ERR_UNKNOWN);
	assert_int_equal(zone_read("tzdata.zi", &zone, why, sizeof why), GW_ERR_SYNTAX);
	assert_int_equal(zone_read("Mars/North", &zone, why, sizeof why),
	    GW_ERR_UNKNOWN);
	assert_non_null(strstr(why, "there is no such time zone"));
}

static void
rules_are_read_in_every_form(void **state)
{
	static const struct {
		const char *text;
		int32_t standard;
		int32_t summer; /* the same: none */
	} cases[] = {
	    {"UTC0", 0, 0},
	    {"<+0530>-5:30", 5 * HOUR + HOUR / 2, 5 * HOUR + HOUR / 2},
	    {"CET-1CEST,M3.5.0,M10.5.0/3", HOUR, 2 * HOUR},
	    {"<-02>2<-01>,M3.5.0/-1,M10.5.0/0", -2 * HOUR, -HOUR},
	    {"<+1030>-10:30<+11>-11,M10.1.0,M4.1.0", 10 * HOUR + HOUR / 2, 11 * HOUR},
	    {"IST-1GMT0,M10.5.0,M3.5.0/1", HOUR, 0},
	    {"EST5EDT4,J60/1:30:15,365/24", -5 * HOUR, -4 * HOUR},
	    {"XXX3YYY,0/0,J365/167", -3 * HOUR, -2 * HOUR},
	};
	struct zone_rule rule;

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		assert_true(zone_rule_parse(cases[i].text, &rule));
		assert_int_equal(rule.standard, cases[i].standard);
		assert_true(!rule.changes || rule.summer == cases[i].summer);
		assert_int_equal(rule.changes, strchr(cases[i].text, ',') != NULL);
	}
}

static void
what_is_no_rule_is_refused(void **state)
{
	static const char *const cases[] = {"", "C", "CE-1", "CET", "CET-", "CET-25",
	    "CET-1CEST", "CET-1CEST,M3.5.0", "CET-1CEST,M13.5.0,M10.5.0",
	    "CET-1CEST,M3.6.0,M10.5.0", "CET-1CEST,M3.5.7,M10.5.0",
	    "CET-1CEST,M3.5.0,M10.5.0/", "CET-1CEST,M3.5.0,M10.5.0/168",
	    "CET-1CEST,M3.5.0,M10.5.0x", "CET-1CEST,J0,J365", "CET-1CEST,366,1",
	    "<+03-3", "<>-3", "CET-1:60", "CET-99999999999"};
	struct zone_rule rule;

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		if (zone_rule_parse(cases[i], &rule)) {
			print_message("taken: %s\n", cases[i]);
			fail();
		}
	}
}

/* ---- files ---- */

/* A file of version 2 with one transition; returns its size. */
static size_t
make_file(unsigned char out[512], const char *footer)
{
	static const unsigned char header[44] = {'T', 'Z', 'i', 'f',
	    '2', [35] = 1, [39] = 2, [43] = 4};
	size_t at = 0;

	memset(out, 0, 512);
	memcpy(out, header, sizeof header);
	at = sizeof header + 4 + 1 + 12 + 4;
	memcpy(out + at, header, sizeof header);
	at += sizeof header;
	out[at + 7] = 100; /* the transition at second 100 */
	out[at + 8] = 1;
	out[at + 9 + 3] = 60; /* one minute east, then two hours */
	out[at + 15 + 2] = 0x1C;
	out[at + 15 + 3] = 0x20;
	at += 8 + 1 + 12 + 4;
	for (; *footer != '\0'; footer++) {
		out[at++] = (unsigned char)*footer;
	}
	return at;
}

static enum gw_err
parse(const unsigned char *data, size_t size)
{
	/* A copy of just that size, so that the checkers see one byte too many. */
	char *copy = malloc(size > 0 ? size : 1);

	assert_non_null(copy);
	memcpy(copy, data, size);
	enum gw_err err = zone_parse((struct slice){copy, size}, &zone);

	free(copy);
	return err;
}

static void
the_second_block_and_the_footer_count(void **state)
{
	unsigned char file[512];
	size_t size = make_file(file, "\nXXX-3\n");

	(void)state;
	assert_int_equal(parse(file, size), GW_OK);
	assert_int_equal(zone_offset(&zone, 99), 60);
	assert_int_equal(zone_offset(&zone, 100), 3 * HOUR);
	size = make_file(file, "\n\n");
	assert_int_equal(parse(file, size), GW_OK);
	assert_int_equal(zone_offset(&zone, 100), 2 * HOUR);
}

static void
a_damaged_file_is_refused(void **state)
{
	unsigned char file[512];
	size_t size = make_file(file, "\nXXX-3\n");

	(void)state;
	for (size_t cut = 0; cut < size; cut++) {
		assert_int_equal(parse(file, cut), GW_ERR_SYNTAX);
	}
	file[4] = '\0'; /* version 1 */
	assert_int_equal(parse(file, size), GW_ERR_SYNTAX);
	(void)make_file(file, "\nXXX-3\n");
	file[65 + 44 + 8] = 2; /* no such type */
	assert_int_equal(parse(file, size), GW_ERR_SYNTAX);
	(void)make_file(file, "\nXXX-3\n");
	file[65 + 44 + 9] = 0x7F; /* an offset of years */
	assert_int_equal(parse(file, size), GW_ERR_SYNTAX);
	(void)make_file(file, "\nXXX-3\n");
	memset(file + 65 + 32, 0xFF, 4); /* 4 G transitions */
	assert_int_equal(parse(file, size), GW_ERR_SYNTAX);
	(void)make_file(file, "\nXX\n");
	assert_int_equal(parse(file, size), GW_ERR_SYNTAX);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(offsets_change_at_the_second_of_the_transition),
	    cmocka_unit_test(a_name_stays_inside_the_folder),
	    cmocka_unit_test(rules_are_read_in_every_form),
	    cmocka_unit_test(what_is_no_rule_is_refused),
	    cmocka_unit_test(the_second_block_and_the_footer_count),
	    cmocka_unit_test(a_damaged_file_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
