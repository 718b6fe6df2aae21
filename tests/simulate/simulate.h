/*
 * A simulated life of the daemon's pure cores against a simulated Discord.
 *
 * Virtual time, one thread, no I/O: a seed decides everything, so that a failing seed
 * plays the same again.  queue.c orders what is to come and remembers what was;
 * discord.c is the server; host.c is the process that obeys the sessions; judge.c
 * watches both from outside and knows the rules by its own bookkeeping, checks.c
 * compares; faults.c makes the weather; life.c plays one seed; supervisor.c plays
 * 10,000 restarts; foresight.c holds the outlook of random states against what comes.
 */
#ifndef GWBOT_SIMULATE_H
#define GWBOT_SIMULATE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "closecode.h"
#include "quota.h"
#include "record.h"
#include "rng.h"
#include "session.h"
#include "watchdog.h"

#define DAY       CLOCK_S(86400)
#define LANES_MAX 16
#define QUEUE_MAX 1024
/* So many stories are told by a worker; more would hide the first. */
#define STORIES_MAX        3

#define TRACE_KEPT         40
#define CONNECTS_PER_MIN   24
#define IDENTIFIES_PER_DAY 1000
#define IDENTIFIES_RESERVE 50

/* What is to come, and what the trace tells.  X(name, text) */
#define NOTE_TABLE(X)                                          \
	X(OPENED, "upgrade done")                              \
	X(HELLO, "HELLO, interval in ms:")                     \
	X(READY, "READY of session")                           \
	X(RESUMED, "RESUMED, seq")                             \
	X(DISPATCH, "dispatch, seq")                           \
	X(REPEAT, "dispatch of a worthless seq")               \
	X(GAP, "dispatch after a gap, seq")                    \
	X(ACK, "ACK")                                          \
	X(BEAT_ASKED, "op 1")                                  \
	X(OP7, "op 7")                                         \
	X(OP9_TRUE, "op 9 true")                               \
	X(OP9_FALSE, "op 9 false")                             \
	X(UNREADABLE, "unreadable payload")                    \
	X(FRAME, "a piece of a message")                       \
	X(LOST, "connection lost, code")                       \
	X(TOLD, "answer of /gateway/bot, remaining")           \
	X(SLOTS, "the gate is asked")                          \
	X(CHECK, "the watchdog looks")                         \
	X(SLEPT, "the host was asleep, s")                     \
	X(RECONNECT, "the operator reconnects, fresh:")        \
	X(RESTART, "process starts, life")                     \
	X(GENERATE, "Discord has an event")                    \
	X(FAULT, "fault")                                      \
	X(KILL, "kill -9")                                     \
	X(STOP, "SIGTERM")                                     \
	X(TIMEOUT, "timer, late by us:")                       \
	X(TELL_STATE, "-> state")                              \
	X(TELL_CONNECT, "-> connects, 1 to the general host:") \
	X(TELL_CLOSE, "-> closes with")                        \
	X(TELL_BEAT, "-> heartbeat, seq")                      \
	X(TELL_IDENTIFY, "-> IDENTIFY, of the day:")           \
	X(TELL_PROBE, "-> asks for a proof of life")           \
	X(TELL_RESUME, "-> RESUME, seq")                       \
	X(TELL_EXIT, "process ends with")

enum note_kind {
#define NOTE_ENUM(name, text) NOTE_##name,
	NOTE_TABLE(NOTE_ENUM)
#undef NOTE_ENUM
	    NOTE_COUNT
};

struct note {
	mono_ns at;
	uint64_t order; /* of two at one instant, the first queued comes first */
	enum note_kind kind;
	uint32_t lane;
	uint32_t link; /* what arrives on an older connection is not heard */
	uint32_t life; /* what an older process waited for does not come */
	int64_t value;
	mono_ns more; /* LOST: Retry-After */
};

