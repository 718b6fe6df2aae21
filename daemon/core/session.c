#include "session.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>

#include "session_parts.h"
#include "utf8.h"

/* The longest wait that a peer may ask for (Retry-After of a refused upgrade). */
#define RETRY_AFTER_CAP CLOCK_S(900)

/* After close code 4008 ordinary sends are halved, down to this. */
#define SENDS_LEAST 15

/* ---- small pieces ---- */

void
session_push(struct session_turn *turn, struct session_action action)
{
	struct session_actions *actions = turn->actions;

	assert(actions->count < SESSION_ACTIONS_MAX);
	if (actions->count < SESSION_ACTIONS_MAX) {
		actions->list[actions->count++] = action;
	}
}

void
session_push_kind(struct session_turn *turn, enum session_action_kind kind)
{
	session_push(turn, (struct session_action){.kind = kind});
}

/* Takes back a last character that was cut in two. */
static void
trim_cut_character(char *text, size_t size)
{
	size_t lead = size - 1;

	while (lead > 0 && size - lead < 4 && (text[lead] & 0xC0) == 0x80) {
		lead--;
	}
	if (utf8_length((const unsigned char *)text + lead, size - lead) == 0) {
		text[lead] = '\0';
	}
}

void
session_set_reason(struct session *session, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	int size = vsnprintf(session->reason, sizeof session->reason, format, args);
	va_end(args);
	if (size >= (int)sizeof session->reason) {
		trim_cut_character(session->reason, sizeof session->reason - 1);
	}
}

void
session_note_verdict(struct session *session, enum session_verdict verdict)
{
	static const char *const texts[] = {
#define SESSION_VERDICT_TEXT(name, text) [SESSION_VERDICT_##name] = (text),
	    SESSION_VERDICT_TABLE(SESSION_VERDICT_TEXT)
#undef SESSION_VERDICT_TEXT
	};

	session->verdict = verdict;
	session_set_reason(session, "%s", texts[verdict]);
}

void
session_enter(struct session_turn *turn, enum snapshot_state state)
{
	struct session *session = turn->session;
	enum snapshot_state old = session->state;

	session->state = state;
	session->deadline = CLOCK_NEVER;
	session->deadline_put_off = false;
	if (old == state) {
		return;
	}
	session_push(turn,
	    (struct session_action){
		.kind = SESSION_CHANGED,
		.old_state = old,
		.new_state = state,
	    });
}

void
session_set_deadline(struct session_turn *turn, mono_ns timeout)
{
	turn->session->deadline = turn->now + timeout;
	turn->session->deadline_put_off = false;
}

bool
session_is_held(const struct session *session)
{
	return session->saved.id[0] != '\0' && session->saved.seq >= 0;
}

bool
session_is_linked(const struct session *session)
{
	switch (session->state) {
	case SNAPSHOT_RESOLVING:
	case SNAPSHOT_CONNECTING:
	case SNAPSHOT_WAIT_HELLO:
	case SNAPSHOT_IDENTIFYING:
	case SNAPSHOT_RESUMING:
	case SNAPSHOT_READY:
		return true;
	case SNAPSHOT_IDLE:
	case SNAPSHOT_WAIT_SLOT:
	case SNAPSHOT_BACKOFF:
	case SNAPSHOT_STOPPED:
	case SNAPSHOT_FATAL:
		return false;
	}
	return false;
}

static bool
is_over(const struct session *session)
{
	return session->state == SNAPSHOT_STOPPED || session->state == SNAPSHOT_FATAL;
}

static bool
is_logging_in(const struct session *session)
{
	return session->state == SNAPSHOT_IDENTIFYING ||
	    session->state == SNAPSHOT_RESUMING;
}

/* ---- the connection's events ---- */

static void
on_opened(struct session_turn *turn)
{
	struct session *session = turn->session;

	if (session->state != SNAPSHOT_CONNECTING) {
		return;
	}
	session->last_frame_at = turn->now;
	session_enter(turn, SNAPSHOT_WAIT_HELLO);
	session_set_deadline(turn, session->config.hello_timeout);
}

