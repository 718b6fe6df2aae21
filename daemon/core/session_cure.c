/*
 * The cure: connect, fall, back off, and choose between resume and a new session.
 *
 * In this order: resume at the resume host; resume at the general host; new session.
 * Each rung has its tries: two failed connects change the host, and so do two
 * unanswered RESUMEs; the third of these ends the session.  A resume is free, an
 * IDENTIFY is one of a thousand in a day, so a session is given up only where the
 * gateway said so or where RESUMEs went unanswered.
 */
#include "session_parts.h"

/* READY or RESUMED that held this long makes earlier failures forgotten; a shorter one
 * does not, else a server that closes right after READY is hammered. */
#define STABLE_AFTER CLOCK_S(60)

/* Each so long that READY or RESUMED held forgives one failure: a connection that is
 * reset now and then comes back at once, one that closes after 2 s does not. */
#define FORGIVES_ONE CLOCK_S(5)

/* RESUMEs in a row without an answer before the session is given up: some dead sessions
 * are answered by a lost connection, never by op 9. */
#define RESUME_TRIES_MAX 3

/* Sessions live for some minutes without a connection: after this one try is enough. */
#define SESSION_DOUBT_AFTER CLOCK_S(300)

/* Failed connects at the resume host before the general host is tried, and back. */
#define HOST_TRIES           2

#define BACKOFF_BASE         CLOCK_S(1)
#define BACKOFF_CAP          CLOCK_S(60)
#define BACKOFF_IDENTIFY_CAP CLOCK_S(600)

/* Shards that are down together come back spread over this much for each other one, up
 * to the cap; one that fell alone comes back at once. */
#define SPREAD_PER_SHARD CLOCK_MS(50)
#define SPREAD_CAP       CLOCK_S(5)

void
session_reset_connection(struct session *session)
{
	session->interval = SNAPSHOT_NONE;
	session->beat_due = CLOCK_NEVER;
	session->judge_at = CLOCK_NEVER;
	session->unacked_since = CLOCK_NEVER;
	session->open = (struct session_beats){.count = 0};
	session->latency = SNAPSHOT_NONE;
	session->ready_url_fault = NULL;
	session_probe_end(session);
	session_presence_end(session);
	/* A limit that was lowered stays lowered. */
	session->sends = (struct send_budget){.ordinary = session->sends.ordinary};
}

/* ---- the ladder ---- */

/* The rung that the next attempt takes, or the present one took. */
static enum snapshot_cure
rung_of(const struct session *session)
{
	if (!session_is_held(session)) {
		return SNAPSHOT_CURE_IDENTIFY;
	}
	return session->at_general || session->saved.resume_url[0] == '\0' ?
	    SNAPSHOT_CURE_GENERAL :
	    SNAPSHOT_CURE_RESUME;
}

enum snapshot_cure
session_cure(const struct session *session)
{
	if (session->state == SNAPSHOT_READY || session->state == SNAPSHOT_STOPPED ||
	    session->state == SNAPSHOT_FATAL) {
		return SNAPSHOT_CURE_NONE;
	}
	return rung_of(session);
}

/* ---- connecting ---- */

static void
connect_now(struct session_turn *turn)
{
	struct session *session = turn->session;
	bool general =
	    session->fresh_wanted || rung_of(session) != SNAPSHOT_CURE_RESUME;

	session->attempts++;
	session_enter(turn, SNAPSHOT_CONNECTING);
	session_set_deadline(turn, session->config.connect_timeout);
	session_push(turn,
	    (struct session_action){
		.kind = SESSION_CONNECT,
		.url = general ? NULL : session->saved.resume_url,
	    });
}

void
session_connect_fresh(struct session_turn *turn)
{
	turn->session->fresh_wanted = true;
	connect_now(turn);
}

void
session_proceed(struct session_turn *turn)
{
	struct session *session = turn->session;

	session->retry_at = CLOCK_NEVER;
	if (session_is_held(session)) {
		connect_now(turn);
		return;
	}
	if (session->saved.id[0] != '\0' || session->saved.seq >= 0) {
		/* What cannot be resumed must not lend its sequence to the next one. */
		session_forget(turn);
	}
	if (session->reason[0] == '\0') {
		session_set_reason(session, "a new session is needed");
	}
	/* The slot comes before the connection, so that HELLO does not idle. */
	session_enter(turn, SNAPSHOT_WAIT_SLOT);
	session_push_kind(turn, SESSION_ASK_SLOT);
}

