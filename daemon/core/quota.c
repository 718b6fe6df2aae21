#include "quota.h"

#include <stddef.h>

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

/* ---- the gate ---- */

void
identify_gate_init(struct identify_gate *gate, struct identify_ledger *ledger,
    mono_ns now, int64_t now_ms)
{
	*gate = (struct identify_gate){
	    .ledger = ledger,
	    .max_concurrency = 1,
	    .total = QUOTA_IDENTIFIES_DAY,
	    .remaining = -1,
	    .used_minute = -1,
	};
	/* So that nothing in it is of the future. */
	(void)identify_ledger_count(ledger, now_ms);
	if (ledger->youngest_ms <= now_ms - LEDGER_WINDOW_MS) {
		return;
	}
	mono_ns age = CLOCK_MS(now_ms - ledger->youngest_ms);

	if (age < QUOTA_IDENTIFY_SPACING) {
		/* There is one bucket until Discord says more: set_concurrency() then
		 * makes all of them wait, since the ledger does not say which it was.
		 */
		gate->slots[0].next_at = now + QUOTA_IDENTIFY_SPACING - age;
	}
}

uint32_t
identify_gate_bucket(const struct identify_gate *gate, uint32_t shard_id)
{
	return shard_id % gate->max_concurrency % QUOTA_BUCKETS_MAX;
}

/* Shards change their buckets: the youngest spacing holds for all of them. */
static void
set_concurrency(struct identify_gate *gate, uint32_t max_concurrency)
{
	mono_ns latest = gate->slots[0].next_at;

	if (max_concurrency == gate->max_concurrency) {
		return;
	}
	for (uint32_t i = 1; i < QUOTA_BUCKETS_MAX; i++) {
		mono_ns next_at = gate->slots[i].next_at;

		latest = next_at > latest ? next_at : latest;
	}
	for (uint32_t i = 0; i < QUOTA_BUCKETS_MAX; i++) {
		gate->slots[i].next_at = latest;
	}
	gate->max_concurrency = max_concurrency;
}

static int64_t
count_held(const struct identify_gate *gate)
{
	int64_t held = 0;

	for (uint32_t i = 0; i < QUOTA_BUCKETS_MAX; i++) {
		held += gate->slots[i].holder != 0 ? 1 : 0;
	}
	return held;
}

void
identify_gate_told(struct identify_gate *gate, const struct identify_told *told,
    int64_t now_ms)
{
	int64_t wait = told->reset_after_ms;

	if (told->max_concurrency >= 1) {
		set_concurrency(gate, told->max_concurrency);
	}
	if (told->total >= 1) {
		gate->total =
		    told->total < QUOTA_TOTAL_MAX ? told->total : QUOTA_TOTAL_MAX;
	}
	wait = wait <= 0 ? QUOTA_RESET_LEAST_MS : wait;
	wait = wait > LEDGER_WINDOW_MS ? LEDGER_WINDOW_MS : wait;
	gate->reset_ms = now_ms + wait;
	gate->remaining = -1;
	if (told->remaining >= 0) {
		int64_t rest = told->remaining - count_held(gate);

		gate->remaining = rest > 0 ? rest : 0;
	}
}

int64_t
identify_gate_reserve(const struct identify_gate *gate)
{
	int64_t part = gate->total / 20;

	return part < QUOTA_IDENTIFIES_RESERVE ? part : QUOTA_IDENTIFIES_RESERVE;
}

/* What the ledger says, counted once in a minute: in between nothing leaves it. */
int64_t
identify_gate_used(struct identify_gate *gate, int64_t now_ms)
{
	int64_t minute = identify_ledger_minute(now_ms);

	if (gate->used_minute != minute) {
		gate->used = identify_ledger_count(gate->ledger, now_ms);
		gate->used_minute = minute;
	}
	return gate->used;
}

/* What is left of the day, the reserve included. */
static int64_t
rest_of_day(struct identify_gate *gate, int64_t now_ms)
{
	int64_t own = gate->total - identify_gate_used(gate, now_ms);

	if (gate->remaining >= 0 && now_ms >= gate->reset_ms) {
		gate->remaining = -1;
	}
	if (gate->reset_ms > now_ms + LEDGER_WINDOW_MS) {
		/* The clock went back: no reset is further off than a day. */
		gate->reset_ms = now_ms + LEDGER_WINDOW_MS;
	}
	return gate->remaining >= 0 && gate->remaining < own ? gate->remaining : own;
}

int64_t
identify_gate_left(struct identify_gate *gate, int64_t now_ms)
{
	int64_t left = rest_of_day(gate, now_ms) - identify_gate_reserve(gate);

	return left > 0 ? left : 0;
}