/* What goes wrong.  X(name, text, weight): of instants first, of spells after. */
#define FAULT_TABLE(X)                                        \
	X(RESET, "connection reset", 12)                      \
	X(CLOSE, "close code", 20)                            \
	X(FATAL_CLOSE, "fatal close code", 1)                 \
	X(OP7, "op 7", 12)                                    \
	X(OP9_TRUE, "op 9 true", 6)                           \
	X(OP9_FALSE, "op 9 false", 6)                         \
	X(UNREADABLE, "unreadable payload", 6)                \
	X(DUPLICATE, "repeated sequence", 6)                  \
	X(BACKWARD, "sequence that falls", 6)                 \
	X(GAP, "sequence that jumps", 4)                      \
	X(HUGE_SEQ, "sequence out of bounds", 2)              \
	X(OP1_STORM, "heartbeats asked for", 3)               \
	X(ACK_STORM, "answers nobody waits for", 3)           \
	X(HELLO_AGAIN, "second HELLO", 2)                     \
	X(FORGOTTEN, "session forgotten by Discord", 6)       \
	X(DEAF, "session without events", 3)                  \
	X(HOLE, "black hole", 12)                             \
	X(SLEPT, "host slept", 5)                             \
	X(STOPPED, "process stopped", 6)                      \
	X(LATE, "timers late", 4)                             \
	X(KILLED, "kill -9", 8)                               \
	X(TERM, "SIGTERM and start", 3)                       \
	X(WALL_STEP, "wall clock stepped", 5)                 \
	X(RECONNECT, "operator reconnects", 4)                \
	X(RECONNECT_FRESH, "operator wants a new session", 2) \
	X(RECORD_DAMAGED, "record damaged", 2)                \
	X(RESUME_DOWN, "resume host refuses", 8)              \
	X(RESUME_SILENT, "resume host silent", 8)             \
	X(GENERAL_DOWN, "general host refuses", 6)            \
	X(GENERAL_SILENT, "general host silent", 6)           \
	X(UPGRADE_REFUSED, "upgrade refused, Retry-After", 6) \
	X(REST_DOWN, "REST down", 4)                          \
	X(NO_HELLO, "HELLO never", 6)                         \
	X(BAD_HELLO, "hostile heartbeat interval", 4)         \
	X(ODD_HELLO, "unusual heartbeat interval", 3)         \
	X(NO_READY, "login never answered", 6)                \
	X(DRIP, "READY in endless pieces", 3)                 \
	X(HANG_UP, "connection lost at each login", 4)        \
	X(OP9_LOOP, "op 9 at each login", 4)                  \
	X(SHORT_LIVED, "connection lost after each READY", 4) \
	X(ACK_LOST, "answers lost, events flow", 8)           \
	X(SLOW, "5 s of latency", 4)                          \
	X(BARE_READY, "READY without a session", 2)           \
	X(LEDGER_LOST, "identify ledger lost", 0)

enum fault {
#define FAULT_ENUM(name, text, weight) FAULT_##name,
	FAULT_TABLE(FAULT_ENUM)
#undef FAULT_ENUM
	    FAULT_COUNT
};

/* Discord's side of a shard's session; the newest one. */
struct server_session {
	uint32_t serial; /* names it: "s<serial>"; 0: there never was one */
	bool alive;
	bool attached;
	bool deaf;
	int64_t seq;         /* of the last event */
	int64_t oldest;      /* first event that can be replayed */
	mono_ns detached_at; /* while not attached */
	mono_ns ttl;
};

/* One connection as the network and Discord see it. */
struct link {
	uint32_t id;  /* of this or the last connection */
	bool dialled; /* the client believes in it */
	bool open;
	bool over;  /* Discord has closed it; the news may be on its way */
	bool hello; /* HELLO was sent */
	bool attached;
	bool hole; /* nothing passes */
	bool general;
	mono_ns delay;
	mono_ns down_at; /* arrival of what was sent last to the client */
	mono_ns interval;
	uint32_t logins;
};

/* What the judge knows of a shard; nothing of it is read from the session. */
struct judge {
	bool linked; /* from CONNECT to CLOSE or LOST */
	bool opened;
	bool resuming;    /* RESUME was sent, nothing came back */
	bool asked;       /* somebody wants the next CONNECT */
	uint32_t logins;  /* on this connection */
	mono_ns interval; /* 0 before HELLO */
	mono_ns connected_at;
	mono_ns login_at;      /* or the last dispatch */
	mono_ns beat_at;       /* HELLO or the last regular beat; CLOCK_NEVER: none */
	mono_ns unacked_since; /* first unanswered beat; CLOCK_NEVER: none */
	mono_ns mute_since;    /* nothing arrives any more; CLOCK_NEVER: it does */
	mono_ns late;          /* by how much the process was late on this connection */

