/*
 * Who may identify, and when: the gate decides, the store remembers.
 *
 * An identify is written into the ledger when its slot is granted, and the shard gets
 * the slot when the ledger is on the disk: so no crash, of the process or of the host,
 * makes an IDENTIFY that nobody counted.  A disk that hangs holds nobody up for more
 * than SYNC_PATIENCE: from then on the page, which outlives the process though not the
 * host, has to do.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "gateway_private.h"
#include "log.h"
#include "xalloc.h"

#define SYNC_PATIENCE CLOCK_MS(200)

/* While the budget is spent, the API is asked from time to time whether it still is. */
#define SPENT_LOOK CLOCK_S(301)

/* A ledger that dies with the process, and an API that does not answer: then only time
 * keeps a crash loop within the day's budget (86400 s / 100 s = 864 identifies). */
#define BLIND_WAIT CLOCK_S(100)

void
gateway_time_text(int64_t wall_ms, char out[GATEWAY_TIME_BYTES])
{
	/* To the nearest: the ledger's milliseconds are not quite those of the wall. */
	time_t seconds = (time_t)((wall_ms + 500) / 1000);
	struct tm parts;

	out[0] = '\0';
	if (gmtime_r(&seconds, &parts)) {
		(void)strftime(out, GATEWAY_TIME_BYTES, "%Y-%m-%dT%H:%M:%SZ", &parts);
	}
}

int64_t
gateway_ledger_ms(struct gateway *gateway)
{
	struct ledger_time at = {
	    .boot_id = gateway->boot_id,
	    .boot_ms = clock_now() / CLOCK_MS(1),
	    .wall_ms = clock_wall_ms(),
	};

	return identify_ledger_now(store_ledger(gateway->options.store), &at);
}

uint64_t
gateway_keep_limits(struct gateway *gateway)
{
	struct memo *memo = &gateway->memo;

	memo->max_concurrency = gateway->gate.max_concurrency;
	memo->total = gateway->gate.total;
	memo->remaining = gateway->gate.remaining;
	memo->reset_ms = gateway->gate.reset_ms;
	return store_write_memo(gateway->options.store, memo);
}

/* ---- granting ---- */

static void
tell_spent(struct gateway *gateway)
{
	char release[GATEWAY_TIME_BYTES];
	int64_t now_ms = gateway_ledger_ms(gateway);
	int64_t wait_ms = identify_gate_release(&gateway->gate, now_ms) - now_ms;

	if (gateway->spent) {
		return;
	}
	gateway->spent = true;
	gateway_time_text(clock_wall_ms() + wait_ms, release);
	log_error("identify_budget_spent", KV("next_in_s", wait_ms / 1000),
	    KV("release_at", (const char *)release),
	    KV("reserve", identify_gate_reserve(&gateway->gate)),
	    KV("reason", "more identifies today would make Discord reset the token"));
}

static void
grant(struct gateway *gateway, struct gateway_member *member, mono_ns now)
{
	gateway->spent = false;
	member->wants_slot = false;
	member->granted = true;
	member->granted_until = now + SYNC_PATIENCE;
	member->ledger_change = gateway_keep_limits(gateway);
}

/* Gives the slots on whose entries are on the disk, or were waited for long enough. */
static mono_ns
hand_on(struct gateway *gateway, mono_ns now)
{
	uint64_t synced = store_ledger_synced(gateway->options.store);
	mono_ns next = CLOCK_NEVER;

	for (uint32_t i = 0; i < gateway->shards.count; i++) {
		struct gateway_member *member = &gateway->members[i];

		if (!member->granted) {
			continue;
		}
		if (member->ledger_change <= synced || now >= member->granted_until) {
			member->granted = false;
			shard_slot(member->shard, now);
		} else if (member->granted_until < next) {
			next = member->granted_until;
		}
	}
	return next;
}

/* In the order of their ids, so that the first of each bucket come first. */
static mono_ns
grant_free(struct gateway *gateway, mono_ns now)
{
	int64_t now_ms = gateway_ledger_ms(gateway);
	mono_ns next = CLOCK_NEVER;

	for (uint32_t i = 0; i < gateway->shards.count; i++) {
		struct gateway_member *member = &gateway->members[i];
		mono_ns retry_at = CLOCK_NEVER;

		if (!member->wants_slot) {
			continue;
		}
		switch (identify_gate_ask(&gateway->gate, gateway->shards.first + i,
		    now, now_ms, &retry_at)) {
		case IDENTIFY_GRANTED:
			grant(gateway, member, now);
			break;
		case IDENTIFY_WAIT:
			next = retry_at < next ? retry_at : next;
			break;
		case IDENTIFY_SPENT:
			tell_spent(gateway);
			retry_at =
			    retry_at < now + SPENT_LOOK ? retry_at : now + SPENT_LOOK;
			return retry_at < next ? retry_at : next;
		}
	}
	return next;
}

