#include "budget.h"

#include <stdlib.h>

#include "xalloc.h"

#define DAY CLOCK_S(86400)

void
budget_init(struct sim *sim)
{
	sim->budget.identify_at = xzalloc(
	    sizeof *sim->budget.identify_at * (size_t)sim->argv.max_concurrency);
	sim->budget.remaining = sim->argv.session_remaining;
	sim->budget.resets_at = sim->now + DAY;
}

void
budget_fini(struct sim *sim)
{
	free(sim->budget.identify_at);
}

static void
begin_day(struct sim *sim)
{
	if (sim->now >= sim->budget.resets_at) {
		sim->budget.remaining = sim->argv.session_total;
		sim->budget.resets_at = sim->now + DAY;
	}
}

enum budget_verdict
budget_take(struct sim *sim, uint64_t shard)
{
	mono_ns *last = &sim->budget.identify_at[shard % sim->argv.max_concurrency];

	begin_day(sim);
	if (sim->budget.remaining == 0) {
		return BUDGET_SPENT;
	}
	sim->budget.remaining--;
	if (*last != 0 && sim->now - *last < sim->argv.identify_window) {
		return BUDGET_TOO_SOON;
	}
	*last = sim->now;
	return BUDGET_OK;
}

uint64_t
budget_remaining(struct sim *sim)
{
	begin_day(sim);
	return sim->budget.remaining;
}

int64_t
budget_reset_after_ms(struct sim *sim)
{
	begin_day(sim);
	return (sim->budget.resets_at - sim->now) / CLOCK_MS(1);
}

void
budget_set(struct sim *sim, uint64_t remaining, mono_ns reset_after)
{
	sim->budget.remaining = remaining;
	sim->budget.resets_at = clock_add(sim->now, reset_after);
	sim->budget.token_reset = false;
}
