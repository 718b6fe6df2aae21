/*
 * What must hold for a session after every single step, whatever happens to it.
 *
 * A play is one event with its details; rules_play() plays it and judges what came out.
 * The random walk and the fuzz target share it.
 */
#ifndef GWBOT_TEST_SESSION_RULES_H
#define GWBOT_TEST_SESSION_RULES_H

#include <stdio.h>
#include <string.h>

#include "closecode.h"
#include "session.h"

/* What the outside can do to a session.  X(name) */
#define RULES_PLAY_TABLE(X) \
	X(TIMEOUT)          \
	X(START)            \
	X(SLOT)             \
	X(OPENED)           \
	X(HELLO)            \
	X(HELLO_SHORT)      \
	X(HELLO_BAD)        \
	X(READY)            \
	X(READY_BARE)       \
	X(READY_BAD)        \
	X(RESUMED)          \
	X(DISPATCH)         \
	X(DISPATCH_ODD)     \
	X(GUILD_GONE)       \
	X(GUILD_HERE)       \
	X(ACK)              \
	X(BEAT)             \
	X(OP7)              \
	X(OP9_TRUE)         \
	X(OP9_FALSE)        \
	X(UNKNOWN_OP)       \
	X(FRAME)            \
	X(UNREADABLE)       \
	X(LOST)             \
	X(SLEPT)            \
	X(RECONNECT)        \
	X(RECONNECT_FRESH)  \
	X(SHOW)             \
	X(STOP)             \
	X(REFUSED)          \
	X(CHECK)

enum rules_play {
#define RULES_PLAY_ENUM(name) PLAY_##name,
	RULES_PLAY_TABLE(RULES_PLAY_ENUM)
#undef RULES_PLAY_ENUM
	    PLAY_COUNT
};

enum rules_slot {
	SLOT_NONE,
	SLOT_ASKED,
	SLOT_HELD,
};

/* What an observer knows who sees events and actions only. */
struct rules {
	struct session session;
	struct rng rng;
	mono_ns now;
	struct session_actions actions;

	bool crowds;   /* other shards are down now and then */
	bool linked;   /* from CONNECT to CLOSE or LOST */
	bool opened;   /* and the upgrade is done */
	bool punctual; /* timeouts of this connection came in time */
	enum rules_slot slot;
	unsigned falls;       /* connections that ended unasked and are not forgiven */
	bool asked;           /* somebody asked for the next CONNECT */
	mono_ns connected_at; /* of the last CONNECT */
	mono_ns ready_at;     /* of READY or RESUMED; CLOCK_NEVER: not up */
	mono_ns down_since; /* first loss or first check; CLOCK_NEVER: up, or unknown */
	mono_ns beat_at;    /* HELLO or the last regular beat; CLOCK_NEVER: none */
	unsigned stuck;     /* timeouts in a row that asked for another at once */
	unsigned ids;       /* sessions handed out */
};

static const unsigned rules_codes[] = {1005, 1000, 1001, 1006, 1012, 4000, 4001, 4002,
    4003, 4005, 4006, 4007, 4008, 4009, 4999, 4004};

static inline void
rules_init(struct rules *rules, uint64_t seed, const struct session_saved *saved,
    mono_ns now)
{
	static const struct session_config config = {
	    .shard_count = 1,
	    .connect_timeout = CLOCK_S(10),
	    .hello_timeout = CLOCK_S(10),
	    .ready_timeout = CLOCK_S(15),
	    .probe_after = CLOCK_S(30),
	    .has_presence = true,
	};

	*rules = (struct rules){
	    .rng = {seed},
	    .now = now,
	    .crowds = true,
	    .punctual = true,
	    .connected_at = -CLOCK_S(3600),
	    .ready_at = CLOCK_NEVER,
	    .down_since = CLOCK_NEVER,
	    .beat_at = CLOCK_NEVER,
	};
	session_init(&rules->session, &config, saved);
}

