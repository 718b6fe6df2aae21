#include "ledger.h"

#include <stdbool.h>
#include <stddef.h>

/* Later than this (the year 2200) is no clock, but a damaged page. */
#define CLOCK_MOST_MS (INT64_C(230) * 365 * 86400 * 1000)

static bool
is_time(int64_t at_ms)
{
	return at_ms >= 0 && at_ms < CLOCK_MOST_MS;
}

/* A plain difference would overflow with the words of a damaged page. */
static int64_t
shifted(int64_t at_ms, int64_t lag_ms)
{
	bool fits = lag_ms > -CLOCK_MOST_MS && lag_ms < CLOCK_MOST_MS;

	return fits ? at_ms - lag_ms : -1;
}

/* The first look of a boot: only the wall clock went on meanwhile. */
static void
begin_boot(struct identify_ledger *ledger, const struct ledger_time *at)
{
	int64_t now_ms = shifted(at->wall_ms, ledger->wall_lag_ms);

	if (!is_time(now_ms)) {
		now_ms = is_time(at->wall_ms) ? at->wall_ms : 0;
	}
	/* The name of the boot last: what a process leaves that dies in between is a
	 * ledger that has not seen this boot. */
	ledger->boot_id = 0;
	ledger->boot_lag_ms = at->boot_ms - now_ms;
	ledger->boot_id = at->boot_id;
}

/* The page is not written to for what no reader could tell. */
static void
note_wall(struct identify_ledger *ledger, int64_t lag_ms)
{
	if (ledger->wall_lag_ms < lag_ms - LEDGER_LAG_STEP_MS ||
	    ledger->wall_lag_ms > lag_ms + LEDGER_LAG_STEP_MS) {
		ledger->wall_lag_ms = lag_ms;
	}
}

int64_t
identify_ledger_now(struct identify_ledger *ledger, const struct ledger_time *at)
{
	int64_t now_ms = shifted(at->boot_ms, ledger->boot_lag_ms);

	if (ledger->boot_id != at->boot_id || !is_time(now_ms)) {
		begin_boot(ledger, at);
		now_ms = at->boot_ms - ledger->boot_lag_ms;
	}
	if (is_time(at->wall_ms)) {
		note_wall(ledger, at->wall_ms - now_ms);
	}
	return now_ms;
}

#define MINUTE_MS INT64_C(60000)

/* More in one minute than any bot may send: a slot that says so is damaged. */
#define SLOT_MAX 100000

int64_t
identify_ledger_minute(int64_t at_ms)
{
	int64_t minute = at_ms > 0 ? at_ms / MINUTE_MS : 0;

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
	return &ledger->slots[minute % LEDGER_SLOTS];
}

static bool
is_damaged(uint64_t slot, size_t place)
{
	return slot_count(slot) > SLOT_MAX ||
	    slot_minute(slot) % LEDGER_SLOTS != (int64_t)place;
}

/* The first instant at which the identifies of a minute do not count any more. */
static int64_t
leaves_at(int64_t minute)
{
	return (minute + 1) * MINUTE_MS + LEDGER_WINDOW_MS;
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
mend(struct identify_ledger *ledger, int64_t now_ms)
{
	int64_t now = identify_ledger_minute(now_ms);
	int64_t future = 0;

	/* All at once: the place of now may be held by one of them. */
	for (size_t i = 0; i < LEDGER_SLOTS; i++) {
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
	if (ledger->youngest_ms > now_ms) {
		ledger->youngest_ms = now_ms;
	}
}

int64_t
identify_ledger_count(struct identify_ledger *ledger, int64_t now_ms)
{
	int64_t count = 0;

	mend(ledger, now_ms);
	for (size_t i = 0; i < LEDGER_SLOTS; i++) {
		uint64_t slot = ledger->slots[i];

		if (leaves_at(slot_minute(slot)) > now_ms) {
			count += slot_count(slot);
		}
	}
	return count;
}

void
identify_ledger_add(struct identify_ledger *ledger, int64_t at_ms)
{
	int64_t minute = identify_ledger_minute(at_ms);
	uint64_t slot = *slot_of(ledger, minute);

	/* A place that holds a later minute: the clock went back. */
	if (slot_minute(slot) > minute) {
		mend(ledger, at_ms);
	}
	add_to_minute(ledger, minute, 1);
	ledger->youngest_ms = at_ms;
}

void
identify_ledger_take_back(struct identify_ledger *ledger, int64_t at_ms)
{
	int64_t minute = identify_ledger_minute(at_ms);
	uint64_t *slot = slot_of(ledger, minute);

	if (slot_minute(*slot) == minute && slot_count(*slot) > 0) {
		*slot -= 1;
	}
}

int64_t
identify_ledger_falls_to(struct identify_ledger *ledger, int64_t most, int64_t now_ms)
{
	int64_t now = identify_ledger_minute(now_ms);
	int64_t count = identify_ledger_count(ledger, now_ms);
	int64_t oldest = now >= LEDGER_SLOTS ? now - LEDGER_SLOTS + 1 : 0;

	for (int64_t minute = oldest; count > most && minute <= now; minute++) {
		uint64_t slot = *slot_of(ledger, minute);

		if (slot_minute(slot) == minute && leaves_at(minute) > now_ms) {
			count -= slot_count(slot);
		}
		if (count <= most) {
			return leaves_at(minute);
		}
	}
	return now_ms;
}
