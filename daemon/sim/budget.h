/*
 * Budget: how many identifies a bot has, each 5 seconds and each day.
 */
#ifndef GWSIM_BUDGET_H
#define GWSIM_BUDGET_H

#include "sim.h"

enum budget_verdict {
	BUDGET_OK,
	BUDGET_TOO_SOON, /* one per key and window; it is spent all the same */
	BUDGET_SPENT,    /* none was left: Discord resets the token */
};

void budget_init(struct sim *sim);

void budget_fini(struct sim *sim);

/** Spends one identify of this shard. */
enum budget_verdict budget_take(struct sim *sim, uint64_t shard);

/** Identifies left; begins a new day where the old one is over. */
uint64_t budget_remaining(struct sim *sim);

/** Milliseconds until the count starts anew. */
int64_t budget_reset_after_ms(struct sim *sim);

/** Sets what is left and when it starts anew; the token is good again. */
void budget_set(struct sim *sim, uint64_t remaining, mono_ns reset_after);

#endif
