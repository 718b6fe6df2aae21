/*
 * From the log to the feed: what of it is a change of state, and its line for people.
 *
 * The log is the one source, so that both tell the same story: notes.def has a row for
 * each event that the feed shows.  Pure.
 */
#ifndef GWBOTD_NOTES_H
#define GWBOTD_NOTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "feed_queue.h"
#include "log.h"
#include "secret.h"

/* An event of the log in the words of the feed. */
struct note {
	const char *type;     /* "shard.ready"; static text */
	enum log_level level; /* what the log tells to debuggers only is an info here */
	int64_t shard;        /* -1: none */
	char text[FEED_TEXT_MAX_BYTES + 1];
	char fields[FEED_FIELDS_MAX_BYTES + 1]; /* a JSON object */
};

/** Fills out, with the secret masked; false where no row is about this event. */
bool note_make(const struct log_event *event, const struct secret *secret,
    struct note *out);

#endif
