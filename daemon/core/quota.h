/*
 * What Discord allows: sends of a connection, identifies of a bot.
 *
 * Pure.  The identify ledger is what the gate must remember over restarts; store keeps
 * its bytes on disk.  (Not limits.h: that would stand before the system's <limits.h>.)
 */
#ifndef GWBOTD_QUOTA_H
#define GWBOTD_QUOTA_H

#include <stdbool.h>
#include <stdint.h>

#include "clock.h"

/* ---- sends ---- */

/* Discord: 120 sends in 60 s on a connection, else close code 4008.  Ordinary sends
 * stop at 110, so that heartbeats, RESUME and IDENTIFY always have room. */
#define QUOTA_SENDS_MAX      120
#define QUOTA_SENDS_ORDINARY 110
#define QUOTA_SENDS_WINDOW   CLOCK_S(60)

/* The instants of the last sends of one connection; zero it for a new one. */
struct send_budget {
	mono_ns sent[QUOTA_SENDS_MAX];
	uint32_t next;
	uint32_t count;
	uint32_t ordinary; /* lowered after close code 4008; 0: QUOTA_SENDS_ORDINARY */
};

/**
 * Takes one send from the budget; false where it must wait.
 *
 * vital sends (heartbeat, RESUME, IDENTIFY) may use all of it, others stop at 110, or
 * at budget->ordinary.
 */
bool send_budget_take(struct send_budget *budget, mono_ns now, bool vital);

/* ---- identifies ---- */

/* Discord: 1000 identifies in 24 h; at the limit it ends all sessions and resets the
 * token.  The last 50 are kept for a human. */
#define QUOTA_IDENTIFIES_DAY     1000
#define QUOTA_IDENTIFIES_RESERVE 50
#define QUOTA_IDENTIFIES_SOFT    200 /* so few left before the reserve: say so */
#define QUOTA_IDENTIFY_WINDOW_MS (INT64_C(24) * 3600 * 1000)

/* Discord: one identify per bucket in 5 s; a margin for the network's jitter on top. */
#define QUOTA_IDENTIFY_SPACING CLOCK_MS(5500)

/* A told budget whose reset_after is 0 is still believed for this long: 0 does not mean
 * that the limit is gone. */
#define QUOTA_RESET_LEAST_MS (INT64_C(60) * 1000)

/* Shards of one of Discord's buckets always share one of ours; above this many buckets
 * some of ours serve several of Discord's, which is only slower. */
#define QUOTA_BUCKETS_MAX 64

/* Wall times of the identifies of the last 24 h, oldest first from `first`. */
struct identify_ledger {
	uint32_t first;
	uint32_t count;
	int64_t wall_ms[QUOTA_IDENTIFIES_DAY];
};

/**
 * How many identifies the ledger has within the 24 h before now_wall_ms.
 *
 * Drops older ones.  Entries of the future (the clock went back) are moved to now: they
 * count for a day and no longer.  Entries out of order (damage) are moved to the one
 * before.  A ledger whose numbers cannot be true is emptied.
 */
uint32_t identify_ledger_count(struct identify_ledger *ledger, int64_t now_wall_ms);

/** Writes one identify down.  Call it, and store the ledger, before the send. */
void identify_ledger_add(struct identify_ledger *ledger, int64_t now_wall_ms);

struct identify_gate {
	struct identify_ledger *ledger; /* borrowed */
	uint32_t max_concurrency;       /* as Discord said; at least 1 */
	int64_t remaining;              /* as Discord last said; -1 unknown */
	int64_t reset_wall_ms;          /* when remaining goes back to its total */
	mono_ns next_at[QUOTA_BUCKETS_MAX];
	uint32_t
	    holder[QUOTA_BUCKETS_MAX]; /* shard id + 1 that has the slot, 0: free */
};

enum identify_answer {
	IDENTIFY_GRANTED,
	IDENTIFY_WAIT,  /* the bucket is in use or too young: ask again at *retry_at */
	IDENTIFY_SPENT, /* the day's budget is used up to its reserve: as WAIT, but long
	                 */
};

/** A gate that starts from what the ledger remembers (the last spacing included). */
void identify_gate_init(struct identify_gate *gate, struct identify_ledger *ledger,
    mono_ns now, int64_t now_wall_ms);

/** What Discord says in session_start_limit; reset_after_ms counts from now (at most a
 * day is believed).  max_concurrency 0 and a negative remaining mean: not said. */
void identify_gate_told(struct identify_gate *gate, uint32_t max_concurrency,
    int64_t remaining, int64_t reset_after_ms, int64_t now_wall_ms);

/**
 * Asks for the shard's slot.  GRANTED holds it until _sent() or _returned().
 *
 * Otherwise *retry_at is when to ask again.
 */
enum identify_answer identify_gate_ask(struct identify_gate *gate, uint32_t shard_id,
    mono_ns now, int64_t now_wall_ms, mono_ns *retry_at);

/** The shard's IDENTIFY goes out now: enters the ledger, starts the bucket's spacing.
 */
void identify_gate_sent(struct identify_gate *gate, uint32_t shard_id, mono_ns now,
    int64_t now_wall_ms);

/** The shard gives its slot back unused. */
void identify_gate_returned(struct identify_gate *gate, uint32_t shard_id);

/** Identifies left before the reserve, by the ledger and by what Discord said. */
int64_t identify_gate_left(struct identify_gate *gate, int64_t now_wall_ms);

/** When the budget has room again, where nothing is left. */
int64_t identify_gate_release(const struct identify_gate *gate, int64_t now_wall_ms);

#endif
