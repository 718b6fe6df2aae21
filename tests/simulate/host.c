/*
 * The process: it hands events to the sessions, obeys their actions, keeps record and
 * ledger as the disk would, asks the identify gate, and ends by the watchdog's verdict.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "health.h"
#include "simulate.h"

/* As gateway.c does: what REST said of the limits is believed for so long. */
#define TOLD_MAX_AGE CLOCK_S(300)

/* As watch.c does: a check that comes later says nothing of the shards. */
#define CHECK_LATE CLOCK_S(2)

/* How late a timer of an idle host may be. */
#define TIMER_LATE_MAX CLOCK_MS(3)

static struct record_owner
owner_of(const struct sim *sim, uint32_t lane)
{
	return (struct record_owner){
	    .fingerprint = {1, 2, 3},
	    .shard_id = lane,
	    .shard_count = sim->lanes,
	    .intents = 513,
	};
}

/* ---- the identify gate ---- */

static void
push_own(struct sim *sim, enum note_kind kind, mono_ns at, int64_t value)
{
	queue_push(sim,
	    (struct note){.at = at, .kind = kind, .life = sim->life, .value = value});
}

static void
arm_slots(struct sim *sim, mono_ns at)
{
	if (at >= sim->slots_at) {
		return;
	}
	sim->slots_at = at;
	push_own(sim, NOTE_SLOTS, at, 0);
}

static void
ask_rest(struct sim *sim)
{
	bool down = fault_is_on(sim, FAULT_REST_DOWN);

	sim->asking = true;
	push_own(sim, NOTE_TOLD,
	    sim->now + (down ? CLOCK_S(10) : rng_between(&sim->dice, 1, CLOCK_S(1))),
	    down ? -1 : 0);
}

static void
serve_slots(struct sim *sim)
{
	mono_ns next = CLOCK_NEVER;

	for (uint32_t i = 0; i < sim->lanes && sim->running; i++) {
		mono_ns retry_at = CLOCK_NEVER;

		if (!sim->lane[i].wants_slot) {
			continue;
		}
		if (identify_gate_ask(&sim->gate, i, sim->now, ledger_ms(sim),
			&retry_at) == IDENTIFY_GRANTED) {
			sim->lane[i].wants_slot = false;
			host_step(sim, i, &(struct session_event){.kind = SESSION_SLOT},
			    &(struct note){.kind = NOTE_SLOTS});
			continue;
		}
		if (retry_at <= sim->now || retry_at > sim->now + DAY + CLOCK_S(60)) {
			broken(sim, "the gate says to ask again in %.3f s",
			    clock_seconds(retry_at - sim->now));
		}
		next = retry_at < next ? retry_at : next;
	}
	arm_slots(sim, next);
}

static void
on_slots(struct sim *sim, const struct note *note)
{
	bool stale =
	    sim->told_at == CLOCK_NEVER || sim->now - sim->told_at > TOLD_MAX_AGE;

	if (note->at < sim->slots_at) {
		return;
	}
	sim->slots_at = CLOCK_NEVER;
	if (sim->asking) {
		return; /* the answer serves them */
	}
	if (stale) {
		ask_rest(sim);
		return;
	}
	serve_slots(sim);
}

static void
on_told(struct sim *sim, int64_t value)
{
	sim->asking = false;
	if (value >= 0) {
		int64_t used = discord_identified(sim, sim->now);
		uint32_t youngest = (sim->identified_first + sim->identified_count +
					IDENTIFIES_PER_DAY - 1) %
		    IDENTIFIES_PER_DAY;
		/* When the count is back at the total. */
		int64_t reset_ms = used == 0 ?
		    0 :
		    (sim->identified[youngest] + DAY - sim->now) / CLOCK_MS(1);

		const struct identify_told told = {
		    .max_concurrency = sim->max_concurrency,
		    .total = IDENTIFIES_PER_DAY,
		    .remaining = IDENTIFIES_PER_DAY - used,
		    .reset_after_ms = reset_ms,
		};

		sim->told_at = sim->now;
		identify_gate_told(&sim->gate, &told, ledger_ms(sim));
	}
	serve_slots(sim);
}

