/*
 * One peer of the control socket: framing, one call at a time, deadlines, its end.
 */
#ifndef GWBOTD_CONTROL_PEER_H
#define GWBOTD_CONTROL_PEER_H

#include "clock.h"
#include "control.h"

struct control_peer;

/* What a peer needs of its socket; outlives the peer, or is taken away by
 * control_peer_orphan(). */
struct control_peer_host {
	struct loop *loop;
	void (*request)(void *ctx, struct control_call *owned_call, mono_ns now);
	void *request_ctx;
	/** The peer's deadline may have changed. */
	void (*settled)(void *ctx);
	/** The peer is about to be freed. */
	void (*gone)(void *ctx, const struct control_peer *peer);
	/** How many follow (at least one where one asks that does), and may one more?
	 */
	unsigned (*followers)(void *ctx);
	bool (*may_follow)(void *ctx, mono_ns now);
	void *ctx;
	mono_ns follow_time; /* that a follower may read nothing */
};

/** Adopts a connected, non-blocking descriptor.  NULL where the loop refuses it. */
struct control_peer *control_peer_new(const struct control_peer_host *host, int fd,
    mono_ns now);

/** Hangs up in the loop's next turn; gone comes then.  May be called again. */
void control_peer_kill(struct control_peer *peer);

/** Hangs up, and host will not be called or used any more. */
void control_peer_orphan(struct control_peer *peer);

/** When the peer's present wait is over; CLOCK_NEVER: it does not wait, or is dead. */
mono_ns control_peer_deadline(const struct control_peer *peer);

/** Ends a wait whose deadline has passed. */
void control_peer_expire(struct control_peer *peer, mono_ns now);

/** True for one that is being hung up on. */
bool control_peer_is_dead(const struct control_peer *peer);

/** True for one that follows, see struct control_series. */
bool control_peer_follows(const struct control_peer *peer);

/** Since when a follower has not read what is there; CLOCK_NEVER: it has. */
mono_ns control_peer_stalled_since(const struct control_peer *peer);

/** Since when it neither asked nor took anything; CLOCK_NEVER while it is served. */
mono_ns control_peer_idle_since(const struct control_peer *peer);

#endif