/* The connection ends, by whomever. */
static inline void
rules_unlink(struct rules *rules, bool counts)
{
	if (rules->ready_at != CLOCK_NEVER) {
		rules->down_since = rules->now;
		mono_ns held = rules->now - rules->ready_at;
		unsigned forgiven =
		    held < CLOCK_S(60) ? (unsigned)(held / CLOCK_S(5)) : rules->falls;

		rules->falls -= forgiven < rules->falls ? forgiven : rules->falls;
	}
	rules->falls += counts;
	rules->linked = false;
	rules->opened = false;
	rules->punctual = true;
	rules->ready_at = CLOCK_NEVER;
	rules->beat_at = CLOCK_NEVER;
}

static inline const char *
rules_on_connect(struct rules *rules)
{
	if (rules->linked) {
		return "CONNECT while a connection lives";
	}
	if (rules->falls >= 3 && !rules->asked &&
	    rules->now - rules->connected_at < CLOCK_S(1)) {
		return "two CONNECTs within 1 s after 3 failures";
	}
	rules->linked = true;
	rules->asked = false;
	rules->connected_at = rules->now;
	return NULL;
}

static inline const char *
rules_on_heartbeat(struct rules *rules, enum rules_play play)
{
	if (!rules->opened) {
		return "HEARTBEAT without a connection";
	}
	if (play == PLAY_TIMEOUT) {
		rules->beat_at = rules->now;
	} else if (play != PLAY_BEAT) {
		return "HEARTBEAT that nobody wanted";
	}
	return NULL;
}

static inline const char *
rules_on_identify(struct rules *rules, bool was_held)
{
	if (!rules->opened || was_held) {
		return was_held ? "IDENTIFY while a session is held" :
				  "IDENTIFY without a connection";
	}
	if (rules->slot != SLOT_HELD) {
		return "IDENTIFY without a slot";
	}
	rules->slot = SLOT_NONE;
	return NULL;
}

static inline const char *
rules_on_action(struct rules *rules, const struct session_action *action,
    enum rules_play play, bool was_held)
{
	bool unasked = play != PLAY_RECONNECT && play != PLAY_RECONNECT_FRESH &&
	    play != PLAY_SLEPT && play != PLAY_OP7;

	switch (action->kind) {
	case SESSION_CONNECT:
		return rules_on_connect(rules);
	case SESSION_CLOSE:
		if (!rules->linked) {
			return "CLOSE without a connection";
		}
		if (action->code < 4000 && play != PLAY_OP9_FALSE &&
		    play != PLAY_RECONNECT_FRESH) {
			return "CLOSE with a code that ends the session";
		}
		rules_unlink(rules, unasked);
		return NULL;
	case SESSION_HEARTBEAT:
		return rules_on_heartbeat(rules, play);
	case SESSION_IDENTIFY:
		return rules_on_identify(rules, was_held);
	case SESSION_RESUME:
		return rules->opened && was_held ? NULL : "RESUME of nothing";
	case SESSION_SHOW:
	case SESSION_PROBE:
		return rules->opened && rules->session.state == SNAPSHOT_READY ?
		    NULL :
		    "op 3 or op 8 while not up";
	case SESSION_DEAF:
		return play == PLAY_TIMEOUT ? NULL : "deaf without a timeout";
	case SESSION_ASK_SLOT:
		if (rules->slot != SLOT_NONE || rules->session.saved.id[0] != '\0') {
			return "ASK_SLOT without need";
		}
		rules->slot = SLOT_ASKED;
		return NULL;
	case SESSION_DROP_SLOT:
		if (rules->slot == SLOT_NONE && play != PLAY_SLOT) {
			return "DROP_SLOT without a slot";
		}
		rules->slot = SLOT_NONE;
		return NULL;
	case SESSION_FATAL:
		return play == PLAY_REFUSED || play == PLAY_LOST ? NULL :
								   "FATAL unasked";
	case SESSION_DISPATCH:
		return rules->opened ? NULL : "DISPATCH without a connection";
	case SESSION_SAVE:
		return rules->session.saved.id[0] != '\0' ? NULL : "SAVE of nothing";
	case SESSION_FORGET:
	case SESSION_CHANGED:
		return NULL;
	}
	return "an action that there is not";
}

