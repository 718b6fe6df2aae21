/*
 * The weather of one seed: from a calm day to an hour of storm.  A fault is an instant,
 * or a spell that ends; after the last one everything must heal.
 */
#include <string.h>

#include "simulate.h"

/* The day's last hour has no faults: what was broken must be whole at its end. */
#define CALM_AT_THE_END CLOCK_S(3600)

static const char *const names[] = {
#define FAULT_NAME(name, text, weight) [FAULT_##name] = (text),
    FAULT_TABLE(FAULT_NAME)
#undef FAULT_NAME
};

static const unsigned weights[] = {
#define FAULT_WEIGHT(name, text, weight) [FAULT_##name] = (weight),
    FAULT_TABLE(FAULT_WEIGHT)
#undef FAULT_WEIGHT
};

const char *
fault_name(enum fault fault)
{
	return names[fault];
}

bool
fault_is_on(const struct sim *sim, enum fault fault)
{
	return sim->now < sim->until[fault];
}

void
fault_heals_at(struct sim *sim, mono_ns at)
{
	sim->trouble_until = at > sim->trouble_until ? at : sim->trouble_until;
}

/* ---- the plan ---- */

static void
plan_gap(struct sim *sim)
{
	sim->faults_end = sim->end - CALM_AT_THE_END;
	switch (rng_next(&sim->dice) % 8) {
	case 0:
	case 1:
	case 2:
		sim->fault_gap = CLOCK_S(6 * 3600);
		return;
	case 3:
	case 4:
		sim->fault_gap = CLOCK_S(3600);
		return;
	case 5:
	case 6:
		sim->fault_gap = CLOCK_S(600);
		return;
	default:
		sim->fault_gap = CLOCK_S(20);
		sim->faults_end = sim->begin + CLOCK_S(3600);
		return;
	}
}

static void
push_fault(struct sim *sim)
{
	mono_ns at = sim->now + rng_between(&sim->dice, 1, 2 * sim->fault_gap);

	if (at < sim->faults_end) {
		queue_push(sim, (struct note){.at = at, .kind = NOTE_FAULT});
	}
}

void
faults_plan(struct sim *sim)
{
	plan_gap(sim);
	sim->trouble_until = sim->begin;
	push_fault(sim);
}

static enum fault
draw(struct sim *sim)
{
	unsigned sum = 0;

	for (int i = 0; i < FAULT_COUNT; i++) {
		sum += weights[i];
	}
	unsigned left = (unsigned)(rng_next(&sim->dice) % sum);
	int fault = 0;

	while (left >= weights[fault]) {
		left -= weights[fault++];
	}
	return (enum fault)fault;
}

/* ---- blows ---- */

static unsigned
draw_code(struct sim *sim)
{
	static const unsigned codes[] = {1000, 1001, 1002, 1003, 1005, 1006, 1007, 1008,
	    1009, 1010, 1011, 1012, 1013, 1014, 1015, 4000, 4001, 4002, 4003, 4005,
	    4006, 4007, 4008, 4009, 4015, 4999};

	return codes[rng_next(&sim->dice) % (sizeof codes / sizeof codes[0])];
}

static unsigned
draw_fatal_code(struct sim *sim)
{
	static const unsigned codes[] = {4004, 4010, 4011, 4012, 4013, 4014};

	return codes[rng_next(&sim->dice) % (sizeof codes / sizeof codes[0])];
}

static void
say_often(struct sim *sim, uint32_t lane, enum note_kind kind)
{
	unsigned times = 1 + (unsigned)(rng_next(&sim->dice) % 150);

	for (unsigned i = 0; i < times; i++) {
		discord_say(sim, lane, kind, 0);
	}
}

static void
jump(struct sim *sim, uint32_t lane)
{
	struct lane *at = &sim->lane[lane];

	if (!at->link.attached || at->link.hole || at->server.deaf) {
		return;
	}
	at->server.seq += 2 + (int64_t)(rng_next(&sim->dice) % 5);
	/* What lies between never existed. */
	at->server.oldest = at->server.seq;
	discord_say(sim, lane, NOTE_GAP, at->server.seq);
}

