/*
 * What a name means: an option, a metric, an exit status, a close code, a command.
 *
 * Each from its own table; gwctl and gwbotd answer with the same words.
 */
#ifndef GWBOT_EXPLAIN_H
#define GWBOT_EXPLAIN_H

#include <stdbool.h>
#include <stddef.h>

#include "json.h"

/* Longer names are no names. */
#define EXPLAIN_NAME_MAX 200

/**
 * Adds to answer what the name means, all meanings where there are several: the members
 * "name", "options", "metrics", "exits", "close_codes" and "commands".
 *
 * An option goes by its path, its group, a glob or its variable; a metric by its name
 * or a glob; a status and a code by their number, which "exit", "gwbotd", "gwctl" or
 * "close" in front make certain.  False, with answer as it was, where nothing is called
 * so.
 */
bool explain_name(const char *name, struct json *answer);

/** Writes 'nothing is called "watchdog.stal"; nearest: watchdog.stall' into out. */
void explain_unknown(const char *name, char *out, size_t room);

#endif
