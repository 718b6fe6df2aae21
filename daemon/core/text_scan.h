/*
 * Looks over text many bytes at a time, as wide as the processor can.
 *
 * Both tell how many bytes at the front are sound as far as they can say without a look
 * at each: where that are fewer than all, the caller looks at the next ones itself;
 * they need not be wrong.
 */
#ifndef GWBOTD_TEXT_SCAN_H
#define GWBOTD_TEXT_SCAN_H

#include <stdbool.h>
#include <stddef.h>

/** Whole characters of UTF-8 (RFC 3629); data begins with a character. */
size_t text_scan_utf8(const unsigned char *data, size_t size);

/**
 * The same of text without control characters in which no payload ends: there is no
 * brace with another payload or white space behind it.  The byte behind the last one
 * counts, too, and must be readable.
 */
size_t text_scan_payload(const unsigned char *data, size_t size);

#endif
