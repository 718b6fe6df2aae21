/* What the service manager is told, as text. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "notify_text.h"

static const struct snapshot up = {
    .state = SNAPSHOT_READY,
    .connected = true,
    .shard_count = 2,
    .last_event_age = CLOCK_S(1),
    .last_ready_age = CLOCK_S(30),
    .disconnect_age = SNAPSHOT_NONE,
    .latency = CLOCK_MS(41) + CLOCK_US(999),
};

static const struct snapshot lost = {
    .shard_id = 1,
    .state = SNAPSHOT_BACKOFF,
    .shard_count = 2,
    .last_event_age = CLOCK_S(29),
    .last_ready_age = CLOCK_S(300),
    .disconnect_age = CLOCK_S(3),
    .latency = SNAPSHOT_NONE,
};

static void
expect_line(const char *expected, struct snapshot one, struct snapshot other,
    bool stopping)
{
	const struct snapshot shards[] = {one, other};
	struct health_input input = {
	    .shards = shards,
	    .count = 2,
	    .limits = {.stall = CLOCK_S(210),
		.disconnect_grace = CLOCK_S(210),
		.max_latency = CLOCK_S(10)},
	    .stopping = stopping,
	};
	char line[NOTIFY_LINE_ROOM];

	notify_line(&input, line);
	assert_string_equal(line, expected);
}

static void
the_state_line_says_how_many_are_ready(void **state)
{
	struct snapshot quick = up;
	struct snapshot young = up;

	(void)state;
	expect_line("2/2 ready, latency 41 ms", up, up, false);
	quick.latency = CLOCK_MS(1) - 1;
	expect_line("2/2 ready, latency below 1 ms", quick, quick, false);
	young.latency = SNAPSHOT_NONE;
	expect_line("2/2 ready", young, young, false);
}

static void
the_state_line_names_the_first_in_trouble(void **state)
{
	struct snapshot silent = up;

	(void)state;
	expect_line("1/2 ready, latency 41 ms; reconnecting: shard 1 backing off", up,
	    lost, false);
	silent.last_event_age = CLOCK_S(211);
	silent.latency = SNAPSHOT_NONE;
	expect_line("2/2 ready; degraded", silent, up, false);
	expect_line("1/2 ready, latency 41 ms; draining", up, lost, true);
}

static void
a_line_without_ages_stays_the_same_while_time_passes(void **state)
{
	struct snapshot later = lost;

	(void)state;
	later.disconnect_age += CLOCK_S(20);
	later.last_event_age += CLOCK_S(20);
	expect_line("0/2 ready; reconnecting: shard 1 backing off", lost, later, false);
}

static void
expect_text(const char *expected, const struct notify_news *news)
{
	char text[NOTIFY_TEXT_ROOM];

	assert_int_equal(notify_text(news, text), strlen(expected));
	assert_string_equal(text, expected);
}

static void
a_datagram_has_one_assignment_a_line(void **state)
{
	(void)state;
	expect_text("", &(struct notify_news){.phase = NOTIFY_SAME});
	expect_text("WATCHDOG=1\n", &(struct notify_news){.alive = true});
	expect_text("READY=1\nSTATUS=1/1 ready\nWATCHDOG=1\n",
	    &(struct notify_news){.phase = NOTIFY_READY,
		.line = "1/1 ready",
		.alive = true});
	expect_text("RELOADING=1\nMONOTONIC_USEC=7654321\n",
	    &(struct notify_news){.phase = NOTIFY_RELOADING,
		.awake = CLOCK_US(7654321) + 999});
	expect_text("STOPPING=1\n", &(struct notify_news){.phase = NOTIFY_STOPPING});
}

static void
the_longest_line_fits_with_all_else(void **state)
{
	char line[NOTIFY_LINE_ROOM];
	char text[NOTIFY_TEXT_ROOM];
	struct notify_news news = {
	    .phase = NOTIFY_RELOADING,
	    .awake = INT64_MAX,
	    .alive = true,
	    .line = line,
	};

	(void)state;
	memset(line, 'x', sizeof line - 1);
	line[sizeof line - 1] = '\0';
	size_t size = notify_text(&news, text);

	assert_true(size < sizeof text - 1);
	assert_string_equal(text + size - strlen("x\nWATCHDOG=1\n"), "x\nWATCHDOG=1\n");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_state_line_says_how_many_are_ready),
	    cmocka_unit_test(the_state_line_names_the_first_in_trouble),
	    cmocka_unit_test(a_line_without_ages_stays_the_same_while_time_passes),
	    cmocka_unit_test(a_datagram_has_one_assignment_a_line),
	    cmocka_unit_test(the_longest_line_fits_with_all_else),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
