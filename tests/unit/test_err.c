/* Errors: a text for each, and what errno values stand for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <errno.h>
#include <string.h>

#include <cmocka.h>

#include "err.h"

static const enum gw_err all[] = {
#define ALL(name, text) GW_##name,
    GW_ERR_TABLE(ALL)
#undef ALL
};

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static void
every_error_has_a_text_of_its_own(void **state)
{
	(void)state;
	assert_int_equal(GW_OK, 0);
	for (size_t i = 0; i < COUNT(all); i++) {
		assert_int_equal(all[i], i);
		assert_true(strlen(err_text(all[i])) > 0);
		assert_string_not_equal(err_text(all[i]), "unknown error");
		for (size_t j = 0; j < i; j++) {
			assert_string_not_equal(err_text(all[i]), err_text(all[j]));
		}
	}
}

static void
what_is_no_error_has_a_text_too(void **state)
{
	(void)state;
	/* as a value read from memory would come */
	volatile int wild[] = {COUNT(all), -1, 1 << 20};

	for (size_t i = 0; i < COUNT(wild); i++) {
		assert_string_equal(err_text((enum gw_err)wild[i]), "unknown error");
	}
}

static void
errno_values_are_translated(void **state)
{
	static const struct {
		int number;
		enum gw_err err;
	} cases[] = {
	    {0, GW_OK},
	    {ENOMEM, GW_ERR_NOMEM},
	    {ENOBUFS, GW_ERR_NOMEM},
	    {EEXIST, GW_ERR_EXISTS},
	    {ENOENT, GW_ERR_NOT_FOUND},
	    {ENOTDIR, GW_ERR_NOT_FOUND},
	    {EACCES, GW_ERR_PERMISSION},
	    {EPERM, GW_ERR_PERMISSION},
	    {EROFS, GW_ERR_PERMISSION},
	    {ETIMEDOUT, GW_ERR_TIMEOUT},
	    {ECONNRESET, GW_ERR_CLOSED},
	    {ECONNABORTED, GW_ERR_CLOSED},
	    {EPIPE, GW_ERR_CLOSED},
	    {ENOSPC, GW_ERR_FULL},
	    {EDQUOT, GW_ERR_FULL},
	    {EMFILE, GW_ERR_FULL},
	    {ENFILE, GW_ERR_FULL},
	    {ENOLCK, GW_ERR_FULL},
	    {EADDRINUSE, GW_ERR_BUSY},
	    {EBUSY, GW_ERR_BUSY},
	    {ENAMETOOLONG, GW_ERR_TOO_LARGE},
	    {EFBIG, GW_ERR_TOO_LARGE},
	    {ERANGE, GW_ERR_RANGE},
	    {EIO, GW_ERR_IO},
	    {ECONNREFUSED, GW_ERR_IO},
	    {-1, GW_ERR_IO},
	    {99999, GW_ERR_IO},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		if (err_from_errno(cases[i].number) != cases[i].err) {
			fail_msg("%d: %s", cases[i].number,
			    err_text(err_from_errno(cases[i].number)));
		}
	}
}

static void
what_the_host_lacks_is_no_fault_of_the_configuration(void **state)
{
	static const int lacking[] = {ENOMEM, ENOBUFS, EMFILE, ENFILE, ENOSPC, EDQUOT,
	    ENOLCK};
	static const int wrong[] = {0, EADDRINUSE, EACCES, ENOENT, EROFS, ENAMETOOLONG,
	    EADDRNOTAVAIL};

	(void)state;
	for (size_t i = 0; i < COUNT(lacking); i++) {
		assert_true(err_is_lack(err_from_errno(lacking[i])));
	}
	for (size_t i = 0; i < COUNT(wrong); i++) {
		assert_false(err_is_lack(err_from_errno(wrong[i])));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_error_has_a_text_of_its_own),
	    cmocka_unit_test(what_is_no_error_has_a_text_too),
	    cmocka_unit_test(errno_values_are_translated),
	    cmocka_unit_test(what_the_host_lacks_is_no_fault_of_the_configuration),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
