/* Text scan: many bytes at a time, beside a look at each. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../text_by_bytes.h"
#include "buf.h"
#include "text_scan.h"

#ifndef TEXT_SCAN_WIDEST
#define TEXT_SCAN_WIDEST 64
#endif

#define BYTES(text)                      \
	{                                \
		(text), sizeof(text) - 1 \
	}
#define COUNT(array) (sizeof(array) / sizeof(array)[0])
#define LONGEST      ((size_t)200)
#define MOST_LEFT    ((size_t)63) /* of long text that is sound throughout */

/* A copy that ends where its memory ends, one readable byte behind it. */
static unsigned char *
exact(const unsigned char *text, size_t size, unsigned char behind)
{
	unsigned char *copy = malloc(size + 1);

	assert_non_null(copy);
	if (size > 0) {
		memcpy(copy, text, size);
	}
	copy[size] = behind;
	return copy;
}

/* Puts word at *size. */
static void
put(unsigned char *text, size_t *size, struct slice word)
{
	if (word.size > 0) {
		memcpy(text + *size, word.data, word.size);
	}
	*size += word.size;
}

/* Never more than is sound, never within a character, and nearly all where all is. */
static void
check(const unsigned char *text, size_t size, unsigned char behind)
{
	unsigned char *copy = exact(text, size, behind);
	size_t utf8 = whole_utf8(copy, size);
	size_t sound = without_end(copy, size);
	size_t both = whole_utf8(copy, sound < utf8 ? sound : utf8);
	size_t got = text_scan_utf8(copy, size);

	assert_true(got <= utf8);
	assert_int_equal(whole_utf8(copy, got), got);
	got = text_scan_payload(copy, size);
	assert_true(got <= both);
	assert_int_equal(whole_utf8(copy, got), got);
	free(copy);
}

static void
plain_text_is_taken_nearly_whole(void **state)
{
	unsigned char text[LONGEST];

	(void)state;
	memset(text, 'a', sizeof text);
	for (size_t size = 0; size < LONGEST; size++) {
		unsigned char *copy = exact(text, size, 'a');

		check(text, size, 'a');
		assert_in_range(size - text_scan_utf8(copy, size), 0, MOST_LEFT);
		if (TEXT_SCAN_WIDEST > 8) {
			assert_in_range(size - text_scan_payload(copy, size), 0,
			    MOST_LEFT);
		}
		free(copy);
	}
}

/* Each pair of bytes, and what may be wrong only with a third or a fourth one, at the
 * places around the edges of a block. */
static void
every_pair_of_bytes_is_judged_as_one_by_one(void **state)
{
	static const struct slice behind[] = {BYTES(""), BYTES("\x80"), BYTES("\xBF"),
	    BYTES("\x80\x80"), BYTES("\xBF\xBF"), BYTES("\x80\x80\x80"),
	    BYTES("\xC3\xA9")};
	static const size_t places[] = {0, 28, 29, 30, 31, 32, 60, 61, 62, 63, 64, 90};

	(void)state;
	for (unsigned pair = 0; pair < 0x10000; pair++) {
		size_t place = places[pair % COUNT(places)];
		struct slice more = behind[pair / COUNT(places) % COUNT(behind)];
		size_t size = place + 2;
		unsigned char text[128];

		memset(text, 'a', sizeof text);
		text[place] = (unsigned char)(pair >> 8);
		text[place + 1] = (unsigned char)(pair & 0xFF);
		put(text, &size, more);
		check(text, sizeof text, 'a');
		check(text, 96, 'a');
		check(text, size, 'a');
	}
}

