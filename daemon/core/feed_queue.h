/*
 * A row of events in storage of a fixed size: the newest goes in behind, the oldest
 * comes out in front.  Allocates nothing.
 *
 * One event takes as many bytes as its texts have, so that many short ones (dispatches)
 * and a few long ones (changes of state) share the same room.
 */
#ifndef GWBOTD_FEED_QUEUE_H
#define GWBOTD_FEED_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "log.h"

/* What an event may hold; longer texts are the maker's to cut. */
#define FEED_TYPE_MAX_BYTES   64
#define FEED_TEXT_MAX_BYTES   512
#define FEED_FIELDS_MAX_BYTES 2048

enum feed_kind {
	FEED_CHANGE,   /* a change of state */
	FEED_DISPATCH, /* an event of the gateway: seq and amount (bytes) count */
	FEED_DROPPED,  /* stands for amount events that this reader lost */
};

struct feed_entry {
	enum feed_kind kind;
	enum log_level level; /* error, warning or info */
	uint64_t number;      /* of a change, from 1; 0: not numbered */
	int64_t wall_ms;
	int64_t shard; /* -1: of the process as a whole */
	int64_t seq;   /* -1: none */
	uint64_t amount;
	struct slice type;
	struct slice text;   /* one line for people; empty where type says it all */
	struct slice fields; /* a JSON object, or empty */
};

struct feed_queue {
	char *bytes; /* borrowed */
	size_t room;
	size_t max_count;
	size_t count;
	size_t head;  /* of the oldest */
	size_t tail;  /* behind the newest */
	size_t used;  /* bytes of all events */
	bool wrapped; /* the newer ones begin at 0 again; */
	size_t end;   /* the older ones end here then */
};

/** An empty queue of at most max_count events in room bytes, aligned for any type. */
void feed_queue_init(struct feed_queue *queue, void *bytes, size_t room,
    size_t max_count);

/** Bytes that an entry takes. */
size_t feed_queue_size_of(const struct feed_entry *entry);

/** Appends a copy; false where there is no room, or a text is longer than allowed. */
bool feed_queue_push(struct feed_queue *queue, const struct feed_entry *entry);

/** The oldest, its texts borrowed until the next push; false where there is none. */
bool feed_queue_peek(const struct feed_queue *queue, struct feed_entry *out);

/** Drops the oldest, where there is one.  What peek lent stays until the next push. */
void feed_queue_pop(struct feed_queue *queue);

/* A walk from the oldest to the newest of a queue that does not change meanwhile. */
struct feed_walk {
	const struct feed_queue *queue;
	size_t left;
	size_t at;
};

struct feed_walk feed_walk_of(const struct feed_queue *queue);

/** The next one, its texts borrowed as those of peek; false at the end. */
bool feed_walk_next(struct feed_walk *walk, struct feed_entry *out);

#endif
