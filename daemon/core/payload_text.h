/*
 * What lies between the quotes of a JSON string.
 */
#ifndef GWBOTD_PAYLOAD_TEXT_H
#define GWBOTD_PAYLOAD_TEXT_H

#include <stdbool.h>
#include <stdint.h>

#include "buf.h"

/** The value of the four hexadecimal digits at at; -1 where there are none before end.
 */
int32_t payload_text_hex4(const unsigned char *at, const unsigned char *end);

/**
 * Writes text without its escapes into out (room bytes, at least 1) as a C string.
 *
 * A lone surrogate becomes U+FFFD.  False, with out undefined, where it does not fit or
 * holds U+0000.
 */
bool payload_text_unescape(struct slice text, char *out, size_t room);

#endif
