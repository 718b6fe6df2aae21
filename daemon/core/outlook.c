#include "outlook.h"

/* Timeouts that are played ahead at most: of a connection that falls silent there are a
 * handful, more only where the send budget is full and asked again each second. */
#define STEPS_MAX 512

/* A copy of a session on its way into a future in which nothing arrives. */
struct play {
	const struct outlook_input *in;
	struct outlook *out;
	struct session session;
	struct rng rng; /* no instant that is told depends on it */
	struct session_actions actions;
	mono_ns now;
	mono_ns check_at; /* the first check that was not looked at yet */
	bool warned;
	bool over; /* what follows is random, or the process has ended */
};

/* ---- the list ---- */

/* In the order of the instants, of a rule the first one; an unknown instant goes first,
 * and nothing comes behind the end of the process. */
static void
add(struct outlook *out, const struct outlook_entry *entry)
{
	unsigned at = out->count;

	for (unsigned i = 0; i < out->count; i++) {
		if (out->list[i].rule == entry->rule) {
			return;
		}
	}
	while (at > 0 && out->list[at - 1].in > entry->in) {
		at--;
	}
	if (at == OUTLOOK_MAX) {
		return;
	}
	unsigned last = out->count < OUTLOOK_MAX ? out->count : OUTLOOK_MAX - 1;

	for (unsigned i = last; i > at; i--) {
		out->list[i] = out->list[i - 1];
	}
	out->list[at] = *entry;
	out->count = last + 1;
	if (outlook_action(entry->rule) == OUTLOOK_ACTION_EXIT) {
		out->count = at + 1;
	}
}

static void
add_rule(struct play *play, enum outlook_rule rule)
{
	add(play->out,
	    &(struct outlook_entry){
		.rule = rule,
		.in = play->now - play->in->now,
	    });
}

/* ---- the watchdog ---- */

static enum watchdog_verdict
verdict_at(const struct play *play, mono_ns at)
{
	struct snapshot snap;

	session_snapshot(&play->session, at, &snap);
	return watchdog_decide(&snap, &play->in->limits);
}

/* The first check before an instant with at least this verdict; CLOCK_NEVER without
 * one.  While nothing arrives a verdict only grows worse. */
static mono_ns
first_check(const struct play *play, mono_ns before, enum watchdog_verdict least)
{
	mono_ns keepalive = play->in->limits.keepalive;

	if (play->check_at >= before) {
		return CLOCK_NEVER;
	}
	mono_ns low = 0;
	mono_ns high = (before - 1 - play->check_at) / keepalive;

	if (verdict_at(play, play->check_at + high * keepalive) < least) {
		return CLOCK_NEVER;
	}
	while (low < high) {
		mono_ns middle = low + (high - low) / 2;

		if (verdict_at(play, play->check_at + middle * keepalive) >= least) {
			high = middle;
		} else {
			low = middle + 1;
		}
	}
	return play->check_at + low * keepalive;
}

static void
add_check(struct play *play, mono_ns at, enum outlook_rule rule)
{
	add(play->out, &(struct outlook_entry){.rule = rule, .in = at - play->in->now});
}

/* The checks up to the session's next step; one at the same instant comes after it. */
static void
look_until(struct play *play, mono_ns before)
{
	mono_ns keepalive = play->in->limits.keepalive;
	mono_ns warns_at = first_check(play, before, WATCHDOG_STALE);
	mono_ns ends_at = warns_at == CLOCK_NEVER ?
	    CLOCK_NEVER :
	    first_check(play, before, WATCHDOG_ZOMBIE);

	if (warns_at < ends_at && !play->warned) {
		play->warned = true;
		add_check(play, warns_at, OUTLOOK_WATCHDOG_STALE);
	}
	if (ends_at != CLOCK_NEVER) {
		add_check(play, ends_at, OUTLOOK_WATCHDOG_ZOMBIE);
		play->over = true;
	}
	if (before > play->check_at) {
		play->check_at +=
		    ((before - 1 - play->check_at) / keepalive + 1) * keepalive;
	}
}

/* It stays down: nothing but the grace counts any more. */
static void
look_for_the_end(struct play *play)
{
	const struct watchdog_limits *limits = &play->in->limits;

	session_note_check(&play->session, play->check_at);
	mono_ns before = clock_add(clock_add(play->check_at, limits->disconnect_grace),
	    2 * limits->keepalive);
	mono_ns ends_at = first_check(play, before, WATCHDOG_DOWN);

	if (ends_at != CLOCK_NEVER) {
		add_check(play, ends_at, OUTLOOK_WATCHDOG_DOWN);
	}
}

/* ---- the session ---- */

static bool
has_action(const struct play *play, enum session_action_kind kind)
{
	for (unsigned i = 0; i < play->actions.count; i++) {
		if (play->actions.list[i].kind == kind) {
			return true;
		}
	}
	return false;
}

