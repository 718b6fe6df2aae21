/*
 * The exit statuses of both programs: gwbotd's in exits.def, gwctl's here.
 */
#ifndef GWBOT_EXITS_H
#define GWBOT_EXITS_H

#include <stddef.h>

/* Of gwctl; contract, section 7.  X(name, status, meaning) */
#define FAILURE_EXIT_TABLE(X)                                                       \
	X(DONE, 0, "done")                                                          \
	X(REFUSED, 1, "the daemon refused, or the operation failed")                \
	X(USAGE, 2, "wrong usage")                                                  \
	X(NOT_RUNNING, 3, "the daemon is not running")                              \
	X(NO_PERMISSION, 4, "no permission on the control socket")                  \
	X(TIMED_OUT, 5, "timed out")                                                \
	X(VERSION_SKEW, 6, "gwctl and gwbotd are of versions that differ too much") \
	X(NOT_CONFIRMED, 7, "a confirmation is missing")                            \
	X(DEGRADED, 8, "health: it is degraded")                                    \
	X(DOWN, 9, "health: it is not ready")                                       \
	X(INTERRUPTED, 130, "interrupted while it followed the events")

struct exit_row {
	const char *program; /* "gwbotd", "gwctl" */
	int status;
	const char *help;
	const char *next; /* what is to be done; empty for gwctl */
};

size_t exits_count(void);

/** The row at index, below exits_count(); gwbotd's come first. */
const struct exit_row *exits_at(size_t index);

/** What comes after gwbotd has ended with that status; empty for one that it has not.
 */
const char *exits_next(int status);

#endif
