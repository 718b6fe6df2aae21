/*
 * Randomness for jitter: a small generator that is passed in, so that tests seed it.
 *
 * Not for keys or masks.  splitmix64, after Steele, Lea and Flood (2014).
 */
#ifndef GWBOTD_RNG_H
#define GWBOTD_RNG_H

#include <stdint.h>

#include "clock.h"

struct rng {
	uint64_t state;
};

/** The next 64 random bits. */
uint64_t rng_next(struct rng *rng);

/** A distance of at least low and below high; low where high <= low. */
mono_ns rng_between(struct rng *rng, mono_ns low, mono_ns high);

#endif