bool
identify_gate_is_low(struct identify_gate *gate, int64_t now_ms)
{
	int64_t part = gate->total / 5;

	return rest_of_day(gate, now_ms) <=
	    (part < QUOTA_IDENTIFIES_SOFT ? part : QUOTA_IDENTIFIES_SOFT);
}

int64_t
identify_gate_release(struct identify_gate *gate, int64_t now_ms)
{
	int64_t reserve = identify_gate_reserve(gate);
	int64_t until = now_ms + 1000;
	int64_t most = gate->total - reserve - 1;

	if (gate->remaining >= 0 && gate->remaining <= reserve &&
	    gate->reset_ms > until) {
		until = gate->reset_ms;
	}
	if (identify_gate_used(gate, now_ms) > most) {
		int64_t at = identify_ledger_falls_to(gate->ledger, most, now_ms);

		until = at > until ? at : until;
	}
	return until;
}

/* The slot that the shard holds: its bucket may have changed since it asked. */
static struct identify_slot *
held_by(struct identify_gate *gate, uint32_t shard_id)
{
	for (uint32_t i = 0; i < QUOTA_BUCKETS_MAX; i++) {
		if (gate->slots[i].holder == shard_id + 1) {
			return &gate->slots[i];
		}
	}
	return NULL;
}

void
identify_gate_returned(struct identify_gate *gate, uint32_t shard_id)
{
	struct identify_slot *slot = held_by(gate, shard_id);

	if (!slot) {
		return;
	}
	slot->holder = 0;
	identify_ledger_take_back(gate->ledger, slot->reserved_ms);
	gate->used_minute = -1;
	gate->remaining += gate->remaining >= 0 ? 1 : 0;
}

enum identify_answer
identify_gate_ask(struct identify_gate *gate, uint32_t shard_id, mono_ns now,
    int64_t now_ms, mono_ns *retry_at)
{
	struct identify_slot *slot = &gate->slots[identify_gate_bucket(gate, shard_id)];

	if (slot->holder == shard_id + 1) {
		return IDENTIFY_GRANTED;
	}
	if (identify_gate_left(gate, now_ms) <= 0) {
		int64_t release = identify_gate_release(gate, now_ms);

		*retry_at = clock_add(now, CLOCK_MS(release - now_ms));
		return IDENTIFY_SPENT;
	}
	if (now < slot->next_at) {
		*retry_at = slot->next_at;
		return IDENTIFY_WAIT;
	}
	if (slot->holder != 0) {
		*retry_at = now + CLOCK_S(1);
		return IDENTIFY_WAIT;
	}
	/* It may hold one of a bucket that it was in before. */
	identify_gate_returned(gate, shard_id);
	slot->holder = shard_id + 1;
	slot->reserved_ms = now_ms;
	identify_ledger_add(gate->ledger, now_ms);
	gate->used++;
	gate->remaining -= gate->remaining > 0 ? 1 : 0;
	return IDENTIFY_GRANTED;
}

void
identify_gate_sent(struct identify_gate *gate, uint32_t shard_id, mono_ns now,
    int64_t now_ms)
{
	struct identify_slot *slot = held_by(gate, shard_id);

	/* It counts from the send, which came some seconds after it was granted. */
	identify_ledger_add(gate->ledger, now_ms);
	if (slot) {
		identify_ledger_take_back(gate->ledger, slot->reserved_ms);
		slot->holder = 0;
	} else {
		gate->remaining -= gate->remaining > 0 ? 1 : 0;
	}
	gate->used_minute = -1;
	gate->slots[identify_gate_bucket(gate, shard_id)].next_at =
	    now + QUOTA_IDENTIFY_SPACING;
}

struct identify_forecast
identify_gate_forecast(struct identify_gate *gate, uint32_t shard_id, uint32_t before,
    mono_ns now, int64_t now_ms)
{
	const struct identify_slot *slot =
	    &gate->slots[identify_gate_bucket(gate, shard_id)];
	struct identify_forecast forecast = {IDENTIFY_FREE, 0};

	if (slot->holder == shard_id + 1) {
		return forecast;
	}
	if (identify_gate_left(gate, now_ms) <= 0) {
		int64_t release = identify_gate_release(gate, now_ms);

		return (struct identify_forecast){IDENTIFY_BUDGET,
		    CLOCK_MS(release - now_ms)};
	}
	if (slot->next_at > now) {
		forecast.hold = IDENTIFY_SPACING;
		forecast.wait = slot->next_at - now;
	}
	if (slot->holder != 0 || before > 0) {
		forecast.hold = IDENTIFY_QUEUE;
		forecast.wait +=
		    (before + (slot->holder != 0 ? 1 : 0)) * QUOTA_IDENTIFY_SPACING;
	}
	return forecast;
}
