/*
 * The rules, watched from outside: events and actions in, its own bookkeeping, and the
 * session's public view for comparison.  The numbers are the contract's and the
 * protocol's, not the session's constants.
 */
#include <inttypes.h>
#include <string.h>

#include "simulate.h"

/* A loss of this much makes one failed RESUME enough. */
#define LONG_DOWN CLOCK_S(300)

/* ---- the beginning of a process ---- */

static void
judge_record(struct sim *sim, struct lane *at, enum record_verdict verdict)
{
	const struct session_saved *saved = &at->session.saved;
	struct judge *judge = &at->judge;
	bool held = saved->id[0] != '\0';

	if (fault_is_on(sim, FAULT_RECORD_DAMAGED)) {
		/* What comes back from a damaged record may be nothing, or older. */
		judge->held = held;
		judge->dead = false;
		judge->blind = true;
		judge->seq = saved->seq;
		judge->delivered = saved->seq;
		memcpy(judge->id, saved->id, sizeof judge->id);
		return;
	}
	if (judge->held != held) {
		broken(sim, "the record's verdict is \"%s\", held before: %d",
		    record_verdict_text(verdict), judge->held);
		return;
	}
	if (held && (strcmp(judge->id, saved->id) != 0 || judge->seq != saved->seq)) {
		broken(sim,
		    "the record gives %.20s at %" PRId64 ", not %.20s at %" PRId64,
		    saved->id, saved->seq, judge->id, judge->seq);
	}
}

void
judge_start(struct sim *sim, uint32_t lane, enum record_verdict verdict)
{
	struct judge *judge = &sim->lane[lane].judge;

	judge_record(sim, &sim->lane[lane], verdict);
	judge_unlinked(sim, lane, false);
	for (uint32_t i = 0; i < CONNECTS_PER_MIN; i++) {
		judge->connects[i] = -DAY;
	}
	judge->connected_at = -DAY;
	judge->falls = 0;
	judge->zombies_seen = 0;
	judge->stuck = 0;
	judge->asked = false;
	judge->down_since = CLOCK_NEVER;
	judge->resumes_failed = 0;
	judge->probes_failed = 0;
	judge->rest_until = 0;
	judge->unreadable = 0;
}

/* ---- events ---- */

/* A connection that held forgives failures: one for each 5 s, all after a minute. */
static void
forgive(struct judge *judge, mono_ns held)
{
	uint32_t forgiven =
	    held < CLOCK_S(60) ? (uint32_t)(held / CLOCK_S(5)) : judge->falls;

	judge->falls -= forgiven < judge->falls ? forgiven : judge->falls;
}

void
judge_unlinked(struct sim *sim, uint32_t lane, bool counts)
{
	struct judge *judge = &sim->lane[lane].judge;

	if (judge->ready_at != CLOCK_NEVER) {
		judge->down_since = sim->now;
		forgive(judge, sim->now - judge->ready_at);
	}
	judge->falls += counts;
	judge->linked = false;
	judge->opened = false;
	judge->resuming = false;
	judge->logins = 0;
	judge->interval = 0;
	judge->late = 0;
	judge->probing = false;
	judge->event_at = CLOCK_NEVER;
	judge->ready_at = CLOCK_NEVER;
	judge->beat_at = CLOCK_NEVER;
	judge->mute_since = CLOCK_NEVER;
	judge->unacked_since = CLOCK_NEVER;
}

static void
become_ready(struct sim *sim, struct judge *judge)
{
	judge->dead = false;
	judge->doubtful = false;
	judge->resuming = false;
	judge->resumes_failed = 0;
	if (judge->ready_at != CLOCK_NEVER) {
		return;
	}
	judge->ready_at = sim->now;
	judge->event_at = sim->now;
	judge->down_since = CLOCK_NEVER;
	mono_ns healing = sim->now - sim->trouble_until;

	if (healing > sim->totals->worst_healing && sim->trouble_until > sim->begin) {
		sim->totals->worst_healing = healing;
		sim->totals->worst_healing_seed = sim->seed;
	}
}

static void
see_seq(struct judge *judge, int64_t seq)
{
	if (seq <= SESSION_SEQ_MAX && seq > judge->seq) {
		judge->seq = seq;
	}
}

/* Any dispatch proves that the session delivers; those right after READY do not say
 * that it still does. */
static void
see_answer(struct sim *sim, struct judge *judge)
{
	if (judge->ready_at == CLOCK_NEVER) {
		return;
	}
	judge->event_at = sim->now;
	if (judge->probing || sim->now - judge->ready_at >= CLOCK_S(60)) {
		judge->probing = false;
		judge->probes_failed = 0;
	}
}

static void
see_ready(struct sim *sim, struct judge *judge, int64_t serial)
{
	judge->held = serial != 0;
	judge->blind = false;
	judge->seq = 1;
	judge->delivered = 0;
	judge->gap_allowed = false;
	judge->id[0] = '\0';
	if (judge->held) {
		(void)snprintf(judge->id, sizeof judge->id, "s%" PRId64, serial);
	}
	become_ready(sim, judge);
}

