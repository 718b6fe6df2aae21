/*
 * How often people may have something: a small burst each, refilled with time, and one
 * allowance over all of them.  Pure; bounded whoever comes.
 */
#ifndef GWBOTD_THROTTLE_H
#define GWBOTD_THROTTLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "clock.h"

/* People who are told apart; the one who was there longest ago makes room. */
#define THROTTLE_PEOPLE 128

struct throttle_rule {
	unsigned burst;
	mono_ns each; /* one more after this time */
};

/* One allowance; all zero is a full one. */
struct throttle_allowance {
	mono_ns full_at; /* when it is full again */
};

struct throttle {
	struct throttle_rule one;
	struct throttle_rule all;
	struct throttle_allowance whole;
	struct {
		uint64_t user; /* 0: nobody */
		struct throttle_allowance allowance;
	} people[THROTTLE_PEOPLE];
};

/** Takes one of what user may have; false where nothing is left of it, or of all. */
bool throttle_take(struct throttle *throttle, uint64_t user, mono_ns now);

#endif
