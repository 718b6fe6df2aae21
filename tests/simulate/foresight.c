/*
 * Does what the outlook says come true?
 *
 * Random states of simulated days are copied.  Of the copy the outlook is taken; then
 * time runs for it with nothing coming from the network, and the real session, gate and
 * watchdog do what they do.  Each instant that the outlook names must be kept to the
 * nanosecond, and its first entry must be the first thing that happens.
 */
#include <inttypes.h>

#include "silence.h"

/* X(name, text): the states that are collected. */
#define KIND_TABLE(X)                                            \
	X(READY, "ready, heartbeats answered")                   \
	X(BEAT_OPEN, "ready, a heartbeat is open")               \
	X(ZOMBIE_NEAR, "ready, silent since the last heartbeat") \
	X(STALL_NEAR, "ready, the watchdog acts first")          \
	X(PROBING, "ready, a proof of life is open")             \
	X(CONNECTING, "connecting")                              \
	X(WAIT_HELLO, "waits for HELLO")                         \
	X(RESUMING, "waits for RESUMED")                         \
	X(IDENTIFYING, "waits for READY")                        \
	X(BACKOFF_RESUME, "backs off before a resume")           \
	X(BACKOFF_NEW, "backs off before a new session")         \
	X(SLOT, "the identify slot is free")                     \
	X(SLOT_SPACING, "held: the last IDENTIFY is too young")  \
	X(SLOT_BUDGET, "held: the day's budget is spent")        \
	X(NEVER, "down, and no check has seen it yet")           \
	X(GRACE_NEAR, "down, the next check ends the process")   \
	X(SLOT_QUEUE, "held: other shards come first")

enum kind {
#define KIND_ENUM(name, text) KIND_##name,
	KIND_TABLE(KIND_ENUM)
#undef KIND_ENUM
	    KIND_COUNT
};

/* Of a queue only an estimate can be told: it stands last, and does not count. */
#define KIND_COUNTED KIND_SLOT_QUEUE

/* Each kind that counts must be there so often. */
#define KIND_LEAST 10

/* More of a kind are not looked at: common states leave room for rare ones. */
#define KIND_MOST 40

#define SEEDS_MAX 500

struct foresight {
	struct rng dice;
	unsigned seen[KIND_COUNT];
	unsigned right[KIND_COUNT];
	unsigned entries, exits, warnings, at_limit;
};

static struct silence silence;

/* ---- what was said, and what came ---- */

static void
forecast_slot(struct silence *copy, struct snapshot *snap)
{
	uint32_t before = 0;

	if (snap->state != SNAPSHOT_WAIT_SLOT) {
		return;
	}
	for (uint32_t i = 0; i < copy->lane; i++) {
		before += copy->wants_slot[i] &&
		    identify_gate_bucket(&copy->gate, i) ==
			identify_gate_bucket(&copy->gate, copy->lane);
	}
	struct identify_forecast forecast = identify_gate_forecast(&copy->gate,
	    copy->lane, before, copy->now, copy->begin_ms);
	static const enum snapshot_hold holds[] = {
	    [IDENTIFY_FREE] = SNAPSHOT_HOLD_NONE,
	    [IDENTIFY_SPACING] = SNAPSHOT_HOLD_SPACING,
	    [IDENTIFY_QUEUE] = SNAPSHOT_HOLD_QUEUE,
	    [IDENTIFY_BUDGET] = SNAPSHOT_HOLD_BUDGET,
	};

	snap->hold = holds[forecast.hold];
	snap->next_try_in = forecast.wait;
}

static enum kind
slot_kind(enum snapshot_hold hold)
{
	switch ((int)hold) {
	case SNAPSHOT_HOLD_SPACING:
		return KIND_SLOT_SPACING;
	case SNAPSHOT_HOLD_QUEUE:
		return KIND_SLOT_QUEUE;
	case SNAPSHOT_HOLD_BUDGET:
		return KIND_SLOT_BUDGET;
	default:
		return KIND_SLOT;
	}
}

