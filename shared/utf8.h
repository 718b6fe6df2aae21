/*
 * UTF-8 as RFC 3629 has it: no overlong forms, no surrogates, nothing past U+10FFFF.
 */
#ifndef GWBOT_UTF8_H
#define GWBOT_UTF8_H

#include <stddef.h>
#include <stdint.h>

/** Bytes of the well-formed sequence at data (size of at least 1), 0 where there is
 * none. */
static inline size_t
utf8_length(const unsigned char *data, size_t size)
{
	unsigned first = data[0];

	if (first < 0x80) {
		return 1;
	}
	if (first < 0xC2 || first > 0xF4) {
		return 0;
	}
	size_t need = first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;

	if (size < need) {
		return 0;
	}
	for (size_t i = 1; i < need; i++) {
		if ((data[i] & 0xC0U) != 0x80) {
			return 0;
		}
	}
	if ((first == 0xE0 && data[1] < 0xA0) || (first == 0xED && data[1] > 0x9F) ||
	    (first == 0xF0 && data[1] < 0x90) || (first == 0xF4 && data[1] > 0x8F)) {
		return 0;
	}
	return need;
}

/** The code point of a well-formed sequence of length bytes. */
uint32_t utf8_decode(const unsigned char *data, size_t length);

/** Writes code (at most U+10FFFF) into out; its length, 1 to 4. */
size_t utf8_encode(uint32_t code, char out[4]);

#endif
