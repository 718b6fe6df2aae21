/* Nonces: the same in every process, and of one thing only. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "nonce.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static void
it_is_the_same_in_every_process_and_version(void **state)
{
	const uint64_t message = UINT64_C(1180000000000000001);
	const uint64_t zero = 0;
	const struct nonce none = nonce_of(NONCE_JOB, NULL, 0);

	(void)state;
	/* FNV-1a of no byte, and of eight zeros: other programs say so, too. */
	assert_string_equal(none.text, "jcbf29ce484222325");
	assert_string_equal(nonce_of(NONCE_JOB, &zero, 1).text, "ja8c7f832281a39c5");
	assert_string_equal(nonce_of(NONCE_REPLY, &message, 1).text,
	    nonce_of(NONCE_REPLY, &message, 1).text);
}

static void
whatever_differs_in_the_cause_differs_in_it(void **state)
{
	static const uint64_t causes[][3] = {{1, 2, 3}, {1, 3, 2}, {2, 1, 3}, {0, 2, 3},
	    {1, 2, 4}, {1, 2, UINT64_MAX}, {UINT64_C(1) << 63, 2, 3}, {256, 2, 3}};

	(void)state;
	for (size_t i = 0; i < COUNT(causes); i++) {
		struct nonce one = nonce_of(NONCE_GREETING, causes[i], 3);

		assert_in_range(strlen(one.text), 1, NONCE_MAX_CHARACTERS);
		assert_string_not_equal(one.text,
		    nonce_of(NONCE_JOB, causes[i], 3).text);
		assert_string_not_equal(one.text,
		    nonce_of(NONCE_GREETING, causes[i], 2).text);
		for (size_t j = 0; j < i; j++) {
			assert_string_not_equal(one.text,
			    nonce_of(NONCE_GREETING, causes[j], 3).text);
		}
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(it_is_the_same_in_every_process_and_version),
	    cmocka_unit_test(whatever_differs_in_the_cause_differs_in_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
