/*
 * Session: bytes choose what happens and how much time passes; every rule is checked
 * after every step.
 *
 * Input: one byte of flags and seed, then three bytes a step: the play, its detail, and
 * the time before it (the highest bit: timeouts come late).
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "../unit/session_rules.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define STEP_BYTES  3
#define STEPS_MAX   400
#define LATE        0x80
#define HAS_SESSION 0x01

static const mono_ns distances[] = {0, 1, CLOCK_MS(1), CLOCK_MS(499), CLOCK_MS(501),
    CLOCK_MS(999), CLOCK_S(1), CLOCK_S(5), CLOCK_S(10), CLOCK_S(15), CLOCK_MS(41250),
    CLOCK_MS(61876), CLOCK_S(60), CLOCK_S(83), CLOCK_S(120), CLOCK_S(301)};

static void
play_checked(struct rules *rules, enum rules_play play, uint8_t detail)
{
	const char *broken = rules_play(rules, play, detail);

	if (broken) {
		(void)fprintf(stderr, "after %s %u in state %s: %s\n",
		    rules_play_name(play), detail,
		    snapshot_state_text(rules->session.state), broken);
		abort();
	}
}

static void
pass(struct rules *rules, uint8_t time)
{
	mono_ns end = rules->now + distances[time % 16];

	while ((time & LATE) == 0 && session_wake_at(&rules->session) <= end) {
		mono_ns due = session_wake_at(&rules->session);

		rules->now = due > rules->now ? due : rules->now;
		play_checked(rules, PLAY_TIMEOUT, 0);
	}
	rules->now = end;
	while (session_wake_at(&rules->session) <= end) {
		play_checked(rules, PLAY_TIMEOUT, 0);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct session_saved saved = {.id = "s0",
	    .resume_url = "wss://r0.discord.gg",
	    .seq = 5};
	struct rules rules;

	if (size == 0) {
		return 0;
	}
	rules_init(&rules, data[0], data[0] & HAS_SESSION ? &saved : NULL, CLOCK_S(1));
	for (size_t i = 0; i < STEPS_MAX && 1 + (i + 1) * STEP_BYTES <= size; i++) {
		const uint8_t *step = data + 1 + i * STEP_BYTES;

		pass(&rules, step[2]);
		play_checked(&rules, (enum rules_play)(step[0] % PLAY_COUNT), step[1]);
	}
	return 0;
}
