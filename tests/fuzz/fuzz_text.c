/*
 * Text: what is taken at once is as sound as if each byte had been looked at, from
 * whatever address on.
 *
 * The first byte is where the text begins within a block.
 */
#include <string.h>

#include "must.h"
#include "text_scan.h"
#include "utf8.h"

#define PLACES    64
#define MOST_SIZE 8192

/* How many bytes are whole characters. */
static size_t
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

/* In how many no payload ends, and no control character is. */
static size_t
without_end(const unsigned char *text, size_t size)
{
	size_t at = 0;

	while (at < size && text[at] >= ' ' &&
	    !(text[at] == '}' && (text[at + 1] == '{' || text[at + 1] == ' '))) {
		at++;
	}
	return at;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static unsigned char room[PLACES + MOST_SIZE];

	if (size < 2 || size - 1 > MOST_SIZE) {
		return 0;
	}
	unsigned char *text = room + data[0] % PLACES;

	memcpy(text, data + 1, size - 1);
	size -= 2; /* the last one is what is readable behind */
	size_t taken = text_scan_utf8(text, size);

	MUST(taken <= whole_utf8(text, size) && whole_utf8(text, taken) == taken);
	taken = text_scan_payload(text, size);
	MUST(taken <= without_end(text, size) && whole_utf8(text, taken) == taken);
	return 0;
}
