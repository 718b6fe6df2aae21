#include "quota.h"

/* ---- sends ---- */

bool
send_budget_take(struct send_budget *budget, mono_ns now, bool vital)
{
	while (budget->count > 0) {
		uint32_t oldest =
		    (budget->next + QUOTA_SENDS_MAX - budget->count) % QUOTA_SENDS_MAX;

		if (now - budget->sent[oldest] < QUOTA_SENDS_WINDOW) {
			break;
		}
		budget->count--;
	}
	uint32_t ordinary =
	    budget->ordinary != 0 ? budget->ordinary : QUOTA_SENDS_ORDINARY;
	uint32_t limit = vital ? QUOTA_SENDS_MAX : ordinary;

	if (budget->count >= limit) {
		return false;
	}
	budget->sent[budget->next] = now;
	budget->next = (budget->next + 1) % QUOTA_SENDS_MAX;
	budget->count++;
	return true;
}

/* ---- the ledger ---- */

static int64_t *
ledger_entry(struct identify_ledger *ledger, uint32_t index)
{
	return &ledger->wall_ms[(ledger->first + index) % QUOTA_IDENTIFIES_DAY];
}

uint32_t
identify_ledger_count(struct identify_ledger *ledger, int64_t now_wall_ms)
{
	if (ledger->first >= QUOTA_IDENTIFIES_DAY ||
	    ledger->count > QUOTA_IDENTIFIES_DAY) {
		*ledger = (struct identify_ledger){.count = 0};
	}
	/* Forgetting what lies in the future could pass the limit; keeping its stamp
	 * could block for years. */
	int64_t before = INT64_MIN;

	for (uint32_t i = 0; i < ledger->count; i++) {
		int64_t *entry = ledger_entry(ledger, i);

		*entry = *entry > now_wall_ms ? now_wall_ms : *entry;
		/* One that is older than its forerunner is damaged: the youngest must
		 * not look older than the day that the oldest lies in. */
		*entry = *entry < before ? before : *entry;
		before = *entry;
	}
	while (ledger->count > 0 &&
	    *ledger_entry(ledger, 0) <= now_wall_ms - QUOTA_IDENTIFY_WINDOW_MS) {
		ledger->first = (ledger->first + 1) % QUOTA_IDENTIFIES_DAY;
		ledger->count--;
	}
	return ledger->count;
}

void
identify_ledger_add(struct identify_ledger *ledger, int64_t now_wall_ms)
{
	if (ledger->count == QUOTA_IDENTIFIES_DAY) {
		ledger->first = (ledger->first + 1) % QUOTA_IDENTIFIES_DAY;
		ledger->count--;
	}
	*ledger_entry(ledger, ledger->count) = now_wall_ms;
	ledger->count++;
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
	int64_t youngest = *ledger_entry(ledger, ledger->count - 1);
	mono_ns left = QUOTA_IDENTIFY_SPACING - CLOCK_MS(now_wall_ms - youngest);

	if (left > 0) {
		/* There is one bucket until Discord says more: set_concurrency() then
		 * makes all of them wait, since the ledger does not say which it was.
		 */
		gate->next_at[0] = now + left;
	}
}

static uint32_t
bucket_of(const struct identify_gate *gate, uint32_t shard_id)
{
	return shard_id % gate->max_concurrency % QUOTA_BUCKETS_MAX;
}

/* Shards change their buckets: the youngest spacing holds for all of them. */
static void
set_concurrency(struct identify_gate *gate, uint32_t max_concurrency)
{
	mono_ns latest = gate->next_at[0];

	if (max_concurrency == gate->max_concurrency) {
		return;
	}
	for (uint32_t i = 1; i < QUOTA_BUCKETS_MAX; i++) {
		latest = gate->next_at[i] > latest ? gate->next_at[i] : latest;
	}
	for (uint32_t i = 0; i < QUOTA_BUCKETS_MAX; i++) {
		gate->next_at[i] = latest;
	}
	gate->max_concurrency = max_concurrency;
}

