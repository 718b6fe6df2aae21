/*
 * One WebSocket client connection on the loop: TCP, TLS, upgrade, frames, close.
 *
 * Takes an address, never a name.  Every wait has a deadline.  Exactly one end report
 * with its cause, unless the owner itself closes.
 */
#ifndef GWBOTD_WS_H
#define GWBOTD_WS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "clock.h"
#include "err.h"
#include "loop.h"

struct ws;
struct ws_tls;

/**
 * TLS settings for any number of connections: TLS 1.2 at least, the peer verified.
 *
 * ca_file NULL is the system's store.  NULL when the file cannot be used; why (room
 * bytes) then says so in one line for a person.
 */
struct ws_tls *ws_tls_new(const char *ca_file, char *why, size_t room);
void ws_tls_free(struct ws_tls *owned_tls);

enum ws_cause {
	WS_CAUSE_CONNECT, /* refused, unreachable, or no answer in time */
	WS_CAUSE_TLS,     /* handshake or certificate */
	WS_CAUSE_UPGRADE, /* an answer other than a right 101; http_status says which */
	WS_CAUSE_CLOSED,  /* close frame from the peer; code may be WS_CODE_NONE */
	WS_CAUSE_LOST,    /* end of stream or reset without a close frame */
	WS_CAUSE_PROTOCOL, /* the peer broke RFC 6455; the close frame for it was sent
	                    */
	WS_CAUSE_TIMEOUT,  /* a step or an unfinished message took too long */
	WS_CAUSE_INTERNAL, /* out of memory or descriptors, send queue over its limit */
};

#define WS_CODE_NONE \
	1005 /* RFC 6455 7.1.5: a close frame without a code, or none at all */

struct ws_end {
	enum ws_cause cause;
	unsigned code;          /* the peer's close code; WS_CODE_NONE without one */
	unsigned http_status;   /* of a refused upgrade, else 0 */
	unsigned retry_after_s; /* of a refused upgrade's Retry-After, else 0 */
	char step[16];          /* "tcp", "tls", "upgrade", "open": where it ended */
	char text[160]; /* one line for a person; the peer's words are escaped later */
};

/* A piece of a message, borrowed from the read buffer for the call. */
struct ws_piece {
	struct slice bytes;
	bool first;     /* begins a message */
	bool last;      /* ends it */
	bool binary;    /* else text, already checked as UTF-8 */
	bool unchecked; /* no, it is not: see leaves_text */
};

struct ws_events {
	/** The upgrade is done. */
	void (*open)(void *ctx, mono_ns now);
	/** A piece of a text or binary message. */
	void (*piece)(void *ctx, const struct ws_piece *piece, mono_ns now);
	/** A ping or pong arrived (pings are already answered): a sign of life. */
	void (*control)(void *ctx, mono_ns now);
	/** The connection is over; the handle is dead after the call. */
	void (*end)(void *ctx, const struct ws_end *end, mono_ns now);
};

struct ws_options {
	struct loop *loop;
	const struct ws_tls *tls; /* NULL: plain */
	const char *address;      /* numeric */
	uint16_t port;
	const char *host; /* for SNI, certificate check and the Host header */
	const char *path; /* with the query */
	const char *user_agent;
	mono_ns
	    open_timeout; /* TCP, TLS and upgrade together; each step has its own too */
	mono_ns tcp_timeout; /* of TCP where other addresses are left; 0: as any step */
	mono_ns message_timeout;    /* from the first to the last byte of one message */
	uint64_t max_message_bytes; /* as announced on the wire */
	bool leaves_text; /* text that comes in one piece is not looked at: who does not
	                   * look himself calls ws_check_text() */
};

/**
 * Begins to connect.  The options are copied (tls is borrowed while it lives).
 *
 * NULL where not even the attempt could be made: *why says it, and nothing is called
 * back. No callback comes from inside this call.
 */
struct ws *ws_connect(const struct ws_options *options, const struct ws_events *events,
    void *ctx, struct ws_end *why);

/** Queues one text message.  GW_ERR_FULL past 1 MiB unsent (ws ends itself then). */
enum gw_err ws_send_text(struct ws *ws, const void *data, size_t size);

/**
 * False where a piece that came unchecked is no UTF-8: the connection ends as for any
 * other breach of the protocol (RFC 6455 8.1) when the callback returns.
 */
bool ws_check_text(struct ws *ws, struct slice bytes);

/** Bytes queued and not yet taken by the kernel. */
size_t ws_unsent(const struct ws *ws);

/** Bytes received since the connection opened, frame headers included, TLS not. */
uint64_t ws_bytes_in(const struct ws *ws);

/**
 * Closes with this code and reason (NULL: none): no callback comes any more and the
 * handle is dead.  The close frame is written at once where the socket takes it;
 * reading until the peer hangs up goes on behind it, 2 s at most.
 */
void ws_close(struct ws *owned_ws, unsigned code, const char *reason);

/** Drops the connection without a close frame; otherwise as ws_close(). */
void ws_abort(struct ws *owned_ws);

#endif