static void
repeat(struct sim *sim, uint32_t lane, int64_t back)
{
	struct lane *at = &sim->lane[lane];
	int64_t seq = at->server.seq - back;

	if (at->link.attached) {
		discord_say(sim, lane, NOTE_REPEAT, seq > 0 ? seq : 0);
	}
}

static void
dig_hole(struct sim *sim, uint32_t lane)
{
	struct lane *at = &sim->lane[lane];
	mono_ns last = at->link.down_at > sim->now ? at->link.down_at : sim->now;

	if (!at->link.dialled || at->link.over) {
		return;
	}
	at->link.hole = true;
	if (at->judge.interval > 0) {
		at->judge.mute_since = last;
	}
	fault_heals_at(sim, last + 2 * at->link.interval + CLOCK_S(2));
}

static void
damage_record(struct sim *sim, uint32_t lane)
{
	uint8_t *record = sim->lane[lane].record;

	for (int i = 0; i < 8; i++) {
		record[rng_next(&sim->dice) % RECORD_FILE_BYTES] ^= (uint8_t)(1U << i);
	}
	if (one_in(&sim->dice, 4)) {
		memset(record, 0, RECORD_FILE_BYTES);
	}
	/* Until the next process has read it. */
	sim->until[FAULT_RECORD_DAMAGED] = sim->end;
}

static void
stop_process(struct sim *sim, mono_ns distance)
{
	mono_ns until = sim->now + distance;

	sim->stopped_until = until > sim->stopped_until ? until : sim->stopped_until;
	fault_heals_at(sim, sim->stopped_until);
	for (uint32_t i = 0; i < sim->lanes; i++) {
		struct link *link = &sim->lane[i].link;

		if (link->hello && distance > link->interval + link->interval / 2) {
			discord_close(sim, i, one_in(&sim->dice, 2) ? 4000 : 1006);
		}
	}
}

static void
sleep_host(struct sim *sim)
{
	mono_ns distance = rng_between(&sim->dice, CLOCK_S(10), CLOCK_S(4 * 3600));

	if (sim->now + distance > sim->faults_end) {
		distance = CLOCK_S(10);
	}
	stop_process(sim, distance);
	queue_push(sim,
	    (struct note){
		.at = sim->stopped_until,
		.kind = NOTE_SLEPT,
		.life = sim->life,
	    });
}

static void
step_wall(struct sim *sim)
{
	int64_t most = one_in(&sim->dice, 8) ? INT64_C(86400000) * 400 : 7200000;
	int64_t step = (int64_t)(rng_next(&sim->dice) % (uint64_t)most);

	sim->wall_offset_ms += one_in(&sim->dice, 2) ? step : -step;
}

static void
ask_process(struct sim *sim, uint32_t lane, enum note_kind kind, int64_t value)
{
	queue_push(sim,
	    (struct note){
		.at = sim->now,
		.kind = kind,
		.lane = lane,
		.life = sim->life,
		.value = value,
	    });
}

static mono_ns
draw_spell(struct sim *sim)
{
	mono_ns most = CLOCK_S(60);

	if (one_in(&sim->dice, 2)) {
		most = one_in(&sim->dice, 4) ? CLOCK_S(3 * 3600) : CLOCK_S(600);
	}
	return rng_between(&sim->dice, CLOCK_S(1), most);
}

static void
begin_spell(struct sim *sim, enum fault fault)
{
	mono_ns until = sim->now + draw_spell(sim);

	until = until < sim->faults_end ? until : sim->faults_end;
	sim->until[fault] = until > sim->until[fault] ? until : sim->until[fault];
	fault_heals_at(sim, sim->until[fault]);
}

static void
say_if_open(struct sim *sim, uint32_t lane, enum note_kind kind, int64_t value)
{
	if (sim->lane[lane].link.open) {
		discord_say(sim, lane, kind, value);
	}
}

