/* The ledger of a day's identifies, and the clock that it is kept by. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "quota.h"
#include "rng.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))
#define WALL            INT64_C(1700000000000)
#define DAY_MS          LEDGER_WINDOW_MS
#define MINUTE_MS       INT64_C(60000)

static struct identify_ledger ledger;

static int
empty_the_ledger(void **state)
{
	(void)state;
	ledger = (struct identify_ledger){.youngest_ms = 0};
	return 0;
}

/* ---- what it counts ---- */

static void
an_identify_counts_for_a_day_and_the_rest_of_its_minute(void **state)
{
	int64_t minute_ends = WALL - WALL % MINUTE_MS + MINUTE_MS;

	(void)state;
	identify_ledger_add(&ledger, WALL);
	assert_int_equal(identify_ledger_count(&ledger, WALL), 1);
	assert_int_equal(identify_ledger_count(&ledger, WALL + DAY_MS - 1), 1);
	assert_int_equal(identify_ledger_count(&ledger, minute_ends + DAY_MS - 1), 1);
	assert_int_equal(identify_ledger_count(&ledger, minute_ends + DAY_MS), 0);
}

static void
no_identify_is_forgotten_within_its_day(void **state)
{
	static int64_t sent[20000];
	struct rng rng = {11};
	int64_t wall = WALL;
	size_t oldest = 0;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(sent); i++) {
		wall += rng_between(&rng, 0, 60000);
		identify_ledger_add(&ledger, wall);
		sent[i] = wall;
		while (sent[oldest] <= wall - DAY_MS - MINUTE_MS) {
			oldest++;
		}
		int64_t most = (int64_t)(i + 1 - oldest);
		size_t youngest_gone = oldest;

		while (sent[youngest_gone] <= wall - DAY_MS) {
			youngest_gone++;
		}
		int64_t least = (int64_t)(i + 1 - youngest_gone);

		if (i % 97 == 0) {
			int64_t count = identify_ledger_count(&ledger, wall);

			assert_true(count >= least && count <= most);
		}
	}
}

static void
the_ledger_holds_as_many_as_the_largest_bot_sends(void **state)
{
	(void)state;
	for (int64_t i = 0; i < QUOTA_TOTAL_MAX; i++) {
		identify_ledger_add(&ledger, WALL + i * DAY_MS / QUOTA_TOTAL_MAX);
	}
	assert_int_equal(identify_ledger_count(&ledger, WALL + DAY_MS - 1),
	    QUOTA_TOTAL_MAX);
}

static void
what_was_not_sent_is_taken_back(void **state)
{
	(void)state;
	identify_ledger_add(&ledger, WALL);
	identify_ledger_add(&ledger, WALL);
	identify_ledger_take_back(&ledger, WALL);
	identify_ledger_take_back(&ledger, WALL + 5 * MINUTE_MS); /* never was */
	assert_int_equal(identify_ledger_count(&ledger, WALL), 1);
	identify_ledger_take_back(&ledger, WALL);
	identify_ledger_take_back(&ledger, WALL);
	assert_int_equal(identify_ledger_count(&ledger, WALL), 0);
}

static void
entries_of_the_future_count_for_a_day_and_no_longer(void **state)
{
	static const int64_t ahead[] = {MINUTE_MS, 3600000, DAY_MS * 365 * 75,
	    INT64_MAX - WALL};

	for (size_t i = 0; i < COUNT_OF(ahead); i++) {
		(void)empty_the_ledger(state);
		identify_ledger_add(&ledger, WALL + ahead[i]);
		assert_int_equal(identify_ledger_count(&ledger, WALL), 1);
		identify_ledger_add(&ledger, WALL + 5);
		assert_int_equal(identify_ledger_count(&ledger, WALL + DAY_MS - 1), 2);
		assert_int_equal(identify_ledger_count(&ledger,
				     WALL + DAY_MS + MINUTE_MS),
		    0);
	}
}

static void
a_place_that_a_later_minute_took_does_not_lose_it(void **state)
{
	int64_t later = WALL + LEDGER_SLOTS * MINUTE_MS;

	(void)state;
	identify_ledger_add(&ledger, later);
	identify_ledger_add(&ledger, WALL); /* the clock went back by just a day */
	assert_int_equal(identify_ledger_count(&ledger, WALL), 2);
}

