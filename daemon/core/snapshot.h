/*
 * How alive one shard is, as an immutable value; and the aggregate over all shards.
 *
 * Readers take one when they need it and forget it; nothing latches.
 */
#ifndef GWBOTD_SNAPSHOT_H
#define GWBOTD_SNAPSHOT_H

#include <stdbool.h>
#include <stdint.h>

#include "clock.h"
#include "latency.h"

/* Where a shard stands.  X(name, text) */
#define SNAPSHOT_STATE_TABLE(X)                      \
	X(IDLE, "idle")                              \
	X(RESOLVING, "resolving")                    \
	X(CONNECTING, "connecting")                  \
	X(WAIT_HELLO, "waiting for hello")           \
	X(WAIT_SLOT, "waiting for an identify slot") \
	X(IDENTIFYING, "identifying")                \
	X(RESUMING, "resuming")                      \
	X(READY, "ready")                            \
	X(BACKOFF, "backing off")                    \
	X(STOPPED, "stopped")                        \
	X(FATAL, "refused by Discord")

enum snapshot_state {
#define SNAPSHOT_STATE_ENUM(name, text) SNAPSHOT_##name,
	SNAPSHOT_STATE_TABLE(SNAPSHOT_STATE_ENUM)
#undef SNAPSHOT_STATE_ENUM
};

/* What heals a shard at present: the rungs of the ladder, in order.  X(name, text) */
#define SNAPSHOT_CURE_TABLE(X)                      \
	X(NONE, "none")                             \
	X(RESUME, "resume at the resume host")      \
	X(GENERAL, "resume at the general gateway") \
	X(IDENTIFY, "new session")

enum snapshot_cure {
#define SNAPSHOT_CURE_ENUM(name, text) SNAPSHOT_CURE_##name,
	SNAPSHOT_CURE_TABLE(SNAPSHOT_CURE_ENUM)
#undef SNAPSHOT_CURE_ENUM
};

/* What a shard waits for that is not its own.  X(name, text) */
#define SNAPSHOT_HOLD_TABLE(X)                                         \
	X(NONE, "nothing")                                             \
	X(SPACING, "the last IDENTIFY of its bucket was a moment ago") \
	X(QUEUE, "other shards of its bucket come first")              \
	X(BUDGET, "the identify budget of the day is spent")           \
	X(DISK, "the identify ledger is on its way to the disk")       \
	X(API, "Discord's API is asked for the identify limits")       \
	X(BLIND, "nothing is known of the identify budget yet")        \
	X(COUNT, "the number of shards is not known yet")

enum snapshot_hold {
#define SNAPSHOT_HOLD_ENUM(name, text) SNAPSHOT_HOLD_##name,
	SNAPSHOT_HOLD_TABLE(SNAPSHOT_HOLD_ENUM)
#undef SNAPSHOT_HOLD_ENUM
};

/* No value: an age or latency that is not known. */
#define SNAPSHOT_NONE ((mono_ns)-1)

struct snapshot {
	uint32_t shard_id;
	uint32_t shard_count;
	enum snapshot_state state;
	bool connected;         /* READY or RESUMED arrived on the present connection */
	bool ready;             /* as connected; kept apart for guild loading later */
	mono_ns uptime;         /* since READY or RESUMED; NONE while not connected */
	mono_ns last_event_age; /* any gateway payload; NONE before the first */
	mono_ns last_dispatch_age; /* op 0; NONE before the first */
	mono_ns last_ready_age;    /* READY or RESUMED; NONE before the first */
	mono_ns disconnect_age;    /* since the first loss; NONE while connected */
	mono_ns latency; /* heartbeat to ACK; the open beat's age where that is
	                    longer; NONE when unknown or stale */
	struct latency_stats latency_stats; /* of the last LATENCY_WINDOW answers;
	                                       unknown where latency is */
	uint64_t latency_classes[LATENCY_CLASSES]; /* all answers since the start */
	mono_ns latency_sum;                       /* of the same */
	mono_ns heartbeat_interval;                /* NONE before HELLO */
	enum snapshot_cure cure;                   /* NONE while connected */
	uint32_t cure_tries;                       /* on this rung, in a row, failed */
	uint64_t probes;                           /* proof-of-life requests sent */
	mono_ns
	    next_try_in; /* until the next attempt while backing off or waiting for
	                    the identify gate; NONE where there is none to wait for */
	int64_t seq;     /* -1: none */
	uint64_t dispatches;
	uint64_t events;     /* payloads of any kind */
	uint64_t seq_gaps;   /* dispatches that did not follow the one before */
	uint64_t heartbeats; /* sent */
	uint64_t acks;
	uint64_t zombies;            /* connections given up as dead */
	uint64_t attempts;           /* connection attempts */
	uint64_t reconnects;         /* connections after the first */
	uint64_t resumes;            /* RESUME sent */
	uint64_t resumed;            /* RESUMED received */
	uint64_t identifies;         /* IDENTIFY sent */
	uint64_t identifies_refused; /* and answered by op 9 */
	unsigned last_close_code;    /* 0: none yet */
	uint32_t guilds;             /* as READY listed them */
	enum snapshot_hold
	    hold;            /* behind next_try_in, where the gate or the API decides */
	char session_id[12]; /* shortened: first characters and dots; empty: none */
	char host[128];      /* the gateway host dialled last */
	char user_id[24];
	char user_name[136]; /* as PAYLOAD_NAME_BYTES */
	char reason[192];    /* why it is not ready, or the last loss, in words */
};

struct snapshot_total {
	uint32_t shards;
	uint32_t connected;
	mono_ns
	    last_event_age; /* the oldest of the connected shards; NONE without one */
	mono_ns last_ready_age; /* the youngest */
	mono_ns disconnect_age; /* the longest; NONE when all are connected */
	mono_ns latency; /* the highest; NONE when any connected shard has none */
	uint64_t reconnects;
	uint64_t resumes;
	uint64_t identifies;
	uint64_t dispatches;
};

/** The aggregate of count shards (count may be 0).  Pure. */
struct snapshot_total snapshot_aggregate(const struct snapshot *shards, uint32_t count);

/** The text of a state, e.g. "waiting for hello". */
const char *snapshot_state_text(enum snapshot_state state);

/** The text of a cure, e.g. "new session". */
const char *snapshot_cure_text(enum snapshot_cure cure);

/** The text of a hold, e.g. "other shards of its bucket come first". */
const char *snapshot_hold_text(enum snapshot_hold hold);

#endif