/* By the session's own figures and not by what the outlook says, but for who acts. */
static enum kind
ready_kind(const struct session *session, const struct outlook *outlook)
{
	enum outlook_action first = outlook_action(outlook->list[0].rule);

	if (first == OUTLOOK_ACTION_WARN || first == OUTLOOK_ACTION_EXIT) {
		return KIND_STALL_NEAR;
	}
	if (session->probe.answer_by != CLOCK_NEVER) {
		return KIND_PROBING;
	}
	if (session->unacked_since == CLOCK_NEVER) {
		return KIND_READY;
	}
	return session->last_frame_at <= session->beat_sent_at ? KIND_ZOMBIE_NEAR :
								 KIND_BEAT_OPEN;
}

static enum kind
kind_of(const struct silence *copy, const struct snapshot *snap,
    const struct outlook *outlook)
{
	const struct session *session = &copy->sessions[copy->lane];
	bool down = session->state != SNAPSHOT_READY;

	if (down && snap->hold != SNAPSHOT_HOLD_QUEUE) {
		if (session->down_since == CLOCK_NEVER) {
			return KIND_NEVER;
		}
		if (copy->check_at - session->down_since >
		    copy->limits.disconnect_grace) {
			return KIND_GRACE_NEAR;
		}
	}
	switch (session->state) {
	case SNAPSHOT_WAIT_HELLO:
		return KIND_WAIT_HELLO;
	case SNAPSHOT_WAIT_SLOT:
		return slot_kind(snap->hold);
	case SNAPSHOT_IDENTIFYING:
		return KIND_IDENTIFYING;
	case SNAPSHOT_RESUMING:
		return KIND_RESUMING;
	case SNAPSHOT_READY:
		return ready_kind(session, outlook);
	case SNAPSHOT_BACKOFF:
		return session_cure(session) == SNAPSHOT_CURE_IDENTIFY ?
		    KIND_BACKOFF_NEW :
		    KIND_BACKOFF_RESUME;
	case SNAPSHOT_IDLE:
	case SNAPSHOT_RESOLVING:
	case SNAPSHOT_CONNECTING:
	case SNAPSHOT_STOPPED:
	case SNAPSHOT_FATAL:
		return KIND_CONNECTING;
	}
	return KIND_CONNECTING;
}

static bool
came_true(const struct silence *copy, const struct outlook_entry *entry, bool first)
{
	enum outlook_action action = outlook_action(entry->rule);

	for (unsigned i = 0; i < (first ? 1 : copy->count); i++) {
		if (copy->seen[i].action == action &&
		    copy->seen[i].at == copy->begin + entry->in) {
			return true;
		}
	}
	return false;
}

/* Two things at one instant have no order. */
static bool
came_with_the_first(const struct silence *copy, const struct outlook_entry *entry)
{
	return copy->count > 0 && copy->seen[0].at == copy->begin + entry->in &&
	    came_true(copy, entry, false);
}

static void
tell_failure(uint64_t seed, const struct silence *copy, const struct snapshot *snap,
    const struct outlook *outlook)
{
	(void)fprintf(stderr, "WRONG: seed %" PRIu64 ", shard %" PRIu32 ", state %s\n",
	    seed, copy->lane, snapshot_state_text(snap->state));
	for (unsigned i = 0; i < outlook->count; i++) {
		(void)fprintf(stderr, "  said  %14.9f s  %s\n",
		    clock_seconds(outlook->list[i].in),
		    outlook_rule_name(outlook->list[i].rule));
	}
	for (unsigned i = 0; i < copy->count; i++) {
		(void)fprintf(stderr, "  came  %14.9f s  %s\n",
		    clock_seconds(copy->seen[i].at - copy->begin),
		    outlook_action_word(copy->seen[i].action));
	}
}

/* All that was said; and in silence each state comes to its end, so that is said. */
static bool
is_right(struct foresight *foresight, const struct silence *copy,
    const struct outlook *outlook)
{
	bool right = came_true(copy, &outlook->list[0], true) ||
	    came_with_the_first(copy, &outlook->list[0]);

	for (unsigned i = 0; i < outlook->count; i++) {
		const struct outlook_entry *entry = &outlook->list[i];

		right = right && came_true(copy, entry, false);
		foresight->entries++;
		foresight->warnings += entry->rule == OUTLOOK_WATCHDOG_STALE;
	}
	bool told = outlook_exit_in(outlook) != SNAPSHOT_NONE;

	foresight->exits += told;
	foresight->at_limit += copy->meets_limit;
	return right && told;
}

