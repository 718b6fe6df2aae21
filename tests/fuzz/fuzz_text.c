/*
 * Text: what is taken at once is as sound as if each byte had been looked at, from
 * whatever address on.
 *
 * The first byte is where the text begins within a block.
 */
#include <string.h>

#include "../text_by_bytes.h"
#include "must.h"
#include "text_scan.h"

#define PLACES    64
#define MOST_SIZE 8192

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
