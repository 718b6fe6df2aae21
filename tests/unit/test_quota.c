/* Limits: the window of sends, the buckets, and the ledger of a day. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "quota.h"
#include "rng.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))
#define NOW             CLOCK_S(1000)
#define WALL            INT64_C(1700000000000)
#define DAY_MS          QUOTA_IDENTIFY_WINDOW_MS
#define OWN_BUDGET      (QUOTA_IDENTIFIES_DAY - QUOTA_IDENTIFIES_RESERVE)

/* ---- sends ---- */

static unsigned
take_all(struct send_budget *budget, mono_ns now, bool vital)
{
	unsigned taken = 0;

	while (taken < 1000 && send_budget_take(budget, now, vital)) {
		taken++;
	}
	return taken;
}

static void
ordinary_sends_stop_where_vital_ones_still_go(void **state)
{
	struct send_budget budget = {.count = 0};

	(void)state;
	assert_int_equal(take_all(&budget, 0, false), 110);
	assert_int_equal(take_all(&budget, 0, true), 10);
	assert_int_equal(take_all(&budget, 0, true), 0);
	assert_int_equal(take_all(&budget, CLOCK_S(60) - 1, true), 0);
	assert_int_equal(take_all(&budget, CLOCK_S(60), false), 110);
}

static void
vital_sends_count_for_the_ordinary_ones(void **state)
{
	struct send_budget budget = {.count = 0};

	(void)state;
	for (int i = 0; i < 30; i++) {
		assert_true(send_budget_take(&budget, 0, true));
	}
	assert_int_equal(take_all(&budget, 0, false), 80);
}

static void
a_lowered_budget_stops_ordinary_sends_only(void **state)
{
	struct send_budget budget = {.ordinary = 20};

	(void)state;
	assert_int_equal(take_all(&budget, 0, false), 20);
	assert_int_equal(take_all(&budget, 0, true), 100);
}

static void
the_window_slides_send_by_send(void **state)
{
	struct send_budget budget = {.count = 0};

	(void)state;
	for (int i = 0; i < 110; i++) {
		assert_true(send_budget_take(&budget, CLOCK_MS(100) * i, false));
	}
	for (int i = 0; i < 110; i++) {
		mono_ns freed = CLOCK_S(60) + CLOCK_MS(100) * i;

		assert_false(send_budget_take(&budget, freed - 1, false));
		assert_true(send_budget_take(&budget, freed, false));
		assert_false(send_budget_take(&budget, freed, false));
	}
}

static void
no_window_of_60_s_ever_holds_more_than_it_may(void **state)
{
	static mono_ns sent[20000];
	struct send_budget budget = {.count = 0};
	struct rng rng = {7};
	mono_ns now = 0;
	size_t count = 0;
	size_t oldest = 0;

	(void)state;
	while (count < COUNT_OF(sent)) {
		bool vital = rng_next(&rng) % 8 == 0;

		now += rng_between(&rng, 0, CLOCK_MS(200));
		if (!send_budget_take(&budget, now, vital)) {
			continue;
		}
		sent[count++] = now;
		while (now - sent[oldest] >= CLOCK_S(60)) {
			oldest++;
		}
		assert_true(count - oldest <= (vital ? 120 : 110));
	}
}

/* ---- the ledger ---- */

static struct identify_ledger ledger;
static struct identify_gate gate;

static int
empty_the_ledger(void **state)
{
	(void)state;
	ledger = (struct identify_ledger){.count = 0};
	identify_gate_init(&gate, &ledger, NOW, WALL);
	return 0;
}

static void
an_identify_counts_for_exactly_a_day(void **state)
{
	(void)state;
	identify_ledger_add(&ledger, WALL);
	assert_int_equal(identify_ledger_count(&ledger, WALL), 1);
	assert_int_equal(identify_ledger_count(&ledger, WALL + DAY_MS - 1), 1);
	assert_int_equal(identify_ledger_count(&ledger, WALL + DAY_MS), 0);
}

static void
the_ledger_goes_round(void **state)
{
	(void)state;
	for (int64_t i = 0; i < 5000; i++) {
		identify_ledger_add(&ledger, WALL + i * DAY_MS / 500);

		uint32_t count =
		    identify_ledger_count(&ledger, WALL + i * DAY_MS / 500);

		assert_int_equal(count, i < 500 ? i + 1 : 500);
	}
}

