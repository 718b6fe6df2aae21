/*
 * How long things took, counted in buckets of equal ratio: percentiles of any number of
 * samples within 6 %, in a fixed room.
 *
 * Pure.  For lateness and turns of the loop, where every sample counts.  Zero it for an
 * empty one.
 */
#ifndef GWBOTD_HISTOGRAM_H
#define GWBOTD_HISTOGRAM_H

#include <stdint.h>

#include "clock.h"

/* 16 steps in each doubling, from 1 us to some 19 hours. */
#define HISTOGRAM_STEPS   16
#define HISTOGRAM_BUCKETS (HISTOGRAM_STEPS * 36)

struct histogram {
	uint64_t count;
	mono_ns max;
	mono_ns sum; /* held at CLOCK_NEVER */
	uint32_t buckets[HISTOGRAM_BUCKETS];
};

/** Counts one sample; a negative one counts as 0. */
void histogram_add(struct histogram *histogram, mono_ns value);

/**
 * The value that `per_100000` of 100,000 samples do not pass (99,900 is p99.9), rounded
 * up to its bucket's end, at most max; -1 (unknown) of an empty histogram.
 */
mono_ns histogram_quantile(const struct histogram *histogram, uint32_t per_100000);

/** How many samples are at most bound, those of its bucket included. */
uint64_t histogram_count_to(const struct histogram *histogram, mono_ns bound);

#endif
