/* The window of a connection's sends. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "quota.h"
#include "rng.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

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

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(ordinary_sends_stop_where_vital_ones_still_go),
	    cmocka_unit_test(vital_sends_count_for_the_ordinary_ones),
	    cmocka_unit_test(a_lowered_budget_stops_ordinary_sends_only),
	    cmocka_unit_test(the_window_slides_send_by_send),
	    cmocka_unit_test(no_window_of_60_s_ever_holds_more_than_it_may),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
