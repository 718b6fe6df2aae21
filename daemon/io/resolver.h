/*
 * Names to addresses, on a helper thread: getaddrinfo never runs on the loop.
 */
#ifndef GWBOTD_RESOLVER_H
#define GWBOTD_RESOLVER_H

#include <stdint.h>

#include "clock.h"
#include "loop.h"
#include "tally.h"
#include "worker.h"

#define RESOLVER_ADDRESSES_MAX 16
#define RESOLVER_ADDRESS_BYTES \
	64 /* "[...]" free text form of an IPv6 address with scope */

struct resolver;

struct resolver_answer {
	const char *error; /* NULL, or why there is no address, in words */
	unsigned count;
	char addresses[RESOLVER_ADDRESSES_MAX]
		      [RESOLVER_ADDRESS_BYTES]; /* numeric, as ordered
	                                         by the host */
};

/* Lookups that asked somebody, since the start: not those of numeric hosts. */
struct resolver_stats {
	uint64_t lookups;
	uint64_t failures; /* no address in time; an old answer may have been used */
	const struct tally_times *times; /* of those that ended; borrowed */
};

struct resolver_stats resolver_stats(const struct resolver *resolver);

struct resolver *resolver_new(struct loop *loop, struct worker *worker);
void resolver_free(struct resolver *owned_resolver);

/**
 * Looks host up; fn gets the answer (borrowed) on the loop within deadline of now.
 *
 * A numeric host is answered without a thread, in the next turn.  A lookup that takes
 * longer than deadline is answered with the error "timed out" and its late answer
 * dropped.  The last good answer for a name is used for up to 10 minutes when a new
 * lookup fails.  Returns a job id for resolver_cancel(), never 0.
 */
uint64_t resolver_lookup(struct resolver *resolver, const char *host, mono_ns deadline,
    void (*fn)(void *ctx, const struct resolver_answer *answer, mono_ns now),
    void *ctx);

/** fn will not be called for this id any more; unknown ids are ignored. */
void resolver_cancel(struct resolver *resolver, uint64_t id);

#endif