static void
see_lost(struct sim *sim, uint32_t lane, unsigned code)
{
	struct judge *judge = &sim->lane[lane].judge;

	if (!judge->linked) {
		return;
	}
	switch (closecode_find(code)->cure) {
	case CLOSECODE_RESUME:
		break;
	case CLOSECODE_RESUME_ONCE:
		judge->doubtful = true;
		break;
	case CLOSECODE_IDENTIFY:
	case CLOSECODE_STOP:
		judge->dead = true;
		break;
	}
	judge_unlinked(sim, lane, true);
}

static void
see_unreadable(struct judge *judge)
{
	if (judge->unreadable_seq != judge->seq) {
		judge->unreadable = 0;
	}
	judge->unreadable_seq = judge->seq;
	judge->unreadable++;
	judge->dead = judge->dead || judge->unreadable >= 3;
}

/* Somebody wants a fresh connection: nobody's failure. */
static void
see_wish(struct judge *judge, bool drop)
{
	judge->asked = true;
	judge->dead = judge->dead || drop;
	if (judge->resuming && judge->resumes_failed > 0) {
		judge->resumes_failed--;
	}
}

static void
see_hello(struct sim *sim, struct judge *judge, int64_t interval_ms)
{
	if (judge->interval == 0 && interval_ms >= 100 && interval_ms <= 600000) {
		judge->interval = CLOCK_MS(interval_ms);
		judge->beat_at = sim->now;
	}
}

/* By how much the session's timer should have come before. */
static mono_ns
overdue(const struct sim *sim, uint32_t lane)
{
	mono_ns late = sim->now - session_wake_at(&sim->lane[lane].session);

	return late > 0 ? late : 0;
}

void
judge_event(struct sim *sim, uint32_t lane, const struct session_event *event,
    const struct note *note)
{
	struct judge *judge = &sim->lane[lane].judge;

	sim->judged = lane;
	bool logged_in = judge->logins > 0;

	switch ((int)note->kind) {
	case NOTE_TIMEOUT:
		judge->late += overdue(sim, lane);
		return;
	case NOTE_OPENED:
		/* It waited with the timer that would have given it up. */
		judge->late += overdue(sim, lane);
		judge->opened = judge->linked;
		return;
	case NOTE_HELLO:
		see_hello(sim, judge, note->value);
		return;
	case NOTE_READY:
		if (logged_in) {
			judge->login_at = sim->now;
			see_ready(sim, judge, note->value);
		}
		return;
	case NOTE_RESUMED:
	case NOTE_DISPATCH:
	case NOTE_REPEAT:
	case NOTE_GAP:
		if (logged_in) {
			judge->gap_allowed =
			    judge->gap_allowed || note->kind == NOTE_GAP;
			judge->login_at = sim->now;
			see_seq(judge, note->value);
			see_answer(sim, judge);
		}
		if (note->kind == NOTE_RESUMED && judge->resuming) {
			sim->totals->resumed++;
			become_ready(sim, judge);
		}
		return;
	case NOTE_ACK:
		judge->unacked_since = CLOCK_NEVER;
		return;
	case NOTE_OP7:
		judge->asked = true;
		return;
	case NOTE_OP9_FALSE:
		judge->dead = true;
		return;
	case NOTE_UNREADABLE:
		see_unreadable(judge);
		return;
	case NOTE_LOST:
		see_lost(sim, lane, event->code);
		return;
	case NOTE_SLEPT:
	case NOTE_RECONNECT:
		see_wish(judge, event->drop_session);
		return;
	default:
		return;
	}
}

/* ---- actions ---- */

static bool
may_give_up(const struct sim *sim, const struct judge *judge)
{
	bool long_down = judge->down_since != CLOCK_NEVER &&
	    sim->now - judge->down_since > LONG_DOWN;

	return !judge->held || judge->dead || judge->resumes_failed >= 3 ||
	    judge->probes_failed >= 2 ||
	    (judge->resumes_failed >= 1 && (judge->doubtful || long_down));
}

static void
on_connect(struct sim *sim, struct judge *judge)
{
	mono_ns *slot = &judge->connects[judge->connect_next % CONNECTS_PER_MIN];

	if (judge->linked) {
		broken(sim, "CONNECT while a connection lives");
	}
	if (!judge->asked) {
		if (judge->falls >= 3 && sim->now - judge->connected_at < CLOCK_S(1)) {
			broken(sim,
			    "two CONNECTs within 1 s after %" PRIu32 " failures",
			    judge->falls);
		}
		if (sim->now - *slot < CLOCK_S(60)) {
			broken(sim, "a hot loop: %d CONNECTs within %.3f s",
			    CONNECTS_PER_MIN + 1, clock_seconds(sim->now - *slot));
		}
		*slot = sim->now;
		judge->connect_next++;
	}
	judge->linked = true;
	judge->asked = false;
	judge->connected_at = sim->now;
}

