/* What must hold after each step, by the judge's bookkeeping. */
#include <inttypes.h>
#include <string.h>

#include "simulate.h"

/* A beat may come so much late although the process was in time. */
#define BEAT_ALLOWANCE CLOCK_MS(600)

/* A verdict over a late timer is put off by 500 ms, twice at most. */
#define NOTICE_ALLOWANCE CLOCK_MS(1200)

/* Connect, upgrade and HELLO; then a login that is answered by pieces only. */
#define HELLO_WITHIN CLOCK_S(20)
#define READY_WITHIN CLOCK_S(60)

/* The longest wait between two tries: Retry-After is believed up to 900 s, the shards'
 * spread comes on top. */
#define BACKOFF_MOST CLOCK_S(906)

/* After the last trouble: the longest wait, one more failure, a new session's wait. */
#define HEALS_WITHIN CLOCK_S(2400)

static bool
is_linked_state(enum snapshot_state state)
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

static void
check_session(struct sim *sim, const struct lane *at)
{
	const struct session *session = &at->session;
	const struct judge *judge = &at->judge;

	if (is_linked_state(session->state) != judge->linked) {
		broken(sim, "state \"%s\" with%s a connection",
		    snapshot_state_text(session->state), judge->linked ? "" : "out");
	}
	if (judge->held != (session->saved.id[0] != '\0')) {
		broken(sim, "the session is held: %d, by the rules: %d", !judge->held,
		    judge->held);
	}
	if (judge->held && session->saved.seq != judge->seq) {
		broken(sim, "the sequence is %" PRId64 ", by the rules %" PRId64,
		    session->saved.seq, judge->seq);
	}
	if (judge->held && strcmp(session->saved.id, judge->id) != 0) {
		broken(sim, "the session is %.20s, by the rules %.20s",
		    session->saved.id, judge->id);
	}
}

static void
check_waits(struct sim *sim, struct lane *at, const struct note *note)
{
	struct judge *judge = &at->judge;
	mono_ns wake_at = session_wake_at(&at->session);

	if (note->kind == NOTE_TIMEOUT && wake_at <= sim->now) {
		if (++judge->stuck > 3) {
			broken(sim, "timeouts without progress");
		}
	} else {
		judge->stuck = 0;
	}
	switch (at->session.state) {
	case SNAPSHOT_BACKOFF:
		if (wake_at == CLOCK_NEVER || wake_at > sim->now + BACKOFF_MOST) {
			broken(sim, "backs off for %.3f s",
			    clock_seconds(wake_at - sim->now));
		}
		return;
	case SNAPSHOT_WAIT_SLOT:
		if (!at->wants_slot || (sim->slots_at == CLOCK_NEVER && !sim->asking)) {
			broken(sim, "waits for a slot that will never come");
		}
		return;
	case SNAPSHOT_RESOLVING:
	case SNAPSHOT_CONNECTING:
	case SNAPSHOT_WAIT_HELLO:
	case SNAPSHOT_IDENTIFYING:
	case SNAPSHOT_RESUMING:
	case SNAPSHOT_READY:
		if (wake_at == CLOCK_NEVER) {
			broken(sim, "nothing will ever happen again");
		}
		return;
	case SNAPSHOT_STOPPED:
	case SNAPSHOT_FATAL:
		return;
	case SNAPSHOT_IDLE:
		broken(sim, "idle");
		return;
	}
}

/* What the process missed does not count against the session, also while its timer is
 * still to come. */
static bool
is_over(const struct sim *sim, const struct lane *at, mono_ns since, mono_ns limit)
{
	mono_ns overdue = sim->now - session_wake_at(&at->session);
	mono_ns late = at->judge.late + (overdue > 0 ? overdue : 0);

	return since != CLOCK_NEVER && sim->now - since > limit + late;
}

/* What must have been noticed by now. */
static void
check_time(struct sim *sim, const struct lane *at)
{
	const struct judge *judge = &at->judge;
	mono_ns two = 2 * judge->interval + NOTICE_ALLOWANCE;

	if (judge->linked && judge->logins == 0 &&
	    is_over(sim, at, judge->connected_at, HELLO_WITHIN + NOTICE_ALLOWANCE)) {
		broken(sim, "no HELLO, and nobody minds");
	}
	if (judge->logins > 0 && judge->ready_at == CLOCK_NEVER &&
	    is_over(sim, at, judge->login_at, READY_WITHIN + NOTICE_ALLOWANCE)) {
		broken(sim, "a login is not answered, and nobody minds");
	}
	if (judge->interval == 0) {
		return;
	}
	if (is_over(sim, at, judge->beat_at, judge->interval + BEAT_ALLOWANCE)) {
		broken(sim, "no heartbeat for %.3f s, interval %.3f s",
		    clock_seconds(sim->now - judge->beat_at),
		    clock_seconds(judge->interval));
	}
	if (is_over(sim, at, judge->mute_since, two) ||
	    is_over(sim, at, judge->unacked_since, two)) {
		broken(sim, "a dead peer is not noticed within two intervals");
	}
}

