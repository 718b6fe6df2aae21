/* Arguments of a request: names, values, and too many of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "query.h"

static struct query query;

static int
begin(void **state)
{
	(void)state;
	query_clear(&query);
	return 0;
}

static void
add(const char *text)
{
	query_add(&query, slice_of(text));
}

static void
an_argument_is_found_by_its_whole_name(void **state)
{
	struct slice value;

	(void)state;
	add("url=x");
	add("u=a=b&c");
	add("flag");
	add("empty=");
	add("");
	assert_int_equal(query_find(&query, "u", &value), QUERY_ONE);
	assert_true(slice_equal(value, slice_of("a=b&c")));
	assert_int_equal(query_find(&query, "flag", &value), QUERY_ONE);
	assert_int_equal(value.size, 0);
	assert_int_equal(query_find(&query, "empty", &value), QUERY_ONE);
	assert_int_equal(value.size, 0);
	assert_int_equal(query_find(&query, "U", &value), QUERY_NONE);
	assert_int_equal(query_find(&query, "fla", &value), QUERY_NONE);
	assert_int_equal(query_find(&query, "ur", &value), QUERY_NONE);
	assert_false(query.cut);
}

static void
a_name_that_is_there_twice_means_nothing(void **state)
{
	struct slice value;

	(void)state;
	add("u=1");
	add("u=2");
	assert_int_equal(query_find(&query, "u", &value), QUERY_SEVERAL);
}

static void
a_value_may_hold_any_byte(void **state)
{
	struct slice value;

	(void)state;
	query_add(&query, SLICE_LITERAL("u=a\0b\n\xff"));
	assert_int_equal(query_find(&query, "u", &value), QUERY_ONE);
	assert_true(slice_equal(value, SLICE_LITERAL("a\0b\n\xff")));
}

static void
the_largest_query_fits_and_one_byte_more_does_not(void **state)
{
	char *text = malloc(QUERY_ROOM_BYTES + 1);
	struct slice value;

	(void)state;
	assert_non_null(text);
	memset(text, 'x', QUERY_ROOM_BYTES + 1);
	text[1] = '=';
	query_add(&query, (struct slice){text, QUERY_ROOM_BYTES});
	assert_false(query.cut);
	assert_int_equal(query_find(&query, "x", &value), QUERY_ONE);
	assert_int_equal(value.size, QUERY_ROOM_BYTES - 2);
	add("y");
	assert_true(query.cut);
	assert_int_equal(query_find(&query, "y", &value), QUERY_NONE);

	query_clear(&query);
	query_add(&query, (struct slice){text, QUERY_ROOM_BYTES + 1});
	assert_true(query.cut);
	assert_int_equal(query.count, 0);
	free(text);
}

static void
more_arguments_than_fit_are_noticed(void **state)
{
	(void)state;
	for (unsigned i = 0; i < QUERY_ARGUMENTS_MAX; i++) {
		add("a");
	}
	assert_false(query.cut);
	add("a");
	assert_true(query.cut);
	query_clear(&query);
	assert_false(query.cut);
	assert_int_equal(query.count, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup(an_argument_is_found_by_its_whole_name, begin),
	    cmocka_unit_test_setup(a_name_that_is_there_twice_means_nothing, begin),
	    cmocka_unit_test_setup(a_value_may_hold_any_byte, begin),
	    cmocka_unit_test_setup(the_largest_query_fits_and_one_byte_more_does_not,
		begin),
	    cmocka_unit_test_setup(more_arguments_than_fit_are_noticed, begin),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
