#include "session.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "closecode.h"

/* Discord sends 41250 or 45000 ms; outside these bounds HELLO is taken as damaged. */
#define INTERVAL_MIN_MS 100
#define INTERVAL_MAX_MS (INT64_C(10) * 60 * 1000)

/* READY or RESUMED that held this long makes earlier failures forgotten; a shorter one
 * does not, else a server that closes right after READY is hammered. */
#define STABLE_AFTER CLOCK_S(60)

/* RESUMEs in a row without an answer before the session is given up: some dead sessions
 * are answered by a lost connection, never by op 9. */
#define RESUME_TRIES_MAX 3

/* Sessions live for some minutes without a connection: after this one try is enough. */
#define SESSION_DOUBT_AFTER CLOCK_S(300)

/* Failed connects at the resume host before the general host is tried, and back. */
#define HOST_TRIES 2

/* Payloads in a row that cannot be read, of one session: a resume would replay them. */
#define UNREADABLE_MAX       3

#define BACKOFF_BASE         CLOCK_S(1)
#define BACKOFF_CAP          CLOCK_S(60)
#define BACKOFF_IDENTIFY_CAP CLOCK_S(600)
#define RETRY_AFTER_CAP      CLOCK_S(900)

/* An operation timer that comes this late may run before the bytes that wait in the
 * kernel: a verdict is put off once by the same time. */
#define LATE_TIMER CLOCK_MS(500)

/* op 7 on a connection younger than this counts as a failure, against hot loops. */
#define RECONNECT_YOUNG CLOCK_S(5)

/* Discord wants a random wait of 1 to 5 s after op 9. */
#define INVALID_WAIT_MIN CLOCK_S(1)
#define INVALID_WAIT_MAX CLOCK_S(5)

/* One call of session_step(). */
struct step {
	struct session *session;
	mono_ns now;
	struct rng *rng;
	struct session_actions *actions;
};

/* ---- small pieces ---- */

static void
push(struct step *step, struct session_action action)
{
	struct session_actions *actions = step->actions;

	if (actions->count < SESSION_ACTIONS_MAX) {
		actions->list[actions->count++] = action;
	}
}

static void
push_kind(struct step *step, enum session_action_kind kind)
{
	push(step, (struct session_action){.kind = kind});
}

static void
push_close(struct step *step)
{
	push(step,
	    (struct session_action){.kind = SESSION_CLOSE, .code = CLOSECODE_KEEP});
}

__attribute__((format(printf, 2, 3))) static void
set_reason(struct session *session, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	(void)vsnprintf(session->reason, sizeof session->reason, format, args);
	va_end(args);
}

/* The one place where the state changes. */
static void
enter(struct step *step, enum snapshot_state state)
{
	struct session *session = step->session;
	enum snapshot_state old = session->state;

	session->state = state;
	session->deadline = CLOCK_NEVER;
	if (old == state) {
		return;
	}
	push(step,
	    (struct session_action){.kind = SESSION_CHANGED,
		.old_state = old,
		.new_state = state});
}

static bool
has_session(const struct session *session)
{
	return session->saved.id[0] != '\0' && session->saved.seq >= 0;
}

