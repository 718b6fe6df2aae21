/*
 * How a command ends badly: exit status, cause, and what to type next.
 */
#ifndef GWCTL_FAILURE_H
#define GWCTL_FAILURE_H

#include <stdbool.h>

#include "exits.h"
#include "json.h"

enum failure_exit {
#define FAILURE_EXIT_ENUM(name, status, meaning) EXIT_##name = (status),
	FAILURE_EXIT_TABLE(FAILURE_EXIT_ENUM)
#undef FAILURE_EXIT_ENUM
};

struct failure {
	enum failure_exit exit;
	char code[32];  /* for scripts: "not_running" */
	char text[512]; /* the cause, one line */
	char hint[256]; /* what to type next; empty: nothing helps */
	size_t line;    /* of a script; 0: none.  failure_set() leaves it alone */
	/* What the daemon has to say besides, see struct rpc_failure; NULL: nothing. */
	struct json *details;
};

/** Fills failure with a formatted cause and no hint.  Returns false, for callers that
 * end with it. */
bool failure_set(struct failure *failure, enum failure_exit exit, const char *code,
    const char *format, ...) __attribute__((format(printf, 4, 5)));

/** Adds what to type next. */
void failure_hint(struct failure *failure, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/** Copies details, an array, into failure; failure_print() frees it. */
void failure_detail(struct failure *failure, const struct json *details);

/** The hint without the wide gaps that part its pieces on a screen: "a; b". */
void failure_hint_line(const struct failure *failure, char *out, size_t room);

/** Writes it to stderr, for people or as one JSON object; returns the exit status. */
int failure_print(struct failure *failure, bool json);

#endif