static bool
is_of_interest(const struct sim *sim, const struct silence *copy)
{
	const struct session *session = &copy->sessions[copy->lane];

	return sim->running && session->state != SNAPSHOT_IDLE &&
	    session->state != SNAPSHOT_STOPPED && session->state != SNAPSHOT_FATAL;
}

void
foresight_look(struct sim *sim, mono_ns next_turn)
{
	struct foresight *foresight = sim->foresight;
	struct silence *copy = &silence;
	struct outlook outlook;
	struct snapshot snap;

	bool rare = sim->lane[0].session.state == SNAPSHOT_WAIT_SLOT;

	if (!sim->running || !one_in(&foresight->dice, rare ? 4 : 64)) {
		return;
	}
	silence_copy(sim, rng_between(&foresight->dice, sim->now, next_turn),
	    &foresight->dice, copy);
	if (!is_of_interest(sim, copy)) {
		return;
	}
	session_snapshot(&copy->sessions[copy->lane], copy->now, &snap);
	forecast_slot(copy, &snap);
	const struct outlook_input input = {
	    .session = &copy->sessions[copy->lane],
	    .snap = &snap,
	    .limits = copy->limits,
	    .check_at = copy->check_at,
	    .now = copy->now,
	    .crowd = silence_crowd(copy, copy->lane),
	};

	outlook_take(&input, &outlook);
	enum kind kind = kind_of(copy, &snap, &outlook);

	if (foresight->seen[kind] >= KIND_MOST) {
		return;
	}
	foresight->seen[kind]++;
	if (kind >= KIND_COUNTED) {
		return;
	}
	silence_run(copy);
	if (is_right(foresight, copy, &outlook)) {
		foresight->right[kind]++;
	} else {
		tell_failure(sim->seed, copy, &snap, &outlook);
	}
}

/* ---- the whole ---- */

static bool
is_enough(const struct foresight *foresight, unsigned states)
{
	unsigned seen = 0;

	for (int i = 0; i < KIND_COUNTED; i++) {
		if (foresight->seen[i] < KIND_LEAST) {
			return false;
		}
		seen += foresight->seen[i];
	}
	return seen >= states;
}

static bool
print_kinds(const struct foresight *foresight, unsigned states)
{
	static const char *const texts[] = {
#define KIND_TEXT(name, text) [KIND_##name] = (text),
	    KIND_TABLE(KIND_TEXT)
#undef KIND_TEXT
	};
	unsigned seen = 0;
	unsigned right = 0;
	bool enough = is_enough(foresight, states);

	for (int i = 0; i < KIND_COUNTED; i++) {
		(void)printf("  %-40s %3u of %3u\n", texts[i], foresight->right[i],
		    foresight->seen[i]);
		seen += foresight->seen[i];
		right += foresight->right[i];
	}
	(void)printf("  %-40s %3u, no instant to keep\n", texts[KIND_SLOT_QUEUE],
	    foresight->seen[KIND_SLOT_QUEUE]);
	(void)printf("%u instants, of these %u exits and %u warnings of the watchdog\n",
	    foresight->entries, foresight->exits, foresight->warnings);
	(void)printf("in %u states a check came exactly at a limit\n",
	    foresight->at_limit);
	(void)printf("explain: %u of %u states came true\n", right, seen);
	if (!enough) {
		(void)fprintf(stderr, "explain: too few states\n");
	}
	return enough && right == seen;
}

bool
foresight_run(uint64_t first_seed, unsigned states)
{
	struct totals totals = {.seeds = 0};
	struct foresight foresight = {
	    .dice = {first_seed + 1},
	};
	bool whole = true;

	for (uint64_t i = 0; i < SEEDS_MAX && !is_enough(&foresight, states); i++) {
		whole = life_foresee(first_seed + i, &foresight, &totals) && whole;
	}
	return print_kinds(&foresight, states) && whole;
}
