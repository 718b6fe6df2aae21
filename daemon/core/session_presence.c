/*
 * The presence: shown by IDENTIFY, and again by op 3 where Discord may have lost it.
 *
 * It is gone after many resumes and after deploys at Discord's side (seen in
 * discord/discord-api-docs#834), so each RESUMED is followed by one, and each hour.
 */
#include "session_parts.h"

/* Repeated so often: deploys that take it away say nothing. */
#define SHOW_AGAIN CLOCK_S(3600)

/* There is no room in the send budget: another try. */
#define TRY_AGAIN CLOCK_S(1)

void
session_presence_end(struct session *session)
{
	session->presence.due = CLOCK_NEVER;
}

void
session_presence_identified(struct session *session)
{
	session->presence.changed = false;
}

/* The instant from which Discord's limit has room for one more. */
static mono_ns
free_at(const struct session_presence *presence)
{
	if (presence->count < SESSION_PRESENCES) {
		return 0;
	}
	return presence->sent[presence->count % SESSION_PRESENCES] +
	    SESSION_PRESENCE_WINDOW;
}

void
session_presence_due(struct session_turn *turn)
{
	struct session *session = turn->session;
	struct session_presence *presence = &session->presence;

	if (session->state != SNAPSHOT_READY || turn->now < presence->due) {
		return;
	}
	if (turn->now < free_at(presence)) {
		presence->due = free_at(presence);
		return;
	}
	if (!send_budget_take(&session->sends, turn->now, false)) {
		presence->due = turn->now + TRY_AGAIN;
		return;
	}
	presence->sent[presence->count++ % SESSION_PRESENCES] = turn->now;
	presence->changed = false;
	presence->due = turn->now + SHOW_AGAIN;
	session_push_kind(turn, SESSION_SHOW);
}

void
session_presence_begin(struct session_turn *turn, bool resumed)
{
	struct session *session = turn->session;

	if (!session->config.has_presence) {
		return;
	}
	session->presence.due =
	    resumed || session->presence.changed ? turn->now : turn->now + SHOW_AGAIN;
	session_presence_due(turn);
}

void
session_presence_changed(struct session_turn *turn)
{
	struct session *session = turn->session;

	session->config.has_presence = true;
	session->presence.changed = true;
	if (session->state == SNAPSHOT_READY) {
		session->presence.due = turn->now;
		session_presence_due(turn);
	}
}
