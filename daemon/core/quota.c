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

/* ---- the ledger ---- */

#define MINUTE_MS INT64_C(60000)

/* More in one minute than any bot may send: a slot that says so is damaged. */
#define SLOT_MAX 100000

static int64_t
minute_of(int64_t wall_ms)
{
	int64_t minute = wall_ms > 0 ? wall_ms / MINUTE_MS : 0;

	return minute < UINT32_MAX ? minute : UINT32_MAX;
}

static int64_t
slot_minute(uint64_t slot)
{
	return (int64_t)(slot >> 32);
}

static int64_t
slot_count(uint64_t slot)
{
	return (int64_t)(slot & UINT32_MAX);
}

static uint64_t *
slot_of(struct identify_ledger *ledger, int64_t minute)
{
	return &ledger->slots[minute % QUOTA_SLOTS];
}

static bool
is_damaged(uint64_t slot, size_t place)
{
	return slot_count(slot) > SLOT_MAX ||
	    slot_minute(slot) % QUOTA_SLOTS != (int64_t)place;
}

/* The first instant at which the identifies of a minute do not count any more. */
static int64_t
leaves_at(int64_t minute)
{
	return (minute + 1) * MINUTE_MS + QUOTA_IDENTIFY_WINDOW_MS;
}

static void
add_to_minute(struct identify_ledger *ledger, int64_t minute, int64_t count)
{
	uint64_t *slot = slot_of(ledger, minute);
	int64_t before = slot_minute(*slot) == minute ? slot_count(*slot) : 0;
	int64_t sum = before + count < SLOT_MAX ? before + count : SLOT_MAX;

	*slot = (uint64_t)minute << 32 | (uint64_t)sum;
}

/* Forgetting what lies in the future could pass the limit; keeping its stamp could
 * block for years. */
static void
mend(struct identify_ledger *ledger, int64_t now_wall_ms)
{
	int64_t now = minute_of(now_wall_ms);
	int64_t future = 0;

	/* All at once: the place of now may be held by one of them. */
	for (size_t i = 0; i < QUOTA_SLOTS; i++) {
		uint64_t slot = ledger->slots[i];

		if (slot == 0) {
			continue;
		}
		if (is_damaged(slot, i)) {
			ledger->slots[i] = 0;
		} else if (slot_minute(slot) > now) {
			ledger->slots[i] = 0;
			future += slot_count(slot);
		}
	}
	if (future > 0) {
		add_to_minute(ledger, now, future);
	}
	if (ledger->youngest_ms > now_wall_ms) {
		ledger->youngest_ms = now_wall_ms;
	}
}

int64_t
identify_ledger_count(struct identify_ledger *ledger, int64_t now_wall_ms)
{
	int64_t count = 0;

	mend(ledger, now_wall_ms);
	for (size_t i = 0; i < QUOTA_SLOTS; i++) {
		uint64_t slot = ledger->slots[i];

		if (leaves_at(slot_minute(slot)) > now_wall_ms) {
			count += slot_count(slot);
		}
	}
	return count;
}

void
identify_ledger_add(struct identify_ledger *ledger, int64_t at_wall_ms)
{
	int64_t minute = minute_of(at_wall_ms);
	uint64_t slot = *slot_of(ledger, minute);

	/* A place that holds a later minute: the clock went back. */
	if (slot_minute(slot) > minute) {
		mend(ledger, at_wall_ms);
	}
	add_to_minute(ledger, minute, 1);
	ledger->youngest_ms = at_wall_ms;
}

void
identify_ledger_take_back(struct identify_ledger *ledger, int64_t at_wall_ms)
{
	int64_t minute = minute_of(at_wall_ms);
	uint64_t *slot = slot_of(ledger, minute);

	if (slot_minute(*slot) == minute && slot_count(*slot) > 0) {
		*slot -= 1;
	}
}

/* When so many of the oldest have left that at most `most` count. */
static int64_t
ledger_falls_to(struct identify_ledger *ledger, int64_t most, int64_t now_wall_ms)
{
	int64_t now = minute_of(now_wall_ms);
	int64_t count = identify_ledger_count(ledger, now_wall_ms);
	int64_t oldest = now >= QUOTA_SLOTS ? now - QUOTA_SLOTS + 1 : 0;

	for (int64_t minute = oldest; count > most && minute <= now; minute++) {
		uint64_t slot = *slot_of(ledger, minute);

		if (slot_minute(slot) == minute && leaves_at(minute) > now_wall_ms) {
			count -= slot_count(slot);
		}
		if (count <= most) {
			return leaves_at(minute);
		}
	}
	return now_wall_ms;
}

/* ---- the gate ---- */

