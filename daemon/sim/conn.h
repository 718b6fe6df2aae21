/*
 * Connections: bytes to and from one client, plain or TLS, with the faults of a
 * network.
 *
 * A connection that ended stays in memory until conn_sweep(), after the turn of the
 * loop, so that nobody holds a dangling pointer in between.
 */
#ifndef GWSIM_CONN_H
#define GWSIM_CONN_H

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stdint.h>

#include "buf.h"
#include "clock.h"
#include "loop.h"

struct sim;
struct conn;

/* Producers stop above it and are asked again below it. */
#define CONN_HIGH_WATER ((size_t)256 << 10)

enum conn_phase {
	CONN_HANDSHAKE, /* TLS */
	CONN_OPEN,
	CONN_FINISHING, /* what is queued goes out, then FIN */
	CONN_DRAINING,  /* FIN sent; what the peer sends is thrown away until its FIN */
	CONN_DEAD,
};

/* Who reads the bytes: the HTTP server at first, the gateway after the upgrade. */
struct conn_user {
	void (*input)(
	    struct conn *conn); /* conn->in has grown, or the peer's FIN came */
	void (*refill)(struct conn *conn);  /* conn->out is below CONN_HIGH_WATER */
	mono_ns (*tick)(struct conn *conn); /* returns when it wants the next one */
	void (*gone)(struct conn *conn);    /* the connection has ended */
};

struct conn {
	struct conn *next;
	struct sim *sim;
	struct loop_watch watch;
	SSL *ssl; /* NULL: plain */
	enum conn_phase phase;
	const struct conn_user *user;
	void *owner; /* the user's */
	int shard;   /* FAULT_NO_SHARD until it told */
	struct buf in;
	struct buf out;
	size_t out_at; /* bytes of out already written */
	bool flushing;
	bool blocked; /* the kernel takes no more */
	bool peer_fin;
	bool lost_input;   /* bytes of the peer fell into the black hole */
	uint64_t cut_left; /* bytes until it is cut; UINT64_MAX: never */
	double slow_tokens;
	mono_ns slow_at;
	mono_ns opened_at;
	mono_ns deadline; /* of handshake, finishing and draining */
};

/** Takes the descriptor over; the connection is in *list then. */
struct conn *conn_new(struct sim *sim, struct conn **list, int owned_fd, SSL *owned_ssl,
    const struct conn_user *user);

/** Queued bytes not yet written. */
size_t conn_queued(const struct conn *conn);

/** Writes what the kernel and the faults allow, asking the user for more. */
void conn_flush(struct conn *conn);

/** Listens for what phase and faults call for: after a change of faults. */
void conn_rearm(struct conn *conn);

/** Ends it in order: queue, FIN, a second for the peer's FIN. */
void conn_finish(struct conn *conn);

/** Forgets the queue and sends FIN at once, without a word of TLS or websocket. */
void conn_drop(struct conn *conn);

/** Ends it with a TCP reset. */
void conn_reset(struct conn *conn);

/** Deadlines, drip and the user's own time; returns when it wants to be called again.
 */
mono_ns conn_tick(struct conn *conn);

/** Frees what is dead in the list. */
void conn_sweep(struct conn **list);

/** Ends and frees all. */
void conn_free_all(struct conn **list);

#endif