	bool held;     /* there is a session */
	bool dead;     /* and Discord, or the operator, has ended it */
	bool doubtful; /* one failed RESUME is enough */
	char id[SESSION_ID_BYTES];
	int64_t seq;
	int64_t delivered;       /* last event that was handed on */
	bool gap_allowed;        /* Discord leaves events out now */
	uint32_t resumes_failed; /* since READY or RESUMED */
	int64_t unreadable_seq;
	uint32_t unreadable;

	mono_ns ready_at;   /* CLOCK_NEVER: not ready */
	mono_ns down_since; /* CLOCK_NEVER: ready, or never seen down */
	uint32_t falls;     /* ends unasked since the last stable connection */
	mono_ns connects[CONNECTS_PER_MIN];
	uint32_t connect_next;
	uint32_t stuck;
	uint64_t zombies_seen;

	mono_ns event_at;       /* last dispatch, READY or RESUMED of this connection */
	mono_ns rest_until;     /* probes rest: nothing helped */
	bool blind;             /* the record's damage took what a probe needs */
	bool probing;           /* one is not answered */
	uint32_t probes_failed; /* in a row */
};

struct lane {
	struct session session;
	struct server_session server;
	struct link link;
	struct judge judge;
	bool wants_slot;
	_Alignas(8) uint8_t record[RECORD_FILE_BYTES];
};

/* See foresight.c. */
struct foresight;

struct totals {
	uint64_t seeds, steps, events, broken;
	double shard_days;
	uint64_t faults[FAULT_COUNT];
	uint64_t connects, probes, identifies, resumes, resumed, heartbeats, zombies,
	    starts, exits_watchdog, exits_refused, delivered, checks;
	mono_ns worst_healing;
	uint64_t worst_healing_seed;
	uint32_t most_identifies; /* in any 24 h */
};

struct sim {
	uint64_t seed;
	struct rng dice; /* the world's */
	struct rng session_rng;
	mono_ns now;
	mono_ns begin, end;
	int64_t wall_offset_ms;
	mono_ns boot_at; /* of the host */
	uint64_t boot_id;
	int64_t wall_seen_ms; /* wall_offset_ms as the ledger last saw it */
	bool trace;

	struct note heap[QUEUE_MAX];
	uint32_t queued;
	uint64_t order;
	struct note past[TRACE_KEPT];
	uint64_t told;
	char broken[200]; /* empty: every rule held */
	uint32_t judged;  /* the shard that was judged last */

	/* the weather */
	mono_ns until[FAULT_COUNT];
	mono_ns trouble_until;
	mono_ns fault_gap; /* mean */
	mono_ns faults_end;
	mono_ns event_gap; /* mean; CLOCK_NEVER: a quiet server */
	mono_ns session_ttl;
	mono_ns interval;
	mono_ns probe_after; /* as configured; 0: never */

	/* Discord's limits */
	uint32_t max_concurrency;
	mono_ns identified_at[LANES_MAX]; /* last arrival, by bucket */
	mono_ns identified[IDENTIFIES_PER_DAY];
	uint32_t identified_first, identified_count;

	/* the process */
	bool running;
	uint32_t life;
	uint32_t lanes;
	struct lane lane[LANES_MAX];
	struct identify_gate gate;
	struct identify_ledger ledger;
	struct watchdog_limits limits;
	mono_ns lateness;
	mono_ns stopped_until;
	mono_ns told_at;
	bool asking;
	mono_ns check_at;
	bool was_late;
	mono_ns slots_at;
	struct session_actions actions;

	struct totals *totals;
	struct foresight *foresight; /* NULL: nobody asks for the outlook */
};

/* ---- queue.c ---- */

void queue_push(struct sim *sim, struct note note);
const struct note *queue_first(const struct sim *sim);
struct note queue_pop(struct sim *sim);

