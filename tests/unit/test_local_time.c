/* Instants of the daemon as people read them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "local_time.h"

static void
assert_put(const char *text, const char *expected)
{
	struct buf out;

	buf_init(&out, 256);
	local_time_put(text, &out);
	(void)buf_append(&out, "", 1);
	assert_string_equal(out.data, expected);
	buf_fini(&out);
}

static void
instants_become_local_ones(void **state)
{
	(void)state;
	(void)setenv("TZ", "XXX-02:30", 1);
	tzset();
	assert_put("until 2021-03-04T23:59:59Z: why", "until 2021-03-05 02:29:59: why");
	assert_put("2021-03-04T00:00:00.123Z", "2021-03-04 02:30:00");
	assert_put("a 2021-03-04T00:00:00Z b 2021-03-04T01:00:00Z",
	    "a 2021-03-04 02:30:00 b 2021-03-04 03:30:00");
}

static void
of_today_only_the_clock_is_told(void **state)
{
	time_t now = time(NULL);
	struct tm utc;
	char text[40];
	struct buf out;

	(void)state;
	(void)setenv("TZ", "UTC", 1);
	tzset();
	(void)gmtime_r(&now, &utc);
	(void)strftime(text, sizeof text, "%Y-%m-%dT12:34:56Z", &utc);
	buf_init(&out, 256);
	local_time_put(text, &out);
	/* Unless midnight has just passed. */
	assert_true(
	    out.size == strlen("12:34:56") || time(NULL) / 86400 != now / 86400);
	buf_fini(&out);
}

static void
what_is_no_instant_stays(void **state)
{
	static const char *const texts[] = {"", "ready", "2021-03-04", "12:34:56",
	    "2021-03-04T00:00:00", "2021-03-04T00:00:00+01:00", "2021-13-04T00:00:00Z",
	    "2021-03-04T00:00:00x", "1999 of 2000"};

	(void)state;
	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
		assert_put(texts[i], texts[i]);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(instants_become_local_ones),
	    cmocka_unit_test(of_today_only_the_clock_is_told),
	    cmocka_unit_test(what_is_no_instant_stays),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