static void
whatever_is_wrong_is_found_at_each_place(void **state)
{
	static const struct slice wrong[] = {BYTES("\x80"), BYTES("\xC3"),
	    BYTES("\xC1\xBF"), BYTES("\xE0\x9F\xBF"), BYTES("\xED\xA0\x80"),
	    BYTES("\xE2\x82"), BYTES("\xF0\x8F\xBF\xBF"), BYTES("\xF4\x90\x80\x80"),
	    BYTES("\xF0\x9F\x98"), BYTES("\xF5\x80\x80\x80"), BYTES("\xFF"),
	    BYTES("\xC3\xC3\xB6"), BYTES("\xE2\x82\xAC\x80"), BYTES("\xC3\xA9\x80"),
	    BYTES("\xF0\x9F\x98\x80\x80"), BYTES("}{"), BYTES("} "), BYTES("\n"),
	    BYTES("\x1F"), BYTES("\x01")};
	static const struct slice sound[] = {BYTES("a"), BYTES("\xC3\xA9"),
	    BYTES("\xE2\x82\xAC"), BYTES("\xF0\x9F\x98\x80"), BYTES("}"), BYTES("}}"),
	    BYTES("{\""), BYTES("},"), BYTES("\x7F"), BYTES("\xDF\xBF"),
	    BYTES("\xE0\xA0\x80"), BYTES("\xED\x9F\xBF"), BYTES("\xF4\x8F\xBF\xBF")};

	(void)state;
	for (size_t fill = 0; fill < COUNT(sound); fill++) {
		for (size_t place = 0; place + 5 < LONGEST; place++) {
			unsigned char text[LONGEST + 8];
			size_t size = 0;

			while (size < LONGEST) {
				bool here = size >= place && size < place + 4;

				put(text, &size,
				    here ? wrong[(place + fill) % COUNT(wrong)] :
					   sound[fill]);
			}
			check(text, size, '{');
			check(text, place, ' ');
			check(text, place, '}');
		}
	}
}

/* Around where a chunk of many blocks ends, and another one. */
static void
whatever_is_wrong_is_found_in_long_text(void **state)
{
	static const struct slice wrong[] = {BYTES("\x80"), BYTES("\xE0\x9F\xBF"),
	    BYTES("\xF0\x9F\x98"), BYTES("\xF0\x9F\x98\x80\x80"), BYTES("}{"),
	    BYTES("\x1F"), BYTES("\xF0\x9F\x98\x80"), BYTES("\xE2\x82\xAC"),
	    BYTES("} ")};
	static const size_t from[] = {3800, 7700};
	static unsigned char text[8200];

	(void)state;
	for (size_t i = 0; i < COUNT(from) * COUNT(wrong) * 200; i++) {
		size_t at = from[i % COUNT(from)] + i / COUNT(from) / COUNT(wrong);

		memset(text, 'a', sizeof text);
		put(text, &at, wrong[i / COUNT(from) % COUNT(wrong)]);
		check(text, sizeof text, 'a');
		check(text, at, 'a');
	}
}

static void
long_text_of_other_tongues_is_taken_nearly_whole(void **state)
{
	static const struct slice words[] = {BYTES("Gr\xC3\xB6\xC3\x9F"
						   "e "),
	    BYTES("\xE6\x97\xA5\xE6\x9C\xAC\xE8\xAA\x9E "),
	    BYTES("\xD0\xBC\xD0\xB8\xD1\x80 ")};

	(void)state;
	for (size_t shift = 0; shift < 8; shift++) {
		unsigned char text[1024 + 16];
		size_t size = shift;

		memset(text, 'a', shift);
		for (size_t i = 0; size < 1024; i++) {
			put(text, &size, words[i % COUNT(words)]);
		}
		check(text, size, 'a');
		if (TEXT_SCAN_WIDEST > 8) {
			assert_in_range(size - text_scan_utf8(text, size), 0,
			    MOST_LEFT);
		}
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(plain_text_is_taken_nearly_whole),
	    cmocka_unit_test(every_pair_of_bytes_is_judged_as_one_by_one),
	    cmocka_unit_test(whatever_is_wrong_is_found_at_each_place),
	    cmocka_unit_test(whatever_is_wrong_is_found_in_long_text),
	    cmocka_unit_test(long_text_of_other_tongues_is_taken_nearly_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