/* A session that delivers nothing is found out, where that is asked for; the probe may
 * wait for room in the send budget. */
static void
check_deafness(struct sim *sim, const struct lane *at)
{
	const struct judge *judge = &at->judge;
	mono_ns since =
	    judge->event_at > judge->rest_until ? judge->event_at : judge->rest_until;

	if (sim->probe_after > 0 && judge->held && !judge->blind &&
	    judge->ready_at != CLOCK_NEVER &&
	    is_over(sim, at, since,
		sim->probe_after + CLOCK_S(22) + QUOTA_SENDS_WINDOW)) {
		broken(sim, "a session that delivers nothing is not noticed");
	}
}

static void
check_healing(struct sim *sim, const struct lane *at)
{
	const struct judge *judge = &at->judge;

	if (judge->ready_at != CLOCK_NEVER ||
	    sim->now <= sim->trouble_until + HEALS_WITHIN) {
		return;
	}
	if (at->session.state == SNAPSHOT_WAIT_SLOT &&
	    identify_gate_left(&sim->gate, ledger_ms(sim)) <= 0) {
		return; /* the day's budget is spent: it waits, as it must */
	}
	broken(sim, "not ready %.0f s after the last trouble",
	    clock_seconds(sim->now - sim->trouble_until));
}

static bool
is_no_age(mono_ns age)
{
	return age < SNAPSHOT_NONE;
}

static void
check_view(struct sim *sim, const struct lane *at, const struct snapshot *snap)
{
	const struct judge *judge = &at->judge;
	bool ready = judge->ready_at != CLOCK_NEVER;
	mono_ns down = judge->down_since == CLOCK_NEVER ? SNAPSHOT_NONE :
							  sim->now - judge->down_since;

	if (snap->connected != ready || snap->ready != ready ||
	    (snap->state == SNAPSHOT_READY) != ready) {
		broken(sim, "connected without READY, or the other way round");
	}
	if (snap->disconnect_age != (ready ? SNAPSHOT_NONE : down)) {
		broken(sim, "disconnect_age %.3f s, since the first loss %.3f s",
		    clock_seconds(snap->disconnect_age), clock_seconds(down));
	}
	if (is_no_age(snap->latency) || is_no_age(snap->last_event_age) ||
	    is_no_age(snap->last_dispatch_age) || is_no_age(snap->last_ready_age) ||
	    is_no_age(snap->uptime) || is_no_age(snap->next_try_in) ||
	    is_no_age(snap->latency_stats.p99)) {
		broken(sim, "an age below zero");
	}
	if (!judge->linked && snap->latency != SNAPSHOT_NONE) {
		broken(sim, "a latency without a connection");
	}
	if (ready && snap->uptime != sim->now - judge->ready_at) {
		broken(sim, "uptime %.3f s", clock_seconds(snap->uptime));
	}
	bool waits = snap->state == SNAPSHOT_BACKOFF;

	if (waits && snap->next_try_in == SNAPSHOT_NONE) {
		broken(sim, "backing off, and the view does not say for how long");
	}
	if (waits && snap->reason[0] == '\0') {
		broken(sim, "backing off, and the view does not say why");
	}
}

static void
check_zombies(struct sim *sim, struct lane *at)
{
	struct judge *judge = &at->judge;

	if (at->session.zombies == judge->zombies_seen) {
		return;
	}
	sim->totals->zombies += at->session.zombies - judge->zombies_seen;
	judge->zombies_seen = at->session.zombies;
	if (at->server.deaf) {
		fault_heals_at(sim, sim->now); /* found out, long after it began */
	} else if (sim->now > sim->trouble_until + 3 * sim->interval) {
		broken(sim, "a false alarm: a living connection is called dead");
	}
}

void
judge_after(struct sim *sim, uint32_t lane, const struct note *note)
{
	struct lane *at = &sim->lane[lane];
	struct snapshot snap;

	sim->judged = lane;
	check_session(sim, at);
	check_waits(sim, at, note);
	check_time(sim, at);
	check_deafness(sim, at);
	check_zombies(sim, at);
	check_healing(sim, at);
	session_snapshot(&at->session, sim->now, &snap);
	check_view(sim, at, &snap);
}

void
judge_check(struct sim *sim, uint32_t lane)
{
	struct lane *at = &sim->lane[lane];

	if (at->judge.ready_at == CLOCK_NEVER && at->judge.down_since == CLOCK_NEVER) {
		at->judge.down_since = sim->now;
	}
	sim->judged = lane;
	check_time(sim, at);
	check_deafness(sim, at);
	check_healing(sim, at);
}
