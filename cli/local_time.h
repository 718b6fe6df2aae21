/*
 * Instants as the daemon writes them, RFC 3339 in UTC, in the time of this place.
 */
#ifndef GWCTL_LOCAL_TIME_H
#define GWCTL_LOCAL_TIME_H

#include <stdbool.h>
#include <time.h>

#include "buf.h"

/** Reads "2026-11-22T15:48:02.114Z", with or without the fraction, which rest begins
 * with; false where text does not begin with an instant. */
bool local_time_read(const char *text, struct tm *local, const char **rest);

/** Appends text with all instants in it as people here read them: "16:48:02", with the
 * date where that is not today's. */
void local_time_put(const char *text, struct buf *out);

#endif
