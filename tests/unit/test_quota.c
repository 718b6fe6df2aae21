/* The identify gate: the buckets, the budget of a day. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "quota.h"
#include "rng.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))
#define NOW             CLOCK_S(1000)
#define WALL            INT64_C(1700000000000)
#define DAY_MS          LEDGER_WINDOW_MS
#define OWN_BUDGET      (QUOTA_IDENTIFIES_DAY - QUOTA_IDENTIFIES_RESERVE)

static struct identify_ledger ledger;
static struct identify_gate gate;

#define MINUTE_MS INT64_C(60000)

static int
empty_the_ledger(void **state)
{
	(void)state;
	ledger = (struct identify_ledger){.youngest_ms = 0};
	identify_gate_init(&gate, &ledger, NOW, WALL);
	return 0;
}

static void
told(uint32_t max_concurrency, int64_t remaining, int64_t reset_after_ms)
{
	const struct identify_told said = {
	    .max_concurrency = max_concurrency,
	    .remaining = remaining,
	    .reset_after_ms = reset_after_ms,
	};

	identify_gate_told(&gate, &said, WALL);
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

static int64_t
counted(void)
{
	return identify_ledger_count(&ledger, WALL);
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
}

static void
an_identify_is_written_down_before_it_is_sent(void **state)
{
	(void)state;
	told(1, 100, 3600000);
	assert_int_equal(ask(0, NOW), IDENTIFY_GRANTED);
	assert_int_equal(counted(), 1);
	assert_int_equal(gate.remaining, 99);
	identify_gate_sent(&gate, 0, NOW, WALL);
	assert_int_equal(counted(), 1);
	assert_int_equal(gate.remaining, 99);
}

static void
one_that_is_sent_late_counts_from_then(void **state)
{
	int64_t later = WALL + 2 * MINUTE_MS;

	(void)state;
	assert_int_equal(ask(0, NOW), IDENTIFY_GRANTED);
	identify_gate_sent(&gate, 0, NOW + CLOCK_S(120), later);
	assert_int_equal(identify_ledger_count(&ledger, later), 1);
	assert_int_equal(identify_ledger_count(&ledger, later + DAY_MS - 1), 1);
}

static void
a_slot_that_comes_back_is_free_at_once_and_costs_nothing(void **state)
{
	(void)state;
	told(1, 100, 3600000);
	assert_int_equal(ask(0, NOW), IDENTIFY_GRANTED);
	identify_gate_returned(&gate, 1); /* not its own: nothing */
	assert_int_equal(ask(1, NOW), IDENTIFY_WAIT);
	identify_gate_returned(&gate, 0);
	assert_int_equal(counted(), 0);
	assert_int_equal(gate.remaining, 100);
	assert_int_equal(ask(1, NOW), IDENTIFY_GRANTED);
}

static void
what_discord_says_does_not_know_of_those_that_are_not_sent(void **state)
{
	(void)state;
	told(4, 100, 3600000);
	assert_int_equal(ask(0, NOW), IDENTIFY_GRANTED);
	assert_int_equal(ask(1, NOW), IDENTIFY_GRANTED);
	told(4, 70, 3600000);
	assert_int_equal(gate.remaining, 68);
	identify_gate_returned(&gate, 0);
	assert_int_equal(gate.remaining, 69);
}

static void
max_concurrency_opens_as_many_buckets(void **state)
{
	(void)state;
	told(2, -1, 0);
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
	told(2, -1, 0);
	identify_gate_sent(&gate, 1, NOW, WALL);
	assert_int_equal(ask(0, NOW), IDENTIFY_GRANTED);
	told(1, -1, 0);
	identify_gate_returned(&gate, 0);
	/* Back in one bucket, the spacing of the other one holds. */
	assert_int_equal(ask(0, NOW + QUOTA_IDENTIFY_SPACING - 1), IDENTIFY_WAIT);
	assert_int_equal(ask(0, NOW + QUOTA_IDENTIFY_SPACING), IDENTIFY_GRANTED);
}

static void
a_shard_that_asks_again_in_another_bucket_holds_one_slot(void **state)
{
	(void)state;
	assert_int_equal(ask(1, NOW), IDENTIFY_GRANTED);
	told(2, -1, 0);
	assert_int_equal(ask(1, NOW), IDENTIFY_GRANTED);
	assert_int_equal(counted(), 1);
	assert_int_equal(ask(0, NOW), IDENTIFY_GRANTED);
}

