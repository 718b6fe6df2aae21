/*
 * Dispatches: one list of consumers behind one function.
 *
 * A shard hands each new dispatch of its session to those who docked here and want its
 * name; what they owe to it is done when they return, since its sequence is stored
 * then. A dispatch that nobody wants costs one test, and its data is not even read: see
 * payload_peek().
 */
#ifndef GWBOTD_DISPATCH_H
#define GWBOTD_DISPATCH_H

#include <stdbool.h>
#include <stdint.h>

#include "buf.h"
#include "clock.h"
#include "dispatches.h"

struct dispatch_event {
	uint32_t shard_id;
	int64_t seq; /* -1: it has none */
	/* Borrowed for the call. */
	struct slice type; /* "MESSAGE_CREATE", as Discord wrote it */
	enum dispatch_name name;
	struct slice data; /* d as JSON text */
	mono_ns now;
};

/* One who docks; the caller's, and in the list until dispatch_undock(). */
struct dispatch_consumer {
	/** May undock this consumer, and no other. */
	void (*take)(void *ctx, const struct dispatch_event *event);
	void *ctx;
	struct dispatch_set
	    wants; /* change it with dispatch_want() while it is docked */
	struct dispatch_consumer *next;
};

/* All zero: nobody is there. */
struct dispatch {
	struct dispatch_consumer *first;
	struct dispatch_set wanted; /* by one of them at least */
};

/** Adds a consumer behind those that are there. */
void dispatch_dock(struct dispatch *dispatch, struct dispatch_consumer *consumer);

/** Removes one; nothing where it is not there. */
void dispatch_undock(struct dispatch *dispatch, struct dispatch_consumer *consumer);

/** Changes what a consumer wants, whether it is docked or not. */
void dispatch_want(struct dispatch *dispatch, struct dispatch_consumer *consumer,
    const struct dispatch_set *wants);

/** True where somebody takes dispatches of that name. */
static inline bool
dispatch_is_wanted(const struct dispatch *dispatch, enum dispatch_name name)
{
	return dispatch_set_has(&dispatch->wanted, name);
}

/** Gives one to all who want its name, in the order in which they docked. */
void dispatch_hand_on(const struct dispatch *dispatch,
    const struct dispatch_event *event);

#endif
