/*
 * A gwctl and a gwbotd of different versions that understand each other all the same.
 */
#ifndef GWCTL_SKEW_H
#define GWCTL_SKEW_H

#include <stdbool.h>
#include <stddef.h>

/**
 * Writes what it is and what to type next to out (room bytes): the one line under a
 * screen.
 *
 * False where the daemon has gwctl's own version, or its version is not known.
 */
bool skew_explain(const char *daemon_version, char *out, size_t room);

/** Below 0 where version a is older than b, above where it is newer: "1.9" < "1.10". */
int skew_compare(const char *a, const char *b);

#endif