static inline bool
rules_is_linked(enum snapshot_state state)
{
	return state == SNAPSHOT_CONNECTING || state == SNAPSHOT_WAIT_HELLO ||
	    state == SNAPSHOT_IDENTIFYING || state == SNAPSHOT_RESUMING ||
	    state == SNAPSHOT_READY;
}

static inline const char *
rules_check_view(const struct rules *rules)
{
	struct snapshot snap;

	session_snapshot(&rules->session, rules->now, &snap);
	if (snap.connected != (rules->ready_at != CLOCK_NEVER)) {
		return "connected without READY, or the other way round";
	}
	mono_ns down = rules->down_since == CLOCK_NEVER ?
	    SNAPSHOT_NONE :
	    rules->now - rules->down_since;

	if (snap.disconnect_age != (snap.connected ? SNAPSHOT_NONE : down)) {
		return "disconnect_age does not count from the first loss";
	}
	if (snap.latency < SNAPSHOT_NONE || snap.last_event_age < SNAPSHOT_NONE ||
	    snap.last_dispatch_age < SNAPSHOT_NONE ||
	    snap.next_try_in < SNAPSHOT_NONE) {
		return "an age below zero";
	}
	if (!rules->linked && snap.latency != SNAPSHOT_NONE) {
		return "latency without a connection";
	}
	return NULL;
}

static inline const char *
rules_check_time(struct rules *rules, enum rules_play play)
{
	const struct session *session = &rules->session;
	mono_ns wake_at = session_wake_at(session);

	if (play == PLAY_TIMEOUT && wake_at <= rules->now) {
		if (++rules->stuck > 3) {
			return "timeouts without progress";
		}
	} else {
		rules->stuck = 0;
	}
	if (rules_is_linked(session->state) || session->state == SNAPSHOT_BACKOFF) {
		if (wake_at == CLOCK_NEVER) {
			return "nothing will ever happen again";
		}
	}
	if (session->interval != SNAPSHOT_NONE && rules->beat_at == CLOCK_NEVER) {
		rules->beat_at = rules->now; /* HELLO was taken in this step */
	}
	if (rules->punctual && rules->beat_at != CLOCK_NEVER &&
	    rules->now - rules->beat_at > session->interval + CLOCK_MS(500)) {
		return "heartbeat gap above the interval";
	}
	return NULL;
}

static inline const char *
rules_check_state(const struct rules *rules)
{
	enum snapshot_state state = rules->session.state;

	if (rules->linked != rules_is_linked(state)) {
		return "the state does not fit the connection";
	}
	bool may_hold = state == SNAPSHOT_WAIT_SLOT || state == SNAPSHOT_CONNECTING ||
	    state == SNAPSHOT_WAIT_HELLO;

	if (rules->slot != SLOT_NONE && !may_hold) {
		return "a slot leaked";
	}
	if ((state == SNAPSHOT_WAIT_SLOT) != (rules->slot == SLOT_ASKED)) {
		return "waits for a slot that was not asked for";
	}
	return NULL;
}