static mono_ns
spread(struct session_turn *turn)
{
	mono_ns width = SPREAD_PER_SHARD * turn->crowd;

	return rng_between(turn->rng, 0, width < SPREAD_CAP ? width : SPREAD_CAP);
}

static void
proceed_after(struct session_turn *turn, mono_ns delay)
{
	struct session *session = turn->session;

	delay += spread(turn);
	if (delay <= 0) {
		session_proceed(turn);
		return;
	}
	session_enter(turn, SNAPSHOT_BACKOFF);
	session->retry_at = turn->now + delay;
}

void
session_begin(struct session_turn *turn)
{
	if (session_is_held(turn->session)) {
		session_set_reason(turn->session,
		    "starting: the stored session is to be resumed");
		proceed_after(turn, 0);
	} else {
		session_proceed(turn); /* the identify gate spreads these */
	}
}

void
session_drop_slot(struct session_turn *turn)
{
	struct session *session = turn->session;
	bool holds = session->fresh_wanted &&
	    (session->state == SNAPSHOT_CONNECTING ||
		session->state == SNAPSHOT_WAIT_HELLO);

	if (holds || session->state == SNAPSHOT_WAIT_SLOT) {
		session_push_kind(turn, SESSION_DROP_SLOT);
	}
	session->fresh_wanted = false;
}

/* ---- backing off ---- */

/* The wait after the nth failure in a row.  The first is followed at once; then
 * somewhere below a bound that doubles; from the third on at least a second. */
static mono_ns
backoff(struct session_turn *turn, uint32_t failures, mono_ns cap)
{
	if (failures <= 1) {
		return 0;
	}
	uint32_t doublings = failures - 2 < 16 ? failures - 2 : 16;
	mono_ns ceiling = BACKOFF_BASE << doublings;
	mono_ns floor = failures > 2 ? BACKOFF_BASE : 0;

	return rng_between(turn->rng, floor, ceiling < cap ? ceiling : cap);
}

/* The wait before a try that would spend an IDENTIFY; none where a session is held. */
static mono_ns
identify_delay(struct session_turn *turn)
{
	if (session_is_held(turn->session)) {
		return 0;
	}
	return backoff(turn, turn->session->identify_failures, BACKOFF_IDENTIFY_CAP);
}

/* ---- falling ---- */

void
session_forget(struct session_turn *turn)
{
	struct session_saved *saved = &turn->session->saved;

	saved->id[0] = '\0';
	saved->resume_url[0] = '\0';
	saved->seq = -1;
	saved->guild_id[0] = '\0';
	turn->session->resume_tries = 0;
	turn->session->cure_tries = 0;
	turn->session->at_general = false;
	turn->session->doubtful = false;
	turn->session->unreadable = 0;
	session_push_kind(turn, SESSION_FORGET);
}

/* The connection that ends had been ready for so long. */
static void
forgive(struct session *session, mono_ns held)
{
	if (held >= STABLE_AFTER) {
		session->failures = 0;
		session->identify_failures = 0;
		return;
	}
	uint32_t forgiven = (uint32_t)(held / FORGIVES_ONE);

	session->failures -=
	    forgiven < session->failures ? forgiven : session->failures;
}

/* What every end of a connection or attempt has in common. */
static void
leave(struct session_turn *turn)
{
	struct session *session = turn->session;

	if (session->state == SNAPSHOT_READY) {
		session->down_since = turn->now;
		forgive(session, turn->now - session->last_ready_at);
	}
	session_drop_slot(turn);
	session_reset_connection(session);
}

/* HELLO never came: the host, not the session, is in doubt. */
static void
doubt_host(struct session *session)
{
	if (session->interval != SNAPSHOT_NONE) {
		session->connect_failures = 0;
		return;
	}
	session->connect_failures++;
	if (session->connect_failures >= HOST_TRIES) {
		session->connect_failures = 0;
		session->at_general = !session->at_general;
	}
}

/* The resume host answers HELLO but not RESUME: the last try is for the general one. */
static void
doubt_resume_host(struct session *session)
{
	if (session->resume_tries >= HOST_TRIES) {
		session->at_general = true;
	}
}