/* Whichever minute it is set back to: its place is held by one of the future. */
static void
a_clock_that_goes_far_back_loses_no_identify(void **state)
{
	for (int64_t back = 30; back < 30 + LEDGER_SLOTS; back++) {
		int64_t now = WALL - back * DAY_MS - back * MINUTE_MS;

		(void)empty_the_ledger(state);
		for (int64_t i = 0; i < 1440; i++) {
			identify_ledger_add(&ledger, WALL - i * MINUTE_MS);
		}
		assert_int_equal(identify_ledger_count(&ledger, now), 1440);
	}
}

static void
a_ledger_from_a_damaged_disk_is_survived(void **state)
{
	struct rng rng = {5};

	for (int round = 0; round < 200; round++) {
		(void)empty_the_ledger(state);
		for (size_t i = 0; i < LEDGER_SLOTS; i++) {
			ledger.slots[i] = rng_next(&rng);
		}
		ledger.youngest_ms = (int64_t)rng_next(&rng);
		assert_in_range(identify_ledger_count(&ledger, WALL), 0, 100000);
		assert_true(ledger.youngest_ms <= WALL);
		identify_ledger_add(&ledger, WALL);
		assert_true(identify_ledger_count(&ledger, WALL) >= 1);
	}
}

/* ---- its clock ---- */

static int64_t
look(uint64_t boot_id, int64_t boot_ms, int64_t wall_ms)
{
	return identify_ledger_now(&ledger,
	    &(struct ledger_time){
		.boot_id = boot_id,
		.boot_ms = boot_ms,
		.wall_ms = wall_ms,
	    });
}

static void
it_begins_as_wall_time_and_stays_it(void **state)
{
	(void)state;
	for (int64_t ms = 0; ms < DAY_MS; ms += MINUTE_MS) {
		assert_int_equal(look(7, 5000 + ms, WALL + ms), WALL + ms);
	}
	/* What an older version wrote down, in wall time, still counts. */
	identify_ledger_add(&ledger, WALL - DAY_MS / 2);
	ledger.boot_id = 0;
	ledger.boot_lag_ms = 0;
	assert_int_equal(identify_ledger_count(&ledger, look(8, 1, WALL)), 1);
}

static void
within_a_boot_no_step_of_the_wall_clock_moves_it(void **state)
{
	static const int64_t steps[] = {DAY_MS, -DAY_MS, 400 * DAY_MS, -400 * DAY_MS,
	    3600000, -WALL, 1};

	(void)state;
	assert_int_equal(look(7, 1000, WALL), WALL);
	for (size_t i = 0; i < COUNT_OF(steps); i++) {
		int64_t passed = (int64_t)(i + 1) * 10;

		assert_int_equal(look(7, 1000 + passed, WALL + steps[i]),
		    WALL + passed);
	}
}

static void
over_a_reboot_it_goes_on_as_the_wall_clock_did(void **state)
{
	(void)state;
	assert_int_equal(look(7, 90000, WALL), WALL);
	/* Set forward by a year, and noticed; then an hour without power. */
	assert_int_equal(look(7, 91000, WALL + 365 * DAY_MS), WALL + 1000);
	assert_int_equal(look(8, 20, WALL + 365 * DAY_MS + 3600000),
	    WALL + 1000 + 3600000);
	assert_int_equal(look(8, 30, WALL), WALL + 1000 + 3600000 + 10);
}

static void
a_host_that_wakes_up_in_1970_forgets_nothing(void **state)
{
	(void)state;
	for (int i = 0; i < 900; i++) {
		identify_ledger_add(&ledger, look(7, i, WALL + i));
	}
	int64_t now = look(8, 10, 1000);

	assert_int_equal(now, 1000);
	assert_int_equal(identify_ledger_count(&ledger, now), 900);
	/* The time server answers: no time passed for that. */
	now = look(8, 20, WALL);
	assert_int_equal(now, 1010);
	assert_int_equal(identify_ledger_count(&ledger, now), 900);
	assert_int_equal(identify_ledger_count(&ledger, now + DAY_MS + MINUTE_MS), 0);
}

