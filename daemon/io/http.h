/*
 * Health server: HTTP/1.1, one answer a connection.
 *
 * Knows routes and connections, not sessions: the owner renders.  Descriptors are bound
 * and accepted here and handed to the library's HTTP role; every connection has a
 * deadline, and a flood of idle ones never locks a probe out: the one that has waited
 * longest makes room.
 */
#ifndef GWBOTD_HTTP_H
#define GWBOTD_HTTP_H

#include <stdbool.h>
#include <stdint.h>

#include "buf.h"
#include "clock.h"
#include "err.h"
#include "health.h"
#include "listener.h"
#include "loop.h"
#include "query.h"
#include "tally.h"

struct http;

/* One peer's connection. */
struct connection;

/* What was asked; for the time of one answer(). */
struct http_request {
	const struct http_route *route;
	const struct query *query;
	mono_ns now;
	bool near; /* its peer is on this host or a private network, and no proxy says
	            * that it asks for somebody else */
	struct connection *conn; /* whose it is */
};

/* What the owner says. */
struct http_reply {
	unsigned status;
	const char *type;   /* Content-Type; NULL: application/json */
	char state[32];     /* X-Gwbot-State; empty: none */
	const char *cache;  /* Cache-Control; NULL: no-store */
	const char *etag;   /* with its quotes: who has that one gets 304; NULL: none */
	const char *policy; /* Content-Security-Policy of a page; NULL: none */
	struct buf *body;   /* the document is appended here */
};

/* A path and what answers GET and HEAD there: one row each. */
struct http_route {
	const char *path;
	/** Fills reply; status is 503 and the rest empty before. */
	void (*answer)(void *ctx, const struct http_request *request,
	    struct http_reply *reply);
	enum health_path probe; /* for the probes: which one */
};

struct http_options {
	struct loop *loop;
	uint16_t port; /* 0: a free one, see http_port() */
	/* Numeric addresses, ended by NULL.  Empty: 0.0.0.0 and ::, of which the family
	 * that the host lacks is left out. */
	const char *listen[LISTENER_ADDRESSES_MAX + 1];
	unsigned max_connections; /* 0: 256; a quarter of it for one address */
	unsigned reserved_fds;    /* descriptors that the shards need: not for probes */
	const struct http_route *routes; /* borrowed */
	size_t route_count;
	void *ctx; /* of their answer() */
};

struct http_stats {
	unsigned open;     /* connections held now */
	uint64_t accepted; /* since the start, as all below */
	uint64_t requests; /* answered */
	uint64_t evicted;  /* closed without an answer to make room */
	uint64_t refused;  /* closed at once: every place was busy answering */
	uint64_t expired;  /* closed because a deadline passed */
	const struct tally_routes *handlers; /* answers by path; borrowed */
};

/**
 * Listens.  The options are copied; ctx must outlive the server.
 *
 * Where an address cannot be had *out is NULL, and why (room bytes) says it in one line
 * for a person, with the port.  Errors as listener_new().
 */
enum gw_err http_new(const struct http_options *options, struct http **out, char *why,
    size_t room);

/** Stops listening and drops all connections.  Not from inside answer(); NULL is
 * allowed.
 */
void http_free(struct http *owned_http);

/* ---- answers that come later ---- */

/* An answer that is owed to a connection, and outlives it. */
struct http_later;

/**
 * Inside answer(): the answer comes later, within 30 s; the reply is not looked at.
 *
 * The caller answers or drops it once.  NULL where half of the connections that may be
 * open wait for one already, so that a probe always finds a place: answer now then.
 */
struct http_later *http_answer_later(const struct http_request *request);

/** False when the client has gone, or its time was over. */
bool http_later_is_wanted(const struct http_later *later);

/** Gives the answer, not from inside answer(); reply and its body are borrowed. */
void http_later_answer(struct http_later *owned_later, const struct http_reply *reply);

/** Ends the connection without an answer; NULL is allowed. */
void http_later_drop(struct http_later *owned_later);

/* ---- limits and figures ---- */

/** Another limit, for connections to come; 0: 256. */
void http_set_max_connections(struct http *http, unsigned wanted);

/** The limit in force. */
unsigned http_max_connections(const struct http *http);

/** The port it listens on. */
uint16_t http_port(const struct http *http);

struct http_stats http_stats(const struct http *http);

#endif
