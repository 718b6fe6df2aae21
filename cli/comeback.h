/*
 * Which of the shards that were asked to reconnect are ready again, by the rows of
 * `shards` from before and after.
 *
 * A shard that has not even fallen yet is ready, too: the count of its connections
 * tells.  Pure.
 */
#ifndef GWCTL_COMEBACK_H
#define GWCTL_COMEBACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "json.h"

/* One shard. */
struct comeback_row {
	int64_t shard;
	bool was_connected;
	int64_t reconnects; /* before */
	int64_t identifies;
	bool back;
	bool fresh;  /* with a new session */
	double took; /* seconds, since it was asked for */
};

struct comeback {
	struct comeback_row *rows; /* in the order of the shards' ids */
	size_t count;
};

/** Notes how the shards of an answer of `shards` are before they are asked. */
void comeback_begin(struct comeback *comeback, const struct json *answer);
void comeback_fini(struct comeback *comeback);

/** Another process has taken over: whatever is ready in it is so anew. */
void comeback_restart(struct comeback *comeback);

/**
 * Looks at an answer of elapsed seconds after they were asked.
 *
 * True where all are ready again; else seen (room bytes) says of the first that is not
 * what it does.
 */
bool comeback_look(struct comeback *comeback, const struct json *answer, double elapsed,
    char *seen, size_t room);

/** One object a shard that is back: shard, session ("resumed" or "new"), took_seconds.
 */
struct json *comeback_list(const struct comeback *comeback);

#endif
