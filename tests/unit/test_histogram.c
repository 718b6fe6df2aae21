/* Histogram and latency window: percentiles against a plain count. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "histogram.h"
#include "latency.h"
#include "rng.h"

static int
compare(const void *left, const void *right)
{
	mono_ns a = *(const mono_ns *)left;
	mono_ns b = *(const mono_ns *)right;

	return (a > b) - (a < b);
}

static void
an_empty_one_knows_nothing(void **state)
{
	static const struct histogram empty;
	static const struct latency_window none;
	struct latency_stats stats = latency_read(&none);

	(void)state;
	assert_int_equal(histogram_quantile(&empty, 50000), -1);
	assert_int_equal(stats.samples, 0);
	assert_int_equal(stats.mean, -1);
	assert_int_equal(stats.p99, -1);
}

static void
a_quantile_is_the_sorted_samples_within_its_step(void **state)
{
	enum { COUNT = 20000 };
	static mono_ns samples[COUNT];
	static struct histogram histogram;
	struct rng rng = {.state = 7};

	(void)state;
	for (unsigned i = 0; i < COUNT; i++) {
		int doublings = (int)rng_between(&rng, 0, 34);

		samples[i] = rng_between(&rng, 0,
		    CLOCK_MS(1) << (doublings < 20 ? doublings : 20));
		histogram_add(&histogram, samples[i]);
	}
	qsort(samples, COUNT, sizeof *samples, compare);
	for (uint32_t per = 1000; per <= 100000; per += 1000) {
		mono_ns exact = samples[(uint64_t)COUNT * per / 100000 - 1];
		mono_ns found = histogram_quantile(&histogram, per);

		assert_true(found >= exact);
		assert_true(
		    found <= exact + exact / HISTOGRAM_STEPS + CLOCK_MS(1) / 500);
	}
	assert_int_equal(histogram_quantile(&histogram, 100000), samples[COUNT - 1]);
}

static void
extreme_samples_have_a_bucket(void **state)
{
	static struct histogram histogram;

	(void)state;
	histogram_add(&histogram, -5);
	histogram_add(&histogram, 0);
	histogram_add(&histogram, INT64_MAX);
	assert_int_equal(histogram.count, 3);
	assert_int_equal(histogram.max, INT64_MAX);
	assert_true(histogram_quantile(&histogram, 1) <= CLOCK_MS(1));
}

static void
the_window_forgets_but_the_classes_do_not(void **state)
{
	static struct latency_window window;

	(void)state;
	for (unsigned i = 1; i <= LATENCY_WINDOW; i++) {
		latency_add(&window, CLOCK_S(100));
	}
	for (unsigned i = 1; i <= LATENCY_WINDOW; i++) {
		latency_add(&window, CLOCK_MS(i));
	}
	latency_add(&window, -1);
	struct latency_stats stats = latency_read(&window);

	assert_int_equal(stats.samples, LATENCY_WINDOW);
	assert_int_equal(stats.min, CLOCK_MS(1));
	assert_int_equal(stats.max, CLOCK_MS(128));
	assert_int_equal(stats.mean, CLOCK_MS(129) / 2);
	assert_int_equal(stats.p50, CLOCK_MS(64));
	assert_int_equal(stats.p90, CLOCK_MS(116));
	assert_int_equal(stats.p95, CLOCK_MS(122));
	assert_int_equal(stats.p99, CLOCK_MS(127));
	assert_int_equal(window.classes[LATENCY_CLASSES - 1], LATENCY_WINDOW);
	assert_int_equal(window.classes[0], 10);
}

static void
a_bound_belongs_to_its_class(void **state)
{
	static struct latency_window window;

	(void)state;
	for (uint32_t i = 0; i + 1 < LATENCY_CLASSES; i++) {
		latency_add(&window, latency_bound(i));
		latency_add(&window, latency_bound(i) + 1);
	}
	assert_int_equal(window.classes[0], 1);
	for (uint32_t i = 1; i + 1 < LATENCY_CLASSES; i++) {
		assert_int_equal(window.classes[i], 2);
	}
	assert_int_equal(window.classes[LATENCY_CLASSES - 1], 1);
}

static void
the_window_is_that_of_the_last_answers(void **state)
{
	struct latency_window window = {.count = 0};
	mono_ns all[1000];
	struct rng rng = {3};

	(void)state;
	for (size_t i = 0; i < 1000; i++) {
		/* Of few values, so that many are the same. */
		all[i] = CLOCK_MS(rng_between(&rng, 0, i % 2 == 0 ? 10 : 1000));
		latency_add(&window, all[i]);
		size_t count = i < LATENCY_WINDOW ? i + 1 : LATENCY_WINDOW;
		struct latency_stats stats = latency_read(&window);
		mono_ns last[LATENCY_WINDOW];
		mono_ns sum = 0;

		memcpy(last, &all[i + 1 - count], count * sizeof *last);
		qsort(last, count, sizeof *last, compare);
		for (size_t k = 0; k < count; k++) {
			sum += last[k];
		}
		assert_int_equal(stats.samples, count);
		assert_int_equal(stats.min, last[0]);
		assert_int_equal(stats.max, last[count - 1]);
		assert_int_equal(stats.mean, sum / (mono_ns)count);
		assert_int_equal(stats.p50, last[(count * 50 + 99) / 100 - 1]);
		assert_int_equal(stats.p90, last[(count * 90 + 99) / 100 - 1]);
		assert_int_equal(stats.p95, last[(count * 95 + 99) / 100 - 1]);
		assert_int_equal(stats.p99, last[(count * 99 + 99) / 100 - 1]);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_window_is_that_of_the_last_answers),
	    cmocka_unit_test(an_empty_one_knows_nothing),
	    cmocka_unit_test(a_quantile_is_the_sorted_samples_within_its_step),
	    cmocka_unit_test(extreme_samples_have_a_bucket),
	    cmocka_unit_test(the_window_forgets_but_the_classes_do_not),
	    cmocka_unit_test(a_bound_belongs_to_its_class),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
