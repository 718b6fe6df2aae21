/*
 * Proof of life: is anything delivered at all?
 *
 * Heartbeats are answered by the gateway's edge, even where the session behind it
 * delivers nothing any more.  After a long silence the bot's own member is asked for:
 * the answer is a dispatch, so a session that is merely quiet proves itself, and one
 * that stays silent is dead.  Any dispatch is an answer; the nonce serves those who
 * read the traffic.
 *
 * An unanswered probe is cured by a resume; where the next one is unanswered as well,
 * by a new session, once; and where even that does not help, it is the probe that is in
 * doubt: it rests for an hour.  READY, RESUMED, what a resume replays and what a new
 * session begins with prove nothing: a session may go deaf right behind them.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "session_parts.h"

/* A probe is answered in well below a second; a gateway that takes longer than this is
 * no better than a dead one. */
#define ANSWER_WITHIN CLOCK_S(20)

/* Neither a resume nor a new session helped: the next probe. */
#define PAUSE CLOCK_S(3600)

/* What comes this long after READY is no more the beginning of a session. */
#define BEGINNING CLOCK_S(60)

/* A shorter silence is none. */
#define SILENCE_LEAST CLOCK_S(1)

/* There is no room in the send budget: another look. */
#define LOOK_AGAIN CLOCK_S(1)

void
session_probe_end(struct session *session)
{
	session->probe.due = CLOCK_NEVER;
	session->probe.answer_by = CLOCK_NEVER;
}

static void
look_after(struct session *session, mono_ns since)
{
	mono_ns after = session->config.probe_after;

	if (after <= 0) {
		session->probe.due = CLOCK_NEVER;
		return;
	}
	session->probe.due = since + (after < SILENCE_LEAST ? SILENCE_LEAST : after);
}

void
session_probe_begin(struct session_turn *turn)
{
	session_probe_end(turn->session);
	look_after(turn->session, turn->now);
}

void
session_set_probe_after(struct session *session, mono_ns probe_after, mono_ns now)
{
	session->config.probe_after = probe_after;
	if (session->state == SNAPSHOT_READY) {
		session_probe_end(session);
		look_after(session, now);
	}
}

mono_ns
session_probe_wake_at(const struct session *session)
{
	return session->probe.answer_by != CLOCK_NEVER ? session->probe.answer_by :
							 session->probe.due;
}

void
session_probe_answered(struct session_turn *turn)
{
	struct session *session = turn->session;
	struct session_probe *probe = &session->probe;
	bool proves = probe->answer_by != CLOCK_NEVER ||
	    turn->now - session->last_ready_at >= BEGINNING;

	if (!proves) {
		return;
	}
	probe->misses = 0;
	probe->renewed = false;
	if (probe->answer_by != CLOCK_NEVER) {
		probe->answer_by = CLOCK_NEVER;
		look_after(session, turn->now);
	}
}

static void
send_probe(struct session_turn *turn)
{
	struct session *session = turn->session;
	struct session_probe *probe = &session->probe;

	session->probes++;
	(void)snprintf(probe->nonce, sizeof probe->nonce, "alive-%016" PRIx64,
	    rng_next(turn->rng));
	probe->answer_by = turn->now + ANSWER_WITHIN;
	probe->put_off = false;
	session_push_kind(turn, SESSION_PROBE);
}

/* The silence is looked at late and lazily: dispatches do not move the timer. */
static void
look(struct session_turn *turn)
{
	struct session *session = turn->session;
	struct session_probe *probe = &session->probe;
	bool askable =
	    session->saved.guild_id[0] != '\0' && session->saved.user_id[0] != '\0';

	look_after(session, session->last_dispatch_at);
	if (probe->due > turn->now) {
		return;
	}
	if (turn->now < probe->paused_until) {
		probe->due = probe->paused_until;
	} else if (!askable) {
		look_after(session, turn->now);
	} else if (!send_budget_take(&session->sends, turn->now, false)) {
		probe->due = turn->now + LOOK_AGAIN;
	} else {
		send_probe(turn);
	}
}

static void
rest(struct session_turn *turn)
{
	struct session_probe *probe = &turn->session->probe;

	probe->misses = 0;
	probe->paused_until = turn->now + PAUSE;
	probe->answer_by = CLOCK_NEVER;
	probe->due = probe->paused_until;
	session_push_kind(turn, SESSION_DEAF);
}

static void
judge(struct session_turn *turn)
{
	struct session *session = turn->session;
	struct session_probe *probe = &session->probe;

	if (turn->now - probe->answer_by > SESSION_LATE_TIMER && !probe->put_off) {
		/* The answer may lie unread in the kernel. */
		probe->answer_by = turn->now + SESSION_LATE_TIMER;
		probe->put_off = true;
		return;
	}
	probe->misses++;
	if (probe->misses > 1 && probe->renewed) {
		rest(turn);
		return;
	}
	session->zombies++;
	session_note_verdict(session, SESSION_VERDICT_DEAF);
	if (probe->misses > 1) {
		session_give_up_session(turn);
	} else {
		session_give_up(turn);
	}
}

void
session_probe_due(struct session_turn *turn)
{
	const struct session_probe *probe = &turn->session->probe;

	if (turn->now < session_probe_wake_at(turn->session)) {
		return;
	}
	if (probe->answer_by != CLOCK_NEVER) {
		judge(turn);
	} else {
		look(turn);
	}
}

/* ---- the guild to ask in ---- */

bool
session_probe_reads(const struct session *session, enum dispatch_name name)
{
	return name ==
	    (session->saved.guild_id[0] == '\0' ? DISPATCH_NAME_GUILD_CREATE :
						  DISPATCH_NAME_GUILD_DELETE);
}

bool
session_probe_note_guild(struct session *session, const struct payload *payload)
{
	char *known = session->saved.guild_id;
	struct payload_guild guild;

	if (known[0] == '\0' &&
	    slice_equal(payload->type, SLICE_LITERAL("GUILD_CREATE"))) {
		payload_read_guild(payload->data, &guild);
		if (guild.unavailable || guild.id[0] == '\0') {
			return false;
		}
		memcpy(known, guild.id, sizeof session->saved.guild_id);
		return true;
	}
	if (known[0] == '\0' ||
	    !slice_equal(payload->type, SLICE_LITERAL("GUILD_DELETE"))) {
		return false;
	}
	payload_read_guild(payload->data, &guild);
	if (strcmp(known, guild.id) != 0) {
		return false;
	}
	/* Left, or out of order: nobody would answer there.  Its GUILD_CREATE brings
	 * it back, or another's takes its place. */
	known[0] = '\0';
	return true;
}