static void
on_close(struct sim *sim, uint32_t lane, unsigned code, const struct note *note)
{
	struct judge *judge = &sim->lane[lane].judge;
	bool asked = note->kind == NOTE_OP7 || note->kind == NOTE_SLEPT ||
	    note->kind == NOTE_RECONNECT || note->kind == NOTE_STOP;

	if (!judge->linked) {
		broken(sim, "CLOSE without a connection");
	}
	if (code < 4000 && judge->held && !judge->dead) {
		broken(sim, "CLOSE with %u, which ends a session that lives", code);
	}
	judge_unlinked(sim, lane, !asked);
}

static void
on_heartbeat(struct sim *sim, struct judge *judge, const struct note *note)
{
	if (judge->interval == 0) {
		broken(sim, "a heartbeat before HELLO");
	}
	if (note->kind == NOTE_BEAT_ASKED) {
		return;
	}
	if (note->kind != NOTE_TIMEOUT) {
		broken(sim, "a heartbeat that nobody wanted");
	}
	judge->beat_at = sim->now;
	if (judge->unacked_since == CLOCK_NEVER) {
		judge->unacked_since = sim->now;
	}
}

static void
on_login(struct sim *sim, struct judge *judge)
{
	if (judge->interval == 0) {
		broken(sim, "a login before HELLO");
	}
	if (++judge->logins > 1) {
		broken(sim, "a second login on one connection");
	}
	judge->login_at = sim->now;
}

static void
on_identify(struct sim *sim, struct lane *at)
{
	struct judge *judge = &at->judge;

	on_login(sim, judge);
	if (judge->held) {
		broken(sim, "IDENTIFY while %.20s can be resumed", judge->id);
	}
	if (!at->link.general) {
		broken(sim, "IDENTIFY at a resume host");
	}
}

static void
on_resume(struct sim *sim, struct lane *at)
{
	struct judge *judge = &at->judge;

	on_login(sim, judge);
	if (!judge->held || judge->dead) {
		broken(sim, "RESUME of a session that is gone");
	}
	judge->resuming = true;
	judge->resumes_failed++;
}

/* Each event once, in order, none left out but where Discord left one out. */
static void
on_dispatch(struct sim *sim, struct judge *judge, const struct note *note)
{
	int64_t seq = note->kind == NOTE_READY ? 1 : note->value;

	if (judge->logins == 0) {
		broken(sim, "a dispatch is handed on before a login");
	}
	if (seq > SESSION_SEQ_MAX || !judge->held) {
		return;
	}
	if (seq <= judge->delivered) {
		broken(sim, "event %" PRId64 " is handed on again, after %" PRId64, seq,
		    judge->delivered);
	}
	if (seq > judge->delivered + 1 && !judge->gap_allowed) {
		broken(sim, "event %" PRId64 " comes after %" PRId64, seq,
		    judge->delivered);
	}
	judge->gap_allowed = false;
	judge->delivered = seq;
}

static void
on_forget(struct sim *sim, struct judge *judge)
{
	if (!may_give_up(sim, judge)) {
		broken(sim, "%.20s is given up although it can be resumed", judge->id);
	}
	judge->held = false;
	judge->dead = false;
	judge->doubtful = false;
	judge->resumes_failed = 0;
	judge->unreadable = 0;
	judge->seq = -1;
	judge->id[0] = '\0';
}

static void
on_probe(struct sim *sim, struct judge *judge)
{
	if (judge->ready_at == CLOCK_NEVER || judge->probing ||
	    sim->now - judge->event_at < sim->probe_after) {
		broken(sim, "a proof of life is asked for without need");
	}
	judge->probing = true;
	judge->probes_failed++;
}

static void
on_deaf(struct sim *sim, struct judge *judge)
{
	if (judge->probes_failed < 2) {
		broken(sim, "deaf after %" PRIu32 " probes", judge->probes_failed);
	}
	judge->probing = false;
	judge->probes_failed = 0;
	judge->rest_until = sim->now + CLOCK_S(3600);
}

void
judge_action(struct sim *sim, uint32_t lane, const struct session_action *action,
    const struct note *note)
{
	struct lane *at = &sim->lane[lane];

	switch ((int)action->kind) {
	case SESSION_CONNECT:
		on_connect(sim, &at->judge);
		return;
	case SESSION_CLOSE:
		on_close(sim, lane, action->code, note);
		return;
	case SESSION_HEARTBEAT:
		on_heartbeat(sim, &at->judge, note);
		return;
	case SESSION_IDENTIFY:
		on_identify(sim, at);
		return;
	case SESSION_RESUME:
		on_resume(sim, at);
		return;
	case SESSION_DISPATCH:
		on_dispatch(sim, &at->judge, note);
		return;
	case SESSION_FORGET:
		on_forget(sim, &at->judge);
		return;
	case SESSION_SAVE:
		if (!at->judge.held) {
			broken(sim, "a session is stored that there is not");
		}
		return;
	case SESSION_PROBE:
		on_probe(sim, &at->judge);
		return;
	case SESSION_DEAF:
		on_deaf(sim, &at->judge);
		return;
	case SESSION_FATAL:
		if (note->kind != NOTE_LOST) {
			broken(sim, "FATAL without a fatal close code");
		}
		return;
	default:
		return;
	}
}
