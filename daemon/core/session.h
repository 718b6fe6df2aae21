/*
 * One shard's protocol as a state machine: (session, event, now, random) -> actions.
 *
 * Pure.  It decides when to connect and where, what to send, when a connection is dead,
 * and how to heal: resume at the resume host, resume at the general host, new session.
 * gateway.c obeys.  Facts: Discord gateway v10.
 *
 * The state machine (enum snapshot_state):
 *
 *   IDLE -> CONNECTING -> WAIT_HELLO -> RESUMING or IDENTIFYING -> READY
 *   any of them -> BACKOFF -> CONNECTING to resume, or WAIT_SLOT -> CONNECTING for a
 *                              new session
 *   any of them -> FATAL (Discord refuses this bot) or STOPPED (asked to)
 *
 * In files: session.c takes the events, session_beat.c beats and judges,
 * session_probe.c asks for signs of life, session_presence.c says what is shown,
 * session_cure.c connects, falls and backs off, session_payload.c reads what the
 * gateway says, session_view.c takes the snapshot.
 */
#ifndef GWBOTD_SESSION_H
#define GWBOTD_SESSION_H

#include <stdbool.h>
#include <stdint.h>

#include "clock.h"
#include "dispatches.h"
#include "payload.h"
#include "quota.h"
#include "rng.h"
#include "snapshot.h"

#define SESSION_ID_BYTES  128
#define SESSION_URL_BYTES 256

/* The largest sequence that is believed: what the record's word can hold.  A larger one
 * counts as missing: one damaged number must not make all later events look old. */
#define SESSION_SEQ_MAX ((INT64_C(1) << 48) - 2)

/* By which rule a session gives a connection up.  X(name, text) */
#define SESSION_VERDICT_TABLE(X)                                                     \
	X(NONE, "")                                                                  \
	X(STOOD_STILL, "the process stood still for too long")                       \
	X(SILENT, "zombie: heartbeat unanswered for an interval and no frame since") \
	X(UNANSWERED, "zombie: heartbeats unanswered for two intervals")             \
	X(DEAF, "zombie: proof of life unanswered")                                  \
	X(DEADLINE, "timed out")

enum session_verdict {
#define SESSION_VERDICT_ENUM(name, text) SESSION_VERDICT_##name,
	SESSION_VERDICT_TABLE(SESSION_VERDICT_ENUM)
#undef SESSION_VERDICT_ENUM
};

struct session_config {
	uint32_t shard_id;
	uint32_t shard_count;
	mono_ns connect_timeout; /* lookup, TCP, TLS and upgrade together */
	mono_ns hello_timeout;   /* from the upgrade to HELLO */
	/* Silence after IDENTIFY or RESUME; dispatches and pieces of messages restart
	 * it. */
	mono_ns ready_timeout;
	/* Without a dispatch for so long a sign of life is asked for; 0: never. */
	mono_ns probe_after;
	bool has_presence; /* one is configured: IDENTIFY shows it, RESUMED wants it
	                    * again
	                    */
};

/* What survives the process. */
struct session_saved {
	char id[SESSION_ID_BYTES];          /* empty: no session */
	char resume_url[SESSION_URL_BYTES]; /* empty: the general one */
	int64_t seq;                        /* -1: none */
	char user_id[24];
	char user_name[PAYLOAD_NAME_BYTES];
	uint32_t guilds;
	char guild_id[24]; /* one of them, to ask for signs of life; empty: none known
	                    */
};

/* Discord: at most 32 bytes. */
#define SESSION_NONCE_BYTES 24

/* Proof of life: see session_probe.c. */
struct session_probe {
	mono_ns due;       /* silence is looked at next; CLOCK_NEVER: not at all */
	mono_ns answer_by; /* of the open probe; CLOCK_NEVER: none is open */
	bool put_off;      /* answer_by, since the timer came late */
	char nonce[SESSION_NONCE_BYTES]; /* of the last probe */

	/* over connections */
	mono_ns paused_until;
	uint32_t misses; /* unanswered probes in a row */
	bool renewed;    /* a new session was tried since the last answer */
};

/* Beats that may be open at a time; the zombie rule ends a connection before more are.
 */
#define SESSION_BEATS_OPEN 4

/* Regular beats whose answers have not come; see session_beat_answered(). */
struct session_beats {
	mono_ns sent[SESSION_BEATS_OPEN]; /* the oldest first */
	uint32_t count;
	uint32_t quick; /* answers in a row that seem to be of the youngest */
};

