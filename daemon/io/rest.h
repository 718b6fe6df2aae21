/*
 * Discord's API over fetch: requests wait for their limits here, are repeated where
 * that is safe, and end, each exactly once.
 *
 * What may go when, and what may go twice, is decided in core/ratelimit and core/retry.
 * The first 401 of the bot's token ends everything: going on would get the address
 * banned.
 */
#ifndef GWBOTD_REST_H
#define GWBOTD_REST_H

#include <stdbool.h>
#include <stdint.h>

#include "buf.h"
#include "clock.h"
#include "fetch.h"
#include "secret.h"
#include "tally.h"

/* Requests that wait or are on their way; one more is refused at once, but an answer to
 * an interaction at twice as many. */
#define REST_QUEUE_DEFAULT 512

/* Connections at a time; answers to interactions have as many of their own. */
#define REST_FLIGHTS_MAX 16

struct rest;

struct rest_options {
	struct loop *loop;
	struct fetch *fetch;
	const char *api_base;       /* with or without a slash at the end */
	const struct secret *token; /* borrowed while the client lives */
	unsigned queue_max;         /* 0: REST_QUEUE_DEFAULT */
	/** The API refused the token: called once, after the requests were told. */
	void (*unauthorized)(void *ctx, const char *reason);
	void *ctx;
};

struct rest *rest_new(const struct rest_options *options);

/** Ends all requests without calling them back.  NULL is allowed.  Not from inside a
 * callback of this module. */
void rest_free(struct rest *owned_rest);

/* ---- one call ---- */

struct rest_request {
	const char *method; /* "GET", "POST", ... */
	const char *route;  /* a name of the limit: "/channels/{channel}/messages" */
	const char *path;   /* "/channels/1/messages?limit=5" */
	struct slice body;  /* JSON, or empty */
	mono_ns timeout;    /* from now to the answer; waits and repeats included */

	/* A second time does nothing, so it may be sent again when nobody knows whether
	 * the first arrived.  GET, PUT and DELETE are so by nature; POST of a message
	 * becomes so by its nonce, which is added where it has none. */
	bool repeatable;
	bool vital;              /* goes on when too many requests were refused */
	bool impatient;          /* a limit is told at once and not waited for */
	unsigned tries_max;      /* 0: RETRY_TRIES_MAX */
	size_t answer_max_bytes; /* 0: 1 MiB */
};

struct rest_answer {
	const char *error;   /* NULL: 2xx or 304; else why not, in words */
	bool maybe_done;     /* with error: it may have had its effect all the same */
	bool unauthorized;   /* with error: the token is no good */
	unsigned status;     /* of the last answer; 0: there was none */
	int64_t code;        /* Discord's, of an error; 0: none */
	mono_ns retry_after; /* with error: how long the API wants it to wait; 0: not */
	struct slice body;   /* borrowed for the call */
};

typedef void rest_fn(void *ctx, const struct rest_answer *answer, mono_ns now);

/**
 * Sends a request when its limits allow; everything in it is copied.
 *
 * fn is called exactly once, later, on the loop.  Returns an id for rest_cancel(), or 0
 * where the queue is full or the request cannot be sent: fn is not called then.
 */
uint64_t rest_call(struct rest *rest, const struct rest_request *request, rest_fn *fn,
    void *ctx);

/** fn will not be called for this id any more; what is on its way may still have its
 * effect. */
void rest_cancel(struct rest *rest, uint64_t id);

/**
 * Takes back a request that is not on its way: as rest_cancel(), and true.
 *
 * *maybe_done tells whether an earlier try may have had its effect.  False: fn will be
 * told, and what is on its way is not tried again.
 */
bool rest_withdraw(struct rest *rest, uint64_t id, bool *maybe_done);

/* ---- GET /gateway/bot ---- */

struct rest_gateway {
	const char *error;   /* NULL, or why there is no answer, in words */
	bool unauthorized;   /* with error: 401, the token is no good */
	mono_ns retry_after; /* with error: what the server asked for, 0 without */
	const char *url;     /* of the gateway, borrowed for the call */
	uint32_t shards;     /* as Discord recommends */
	int64_t total;       /* session_start_limit; -1 where it is missing */
	int64_t remaining;
	int64_t reset_after_ms;
	uint32_t max_concurrency;
};

/**
 * Asks where the gateway is and what it allows.  fn is called once, later, on the loop;
 * one request at a time: a second call while one is on its way only replaces fn.
 */
void rest_get_gateway(struct rest *rest, mono_ns timeout,
    void (*fn)(void *ctx, const struct rest_gateway *answer, mono_ns now), void *ctx);

/* ---- how it does ---- */

struct rest_stats {
	uint64_t requests; /* sent, repeats included */
	uint64_t retries;  /* of these, repeats */
	uint64_t limited;  /* answers of 429 */
	uint64_t refused;  /* calls that found the queue full */
	unsigned queued;   /* waiting or on their way now */
	unsigned in_flight;
	uint64_t invalid;       /* answers of 401, 403, 429 since the start */
	unsigned invalid_10min; /* answers of 401, 403, 429 within 10 minutes */
	bool braked;            /* so many that only vital calls go */
	bool unauthorized;      /* the token was refused: nothing goes */
	mono_ns global_wait;    /* until any call may go; 0: now */
	mono_ns limited_until; /* the end of the last wait, buckets included; 0: none */
	const char *last_error; /* NULL: never; borrowed until the next call */
	mono_ns last_error_at;
	mono_ns clock_ahead;    /* of Discord's; negative: behind; to about a second */
	mono_ns clock_at;       /* when that was found last; 0: never */
	const uint64_t *scopes; /* 429s by ratelimit_scope; borrowed */
	const struct tally_routes *routes; /* tries that ended; borrowed */
};

struct rest_stats rest_stats(struct rest *rest, mono_ns now);

#endif