/* A piece of a large READY restarts the wait for it, within limits. */
static void
on_frame(struct session_turn *turn)
{
	struct session *session = turn->session;

	session->last_frame_at = turn->now;
	if (!is_logging_in(session)) {
		return;
	}
	mono_ns wanted = turn->now + session->config.ready_timeout;

	wanted = wanted < session->ready_limit ? wanted : session->ready_limit;
	if (wanted > session->deadline) {
		session->deadline = wanted;
	}
}

static void
slow_down(struct send_budget *sends)
{
	uint32_t half =
	    (sends->ordinary == 0 ? QUOTA_SENDS_ORDINARY : sends->ordinary) / 2;

	sends->ordinary = half < SENDS_LEAST ? SENDS_LEAST : half;
}

static void
on_lost(struct session_turn *turn, const struct session_event *event)
{
	struct session *session = turn->session;
	const struct closecode *row = closecode_find(event->code);
	mono_ns wait =
	    event->retry_after < RETRY_AFTER_CAP ? event->retry_after : RETRY_AFTER_CAP;

	if (!session_is_linked(session)) {
		return; /* the late end of a connection that was given up */
	}
	if (session->state != SNAPSHOT_CONNECTING) {
		session->closes[snapshot_close_class(event->code, event->abrupt)]++;
	}
	if (event->code != CLOSECODE_NONE) {
		session->last_close_code = event->code;
	}
	if (event->text) {
		session_set_reason(session, "%s", event->text);
	} else {
		session_set_reason(session, "close code %u: %s", event->code,
		    row->text);
	}
	if (event->code == CLOSECODE_TOO_FAST) {
		slow_down(&session->sends);
	}
	if (row->cure != CLOSECODE_STOP) {
		session_fall(turn, row->cure, wait);
		return;
	}
	session_note_failed(turn);
	if (session->saved.id[0] != '\0') {
		session_forget(turn);
	}
	/* What to do stands in front: what the peer said may be long. */
	session_set_reason(session, "%s: %s (%s)", row->text, row->remedy,
	    event->text ? event->text : "no more was said");
	session_refuse(turn);
}

/* ---- time ---- */

static void
on_deadline(struct session_turn *turn)
{
	struct session *session = turn->session;

	if (turn->now - session->deadline > SESSION_LATE_TIMER &&
	    !session->deadline_put_off) {
		session->deadline = turn->now + SESSION_LATE_TIMER;
		session->deadline_put_off = true;
		return;
	}
	session_note_verdict(session, SESSION_VERDICT_DEADLINE);
	session_set_reason(session, "timed out while %s",
	    snapshot_state_text(session->state));
	session_give_up(turn);
}

static void
on_timeout(struct session_turn *turn)
{
	struct session *session = turn->session;

	if (turn->now >= session->beat_due) {
		session_beat_due(turn);
	}
	if (turn->now >= session->deadline) {
		on_deadline(turn);
	} else if (session->state == SNAPSHOT_BACKOFF &&
	    turn->now >= session->retry_at) {
		session_proceed(turn);
	} else if (session->state == SNAPSHOT_READY) {
		/* First what may end the connection: nothing is sent on one that ends.
		 */
		session_probe_due(turn);
		session_presence_due(turn);
	}
}

/* ---- what others ask ---- */

static void
on_slot(struct session_turn *turn)
{
	struct session *session = turn->session;
	bool in_use = session->fresh_wanted &&
	    (session->state == SNAPSHOT_CONNECTING ||
		session->state == SNAPSHOT_WAIT_HELLO);

	if (session->state == SNAPSHOT_WAIT_SLOT) {
		session_connect_fresh(turn);
	} else if (!in_use) {
		session_push_kind(turn, SESSION_DROP_SLOT);
	}
}

static void
on_fresh_connection(struct session_turn *turn, const char *reason, bool drop_session)
{
	struct session *session = turn->session;

	session_set_reason(session, "%s", reason);
	if (session_is_linked(session)) {
		session_come_back(turn, drop_session);
	} else if (session->state == SNAPSHOT_BACKOFF) {
		if (drop_session) {
			session_forget(turn);
		}
		session_proceed(turn);
	}
}

