/*
 * Session: a long random life against a small server, every rule checked at every step.
 *
 * The server plays well most of the time, and every trick that it knows the rest.
 */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "session_rules.h"

#define LIVES 150
#define STEPS 1000

/* What the walk has seen: a walk that meets nothing proves nothing. */
struct seen {
	unsigned plays[PLAY_COUNT];
	unsigned states[SNAPSHOT_FATAL + 1];
	uint64_t identifies, resumes, resumed, zombies, probes, gaps, duplicates;
	mono_ns lived;
};

static bool
one_in(struct rng *rng, unsigned n)
{
	return rng_next(rng) % n == 0;
}

/* What the server of a shard in this state would do if it were well. */
static enum rules_play
fair_play(const struct rules *rules, struct rng *dice)
{
	switch (rules->session.state) {
	case SNAPSHOT_IDLE:
		return PLAY_START;
	case SNAPSHOT_WAIT_SLOT:
		return PLAY_SLOT;
	case SNAPSHOT_RESOLVING:
	case SNAPSHOT_CONNECTING:
		return PLAY_OPENED;
	case SNAPSHOT_WAIT_HELLO:
		return one_in(dice, 4) ? PLAY_HELLO_SHORT : PLAY_HELLO;
	case SNAPSHOT_IDENTIFYING:
		return PLAY_READY;
	case SNAPSHOT_RESUMING:
		return one_in(dice, 2) ? PLAY_DISPATCH : PLAY_RESUMED;
	case SNAPSHOT_READY:
		return one_in(dice, 2) ? PLAY_ACK : PLAY_DISPATCH;
	case SNAPSHOT_BACKOFF:
	case SNAPSHOT_STOPPED:
	case SNAPSHOT_FATAL:
		return PLAY_TIMEOUT;
	}
	return PLAY_TIMEOUT;
}

static enum rules_play
next_play(const struct rules *rules, struct rng *dice, unsigned malice)
{
	if (!one_in(dice, malice)) {
		return fair_play(rules, dice);
	}
	enum rules_play play = (enum rules_play)(rng_next(dice) % PLAY_COUNT);
	bool ends = play == PLAY_STOP || play == PLAY_REFUSED;

	/* A life that ends at once shows nothing. */
	return ends && !one_in(dice, 50) ? PLAY_LOST : play;
}

static uint8_t
next_detail(struct rng *dice, enum rules_play play)
{
	uint8_t detail = (uint8_t)rng_next(dice);
	bool fatal = play == PLAY_LOST && rules_codes[detail % 16] == 4004;

	return fatal && !one_in(dice, 20) ? 0 : detail;
}

static void
play_checked(struct rules *rules, enum rules_play play, uint8_t detail, uint64_t life,
    struct seen *seen)
{
	const char *broken = rules_play(rules, play, detail);

	seen->plays[play]++;
	seen->states[rules->session.state]++;
	if (broken) {
		fail_msg("life %" PRIu64 ", after %s %u in state %s: %s", life,
		    rules_play_name(play), detail,
		    snapshot_state_text(rules->session.state), broken);
	}
}

/* Lets time pass; timeouts come when they are due, seldom later. */
static void
pass(struct rules *rules, struct rng *dice, mono_ns distance, uint64_t life,
    struct seen *seen)
{
	mono_ns end = rules->now + distance;

	while (session_wake_at(&rules->session) <= end) {
		mono_ns late = one_in(dice, 50) ? rng_between(dice, 0, CLOCK_S(90)) : 0;

		rules->now = session_wake_at(&rules->session) + late;
		end = end > rules->now ? end : rules->now;
		play_checked(rules, PLAY_TIMEOUT, 0, life, seen);
		if (rules->opened && !one_in(dice, 20)) {
			play_checked(rules, PLAY_ACK, 0, life, seen);
		}
	}
	rules->now = end;
}

static void
live(uint64_t life, struct seen *seen)
{
	struct session_saved saved = {.id = "s0", .seq = 5};
	struct rng dice = {life};
	struct rules rules;
	/* From saints to villains. */
	unsigned malice = 2U << life % 6;

	rules_init(&rules, life, life % 2 == 0 ? &saved : NULL, CLOCK_S(life));
	for (int step = 0; step < STEPS; step++) {
		mono_ns most = one_in(&dice, 10) ? CLOCK_S(120) : CLOCK_MS(200);
		enum rules_play play = next_play(&rules, &dice, malice);

		pass(&rules, &dice, rng_between(&dice, 0, most), life, seen);
		play_checked(&rules, play, next_detail(&dice, play), life, seen);
	}
	seen->identifies += rules.session.identifies;
	seen->resumes += rules.session.resumes;
	seen->resumed += rules.session.resumed;
	seen->zombies += rules.session.zombies;
	seen->probes += rules.session.probes;
	seen->gaps += rules.session.seq_gaps;
	seen->duplicates += rules.session.duplicates;
	seen->lived += rules.now - CLOCK_S(life);
}

static void
a_long_random_life_breaks_no_rule(void **state)
{
	struct seen seen = {.lived = 0};
	unsigned steps = 0;

	(void)state;
	for (uint64_t life = 0; life < LIVES; life++) {
		live(life, &seen);
	}
	for (int play = 0; play < PLAY_COUNT; play++) {
		steps += seen.plays[play];
		if (seen.plays[play] == 0) {
			fail_msg("never played: %s",
			    rules_play_name((enum rules_play)play));
		}
	}
	for (int i = SNAPSHOT_IDLE + 1; i <= SNAPSHOT_FATAL; i++) {
		if (i != SNAPSHOT_RESOLVING && seen.states[i] == 0) {
			fail_msg("never met: %s",
			    snapshot_state_text((enum snapshot_state)i));
		}
	}
	assert_true(steps >= 200000);
	assert_true(seen.identifies > 100 && seen.resumes > 100 && seen.resumed > 100);
	assert_true(seen.probes > 100);
	assert_true(seen.zombies > 100 && seen.gaps > 10 && seen.duplicates > 100);
	print_message("%u steps, %" PRId64 " days\n", steps,
	    seen.lived / CLOCK_S(24 * 3600));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_long_random_life_breaks_no_rule),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
