/*
 * The events of a daemon as they happen: a connection of its own that follows.
 *
 * Never blocks once it is open: poll feed_reader_fd() for bytes to read, then take
 * until there is nothing left.
 */
#ifndef GWCTL_FEED_READER_H
#define GWCTL_FEED_READER_H

#include "client.h"

struct feed_reader {
	struct client client;
};

enum feed_state {
	FEED_EVENT,   /* *event is one, the caller's to free */
	FEED_NOTHING, /* none is there now */
	FEED_ENDED,   /* the daemon has hung up, or speaks nonsense */
};

/** At rest; path of the socket is borrowed. */
void feed_reader_init(struct feed_reader *reader, const char *path);

/** Hangs up and frees; may be opened again after it. */
void feed_reader_fini(struct feed_reader *reader);

/**
 * Connects, says hello and follows, all within timeout.  owned_params are the arguments
 * of the method events but for --follow, an array of texts ("--type=!dispatch.*"), or
 * NULL.  *answer, the caller's to free, has the history in "events".
 *
 * False with failure filled; the reader is at rest then.
 */
bool feed_reader_open(struct feed_reader *reader, mono_ns timeout,
    struct json *owned_params, struct json **answer, struct failure *failure);

/** What to poll; -1 while it is at rest. */
int feed_reader_fd(const struct feed_reader *reader);

/** Takes the next event: number, time, level, type, shard, text and fields. */
enum feed_state feed_reader_take(struct feed_reader *reader, struct json **event);

#endif
