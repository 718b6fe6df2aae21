/*
 * When may a request go to Discord's API?  Buckets, the global limit, bans, and the
 * count of refused requests that leads to one.
 *
 * Pure.  rest asks before each request and hands each answer in.  One request at a time
 * is on its way per bucket, so that what the last answer said always holds.
 */
#ifndef GWBOTD_RATELIMIT_H
#define GWBOTD_RATELIMIT_H

#include <stdbool.h>
#include <stdint.h>

#include "clock.h"
#include "ratelimit_told.h"

/* Discord: 50 requests in a second; some stay free for the network's jitter. */
#define RATELIMIT_GLOBAL 45
#define RATELIMIT_SECOND CLOCK_S(1)

/* On top of what the API says, for the clocks of its machines. */
#define RATELIMIT_MARGIN CLOCK_MS(50)

/* A wait that should have been told and was not; doubles with each 429 in a row. */
#define RATELIMIT_WAIT_DEFAULT CLOCK_S(1)

/* A ban that does not say how long. */
#define RATELIMIT_BAN_FIRST CLOCK_S(60)
#define RATELIMIT_BAN_MOST  CLOCK_S(900)

/* Discord: 10,000 answers of 401, 403 and 429 within 10 minutes ban the address. */
#define RATELIMIT_INVALID_WINDOW CLOCK_S(600)
#define RATELIMIT_INVALID_SLOTS  60
#define RATELIMIT_INVALID_ALARM  500
#define RATELIMIT_INVALID_BRAKE  2000

#define RATELIMIT_BUCKETS        256
#define RATELIMIT_ROUTES         64
#define RATELIMIT_FLIGHTS        64

/* What all requests of one route for one top-level id have in common. */
struct ratelimit_call {
	uint64_t route;   /* of method and template */
	uint64_t top;     /* of the channel, guild or webhook in the path */
	bool interaction; /* an answer to one: outside of the global limit */
	bool with_token;  /* the bot's token authorizes it, not its path */
	bool vital;       /* goes on where the brake stops others */
};

/**
 * Reads a call off its method, route template ("/channels/{channel}/messages") and path
 * ("/channels/1/messages?limit=1").
 */
struct ratelimit_call ratelimit_call_of(const char *method, const char *route,
    const char *path);

/* A bucket that must wait; over at wait_until, and free for another then. */
struct ratelimit_bucket {
	uint64_t key;
	mono_ns wait_until;
};

/* A request on its way. */
struct ratelimit_flight {
	uint64_t route; /* 0: free */
	uint64_t top;
	uint64_t key; /* of the bucket that its route is in, as told last */
};

/* Which bucket a route was last told to be in. */
struct ratelimit_route {
	uint64_t route;
	uint64_t bucket;
	uint64_t used; /* the greater the later; 0: free */
};

/* Zero it for a new one. */
struct ratelimit {
	struct ratelimit_bucket buckets[RATELIMIT_BUCKETS];
	struct ratelimit_route routes[RATELIMIT_ROUTES];
	struct ratelimit_flight flights[RATELIMIT_FLIGHTS];
	uint64_t routes_used;

	mono_ns sent[RATELIMIT_GLOBAL]; /* the last ones, a ring */
	uint32_t sent_next;
	uint32_t sent_count;
	mono_ns global_until;
	mono_ns ban_until;
	unsigned bans; /* in a row without a length */

	int64_t invalid_slot; /* the present one, counted from 0 on the clock */
	uint32_t invalid[RATELIMIT_INVALID_SLOTS + 1];
	uint64_t invalid_total; /* since the start */
	bool stopped;           /* a 401 of the token: nothing goes any more */
};

enum ratelimit_say {
	RATELIMIT_GO,
	RATELIMIT_WAIT,    /* until *retry_at, or an answer where that is CLOCK_NEVER */
	RATELIMIT_BRAKED,  /* too many refused requests: not now, and not for a while */
	RATELIMIT_STOPPED, /* the token was refused */
};

/**
 * Asks for leave to send.  GO has counted it, and nothing else goes to its bucket until
 * ratelimit_answered() or ratelimit_dropped() with *slot.
 */
enum ratelimit_say ratelimit_ask(struct ratelimit *limits,
    const struct ratelimit_call *call, mono_ns now, unsigned *slot, mono_ns *retry_at);

/**
 * An answer, or the status and headers of half of one.  tries: of this request so far.
 *
 * Returns how long this very request must wait after a 429; 0 for all others.
 */
mono_ns ratelimit_answered(struct ratelimit *limits, const struct ratelimit_call *call,
    unsigned slot, const struct ratelimit_told *told, unsigned tries, mono_ns now);

/** No answer came, or nobody waits for it any more. */
void ratelimit_dropped(struct ratelimit *limits, unsigned slot);

/** Refused requests within the last 10 minutes, to 10 s. */
uint32_t ratelimit_invalid(struct ratelimit *limits, mono_ns now);

/** When all calls may go again; at or before now: they may. */
mono_ns ratelimit_all_until(const struct ratelimit *limits);

/** When the last of all waits ends, buckets included. */
mono_ns ratelimit_until(const struct ratelimit *limits);

#endif