static void
a_full_ledger_keeps_the_youngest(void **state)
{
	(void)state;
	for (int64_t i = 0; i < QUOTA_IDENTIFIES_DAY + 10; i++) {
		identify_ledger_add(&ledger, WALL + i);
	}
	assert_int_equal(identify_ledger_count(&ledger, WALL + 2000),
	    QUOTA_IDENTIFIES_DAY);
	assert_int_equal(identify_ledger_count(&ledger, WALL + 10 + DAY_MS - 1),
	    QUOTA_IDENTIFIES_DAY);
	assert_int_equal(identify_ledger_count(&ledger, WALL + 10 + DAY_MS),
	    QUOTA_IDENTIFIES_DAY - 1);
}

static void
entries_of_the_future_count_for_a_day_and_no_longer(void **state)
{
	static const int64_t ahead[] = {1, 3600000, DAY_MS * 365 * 75,
	    INT64_MAX - WALL};

	for (size_t i = 0; i < COUNT_OF(ahead); i++) {
		(void)empty_the_ledger(state);
		identify_ledger_add(&ledger, WALL + ahead[i]);
		assert_int_equal(identify_ledger_count(&ledger, WALL), 1);
		identify_ledger_add(&ledger, WALL + 5);
		assert_int_equal(identify_ledger_count(&ledger, WALL + DAY_MS - 1), 2);
		assert_int_equal(identify_ledger_count(&ledger, WALL + DAY_MS + 4), 1);
		assert_int_equal(identify_ledger_count(&ledger, WALL + DAY_MS + 5), 0);
	}
}

static void
a_ledger_from_a_damaged_disk_is_survived(void **state)
{
	static const struct {
		const char *name;
		uint32_t first, count;
		int64_t wall_ms;
		uint32_t counted;
	} cases[] = {
	    {"count too large", 0, QUOTA_IDENTIFIES_DAY + 1, WALL, 0},
	    {"first too large", QUOTA_IDENTIFIES_DAY, 1, WALL, 0},
	    {"both at their ends", UINT32_MAX, UINT32_MAX, WALL, 0},
	    {"full", QUOTA_IDENTIFIES_DAY - 1, QUOTA_IDENTIFIES_DAY, WALL,
		QUOTA_IDENTIFIES_DAY},
	    {"before all time", 0, 3, INT64_MIN, 0},
	    {"after all time", 0, 3, INT64_MAX, 3},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		ledger = (struct identify_ledger){.first = cases[i].first,
		    .count = cases[i].count};
		for (size_t k = 0; k < QUOTA_IDENTIFIES_DAY; k++) {
			ledger.wall_ms[k] = cases[i].wall_ms;
		}
		identify_gate_init(&gate, &ledger, NOW, WALL);
		if (ledger.count != cases[i].counted) {
			fail_msg("%s: %u", cases[i].name, ledger.count);
		}
	}
}

static void
a_damaged_entry_after_a_good_one_counts_as_that_one(void **state)
{
	static const int64_t damaged[] = {INT64_MIN, -1, 0, WALL - 10 * DAY_MS};

	for (size_t i = 0; i < COUNT_OF(damaged); i++) {
		mono_ns retry_at = 0;

		(void)empty_the_ledger(state);
		identify_ledger_add(&ledger, WALL - 1000);
		identify_ledger_add(&ledger, damaged[i]);
		identify_gate_init(&gate, &ledger, NOW, WALL);
		assert_int_equal(identify_ledger_count(&ledger, WALL), 2);
		assert_int_equal(identify_gate_ask(&gate, 0, NOW, WALL, &retry_at),
		    IDENTIFY_WAIT);
		assert_int_equal(retry_at, NOW + QUOTA_IDENTIFY_SPACING - CLOCK_S(1));
		assert_int_equal(identify_ledger_count(&ledger, WALL - 1000 + DAY_MS),
		    0);
	}
}

/* ---- the gate ---- */

static enum identify_answer
ask(uint32_t shard, mono_ns now)
{
	mono_ns retry_at = 0;
	enum identify_answer answer =
	    identify_gate_ask(&gate, shard, now, WALL, &retry_at);

	if (answer != IDENTIFY_GRANTED) {
		assert_true(retry_at > now);
	}
	return answer;
}