/* A RESUME has just failed: was it the last one that this session is worth? */
static bool
is_spent(const struct session *session, mono_ns now)
{
	bool long_down = session->down_since != CLOCK_NEVER &&
	    now - session->down_since > SESSION_DOUBT_AFTER;

	return session->resume_tries >= RESUME_TRIES_MAX || long_down ||
	    session->doubtful;
}

void
session_note_failed(struct session_turn *turn)
{
	struct session *session = turn->session;

	switch (session->state) {
	case SNAPSHOT_RESOLVING:
	case SNAPSHOT_CONNECTING:
		session->failed_at[turn->stage]++;
		return;
	case SNAPSHOT_WAIT_HELLO:
		session->failed_at[SNAPSHOT_STAGE_HELLO]++;
		return;
	case SNAPSHOT_IDENTIFYING:
	case SNAPSHOT_RESUMING:
		session->failed_at[SNAPSHOT_STAGE_AUTH]++;
		return;
	case SNAPSHOT_READY:
	case SNAPSHOT_IDLE:
	case SNAPSHOT_WAIT_SLOT:
	case SNAPSHOT_BACKOFF:
	case SNAPSHOT_STOPPED:
	case SNAPSHOT_FATAL:
		return;
	}
}

void
session_fall(struct session_turn *turn, enum closecode_cure cure, mono_ns least_delay)
{
	struct session *session = turn->session;
	bool resume_failed = session->state == SNAPSHOT_RESUMING;
	enum snapshot_cure tried = session_cure(session);

	session_note_failed(turn);
	doubt_host(session);
	if (resume_failed) {
		doubt_resume_host(session);
	}
	leave(turn);
	if (session->saved.id[0] != '\0' &&
	    (cure == CLOSECODE_IDENTIFY ||
		(resume_failed && is_spent(session, turn->now)))) {
		session_forget(turn);
	}
	if (cure == CLOSECODE_RESUME_ONCE && session_is_held(session)) {
		session->doubtful = true;
	}
	session->failures++;
	session->cure_tries = tried == rung_of(session) ? session->cure_tries + 1 : 0;

	mono_ns delay = backoff(turn, session->failures, BACKOFF_CAP);
	mono_ns slow = identify_delay(turn);

	delay = slow > delay ? slow : delay;
	proceed_after(turn, delay > least_delay ? delay : least_delay);
}

static void
push_close(struct session_turn *turn, unsigned code)
{
	session_push(turn,
	    (struct session_action){.kind = SESSION_CLOSE, .code = code});
}

void
session_give_up(struct session_turn *turn)
{
	push_close(turn, CLOSECODE_KEEP);
	session_fall(turn, CLOSECODE_RESUME, 0);
}

void
session_give_up_session(struct session_turn *turn)
{
	push_close(turn, CLOSECODE_KEEP);
	session_fall(turn, CLOSECODE_IDENTIFY, 0);
}

void
session_come_back(struct session_turn *turn, bool drop_session)
{
	struct session *session = turn->session;

	push_close(turn, drop_session ? CLOSECODE_DONE : CLOSECODE_KEEP);
	if (session->state == SNAPSHOT_RESUMING && session->resume_tries > 0) {
		session->resume_tries--; /* cut short by us: says nothing about it */
	}
	leave(turn);
	if (drop_session) {
		session_forget(turn);
	}
	proceed_after(turn, identify_delay(turn));
}

void
session_refuse(struct session_turn *turn)
{
	leave(turn);
	session_enter(turn, SNAPSHOT_FATAL);
	session_push_kind(turn, SESSION_FATAL);
}

void
session_become_ready(struct session_turn *turn, bool resumed)
{
	struct session *session = turn->session;

	session->connections++;
	session->resume_tries = 0;
	session->cure_tries = 0;
	session->connect_failures = 0;
	session->at_general = false;
	session->doubtful = false;
	session->fresh_wanted = false;
	session->down_since = CLOCK_NEVER;
	session->last_ready_at = turn->now;
	session->reason[0] = '\0';
	session_enter(turn, SNAPSHOT_READY);
	session_probe_begin(turn);
	session_presence_begin(turn, resumed);
}