/* ---- actions ---- */

static void
identify(struct sim *sim, uint32_t lane)
{
	identify_gate_sent(&sim->gate, lane, sim->now, ledger_ms(sim));
	discord_identify(sim, lane);
	sim->totals->identifies++;
	tell_value(sim, NOTE_TELL_IDENTIFY, lane, discord_identified(sim, sim->now));
}

static void
obey(struct sim *sim, uint32_t lane, const struct session_action *action,
    const struct session_event *event)
{
	struct lane *at = &sim->lane[lane];
	struct record_owner owner = owner_of(sim, lane);
	static const struct session_saved nothing = {.seq = -1};

	switch (action->kind) {
	case SESSION_CONNECT:
		sim->totals->connects++;
		tell_value(sim, NOTE_TELL_CONNECT, lane, action->url == NULL);
		discord_connect(sim, lane, action->url == NULL);
		return;
	case SESSION_HEARTBEAT:
		sim->totals->heartbeats++;
		tell_value(sim, NOTE_TELL_BEAT, lane, at->session.saved.seq);
		discord_beat(sim, lane);
		return;
	case SESSION_IDENTIFY:
		identify(sim, lane);
		return;
	case SESSION_RESUME:
		sim->totals->resumes++;
		tell_value(sim, NOTE_TELL_RESUME, lane, at->session.saved.seq);
		discord_resume(sim, lane);
		return;
	case SESSION_PROBE:
		sim->totals->probes++;
		tell_value(sim, NOTE_TELL_PROBE, lane, 0);
		discord_probe(sim, lane);
		return;
	case SESSION_CLOSE:
		tell_value(sim, NOTE_TELL_CLOSE, lane, action->code);
		discord_hung_up(sim, lane, action->code);
		return;
	case SESSION_ASK_SLOT:
		at->wants_slot = true;
		arm_slots(sim, sim->now);
		return;
	case SESSION_DROP_SLOT:
		at->wants_slot = false;
		identify_gate_returned(&sim->gate, lane);
		return;
	case SESSION_SAVE:
		record_write(at->record, &owner, &at->session.saved, wall_ms(sim));
		return;
	case SESSION_FORGET:
		record_write(at->record, &owner, &nothing, wall_ms(sim));
		return;
	case SESSION_DISPATCH:
		sim->totals->delivered++;
		if (event->payload && event->payload->has_seq) {
			record_write_seq(at->record, at->session.saved.seq);
		}
		return;
	case SESSION_FATAL:
	case SESSION_DEAF:
	case SESSION_CHANGED:
	case SESSION_SHOW:
		return;
	}
}

static uint32_t
others_down(const struct sim *sim, uint32_t lane)
{
	uint32_t down = 0;

	for (uint32_t i = 0; i < sim->lanes; i++) {
		down += i != lane && sim->lane[i].session.state != SNAPSHOT_READY;
	}
	return down;
}

void
host_step(struct sim *sim, uint32_t lane, const struct session_event *event,
    const struct note *note)
{
	struct lane *at = &sim->lane[lane];
	struct session_actions *actions = &sim->actions;

	struct session_event crowded = *event;

	crowded.crowd = others_down(sim, lane);
	judge_event(sim, lane, event, note);
	session_step(&at->session, &crowded, sim->now, &sim->session_rng, actions);
	sim->totals->steps++;
	/* Obeying never steps a session: the list stays as it is. */
	for (unsigned i = 0; i < actions->count; i++) {
		judge_action(sim, lane, &actions->list[i], note);
		obey(sim, lane, &actions->list[i], event);
	}
	judge_after(sim, lane, note);
}

/* ---- the watchdog, and the end ---- */

