/*
 * JSON writer: text into a bounded buffer, with one error that sticks.
 */
#ifndef GWSIM_JSONW_H
#define GWSIM_JSONW_H

#include <stdbool.h>
#include <stdint.h>

#include "buf.h"

struct jsonw {
	struct buf buf;
	enum gw_err err; /* the first one; what follows it is not written */
};

void jsonw_init(struct jsonw *out, size_t max_bytes);

void jsonw_fini(struct jsonw *out);

/** Appends text as it is. */
void jsonw_raw(struct jsonw *out, const char *text);

/** Appends a formatted text as it is: the arguments must not need escapes. */
void jsonw_fmt(struct jsonw *out, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/**
 * Appends a quoted string.
 *
 * With ascii everything beyond 7 bits becomes \uXXXX (pairs above the BMP), as some of
 * Discord's servers write it.  Bytes that are not UTF-8 become U+FFFD.
 */
void jsonw_string(struct jsonw *out, struct slice text, bool ascii);

/** Appends a snowflake as a quoted decimal. */
void jsonw_id(struct jsonw *out, uint64_t id);

/** Appends an instant (ms since 1970) as Discord writes it: microseconds, +00:00. */
void jsonw_time(struct jsonw *out, int64_t wall_ms);

/** Length of the well-formed UTF-8 sequence at the front, 0 where there is none. */
size_t jsonw_utf8_length(struct slice text);

#endif
