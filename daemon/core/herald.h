/*
 * What the log channel is told: which changes of state, each once, so many a minute.
 * Pure.
 */
#ifndef GWBOTD_HERALD_H
#define GWBOTD_HERALD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "clock.h"

/* Of one message; Discord allows 2000. */
#define HERALD_MAX_CHARACTERS 1800
#define HERALD_LINE_BYTES     (HERALD_MAX_CHARACTERS * 4 + 4)

/* Lines that wait; what comes on top is counted only. */
#define HERALD_QUEUE_MAX 32

/* The same text within so long is dropped, of the last so many. */
#define HERALD_AGAIN    CLOCK_S(5)
#define HERALD_SEEN_MAX 256

/* Lines that are taken in a minute; the others are counted. */
#define HERALD_PER_MINUTE 20

/* All zero: nothing was heard yet. */
struct herald {
	char *lines[HERALD_QUEUE_MAX];
	size_t first;
	size_t count;
	struct {
		uint64_t hash; /* 0: free */
		mono_ns at;
	} seen[HERALD_SEEN_MAX];
	size_t seen_next;
	bool counting; /* window_at is set */
	mono_ns window_at;
	unsigned in_window;
	unsigned suppressed;
};

/** True where a change of this type ("probe.changed") is for the channel. */
bool herald_wants(const char *type);

/** Takes a line in unless it was told just now, or there are too many.  Marks of
 * Discord's Markdown and mentions in it become plain text; a long one is cut. */
void herald_offer(struct herald *herald, struct slice text, mono_ns now);

/**
 * Appends what one message holds of the lines that wait, and how many were left out
 * once their minute is over; they are forgotten then.  False where there is nothing.
 */
bool herald_take(struct herald *herald, mono_ns now, struct buf *out);

/** When to ask next; CLOCK_NEVER: after the next line. */
mono_ns herald_wake(const struct herald *herald, mono_ns now);

/** Forgets the lines that wait. */
void herald_clear(struct herald *herald);

#endif
