/*
 * Dispatches: one list of consumers behind one function.
 *
 * A shard hands each new dispatch of its session to all who docked here; what they owe
 * to it is done when they return, since its sequence is stored then.  Where nobody
 * docked it costs one test.
 */
#ifndef GWBOTD_DISPATCH_H
#define GWBOTD_DISPATCH_H

#include <stdbool.h>
#include <stdint.h>

#include "buf.h"
#include "clock.h"

struct dispatch_event {
	uint32_t shard_id;
	int64_t seq; /* -1: it has none */
	/* Borrowed for the call. */
	struct slice type; /* "MESSAGE_CREATE", as Discord wrote it */
	struct slice data; /* d as JSON text */
	mono_ns now;
};

/* One who docks; the caller's, and in the list until dispatch_undock(). */
struct dispatch_consumer {
	/** May undock this consumer, and no other. */
	void (*take)(void *ctx, const struct dispatch_event *event);
	void *ctx;
	struct dispatch_consumer *next;
};

/* All zero: nobody is there. */
struct dispatch {
	struct dispatch_consumer *first;
};

/** Adds a consumer behind those that are there. */
void dispatch_dock(struct dispatch *dispatch, struct dispatch_consumer *consumer);

/** Removes one; nothing where it is not there. */
void dispatch_undock(struct dispatch *dispatch, struct dispatch_consumer *consumer);

/** True where somebody takes them. */
static inline bool
dispatch_is_wanted(const struct dispatch *dispatch)
{
	return dispatch->first != NULL;
}

/** Gives one to all, in the order in which they docked. */
void dispatch_hand_on(const struct dispatch *dispatch,
    const struct dispatch_event *event);

#endif
