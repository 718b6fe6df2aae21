/*
 * What the files of gateway share, and nobody else includes.
 *
 * gateway.c makes, starts and shows the shards; gateway_find.c asks the API where the
 * gateway is and how many shards there are; gateway_slots.c says who may identify.
 */
#ifndef GWBOTD_GATEWAY_PRIVATE_H
#define GWBOTD_GATEWAY_PRIVATE_H

#include "gateway.h"
#include "payload.h"
#include "quota.h"
#include "rng.h"
#include "session.h"
#include "shard.h"
#include "url.h"

/* Why the API failed: a sentence. */
#define GATEWAY_FAILURE_BYTES 160

/* Text of a wall time, RFC 3339 in UTC. */
#define GATEWAY_TIME_BYTES 32

/* A shard and what it waits for. */
struct gateway_member {
	struct shard *shard;
	bool started;
	bool wants_general;
	bool wants_slot;
	bool granted; /* has the slot, waits for the ledger's way to the disk */
	uint64_t ledger_change; /* granted: the one to wait for */
	mono_ns granted_until;  /* granted: and how long at most */
};

struct gateway {
	struct gateway_options options;
	struct store_shards shards; /* count 0: not known yet */
	struct gateway_member *members;
	struct rng rng;
	struct buf inflated;               /* the last payload of whichever shard */
	uint32_t ready;                    /* shards that are */
	uint32_t started;                  /* shards that were */
	struct dispatch_counts dispatched; /* of all shards */
	struct histogram lateness;
	char presence[PAYLOAD_PRESENCE_BYTES];
	bool stopping;
	struct loop_timer *start_timer;
	mono_ns asleep; /* BOOTTIME minus MONOTONIC when last looked at */

	/* gateway_find.c */
	struct memo memo;
	struct session waiting; /* stands for the shards until their count is known */
	uint32_t waits;         /* times that the count was asked for in vain */
	struct loop_timer *ask_timer; /* asks for the count again */
	struct url api;
	struct url trusted; /* the general gateway once it is known, the API before */
	bool have_general;
	bool general_doubtful; /* it never opened, or is of another day: ask first */
	struct url general;
	bool asking;          /* the API is being asked */
	mono_ns ask_again_at; /* it failed: not asked before this */
	char failure[GATEWAY_FAILURE_BYTES];
	mono_ns told_at; /* when the API last answered; CLOCK_NEVER: never */

	/* gateway_slots.c */
	struct identify_gate gate;
	uint64_t boot_id;
	struct loop_timer *slot_timer;
	bool spent;          /* shards wait for the day's budget; that was logged */
	mono_ns blind_until; /* nothing is known of the budget: no IDENTIFY before */
	uint32_t *queue;     /* for snapshots: how many wait in a bucket */
};

/* ---- gateway.c ---- */

struct gateway_member *gateway_member_of(struct gateway *gateway,
    const struct shard *shard);

/** Makes and starts the shards, once their count is known. */
void gateway_make_shards(struct gateway *gateway, const struct store_shards *shards,
    mono_ns now);

/** A wall time as 2026-11-23T21:24:00Z. */
void gateway_time_text(int64_t wall_ms, char out[GATEWAY_TIME_BYTES]);

/* ---- gateway_find.c ---- */

void gateway_find_init(struct gateway *gateway, mono_ns now);
void gateway_find_fini(struct gateway *gateway);
void gateway_find_start(struct gateway *gateway, mono_ns now);

/** Hooks of a shard. */
void gateway_on_want_general(void *ctx, struct shard *shard, mono_ns now);
void gateway_on_unreachable(void *ctx, const char *host);

/** The settings have changed: where the gateway is may be one of them. */
void gateway_find_configure(struct gateway *gateway);

/** Asks the API what it allows where that is old; true: its answer serves the slots. */
bool gateway_refresh_limits(struct gateway *gateway, mono_ns now);

/** Discord says that a shard has too many guilds: the remembered count is no good. */
void gateway_forget_count(struct gateway *gateway);

/* ---- gateway_slots.c ---- */

void gateway_slots_init(struct gateway *gateway, mono_ns now);
void gateway_slots_fini(struct gateway *gateway);

/** Gives out the slots that are free. */
void gateway_serve_slots(struct gateway *gateway, mono_ns now);

/** Hooks of a shard. */
void gateway_on_want_slot(void *ctx, struct shard *shard, mono_ns now);
void gateway_on_drop_slot(void *ctx, struct shard *shard);
void gateway_on_identifying(void *ctx, struct shard *shard, mono_ns now);

/** Adds to the snapshots of shards that wait for a slot why and how long. */
void gateway_show_slots(struct gateway *gateway, mono_ns now, struct snapshot *out);

/** The present time of the identify ledger, which the gate goes by. */
int64_t gateway_ledger_ms(struct gateway *gateway);

/** Writes down what is left, as Discord said and less what was granted since, with the
 * ledger; the number of that change. */
uint64_t gateway_keep_limits(struct gateway *gateway);

#endif