static void
check_health(struct sim *sim, const struct snapshot *snaps)
{
	struct health_input input = {
	    .shards = snaps,
	    .count = sim->lanes,
	    .limits = sim->limits,
	    .uptime = CLOCK_S(1),
	    .bot = "bot",
	    .env = "prod",
	    .version = "1",
	};
	bool all = true;

	for (uint32_t i = 0; i < sim->lanes; i++) {
		all = all && snaps[i].connected;
	}
	unsigned status = health_render(HEALTH_PATH_HEALTHZ, &input, NULL);

	if (all != (status == 200 || status == 206)) {
		broken(sim, "/healthz says %u with connected=%d", status, all);
	}
}

/* As the shell does: a check that comes late judges nobody, a second one in a row
 * does. */
static bool
is_late(struct sim *sim)
{
	bool late = sim->now - sim->check_at >= CHECK_LATE;

	sim->was_late = late && !sim->was_late;
	return sim->was_late;
}

static void
arm_check(struct sim *sim)
{
	sim->check_at = sim->now + sim->limits.keepalive;
	push_own(sim, NOTE_CHECK, sim->check_at, 0);
}

static void
on_check(struct sim *sim)
{
	bool late = is_late(sim);
	static struct snapshot snaps[LANES_MAX];
	enum watchdog_verdict worst = WATCHDOG_OK;

	sim->totals->checks++;
	(void)ledger_ms(sim);
	for (uint32_t i = 0; i < sim->lanes; i++) {
		struct session *session = &sim->lane[i].session;

		judge_check(sim, i);
		session_note_check(session, sim->now);
		session_snapshot(session, sim->now, &snaps[i]);
		enum watchdog_verdict verdict =
		    watchdog_decide(&snaps[i], &sim->limits);

		worst = verdict > worst ? verdict : worst;
		if (verdict == WATCHDOG_DOWN && snaps[i].reason[0] == '\0') {
			broken(sim, "the watchdog ends the process without a reason");
		}
	}
	check_health(sim, snaps);
	arm_check(sim);
	if (late) {
		return;
	}
	if (worst == WATCHDOG_DOWN || worst == WATCHDOG_ZOMBIE) {
		sim->totals->exits_watchdog++;
		host_end(sim, 1, rng_between(&sim->dice, CLOCK_S(1), CLOCK_S(5)));
	}
}

static void
end_if_refused(struct sim *sim)
{
	for (uint32_t i = 0; i < sim->lanes; i++) {
		const struct session *session = &sim->lane[i].session;

		if (session->state != SNAPSHOT_FATAL) {
			continue;
		}
		if (session->reason[0] == '\0') {
			broken(sim, "Discord refuses the bot, without a reason");
		}
		sim->totals->exits_refused++;
		/* A person looks, mends it and starts it again. */
		host_end(sim, 77, rng_between(&sim->dice, CLOCK_S(60), CLOCK_S(1800)));
		return;
	}
}

void
host_end(struct sim *sim, int status, mono_ns restart_after)
{
	tell_value(sim, NOTE_TELL_EXIT, 0, status);
	for (uint32_t i = 0; i < sim->lanes; i++) {
		if (sim->lane[i].link.dialled) {
			discord_hung_up(sim, i, CLOSECODE_KEEP);
		}
		judge_unlinked(sim, i, false);
		sim->lane[i].wants_slot = false;
	}
	sim->running = false;
	queue_drop_life(sim, sim->life);
	sim->life++;
	fault_heals_at(sim, sim->now + restart_after);
	queue_push(sim,
	    (struct note){.at = sim->now + restart_after, .kind = NOTE_RESTART});
}

/* ---- the beginning ---- */

static void
start_lane(struct sim *sim, uint32_t lane)
{
	struct lane *at = &sim->lane[lane];
	struct session_config config = {
	    .shard_id = lane,
	    .shard_count = sim->lanes,
	    .connect_timeout = CLOCK_S(10),
	    .hello_timeout = CLOCK_S(10),
	    .ready_timeout = CLOCK_S(15),
	    .probe_after = sim->probe_after,
	};
	struct record_owner owner = owner_of(sim, lane);
	struct session_saved saved;
	enum record_verdict verdict = record_read(at->record, &owner, &saved);

	session_init(&at->session, &config, verdict == RECORD_FOUND ? &saved : NULL);
	judge_start(sim, lane, verdict);
}

