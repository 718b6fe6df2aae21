/*
 * A copy of a simulated process to which nothing comes from the network any more: the
 * real session, gate and watchdog do what they do, and what one shard does is noted.
 */
#ifndef GWBOT_SIMULATE_SILENCE_H
#define GWBOT_SIMULATE_SILENCE_H

#include "outlook.h"
#include "simulate.h"

/* What a state does in silence: each action when it first comes. */
struct happening {
	enum outlook_action action;
	mono_ns at;
};

#define HAPPENINGS_MAX 16

/* The copy, and what was seen of it. */
struct silence {
	struct session sessions[LANES_MAX];
	bool wants_slot[LANES_MAX];
	struct identify_gate gate;
	struct identify_ledger ledger;
	struct watchdog_limits limits;
	struct rng rng;
	uint32_t lanes;
	uint32_t lane; /* that is looked at */
	mono_ns begin, now;
	int64_t begin_ms;
	mono_ns check_at;
	mono_ns slots_at;
	bool meets_limit; /* a check comes when an age is exactly at its limit */
	bool ended;

	struct happening seen[HAPPENINGS_MAX];
	unsigned count;
};

/** Copies the process as it is at an instant until its next turn; draws a shard to look
 * at, the watchdog's limits, and at the gate now and then a spent budget. */
void silence_copy(const struct sim *sim, mono_ns at, struct rng *dice,
    struct silence *copy);

/** Lets time run until the watchdog would end the process for this shard. */
void silence_run(struct silence *copy);

/** Other shards that are not ready. */
uint32_t silence_crowd(const struct silence *copy, uint32_t lane);

#endif
