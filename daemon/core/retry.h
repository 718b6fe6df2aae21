/*
 * May a request be sent again?
 *
 * Pure.  The rules of Discord's documentation: what surely had no effect may be
 * repeated by anybody, what perhaps had one only where a second time does nothing.
 */
#ifndef GWBOTD_RETRY_H
#define GWBOTD_RETRY_H

#include <stdbool.h>

#include "clock.h"
#include "rng.h"

/* Tries of one request in all, the first included. */
#define RETRY_TRIES_MAX 5

struct retry_case {
	const char *method;
	bool repeatable; /* a second time does nothing, e.g. for its nonce */
	unsigned status; /* 0: none came */
	bool whole;      /* the answer came whole */
	bool maybe_done; /* not whole: the request may have reached the server */
	unsigned tries;  /* so far, this one included */
	unsigned tries_max;
};

enum retry_verdict {
	RETRY_DONE,    /* that was the answer, good or bad */
	RETRY_LATER,   /* again, after retry_backoff() */
	RETRY_LIMITED, /* again, when the limit allows it */
	RETRY_GIVE_UP, /* no good answer, and it may not be sent again */
};

enum retry_verdict retry_judge(const struct retry_case *one);

/** May a request that was answered so have had its effect all the same? */
bool retry_maybe_done(unsigned status);

/** How long to wait before try number `tries` + 1: 0.5 s doubling up to 15 s, of which
 * the upper half is jitter. */
mono_ns retry_backoff(unsigned tries, struct rng *rng);

#endif
