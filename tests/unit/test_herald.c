/* What the log channel is told: each line once, so many a minute, in few messages. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "herald.h"
#include "message.h"

static int
setup(void **state)
{
	static struct herald herald;

	herald = (struct herald){.count = 0};
	*state = &herald;
	return 0;
}

static int
teardown(void **state)
{
	herald_clear(*state);
	return 0;
}

/* What is told at now; empty: nothing. */
static const char *
taken(struct herald *herald, mono_ns now)
{
	static char text[HERALD_LINE_BYTES];
	struct buf out;

	buf_init(&out, sizeof text - 1);
	bool some = herald_take(herald, now, &out);

	(void)slice_copy(buf_slice(&out), text, sizeof text);
	buf_fini(&out);
	assert_int_equal(some, text[0] != '\0');
	return text;
}

static void
only_what_matters_is_told(void **state)
{
	(void)state;
	assert_true(herald_wants("watchdog.zombie"));
	assert_true(herald_wants("probe.changed"));
	assert_true(herald_wants("job.failed"));
	assert_false(herald_wants("job.done"));
	assert_false(herald_wants("rest.limited"));
	assert_false(herald_wants("shard.ready"));
}

static void
the_same_line_within_5_s_is_told_once(void **state)
{
	struct herald *herald = *state;

	herald_offer(herald, slice_of("a"), 1);
	herald_offer(herald, slice_of("a"), CLOCK_S(5));
	herald_offer(herald, slice_of("b"), CLOCK_S(5));
	assert_string_equal(taken(herald, CLOCK_S(5)), "a\nb");
	assert_string_equal(taken(herald, CLOCK_S(5)), "");
	assert_int_equal(herald_wake(herald, CLOCK_S(5)), CLOCK_NEVER);
	/* Counted from the first. */
	herald_offer(herald, slice_of("a"), CLOCK_S(5) + 1);
	assert_string_equal(taken(herald, CLOCK_S(6)), "a");
}

static void
the_oldest_of_256_lines_is_forgotten(void **state)
{
	struct herald *herald = *state;
	char text[16];

	herald_offer(herald, slice_of("first"), 0);
	for (int i = 0; i < HERALD_SEEN_MAX; i++) {
		(void)snprintf(text, sizeof text, "%d", i);
		herald_offer(herald, slice_of(text), 0);
	}
	assert_int_equal(herald->count, HERALD_PER_MINUTE);
	assert_int_equal(herald->suppressed, 1 + HERALD_SEEN_MAX - HERALD_PER_MINUTE);
	herald_offer(herald, slice_of("first"), 1);
	assert_int_equal(herald->suppressed, 2 + HERALD_SEEN_MAX - HERALD_PER_MINUTE);
}

static void
more_than_20_a_minute_are_counted_and_the_count_is_told(void **state)
{
	struct herald *herald = *state;
	char text[16];

	for (int i = 0; i < 23; i++) {
		(void)snprintf(text, sizeof text, "line %d", i);
		herald_offer(herald, slice_of(text), CLOCK_S(1));
	}
	const char *told = taken(herald, CLOCK_S(1));

	assert_non_null(strstr(told, "line 19"));
	assert_null(strstr(told, "line 20"));
	assert_int_equal(herald_wake(herald, CLOCK_S(2)), CLOCK_S(61));
	assert_string_equal(taken(herald, CLOCK_S(60)), "");
	assert_string_equal(taken(herald, CLOCK_S(61)), "3 more lines were left out");
	herald_offer(herald, slice_of("again"), CLOCK_S(61));
	assert_string_equal(taken(herald, CLOCK_S(61)), "again");
}

static void
a_message_holds_1800_characters_and_a_long_line_is_cut(void **state)
{
	struct herald *herald = *state;
	char text[2500];
	unsigned messages = 0;

	memset(text, 'x', sizeof text);
	herald_offer(herald, (struct slice){text, sizeof text}, 0);
	const char *told = taken(herald, 0);

	assert_int_equal(strlen(told), HERALD_MAX_CHARACTERS - 1 + 3);
	assert_string_equal(told + HERALD_MAX_CHARACTERS - 1, "\xe2\x80\xa6");
	for (int i = 0; i < 10; i++) {
		text[0] = (char)('a' + i);
		herald_offer(herald, (struct slice){text, 500}, 0);
	}
	while ((told = taken(herald, 0))[0] != '\0') {
		assert_true(strlen(told) <= HERALD_MAX_CHARACTERS);
		messages++;
	}
	assert_int_equal(messages, 4);
}

static void
a_line_can_neither_format_nor_mention(void **state)
{
	struct herald *herald = *state;

	herald_offer(herald, slice_of("*x* @everyone <@1>"), 0);
	assert_string_equal(taken(herald, 0),
	    "\\*x\\* @\xe2\x80\x8b"
	    "everyone <\xe2\x80\x8b@\xe2\x80\x8b"
	    "1\\>");
}

static void
the_queue_is_bounded(void **state)
{
	struct herald *herald = *state;
	char text[16];

	for (int i = 0; i < 100; i++) {
		(void)snprintf(text, sizeof text, "%d", i);
		herald_offer(herald, slice_of(text), CLOCK_S(10) * i);
	}
	assert_int_equal(herald->count, HERALD_QUEUE_MAX);
	assert_int_equal(herald->suppressed, 100 - HERALD_QUEUE_MAX);
}

int
main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
	const struct CMUnitTest tests[] = {
	    TEST(only_what_matters_is_told),
	    TEST(the_same_line_within_5_s_is_told_once),
	    TEST(the_oldest_of_256_lines_is_forgotten),
	    TEST(more_than_20_a_minute_are_counted_and_the_count_is_told),
	    TEST(a_message_holds_1800_characters_and_a_long_line_is_cut),
	    TEST(a_line_can_neither_format_nor_mention),
	    TEST(the_queue_is_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
