/* How often people may have something. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "throttle.h"

static struct throttle
fresh(void)
{
	return (struct throttle){
	    .one = {3, CLOCK_S(2)},
	    .all = {10, CLOCK_MS(100)},
	};
}

static unsigned
take_many(struct throttle *throttle, uint64_t user, unsigned tries, mono_ns now)
{
	unsigned got = 0;

	for (unsigned i = 0; i < tries; i++) {
		got += throttle_take(throttle, user, now) ? 1 : 0;
	}
	return got;
}

static void
a_burst_then_one_after_another(void **state)
{
	struct throttle throttle = fresh();
	mono_ns now = CLOCK_S(1000);

	(void)state;
	assert_int_equal(take_many(&throttle, 7, 100, now), 3);
	assert_int_equal(take_many(&throttle, 7, 9, now + CLOCK_S(2) - 1), 0);
	assert_int_equal(take_many(&throttle, 7, 9, now + CLOCK_S(2)), 1);
	assert_int_equal(take_many(&throttle, 7, 9, now + CLOCK_S(100)), 3);
}

static void
one_does_not_spend_what_others_have(void **state)
{
	struct throttle throttle = fresh();

	(void)state;
	assert_int_equal(take_many(&throttle, 7, 1000, CLOCK_S(5)), 3);
	assert_int_equal(take_many(&throttle, 8, 1000, CLOCK_S(5)), 3);
}

static void
all_together_have_a_bound(void **state)
{
	struct throttle throttle = fresh();
	unsigned got = 0;

	(void)state;
	for (uint64_t user = 1; user <= 1000; user++) {
		got += take_many(&throttle, user, 2, CLOCK_S(5));
	}
	assert_int_equal(got, 10);
	got = 0;
	for (uint64_t user = 1; user <= 1000; user++) {
		got += take_many(&throttle, user, 2, CLOCK_S(5) + CLOCK_MS(300));
	}
	assert_int_equal(got, 3);
}

static void
a_crowd_does_not_make_one_forgotten(void **state)
{
	struct throttle throttle = fresh();

	(void)state;
	throttle.all.each = 1;
	throttle.all.burst = 1000000;
	assert_int_equal(take_many(&throttle, 7, 9, CLOCK_S(5)), 3);
	for (uint64_t user = 100; user < 100 + 4 * THROTTLE_PEOPLE; user++) {
		(void)take_many(&throttle, user, 1, CLOCK_S(5));
	}
	assert_int_equal(take_many(&throttle, 7, 9, CLOCK_S(5)), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_burst_then_one_after_another),
	    cmocka_unit_test(one_does_not_spend_what_others_have),
	    cmocka_unit_test(all_together_have_a_bound),
	    cmocka_unit_test(a_crowd_does_not_make_one_forgotten),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
