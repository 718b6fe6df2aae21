/*
 * What an answer of Discord's API says about its limits: headers and the body of a 429
 * read into bounded numbers.
 *
 * Pure.  Whatever the peer writes, a wait is between 0 and RATELIMIT_WAIT_MAX, or
 * unknown.
 */
#ifndef GWBOTD_RATELIMIT_TOLD_H
#define GWBOTD_RATELIMIT_TOLD_H

#include <stdbool.h>
#include <stdint.h>

#include "buf.h"
#include "clock.h"

/* The longest wait that is believed.  Discord's own longest window is 10 minutes; under
 * a ban of a day one call an hour does no harm. */
#define RATELIMIT_WAIT_MAX CLOCK_S(3600)

/* A wait that was not told. */
#define RATELIMIT_UNTOLD ((mono_ns)-1)

/* Bodies of a 429 have some 100 bytes. */
#define RATELIMIT_BODY_MAX_BYTES ((size_t)16 * 1024)

/* The headers that count, as they came; NULL: absent. */
struct ratelimit_head {
	const char *bucket;
	const char *remaining;
	const char *reset_after;
	const char *global;
	const char *scope;
	const char *retry_after;
	const char *via;
	const char *date;
};

/* Whom a 429 is for.  X(name, word) */
#define RATELIMIT_SCOPE_TABLE(X)                                 \
	X(USER, "user")     /* the bucket, or this call alone */ \
	X(SHARED, "shared") /* others caused it */               \
	X(GLOBAL, "global") /* all that the bot does */          \
	X(EDGE, "edge")     /* Cloudflare bans the address */

enum ratelimit_scope {
#define RATELIMIT_SCOPE_ENUM(name, word) RATELIMIT_SCOPE_##name,
	RATELIMIT_SCOPE_TABLE(RATELIMIT_SCOPE_ENUM)
#undef RATELIMIT_SCOPE_ENUM
	    RATELIMIT_SCOPES,
};

struct ratelimit_told {
	unsigned status;
	uint64_t bucket;     /* a hash of its name; 0: not told */
	int64_t remaining;   /* requests left in the window; -1: not told */
	mono_ns reset_after; /* until the window ends, or RATELIMIT_UNTOLD */
	mono_ns retry_after; /* of a 429 or 503, or RATELIMIT_UNTOLD */
	bool global;         /* 429 of all that the bot does */
	bool shared;         /* 429 that others caused: not counted against us */
	bool edge; /* 429 of Cloudflare, not of the API: the address is banned */
};

/**
 * Reads an answer.  body: of a 429, may be empty; whole: it is all that was sent (one
 * that was cut off says nothing about who sent it).  wall_ms: the local time, for a
 * Retry-After that is a date where the answer has no Date of its own.
 */
void ratelimit_told_read(unsigned status, const struct ratelimit_head *head,
    struct slice body, bool whole, int64_t wall_ms, struct ratelimit_told *out);

/** The scope of a 429. */
enum ratelimit_scope ratelimit_scope_of(const struct ratelimit_told *told);

/** The label of a scope. */
const char *ratelimit_scope_word(enum ratelimit_scope scope);

/**
 * Reads seconds, with or without fraction and exponent, whatever the locale says; held
 * at RATELIMIT_WAIT_MAX.  False for everything else: signs, NaN, NULL, other text.
 */
bool ratelimit_seconds(const char *text, mono_ns *out);

/** Reads a date as HTTP writes it ("Sun, 06 Nov 1994 08:49:37 GMT") as seconds since
 * 1970. */
bool ratelimit_date(const char *text, int64_t *out);

/** A hash for keys, never 0: what collides only shares a limit. */
uint64_t ratelimit_hash(uint64_t seed, struct slice text);

#endif
