/*
 * What the files of session share, and nobody else includes.
 */
#ifndef GWBOTD_SESSION_PARTS_H
#define GWBOTD_SESSION_PARTS_H

#include "closecode.h"
#include "session.h"

/* A timer that comes later than this may run before the bytes that wait in the kernel:
 * a verdict is put off once by the same time. */
#define SESSION_LATE_TIMER CLOCK_MS(500)

/* One call of session_step(). */
struct session_turn {
	struct session *session;
	mono_ns now;
	struct rng *rng;
	struct session_actions *actions;
	uint32_t crowd;            /* other shards that are down as well */
	enum snapshot_stage stage; /* at which an attempt is lost that never opened */
};

/* ---- session.c: small pieces ---- */

/** Adds an action to the turn's list. */
void session_push(struct session_turn *turn, struct session_action action);

/** Adds an action that is its kind and nothing more. */
void session_push_kind(struct session_turn *turn, enum session_action_kind kind);

/** The one place where the state changes; ends the deadline of the step before. */
void session_enter(struct session_turn *turn, enum snapshot_state state);

/** Sets the deadline of the present step. */
void session_set_deadline(struct session_turn *turn, mono_ns timeout);

/** Says why the session is not ready; cut at a whole UTF-8 character. */
__attribute__((format(printf, 2, 3))) void session_set_reason(struct session *session,
    const char *format, ...);

/** Notes a verdict, and its text as the reason. */
void session_note_verdict(struct session *session, enum session_verdict verdict);

/** There is a session that can be resumed. */
bool session_is_held(const struct session *session);

/** A connection, or an attempt at one, is there. */
bool session_is_linked(const struct session *session);

/* ---- session_beat.c: heartbeats, the zombie rule, latency ---- */

/** HELLO came: the first beat is due at a random part of the interval. */
void session_beat_start(struct session_turn *turn, mono_ns interval);

/** beat_due has come: judges the beat before, then sends one. */
void session_beat_due(struct session_turn *turn);

/** The gateway asks for a beat (op 1). */
void session_beat_asked(struct session_turn *turn);

/** The gateway answers a beat (op 11). */
void session_beat_answered(struct session_turn *turn);

/** The latency that is true at now; SNAPSHOT_NONE where none is known. */
mono_ns session_beat_latency(const struct session *session, mono_ns now);

/* ---- session_probe.c: proof of life ---- */

/** READY or RESUMED: silence counts from now on. */
void session_probe_begin(struct session_turn *turn);

/** The connection is gone, and an open probe with it. */
void session_probe_end(struct session *session);

/** A dispatch came while READY. */
void session_probe_answered(struct session_turn *turn);

/** Looks whether a probe is due or has stayed unanswered. */
void session_probe_due(struct session_turn *turn);

/** When session_probe_due() is wanted next. */
mono_ns session_probe_wake_at(const struct session *session);

/** Whether session_probe_note_guild() reads d of dispatches of that name now. */
bool session_probe_reads(const struct session *session, enum dispatch_name name);

/** A dispatch that may name a guild to ask in, or take it away; true: it did. */
bool session_probe_note_guild(struct session *session, const struct payload *payload);

/* ---- session_presence.c: what is shown of the bot ---- */

/** READY or RESUMED. */
void session_presence_begin(struct session_turn *turn, bool resumed);

/** The connection is gone. */
void session_presence_end(struct session *session);

/** IDENTIFY goes out, and the presence with it. */
void session_presence_identified(struct session *session);

/** Another one is to be shown. */
void session_presence_changed(struct session_turn *turn);

/** Sends it where presence.due has come and the limits allow it. */
void session_presence_due(struct session_turn *turn);

/* ---- session_cure.c: connecting, falling, backing off ---- */

/** Everything that belongs to a connection dies with it. */
void session_reset_connection(struct session *session);

/** Connects, to resume where a session is held; for a new one asks for a slot first. */
void session_proceed(struct session_turn *turn);

/** The process starts: as session_proceed(), spread where many resume together. */
void session_begin(struct session_turn *turn);

/** The slot for a new session is there: connects to the general host. */
void session_connect_fresh(struct session_turn *turn);

/** The slot that is waited for or held is not needed any more. */
void session_drop_slot(struct session_turn *turn);

/** The session is gone: identity and sequence together. */
void session_forget(struct session_turn *turn);

/** A connection or an attempt has ended as it should not: counts it, then the cure. */
void session_fall(struct session_turn *turn, enum closecode_cure cure,
    mono_ns least_delay);

/** Closes the connection, which keeps the session, and falls. */
void session_give_up(struct session_turn *turn);

/** Closes the connection and gives the session up with it; falls to a new one. */
void session_give_up_session(struct session_turn *turn);

/** Closes the connection and comes back at once: no failure, so nothing is counted. */
void session_come_back(struct session_turn *turn, bool drop_session);

/** An attempt ends in the present state: counts it where it had not logged in. */
void session_note_failed(struct session_turn *turn);

/** Discord refuses this bot.  Final. */
void session_refuse(struct session_turn *turn);

/** READY or RESUMED: what the cure counted against this session is forgotten. */
void session_become_ready(struct session_turn *turn, bool resumed);

/* ---- session_payload.c: what the gateway says ---- */

void session_take_payload(struct session_turn *turn, const struct payload *payload);
void session_take_unreadable(struct session_turn *turn, const char *text);

#endif
