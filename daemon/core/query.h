/*
 * The arguments of a request: what stands behind the question mark.
 *
 * Pure.  The HTTP library has split them at `&`, and has undone the percent signs once,
 * so a piece here is plain bytes: NAME or NAME=VALUE.  Nothing undoes them again.
 */
#ifndef GWBOTD_QUERY_H
#define GWBOTD_QUERY_H

#include <stdbool.h>

#include "buf.h"

#define QUERY_ARGUMENTS_MAX 16
#define QUERY_ROOM_BYTES    1024 /* all pieces together */

struct query {
	struct slice pieces[QUERY_ARGUMENTS_MAX]; /* in text */
	unsigned count;
	char text[QUERY_ROOM_BYTES];
	size_t size;
	bool cut; /* there were more, or longer ones, than fit */
};

enum query_found {
	QUERY_NONE,
	QUERY_ONE,
	QUERY_SEVERAL, /* which one is meant is anybody's guess */
};

/** Forgets all arguments. */
void query_clear(struct query *query);

/** Copies one more piece; where it does not fit, cut says so. */
void query_add(struct query *query, struct slice piece);

/**
 * Finds the argument with this name; value is borrowed until the next query_add(),
 * empty for NAME without a `=`, and set with QUERY_ONE only.
 */
enum query_found query_find(const struct query *query, const char *name,
    struct slice *value);

#endif
