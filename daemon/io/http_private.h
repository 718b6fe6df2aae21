/*
 * What the health server's files share: connections (http.c), answers (http_answer.c)
 * and those that come later (http_later.c).
 */
#ifndef GWBOTD_HTTP_PRIVATE_H
#define GWBOTD_HTTP_PRIVATE_H

#include <libwebsockets.h>
#include <sys/queue.h>

#include "drain.h"
#include "http.h"

/* A longer If-None-Match is none of ours. */
#define HTTP_CONDITION_BYTES 72

/* /metrics of 1000 shards: 1.8 MB, 2.5 MB with the longest numbers. */
#define HTTP_REPLY_MAX_BYTES ((size_t)4 << 20)

#define HTTP_ANSWER_DEADLINE CLOCK_S(5) /* from an answer to its last byte taken */

enum connection_state {
	CONNECTION_WAITING,   /* no whole request yet; may be evicted */
	CONNECTION_DEFERRED,  /* the answer comes later */
	CONNECTION_ANSWERING, /* the kernel did not take the whole answer yet */
	CONNECTION_DOOMED,    /* to be closed in the next turn */
	CONNECTION_STATES,
};

struct connection {
	TAILQ_ENTRY(connection) link;
	struct http *http;
	struct lws *wsi;
	enum connection_state state;
	mono_ns deadline;
	uint64_t peer;   /* whom the cap for one address counts */
	bool near;       /* see near.h */
	size_t handler;  /* its place in http.handlers */
	mono_ns began;   /* when the request was there */
	unsigned status; /* of the answer */
	bool head_only;
	bool upgrading; /* asked for: must be answered at once, if at all */
	char condition[HTTP_CONDITION_BYTES]; /* If-None-Match; empty: none */
	struct http_later *later;             /* while deferred */
	struct buf owed; /* the answer, while deferred: LWS_PRE bytes, head, body */
	bool unread;     /* the request may have a tail that nobody will read */
};

TAILQ_HEAD(connection_list, connection);

struct http {
	struct http_options options;
	struct listener *listener;
	struct drain *drain;
	struct lws_vhost *vhost;
	struct connection_list
	    lists[CONNECTION_STATES]; /* by state, each oldest first */
	struct connection *adopting;  /* until the library has taken it */
	struct loop_timer *sweep;
	bool sweeping;
	unsigned deferred; /* connections in that state */
	struct query query;
	mono_ns logged_at; /* the last warning about a lack of room */
	struct buf reply;  /* LWS_PRE bytes, head, body */
	struct buf body;
	struct http_stats stats;
	struct tally_routes handlers;
};

/** Puts the connection into another list, with another deadline. */
void http_connection_move(struct connection *conn, enum connection_state state,
    mono_ns deadline);

/* Below: each returns what the library's callback shall return. */

/** A whole request is there: GET, HEAD, or another method that the library knows. */
int http_connection_request(struct connection *conn, mono_ns now);

/** Bytes that the library could not read as a request: another method, or no HTTP. */
int http_connection_raw(struct connection *conn, const char *bytes, size_t size,
    mono_ns now);

/**
 * Puts the whole answer, with LWS_PRE bytes in front, into out; it had one place to be
 * made.  status, type, cache and the like are those of reply.
 */
enum gw_err http_answer_put(struct connection *conn, const struct http_reply *reply,
    struct slice body, struct buf *out);

/** Writes an answer that was put. */
int http_answer_write(struct connection *conn, const struct buf *answer, mono_ns now);

/** Writes the answer that came later, if it has come. */
int http_later_write(struct connection *conn, mono_ns now);

/** The connection ends: nobody waits for the answer any more. */
void http_later_forget(struct connection *conn);

/** All was said and taken: the library closes. */
int http_connection_finish(struct connection *conn, mono_ns now);

#endif
