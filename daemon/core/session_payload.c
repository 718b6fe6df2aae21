/*
 * What the gateway says: each opcode, the session's identity and its sequence.
 *
 * Nothing here trusts an order: HELLO need not be first, and READY may come twice.
 */
#include <string.h>

#include "session_parts.h"

/* Discord sends 41250 or 45000 ms; outside these bounds HELLO is taken as damaged. */
#define INTERVAL_MIN_MS 100
#define INTERVAL_MAX_MS (INT64_C(10) * 60 * 1000)

/* Payloads in a row that cannot be read, of one session: a resume would replay them. */
#define UNREADABLE_MAX 3

/* op 7 on a connection younger than this counts as a failure, against hot loops. */
#define RECONNECT_YOUNG CLOCK_S(5)

/* Discord wants a random wait of 1 to 5 s after op 9. */
#define INVALID_WAIT_MIN CLOCK_S(1)
#define INVALID_WAIT_MAX CLOCK_S(5)

/* Pieces of a message keep a login alive for this many silences, since the last
 * dispatch: a large READY on a slow line may take its time, a ping for ever may not. */
#define READY_PATIENCE 4

_Static_assert(sizeof(((struct session_saved *)0)->id) ==
	sizeof(((struct payload_ready *)0)->session_id),
    "READY's session id is copied whole");
_Static_assert(sizeof(((struct session_saved *)0)->resume_url) ==
	sizeof(((struct payload_ready *)0)->resume_url),
    "READY's resume URL is copied whole");
_Static_assert(sizeof(((struct session_saved *)0)->guild_id) ==
	sizeof(((struct payload_ready *)0)->guild_id),
    "READY's first guild is copied whole");

/* ---- login ---- */

static void
await_ready(struct session_turn *turn)
{
	struct session *session = turn->session;
	mono_ns timeout = session->config.ready_timeout;

	session_set_deadline(turn, timeout);
	session->ready_limit = turn->now + READY_PATIENCE * timeout;
}

static void
authenticate(struct session_turn *turn)
{
	struct session *session = turn->session;

	(void)send_budget_take(&session->sends, turn->now, true);
	if (session->fresh_wanted) {
		session->identifies++;
		session->identify_failures++;
		session_presence_identified(session);
		session->probe.renewed = session->probe.misses > 0;
		session_enter(turn, SNAPSHOT_IDENTIFYING);
		session_push_kind(turn, SESSION_IDENTIFY);
	} else {
		session->resumes++;
		session->resume_tries++;
		session_enter(turn, SNAPSHOT_RESUMING);
		session_push_kind(turn, SESSION_RESUME);
	}
	await_ready(turn);
}

static void
on_hello(struct session_turn *turn, const struct payload *payload)
{
	struct session *session = turn->session;
	int64_t interval_ms = 0;

	if (session->interval != SNAPSHOT_NONE) {
		return; /* a second HELLO changes nothing */
	}
	if (!payload_read_hello(payload->data, &interval_ms) ||
	    interval_ms < INTERVAL_MIN_MS || interval_ms > INTERVAL_MAX_MS) {
		session_set_reason(session,
		    "HELLO without a usable heartbeat_interval");
		session_give_up(turn);
		return;
	}
	session_beat_start(turn, CLOCK_MS(interval_ms));
	authenticate(turn);
}

/* ---- dispatches ---- */

static bool
has_usable_seq(const struct payload *payload)
{
	return payload->has_seq && payload->seq >= 0 && payload->seq <= SESSION_SEQ_MAX;
}

/* False where the sequence says that this dispatch was here before. */
static bool
note_seq(struct session *session, const struct payload *payload)
{
	if (!has_usable_seq(payload)) {
		return true;
	}
	int64_t last = session->saved.seq;

	if (last >= 0 && payload->seq <= last) {
		session->duplicates++;
		return false;
	}
	if (last >= 0 && payload->seq != last + 1) {
		session->seq_gaps++;
	}
	session->saved.seq = payload->seq;
	return true;
}

static void
on_ready(struct session_turn *turn, const struct payload *payload)
{
	struct session *session = turn->session;
	struct session_saved *saved = &session->saved;
	struct payload_ready ready;
	bool is_new = true;

	if (payload_read_ready(payload->data, &ready) != GW_OK) {
		session_set_reason(session, "READY could not be read");
		session_give_up(turn);
		return;
	}
	if (saved->id[0] != '\0' && strcmp(saved->id, ready.session_id) == 0) {
		is_new = note_seq(session, payload);
	} else {
		/* The first sequence of a session: set, never the larger of two. */
		saved->seq = has_usable_seq(payload) ? payload->seq : -1;
	}
	session->ready_url_fault = ready.resume_url_fault;
	session->ready_version = ready.version;
	session->ready_shard_id = ready.shard_id;
	session->ready_shard_count = ready.shard_count;
	memcpy(saved->id, ready.session_id, sizeof saved->id);
	memcpy(saved->resume_url, ready.resume_url, sizeof saved->resume_url);
	memcpy(saved->user_id, ready.user_id, sizeof saved->user_id);
	memcpy(saved->user_name, ready.user_name, sizeof saved->user_name);
	memcpy(saved->guild_id, ready.guild_id, sizeof saved->guild_id);
	saved->guilds = ready.guilds;
	/* Stored before anybody is told: whoever reads "ready" may kill the process. */
	session_push_kind(turn, saved->id[0] != '\0' ? SESSION_SAVE : SESSION_FORGET);
	if (session->state != SNAPSHOT_READY) {
		session_become_ready(turn, false);
	}
	if (is_new) {
		session_push_kind(turn, SESSION_DISPATCH);
	}
}

