#include "limits.h"

/* ---- sends ---- */

bool
send_budget_take(struct send_budget *budget, mono_ns now, bool vital)
{
	while (budget->count > 0) {
		uint32_t oldest = (budget->next + LIMITS_SENDS_MAX - budget->count) %
		    LIMITS_SENDS_MAX;

		if (now - budget->sent[oldest] < LIMITS_SENDS_WINDOW) {
			break;
		}
		budget->count--;
	}
	uint32_t limit = vital ? LIMITS_SENDS_MAX : LIMITS_SENDS_ORDINARY;

	if (budget->count >= limit) {
		return false;
	}
	budget->sent[budget->next] = now;
	budget->next = (budget->next + 1) % LIMITS_SENDS_MAX;
	budget->count++;
	return true;
}

/* ---- the ledger ---- */

uint32_t
identify_ledger_count(struct identify_ledger *ledger, int64_t now_wall_ms)
{
	/* A wall clock that went back makes entries of the future: they count, since
	 * forgetting them could pass the limit. */
	while (ledger->count > 0) {
		int64_t age = now_wall_ms - ledger->wall_ms[ledger->first];

		if (age < LIMITS_IDENTIFY_WINDOW_MS) {
			break;
		}
		ledger->first = (ledger->first + 1) % LIMITS_IDENTIFIES_DAY;
		ledger->count--;
	}
	return ledger->count;
}

void
identify_ledger_add(struct identify_ledger *ledger, int64_t now_wall_ms)
{
	if (ledger->count == LIMITS_IDENTIFIES_DAY) {
		ledger->first = (ledger->first + 1) % LIMITS_IDENTIFIES_DAY;
		ledger->count--;
	}
	ledger->wall_ms[(ledger->first + ledger->count) % LIMITS_IDENTIFIES_DAY] =
	    now_wall_ms;
	ledger->count++;
}

static int64_t
ledger_youngest(const struct identify_ledger *ledger)
{
	return ledger
	    ->wall_ms[(ledger->first + ledger->count - 1) % LIMITS_IDENTIFIES_DAY];
}

/* ---- the gate ---- */

void
identify_gate_init(struct identify_gate *gate, struct identify_ledger *ledger,
    mono_ns now, int64_t now_wall_ms)
{
	*gate = (struct identify_gate){
	    .ledger = ledger,
	    .max_concurrency = 1,
	    .remaining = -1,
	};
	if (identify_ledger_count(ledger, now_wall_ms) == 0) {
		return;
	}
	/* Which bucket the last identify used is not kept: all wait for it. */
	mono_ns age = CLOCK_MS(now_wall_ms - ledger_youngest(ledger));
	mono_ns left =
	    age < 0 ? LIMITS_IDENTIFY_SPACING : LIMITS_IDENTIFY_SPACING - age;

	for (uint32_t i = 0; i < LIMITS_BUCKETS_MAX && left > 0; i++) {
		gate->next_at[i] = now + left;
	}
}

void
identify_gate_told(struct identify_gate *gate, uint32_t max_concurrency,
    int64_t remaining, int64_t reset_after_ms, int64_t now_wall_ms)
{
	if (max_concurrency >= 1) {
		gate->max_concurrency = max_concurrency < LIMITS_BUCKETS_MAX ?
		    max_concurrency :
		    LIMITS_BUCKETS_MAX;
	}
	gate->remaining = remaining < 0 ? -1 : remaining;
	gate->reset_wall_ms = now_wall_ms + (reset_after_ms > 0 ? reset_after_ms : 0);
}

int64_t
identify_gate_left(struct identify_gate *gate, int64_t now_wall_ms)
{
	int64_t own = LIMITS_IDENTIFIES_DAY - LIMITS_IDENTIFIES_RESERVE -
	    (int64_t)identify_ledger_count(gate->ledger, now_wall_ms);

	if (gate->remaining >= 0 && now_wall_ms >= gate->reset_wall_ms) {
		gate->remaining = -1;
	}
	if (gate->remaining < 0) {
		return own > 0 ? own : 0;
	}
	/* A bot with a small total has no room for the reserve: what Discord gives it
	 * may be used up to the last one but not beyond. */
	int64_t told = gate->remaining;

	return own < told ? (own > 0 ? own : 0) : told;
}

/* When the budget has room again, as a distance from now. */
static mono_ns
budget_wait(const struct identify_gate *gate, int64_t now_wall_ms)
{
	const struct identify_ledger *ledger = gate->ledger;
	int64_t until = now_wall_ms + 60 * 1000;

	if (gate->remaining == 0 && gate->reset_wall_ms > until) {
		until = gate->reset_wall_ms;
	}
	if (ledger->count >= LIMITS_IDENTIFIES_DAY - LIMITS_IDENTIFIES_RESERVE) {
		int64_t oldest_leaves =
		    ledger->wall_ms[ledger->first] + LIMITS_IDENTIFY_WINDOW_MS;

		until = oldest_leaves > until ? oldest_leaves : until;
	}
	return CLOCK_MS(until - now_wall_ms);
}

enum identify_answer
identify_gate_ask(struct identify_gate *gate, uint32_t shard_id, mono_ns now,
    int64_t now_wall_ms, mono_ns *retry_at)
{
	uint32_t bucket = shard_id % gate->max_concurrency;

	if (identify_gate_left(gate, now_wall_ms) <= 0) {
		*retry_at = clock_add(now, budget_wait(gate, now_wall_ms));
		return IDENTIFY_SPENT;
	}
	if (now < gate->next_at[bucket]) {
		*retry_at = gate->next_at[bucket];
		return IDENTIFY_WAIT;
	}
	if (gate->holder[bucket] != 0 && gate->holder[bucket] != shard_id + 1) {
		*retry_at = now + CLOCK_S(1);
		return IDENTIFY_WAIT;
	}
	gate->holder[bucket] = shard_id + 1;
	return IDENTIFY_GRANTED;
}

void
identify_gate_sent(struct identify_gate *gate, uint32_t shard_id, mono_ns now,
    int64_t now_wall_ms)
{
	uint32_t bucket = shard_id % gate->max_concurrency;

	identify_ledger_add(gate->ledger, now_wall_ms);
	if (gate->remaining > 0) {
		gate->remaining--;
	}
	gate->holder[bucket] = 0;
	gate->next_at[bucket] = now + LIMITS_IDENTIFY_SPACING;
}

void
identify_gate_returned(struct identify_gate *gate, uint32_t shard_id)
{
	uint32_t bucket = shard_id % gate->max_concurrency;

	if (gate->holder[bucket] == shard_id + 1) {
		gate->holder[bucket] = 0;
	}
}
