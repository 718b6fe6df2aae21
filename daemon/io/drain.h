/*
 * Lingering close: drains for a moment what a peer still sends after its answer.
 *
 * Closing a socket with unread bytes sends a reset, which can overtake the answer that
 * is still on its way.  So the last owner leaves a duplicate of the descriptor here.
 */
#ifndef GWBOTD_DRAIN_H
#define GWBOTD_DRAIN_H

#include "clock.h"
#include "loop.h"

struct drain;

/** A pool without sockets. */
struct drain *drain_new(struct loop *loop);

/** Closes all that is left in it; NULL is allowed. */
void drain_free(struct drain *owned_drain);

/**
 * Sends the end of stream on the socket fd, and keeps it open behind the caller's
 * close() until the peer hangs up, 1 MiB came, or 2 s have passed.
 *
 * With 32 sockets in the pool, or no descriptor left, nothing is kept.
 */
void drain_keep(struct drain *drain, int fd, mono_ns now);

#endif