/* A connection, or an attempt at one, is there. */
static bool
is_connected(enum snapshot_state state)
{
	switch (state) {
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
is_over(enum snapshot_state state)
{
	return state == SNAPSHOT_STOPPED || state == SNAPSHOT_FATAL;
}

static void
forget_session(struct step *step)
{
	struct session_saved *saved = &step->session->saved;

	saved->id[0] = '\0';
	saved->resume_url[0] = '\0';
	saved->seq = -1;
	step->session->resume_tries = 0;
	step->session->doubtful = false;
	push_kind(step, SESSION_FORGET);
}

/* Everything that belongs to a connection dies with it. */
static void
reset_connection(struct session *session)
{
	session->interval = SNAPSHOT_NONE;
	session->beat_due = CLOCK_NEVER;
	session->judge_at = CLOCK_NEVER;
	session->unacked_since = CLOCK_NEVER;
	session->latency = SNAPSHOT_NONE;
	session->sends = (struct send_budget){.count = 0};
}

/* Full jitter: somewhere below a bound that doubles; from the third failure on at least
 * a second.  No failure: at once. */
static mono_ns
backoff(struct step *step, uint32_t failures, mono_ns cap)
{
	if (failures == 0) {
		return 0;
	}
	uint32_t doublings = failures - 1 < 16 ? failures - 1 : 16;
	mono_ns ceiling = BACKOFF_BASE << doublings;
	mono_ns floor = failures > 2 ? BACKOFF_BASE : 0;

	return rng_between(step->rng, floor, ceiling < cap ? ceiling : cap);
}

/* ---- connecting ---- */

static void
connect_now(struct step *step)
{
	struct session *session = step->session;
	bool general = session->fresh_wanted || session->at_general ||
	    session->saved.resume_url[0] == '\0';

	session->attempts++;
	enter(step, SNAPSHOT_CONNECTING);
	session->deadline = step->now + session->config.connect_timeout;
	push(step,
	    (struct session_action){
		.kind = SESSION_CONNECT,
		.url = general ? NULL : session->saved.resume_url,
	    });
}

/* Resume needs no slot; a new session waits for one before it connects, so that HELLO
 * does not idle. */
static void
proceed(struct step *step)
{
	struct session *session = step->session;

	session->retry_at = CLOCK_NEVER;
	session->fresh_wanted = false;
	if (has_session(session)) {
		connect_now(step);
		return;
	}
	enter(step, SNAPSHOT_WAIT_SLOT);
	push_kind(step, SESSION_ASK_SLOT);
}

static void
retry_after(struct step *step, mono_ns delay)
{
	struct session *session = step->session;

	if (session->config.shard_count > 1) {
		/* Shards that fall together come back spread. */
		mono_ns spread = CLOCK_MS(50) * session->config.shard_count;

		delay += rng_between(step->rng, 0,
		    spread < CLOCK_S(5) ? spread : CLOCK_S(5));
	}
	if (delay <= 0) {
		proceed(step);
		return;
	}
	enter(step, SNAPSHOT_BACKOFF);
	session->retry_at = step->now + delay;
}

/* ---- losing a connection ---- */

static void
count_failure(struct step *step)
{
	struct session *session = step->session;
	bool was_ready = session->state == SNAPSHOT_READY;

	if (was_ready && step->now - session->last_ready_at >= STABLE_AFTER) {
		session->failures = 0;
		session->connect_failures = 0;
		session->identify_failures = 0;
	}
	if (session->interval != SNAPSHOT_NONE) {
		session->connect_failures = 0;
		return;
	}
	/* HELLO never came: the host, not the session, is in doubt. */
	session->connect_failures++;
	if (session->connect_failures >= HOST_TRIES) {
		session->connect_failures = 0;
		session->at_general = !session->at_general;
	}
}

/* The delay before the next attempt, from what went wrong so far. */
static mono_ns
next_delay(struct step *step)
{
	struct session *session = step->session;
	mono_ns delay = backoff(step, session->failures, BACKOFF_CAP);

	if (!has_session(session) && session->identify_failures > 0) {
		/* Each of these attempts spends an IDENTIFY of the day. */
		mono_ns slow =
		    backoff(step, session->identify_failures, BACKOFF_IDENTIFY_CAP);

		delay = slow > delay ? slow : delay;
	}
	return delay;
}

/* The end of a connection or attempt: notes it and goes on with the cure. */
static void
fall(struct step *step, enum closecode_cure cure, mono_ns least_delay)
{
	struct session *session = step->session;

	if (session->state == SNAPSHOT_READY) {
		session->down_since = step->now;
	}
	count_failure(step);
	if (session->fresh_wanted && session->state != SNAPSHOT_IDENTIFYING) {
		push_kind(step, SESSION_DROP_SLOT);
	}
	session->fresh_wanted = false;
	reset_connection(session);

	bool long_down = session->down_since != CLOCK_NEVER &&
	    step->now - session->down_since > SESSION_DOUBT_AFTER;
	bool spent = session->resume_tries >= RESUME_TRIES_MAX ||
	    (long_down && session->resume_tries >= 1) ||
	    (session->doubtful && session->resume_tries >= 1);

	if (session->saved.id[0] != '\0' && (cure == CLOSECODE_IDENTIFY || spent)) {
		forget_session(step);
	}
	if (cure == CLOSECODE_RESUME_ONCE && has_session(session)) {
		session->doubtful = true;
	}

	mono_ns delay = next_delay(step);

	session->failures++;
	retry_after(step, delay > least_delay ? delay : least_delay);
}

static void
give_up_connection(struct step *step, mono_ns least_delay)
{
	push_close(step);
	fall(step, CLOSECODE_RESUME, least_delay);
}

/* As give_up_connection(), for what is no failure: at once, and nothing is counted. */
static void
come_back(struct step *step)
{
	step->session->failures = 0;
	give_up_connection(step, 0);
	step->session->failures = 0;
}

static void
refuse(struct step *step)
{
	if (step->session->state == SNAPSHOT_READY) {
		step->session->down_since = step->now;
	}
	reset_connection(step->session);
	enter(step, SNAPSHOT_FATAL);
	push_kind(step, SESSION_FATAL);
}

static void
on_lost(struct step *step, const struct session_event *event)
{
	struct session *session = step->session;
	const struct closecode *row = closecode_find(event->code);
	mono_ns wait =
	    event->retry_after < RETRY_AFTER_CAP ? event->retry_after : RETRY_AFTER_CAP;

	if (!is_connected(session->state)) {
		return;
	}
	if (event->code != CLOSECODE_NONE) {
		session->last_close_code = event->code;
	}
	set_reason(session, "%s", event->text ? event->text : row->text);
	if (row->cure == CLOSECODE_STOP) {
		refuse(step);
		return;
	}
	fall(step, row->cure, wait);
}

/* ---- heartbeats ---- */

static void
send_beat(struct step *step)
{
	struct session *session = step->session;

	if (!send_budget_take(&session->sends, step->now, true)) {
		return;
	}
	session->heartbeats++;
	push_kind(step, SESSION_HEARTBEAT);
}

static void
declare_zombie(struct step *step, const char *why)
{
	step->session->zombies++;
	set_reason(step->session, "%s", why);
	give_up_connection(step, 0);
}

/* NULL while the unanswered beat may still be answered, else why it may not. */
static const char *
zombie_reason(const struct session *session, mono_ns now)
{
	if (session->unacked_since == CLOCK_NEVER) {
		return NULL;
	}
	if (session->last_frame_at <= session->beat_sent_at) {
		return "zombie: heartbeat unanswered for an interval and no frame "
		       "since";
	}
	if (now - session->unacked_since >= 2 * session->interval) {
		return "zombie: heartbeats unanswered for two intervals";
	}
	return NULL;
}

static void
on_beat_due(struct step *step)
{
	struct session *session = step->session;
	mono_ns late = step->now - session->beat_due;
	mono_ns stale = session->interval + session->interval / 2;

	if (late > stale && late > CLOCK_S(5)) {
		/* The process was stopped: by now the gateway has hung up. */
		declare_zombie(step, "the process stood still for too long");
		return;
	}
	const char *why = zombie_reason(session, step->now);

	if (why && late > LATE_TIMER && session->judge_at == CLOCK_NEVER) {
		session->judge_at = step->now + LATE_TIMER;
		session->beat_due = session->judge_at;
		return;
	}
	session->judge_at = CLOCK_NEVER;
	if (why) {
		declare_zombie(step, why);
		return;
	}
	send_beat(step);
	session->beat_sent_at = step->now;
	if (session->unacked_since == CLOCK_NEVER) {
		session->unacked_since = step->now;
	}
	/* One full interval after this beat, not on a fixed grid: its answer is judged
	 * then. */
	session->beat_due = step->now + session->interval;
}

static void
on_ack(struct step *step)
{
	struct session *session = step->session;

	session->acks++;
	if (session->unacked_since == CLOCK_NEVER) {
		return; /* more answers than beats: harmless */
	}
	session->unacked_since = CLOCK_NEVER;
	session->judge_at = CLOCK_NEVER;
	session->latency = step->now - session->beat_sent_at;
	session->latency_at = step->now;
}

/* ---- payloads ---- */

static void
authenticate(struct step *step)
{
	struct session *session = step->session;

	(void)send_budget_take(&session->sends, step->now, true);
	if (session->fresh_wanted) {
		session->identifies++;
		session->identify_failures++;
		enter(step, SNAPSHOT_IDENTIFYING);
		push_kind(step, SESSION_IDENTIFY);
	} else {
		session->resumes++;
		session->resume_tries++;
		enter(step, SNAPSHOT_RESUMING);
		push_kind(step, SESSION_RESUME);
	}
	session->deadline = step->now + session->config.ready_timeout;
}

static void
on_hello(struct step *step, const struct payload *payload)
{
	struct session *session = step->session;
	int64_t interval_ms = 0;

	if (session->interval != SNAPSHOT_NONE) {
		return; /* a second HELLO changes nothing */
	}
	if (!payload_read_hello(payload->data, &interval_ms) ||
	    interval_ms < INTERVAL_MIN_MS || interval_ms > INTERVAL_MAX_MS) {
		set_reason(session, "HELLO without a usable heartbeat_interval");
		give_up_connection(step, 0);
		return;
	}
	session->interval = CLOCK_MS(interval_ms);
	session->beat_due = step->now + rng_between(step->rng, 0, session->interval);
	authenticate(step);
}

static void
become_ready(struct step *step)
{
	struct session *session = step->session;

	session->connections++;
	session->resume_tries = 0;
	session->connect_failures = 0;
	session->at_general = false;
	session->doubtful = false;
	session->fresh_wanted = false;
	session->down_since = CLOCK_NEVER;
	session->last_ready_at = step->now;
	session->reason[0] = '\0';
	enter(step, SNAPSHOT_READY);
}

static void
on_ready(struct step *step, const struct payload *payload)
{
	struct session *session = step->session;
	struct session_saved *saved = &session->saved;
	struct payload_ready ready;

	if (payload_read_ready(payload->data, &ready) != GW_OK) {
		set_reason(session, "READY could not be read");
		give_up_connection(step, 0);
		return;
	}
	memcpy(saved->id, ready.session_id, sizeof saved->id);
	memcpy(saved->resume_url, ready.resume_url, sizeof saved->resume_url);
	memcpy(saved->user_id, ready.user_id, sizeof saved->user_id);
	memcpy(saved->user_name, ready.user_name, sizeof saved->user_name);
	saved->guilds = ready.guilds;
	/* The first sequence of the session: set, never the larger of two. */
	saved->seq = payload->has_seq ? payload->seq : -1;
	push_kind(step, saved->id[0] != '\0' ? SESSION_SAVE : SESSION_FORGET);
	become_ready(step);
}

/* False where the sequence says that this dispatch was here before. */
static bool
note_seq(struct session *session, const struct payload *payload)
{
	if (!payload->has_seq) {
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
on_dispatch(struct step *step, const struct payload *payload)
{
	struct session *session = step->session;

	session->dispatches++;
	session->last_dispatch_at = step->now;
	if (session->state == SNAPSHOT_RESUMING ||
	    session->state == SNAPSHOT_IDENTIFYING) {
		session->deadline = step->now + session->config.ready_timeout;
	}
	if (slice_equal(payload->type, SLICE_LITERAL("READY"))) {
		on_ready(step, payload);
		if (session->state == SNAPSHOT_READY) {
			push_kind(step, SESSION_DISPATCH);
		}
		return;
	}
	if (!note_seq(session, payload)) {
		return;
	}
	if (slice_equal(payload->type, SLICE_LITERAL("RESUMED")) &&
	    session->state == SNAPSHOT_RESUMING) {
		session->resumed++;
		become_ready(step);
	}
	push_kind(step, SESSION_DISPATCH);
}

static void
on_reconnect(struct step *step)
{
	struct session *session = step->session;
	bool old_enough = session->state == SNAPSHOT_READY &&
	    step->now - session->last_ready_at >= RECONNECT_YOUNG;

	set_reason(session, "the gateway asked to reconnect (op 7)");
	if (old_enough) {
		come_back(step);
	} else {
		give_up_connection(step, 0);
	}
}

static void
on_invalid_session(struct step *step, const struct payload *payload)
{
	struct session *session = step->session;
	bool resumable = payload_read_resumable(payload->data);
	mono_ns wait = rng_between(step->rng, INVALID_WAIT_MIN, INVALID_WAIT_MAX);

	set_reason(session, "invalid session (op 9, %s)",
	    resumable ? "may be resumed" : "a new one is needed");
	push_close(step);
	fall(step, resumable ? CLOSECODE_RESUME : CLOSECODE_IDENTIFY, wait);
}

static void
on_payload(struct step *step, const struct payload *payload)
{
	struct session *session = step->session;

	if (!is_connected(session->state) || session->state == SNAPSHOT_CONNECTING) {
		return;
	}
	session->events++;
	session->last_event_at = step->now;
	session->last_frame_at = step->now;
	switch (payload->op) {
	case PAYLOAD_DISPATCH:
		on_dispatch(step, payload);
		return;
	case PAYLOAD_HEARTBEAT:
		/* Answered at once; neither the schedule nor the verdict sees it. */
		send_beat(step);
		return;
	case PAYLOAD_RECONNECT:
		on_reconnect(step);
		return;
	case PAYLOAD_INVALID_SESSION:
		on_invalid_session(step, payload);
		return;
	case PAYLOAD_HELLO:
		on_hello(step, payload);
		return;
	case PAYLOAD_HEARTBEAT_ACK:
		on_ack(step);
		return;
	default:
		return; /* unknown opcodes are normal */
	}
}

static void
on_unreadable(struct step *step, const char *text)
{
	struct session *session = step->session;

	if (!is_connected(session->state)) {
		return;
	}
	if (session->unreadable_seq != session->saved.seq) {
		session->unreadable = 0;
	}
	session->unreadable_seq = session->saved.seq;
	session->unreadable++;
	set_reason(session, "%s", text);
	push_close(step);
	/* A resume replays what could not be read: at the third time at the same place
	 * only a new session helps. */
	fall(step,
	    session->unreadable >= UNREADABLE_MAX ? CLOSECODE_IDENTIFY :
						    CLOSECODE_RESUME,
	    0);
}

/* ---- the other events ---- */

static void
on_timeout(struct step *step)
{
	struct session *session = step->session;
	mono_ns now = step->now;

	if (now >= session->beat_due) {
		on_beat_due(step);
	}
	if (now >= session->deadline) {
		set_reason(session, "timed out while %s",
		    snapshot_state_text(session->state));
		give_up_connection(step, 0);
	} else if (session->state == SNAPSHOT_BACKOFF && now >= session->retry_at) {
		proceed(step);
	}
}

static void
on_opened(struct step *step)
{
	struct session *session = step->session;

	if (session->state != SNAPSHOT_CONNECTING) {
		return;
	}
	session->last_frame_at = step->now;
	enter(step, SNAPSHOT_WAIT_HELLO);
	session->deadline = step->now + session->config.hello_timeout;
}

static void
on_slot(struct step *step)
{
	struct session *session = step->session;

	if (session->state != SNAPSHOT_WAIT_SLOT) {
		push_kind(step, SESSION_DROP_SLOT);
		return;
	}
	session->fresh_wanted = true;
	connect_now(step);
}

/* Drops whatever there is and comes back without a failure being counted. */
static void
on_fresh_connection(struct step *step, const char *reason)
{
	struct session *session = step->session;

	set_reason(session, "%s", reason);
	if (is_connected(session->state)) {
		come_back(step);
	} else if (session->state == SNAPSHOT_BACKOFF) {
		proceed(step);
	}
}

static void
on_stop(struct step *step)
{
	struct session *session = step->session;

	if (is_connected(session->state)) {
		push_close(step);
	}
	if (session->state == SNAPSHOT_READY) {
		session->down_since = step->now;
	}
	if (has_session(session)) {
		push_kind(step, SESSION_SAVE);
	}
	reset_connection(session);
	enter(step, SNAPSHOT_STOPPED);
}

static void
on_refused(struct step *step, const char *text)
{
	if (is_connected(step->session->state)) {
		push_close(step);
	}
	set_reason(step->session, "%s", text);
	refuse(step);
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
	    .down_since = CLOCK_NEVER,
	    .unreadable_seq = -1,
	};
	if (saved && saved->id[0] != '\0' && saved->seq >= 0) {
		session->saved = *saved;
	}
	reset_connection(session);
}

void
session_step(struct session *session, const struct session_event *event, mono_ns now,
    struct rng *rng, struct session_actions *actions)
{
	struct step step = {session, now, rng, actions};

	actions->count = 0;
	if (is_over(session->state)) {
		return;
	}
	switch (event->kind) {
	case SESSION_START:
		if (session->state == SNAPSHOT_IDLE) {
			proceed(&step);
		}
		return;
	case SESSION_OPENED:
		on_opened(&step);
		return;
	case SESSION_PAYLOAD:
		on_payload(&step, event->payload);
		return;
	case SESSION_FRAME:
		session->last_frame_at = now;
		return;
	case SESSION_UNREADABLE:
		on_unreadable(&step, event->text);
		return;
	case SESSION_LOST:
		on_lost(&step, event);
		return;
	case SESSION_TIMEOUT:
		on_timeout(&step);
		return;
	case SESSION_SLOT:
		on_slot(&step);
		return;
	case SESSION_SLEPT:
		on_fresh_connection(&step, "the host was asleep");
		return;
	case SESSION_RECONNECT:
		on_fresh_connection(&step, "the operator asked to reconnect");
		return;
	case SESSION_STOP_ASKED:
		on_stop(&step);
		return;
	case SESSION_REFUSED:
		on_refused(&step, event->text);
		return;
	}
}

mono_ns
session_wake_at(const struct session *session)
{
	mono_ns at = session->deadline;

	at = session->beat_due < at ? session->beat_due : at;
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

static mono_ns
age(mono_ns since, mono_ns now)
{
	return since == CLOCK_NEVER ? SNAPSHOT_NONE : now - since;
}

/* Heartbeat to ACK; while a beat is unanswered for longer than that, its age so far.
 * Unknown before the first ACK, and when the last one is older than two intervals. */
static mono_ns
present_latency(const struct session *session, mono_ns now)
{
	if (session->latency == SNAPSHOT_NONE ||
	    now - session->latency_at > 2 * session->interval) {
		return SNAPSHOT_NONE;
	}
	mono_ns open = age(session->unacked_since, now);

	return open > session->latency ? open : session->latency;
}

static void
shorten(const char *id, char out[12])
{
	if (id[0] == '\0') {
		out[0] = '\0';
		return;
	}
	(void)snprintf(out, 12, "%.8s...", id);
}

void
session_snapshot(const struct session *session, mono_ns now, struct snapshot *out)
{
	bool ready = session->state == SNAPSHOT_READY;
	bool waits = session->state == SNAPSHOT_BACKOFF;

	*out = (struct snapshot){
	    .shard_id = session->config.shard_id,
	    .shard_count = session->config.shard_count,
	    .state = session->state,
	    .connected = ready,
	    .ready = ready,
	    .uptime = ready ? now - session->last_ready_at : SNAPSHOT_NONE,
	    .last_event_age = age(session->last_event_at, now),
	    .last_dispatch_age = age(session->last_dispatch_at, now),
	    .last_ready_age = age(session->last_ready_at, now),
	    .disconnect_age = ready ? SNAPSHOT_NONE : age(session->down_since, now),
	    .latency = present_latency(session, now),
	    .heartbeat_interval = session->interval,
	    .next_try_in = waits ? session->retry_at - now : SNAPSHOT_NONE,
	    .seq = session->saved.seq,
	    .dispatches = session->dispatches,
	    .events = session->events,
	    .seq_gaps = session->seq_gaps,
	    .heartbeats = session->heartbeats,
	    .acks = session->acks,
	    .zombies = session->zombies,
	    .attempts = session->attempts,
	    .reconnects = session->connections > 0 ? session->connections - 1 : 0,
	    .resumes = session->resumes,
	    .resumed = session->resumed,
	    .identifies = session->identifies,
	    .last_close_code = session->last_close_code,
	    .guilds = session->saved.guilds,
	};
	if (waits && out->next_try_in < 0) {
		out->next_try_in = 0;
	}
	shorten(session->saved.id, out->session_id);
	memcpy(out->user_id, session->saved.user_id, sizeof out->user_id);
	memcpy(out->user_name, session->saved.user_name, sizeof out->user_name);
	memcpy(out->reason, session->reason, sizeof out->reason);
}
