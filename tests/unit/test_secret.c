/* Secrets: copied whole, scrubbed everywhere, found where they begin. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "secret.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static void
keeps_a_copy_with_a_nul_behind(void **state)
{
	char bytes[] = "abc\0def";
	struct secret *secret = secret_new(bytes, 7);

	(void)state;
	memset(bytes, 'x', sizeof bytes);
	assert_int_equal(secret_size(secret), 7);
	assert_memory_equal(secret_reveal(secret), "abc\0def", 8);
	secret_free(secret);
	secret = secret_new(NULL, 0);
	assert_int_equal(secret_size(secret), 0);
	assert_string_equal(secret_reveal(secret), "");
	secret_free(secret);
	secret_free(NULL);
}

static void
scrubs_every_occurrence_and_nothing_else(void **state)
{
	static const struct {
		const char *before;
		const char *after;
	} cases[] = {
	    {"", ""},
	    {"hunter2", "hunter2"},
	    {"hunter22", "********"},
	    {"hunter223", "********3"},
	    {"a hunter22 and hunter22", "a ******** and ********"},
	    {"hunter22hunter22", "****************"},
	    {"hunterhunter22", "hunter********"},
	    {"HUNTER22", "HUNTER22"},
	};
	struct secret *secret = secret_new("hunter22", 8);

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		size_t size = strlen(cases[i].before);
		char *text = malloc(size + 1); /* exact, for the address checker */

		assert_non_null(text);
		memcpy(text, cases[i].before, size + 1);
		secret_scrub(secret, text, size);
		assert_string_equal(text, cases[i].after);
		free(text);
	}
	secret_free(secret);
}

static void
scrubs_behind_nul_bytes_and_overlaps_none(void **state)
{
	struct secret *secret = secret_new("aaaaaaaa", 8);
	char text[] = "\0aaaaaaaaaaaa";

	(void)state;
	secret_scrub(secret, text, sizeof text - 1);
	assert_memory_equal(text, "\0********aaaa", sizeof text);
	secret_free(secret);
}

static void
short_and_missing_secrets_scrub_nothing(void **state)
{
	struct secret *secret = secret_new("hunter2", 7);
	char text[] = "hunter2";

	(void)state;
	secret_scrub(secret, text, 7);
	assert_string_equal(text, "hunter2");
	assert_int_equal(secret_prefix(secret, text, 7), 0);
	secret_scrub(NULL, text, 7);
	assert_string_equal(text, "hunter2");
	assert_int_equal(secret_prefix(NULL, text, 7), 0);
	secret_free(secret);
}

static void
is_found_where_text_begins_with_it(void **state)
{
	struct secret *secret = secret_new("hunter22", 8);

	(void)state;
	assert_int_equal(secret_prefix(secret, "hunter22", 8), 8);
	assert_int_equal(secret_prefix(secret, "hunter22 and more", 17), 8);
	assert_int_equal(secret_prefix(secret, "hunter22", 7), 0);
	assert_int_equal(secret_prefix(secret, " hunter22", 9), 0);
	assert_int_equal(secret_prefix(secret, "hunter23", 8), 0);
	assert_int_equal(secret_prefix(secret, NULL, 0), 0);
	secret_free(secret);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(keeps_a_copy_with_a_nul_behind),
	    cmocka_unit_test(scrubs_every_occurrence_and_nothing_else),
	    cmocka_unit_test(scrubs_behind_nul_bytes_and_overlaps_none),
	    cmocka_unit_test(short_and_missing_secrets_scrub_nothing),
	    cmocka_unit_test(is_found_where_text_begins_with_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