static void
a_clock_set_forward_over_a_restart_gives_no_budget_back(void **state)
{
	static struct identify_gate gate;
	const int64_t own = QUOTA_IDENTIFIES_DAY - QUOTA_IDENTIFIES_RESERVE;

	(void)state;
	for (int i = 0; i < own; i++) {
		identify_ledger_add(&ledger, look(7, i, WALL + i));
	}
	int64_t now = look(7, 3000, WALL + 2 * DAY_MS);

	identify_gate_init(&gate, &ledger, CLOCK_S(3), now);
	assert_int_equal(identify_gate_left(&gate, now), 0);
	/* The youngest is 3000 - 949 ms old: the spacing runs on. */
	assert_int_equal(gate.slots[0].next_at,
	    CLOCK_S(3) + QUOTA_IDENTIFY_SPACING - CLOCK_MS(3000 - (own - 1)));
}

static void
a_damaged_clock_is_survived(void **state)
{
	struct rng rng = {9};

	for (int round = 0; round < 1000; round++) {
		(void)empty_the_ledger(state);
		ledger.boot_id = round % 2 == 0 ? 7 : rng_next(&rng);
		ledger.boot_lag_ms = (int64_t)(rng_next(&rng) >> (round % 64));
		ledger.wall_lag_ms = -(int64_t)(rng_next(&rng) >> (round % 64));
		int64_t first = look(7, 60000, WALL);

		assert_true(first >= 0);
		assert_int_equal(look(7, 61000, WALL), first + 1000);
	}
	(void)empty_the_ledger(state);
	assert_int_equal(look(7, 5, -3), 0); /* before 1970 */
	assert_int_equal(look(7, 6, INT64_MAX), 1);
}

static void
a_slot_at_a_place_that_is_not_its_own_counts_nothing(void **state)
{
	const int64_t minute = identify_ledger_minute(WALL);
	const size_t place = (size_t)((minute + 7) % LEDGER_SLOTS);

	(void)state;
	ledger.slots[place] = (uint64_t)minute << 32 | 900;
	assert_int_equal(identify_ledger_count(&ledger, WALL), 0);
	assert_int_equal(ledger.slots[place], 0);
	/* More in one minute than any bot may send. */
	ledger.slots[minute % LEDGER_SLOTS] = (uint64_t)minute << 32 | 100001;
	assert_int_equal(identify_ledger_count(&ledger, WALL), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup(a_slot_at_a_place_that_is_not_its_own_counts_nothing,
		empty_the_ledger),
	    cmocka_unit_test_setup(
		an_identify_counts_for_a_day_and_the_rest_of_its_minute,
		empty_the_ledger),
	    cmocka_unit_test_setup(no_identify_is_forgotten_within_its_day,
		empty_the_ledger),
	    cmocka_unit_test_setup(the_ledger_holds_as_many_as_the_largest_bot_sends,
		empty_the_ledger),
	    cmocka_unit_test_setup(what_was_not_sent_is_taken_back, empty_the_ledger),
	    cmocka_unit_test_setup(entries_of_the_future_count_for_a_day_and_no_longer,
		empty_the_ledger),
	    cmocka_unit_test_setup(a_place_that_a_later_minute_took_does_not_lose_it,
		empty_the_ledger),
	    cmocka_unit_test_setup(a_clock_that_goes_far_back_loses_no_identify,
		empty_the_ledger),
	    cmocka_unit_test_setup(a_ledger_from_a_damaged_disk_is_survived,
		empty_the_ledger),
	    cmocka_unit_test_setup(it_begins_as_wall_time_and_stays_it,
		empty_the_ledger),
	    cmocka_unit_test_setup(within_a_boot_no_step_of_the_wall_clock_moves_it,
		empty_the_ledger),
	    cmocka_unit_test_setup(over_a_reboot_it_goes_on_as_the_wall_clock_did,
		empty_the_ledger),
	    cmocka_unit_test_setup(a_host_that_wakes_up_in_1970_forgets_nothing,
		empty_the_ledger),
	    cmocka_unit_test_setup(
		a_clock_set_forward_over_a_restart_gives_no_budget_back,
		empty_the_ledger),
	    cmocka_unit_test_setup(a_damaged_clock_is_survived, empty_the_ledger),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