/** What a process waited for goes with it. */
void queue_drop_life(struct sim *sim, uint32_t life);

/** Remembers what happened; prints it where --trace asks for it. */
void tell(struct sim *sim, const struct note *note);
void tell_value(struct sim *sim, enum note_kind kind, uint32_t lane, int64_t value);

/** Writes the last notes and what was broken. */
void tell_story(const struct sim *sim, FILE *out);

/** A rule is broken: the first one counts. */
__attribute__((format(printf, 2, 3))) void broken(struct sim *sim, const char *format,
    ...);

bool one_in(struct rng *rng, unsigned n);
mono_ns wall_ms(const struct sim *sim);

/** The present time of the identify ledger. */
int64_t ledger_ms(struct sim *sim);

/** The process ended with its host: the next one finds another boot. */
void reboot_host(struct sim *sim);

/* ---- discord.c ---- */

void discord_connect(struct sim *sim, uint32_t lane, bool general);
void discord_probe(struct sim *sim, uint32_t lane);
void discord_beat(struct sim *sim, uint32_t lane);
void discord_identify(struct sim *sim, uint32_t lane);
void discord_resume(struct sim *sim, uint32_t lane);
void discord_hung_up(struct sim *sim, uint32_t lane, unsigned code);
void discord_opened(struct sim *sim, uint32_t lane);
void discord_generate(struct sim *sim, uint32_t lane);

/** Sends one thing to the client, in order. */
void discord_say(struct sim *sim, uint32_t lane, enum note_kind kind, int64_t value);

/** Closes the connection, with a code or, by CLOSECODE_NONE, without. */
void discord_close(struct sim *sim, uint32_t lane, unsigned code);

/** IDENTIFYs in the 24 h before an instant, as Discord counts. */
uint32_t discord_identified(struct sim *sim, mono_ns now);

/** Counts one IDENTIFY that arrives at an instant; breaks where a limit is passed. */
void discord_count_identify(struct sim *sim, uint32_t lane, mono_ns arrives_at);

/* ---- host.c ---- */

void host_start(struct sim *sim);
void host_end(struct sim *sim, int status, mono_ns restart_after);
void host_take(struct sim *sim, const struct note *note);
void host_timeouts(struct sim *sim);
mono_ns host_wake_at(const struct sim *sim);
void host_step(struct sim *sim, uint32_t lane, const struct session_event *event,
    const struct note *note);

/* ---- news.c ---- */

/** Hands on what came from the network; false where it is none of that. */
bool host_take_news(struct sim *sim, const struct note *note);

/** Hands on an event without a payload. */
void host_take_event(struct sim *sim, const struct note *note,
    enum session_event_kind kind);

/* ---- judge.c ---- */

void judge_start(struct sim *sim, uint32_t lane, enum record_verdict verdict);
void judge_event(struct sim *sim, uint32_t lane, const struct session_event *event,
    const struct note *note);
void judge_action(struct sim *sim, uint32_t lane, const struct session_action *action,
    const struct note *note);
void judge_unlinked(struct sim *sim, uint32_t lane, bool counts);

/* ---- checks.c ---- */

void judge_after(struct sim *sim, uint32_t lane, const struct note *note);
void judge_check(struct sim *sim, uint32_t lane);

/* ---- faults.c ---- */

void faults_plan(struct sim *sim);
void faults_strike(struct sim *sim);
bool fault_is_on(const struct sim *sim, enum fault fault);
void fault_heals_at(struct sim *sim, mono_ns at);
const char *fault_name(enum fault fault);

/* ---- life.c, supervisor.c: one seed; false where a rule was broken ---- */

bool life_play(uint64_t seed, bool trace, struct totals *totals);
bool supervisor_play(uint64_t seed, bool trace, struct totals *totals);

/** Plays the seed and has foresight look at some of its states. */
bool life_foresee(uint64_t seed, struct foresight *foresight, struct totals *totals);

/* ---- foresight.c ---- */

/** Looks at one shard at some instant from now until the next turn, or does not. */
void foresight_look(struct sim *sim, mono_ns next_turn);

/** Collects so many states, compares and prints; false where a prediction failed. */
bool foresight_run(uint64_t first_seed, unsigned states);

#endif