void
host_start(struct sim *sim)
{
	sim->totals->starts++;
	sim->asking = false;
	sim->running = true;
	sim->life++;
	sim->stopped_until = 0;
	sim->told_at = CLOCK_NEVER;
	sim->slots_at = CLOCK_NEVER;
	/* The ledger's file is mapped: what was written outlives the process. */
	identify_gate_init(&sim->gate, &sim->ledger, sim->now, ledger_ms(sim));
	ask_rest(sim);
	sim->was_late = false;
	arm_check(sim);
	for (uint32_t i = 0; i < sim->lanes; i++) {
		start_lane(sim, i);
	}
	sim->until[FAULT_RECORD_DAMAGED] = 0;
	for (uint32_t i = 0; i < sim->lanes; i++) {
		host_step(sim, i, &(struct session_event){.kind = SESSION_START},
		    &(struct note){.kind = NOTE_RESTART});
	}
}

/* ---- turns of the loop ---- */

static void
take_own(struct sim *sim, const struct note *note)
{
	switch ((int)note->kind) {
	case NOTE_TOLD:
		on_told(sim, note->value);
		return;
	case NOTE_SLOTS:
		on_slots(sim, note);
		return;
	case NOTE_CHECK:
		on_check(sim);
		return;
	case NOTE_RECONNECT:
		host_take_event(sim, note, SESSION_RECONNECT);
		return;
	case NOTE_SLEPT:
		for (uint32_t i = 0; i < sim->lanes && sim->running; i++) {
			struct note each = *note;

			each.lane = i;
			host_take_event(sim, &each, SESSION_SLEPT);
		}
		return;
	case NOTE_STOP:
		for (uint32_t i = 0; i < sim->lanes; i++) {
			struct note each = *note;

			each.lane = i;
			host_take_event(sim, &each, SESSION_STOP_ASKED);
		}
		host_end(sim, 0, rng_between(&sim->dice, CLOCK_S(1), CLOCK_S(5)));
		return;
	default:
		broken(sim, "the simulation itself: note %d to nobody", note->kind);
		return;
	}
}

void
host_take(struct sim *sim, const struct note *note)
{
	bool from_net = note->link != 0;

	if (!sim->running || note->life != sim->life ||
	    (from_net && note->link != sim->lane[note->lane].link.id)) {
		return;
	}
	if (sim->now < sim->stopped_until) {
		struct note later = *note;

		later.at = sim->stopped_until;
		queue_push(sim, later);
		return;
	}
	tell(sim, note);
	if (!from_net || !host_take_news(sim, note)) {
		take_own(sim, note);
	}
	if (sim->running) {
		end_if_refused(sim);
	}
}

mono_ns
host_wake_at(const struct sim *sim)
{
	mono_ns at = CLOCK_NEVER;

	if (!sim->running) {
		return CLOCK_NEVER;
	}
	for (uint32_t i = 0; i < sim->lanes; i++) {
		mono_ns wake_at = session_wake_at(&sim->lane[i].session);

		at = wake_at < at ? wake_at : at;
	}
	if (at == CLOCK_NEVER) {
		return at;
	}
	at += sim->lateness;
	at = at < sim->stopped_until ? sim->stopped_until : at;
	return at < sim->now ? sim->now : at;
}

void
host_timeouts(struct sim *sim)
{
	struct session_event event = {.kind = SESSION_TIMEOUT};
	mono_ns most = fault_is_on(sim, FAULT_LATE) ? CLOCK_S(3) : TIMER_LATE_MAX;

	for (uint32_t i = 0; i < sim->lanes; i++) {
		mono_ns wake_at = session_wake_at(&sim->lane[i].session);

		if (wake_at <= sim->now) {
			tell_value(sim, NOTE_TIMEOUT, i,
			    (sim->now - wake_at) / CLOCK_US(1));
			host_step(sim, i, &event, &(struct note){.kind = NOTE_TIMEOUT});
		}
	}
	sim->lateness = rng_between(&sim->dice, 0, most);
}
