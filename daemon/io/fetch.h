/*
 * One HTTP/1.1 request on the loop, bounded in size and time.
 *
 * The library's HTTP client, tamed: names are resolved off the loop, every request has
 * a deadline of its own, exactly one end is reported, redirects are not followed, one
 * connection per request, no proxy from the environment.
 */
#ifndef GWBOTD_FETCH_H
#define GWBOTD_FETCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "clock.h"
#include "loop.h"
#include "resolver.h"

struct fetch;

struct fetch_header {
	const char *name; /* without the colon */
	const char *value;
};

#define FETCH_HEADERS_MAX 8

struct fetch_request {
	const char *method;  /* "GET", "POST", ... */
	const char *url;     /* http:// or https:// */
	bool plain_anywhere; /* http:// not to loopback addresses only: for what the
	                        operator named, never with the token */
	struct fetch_header headers[FETCH_HEADERS_MAX]; /* ended by a NULL name */
	struct slice body;                              /* empty: none */
	mono_ns timeout;       /* from the start to the last byte, lookup included */
	size_t max_body_bytes; /* a larger answer is an error */
	/** Is this numeric address one to connect to?  NULL: all are. */
	bool (*allows_address)(const char *address);
	const char *const
	    *want_headers; /* lower case, without colon, ended by NULL; or NULL */
};

/* What came of it, for whoever must tell one failure from another. */
enum fetch_end {
	FETCH_WHOLE,     /* an answer with any status */
	FETCH_TIMED_OUT, /* the timeout passed */
	FETCH_TOO_LARGE, /* the answer is larger than max_body_bytes */
	FETCH_FAILED,
};

struct fetch_response {
	const char *error; /* NULL, or why there is no whole answer, in words */
	enum fetch_end end;
	bool maybe_done;   /* with error: the request may have reached the server */
	unsigned status;   /* 0 with error before a status arrived */
	struct slice body; /* borrowed for the call */
	/** The value of a wanted header, borrowed for the call; NULL where it was
	 * absent. */
	const char *(*header)(const struct fetch_response *response, const char *name);
	const void *headers; /* for header() */
};

struct fetch_options {
	const char *user_agent;
	const char *ca_file; /* NULL: the system's store; checked by the caller */
	const struct ws_tls *trust; /* whom it believes, instead; for the call */
};

/** Makes the client; NULL with the reason logged. */
struct fetch *fetch_new(struct loop *loop, struct resolver *resolver,
    const struct fetch_options *options);

/** Ends all requests without calling them back.  NULL is allowed. */
void fetch_free(struct fetch *owned_fetch);

/**
 * Starts a request; everything in it is copied.  fn is called exactly once, later, on
 * the loop.  Returns an id for fetch_cancel(), never 0.
 */
uint64_t fetch_start(struct fetch *fetch, const struct fetch_request *request,
    void (*fn)(void *ctx, const struct fetch_response *response, mono_ns now),
    void *ctx);

/** fn will not be called for this id any more. */
void fetch_cancel(struct fetch *fetch, uint64_t id);

#endif
