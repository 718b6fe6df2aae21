/*
 * What text_scan.h says of many bytes at once, byte by byte.
 */
#ifndef TESTS_TEXT_BY_BYTES_H
#define TESTS_TEXT_BY_BYTES_H

#include <stddef.h>

#include "utf8.h"

/* How many bytes are whole characters. */
static inline size_t
whole_utf8(const unsigned char *text, size_t size)
{
	size_t at = 0;
	size_t length = 1;

	while (at < size && length > 0) {
		length = utf8_length(text + at, size - at);
		at += length;
	}
	return at;
}

/* In how many no payload ends, and no control character is; the byte behind them counts
 * and is readable. */
static inline size_t
without_end(const unsigned char *text, size_t size)
{
	size_t at = 0;

	while (at < size && text[at] >= ' ' &&
	    !(text[at] == '}' && (text[at + 1] == '{' || text[at + 1] == ' '))) {
		at++;
	}
	return at;
}

#endif