/* True where the fault is a blow of the process or its host. */
static bool
strike_host(struct sim *sim, enum fault fault, uint32_t lane)
{
	if (!sim->running) {
		return fault >= FAULT_SLEPT && fault <= FAULT_RECONNECT_FRESH &&
		    fault != FAULT_WALL_STEP;
	}
	switch ((int)fault) {
	case FAULT_SLEPT:
		sleep_host(sim);
		return true;
	case FAULT_STOPPED:
		stop_process(sim, rng_between(&sim->dice, CLOCK_S(1), CLOCK_S(120)));
		return true;
	case FAULT_KILLED:
		host_end(sim, -9, rng_between(&sim->dice, CLOCK_S(1), CLOCK_S(5)));
		return true;
	case FAULT_TERM:
		ask_process(sim, 0, NOTE_STOP, 0);
		return true;
	case FAULT_RECONNECT:
	case FAULT_RECONNECT_FRESH:
		ask_process(sim, lane, NOTE_RECONNECT, fault == FAULT_RECONNECT_FRESH);
		return true;
	default:
		return false;
	}
}

static void
strike(struct sim *sim, enum fault fault, uint32_t lane)
{
	struct lane *at = &sim->lane[lane];

	switch ((int)fault) {
	case FAULT_RESET:
		discord_close(sim, lane, one_in(&sim->dice, 2) ? 1006 : CLOSECODE_NONE);
		return;
	case FAULT_CLOSE:
		discord_close(sim, lane, draw_code(sim));
		return;
	case FAULT_FATAL_CLOSE:
		discord_close(sim, lane, draw_fatal_code(sim));
		return;
	case FAULT_OP7:
		say_if_open(sim, lane, NOTE_OP7, 0);
		return;
	case FAULT_OP9_TRUE:
		say_if_open(sim, lane, NOTE_OP9_TRUE, 0);
		return;
	case FAULT_OP9_FALSE:
		at->server.alive = at->server.alive && !at->link.open;
		say_if_open(sim, lane, NOTE_OP9_FALSE, 0);
		return;
	case FAULT_UNREADABLE:
		say_if_open(sim, lane, NOTE_UNREADABLE, 0);
		return;
	case FAULT_DUPLICATE:
		repeat(sim, lane, 0);
		return;
	case FAULT_BACKWARD:
		repeat(sim, lane, 1 + (int64_t)(rng_next(&sim->dice) % 50));
		return;
	case FAULT_GAP:
		jump(sim, lane);
		return;
	case FAULT_HUGE_SEQ:
		say_if_open(sim, lane, NOTE_REPEAT,
		    SESSION_SEQ_MAX + 1 + (int64_t)(rng_next(&sim->dice) >> 17));
		return;
	case FAULT_OP1_STORM:
		if (at->link.hello) {
			say_often(sim, lane, NOTE_BEAT_ASKED);
		}
		return;
	case FAULT_ACK_STORM:
		if (at->link.hello) {
			say_often(sim, lane, NOTE_ACK);
		}
		return;
	case FAULT_HELLO_AGAIN:
		if (at->link.hello) {
			say_if_open(sim, lane, NOTE_HELLO, 1000);
		}
		return;
	case FAULT_FORGOTTEN:
		at->server.alive = at->link.attached && at->server.alive;
		at->server.oldest = at->server.seq + 1000;
		return;
	case FAULT_DEAF:
		at->server.deaf = at->link.attached;
		return;
	case FAULT_HOLE:
		dig_hole(sim, lane);
		return;
	case FAULT_WALL_STEP:
		step_wall(sim);
		return;
	case FAULT_RECORD_DAMAGED:
		damage_record(sim, lane);
		return;
	default:
		begin_spell(sim, fault);
		return;
	}
}

void
faults_strike(struct sim *sim)
{
	enum fault fault = draw(sim);
	uint32_t lane = (uint32_t)(rng_next(&sim->dice) % sim->lanes);

	tell_value(sim, NOTE_FAULT, lane, fault);
	sim->totals->faults[fault]++;
	fault_heals_at(sim, sim->now);
	if (!strike_host(sim, fault, lane)) {
		strike(sim, fault, lane);
	}
	push_fault(sim);
}
