/* Limits under a hand-turned clock, and the words to ask them. */
#ifndef GWBOT_TEST_RATELIMIT_FIXTURE_H
#define GWBOT_TEST_RATELIMIT_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "ratelimit.h"
#include "retry.h"
#include "rng.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))
#define NOW             CLOCK_S(100000)
#define WALL            INT64_C(1700000000000)
#define MARGIN          RATELIMIT_MARGIN
#define API             .via = "1.1 google"

/* A test that begins with limits that nobody has told anything. */
#define TEST(name) cmocka_unit_test_setup(name, forget_all)

static struct ratelimit limits;

static inline int
forget_all(void **state)
{
	(void)state;
	memset(&limits, 0, sizeof limits);
	return 0;
}

static const char routes[][40] = {"/channels/{channel}/messages",
    "/channels/{channel}/typing", "/channels/{channel}/pins"};

static inline struct ratelimit_call
call_to(unsigned route, unsigned channel)
{
	char path[64];

	(void)snprintf(path, sizeof path, "/channels/%u/x", channel);
	return ratelimit_call_of("POST", routes[route], path);
}

static inline enum ratelimit_say
ask(const struct ratelimit_call *call, mono_ns now, unsigned *slot, mono_ns *retry_at)
{
	return ratelimit_ask(&limits, call, now, slot, retry_at);
}

static inline void
must_go(const struct ratelimit_call *call, mono_ns now, unsigned *slot)
{
	mono_ns retry_at;

	assert_int_equal(ask(call, now, slot, &retry_at), RATELIMIT_GO);
}

static inline void
must_wait(const struct ratelimit_call *call, mono_ns now, mono_ns until)
{
	mono_ns retry_at;
	unsigned slot;

	assert_int_equal(ask(call, now, &slot, &retry_at), RATELIMIT_WAIT);
	assert_int_equal(retry_at, until);
}

/* Sends one at now and has it answered at once. */
static inline mono_ns
send_answered(const struct ratelimit_call *call, struct ratelimit_told told,
    mono_ns now)
{
	unsigned slot;

	must_go(call, now, &slot);
	return ratelimit_answered(&limits, call, slot, &told, 1, now);
}

static inline struct ratelimit_told
answer_of(unsigned status)
{
	return (struct ratelimit_told){.status = status,
	    .remaining = -1,
	    .reset_after = RATELIMIT_UNTOLD,
	    .retry_after = RATELIMIT_UNTOLD};
}

#endif
