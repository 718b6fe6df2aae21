/*
 * What the two halves of stream share; for stream.c and stream_read.c only.
 */
#ifndef GWBOTD_STREAM_PRIVATE_H
#define GWBOTD_STREAM_PRIVATE_H

#include <stdbool.h>

#include "stream.h"
#include "ws_tls.h"

/* Received at once, at most. */
#define STREAM_RECEIVE_BYTES ((size_t)64 * 1024)

/* Of a new connection, in bytes; stream_read() fits it to what is read. */
#define STREAM_SLICE_FIRST ((size_t)16 * 1024)

enum step {
	STEP_TCP,
	STEP_TLS,
	STEP_OPEN,
	STEP_LINGER, /* the owner let go */
	STEP_OVER,   /* waits for the loop to close the descriptor */
};

struct stream {
	struct loop_fd *fd;
	int socket;
	SSL *ssl; /* NULL: plain */
	struct ws_tls_peer peer;
	struct tls_source source; /* of ssl */
	struct buf rest; /* received for ssl and left by a turn that was over */
	const struct stream_events *events;
	void *ctx;
	struct loop_timer *timer;
	mono_ns open_by;
	enum step step;
	bool in_ready; /* inside a ready callback, which flushes at its end */
	bool shut;     /* our sending side is */
	struct buf queue;
	size_t sent;  /* of the queue, already taken by the kernel */
	size_t slice; /* bytes that are read and handed up at once */
	char *host;
	char name[80]; /* address and port, for texts */
};

/* ---- stream.c ---- */

/** The descriptor goes in the next turn, the stream with it. */
void stream_close_soon(struct stream *stream);

/** Tells the owner of the one end, and closes soon. */
void stream_fail(struct stream *stream, enum stream_fault fault, mono_ns now,
    const char *text);

/** The same where a call on the TLS session, or on the socket, failed. */
void stream_fail_tls(struct stream *stream, int ssl_error, mono_ns now);
void stream_fail_errno(struct stream *stream, int error, mono_ns now);

/* ---- stream_read.c ---- */

/** Hands up what there is, one slice after the other, until the turn is over. */
void stream_read(struct stream *stream, mono_ns now);

/** Drops what comes, without TLS: nobody wants to know it any more. */
void stream_read_and_drop(struct stream *stream);

#endif