void
identify_gate_told(struct identify_gate *gate, uint32_t max_concurrency,
    int64_t remaining, int64_t reset_after_ms, int64_t now_wall_ms)
{
	int64_t wait = reset_after_ms;

	if (max_concurrency >= 1) {
		set_concurrency(gate, max_concurrency);
	}
	wait = wait <= 0 ? QUOTA_RESET_LEAST_MS : wait;
	wait = wait > QUOTA_IDENTIFY_WINDOW_MS ? QUOTA_IDENTIFY_WINDOW_MS : wait;
	gate->remaining = remaining < 0 ? -1 : remaining;
	gate->reset_wall_ms = now_wall_ms + wait;
}

int64_t
identify_gate_left(struct identify_gate *gate, int64_t now_wall_ms)
{
	int64_t own = QUOTA_IDENTIFIES_DAY - QUOTA_IDENTIFIES_RESERVE -
	    (int64_t)identify_ledger_count(gate->ledger, now_wall_ms);

	if (gate->remaining >= 0 && now_wall_ms >= gate->reset_wall_ms) {
		gate->remaining = -1;
	}
	if (gate->reset_wall_ms > now_wall_ms + QUOTA_IDENTIFY_WINDOW_MS) {
		/* The clock went back: no reset is further off than a day. */
		gate->reset_wall_ms = now_wall_ms + QUOTA_IDENTIFY_WINDOW_MS;
	}
	if (gate->remaining < 0) {
		return own > 0 ? own : 0;
	}
	/* A bot with a small total has no room for the reserve: what Discord gives it
	 * may be used up to the last one but not beyond. */
	int64_t told = gate->remaining;

	return own < told ? (own > 0 ? own : 0) : told;
}

int64_t
identify_gate_release(const struct identify_gate *gate, int64_t now_wall_ms)
{
	const struct identify_ledger *ledger = gate->ledger;
	int64_t until = now_wall_ms + 1000;

	if (gate->remaining == 0 && gate->reset_wall_ms > until) {
		until = gate->reset_wall_ms;
	}
	if (ledger->count >= QUOTA_IDENTIFIES_DAY - QUOTA_IDENTIFIES_RESERVE) {
		int64_t oldest_leaves =
		    ledger->wall_ms[ledger->first] + QUOTA_IDENTIFY_WINDOW_MS;

		until = oldest_leaves > until ? oldest_leaves : until;
	}
	return until;
}

enum identify_answer
identify_gate_ask(struct identify_gate *gate, uint32_t shard_id, mono_ns now,
    int64_t now_wall_ms, mono_ns *retry_at)
{
	uint32_t bucket = bucket_of(gate, shard_id);

	if (identify_gate_left(gate, now_wall_ms) <= 0) {
		int64_t release = identify_gate_release(gate, now_wall_ms);

		*retry_at = clock_add(now, CLOCK_MS(release - now_wall_ms));
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

/* Frees every slot of the shard: its bucket may have changed since it asked. */
static void
free_slots(struct identify_gate *gate, uint32_t shard_id)
{
	for (uint32_t i = 0; i < QUOTA_BUCKETS_MAX; i++) {
		if (gate->holder[i] == shard_id + 1) {
			gate->holder[i] = 0;
		}
	}
}

void
identify_gate_sent(struct identify_gate *gate, uint32_t shard_id, mono_ns now,
    int64_t now_wall_ms)
{
	identify_ledger_add(gate->ledger, now_wall_ms);
	if (gate->remaining > 0) {
		gate->remaining--;
	}
	free_slots(gate, shard_id);
	gate->next_at[bucket_of(gate, shard_id)] = now + QUOTA_IDENTIFY_SPACING;
}

void
identify_gate_returned(struct identify_gate *gate, uint32_t shard_id)
{
	free_slots(gate, shard_id);
}
