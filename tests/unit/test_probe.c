/* Out of the results of runs: up, down, and what it takes to change. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <string.h>

#include "probe.h"

/* Plays runs, "+" good, "-" bad and "?" neither, a second each; after each run the
 * state's letter. */
static void
expect(struct probe_limits limits, const char *runs, const char *states)
{
	struct probe probe = {.state = PROBE_UNKNOWN};

	for (size_t i = 0; runs[i]; i++) {
		mono_ns now = CLOCK_S((int64_t)i + 1);
		mono_ns since = probe.since;
		const struct probe_result result = {runs[i] == '+' ? PROBE_GOOD :
			runs[i] == '-'                             ? PROBE_BAD :
								     PROBE_UNSETTLED,
		    runs[i] == '+' ? "" : "why", CLOCK_MS(3)};
		enum probe_state before = probe.state;
		bool changed = probe_note(&probe, &limits, &result, now);

		assert_int_equal(changed, probe.state != before);
		assert_int_equal(probe_state_text(probe.state)[0], states[i]);
		assert_int_equal(probe.since, changed ? now : since);
		assert_int_equal(probe.last_at, now);
		assert_int_equal(probe.runs, i + 1);
		assert_string_equal(probe.reason, result.reason);
	}
}

/* u is up, d down; unknown begins with u as well, so that down tells them apart. */
static void
a_state_changes_after_so_many_runs_in_a_row(void **state)
{
	(void)state;
	expect((struct probe_limits){2, 1}, "+-+--+-", "uuuuduu");
	expect((struct probe_limits){1, 1}, "-+-+", "dudu");
	expect((struct probe_limits){3, 2}, "---+-++---", "uudddduuud");
}

static void
until_enough_runs_agree_it_is_unknown(void **state)
{
	const struct probe_limits limits = {3, 2};
	const struct probe_result good = {PROBE_GOOD, "", 1};
	const struct probe_result bad = {PROBE_BAD, "why", 1};
	struct probe probe = {.state = PROBE_UNKNOWN};

	(void)state;
	for (int i = 0; i < 4; i++) {
		assert_false(probe_note(&probe, &limits, &good, 1));
		assert_false(probe_note(&probe, &limits, &bad, 2));
		assert_false(probe_note(&probe, &limits, &bad, 3));
		assert_int_equal(probe.state, PROBE_UNKNOWN);
	}
	assert_true(probe_note(&probe, &limits, &bad, 4));
	assert_int_equal(probe.streak, 3);
	assert_int_equal(probe.failures, 9);
}

static void
a_run_that_settles_nothing_is_no_part_of_a_row(void **state)
{
	(void)state;
	expect((struct probe_limits){2, 1}, "?+?-?-?+", "uuuuuddu");
	expect((struct probe_limits){1, 2}, "-?+?+??", "dddduuu");
}

static void
a_long_reason_is_cut(void **state)
{
	char reason[2 * PROBE_REASON_ROOM];
	const struct probe_limits limits = {1, 1};
	struct probe probe = {.state = PROBE_UNKNOWN};

	(void)state;
	memset(reason, 'x', sizeof reason - 1);
	reason[sizeof reason - 1] = '\0';
	(void)probe_note(&probe, &limits, &(struct probe_result){PROBE_BAD, reason, 1},
	    1);
	assert_int_equal(strlen(probe.reason), PROBE_REASON_ROOM - 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_state_changes_after_so_many_runs_in_a_row),
	    cmocka_unit_test(until_enough_runs_agree_it_is_unknown),
	    cmocka_unit_test(a_run_that_settles_nothing_is_no_part_of_a_row),
	    cmocka_unit_test(a_long_reason_is_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
