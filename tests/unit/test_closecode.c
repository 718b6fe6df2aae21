/* Close codes: every row, and what is not in the table. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "closecode.h"

static enum closecode_cure
expected(unsigned code)
{
	switch (code) {
	case 1000:
	case 4005:
		return CLOSECODE_RESUME_ONCE;
	case 4001:
	case 4003:
	case 4006:
	case 4007:
	case 4009:
		return CLOSECODE_IDENTIFY;
	case 4004:
	case 4010:
	case 4011:
	case 4012:
	case 4013:
	case 4014:
		return CLOSECODE_STOP;
	default:
		return CLOSECODE_RESUME;
	}
}

static void
every_code_there_can_be_has_its_cure(void **state)
{
	(void)state;
	for (unsigned code = 0; code <= 70000; code++) {
		if (closecode_find(code)->cure != expected(code)) {
			fail_msg("close code %u", code);
		}
	}
}

static void
a_row_that_is_found_is_the_one_that_was_asked_for(void **state)
{
	(void)state;
	for (unsigned code = 0; code <= 70000; code++) {
		const struct closecode *row = closecode_find(code);

		if (row->code != code && row->code != 0) {
			fail_msg("close code %u", code);
		}
	}
	for (unsigned code = 4000; code <= 4014; code++) {
		assert_int_equal(closecode_find(code)->code, code);
	}
}

static void
each_row_has_a_text_and_each_stop_a_remedy(void **state)
{
	(void)state;
	for (unsigned code = 0; code <= 5000; code++) {
		const struct closecode *row = closecode_find(code);

		assert_non_null(row->text);
		assert_int_equal(row->remedy != NULL, row->cure == CLOSECODE_STOP);
	}
}

static void
what_we_send_to_keep_a_session_is_not_what_ends_one(void **state)
{
	(void)state;
	assert_int_not_equal(CLOSECODE_KEEP, 1000);
	assert_int_not_equal(CLOSECODE_KEEP, 1001);
	assert_in_range(CLOSECODE_KEEP, 4000, 4999);
	assert_int_equal(CLOSECODE_DONE, 1000);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_code_there_can_be_has_its_cure),
	    cmocka_unit_test(a_row_that_is_found_is_the_one_that_was_asked_for),
	    cmocka_unit_test(each_row_has_a_text_and_each_stop_a_remedy),
	    cmocka_unit_test(what_we_send_to_keep_a_session_is_not_what_ends_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