static void
note_payload(struct session_turn *turn)
{
	turn->session->events++;
	turn->session->last_event_at = turn->now;
	turn->session->last_frame_at = turn->now;
}

static void
note_dispatch(struct session_turn *turn)
{
	struct session *session = turn->session;

	session->dispatches++;
	session->last_dispatch_at = turn->now;
	if (session->state != SNAPSHOT_READY) {
		await_ready(turn);
	} else {
		session_probe_answered(turn);
	}
}

bool
session_pass(struct session *session, const struct payload *payload, mono_ns now)
{
	struct session_turn turn = {.session = session, .now = now};

	note_payload(&turn);
	note_dispatch(&turn);
	return note_seq(session, payload);
}

bool
session_reads(const struct session *session, enum dispatch_name name)
{
	return session->state != SNAPSHOT_READY || name == DISPATCH_NAME_READY ||
	    session_probe_reads(session, name);
}

static void
on_dispatch(struct session_turn *turn, const struct payload *payload)
{
	struct session *session = turn->session;

	if (session->state == SNAPSHOT_WAIT_HELLO) {
		return; /* nobody has logged in: it belongs to no session */
	}
	note_dispatch(turn);
	if (slice_equal(payload->type, SLICE_LITERAL("READY"))) {
		on_ready(turn, payload);
		return;
	}
	bool is_new = note_seq(session, payload);
	bool guild_changed = is_new && session_probe_note_guild(session, payload);

	/* Before the record has its sequence: a kill between repeats it, and loses
	 * nothing. */
	if (is_new) {
		session_push_kind(turn, SESSION_DISPATCH);
	}
	if (slice_equal(payload->type, SLICE_LITERAL("RESUMED")) &&
	    session->state == SNAPSHOT_RESUMING) {
		session->resumed++;
		/* The stored record may be older than the session that was resumed. */
		session_push_kind(turn, SESSION_SAVE);
		session_become_ready(turn, true);
	}
	if (guild_changed && session->saved.id[0] != '\0') {
		session_push_kind(turn, SESSION_SAVE);
	}
}

/* ---- the others ---- */

static void
on_reconnect(struct session_turn *turn)
{
	struct session *session = turn->session;
	bool old_enough = session->state == SNAPSHOT_READY &&
	    turn->now - session->last_ready_at >= RECONNECT_YOUNG;

	session_set_reason(session, "the gateway asked to reconnect (op 7)");
	if (old_enough) {
		session_come_back(turn, false);
	} else {
		session_give_up(turn);
	}
}

static void
on_invalid_session(struct session_turn *turn, const struct payload *payload)
{
	bool resumable = payload_read_resumable(payload->data);
	mono_ns wait = rng_between(turn->rng, INVALID_WAIT_MIN, INVALID_WAIT_MAX);

	turn->session->identifies_refused +=
	    turn->session->state == SNAPSHOT_IDENTIFYING;
	turn->session->resumes_refused += turn->session->state == SNAPSHOT_RESUMING;
	session_set_reason(turn->session, "invalid session (op 9, %s)",
	    resumable ? "may be resumed" : "a new one is needed");
	session_push(turn,
	    (struct session_action){
		.kind = SESSION_CLOSE,
		.code = resumable ? CLOSECODE_KEEP : CLOSECODE_DONE,
	    });
	session_fall(turn, resumable ? CLOSECODE_RESUME : CLOSECODE_IDENTIFY, wait);
}

void
session_take_payload(struct session_turn *turn, const struct payload *payload)
{
	struct session *session = turn->session;

	if (!session_is_linked(session) || session->state == SNAPSHOT_CONNECTING) {
		return;
	}
	note_payload(turn);
	switch (payload->op) {
	case PAYLOAD_DISPATCH:
		on_dispatch(turn, payload);
		return;
	case PAYLOAD_HEARTBEAT:
		session_beat_asked(turn);
		return;
	case PAYLOAD_RECONNECT:
		on_reconnect(turn);
		return;
	case PAYLOAD_INVALID_SESSION:
		on_invalid_session(turn, payload);
		return;
	case PAYLOAD_HELLO:
		on_hello(turn, payload);
		return;
	case PAYLOAD_HEARTBEAT_ACK:
		session_beat_answered(turn);
		return;
	default:
		return; /* unknown opcodes are normal */
	}
}

void
session_take_unreadable(struct session_turn *turn, const char *text)
{
	struct session *session = turn->session;

	if (!session_is_linked(session)) {
		return;
	}
	if (session->unreadable_seq != session->saved.seq) {
		session->unreadable = 0;
	}
	session->unreadable_seq = session->saved.seq;
	session->unreadable++;
	session_set_reason(session, "%s", text ? text : "payload could not be read");
	session_push(turn,
	    (struct session_action){.kind = SESSION_CLOSE, .code = CLOSECODE_KEEP});
	/* A resume replays what could not be read: at the third time at the same place
	 * only a new session helps. */
	session_fall(turn,
	    session->unreadable >= UNREADABLE_MAX ? CLOSECODE_IDENTIFY :
						    CLOSECODE_RESUME,
	    0);
}
