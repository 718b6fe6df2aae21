#include "silence.h"

static int64_t
silence_ms(const struct silence *copy)
{
	return copy->begin_ms + (copy->now - copy->begin) / CLOCK_MS(1);
}

/* Has one of the checks come when the age that counts is exactly at its limit. */
static void
meet_the_limit(struct silence *copy)
{
	const struct session *session = &copy->sessions[copy->lane];
	bool ready = session->state == SNAPSHOT_READY;
	mono_ns since = ready ? session->last_event_at : session->down_since;
	mono_ns limit = ready ? copy->limits.stall : copy->limits.disconnect_grace;

	if (since == CLOCK_NEVER || since + limit < copy->now) {
		return;
	}
	copy->check_at =
	    copy->now + (since + limit - copy->now) % copy->limits.keepalive;
	copy->meets_limit = true;
}

/* Limits of all sizes: those of the day would seldom be near. */
static void
draw_limits(struct silence *copy, struct rng *dice)
{
	copy->limits = (struct watchdog_limits){
	    .keepalive = rng_between(dice, CLOCK_MS(100), CLOCK_S(400)),
	    .stall = rng_between(dice, CLOCK_S(5), CLOCK_S(300)),
	    .disconnect_grace = rng_between(dice, CLOCK_MS(500), CLOCK_S(1200)),
	    .max_latency = rng_between(dice, CLOCK_MS(10), CLOCK_S(60)),
	};
	copy->check_at = copy->now + rng_between(dice, 0, copy->limits.keepalive);
	if (one_in(dice, 4)) {
		meet_the_limit(copy);
	}
}

void
silence_copy(const struct sim *sim, mono_ns at, struct rng *dice, struct silence *copy)
{
	struct ledger_time time = {
	    .boot_id = sim->boot_id,
	    .boot_ms = (at - sim->boot_at) / CLOCK_MS(1),
	    .wall_ms = at / CLOCK_MS(1) + sim->wall_offset_ms,
	};

	*copy = (struct silence){
	    .gate = sim->gate,
	    .ledger = sim->ledger,
	    .rng = {rng_next(dice)},
	    .lanes = sim->lanes,
	    .lane = (uint32_t)(rng_next(dice) % sim->lanes),
	    .begin = at,
	    .now = at,
	    .slots_at = at,
	};
	copy->gate.ledger = &copy->ledger;
	copy->begin_ms = identify_ledger_now(&copy->ledger, &time);
	for (uint32_t i = 0; i < sim->lanes; i++) {
		copy->sessions[i] = sim->lane[i].session;
		copy->wants_slot[i] = sim->lane[i].wants_slot;
	}
	draw_limits(copy, dice);
	if (copy->sessions[copy->lane].state == SNAPSHOT_WAIT_SLOT && one_in(dice, 3)) {
		const struct identify_told told = {
		    .remaining = (int64_t)(rng_next(dice) % 51),
		    .reset_after_ms = (int64_t)(rng_next(dice) % 86400000),
		};

		identify_gate_told(&copy->gate, &told, copy->begin_ms);
	}
}

/* ---- time runs, nothing comes ---- */

static void
note_action(struct silence *copy, enum outlook_action action)
{
	for (unsigned i = 0; i < copy->count; i++) {
		if (copy->seen[i].action == action) {
			return;
		}
	}
	copy->seen[copy->count++] = (struct happening){action, copy->now};
}

static bool
closes(const struct session_actions *actions)
{
	for (unsigned i = 0; i < actions->count; i++) {
		if (actions->list[i].kind == SESSION_CLOSE) {
			return true;
		}
	}
	return false;
}

static void
note_step(struct silence *copy, const struct session *before,
    const struct session_actions *actions)
{
	const struct session *after = &copy->sessions[copy->lane];

	if (closes(actions)) {
		note_action(copy,
		    after->zombies > before->zombies ? OUTLOOK_ACTION_ZOMBIE_CLOSE :
						       OUTLOOK_ACTION_DEADLINE_CLOSE);
		return;
	}
	for (unsigned i = 0; i < actions->count; i++) {
		switch ((int)actions->list[i].kind) {
		case SESSION_HEARTBEAT:
			note_action(copy, OUTLOOK_ACTION_HEARTBEAT);
			break;
		case SESSION_SHOW:
			note_action(copy, OUTLOOK_ACTION_PRESENCE);
			break;
		case SESSION_PROBE:
			note_action(copy, OUTLOOK_ACTION_PROBE);
			break;
		case SESSION_DEAF:
			note_action(copy, OUTLOOK_ACTION_PROBE_RESTS);
			break;
		case SESSION_CONNECT:
			note_action(copy,
			    before->state == SNAPSHOT_WAIT_SLOT ?
				OUTLOOK_ACTION_NEW_SESSION :
				OUTLOOK_ACTION_RESUME);
			break;
		case SESSION_ASK_SLOT:
			note_action(copy, OUTLOOK_ACTION_ASK_SLOT);
			break;
		default:
			break;
		}
	}
}