static bool
is_wanted(const struct gateway *gateway)
{
	for (uint32_t i = 0; i < gateway->shards.count; i++) {
		if (gateway->members[i].wants_slot) {
			return true;
		}
	}
	return false;
}

/* What is told, or kept, ends the blindness. */
static bool
is_blind(const struct gateway *gateway, mono_ns now)
{
	return gateway->told_at == CLOCK_NEVER && now < gateway->blind_until &&
	    !store_ledger_is_kept(gateway->options.store);
}

/* When the API may be asked again, or blindness ends. */
static mono_ns
look_again(const struct gateway *gateway, mono_ns now)
{
	mono_ns next = gateway->ask_again_at;

	next = next > now ? next : now + CLOCK_S(1);
	return next < gateway->blind_until ? next : gateway->blind_until;
}

void
gateway_serve_slots(struct gateway *gateway, mono_ns now)
{
	mono_ns next = CLOCK_NEVER;

	if (is_wanted(gateway)) {
		next = is_blind(gateway, now) ? look_again(gateway, now) :
						grant_free(gateway, now);
	}
	mono_ns until = hand_on(gateway, now);

	loop_timer_arm(gateway->slot_timer, until < next ? until : next);
}

static void
on_slot_timer(void *ctx, mono_ns now)
{
	struct gateway *gateway = ctx;

	if (is_wanted(gateway) && gateway_refresh_limits(gateway, now)) {
		/* Its answer serves the slots. */
		loop_timer_arm(gateway->slot_timer, hand_on(gateway, now));
		return;
	}
	gateway_serve_slots(gateway, now);
}

static void
on_ledger_synced(void *ctx)
{
	struct gateway *gateway = ctx;

	/* The timer is armed for the patience at most: coming early does no harm. */
	(void)hand_on(gateway, clock_now());
}

/* ---- what shards say ---- */

/* The shard is in the middle of its actions: it is answered in a turn of its own. */
static void
serve_soon(struct gateway *gateway, mono_ns now)
{
	loop_timer_arm(gateway->slot_timer, now);
}

void
gateway_on_want_slot(void *ctx, struct shard *shard, mono_ns now)
{
	struct gateway *gateway = ctx;

	gateway_member_of(gateway, shard)->wants_slot = true;
	serve_soon(gateway, now);
}

void
gateway_on_drop_slot(void *ctx, struct shard *shard)
{
	struct gateway *gateway = ctx;
	struct gateway_member *member = gateway_member_of(gateway, shard);

	member->wants_slot = false;
	member->granted = false;
	identify_gate_returned(&gateway->gate, shard_id(shard));
	(void)gateway_keep_limits(gateway);
	if (!gateway->stopping) {
		serve_soon(gateway, clock_now());
	}
}

void
gateway_on_identifying(void *ctx, struct shard *shard, mono_ns now)
{
	struct gateway *gateway = ctx;
	int64_t now_ms = gateway_ledger_ms(gateway);

	identify_gate_sent(&gateway->gate, shard_id(shard), now, now_ms);
	(void)gateway_keep_limits(gateway);
	store_set_intents(gateway->options.store, shard_id(shard),
	    gateway->options.settings.intents);
	serve_soon(gateway, now);
	int64_t left = identify_gate_left(&gateway->gate, now_ms);
	bool low = identify_gate_is_low(&gateway->gate, now_ms);
	struct log_kv pairs[] = {KV("shard", shard_id(shard)), KV("left_today", left)};

	log_write_change(low ? LOG_LEVEL_WARNING : LOG_LEVEL_INFO, "identify", pairs,
	    sizeof pairs / sizeof pairs[0]);
}

/* ---- what it looks like ---- */