static enum outlook_rule
deadline_rule(enum snapshot_state state)
{
	switch (state) {
	case SNAPSHOT_WAIT_HELLO:
		return OUTLOOK_HELLO_DEADLINE;
	case SNAPSHOT_IDENTIFYING:
		return OUTLOOK_READY_DEADLINE;
	case SNAPSHOT_RESUMING:
		return OUTLOOK_RESUMED_DEADLINE;
	case SNAPSHOT_IDLE:
	case SNAPSHOT_RESOLVING:
	case SNAPSHOT_CONNECTING:
	case SNAPSHOT_WAIT_SLOT:
	case SNAPSHOT_READY:
	case SNAPSHOT_BACKOFF:
	case SNAPSHOT_STOPPED:
	case SNAPSHOT_FATAL:
		return OUTLOOK_CONNECT_DEADLINE;
	}
	return OUTLOOK_CONNECT_DEADLINE;
}

static enum outlook_rule
give_up_rule(enum session_verdict verdict, enum snapshot_state state)
{
	switch (verdict) {
	case SESSION_VERDICT_STOOD_STILL:
		return OUTLOOK_STOOD_STILL;
	case SESSION_VERDICT_SILENT:
		return OUTLOOK_SILENT;
	case SESSION_VERDICT_UNANSWERED:
		return OUTLOOK_UNANSWERED;
	case SESSION_VERDICT_DEAF:
		return OUTLOOK_DEAF;
	case SESSION_VERDICT_DEADLINE:
	case SESSION_VERDICT_NONE:
		return deadline_rule(state);
	}
	return deadline_rule(state);
}

static enum outlook_follow
follow_of(const struct session *session)
{
	bool later = session->state == SNAPSHOT_BACKOFF;

	switch (session_cure(session)) {
	case SNAPSHOT_CURE_RESUME:
		return later ? OUTLOOK_FOLLOW_RESUME_LATER : OUTLOOK_FOLLOW_RESUME;
	case SNAPSHOT_CURE_GENERAL:
		return later ? OUTLOOK_FOLLOW_GENERAL_LATER : OUTLOOK_FOLLOW_GENERAL;
	case SNAPSHOT_CURE_IDENTIFY:
		return later ? OUTLOOK_FOLLOW_IDENTIFY_LATER : OUTLOOK_FOLLOW_IDENTIFY;
	case SNAPSHOT_CURE_NONE:
		return OUTLOOK_FOLLOW_NOTHING;
	}
	return OUTLOOK_FOLLOW_NOTHING;
}

static void
note_connect(struct play *play, const struct session_action *action)
{
	add_rule(play, action->url ? OUTLOOK_RETRY_RESUME : OUTLOOK_RETRY_GENERAL);
	play->over = true;
}

/* What one step did, in the words of the rules. */
static void
note(struct play *play, enum snapshot_state before)
{
	if (has_action(play, SESSION_CLOSE)) {
		add(play->out,
		    &(struct outlook_entry){
			.rule = give_up_rule(play->session.verdict, before),
			.in = play->now - play->in->now,
			.follow = follow_of(&play->session),
		    });
		play->over = true;
		return;
	}
	for (unsigned i = 0; i < play->actions.count; i++) {
		const struct session_action *action = &play->actions.list[i];

		switch (action->kind) {
		case SESSION_HEARTBEAT:
			add_rule(play, OUTLOOK_HEARTBEAT);
			break;
		case SESSION_SHOW:
			add_rule(play, OUTLOOK_PRESENCE);
			break;
		case SESSION_PROBE:
			add_rule(play, OUTLOOK_PROBE);
			break;
		case SESSION_DEAF:
			add_rule(play, OUTLOOK_PROBE_RESTS);
			break;
		case SESSION_CONNECT:
			note_connect(play, action);
			break;
		case SESSION_ASK_SLOT:
			add_rule(play, OUTLOOK_RETRY_NEW);
			play->over = true;
			break;
		case SESSION_IDENTIFY:
		case SESSION_RESUME:
		case SESSION_CLOSE:
		case SESSION_DROP_SLOT:
		case SESSION_SAVE:
		case SESSION_FORGET:
		case SESSION_DISPATCH:
		case SESSION_FATAL:
		case SESSION_CHANGED:
			break;
		}
	}
}

static void
step(struct play *play, mono_ns at)
{
	const struct session_event event = {
	    .kind = SESSION_TIMEOUT,
	    .crowd = play->in->crowd,
	};
	enum snapshot_state before = play->session.state;

	play->now = at;
	session_step(&play->session, &event, at, &play->rng, &play->actions);
	note(play, before);
}

/* Until the connection, or the wait for one, is over. */
static void
play_on(struct play *play)
{
	for (unsigned i = 0; i < STEPS_MAX && !play->over; i++) {
		mono_ns at = session_wake_at(&play->session);

		if (at == CLOCK_NEVER) {
			return;
		}
		at = at < play->now ? play->now : at;
		if (play->session.state == SNAPSHOT_READY) {
			look_until(play, at);
		}
		if (!play->over) {
			step(play, at);
		}
	}
}

