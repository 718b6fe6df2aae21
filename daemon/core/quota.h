/*
 * What Discord allows: sends of a connection, identifies of a bot.
 *
 * Pure.  The identify ledger (ledger.h) is what the gate must remember over restarts.
 * All its times are of the ledger's clock, in ms; see identify_ledger_now().
 * (Not limits.h: that would stand before the system's <limits.h>.)
 */
#ifndef GWBOTD_QUOTA_H
#define GWBOTD_QUOTA_H

#include <stdbool.h>
#include <stdint.h>

#include "clock.h"
#include "ledger.h"

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

/* Discord: 1000 identifies in 24 h, more for very large bots; at the limit it ends all
 * sessions and resets the token.  The last 50, of small totals a twentieth, are kept
 * for a human; 200 left, of small totals a fifth, are worth a warning. */
#define QUOTA_IDENTIFIES_DAY     1000
#define QUOTA_IDENTIFIES_RESERVE 50
#define QUOTA_IDENTIFIES_SOFT    200

/* No bot has more: twice the identifies of 100,000 shards. */
#define QUOTA_TOTAL_MAX 200000

/* Discord: one identify per bucket in 5 s; a margin for the network's jitter on top. */
#define QUOTA_IDENTIFY_SPACING CLOCK_MS(5500)

/* A told budget whose reset_after is 0 is still believed for this long: 0 does not mean
 * that the limit is gone. */
#define QUOTA_RESET_LEAST_MS (INT64_C(60) * 1000)

/* Shards of one of Discord's buckets always share one of ours; above this many buckets
 * some of ours serve several of Discord's, which is only slower. */
#define QUOTA_BUCKETS_MAX 1024

/* What Discord says in session_start_limit. */
struct identify_told {
	uint32_t max_concurrency; /* 0: not said */
	int64_t total;            /* a day; below 1: not said */
	int64_t remaining;        /* below 0: not said */
	int64_t reset_after_ms;   /* from now; at most a day is believed */
};

/* The slot of a bucket, and its identify that is written down but not sent. */
struct identify_slot {
	uint32_t holder; /* shard id + 1, 0: free */
	int64_t reserved_ms;
	mono_ns next_at; /* when the next may go */
};

struct identify_gate {
	struct identify_ledger *ledger; /* borrowed */
	uint32_t max_concurrency;       /* as Discord said; at least 1 */
	int64_t total;                  /* as Discord said, else as usual */
	int64_t remaining;   /* as Discord last said, less what was granted since;
	                        -1 unknown */
	int64_t reset_ms;    /* when remaining goes back to its total */
	int64_t used;        /* in the ledger, as counted in the minute used_minute */
	int64_t used_minute; /* -1: not counted */
	struct identify_slot slots[QUOTA_BUCKETS_MAX];
};

/* What keeps a slot from a shard. */
enum identify_hold {
	IDENTIFY_FREE,    /* nothing */
	IDENTIFY_SPACING, /* the bucket's last identify is too young */
	IDENTIFY_QUEUE,   /* other shards of the bucket come first */
	IDENTIFY_BUDGET,  /* the day's budget is used up to its reserve */
};

/* When a shard may have its slot, from now; behind others at the earliest. */
struct identify_forecast {
	enum identify_hold hold;
	mono_ns wait;
};

enum identify_answer {
	IDENTIFY_GRANTED,
	IDENTIFY_WAIT,  /* the bucket is in use or too young: ask again at *retry_at */
	IDENTIFY_SPENT, /* the day's budget is used up to its reserve: as WAIT, but long
	                 */
};

/** A gate that starts from what the ledger remembers (the last spacing included). */
void identify_gate_init(struct identify_gate *gate, struct identify_ledger *ledger,
    mono_ns now, int64_t now_ms);

/** Takes what Discord says; identifies that are granted and not sent are not in it. */
void identify_gate_told(struct identify_gate *gate, const struct identify_told *told,
    int64_t now_ms);

/**
 * Asks for the shard's slot.  GRANTED writes the identify into the ledger and holds the
 * slot until _sent() or _returned(); have the ledger synced before the send.
 *
 * Otherwise *retry_at is when to ask again.
 */
enum identify_answer identify_gate_ask(struct identify_gate *gate, uint32_t shard_id,
    mono_ns now, int64_t now_ms, mono_ns *retry_at);

/** The shard's IDENTIFY goes out now: starts the bucket's spacing. */
void identify_gate_sent(struct identify_gate *gate, uint32_t shard_id, mono_ns now,
    int64_t now_ms);

/** The shard gives its slot back unused. */
void identify_gate_returned(struct identify_gate *gate, uint32_t shard_id);

/** Identifies left before the reserve, by the ledger and by what Discord said. */
int64_t identify_gate_left(struct identify_gate *gate, int64_t now_ms);

/** Identifies in the ledger, as identify_ledger_count(). */
int64_t identify_gate_used(struct identify_gate *gate, int64_t now_ms);

/** What is never used of the present total. */
int64_t identify_gate_reserve(const struct identify_gate *gate);

/** So few are left, the reserve included, that someone should look. */
bool identify_gate_is_low(struct identify_gate *gate, int64_t now_ms);

/** When the budget has room again, where nothing is left. */
int64_t identify_gate_release(struct identify_gate *gate, int64_t now_ms);

/** The bucket of a shard, below QUOTA_BUCKETS_MAX. */
uint32_t identify_gate_bucket(const struct identify_gate *gate, uint32_t shard_id);

/**
 * How long a shard waits for its slot behind `before` others of its bucket, if each of
 * them identifies as soon as it may.
 */
struct identify_forecast identify_gate_forecast(struct identify_gate *gate,
    uint32_t shard_id, uint32_t before, mono_ns now, int64_t now_ms);

#endif
