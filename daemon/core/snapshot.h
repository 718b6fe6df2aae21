/*
 * How alive one shard is, as an immutable value; and the aggregate over all shards.
 *
 * Readers take one when they need it and forget it; nothing latches.
 */
#ifndef GWBOTD_SNAPSHOT_H
#define GWBOTD_SNAPSHOT_H

#include <stdbool.h>
#include <stddef.h>
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

/* Where an attempt to log in failed.  X(name, word) */
#define SNAPSHOT_STAGE_TABLE(X)                                 \
	X(API, "api") /* it did not say where the gateway is */ \
	X(DNS, "dns")                                           \
	X(TCP, "tcp")                                           \
	X(TLS, "tls")                                           \
	X(UPGRADE, "upgrade")                                   \
	X(HELLO, "hello") /* open, but no HELLO */              \
	X(AUTH, "auth")   /* HELLO, but neither READY nor RESUMED */

enum snapshot_stage {
#define SNAPSHOT_STAGE_ENUM(name, word) SNAPSHOT_STAGE_##name,
	SNAPSHOT_STAGE_TABLE(SNAPSHOT_STAGE_ENUM)
#undef SNAPSHOT_STAGE_ENUM
	    SNAPSHOT_STAGES,
};

/* How connections ended that the peer or the network ended: close codes that are
 * counted apart; 1006 stands for the lack of a close frame.  X(code) */
/* clang-format off */
#define SNAPSHOT_CLOSE_TABLE(X) \
	X(1000) X(1001) X(1006) \
	X(4000) X(4001) X(4002) X(4003) X(4004) X(4005) X(4006) X(4007) \
	X(4008) X(4009) X(4010) X(4011) X(4012) X(4013) X(4014)
/* clang-format on */
#define SNAPSHOT_CLOSE_COUNT(code) +1 /* NOLINT(bugprone-macro-parentheses) */
/* Two more: a close frame without a code, and all other codes. */
#define SNAPSHOT_CLOSES (2 SNAPSHOT_CLOSE_TABLE(SNAPSHOT_CLOSE_COUNT))

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
	uint64_t resumes_refused;    /* RESUMEs that op 9 answered */
	uint64_t beats_missed;       /* beats due while the one before was open */
	mono_ns last_ack_age;        /* NONE before the first */
	uint64_t failed_at[SNAPSHOT_STAGES]; /* attempts that did not log in */
	uint64_t closes[SNAPSHOT_CLOSES];    /* see snapshot_close_class() */
	uint64_t bytes_in;                   /* payloads as they came, compressed */
	uint64_t bytes_out;                  /* the same, inflated */
	unsigned last_close_code;            /* 0: none yet */
	uint32_t guilds;                     /* as READY listed them */
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

/** The class of a close code in snapshot.closes; abrupt: no close frame came. */
size_t snapshot_close_class(unsigned code, bool abrupt);

/** The label of a class: "4004", "none", "other". */
const char *snapshot_close_word(size_t close_class);

/** The label of a stage. */
const char *snapshot_stage_word(enum snapshot_stage stage);

/** The text of a state, e.g. "waiting for hello". */
const char *snapshot_state_text(enum snapshot_state state);

/** The text of a cure, e.g. "new session". */
const char *snapshot_cure_text(enum snapshot_cure cure);

/** The text of a hold, e.g. "other shards of its bucket come first". */
const char *snapshot_hold_text(enum snapshot_hold hold);

#endif
