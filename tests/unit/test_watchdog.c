/* Watchdog: both sides of every threshold. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "watchdog.h"

static const struct watchdog_limits limits = {
    .keepalive = CLOCK_S(60),
    .stall = CLOCK_S(210),
    .disconnect_grace = CLOCK_S(300),
    .max_latency = CLOCK_S(10),
};

static void
each_side_of_each_threshold(void **state)
{
	static const struct {
		const char *name;
		struct snapshot snap;
		enum watchdog_verdict verdict;
	} cases[] = {
	    {"fresh", {.connected = true, .last_event_age = 0}, WATCHDOG_OK},
	    {"silence of exactly stall is not over it",
		{.connected = true,
		    .last_event_age = CLOCK_S(210),
		    .latency = SNAPSHOT_NONE},
		WATCHDOG_OK},
	    {"silent a moment longer, latency unknown",
		{.connected = true,
		    .last_event_age = CLOCK_S(210) + 1,
		    .latency = SNAPSHOT_NONE},
		WATCHDOG_ZOMBIE},
	    {"silent, latency exactly at its limit",
		{.connected = true,
		    .last_event_age = CLOCK_S(210) + 1,
		    .latency = CLOCK_S(10)},
		WATCHDOG_STALE},
	    {"silent, latency a moment over its limit",
		{.connected = true,
		    .last_event_age = CLOCK_S(210) + 1,
		    .latency = CLOCK_S(10) + 1},
		WATCHDOG_ZOMBIE},
	    {"silent, latency good",
		{.connected = true, .last_event_age = CLOCK_S(9999), .latency = 1},
		WATCHDOG_STALE},
	    {"never checked before", {.disconnect_age = SNAPSHOT_NONE}, WATCHDOG_OK},
	    {"down for exactly the grace", {.disconnect_age = CLOCK_S(300)},
		WATCHDOG_OK},
	    {"down a moment longer", {.disconnect_age = CLOCK_S(300) + 1},
		WATCHDOG_DOWN},
	    {"down and silent: the grace decides",
		{.disconnect_age = CLOCK_S(1),
		    .last_event_age = CLOCK_S(9999),
		    .latency = SNAPSHOT_NONE},
		WATCHDOG_OK},
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		enum watchdog_verdict verdict =
		    watchdog_decide(&cases[i].snap, &limits);

		if (verdict != cases[i].verdict) {
			fail_msg("%s: %s", cases[i].name,
			    watchdog_verdict_name(verdict));
		}
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(each_side_of_each_threshold),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