static void
push_end(struct session_turn *turn, unsigned code)
{
	if (session_is_linked(turn->session)) {
		session_push(turn,
		    (struct session_action){.kind = SESSION_CLOSE, .code = code});
	}
}

static void
on_stop(struct session_turn *turn, bool drop_session)
{
	struct session *session = turn->session;

	push_end(turn, drop_session ? CLOSECODE_DONE : CLOSECODE_KEEP);
	if (session->state == SNAPSHOT_READY) {
		session->down_since = turn->now;
	}
	if (drop_session) {
		session_forget(turn);
	} else if (session_is_held(session)) {
		session_push_kind(turn, SESSION_SAVE);
	}
	session_drop_slot(turn);
	session_reset_connection(session);
	session_enter(turn, SNAPSHOT_STOPPED);
}

static void
on_refused(struct session_turn *turn, const char *text)
{
	push_end(turn, CLOSECODE_KEEP);
	session_set_reason(turn->session, "%s",
	    text ? text : "Discord refuses this bot");
	session_refuse(turn);
}

/* ---- interface ---- */

void
session_init(struct session *session, const struct session_config *config,
    const struct session_saved *saved)
{
	*session = (struct session){
	    .config = *config,
	    .saved = {.seq = -1},
	    .state = SNAPSHOT_IDLE,
	    .deadline = CLOCK_NEVER,
	    .retry_at = CLOCK_NEVER,
	    .last_event_at = CLOCK_NEVER,
	    .last_dispatch_at = CLOCK_NEVER,
	    .last_ready_at = CLOCK_NEVER,
	    .last_ack_at = CLOCK_NEVER,
	    .down_since = CLOCK_NEVER,
	    .unreadable_seq = -1,
	};
	if (saved && saved->id[0] != '\0' && saved->seq >= 0) {
		session->saved = *saved;
	}
	session_reset_connection(session);
}

void
session_step(struct session *session, const struct session_event *event, mono_ns now,
    struct rng *rng, struct session_actions *actions)
{
	struct session_turn turn = {session, now, rng, actions, event->crowd,
	    event->stage};

	actions->count = 0;
	if (is_over(session)) {
		return;
	}
	switch (event->kind) {
	case SESSION_START:
		if (session->state == SNAPSHOT_IDLE) {
			session_begin(&turn);
		}
		return;
	case SESSION_OPENED:
		on_opened(&turn);
		return;
	case SESSION_PAYLOAD:
		session_take_payload(&turn, event->payload);
		return;
	case SESSION_FRAME:
		on_frame(&turn);
		return;
	case SESSION_UNREADABLE:
		session_take_unreadable(&turn, event->text);
		return;
	case SESSION_LOST:
		on_lost(&turn, event);
		return;
	case SESSION_TIMEOUT:
		on_timeout(&turn);
		return;
	case SESSION_SLOT:
		on_slot(&turn);
		return;
	case SESSION_SLEPT:
		on_fresh_connection(&turn, "the host was asleep", false);
		return;
	case SESSION_RECONNECT:
		on_fresh_connection(&turn, "the operator asked to reconnect",
		    event->drop_session);
		return;
	case SESSION_STOP_ASKED:
		on_stop(&turn, event->drop_session);
		return;
	case SESSION_PRESENCE:
		session_presence_changed(&turn);
		return;
	case SESSION_REFUSED:
		on_refused(&turn, event->text);
		return;
	}
}

mono_ns
session_wake_at(const struct session *session)
{
	mono_ns at = session->deadline;

	mono_ns probe_at = session_probe_wake_at(session);

	at = session->beat_due < at ? session->beat_due : at;
	at = probe_at < at ? probe_at : at;
	at = session->presence.due < at ? session->presence.due : at;
	if (session->state == SNAPSHOT_BACKOFF && session->retry_at < at) {
		at = session->retry_at;
	}
	return at;
}

void
session_note_check(struct session *session, mono_ns now)
{
	if (session->state != SNAPSHOT_READY && session->down_since == CLOCK_NEVER) {
		session->down_since = now;
	}
}