static void
show_spent(struct gateway *gateway, int64_t wait_ms, struct snapshot *out)
{
	char text[GATEWAY_TIME_BYTES];

	gateway_time_text(clock_wall_ms() + wait_ms, text);
	out->next_try_in = CLOCK_MS(wait_ms);
	out->hold = SNAPSHOT_HOLD_BUDGET;
	(void)snprintf(out->reason, sizeof out->reason,
	    "the identify budget of the day is spent up to the reserve of %lld; a new "
	    "session must wait until %s",
	    (long long)identify_gate_reserve(&gateway->gate), text);
}

static enum snapshot_hold
hold_of(enum identify_hold hold)
{
	switch (hold) {
	case IDENTIFY_FREE:
		return SNAPSHOT_HOLD_NONE;
	case IDENTIFY_SPACING:
		return SNAPSHOT_HOLD_SPACING;
	case IDENTIFY_QUEUE:
		return SNAPSHOT_HOLD_QUEUE;
	case IDENTIFY_BUDGET:
		return SNAPSHOT_HOLD_BUDGET;
	}
	return SNAPSHOT_HOLD_NONE;
}

/* One that waits for its slot, behind `before` others of its bucket. */
static void
show_slot(struct gateway *gateway, uint32_t id, mono_ns now, int64_t now_ms,
    struct snapshot *out)
{
	uint32_t *before = &gateway->queue[identify_gate_bucket(&gateway->gate, id)];
	struct identify_forecast forecast =
	    identify_gate_forecast(&gateway->gate, id, *before, now, now_ms);

	if (forecast.hold == IDENTIFY_BUDGET) {
		show_spent(gateway, forecast.wait / CLOCK_MS(1), out);
		return;
	}
	++*before;
	out->next_try_in = forecast.wait;
	out->hold = hold_of(forecast.hold);
	if (is_blind(gateway, now)) {
		/* What the API says may come before, and change the rest. */
		mono_ns wait = gateway->blind_until - now;

		out->next_try_in = wait > forecast.wait ? wait : forecast.wait;
		out->hold = SNAPSHOT_HOLD_BLIND;
	} else if (gateway->asking && forecast.wait == 0) {
		out->next_try_in = SNAPSHOT_NONE;
		out->hold = SNAPSHOT_HOLD_API;
	}
}

void
gateway_show_slots(struct gateway *gateway, mono_ns now, struct snapshot *out)
{
	int64_t now_ms = gateway_ledger_ms(gateway);

	for (uint32_t i = 0; i < QUOTA_BUCKETS_MAX; i++) {
		gateway->queue[i] = 0;
	}
	for (uint32_t i = 0; i < gateway->shards.count; i++) {
		const struct gateway_member *member = &gateway->members[i];

		if (out[i].state != SNAPSHOT_WAIT_SLOT) {
			continue;
		}
		if (member->granted) {
			out[i].next_try_in = 0;
			out[i].hold = SNAPSHOT_HOLD_DISK;
			continue;
		}
		show_slot(gateway, gateway->shards.first + i, now, now_ms, &out[i]);
	}
}

/* ---- life ---- */

/* What Discord said to an earlier process still holds until its reset. */
static void
recall_limits(struct gateway *gateway)
{
	const struct memo *memo = &gateway->memo;
	int64_t now_ms = gateway_ledger_ms(gateway);
	bool old = memo->reset_ms <= now_ms;
	struct identify_told told = {
	    .max_concurrency = memo->max_concurrency,
	    .total = memo->total,
	    .remaining = old ? -1 : memo->remaining,
	    .reset_after_ms = old ? 0 : memo->reset_ms - now_ms,
	};

	identify_gate_told(&gateway->gate, &told, now_ms);
}

void
gateway_slots_init(struct gateway *gateway, mono_ns now)
{
	const struct gateway_options *options = &gateway->options;

	gateway->boot_id = clock_boot_id();
	identify_gate_init(&gateway->gate, store_ledger(options->store), now,
	    gateway_ledger_ms(gateway));
	recall_limits(gateway);
	gateway->blind_until = now + BLIND_WAIT;
	gateway->queue = xzalloc(QUOTA_BUCKETS_MAX * sizeof *gateway->queue);
	gateway->slot_timer = loop_timer_new(options->loop, on_slot_timer, gateway);
	store_watch_ledger(options->store, on_ledger_synced, gateway);
}

void
gateway_slots_fini(struct gateway *gateway)
{
	store_watch_ledger(gateway->options.store, NULL, NULL);
	loop_timer_free(gateway->slot_timer);
	free(gateway->queue);
}