static void
what_is_not_said_changes_nothing(void **state)
{
	(void)state;
	told(4, -1, 0);
	told(0, -1, 0);
	assert_int_equal(gate.max_concurrency, 4);
	assert_int_equal(gate.total, QUOTA_IDENTIFIES_DAY);
}

static void
shards_of_one_of_discords_buckets_never_go_at_once(void **state)
{
	static const uint32_t concurrencies[] = {1, 2, 16, 63, 64, 65, 100, 1000, 1024,
	    1025, 5000};

	for (size_t i = 0; i < COUNT_OF(concurrencies); i++) {
		uint32_t concurrency = concurrencies[i];

		for (uint32_t shard = 0; shard < 300; shard += 7) {
			(void)empty_the_ledger(state);
			told(concurrency, -1, 0);
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
	told(2, -1, 0);
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
		told(16, -1, 0);
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
	int64_t minute_ends = WALL - WALL % MINUTE_MS + MINUTE_MS;
	mono_ns retry_at = 0;

	(void)state;
	for (int i = 0; i < OWN_BUDGET - 1; i++) {
		identify_ledger_add(&ledger, WALL);
	}
	identify_gate_init(&gate, &ledger, NOW, WALL + 6000);
	assert_int_equal(identify_gate_left(&gate, WALL + 6000), 1);
	assert_int_equal(identify_gate_ask(&gate, 0, NOW, WALL + 6000, &retry_at),
	    IDENTIFY_GRANTED);
	identify_gate_sent(&gate, 0, NOW, WALL + 6000);
	assert_int_equal(identify_gate_left(&gate, WALL + 6000), 0);
	assert_int_equal(identify_gate_ask(&gate, 0, NOW + CLOCK_S(60), WALL + 66000,
			     &retry_at),
	    IDENTIFY_SPENT);
	/* Until the oldest of them leaves the window. */
	assert_int_equal(identify_gate_release(&gate, WALL + 66000),
	    minute_ends + DAY_MS);
	assert_int_equal(retry_at,
	    NOW + CLOCK_S(60) + CLOCK_MS(minute_ends + DAY_MS - WALL - 66000));
	assert_int_equal(identify_gate_ask(&gate, 0, retry_at, minute_ends + DAY_MS,
			     &retry_at),
	    IDENTIFY_GRANTED);
}

static void
the_reserve_goes_by_the_total(void **state)
{
	static const struct {
		int64_t total;
		int64_t reserve;
		int64_t soft;
	} cases[] = {
	    {1, 0, 0},
	    {10, 0, 2},
	    {19, 0, 3},
	    {20, 1, 4},
	    {100, 5, 20},
	    {999, 49, 199},
	    {1000, 50, 200},
	    {1001, 50, 200},
	    {2400, 50, 200},
	    {150000, 50, 200},
	};

	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct identify_told said = {
		    .max_concurrency = 1,
		    .total = cases[i].total,
		    .remaining = cases[i].soft + 1,
		    .reset_after_ms = 3600000,
		};

		(void)empty_the_ledger(state);
		identify_gate_told(&gate, &said, WALL);
		assert_int_equal(identify_gate_reserve(&gate), cases[i].reserve);
		assert_int_equal(identify_gate_left(&gate, WALL),
		    cases[i].soft + 1 - cases[i].reserve > cases[i].total ?
			cases[i].total :
			cases[i].soft + 1 - cases[i].reserve);
		assert_int_equal(identify_gate_is_low(&gate, WALL), false);
		said.remaining--;
		identify_gate_told(&gate, &said, WALL);
		assert_int_equal(identify_gate_is_low(&gate, WALL), true);
	}
}

static void
a_large_bot_uses_its_own_total(void **state)
{
	struct identify_told said = {.max_concurrency = 16,
	    .total = 2400,
	    .remaining = 2400,
	    .reset_after_ms = DAY_MS};

	(void)state;
	for (int i = 0; i < 1500; i++) {
		identify_ledger_add(&ledger, WALL);
	}
	identify_gate_init(&gate, &ledger, NOW, WALL + 6000);
	assert_int_equal(identify_gate_left(&gate, WALL + 6000), 0);
	identify_gate_told(&gate, &said, WALL + 6000);
	assert_int_equal(identify_gate_left(&gate, WALL + 6000), 2400 - 1500 - 50);
}

static void
a_budget_that_discord_says_is_spent_waits_for_its_reset(void **state)
{
	static const struct {
		const char *name;
		int64_t remaining;
		int64_t reset_after_ms;
		int64_t waits_ms;
	} cases[] = {
	    {"3 s", 0, 3000, 3000},
	    {"an hour", 0, 3600000, 3600000},
	    {"the reserve is none of ours", 50, 3600000, 3600000},
	    {"a day", 0, DAY_MS, DAY_MS},
	    {"0 does not mean that the limit is gone", 0, 0, 60000},
	    {"negative", 0, -5, 60000},
	    {"more than a day is not believed", 0, DAY_MS * 9, DAY_MS},
	    {"for ever", 0, INT64_MAX, DAY_MS},
	};
	mono_ns retry_at = 0;

	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		(void)empty_the_ledger(state);
		told(1, cases[i].remaining, cases[i].reset_after_ms);
		if (identify_gate_ask(&gate, 0, NOW, WALL, &retry_at) !=
			IDENTIFY_SPENT ||
		    retry_at != NOW + CLOCK_MS(cases[i].waits_ms) ||
		    identify_gate_release(&gate, WALL) != WALL + cases[i].waits_ms) {
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
a_clock_that_goes_back_a_year_waits_a_day_at_most(void **state)
{
	int64_t back = WALL - DAY_MS * 365;
	mono_ns retry_at = 0;

	(void)state;
	told(1, 0, 3600000);
	assert_int_equal(identify_gate_ask(&gate, 0, NOW, back, &retry_at),
	    IDENTIFY_SPENT);
	assert_int_equal(retry_at, NOW + CLOCK_MS(DAY_MS));
	assert_int_equal(identify_gate_ask(&gate, 0, NOW, back + DAY_MS, &retry_at),
	    IDENTIFY_GRANTED);
}

static void
expect_forecast(uint32_t shard, uint32_t before, mono_ns now, enum identify_hold hold,
    mono_ns wait)
{
	struct identify_forecast forecast =
	    identify_gate_forecast(&gate, shard, before, now, WALL);

	assert_int_equal(forecast.hold, hold);
	assert_int_equal(forecast.wait, wait);
}

static void
what_holds_a_shard_up_is_told(void **state)
{
	(void)state;
	told(2, -1, 0);
	expect_forecast(0, 0, NOW, IDENTIFY_FREE, 0);
	expect_forecast(4, 2, NOW, IDENTIFY_QUEUE, 2 * QUOTA_IDENTIFY_SPACING);
	assert_int_equal(ask(0, NOW), IDENTIFY_GRANTED);
	expect_forecast(0, 0, NOW, IDENTIFY_FREE, 0);
	expect_forecast(2, 0, NOW, IDENTIFY_QUEUE, QUOTA_IDENTIFY_SPACING);
	identify_gate_sent(&gate, 0, NOW, WALL);
	expect_forecast(2, 0, NOW + CLOCK_S(1), IDENTIFY_SPACING,
	    QUOTA_IDENTIFY_SPACING - CLOCK_S(1));
	expect_forecast(2, 1, NOW + CLOCK_S(1), IDENTIFY_QUEUE,
	    2 * QUOTA_IDENTIFY_SPACING - CLOCK_S(1));
	told(2, 0, 7000);
	expect_forecast(2, 1, NOW, IDENTIFY_BUDGET, CLOCK_S(7));
}

/* ---- a supervisor that starts it again and again ---- */

/* Discord, which counts each IDENTIFY and answers op 9. */
struct discord {
	int64_t total;
	int64_t remaining;
	int64_t reset_at;
	int64_t lowest;
	uint64_t identifies;
	bool answers; /* to GET /gateway/bot */
};

static void
discord_reset(struct discord *discord, int64_t wall)
{
	while (wall >= discord->reset_at) {
		discord->remaining = discord->total;
		discord->reset_at += DAY_MS;
	}
}

static void
one_life(struct discord *discord, struct rng *rng, mono_ns *now)
{
	int64_t wall = WALL + *now / CLOCK_MS(1);
	mono_ns dies_at = *now + rng_between(rng, CLOCK_MS(1), CLOCK_S(20));
	mono_ns retry_at = *now;

	/* Any instant may be the last: what is not in the ledger is gone. */
	identify_gate_init(&gate, &ledger, *now, wall);
	discord_reset(discord, wall);
	if (discord->answers) {
		const struct identify_told said = {1, discord->total,
		    discord->remaining, discord->reset_at - wall};

		identify_gate_told(&gate, &said, wall);
	}
	while (retry_at < dies_at) {
		*now = retry_at > *now ? retry_at : *now;
		wall = WALL + *now / CLOCK_MS(1);
		discord_reset(discord, wall);
		if (identify_gate_ask(&gate, 0, *now, wall, &retry_at) !=
		    IDENTIFY_GRANTED) {
			continue;
		}
		if (rng_next(rng) % 8 == 0) {
			break; /* killed with the slot in hand */
		}
		*now += CLOCK_MS(200);
		wall += 200;
		identify_gate_sent(&gate, 0, *now, wall);
		discord->remaining--;
		discord->identifies++;
		discord->lowest = discord->remaining < discord->lowest ?
		    discord->remaining :
		    discord->lowest;
		retry_at = *now + rng_between(rng, CLOCK_S(1), CLOCK_S(5));
	}
	*now = dies_at > *now ? dies_at : *now;
}

static void
ten_thousand_restarts_never_touch_the_reserve(void **state)
{
	static const struct {
		int64_t total;
		bool answers;
	} cases[] = {{1000, true}, {1000, false}, {100, true}, {2400, true}};

	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct discord discord = {
		    .total = cases[i].total,
		    .remaining = cases[i].total,
		    .reset_at = WALL + DAY_MS / 3,
		    .lowest = cases[i].total,
		    .answers = cases[i].answers,
		};
		struct rng rng = {i + 1};
		mono_ns now = NOW;

		(void)empty_the_ledger(state);
		for (int life = 0; life < 10000; life++) {
			one_life(&discord, &rng, &now);
		}
		int64_t reserve = cases[i].total / 20 < 50 ? cases[i].total / 20 : 50;

		print_message("total %lld: %llu identifies in %lld h, %lld left at "
			      "the lowest\n",
		    (long long)cases[i].total, (unsigned long long)discord.identifies,
		    (long long)(now / CLOCK_S(3600)), (long long)discord.lowest);
		assert_true(discord.lowest >= reserve);
		/* Nor is the budget left lying: all but the reserve is used. */
		assert_true(discord.lowest <= reserve + discord.total / 4);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup(one_bucket_lets_one_identify_through_in_its_spacing,
		empty_the_ledger),
	    cmocka_unit_test_setup(an_identify_is_written_down_before_it_is_sent,
		empty_the_ledger),
	    cmocka_unit_test_setup(one_that_is_sent_late_counts_from_then,
		empty_the_ledger),
	    cmocka_unit_test_setup(
		a_slot_that_comes_back_is_free_at_once_and_costs_nothing,
		empty_the_ledger),
	    cmocka_unit_test_setup(
		what_discord_says_does_not_know_of_those_that_are_not_sent,
		empty_the_ledger),
	    cmocka_unit_test_setup(max_concurrency_opens_as_many_buckets,
		empty_the_ledger),
	    cmocka_unit_test_setup(
		a_concurrency_that_changes_under_a_slot_blocks_nobody,
		empty_the_ledger),
	    cmocka_unit_test_setup(
		a_shard_that_asks_again_in_another_bucket_holds_one_slot,
		empty_the_ledger),
	    cmocka_unit_test_setup(what_is_not_said_changes_nothing, empty_the_ledger),
	    cmocka_unit_test_setup(shards_of_one_of_discords_buckets_never_go_at_once,
		empty_the_ledger),
	    cmocka_unit_test_setup(a_day_of_sixteen_greedy_shards_keeps_every_rule,
		empty_the_ledger),
	    cmocka_unit_test_setup(a_restart_keeps_the_spacing_for_every_bucket,
		empty_the_ledger),
	    cmocka_unit_test_setup(the_reserve_is_left_for_a_human, empty_the_ledger),
	    cmocka_unit_test_setup(the_reserve_goes_by_the_total, empty_the_ledger),
	    cmocka_unit_test_setup(a_large_bot_uses_its_own_total, empty_the_ledger),
	    cmocka_unit_test_setup(
		a_budget_that_discord_says_is_spent_waits_for_its_reset,
		empty_the_ledger),
	    cmocka_unit_test_setup(a_clock_that_goes_back_a_year_waits_a_day_at_most,
		empty_the_ledger),
	    cmocka_unit_test_setup(what_holds_a_shard_up_is_told, empty_the_ledger),
	    cmocka_unit_test_setup(ten_thousand_restarts_never_touch_the_reserve,
		empty_the_ledger),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