static void
one_bucket_lets_one_identify_through_in_its_spacing(void **state)
{
	mono_ns retry_at = 0;

	(void)state;
	assert_int_equal(ask(0, NOW), IDENTIFY_GRANTED);
	assert_int_equal(ask(0, NOW), IDENTIFY_GRANTED); /* still its own */
	assert_int_equal(ask(1, NOW), IDENTIFY_WAIT);    /* held */
	identify_gate_sent(&gate, 0, NOW + CLOCK_S(2), WALL);
	assert_int_equal(identify_gate_ask(&gate, 1, NOW + CLOCK_S(2), WALL, &retry_at),
	    IDENTIFY_WAIT);
	assert_int_equal(retry_at, NOW + CLOCK_S(2) + QUOTA_IDENTIFY_SPACING);
	assert_int_equal(ask(1, retry_at - 1), IDENTIFY_WAIT);
	assert_int_equal(ask(1, retry_at), IDENTIFY_GRANTED);
	assert_true(QUOTA_IDENTIFY_SPACING >= CLOCK_S(5));
	assert_int_equal(ledger.count, 1);
}

static void
a_slot_that_comes_back_is_free_at_once(void **state)
{
	(void)state;
	assert_int_equal(ask(0, NOW), IDENTIFY_GRANTED);
	identify_gate_returned(&gate, 1); /* not its own: nothing */
	assert_int_equal(ask(1, NOW), IDENTIFY_WAIT);
	identify_gate_returned(&gate, 0);
	assert_int_equal(ask(1, NOW), IDENTIFY_GRANTED);
	assert_int_equal(ledger.count, 0);
}

static void
max_concurrency_opens_as_many_buckets(void **state)
{
	(void)state;
	identify_gate_told(&gate, 2, -1, 0, WALL);
	assert_int_equal(ask(0, NOW), IDENTIFY_GRANTED);
	assert_int_equal(ask(1, NOW), IDENTIFY_GRANTED);
	assert_int_equal(ask(2, NOW), IDENTIFY_WAIT);
	identify_gate_sent(&gate, 0, NOW, WALL);
	assert_int_equal(ask(2, NOW), IDENTIFY_WAIT);
	assert_int_equal(ask(2, NOW + QUOTA_IDENTIFY_SPACING), IDENTIFY_GRANTED);
	assert_int_equal(ask(3, NOW + QUOTA_IDENTIFY_SPACING), IDENTIFY_WAIT);
}

static void
a_concurrency_that_changes_under_a_slot_blocks_nobody(void **state)
{
	(void)state;
	assert_int_equal(ask(1, NOW), IDENTIFY_GRANTED);
	identify_gate_told(&gate, 2, -1, 0, WALL);
	identify_gate_sent(&gate, 1, NOW, WALL);
	assert_int_equal(ask(0, NOW), IDENTIFY_GRANTED);
	identify_gate_told(&gate, 1, -1, 0, WALL);
	identify_gate_returned(&gate, 0);
	/* Back in one bucket, the spacing of the other one holds. */
	assert_int_equal(ask(0, NOW + QUOTA_IDENTIFY_SPACING - 1), IDENTIFY_WAIT);
	assert_int_equal(ask(0, NOW + QUOTA_IDENTIFY_SPACING), IDENTIFY_GRANTED);
}

static void
a_concurrency_that_is_not_said_changes_nothing(void **state)
{
	(void)state;
	identify_gate_told(&gate, 4, -1, 0, WALL);
	identify_gate_told(&gate, 0, -1, 0, WALL);
	assert_int_equal(gate.max_concurrency, 4);
}

static void
shards_of_one_of_discords_buckets_never_go_at_once(void **state)
{
	static const uint32_t concurrencies[] = {1, 2, 16, 63, 64, 65, 100, 1000};

	for (size_t i = 0; i < COUNT_OF(concurrencies); i++) {
		uint32_t concurrency = concurrencies[i];

		(void)empty_the_ledger(state);
		identify_gate_told(&gate, concurrency, -1, 0, WALL);
		for (uint32_t shard = 0; shard < 300; shard += 7) {
			(void)empty_the_ledger(state);
			identify_gate_told(&gate, concurrency, -1, 0, WALL);
			identify_gate_sent(&gate, shard, NOW, WALL);
			if (ask(shard + concurrency, NOW) != IDENTIFY_WAIT ||
			    ask(shard + 2 * concurrency, NOW) != IDENTIFY_WAIT) {
				fail_msg("concurrency %u, shard %u", concurrency,
				    shard);
			}
		}
	}
}

