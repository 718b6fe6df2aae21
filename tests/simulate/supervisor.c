/*
 * 10,000 restarts by a supervisor against a Discord that answers each IDENTIFY with
 * op 9: no process may spend what the ones before it have left.
 *
 * Every process is a new one: gate and ledger from the bytes that the one before had on
 * disk.  The wall clock is stepped now and then, and once the ledger is lost: from then
 * on only REST knows how many are left.
 */
#include <string.h>

#include "simulate.h"

#define RESTARTS      10000
#define TURNS_MAX     2000000
#define PROCESS_LIVES CLOCK_S(600)

/* Steps of the wall clock; a longer one is a dead battery. */
#define STEP_MS     (INT64_C(2) * 3600 * 1000)
#define STEP_FAR_MS (INT64_C(30) * 86400 * 1000)

static struct sim world;

static void
plan(struct sim *sim, uint64_t seed)
{
	sim->seed = seed;
	sim->dice.state = seed;
	sim->session_rng.state = rng_next(&sim->dice);
	sim->begin = CLOCK_S(7200);
	sim->now = sim->begin;
	sim->end = CLOCK_NEVER;
	sim->boot_id = 1;
	sim->wall_offset_ms = INT64_C(1750000000000);
	/* Half of them one shard; else many, of which up to 16 may identify at once. */
	sim->lanes = seed % 2 == 0 ? 1 : 2 + (uint32_t)(seed % (LANES_MAX - 1));
	sim->max_concurrency = seed % 4 == 1 ? 16 : 1;
	sim->event_gap = CLOCK_S(3600);
	sim->interval = CLOCK_MS(41250);
	sim->session_ttl = CLOCK_S(300);
	sim->limits = (struct watchdog_limits){
	    .keepalive = CLOCK_S(60),
	    .stall = CLOCK_S(210),
	    .disconnect_grace = CLOCK_S(210),
	    .max_latency = CLOCK_S(10),
	};
	for (uint32_t i = 0; i < LANES_MAX; i++) {
		sim->identified_at[i] = CLOCK_NEVER;
	}
	sim->until[FAULT_OP9_LOOP] = CLOCK_NEVER;
	/* REST guards the budget as well: where it is silent, the ledger stands alone.
	 */
	sim->until[FAULT_REST_DOWN] = seed % 8 < 2 ? CLOCK_NEVER : 0;
	sim->trouble_until = CLOCK_NEVER - 100 * DAY;
}

static void
step_wall(struct sim *sim)
{
	int64_t most = one_in(&sim->dice, 10) ? STEP_FAR_MS : STEP_MS;
	int64_t step = (int64_t)(rng_next(&sim->dice) % (uint64_t)most);

	sim->wall_offset_ms += one_in(&sim->dice, 2) ? step : -step;
	tell_value(sim, NOTE_FAULT, 0, FAULT_WALL_STEP);
	sim->totals->faults[FAULT_WALL_STEP]++;
}

static void
lose_ledger(struct sim *sim)
{
	sim->ledger = (struct identify_ledger){.youngest_ms = 0};
	tell_value(sim, NOTE_FAULT, 0, FAULT_LEDGER_LOST);
	sim->totals->faults[FAULT_LEDGER_LOST]++;
}

/* Between two processes. */
static void
restart(struct sim *sim, uint32_t restarts)
{
	bool stepping = sim->seed % 8 >= 4;

	if (stepping && one_in(&sim->dice, 50)) {
		step_wall(sim);
	}
	if (one_in(&sim->dice, 100)) {
		reboot_host(sim);
	}
	if (sim->seed % 8 >= 2 && restarts == RESTARTS / 3) {
		lose_ledger(sim);
	}
	host_start(sim);
	/* A crash loop, a watchdog, a person: a process lives for a while. */
	mono_ns lives = one_in(&sim->dice, 4) ?
	    rng_between(&sim->dice, 1, PROCESS_LIVES) :
	    rng_between(&sim->dice, 1, CLOCK_S(20));

	queue_push(sim,
	    (struct note){
		.at = sim->now + lives,
		.kind = NOTE_KILL,
		.life = sim->life,
	    });
}

static void
take(struct sim *sim, struct note note, uint32_t *restarts)
{
	if (note.kind == NOTE_RESTART) {
		tell(sim, &note);
		restart(sim, ++*restarts);
	} else if (note.kind == NOTE_KILL) {
		if (note.life == sim->life && sim->running) {
			tell(sim, &note);
			host_end(sim, -9,
			    rng_between(&sim->dice, CLOCK_S(1), CLOCK_S(3)));
		}
	} else {
		host_take(sim, &note);
	}
}

bool
supervisor_play(uint64_t seed, bool trace, struct totals *totals)
{
	struct sim *sim = &world;
	uint32_t restarts = 0;

	memset(sim, 0, sizeof *sim);
	sim->totals = totals;
	sim->trace = trace;
	plan(sim, seed);
	restart(sim, 0);
	for (uint32_t i = 0; i < TURNS_MAX && restarts < RESTARTS; i++) {
		const struct note *first = queue_first(sim);
		mono_ns timer = host_wake_at(sim);
		mono_ns news = first ? first->at : CLOCK_NEVER;
		mono_ns at = timer <= news ? timer : news;

		if (sim->broken[0] != '\0') {
			break;
		}
		sim->now = at > sim->now ? at : sim->now;
		if (timer <= news) {
			host_timeouts(sim);
		} else {
			take(sim, queue_pop(sim), &restarts);
		}
	}
	if (restarts < RESTARTS) {
		broken(sim, "only %u restarts", restarts);
	}
	totals->seeds++;
	totals->shard_days +=
	    sim->lanes * clock_seconds(sim->now - sim->begin) / clock_seconds(DAY);
	if (sim->broken[0] != '\0') {
		totals->broken++;
		tell_story(sim, stderr);
		return false;
	}
	return true;
}