/* Discord: 5 presence updates in 20 s. */
#define SESSION_PRESENCES       5
#define SESSION_PRESENCE_WINDOW CLOCK_S(20)

/* The presence shown: see session_presence.c. */
struct session_presence {
	bool changed; /* since it was last sent, by op 2 or op 3 */
	mono_ns due;  /* it is sent by op 3; CLOCK_NEVER: not at all */

	/* over connections */
	mono_ns sent[SESSION_PRESENCES]; /* a ring of the last ones by op 3 */
	uint32_t count;
};

struct session {
	struct session_config config;
	struct session_saved saved;

	enum snapshot_state state;
	bool fresh_wanted; /* the next connection is for a new session, slot in hand */
	bool at_general;   /* the present or next connection goes to the general host */
	mono_ns deadline;  /* of the present step; CLOCK_NEVER: none */
	bool deadline_put_off; /* once, because the timer came late */
	mono_ns ready_limit;   /* pieces of messages do not move the deadline past it */
	mono_ns retry_at;      /* end of BACKOFF */

	/* heartbeat of the present connection */
	mono_ns interval;      /* SNAPSHOT_NONE before HELLO */
	mono_ns beat_due;      /* CLOCK_NEVER: none */
	mono_ns beat_sent_at;  /* of the last regular beat */
	mono_ns unacked_since; /* when the first beat since the last answer was sent;
	                          CLOCK_NEVER: none was */
	struct session_beats open;
	mono_ns judge_at; /* a late verdict is put off to this instant; CLOCK_NEVER */
	mono_ns last_frame_at; /* any frame of this connection */
	mono_ns latency;       /* last measured; SNAPSHOT_NONE before the first ACK */
	mono_ns latency_at;    /* when it was measured */
	struct latency_window latencies; /* over connections */
	struct send_budget sends;
	struct session_probe probe;
	struct session_presence presence;

	/* over connections */
	mono_ns last_event_at;    /* CLOCK_NEVER before the first */
	mono_ns last_dispatch_at; /* CLOCK_NEVER before the first */
	mono_ns last_ready_at;    /* CLOCK_NEVER before the first */
	mono_ns down_since; /* first loss, or first check; CLOCK_NEVER: not down */
	uint32_t failures;  /* connections lost before they were stable, in a row */
	uint32_t
	    connect_failures; /* of these, ones that never saw HELLO, at this host */
	uint32_t identify_failures; /* IDENTIFYs without a stable READY, in a row */
	uint32_t resume_tries;      /* RESUMEs without RESUMED, in a row */
	uint32_t cure_tries;        /* failed tries of the present cure, in a row */
	bool doubtful;              /* one resume, then a new session */
	int64_t unreadable_seq;     /* seq before the payload that could not be read */
	uint32_t unreadable;        /* payloads in a row that could not be read there */

	enum session_verdict verdict; /* the last one */
	unsigned last_close_code;
	uint64_t dispatches, events, seq_gaps, duplicates, heartbeats, acks, zombies;
	uint64_t attempts, connections, resumes, resumed, identifies, probes;
	uint64_t identifies_refused; /* IDENTIFYs that op 9 answered */
	uint64_t resumes_refused;    /* RESUMEs that op 9 answered */
	uint64_t beats_missed;       /* beats due while the one before was open */
	mono_ns last_ack_at;         /* CLOCK_NEVER before the first */
	uint64_t failed_at[SNAPSHOT_STAGES]; /* attempts that did not log in */
	uint64_t closes[SNAPSHOT_CLOSES];    /* see snapshot_close_class() */
	const char *ready_url_fault; /* why READY's URL, on this connection, could not
	                                be kept; NULL: it could, or there was none */
	int64_t ready_version;       /* v of the last READY; 0: not told */
	int64_t ready_shard_id;      /* shard of the last READY; -1: not told */
	int64_t ready_shard_count;
	char reason[192]; /* why it is not ready, or the last loss */
};

