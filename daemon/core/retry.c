#include "retry.h"

#include <stddef.h>
#include <string.h>

#define BACKOFF_FIRST  CLOCK_MS(500)
#define BACKOFF_MOST   CLOCK_S(15)

#define STATUS_LIMITED 429

/* The request did not reach what could have done it (Discord says so of 502). */
static bool
surely_undone(const struct retry_case *one)
{
	return one->status == 502 || one->status == 503 ||
	    (!one->whole && one->status == 0 && !one->maybe_done);
}

bool
retry_maybe_done(unsigned status)
{
	return status == 500 || status == 504 || (status >= 520 && status <= 529);
}

static bool
is_failure_of_the_server(const struct retry_case *one)
{
	/* Nothing came, or half of what sounded good. */
	bool lost = !one->whole && (one->status == 0 || one->status / 100 == 2);

	return lost || retry_maybe_done(one->status);
}

static bool
twice_is_as_once(const struct retry_case *one)
{
	static const char *const methods[] = {"GET", "HEAD", "PUT", "DELETE"};

	for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++) {
		if (strcmp(one->method, methods[i]) == 0) {
			return true;
		}
	}
	return one->repeatable;
}

enum retry_verdict
retry_judge(const struct retry_case *one)
{
	bool again = one->tries < one->tries_max;

	if (one->status == STATUS_LIMITED) {
		return again ? RETRY_LIMITED : RETRY_GIVE_UP;
	}
	if (surely_undone(one) ||
	    (is_failure_of_the_server(one) && twice_is_as_once(one))) {
		return again ? RETRY_LATER : RETRY_GIVE_UP;
	}
	return one->whole ? RETRY_DONE : RETRY_GIVE_UP;
}

mono_ns
retry_backoff(unsigned tries, struct rng *rng)
{
	mono_ns most = BACKOFF_FIRST;

	for (unsigned i = 1; i < tries && most < BACKOFF_MOST; i++) {
		most *= 2;
	}
	most = most < BACKOFF_MOST ? most : BACKOFF_MOST;
	return rng_between(rng, most / 2, most);
}
