/* What the prompt says by itself: a few lines a second, and how many more. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "notices.h"

/* What is shown at now; NULL: nothing. */
static void
assert_shown(struct notices *notices, mono_ns now, const char *expected)
{
	struct writer writer;

	writer_init(&writer, false);
	assert_int_equal(notices_show(notices, now, &writer), expected != NULL);
	if (expected) {
		assert_int_equal(buf_append(&writer.out, "", 1), GW_OK);
		assert_string_equal(writer.out.data, expected);
	} else {
		assert_int_equal(writer.out.size, 0);
	}
	writer_fini(&writer);
}

static void
a_notice_is_shown_once(void **state)
{
	struct notices notices = {.count = 0};

	(void)state;
	assert_shown(&notices, CLOCK_S(9), NULL);
	notices_add(&notices, STYLE_RED, "watchdog: %s", "stale");
	notices_add(&notices, STYLE_PLAIN, "two");
	assert_shown(&notices, CLOCK_S(9), "watchdog: stale\ntwo\n");
	assert_shown(&notices, CLOCK_S(9), NULL);
}

static void
what_is_too_much_for_a_second_is_counted(void **state)
{
	struct notices notices = {.count = 0};

	(void)state;
	for (int i = 0; i < NOTICES_MAX + 7; i++) {
		notices_add(&notices, STYLE_PLAIN, "%d", i);
	}
	assert_shown(&notices, CLOCK_S(9), "0\n1\n2\n3\n4\n");
	assert_shown(&notices, CLOCK_S(9) + CLOCK_MS(999), NULL);
	assert_shown(&notices, CLOCK_S(10), "and 7 more: events\n");
	assert_shown(&notices, CLOCK_S(11), NULL);
}

static void
what_waits_can_be_dropped(void **state)
{
	struct notices notices = {.count = 0};

	(void)state;
	for (int i = 0; i < NOTICES_MAX + 7; i++) {
		notices_add(&notices, STYLE_PLAIN, "%d", i);
	}
	notices_drop(&notices);
	assert_shown(&notices, CLOCK_S(9), NULL);
}

static void
no_notice_can_steer_the_terminal(void **state)
{
	struct notices notices = {.count = 0};

	(void)state;
	notices_add(&notices, STYLE_PLAIN, "a\x1b[2J\nb");
	assert_shown(&notices, CLOCK_S(9),
	    "a\xef\xbf\xbd[2J\xef\xbf\xbd"
	    "b\n");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_notice_is_shown_once),
	    cmocka_unit_test(what_is_too_much_for_a_second_is_counted),
	    cmocka_unit_test(what_waits_can_be_dropped),
	    cmocka_unit_test(no_notice_can_steer_the_terminal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
