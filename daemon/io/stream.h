/*
 * One outgoing TCP connection with or without TLS on a descriptor of the loop:
 * deadlines, reading, a bounded send queue, one end report.
 *
 * Reads into buffers that all streams share, so a callback must not run the loop.
 */
#ifndef GWBOTD_STREAM_H
#define GWBOTD_STREAM_H

#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "clock.h"
#include "loop.h"

struct stream;
struct ws_tls;

enum stream_fault {
	STREAM_CONNECT,  /* refused, unreachable, or no answer in time */
	STREAM_TLS,      /* handshake or certificate */
	STREAM_TIMEOUT,  /* TLS took too long */
	STREAM_LOST,     /* end of stream or reset, once open */
	STREAM_INTERNAL, /* no memory, no descriptor, the loop ended */
};

struct stream_end {
	enum stream_fault fault;
	const char *step; /* "tcp", "tls", "open" */
	char text[160];   /* one line for a person */
};

struct stream_events {
	/** Connected, and TLS done where it is wanted. */
	void (*open)(void *ctx, mono_ns now);
	/** Bytes, borrowed for the call. */
	void (*bytes)(void *ctx, struct slice bytes, mono_ns now);
	/** The connection is over; the handle is dead after the call. */
	void (*end)(void *ctx, const struct stream_end *end, mono_ns now);
};

struct stream_options {
	struct loop *loop;
	const struct ws_tls *tls; /* NULL: plain; borrowed */
	const char *address;      /* numeric, IPv6 without brackets */
	uint16_t port;
	const char *host; /* whom the certificate must name */
	mono_ns open_by;  /* an instant: the connection is open then or over */
	mono_ns tcp_by;   /* an instant: TCP is done; CLOCK_NEVER: as any step */
};

/* How long one step may take, within open_by. */
#define STREAM_STEP_TIMEOUT CLOCK_S(5)

/* What may wait to be sent: data; control frames beyond it; a last word beyond both. */
#define STREAM_LIMIT_DATA    ((size_t)1024 * 1024)
#define STREAM_LIMIT_CONTROL (2 * STREAM_LIMIT_DATA)
#define STREAM_LIMIT_LAST    (STREAM_LIMIT_CONTROL + 256)

/**
 * Begins to connect; the options are copied.
 *
 * NULL where not even the attempt could be made: *why says it.  No callback comes from
 * inside this call.
 */
struct stream *stream_connect(const struct stream_options *options,
    const struct stream_events *events, void *ctx, struct stream_end *why);

/**
 * Room for size bytes at the end of the send queue; NULL where it would pass limit, one
 * of STREAM_LIMIT_*.  Fill it and call stream_commit(), nothing else between.
 */
void *stream_reserve(struct stream *stream, size_t size, size_t limit);

/** Queues the size bytes just reserved, and sends what the kernel takes at once. */
void stream_commit(struct stream *stream, size_t size);

/** Bytes queued and not yet taken by the kernel. */
size_t stream_unsent(const struct stream *stream);

/**
 * Lets go of the stream: no callback comes any more.
 *
 * What is queued is sent, then the sending side shut, then whatever still comes is read
 * and dropped until the peer hangs up, 2 s at most: closing a socket with unread bytes
 * would reset it and lose our last words.  One that is not open yet goes at once.
 */
void stream_finish(struct stream *owned_stream);

/** The same without sending what is queued. */
void stream_abort(struct stream *owned_stream);

#endif
