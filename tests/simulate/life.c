/* One seed: a day of one shard, or of a few. */
#include <string.h>

#include "simulate.h"

static struct sim world;

static void
plan_limits(struct sim *sim)
{
	static const struct watchdog_limits usual = {
	    .keepalive = CLOCK_S(360),
	    .stall = CLOCK_S(1110),
	    .disconnect_grace = CLOCK_S(1110),
	    .max_latency = CLOCK_S(10),
	};
	static const struct watchdog_limits testing = {
	    .keepalive = CLOCK_S(60),
	    .stall = CLOCK_S(210),
	    .disconnect_grace = CLOCK_S(210),
	    .max_latency = CLOCK_S(10),
	};

	sim->limits = one_in(&sim->dice, 8) ? testing : usual;
}

static void
plan_server(struct sim *sim)
{
	static const mono_ns gaps[] = {CLOCK_S(36000), CLOCK_S(3600), CLOCK_S(600),
	    CLOCK_S(300), CLOCK_S(120), CLOCK_S(60), CLOCK_S(60), CLOCK_S(20)};

	sim->event_gap = gaps[rng_next(&sim->dice) % 8];
	sim->interval = one_in(&sim->dice, 8) ? CLOCK_MS(45000) : CLOCK_MS(41250);
	sim->session_ttl = rng_between(&sim->dice, CLOCK_S(60), CLOCK_S(600));
	sim->max_concurrency = one_in(&sim->dice, 4) ? 16 : 1;
	if (one_in(&sim->dice, 4)) {
		sim->probe_after = one_in(&sim->dice, 2) ? CLOCK_S(300) : CLOCK_S(3600);
	}
	for (uint32_t i = 0; i < LANES_MAX; i++) {
		sim->identified_at[i] = CLOCK_NEVER;
	}
}

/* The day before was a bad one: few IDENTIFYs are left. */
static void
plan_yesterday(struct sim *sim)
{
	uint32_t count = 900 + (uint32_t)(rng_next(&sim->dice) % 51);
	mono_ns each = CLOCK_S(80);

	for (uint32_t i = 0; i < count; i++) {
		mono_ns before = (count - i) * each;

		sim->identified[i] = sim->now - before;
		identify_ledger_add(&sim->ledger,
		    ledger_ms(sim) - before / CLOCK_MS(1));
	}
	sim->identified_count = count;
}

static void
plan(struct sim *sim, uint64_t seed)
{
	sim->seed = seed;
	sim->dice.state = seed;
	sim->session_rng.state = rng_next(&sim->dice);
	/* A host that was up for an hour to a year. */
	sim->begin = rng_between(&sim->dice, CLOCK_S(3600), 365 * DAY);
	sim->now = sim->begin;
	sim->end = sim->begin + DAY;
	sim->boot_id = 1;
	sim->wall_offset_ms = INT64_C(1750000000000) - sim->now / CLOCK_MS(1);
	sim->lanes =
	    one_in(&sim->dice, 8) ? 2 + (uint32_t)(rng_next(&sim->dice) % 3) : 1;
	plan_limits(sim);
	plan_server(sim);
	if (one_in(&sim->dice, 16)) {
		plan_yesterday(sim);
	}
	faults_plan(sim);
	for (uint32_t i = 0; i < sim->lanes; i++) {
		discord_generate(sim, i);
	}
}

static void
take(struct sim *sim, const struct note *note)
{
	sim->totals->events++;
	switch ((int)note->kind) {
	case NOTE_GENERATE:
		discord_generate(sim, note->lane);
		return;
	case NOTE_FAULT:
		faults_strike(sim);
		return;
	case NOTE_RESTART:
		tell(sim, note);
		if (one_in(&sim->dice, 8)) {
			reboot_host(sim);
		}
		host_start(sim);
		return;
	default:
		host_take(sim, note);
		return;
	}
}

/* One instant; false at the end of the day. */
static bool
turn(struct sim *sim)
{
	const struct note *first = queue_first(sim);
	mono_ns timer = host_wake_at(sim);
	mono_ns news = first ? first->at : CLOCK_NEVER;
	mono_ns at = timer <= news ? timer : news;

	if (at >= sim->end) {
		return false;
	}
	if (sim->foresight) {
		foresight_look(sim, at);
	}
	sim->now = at > sim->now ? at : sim->now;
	if (timer <= news) {
		host_timeouts(sim);
	} else {
		struct note note = queue_pop(sim);

		take(sim, &note);
	}
	return true;
}

static bool
play(uint64_t seed, bool trace, struct foresight *foresight, struct totals *totals)
{
	struct sim *sim = &world;

	memset(sim, 0, sizeof *sim);
	sim->totals = totals;
	sim->trace = trace;
	sim->foresight = foresight;
	plan(sim, seed);
	host_start(sim);
	while (sim->broken[0] == '\0' && turn(sim)) {
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

bool
life_play(uint64_t seed, bool trace, struct totals *totals)
{
	return play(seed, trace, NULL, totals);
}

bool
life_foresee(uint64_t seed, struct foresight *foresight, struct totals *totals)
{
	return play(seed, false, foresight, totals);
}
