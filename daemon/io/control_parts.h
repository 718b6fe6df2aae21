/*
 * What control_peer.c (one peer: framing, deadlines, its end) and control_call.c (one
 * request: its answer, and what follows it) share, and nobody else includes.
 */
#ifndef GWBOTD_CONTROL_PARTS_H
#define GWBOTD_CONTROL_PARTS_H

#include "control_peer.h"

/* A peer is open, or lingers (its last answer is written, what it still sends is thrown
 * away until it hangs up), or is dead (the loop closes it in its next turn). */
enum peer_state {
	PEER_OPEN,
	PEER_LINGERING,
	PEER_DEAD,
};

struct control_peer {
	const struct control_peer_host *host; /* NULL once that is gone */
	struct loop_fd *handle;
	int fd;
	enum peer_state state;
	struct control_caller who;
	struct rpc_lines lines;
	struct buf out;
	size_t sent;               /* bytes of out that the kernel has */
	struct control_call *call; /* the request that waits for its answer */
	bool stepping;             /* inside step() */
	bool ended;                /* it will send no more */
	bool restricted;           /* it may only read */
	mono_ns active_at;
	mono_ns deadline; /* of its present wait; CLOCK_NEVER while idle */
};

struct control_call {
	struct control_peer *peer; /* NULL once it is gone */
	struct control_caller who;
	bool restricted; /* as the peer was when it asked */
	struct rpc_request request;
	struct control_series series; /* .done is NULL without one */
	size_t made;                  /* elements of it */
	bool answered;                /* the series is at what follows its elements */
};

/* ---- control_peer.c ---- */

/** Hands the kernel what it takes.  False when the peer is gone. */
bool control_peer_flush(struct control_peer *peer, mono_ns now);

static inline bool
control_peer_has_unsent(const struct control_peer *peer)
{
	return peer->out.size > peer->sent;
}

/* ---- control_call.c ---- */

/** Frees a call that is over, and what its series holds. */
void control_call_free(struct control_call *owned_call);

/** Makes more of the answer, or of what follows it, where the peer has read so far. */
void control_call_continue(struct control_call *call, mono_ns now);

/** True for one that goes on behind its answer. */
static inline bool
control_call_follows(const struct control_call *call)
{
	return call->series.next != NULL;
}

#endif