/* Steps the session and judges; NULL where every rule held, else which was broken. */
static inline const char *
rules_step(struct rules *rules, enum rules_play play, const struct session_event *event)
{
	struct session *session = &rules->session;
	struct session_event crowded = *event;
	enum snapshot_state old = session->state;
	bool was_over = old == SNAPSHOT_FATAL || old == SNAPSHOT_STOPPED;
	bool was_held = session->saved.id[0] != '\0' && session->saved.seq >= 0;
	int64_t old_seq = session->saved.seq;
	char old_id[SESSION_ID_BYTES];

	memcpy(old_id, session->saved.id, sizeof old_id);
	rules->asked = rules->asked || play == PLAY_RECONNECT ||
	    play == PLAY_RECONNECT_FRESH || play == PLAY_SLEPT || play == PLAY_OP7;
	if (play == PLAY_LOST && rules->linked) {
		rules_unlink(rules, true);
	} else if (play == PLAY_OPENED && rules->linked) {
		rules->opened = true;
	} else if (play == PLAY_SLOT && rules->slot == SLOT_ASKED) {
		rules->slot = SLOT_HELD;
	} else if (play == PLAY_TIMEOUT && rules->now > session_wake_at(session)) {
		rules->punctual = false;
	}
	if (rules->crowds) {
		crowded.crowd = (uint32_t)(rng_next(&rules->rng) % 4 * 200);
	}
	session_step(session, &crowded, rules->now, &rules->rng, &rules->actions);
	if (rules->actions.count >= SESSION_ACTIONS_MAX) {
		return "the list of actions is full";
	}
	if (was_over && (rules->actions.count > 0 || session->state != old)) {
		return "life after the end";
	}
	for (unsigned i = 0; i < rules->actions.count; i++) {
		const char *broken =
		    rules_on_action(rules, &rules->actions.list[i], play, was_held);

		if (broken) {
			return broken;
		}
	}
	if (session->state == SNAPSHOT_READY && old != SNAPSHOT_READY) {
		rules->ready_at = rules->now;
		rules->down_since = CLOCK_NEVER;
	}
	if (old_id[0] != '\0' && strcmp(old_id, session->saved.id) == 0 &&
	    session->saved.seq < old_seq) {
		return "the sequence fell";
	}
	if (session->saved.id[0] == '\0' && session->state == SNAPSHOT_WAIT_SLOT &&
	    session->saved.seq >= 0) {
		return "a sequence outlived its session";
	}
	const char *broken = rules_check_state(rules);

	broken = broken ? broken : rules_check_time(rules, play);
	return broken ? broken : rules_check_view(rules);
}

static inline const char *
rules_say(struct rules *rules, enum rules_play play, struct payload payload)
{
	return rules_step(rules, play,
	    &(struct session_event){.kind = SESSION_PAYLOAD, .payload = &payload});
}

static inline const char *
rules_say_dispatch(struct rules *rules, enum rules_play play, const char *type,
    bool has_seq, int64_t seq, const char *data)
{
	return rules_say(rules, play,
	    (struct payload){
		.op = PAYLOAD_DISPATCH,
		.has_seq = has_seq,
		.seq = seq,
		.type = slice_of(type),
		.data = slice_of(data),
	    });
}

static inline const char *
rules_say_ready(struct rules *rules, uint8_t detail)
{
	char data[240];

	/* Some servers repeat themselves. */
	rules->ids += detail % 4 != 0;
	(void)snprintf(data, sizeof data,
	    "{\"session_id\":\"s%u\",\"resume_gateway_url\":\"wss://r%u.discord.gg\","
	    "\"user\":{\"id\":\"42\"},\"guilds\":[{\"id\":\"7\"}]}",
	    rules->ids, rules->ids);
	return rules_say_dispatch(rules, PLAY_READY, "READY", detail % 8 != 7,
	    1 + detail / 128, data);
}

static inline const char *
rules_do(struct rules *rules, enum rules_play play, struct session_event event)
{
	return rules_step(rules, play, &event);
}