enum session_event_kind {
	SESSION_START,
	SESSION_OPENED,     /* the upgrade is done */
	SESSION_PAYLOAD,    /* one whole payload */
	SESSION_FRAME,      /* a piece or control frame: a sign of life */
	SESSION_UNREADABLE, /* bytes that are no payload; text says why */
	SESSION_LOST,       /* the connection, or the attempt, is over */
	SESSION_TIMEOUT,    /* the instant of session_wake_at() has come */
	SESSION_SLOT,       /* the identify gate granted this shard's slot */
	SESSION_SLEPT,      /* the host was asleep: every peer has gone */
	SESSION_RECONNECT,  /* the operator asks for a fresh connection */
	SESSION_STOP_ASKED,
	SESSION_PRESENCE, /* another presence is to be shown from now on */
	SESSION_REFUSED,  /* REST says that the token is no good; text says why */
};

struct session_event {
	enum session_event_kind kind;
	const struct payload *payload; /* PAYLOAD */
	unsigned code;       /* LOST: close code, CLOSECODE_NONE without one */
	mono_ns retry_after; /* LOST: what the peer asked for, 0 without */
	const char *text;    /* LOST, UNREADABLE, REFUSED: one line for a person */
	bool abrupt;         /* LOST: without a close frame */
	enum snapshot_stage stage; /* LOST: of an attempt that never opened */
	bool drop_session; /* RECONNECT, STOP_ASKED: give the session up as well */
	uint32_t crowd;    /* how many other shards of this process are not ready now */
};

enum session_action_kind {
	SESSION_CONNECT,   /* url: where; NULL is the general host */
	SESSION_HEARTBEAT, /* send op 1 with the present seq */
	SESSION_IDENTIFY,  /* write the ledger, then send op 2 */
	SESSION_RESUME,    /* send op 6 */
	SESSION_SHOW,      /* send op 3 with the present presence */
	SESSION_PROBE,     /* send op 8 with probe.nonce: ask for our own member */
	SESSION_DEAF,      /* probes stay unanswered whatever is done: warn */
	SESSION_CLOSE,     /* close the connection with code; no LOST follows */
	SESSION_ASK_SLOT,  /* ask the identify gate; answer with SESSION_SLOT */
	SESSION_DROP_SLOT, /* the slot is not needed any more */
	SESSION_SAVE,      /* saved has changed: store it */
	SESSION_FORGET,    /* the session is gone: forget the stored one */
	SESSION_DISPATCH,  /* give the payload to the consumers, then store seq */
	SESSION_FATAL,     /* Discord refuses this bot: the process must end with 77 */
	SESSION_CHANGED,   /* the state changed from old_state; log it */
};

struct session_action {
	enum session_action_kind kind;
	const char *url;
	unsigned code;
	mono_ns late; /* HEARTBEAT: behind its schedule; SNAPSHOT_NONE: it was asked for
	               */
	enum snapshot_state old_state;
	enum snapshot_state new_state;
};

#define SESSION_ACTIONS_MAX 12

struct session_actions {
	unsigned count;
	struct session_action list[SESSION_ACTIONS_MAX];
};

/** A session at rest.  saved NULL or with an empty id: a new session will be needed. */
void session_init(struct session *session, const struct session_config *config,
    const struct session_saved *saved);

/**
 * Takes one event.  actions is filled anew; do them in order, before the next event.
 */
void session_step(struct session *session, const struct session_event *event,
    mono_ns now, struct rng *rng, struct session_actions *actions);

/**
 * Whether the session itself reads d of dispatches of that name now, or must know that
 * they are whole: until it is ready all of them, then those that it learns from.
 */
bool session_reads(const struct session *session, enum dispatch_name name);

/**
 * Takes a dispatch of a name that session_reads() does not: as session_step() takes
 * SESSION_PAYLOAD, without a list of actions.  True: it is new, so its sequence is to
 * be stored (SESSION_DISPATCH).
 */
bool session_pass(struct session *session, const struct payload *payload, mono_ns now);

/** When SESSION_TIMEOUT is wanted next; CLOCK_NEVER: not at all. */
mono_ns session_wake_at(const struct session *session);

/**
 * The watchdog looks: a shard that never connected counts as down from the first look.
 */
void session_note_check(struct session *session, mono_ns now);

/** Changes config.probe_after while the session runs. */
void session_set_probe_after(struct session *session, mono_ns probe_after, mono_ns now);

/** What heals it at present: the rung that is being tried, or is tried next. */
enum snapshot_cure session_cure(const struct session *session);

/** The present view.  Cannot fail; host is left to the caller. */
void session_snapshot(const struct session *session, mono_ns now, struct snapshot *out);

#endif
