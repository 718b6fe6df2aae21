/* Numbers as ranges in a short text. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "ranges.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static void
numbers_in_a_row_are_one_range(void **state)
{
	static const struct {
		uint32_t numbers[8]; /* up to the first that is not larger */
		const char *text;
	} cases[] = {
	    {{0}, "0"},
	    {{5}, "5"},
	    {{0, 1}, "0-1"},
	    {{0, 2}, "0, 2"},
	    {{3, 7, 8, 9, 19}, "3, 7-9, 19"},
	    {{1, 2, 4, 5, 6, 7, 9}, "1-2, 4-7, 9"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct ranges ranges = {.begin = 0};
		const uint32_t *numbers = cases[i].numbers;
		size_t at = 0;

		do {
			ranges_add(&ranges, numbers[at++]);
		} while (numbers[at] > numbers[at - 1]);
		struct slice text = ranges_text(&ranges);

		assert_int_equal(text.size, strlen(cases[i].text));
		assert_memory_equal(text.data, cases[i].text, text.size);
	}
}

static void
none_is_no_text(void **state)
{
	struct ranges ranges = {.begin = 0};

	(void)state;
	assert_null(ranges_text(&ranges).data);
}

static void
what_does_not_fit_is_said_so(void **state)
{
	(void)state;
	for (uint32_t first = 1; first < 4000000000U; first *= 10) {
		struct ranges ranges = {.begin = 0};

		for (uint32_t i = 0; i < 500; i++) {
			ranges_add(&ranges, first + 2 * i);
		}
		struct slice text = ranges_text(&ranges);

		assert_in_range(text.size, RANGES_ROOM - 20, RANGES_ROOM);
		assert_memory_equal(text.data + text.size - 5, ", ...", 5);
		if (first > UINT32_MAX / 10) {
			break;
		}
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(numbers_in_a_row_are_one_range),
	    cmocka_unit_test(none_is_no_text),
	    cmocka_unit_test(what_does_not_fit_is_said_so),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