/* Plays one event; detail varies it.  NULL where every rule held. */
static inline const char *
rules_play(struct rules *rules, enum rules_play play, uint8_t detail)
{
	static const int64_t odd_seqs[] = {-1, 0, 1, 2, 50, SESSION_SEQ_MAX,
	    SESSION_SEQ_MAX + 1, INT64_MAX};
	int64_t next = rules->session.saved.seq + 1;

	switch (play) {
	case PLAY_TIMEOUT:
		return rules_do(rules, play,
		    (struct session_event){.kind = SESSION_TIMEOUT});
	case PLAY_START:
		return rules_do(rules, play,
		    (struct session_event){.kind = SESSION_START});
	case PLAY_SLOT:
		return rules_do(rules, play,
		    (struct session_event){.kind = SESSION_SLOT});
	case PLAY_OPENED:
		return rules_do(rules, play,
		    (struct session_event){.kind = SESSION_OPENED});
	case PLAY_HELLO:
		return rules_say(rules, play,
		    (struct payload){.op = PAYLOAD_HELLO,
			.data = slice_of("{\"heartbeat_interval\":41250}")});
	case PLAY_HELLO_SHORT:
		return rules_say(rules, play,
		    (struct payload){.op = PAYLOAD_HELLO,
			.data = slice_of("{\"heartbeat_interval\":1000}")});
	case PLAY_HELLO_BAD:
		return rules_say(rules, play, (struct payload){.op = PAYLOAD_HELLO});
	case PLAY_READY:
		return rules_say_ready(rules, detail);
	case PLAY_READY_BARE:
		return rules_say_dispatch(rules, play, "READY", true, detail, "{}");
	case PLAY_READY_BAD:
		return rules_say_dispatch(rules, play, "READY", true, detail, "[]");
	case PLAY_RESUMED:
		return rules_say_dispatch(rules, play, "RESUMED", detail % 8 != 7,
		    next - detail % 3, "{}");
	case PLAY_DISPATCH:
		return rules_say_dispatch(rules, play, "X", true, next, "{}");
	case PLAY_DISPATCH_ODD:
		return rules_say_dispatch(rules, play, "X", true, odd_seqs[detail % 8],
		    "{}");
	case PLAY_GUILD_GONE:
		return rules_say_dispatch(rules, play, "GUILD_DELETE", true, next,
		    detail % 2 == 0 ? "{\"id\":\"7\"}" : "{\"id\":\"8\"}");
	case PLAY_GUILD_HERE:
		return rules_say_dispatch(rules, play, "GUILD_CREATE", true, next,
		    "{\"id\":\"7\"}");
	case PLAY_ACK:
		return rules_say(rules, play,
		    (struct payload){.op = PAYLOAD_HEARTBEAT_ACK});
	case PLAY_BEAT:
		return rules_say(rules, play,
		    (struct payload){.op = PAYLOAD_HEARTBEAT});
	case PLAY_OP7:
		return rules_say(rules, play,
		    (struct payload){.op = PAYLOAD_RECONNECT});
	case PLAY_OP9_TRUE:
		return rules_say(rules, play,
		    (struct payload){.op = PAYLOAD_INVALID_SESSION,
			.data = slice_of("true")});
	case PLAY_OP9_FALSE:
		return rules_say(rules, play,
		    (struct payload){.op = PAYLOAD_INVALID_SESSION,
			.data = slice_of("false")});
	case PLAY_UNKNOWN_OP:
		return rules_say(rules, play, (struct payload){.op = 12 + detail});
	case PLAY_FRAME:
		return rules_do(rules, play,
		    (struct session_event){.kind = SESSION_FRAME});
	case PLAY_UNREADABLE:
		return rules_do(rules, play,
		    (struct session_event){.kind = SESSION_UNREADABLE, .text = "bad"});
	case PLAY_LOST:
		return rules_do(rules, play,
		    (struct session_event){.kind = SESSION_LOST,
			.code = rules_codes[detail % 16],
			.retry_after = detail >= 240 ? CLOCK_S(detail) : 0});
	case PLAY_SLEPT:
		return rules_do(rules, play,
		    (struct session_event){.kind = SESSION_SLEPT});
	case PLAY_RECONNECT:
		return rules_do(rules, play,
		    (struct session_event){.kind = SESSION_RECONNECT});
	case PLAY_RECONNECT_FRESH:
		return rules_do(rules, play,
		    (struct session_event){.kind = SESSION_RECONNECT,
			.drop_session = true});
	case PLAY_SHOW:
		return rules_do(rules, play,
		    (struct session_event){.kind = SESSION_PRESENCE});
	case PLAY_STOP:
		return rules_do(rules, play,
		    (struct session_event){.kind = SESSION_STOP_ASKED});
	case PLAY_REFUSED:
		return rules_do(rules, play,
		    (struct session_event){.kind = SESSION_REFUSED, .text = "401"});
	case PLAY_CHECK:
		if (rules->down_since == CLOCK_NEVER &&
		    rules->ready_at == CLOCK_NEVER) {
			rules->down_since = rules->now;
		}
		session_note_check(&rules->session, rules->now);
		return rules_check_view(rules);
	case PLAY_COUNT:
		break;
	}
	return "a play that there is not";
}

static inline const char *
rules_play_name(enum rules_play play)
{
	static const char *const names[] = {
#define RULES_PLAY_NAME(name) #name,
	    RULES_PLAY_TABLE(RULES_PLAY_NAME)
#undef RULES_PLAY_NAME
	};

	return play < PLAY_COUNT ? names[play] : "a play that there is not";
}

#endif
