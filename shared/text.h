/*
 * Text from outside: is it UTF-8, and what of it may a person's terminal be shown?
 */
#ifndef GWBOT_TEXT_H
#define GWBOT_TEXT_H

#include <stdbool.h>
#include <stdint.h>

#include "buf.h"

/* U+FFFD: stands where a character could not be read or must not be shown. */
#define TEXT_REPLACEMENT "\xef\xbf\xbd"

/**
 * Reads the first character of bytes into code.
 *
 * Returns its size in bytes (1 to 4), or 0 where bytes is empty or begins with no
 * well-formed UTF-8.
 */
size_t text_read(struct slice bytes, uint32_t *code);

/** True where all bytes are well-formed UTF-8. */
bool text_is_utf8(struct slice bytes);

/**
 * True for characters that can move a cursor, forge a line or reorder a text: C0, DEL,
 * C1, line and paragraph separators, marks and overrides of direction.
 */
bool text_is_control(uint32_t code);

/**
 * Appends bytes with all that is not well formed, and with hide_controls also every
 * control character, replaced by TEXT_REPLACEMENT.  Errors as buf_append().
 */
enum gw_err text_clean(struct slice bytes, bool hide_controls, struct buf *out);

#endif
