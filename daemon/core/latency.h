/*
 * Heartbeat latencies of one shard: the last ones for percentiles, all of them in
 * classes.
 *
 * Pure.  Zero it for an empty one.
 */
#ifndef GWBOTD_LATENCY_H
#define GWBOTD_LATENCY_H

#include <stdint.h>

#include "clock.h"

/* The last so many answers: 88 minutes at Discord's usual interval of 41.25 s. */
#define LATENCY_WINDOW 128

/* Upper bounds of the classes in milliseconds, both included; one more class has the
 * rest.  X(ms) */
#define LATENCY_BOUNDS_MS(X) \
	X(10) X(25) X(50) X(100) X(250) X(500) X(1000) X(2500) X(5000) X(10000)
#define LATENCY_BOUND_COUNT(ms) +1 /* NOLINT(bugprone-macro-parentheses): a summand */
#define LATENCY_CLASSES         (1 LATENCY_BOUNDS_MS(LATENCY_BOUND_COUNT))

/* Of the window; every value is -1 (unknown) where samples is 0. */
struct latency_stats {
	uint32_t samples;
	mono_ns min, mean, p50, p90, p95, p99, max;
};

struct latency_window {
	uint32_t next;
	uint32_t count;                  /* up to LATENCY_WINDOW */
	mono_ns samples[LATENCY_WINDOW]; /* in the order of their arrival, a ring */
	mono_ns sorted[LATENCY_WINDOW];  /* the same */
	mono_ns window_sum;
	mono_ns sum;                       /* of all since the start */
	uint64_t classes[LATENCY_CLASSES]; /* all since the start, each in one class */
};

/** Takes one measured latency; a negative one is no measurement and is left out. */
void latency_add(struct latency_window *window, mono_ns latency);

/** Exact over the window: nearest rank. */
struct latency_stats latency_read(const struct latency_window *window);

/** Upper bound of a class; CLOCK_NEVER of the last. */
mono_ns latency_bound(uint32_t class_index);

#endif