static void
a_day_of_sixteen_greedy_shards_keeps_every_rule(void **state)
{
	mono_ns last[2] = {-CLOCK_S(10), -CLOCK_S(10)};
	struct rng rng = {3};
	mono_ns now = NOW;
	uint32_t sent = 0;

	(void)state;
	identify_gate_told(&gate, 2, -1, 0, WALL);
	while (now < NOW + CLOCK_S(20 * 3600)) {
		uint32_t shard = (uint32_t)(rng_next(&rng) % 16);
		int64_t wall = WALL + now / CLOCK_MS(1);
		mono_ns retry_at = 0;

		now += rng_between(&rng, 0, CLOCK_S(9));
		if (identify_gate_ask(&gate, shard, now, wall, &retry_at) !=
		    IDENTIFY_GRANTED) {
			continue;
		}
		if (rng_next(&rng) % 4 == 0) {
			identify_gate_returned(&gate, shard);
			continue;
		}
		identify_gate_sent(&gate, shard, now, wall);
		assert_true(now - last[shard % 2] >= CLOCK_S(5));
		last[shard % 2] = now;
		sent++;
	}
	assert_int_equal(sent, OWN_BUDGET);
}

static void
a_restart_keeps_the_spacing_for_every_bucket(void **state)
{
	static const struct {
		const char *name;
		int64_t later_ms;
		mono_ns left;
	} cases[] = {
	    {"at once", 0, QUOTA_IDENTIFY_SPACING},
	    {"after 2 s", 2000, QUOTA_IDENTIFY_SPACING - CLOCK_S(2)},
	    {"a moment before", 5499, CLOCK_MS(1)},
	    {"just over", 5500, 0},
	    {"long ago", 3600000, 0},
	    {"the clock went back", -3600000, QUOTA_IDENTIFY_SPACING},
	};

	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		(void)empty_the_ledger(state);
		identify_ledger_add(&ledger, WALL - 60000);
		identify_ledger_add(&ledger, WALL);
		identify_gate_init(&gate, &ledger, NOW, WALL + cases[i].later_ms);
		identify_gate_told(&gate, 16, -1, 0, WALL + cases[i].later_ms);
		for (uint32_t shard = 0; shard < 16; shard++) {
			bool early = cases[i].left > 0 &&
			    ask(shard, NOW + cases[i].left - 1) != IDENTIFY_WAIT;

			if (early ||
			    ask(shard, NOW + cases[i].left) != IDENTIFY_GRANTED) {
				fail_msg("%s", cases[i].name);
			}
		}
	}
}

static void
the_reserve_is_left_for_a_human(void **state)
{
	mono_ns retry_at = 0;

	(void)state;
	for (int i = 0; i < OWN_BUDGET - 1; i++) {
		identify_ledger_add(&ledger, WALL + i);
	}
	assert_int_equal(identify_gate_left(&gate, WALL + 1000), 1);
	assert_int_equal(identify_gate_ask(&gate, 0, NOW, WALL + 1000, &retry_at),
	    IDENTIFY_GRANTED);
	identify_gate_sent(&gate, 0, NOW, WALL + 1000);
	assert_int_equal(identify_gate_left(&gate, WALL + 1000), 0);
	assert_int_equal(identify_gate_ask(&gate, 0, NOW + CLOCK_S(60), WALL + 61000,
			     &retry_at),
	    IDENTIFY_SPENT);
	/* Until the oldest of them leaves the window. */
	assert_int_equal(retry_at, NOW + CLOCK_S(60) + CLOCK_MS(DAY_MS - 61000));
	assert_int_equal(identify_gate_ask(&gate, 0, retry_at, WALL + DAY_MS,
			     &retry_at),
	    IDENTIFY_GRANTED);
}

static void
a_budget_that_discord_says_is_spent_waits_for_its_reset(void **state)
{
	static const struct {
		const char *name;
		int64_t reset_after_ms;
		int64_t waits_ms;
	} cases[] = {
	    {"3 s", 3000, 3000},
	    {"an hour", 3600000, 3600000},
	    {"a day", DAY_MS, DAY_MS},
	    {"0 does not mean that the limit is gone", 0, 60000},
	    {"negative", -5, 60000},
	    {"more than a day is not believed", DAY_MS * 9, DAY_MS},
	    {"for ever", INT64_MAX, DAY_MS},
	};
	mono_ns retry_at = 0;

	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		(void)empty_the_ledger(state);
		identify_gate_told(&gate, 1, 0, cases[i].reset_after_ms, WALL);
		if (identify_gate_ask(&gate, 0, NOW, WALL, &retry_at) !=
			IDENTIFY_SPENT ||
		    retry_at != NOW + CLOCK_MS(cases[i].waits_ms)) {
			fail_msg("%s", cases[i].name);
		}
		if (identify_gate_ask(&gate, 0, NOW, WALL + cases[i].waits_ms - 1,
			&retry_at) != IDENTIFY_SPENT ||
		    identify_gate_ask(&gate, 0, NOW, WALL + cases[i].waits_ms,
			&retry_at) != IDENTIFY_GRANTED) {
			fail_msg("%s, at the reset", cases[i].name);
		}
	}
}

