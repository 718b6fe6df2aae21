/*
 * The feed of events in this process: hears the log and the dispatches, keeps the
 * history, and has a queue for each client that follows.
 */
#ifndef GWBOTD_EVENTS_H
#define GWBOTD_EVENTS_H

#include "dispatch.h"
#include "feed.h"
#include "notes.h"
#include "secret.h"

struct events;
struct events_follower;

/**
 * Hears the log from now on.  secret never appears in what it tells; borrowed, NULL for
 * none.  Dispatches come from dispatch, borrowed, while somebody follows.
 */
struct events *events_new(struct dispatch *dispatch, const struct secret *secret);

/** Stops hearing; nobody may follow any more.  NULL is allowed. */
void events_free(struct events *owned_events);

/** Has fn see every later change of state of the log; it must not log.  NULL ends it.
 */
void events_observe(struct events *events,
    void (*fn)(void *ctx, const struct note *note), void *ctx);

/** The history, oldest first, borrowed until the next event. */
const struct feed_queue *events_history(const struct events *events);

/**
 * Begins to follow: wake is called when there is something to take after
 * events_take() said that there is not; it must not take at once.
 */
struct events_follower *events_follow(struct events *events,
    const struct feed_filter *filter, void (*wake)(void *ctx), void *ctx);
void events_unfollow(struct events_follower *owned_follower);

/** As feed_inbox_take(). */
bool events_take(struct events_follower *follower, struct feed_entry *out);

#endif