/* ---- what is not the session's to decide ---- */

static struct outlook_entry
slot_entry(const struct snapshot *snap)
{
	switch (snap->hold) {
	case SNAPSHOT_HOLD_SPACING:
		return (struct outlook_entry){.rule = OUTLOOK_SLOT_SPACING};
	case SNAPSHOT_HOLD_QUEUE:
		return (struct outlook_entry){
		    .rule = OUTLOOK_SLOT_QUEUE,
		    .doubt = OUTLOOK_DOUBT_ESTIMATE,
		};
	case SNAPSHOT_HOLD_BUDGET:
		return (struct outlook_entry){.rule = OUTLOOK_SLOT_BUDGET};
	case SNAPSHOT_HOLD_DISK:
		return (struct outlook_entry){.rule = OUTLOOK_SLOT_DISK};
	case SNAPSHOT_HOLD_API:
		return (struct outlook_entry){.rule = OUTLOOK_SLOT_API};
	case SNAPSHOT_HOLD_BLIND:
		return (struct outlook_entry){
		    .rule = OUTLOOK_SLOT_BLIND,
		    .doubt = OUTLOOK_DOUBT_LATEST,
		};
	case SNAPSHOT_HOLD_NONE:
	case SNAPSHOT_HOLD_COUNT:
		return (struct outlook_entry){.rule = OUTLOOK_SLOT};
	}
	return (struct outlook_entry){.rule = OUTLOOK_SLOT};
}

static void
add_slot(struct play *play)
{
	const struct snapshot *snap = play->in->snap;
	struct outlook_entry entry = slot_entry(snap);

	entry.in = snap->next_try_in;
	if (entry.in == SNAPSHOT_NONE) {
		entry.doubt = OUTLOOK_DOUBT_API;
	}
	add(play->out, &entry);
}

/* The shard, or the one that stands for all until their number is known. */
static void
add_start(struct play *play)
{
	const struct snapshot *snap = play->in->snap;
	struct outlook_entry entry = {.in = snap->next_try_in};

	if (snap->hold != SNAPSHOT_HOLD_COUNT) {
		entry.rule = OUTLOOK_START;
		entry.doubt = OUTLOOK_DOUBT_TURN;
	} else if (entry.in == SNAPSHOT_NONE || entry.in == 0) {
		entry.rule = OUTLOOK_COUNT_ASKED;
		entry.in = SNAPSHOT_NONE;
		entry.doubt = OUTLOOK_DOUBT_API;
	} else {
		entry.rule = OUTLOOK_COUNT;
	}
	add(play->out, &entry);
}

/* ---- interface ---- */

void
outlook_take(const struct outlook_input *in, struct outlook *out)
{
	struct play play = {
	    .in = in,
	    .out = out,
	    .session = *in->session,
	    .now = in->now,
	    .check_at = in->check_at > in->now ? in->check_at : in->now,
	};

	out->count = 0;
	/* No answers come, and snapshots are cheaper without the old ones. */
	play.session.latencies = (struct latency_window){.count = 0};
	switch (in->session->state) {
	case SNAPSHOT_STOPPED:
		add_rule(&play, OUTLOOK_STOPPED);
		return;
	case SNAPSHOT_FATAL:
		add_rule(&play, OUTLOOK_REFUSED);
		return;
	case SNAPSHOT_IDLE:
		add_start(&play);
		break;
	case SNAPSHOT_WAIT_SLOT:
		add_slot(&play);
		break;
	case SNAPSHOT_RESOLVING:
	case SNAPSHOT_CONNECTING:
	case SNAPSHOT_WAIT_HELLO:
	case SNAPSHOT_IDENTIFYING:
	case SNAPSHOT_RESUMING:
	case SNAPSHOT_READY:
	case SNAPSHOT_BACKOFF:
		play_on(&play);
		break;
	}
	if (play.session.state != SNAPSHOT_READY) {
		look_for_the_end(&play);
	}
}

/* The first entry's distance whose action is one of two. */
static mono_ns
find(const struct outlook *outlook, enum outlook_action a, enum outlook_action b)
{
	for (unsigned i = 0; i < outlook->count; i++) {
		enum outlook_action action = outlook_action(outlook->list[i].rule);

		if (action == a || action == b) {
			return outlook->list[i].in;
		}
	}
	return SNAPSHOT_NONE;
}

mono_ns
outlook_exit_in(const struct outlook *outlook)
{
	return find(outlook, OUTLOOK_ACTION_EXIT, OUTLOOK_ACTION_EXIT);
}

mono_ns
outlook_give_up_in(const struct outlook *outlook)
{
	return find(outlook, OUTLOOK_ACTION_ZOMBIE_CLOSE,
	    OUTLOOK_ACTION_DEADLINE_CLOSE);
}
