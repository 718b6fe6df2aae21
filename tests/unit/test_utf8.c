/* UTF-8: every code point there and back, and what is none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <stdbool.h>
#include <string.h>

#include <cmocka.h>

#include "utf8.h"

static void
every_code_point_goes_there_and_back(void **state)
{
	(void)state;
	for (uint32_t code = 0; code <= 0x10FFFF; code++) {
		char out[4];
		size_t size = utf8_encode(code, out);
		const unsigned char *bytes = (const unsigned char *)out;
		size_t wanted = code < 0x80 ? 1 :
		    code < 0x800            ? 2 :
		    code < 0x10000          ? 3 :
					      4;
		bool surrogate = code >= 0xD800 && code <= 0xDFFF;
		size_t length = utf8_length(bytes, size);

		if (size != wanted || length != (surrogate ? 0 : size) ||
		    utf8_decode(bytes, size) != code) {
			fail_msg("U+%04X", (unsigned)code);
		}
	}
}

static void
cut_and_overlong_sequences_are_none(void **state)
{
	static const char *const bad[] = {"\x80", "\xbf", "\xc0\x80", "\xc1\xbf",
	    "\xc2", "\xc2\x7f", "\xc2\xc0", "\xe0\x80\x80", "\xe0\x9f\xbf", "\xe1\x80",
	    "\xe1\x80\x7f", "\xed\xa0\x80", "\xf0\x80\x80\x80", "\xf0\x8f\xbf\xbf",
	    "\xf1\x80\x80", "\xf1\x80\x80\x7f", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80",
	    "\xfe", "\xff"};

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		const unsigned char *bytes = (const unsigned char *)bad[i];

		assert_int_equal(utf8_length(bytes, strlen(bad[i])), 0);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_code_point_goes_there_and_back),
	    cmocka_unit_test(cut_and_overlong_sequences_are_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