static void
obey(struct silence *copy, uint32_t lane, const struct session_actions *actions)
{
	for (unsigned i = 0; i < actions->count; i++) {
		if (actions->list[i].kind == SESSION_ASK_SLOT) {
			copy->wants_slot[lane] = true;
			copy->slots_at = copy->now;
		} else if (actions->list[i].kind == SESSION_DROP_SLOT) {
			copy->wants_slot[lane] = false;
			identify_gate_returned(&copy->gate, lane);
		}
	}
}

uint32_t
silence_crowd(const struct silence *copy, uint32_t lane)
{
	uint32_t down = 0;

	for (uint32_t i = 0; i < copy->lanes; i++) {
		down += i != lane && copy->sessions[i].state != SNAPSHOT_READY;
	}
	return down;
}

static void
step(struct silence *copy, uint32_t lane, enum session_event_kind kind)
{
	static struct session before;
	static struct session_actions actions;
	const struct session_event event = {
	    .kind = kind,
	    .crowd = silence_crowd(copy, lane),
	};

	before = copy->sessions[lane];
	session_step(&copy->sessions[lane], &event, copy->now, &copy->rng, &actions);
	obey(copy, lane, &actions);
	if (lane == copy->lane) {
		note_step(copy, &before, &actions);
	}
}

static void
serve_slots(struct silence *copy)
{
	mono_ns next = CLOCK_NEVER;

	for (uint32_t i = 0; i < copy->lanes; i++) {
		mono_ns retry_at = CLOCK_NEVER;

		if (!copy->wants_slot[i]) {
			continue;
		}
		if (identify_gate_ask(&copy->gate, i, copy->now, silence_ms(copy),
			&retry_at) == IDENTIFY_GRANTED) {
			copy->wants_slot[i] = false;
			step(copy, i, SESSION_SLOT);
		} else {
			next = retry_at < next ? retry_at : next;
		}
	}
	copy->slots_at = next;
}

static void
check(struct silence *copy)
{
	struct snapshot snap;

	for (uint32_t i = 0; i < copy->lanes; i++) {
		session_note_check(&copy->sessions[i], copy->now);
	}
	copy->check_at += copy->limits.keepalive;
	session_snapshot(&copy->sessions[copy->lane], copy->now, &snap);
	switch (watchdog_decide(&snap, &copy->limits)) {
	case WATCHDOG_OK:
		return;
	case WATCHDOG_STALE:
		note_action(copy, OUTLOOK_ACTION_WARN);
		return;
	case WATCHDOG_ZOMBIE:
	case WATCHDOG_DOWN:
		copy->ended = true;
		note_action(copy, OUTLOOK_ACTION_EXIT);
		return;
	}
}

/* The lane whose timer is the next to come. */
static uint32_t
first_timer(const struct silence *copy, mono_ns *at)
{
	uint32_t first = 0;

	*at = CLOCK_NEVER;
	for (uint32_t i = 0; i < copy->lanes; i++) {
		mono_ns wake_at = session_wake_at(&copy->sessions[i]);

		wake_at = wake_at < copy->now ? copy->now : wake_at;
		if (wake_at < *at) {
			*at = wake_at;
			first = i;
		}
	}
	return first;
}

void
silence_run(struct silence *copy)
{
	while (!copy->ended) {
		mono_ns timer = CLOCK_NEVER;
		uint32_t lane = first_timer(copy, &timer);

		if (timer <= copy->slots_at && timer <= copy->check_at) {
			copy->now = timer;
			step(copy, lane, SESSION_TIMEOUT);
		} else if (copy->slots_at <= copy->check_at) {
			copy->now = copy->slots_at;
			serve_slots(copy);
		} else {
			copy->now = copy->check_at;
			check(copy);
		}
	}
}
