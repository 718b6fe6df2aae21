/*
 * The feed of events: what `gwctl events` shows.
 *
 * Pure.  Changes of state are numbered and kept, the last ones of them (the history);
 * they and the dispatches of the gateway go to each reader that wants them.  A reader
 * has room for so many: what it is too slow for is counted, and told where it is
 * missing.
 */
#ifndef GWBOTD_FEED_H
#define GWBOTD_FEED_H

#include "dispatches.h"
#include "feed_queue.h"

/* The history. */
#define FEED_HISTORY_MAX       1000
#define FEED_HISTORY_MAX_BYTES ((size_t)256 * 1024)

/* What may wait for one reader.  Dispatches leave some of it to changes of state: those
 * are rare, and what one follows the feed for. */
#define FEED_QUEUE_MAX_BYTES     ((size_t)128 * 1024)
#define FEED_QUEUE_CHANGES_BYTES ((size_t)32 * 1024)

/* Of dispatches, in front of the name that Discord gave it. */
#define FEED_DISPATCH_PREFIX "dispatch."

/* Which events a reader wants. */
struct feed_filter {
	char type[FEED_TYPE_MAX_BYTES + 2]; /* a glob, see feed_glob(); empty: all */
	int64_t first_shard;                /* -1: all, and what belongs to no shard */
	int64_t last_shard;
};

/**
 * True where name matches: `*` is any text, `?` any character, letters of both cases
 * are the same; a leading `!` is true for what does not match.
 */
bool feed_glob(struct slice glob, struct slice name);

/** True where the filter wants it; dispatches also match by their bare name. */
bool feed_filter_wants(const struct feed_filter *filter,
    const struct feed_entry *entry);

/** Adds the dispatches that the filter wants of any shard.  What Discord may yet call
 * otherwise is always among them: the filter is asked again when it comes. */
void feed_filter_add_wants(const struct feed_filter *filter, struct dispatch_set *set);

/* ---- the history ---- */

struct feed_history {
	struct feed_queue queue;
	uint64_t last_number;
};

/** bytes: storage of FEED_HISTORY_MAX_BYTES. */
void feed_history_init(struct feed_history *history, void *bytes);

/** Gives the entry its number and keeps it; the oldest ones make room. */
void feed_history_add(struct feed_history *history, struct feed_entry *entry);

/* ---- a reader ---- */

struct feed_inbox {
	struct feed_filter filter;
	struct feed_queue queue;
	uint64_t dropped;        /* since the last one that was queued */
	int64_t dropped_wall_ms; /* the last of them */
	uint64_t dropped_total;  /* since the begin */
};

/** bytes: storage of FEED_QUEUE_MAX_BYTES. */
void feed_inbox_init(struct feed_inbox *inbox, const struct feed_filter *filter,
    void *bytes);

/** Offers an event; true where it was wanted: it waits for the reader, or counts as
 * dropped. */
bool feed_inbox_offer(struct feed_inbox *inbox, const struct feed_entry *entry);

/**
 * Takes the next event for the reader, borrowed until the next call; false: there is
 * none.  For those dropped in between comes one of the kind FEED_DROPPED.
 */
bool feed_inbox_take(struct feed_inbox *inbox, struct feed_entry *out);

#endif
