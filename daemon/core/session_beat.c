/*
 * Heartbeats: when they are sent, when their silence means death, what their answers
 * say.
 *
 * A beat is judged one full interval after it was sent, not on a grid that HELLO began:
 * a jittered first beat late in the grid would be judged too early.
 */
#include <string.h>

#include "session_parts.h"

/* A beat that comes this much late, in intervals and at least, was held up by a stopped
 * process; by now the gateway has hung up. */
#define STOOD_STILL_AT_LEAST CLOCK_S(5)

/* An answer within this part of the interval after the youngest beat is quick: that
 * seldom happens to a peer that is slower than a whole interval. */
#define QUICK_PART 16

/* Quick answers in a row, while an older beat is open, that show that one was left out.
 */
#define QUICK_MAX 2

void
session_beat_start(struct session_turn *turn, mono_ns interval)
{
	struct session *session = turn->session;

	session->interval = interval;
	session->beat_due = turn->now + rng_between(turn->rng, 0, interval);
}

static void
send_beat(struct session_turn *turn, mono_ns late)
{
	turn->session->heartbeats++;
	session_push(turn,
	    (struct session_action){.kind = SESSION_HEARTBEAT, .late = late});
}

void
session_beat_asked(struct session_turn *turn)
{
	/* Answered at once; neither the schedule nor the verdict sees it.  A storm of
	 * them stops where ordinary sends stop: the regular beats keep their room. */
	if (send_budget_take(&turn->session->sends, turn->now, false)) {
		send_beat(turn, SNAPSHOT_NONE);
	}
}

static void
declare_zombie(struct session_turn *turn, enum session_verdict verdict)
{
	turn->session->zombies++;
	session_note_verdict(turn->session, verdict);
	session_give_up(turn);
}

/* NONE while the unanswered beat may still be answered. */
static enum session_verdict
judge_beats(const struct session *session, mono_ns now)
{
	if (session->unacked_since == CLOCK_NEVER) {
		return SESSION_VERDICT_NONE;
	}
	if (session->last_frame_at <= session->beat_sent_at) {
		return SESSION_VERDICT_SILENT;
	}
	if (now - session->unacked_since >= 2 * session->interval) {
		return SESSION_VERDICT_UNANSWERED;
	}
	return SESSION_VERDICT_NONE;
}

/* Drops the oldest open beats. */
static void
drop_beats(struct session_beats *open, uint32_t count)
{
	open->count -= count;
	memmove(open->sent, open->sent + count, open->count * sizeof *open->sent);
}

static void
note_beat(struct session_beats *open, mono_ns now)
{
	if (open->count == SESSION_BEATS_OPEN) {
		drop_beats(open, 1);
	}
	open->sent[open->count++] = now;
}

void
session_beat_due(struct session_turn *turn)
{
	struct session *session = turn->session;
	mono_ns late = turn->now - session->beat_due;

	if (late > session->interval + session->interval / 2 &&
	    late > STOOD_STILL_AT_LEAST) {
		declare_zombie(turn, SESSION_VERDICT_STOOD_STILL);
		return;
	}
	enum session_verdict verdict = judge_beats(session, turn->now);
	bool dead = verdict != SESSION_VERDICT_NONE;

	if (dead && late > SESSION_LATE_TIMER && session->judge_at == CLOCK_NEVER) {
		session->judge_at = turn->now + SESSION_LATE_TIMER;
		session->beat_due = session->judge_at;
		return;
	}
	session->beats_missed += session->unacked_since != CLOCK_NEVER;
	if (dead) {
		declare_zombie(turn, verdict);
		return;
	}
	if (session->judge_at != CLOCK_NEVER) {
		/* It was put off; its schedule was not. */
		late = turn->now - session->beat_sent_at - session->interval;
		session->judge_at = CLOCK_NEVER;
	}
	/* The gateway set this pace: the beat goes out even where it fills the budget.
	 */
	(void)send_budget_take(&session->sends, turn->now, true);
	send_beat(turn, late);
	session->beat_sent_at = turn->now;
	note_beat(&session->open, turn->now);
	if (session->unacked_since == CLOCK_NEVER) {
		session->unacked_since = turn->now;
	}
	session->beat_due = turn->now + session->interval;
}

/* Answers have no number, but come in order: this one is the oldest open beat's.  A
 * gateway that leaves out an answer for once would make all later ones seem an interval
 * late: where they keep coming as the youngest one's would, they are. */
static mono_ns
take_answered(struct session_beats *open, mono_ns interval, mono_ns now)
{
	mono_ns youngest = open->sent[open->count - 1];
	bool quick = open->count > 1 && now - youngest <= interval / QUICK_PART;

	open->quick = quick ? open->quick + 1 : 0;
	if (open->quick >= QUICK_MAX) {
		drop_beats(open, open->count - 1);
		open->quick = 0;
	}
	mono_ns sent_at = open->sent[0];

	drop_beats(open, 1);
	return sent_at;
}

void
session_beat_answered(struct session_turn *turn)
{
	struct session *session = turn->session;

	session->acks++;
	session->last_ack_at = turn->now;
	if (session->open.count == 0) {
		return; /* more answers than beats: harmless */
	}
	session->latency =
	    turn->now - take_answered(&session->open, session->interval, turn->now);
	/* Whichever it is of, it is a sign of life. */
	session->unacked_since = CLOCK_NEVER;
	session->judge_at = CLOCK_NEVER;
	session->latency_at = turn->now;
	latency_add(&session->latencies, session->latency);
}

mono_ns
session_beat_latency(const struct session *session, mono_ns now)
{
	if (session->latency == SNAPSHOT_NONE ||
	    now - session->latency_at > 2 * session->interval) {
		return SNAPSHOT_NONE;
	}
	if (session->open.count == 0) {
		return session->latency;
	}
	mono_ns open = now - session->open.sent[0];

	return open > session->latency ? open : session->latency;
}
