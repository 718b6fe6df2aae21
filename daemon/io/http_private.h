/*
 * What the health server's files share: connections (http.c) and answers
 * (http_answer.c).
 */
#ifndef GWBOTD_HTTP_PRIVATE_H
#define GWBOTD_HTTP_PRIVATE_H

#include <libwebsockets.h>
#include <sys/queue.h>

#include "drain.h"
#include "http.h"

enum connection_state {
	CONNECTION_WAITING,   /* no whole request yet; may be evicted */
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
	uint64_t peer; /* whom the cap for one address counts */
	bool unread;   /* the request may have a tail that nobody will read */
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
	mono_ns logged_at; /* the last warning about a lack of room */
	struct buf reply;  /* LWS_PRE bytes, head, body */
	struct buf body;
	struct http_stats stats;
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

/** All was said and taken: the library closes. */
int http_connection_finish(struct connection *conn, mono_ns now);

#endif
