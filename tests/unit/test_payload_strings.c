/* Strings are walked in blocks: every byte, at every place of one. */
#include "payload_fixture.h"

#define LONGEST 40

/* Inside a string of letters: a quote and a backslash break it there, too. */
static enum gw_err
verdict_of(unsigned byte)
{
	bool letter = byte >= ' ' && byte < 0x80 && byte != '"' && byte != '\\';

	return letter ? GW_OK : GW_ERR_SYNTAX;
}

static enum gw_err
parse_with(unsigned byte, size_t size, size_t at)
{
	char text[LONGEST + 32];
	char letters[LONGEST + 1];

	memset(letters, 'a', size);
	letters[size] = '\0';
	int length = snprintf(text, sizeof text, "{\"d\":\"%s\",\"s\":7}", letters);

	text[strlen("{\"d\":\"") + at] = (char)byte;
	return parse_exact(text, (size_t)length);
}

static void
every_byte_at_every_place(void **state)
{
	(void)state;
	for (size_t size = 1; size <= LONGEST; size++) {
		for (size_t at = 0; at < size; at++) {
			for (unsigned byte = 0; byte < 256; byte++) {
				assert_int_equal(verdict_of(byte),
				    parse_with(byte, size, at));
			}
		}
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_byte_at_every_place),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
