/*
 * Durations as people write them: "250ms", "90s", "5min", "1h", "2d"; a bare number is
 * seconds.
 */
#ifndef GWBOT_DURATION_H
#define GWBOT_DURATION_H

#include <stddef.h>

#include "clock.h"
#include "err.h"

/* Room for every text that duration_format() makes, with its NUL. */
#define DURATION_TEXT_ROOM 40

/**
 * Reads digits with an optional fraction, then ms, s, min (or m), h, d or nothing;
 * blanks may stand around both.  Exact to the microsecond; finer digits are cut.
 *
 * GW_ERR_SYNTAX: not a duration.  GW_ERR_RANGE: negative, or over 292 years.
 */
enum gw_err duration_parse(const char *text, mono_ns *out);

/**
 * Writes a duration >= 0 in the largest unit that shows it exactly ("6min", "1110s"),
 * which duration_parse() reads back to the same value.  room >= DURATION_TEXT_ROOM.
 */
void duration_format(mono_ns duration, char *out, size_t room);

#endif
