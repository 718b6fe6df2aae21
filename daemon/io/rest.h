/*
 * Discord's API over fetch.
 */
#ifndef GWBOTD_REST_H
#define GWBOTD_REST_H

#include <stdbool.h>
#include <stdint.h>

#include "clock.h"
#include "fetch.h"
#include "secret.h"

struct rest;

struct rest_options {
	struct fetch *fetch;
	const char *api_base;       /* without a slash at the end */
	const struct secret *token; /* borrowed */
};

struct rest *rest_new(const struct rest_options *options);
void rest_free(struct rest *owned_rest);

/* The answer to GET /gateway/bot. */
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

#endif