static void
what_discord_gives_is_used_to_the_last_and_not_beyond(void **state)
{
	(void)state;
	identify_gate_told(&gate, 1, 2, 3600000, WALL);
	assert_int_equal(identify_gate_left(&gate, WALL), 2);
	identify_gate_sent(&gate, 0, NOW, WALL);
	assert_int_equal(identify_gate_left(&gate, WALL), 1);
	identify_gate_sent(&gate, 0, NOW, WALL);
	identify_gate_sent(&gate, 0, NOW, WALL);
	assert_int_equal(identify_gate_left(&gate, WALL), 0);
	assert_int_equal(identify_gate_left(&gate, WALL + 3600000), OWN_BUDGET - 3);
	identify_gate_told(&gate, 1, -7, 3600000, WALL);
	assert_int_equal(identify_gate_left(&gate, WALL), OWN_BUDGET - 3);
}

static void
a_clock_that_goes_back_a_year_waits_a_day_at_most(void **state)
{
	int64_t back = WALL - DAY_MS * 365;
	mono_ns retry_at = 0;

	(void)state;
	identify_gate_told(&gate, 1, 0, 3600000, WALL);
	assert_int_equal(identify_gate_ask(&gate, 0, NOW, back, &retry_at),
	    IDENTIFY_SPENT);
	assert_int_equal(retry_at, NOW + CLOCK_MS(DAY_MS));
	assert_int_equal(identify_gate_ask(&gate, 0, NOW, back + DAY_MS, &retry_at),
	    IDENTIFY_GRANTED);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(ordinary_sends_stop_where_vital_ones_still_go),
	    cmocka_unit_test(vital_sends_count_for_the_ordinary_ones),
	    cmocka_unit_test(a_lowered_budget_stops_ordinary_sends_only),
	    cmocka_unit_test(the_window_slides_send_by_send),
	    cmocka_unit_test(no_window_of_60_s_ever_holds_more_than_it_may),
	    cmocka_unit_test_setup(an_identify_counts_for_exactly_a_day,
		empty_the_ledger),
	    cmocka_unit_test_setup(the_ledger_goes_round, empty_the_ledger),
	    cmocka_unit_test_setup(a_full_ledger_keeps_the_youngest, empty_the_ledger),
	    cmocka_unit_test_setup(entries_of_the_future_count_for_a_day_and_no_longer,
		empty_the_ledger),
	    cmocka_unit_test_setup(a_ledger_from_a_damaged_disk_is_survived,
		empty_the_ledger),
	    cmocka_unit_test_setup(a_damaged_entry_after_a_good_one_counts_as_that_one,
		empty_the_ledger),
	    cmocka_unit_test_setup(one_bucket_lets_one_identify_through_in_its_spacing,
		empty_the_ledger),
	    cmocka_unit_test_setup(a_slot_that_comes_back_is_free_at_once,
		empty_the_ledger),
	    cmocka_unit_test_setup(max_concurrency_opens_as_many_buckets,
		empty_the_ledger),
	    cmocka_unit_test_setup(
		a_concurrency_that_changes_under_a_slot_blocks_nobody,
		empty_the_ledger),
	    cmocka_unit_test_setup(a_concurrency_that_is_not_said_changes_nothing,
		empty_the_ledger),
	    cmocka_unit_test_setup(shards_of_one_of_discords_buckets_never_go_at_once,
		empty_the_ledger),
	    cmocka_unit_test_setup(a_day_of_sixteen_greedy_shards_keeps_every_rule,
		empty_the_ledger),
	    cmocka_unit_test_setup(a_restart_keeps_the_spacing_for_every_bucket,
		empty_the_ledger),
	    cmocka_unit_test_setup(the_reserve_is_left_for_a_human, empty_the_ledger),
	    cmocka_unit_test_setup(
		a_budget_that_discord_says_is_spent_waits_for_its_reset,
		empty_the_ledger),
	    cmocka_unit_test_setup(
		what_discord_gives_is_used_to_the_last_and_not_beyond,
		empty_the_ledger),
	    cmocka_unit_test_setup(a_clock_that_goes_back_a_year_waits_a_day_at_most,
		empty_the_ledger),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