void
identify_gate_init(struct identify_gate *gate, struct identify_ledger *ledger,
    mono_ns now, int64_t now_wall_ms)
{
	*gate = (struct identify_gate){
	    .ledger = ledger,
	    .max_concurrency = 1,
	    .total = QUOTA_IDENTIFIES_DAY,
	    .remaining = -1,
	    .used_minute = -1,
	};
	mend(ledger, now_wall_ms);
	if (ledger->youngest_ms <= now_wall_ms - QUOTA_IDENTIFY_WINDOW_MS) {
		return;
	}
	mono_ns age = CLOCK_MS(now_wall_ms - ledger->youngest_ms);

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
    int64_t now_wall_ms)
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
	wait = wait > QUOTA_IDENTIFY_WINDOW_MS ? QUOTA_IDENTIFY_WINDOW_MS : wait;
	gate->reset_wall_ms = now_wall_ms + wait;
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
identify_gate_used(struct identify_gate *gate, int64_t now_wall_ms)
{
	int64_t minute = minute_of(now_wall_ms);

	if (gate->used_minute != minute) {
		gate->used = identify_ledger_count(gate->ledger, now_wall_ms);
		gate->used_minute = minute;
	}
	return gate->used;
}

/* What is left of the day, the reserve included. */
static int64_t
rest_of_day(struct identify_gate *gate, int64_t now_wall_ms)
{
	int64_t own = gate->total - identify_gate_used(gate, now_wall_ms);

	if (gate->remaining >= 0 && now_wall_ms >= gate->reset_wall_ms) {
		gate->remaining = -1;
	}
	if (gate->reset_wall_ms > now_wall_ms + QUOTA_IDENTIFY_WINDOW_MS) {
		/* The clock went back: no reset is further off than a day. */
		gate->reset_wall_ms = now_wall_ms + QUOTA_IDENTIFY_WINDOW_MS;
	}
	return gate->remaining >= 0 && gate->remaining < own ? gate->remaining : own;
}

int64_t
identify_gate_left(struct identify_gate *gate, int64_t now_wall_ms)
{
	int64_t left = rest_of_day(gate, now_wall_ms) - identify_gate_reserve(gate);

	return left > 0 ? left : 0;
}

bool
identify_gate_is_low(struct identify_gate *gate, int64_t now_wall_ms)
{
	int64_t part = gate->total / 5;

	return rest_of_day(gate, now_wall_ms) <=
	    (part < QUOTA_IDENTIFIES_SOFT ? part : QUOTA_IDENTIFIES_SOFT);
}

int64_t
identify_gate_release(struct identify_gate *gate, int64_t now_wall_ms)
{
	int64_t reserve = identify_gate_reserve(gate);
	int64_t until = now_wall_ms + 1000;
	int64_t most = gate->total - reserve - 1;

	if (gate->remaining >= 0 && gate->remaining <= reserve &&
	    gate->reset_wall_ms > until) {
		until = gate->reset_wall_ms;
	}
	if (identify_gate_used(gate, now_wall_ms) > most) {
		int64_t at = ledger_falls_to(gate->ledger, most, now_wall_ms);

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
	identify_ledger_take_back(gate->ledger, slot->reserved_wall_ms);
	gate->used_minute = -1;
	gate->remaining += gate->remaining >= 0 ? 1 : 0;
}

enum identify_answer
identify_gate_ask(struct identify_gate *gate, uint32_t shard_id, mono_ns now,
    int64_t now_wall_ms, mono_ns *retry_at)
{
	struct identify_slot *slot = &gate->slots[identify_gate_bucket(gate, shard_id)];

	if (slot->holder == shard_id + 1) {
		return IDENTIFY_GRANTED;
	}
	if (identify_gate_left(gate, now_wall_ms) <= 0) {
		int64_t release = identify_gate_release(gate, now_wall_ms);

		*retry_at = clock_add(now, CLOCK_MS(release - now_wall_ms));
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
	slot->reserved_wall_ms = now_wall_ms;
	identify_ledger_add(gate->ledger, now_wall_ms);
	gate->used++;
	gate->remaining -= gate->remaining > 0 ? 1 : 0;
	return IDENTIFY_GRANTED;
}

void
identify_gate_sent(struct identify_gate *gate, uint32_t shard_id, mono_ns now,
    int64_t now_wall_ms)
{
	struct identify_slot *slot = held_by(gate, shard_id);

	/* It counts from the send, which came some seconds after it was granted. */
	identify_ledger_add(gate->ledger, now_wall_ms);
	if (slot) {
		identify_ledger_take_back(gate->ledger, slot->reserved_wall_ms);
		slot->holder = 0;
	} else {
		gate->remaining -= gate->remaining > 0 ? 1 : 0;
	}
	gate->used_minute = -1;
	gate->slots[identify_gate_bucket(gate, shard_id)].next_at =
	    now + QUOTA_IDENTIFY_SPACING;
}

mono_ns
identify_gate_wait(const struct identify_gate *gate, uint32_t shard_id, uint32_t before,
    mono_ns now)
{
	const struct identify_slot *slot =
	    &gate->slots[identify_gate_bucket(gate, shard_id)];
	mono_ns wait = slot->next_at > now ? slot->next_at - now : 0;

	if (slot->holder != 0 && slot->holder != shard_id + 1) {
		wait += QUOTA_IDENTIFY_SPACING;
	}
	return wait + before * QUOTA_IDENTIFY_SPACING;
}
