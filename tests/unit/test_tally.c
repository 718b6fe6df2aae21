/* Counters with labels: closed sets, whatever a peer sends. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "dispatches.h"
#include "tally.h"

/* ---- dispatches ---- */

static void
each_name_is_counted_as_itself(void **state)
{
	struct dispatch_counts counts;

	(void)state;
	dispatches_init(&counts);
	for (unsigned i = 0; i < DISPATCH_NAME_OTHER; i++) {
		const char *name = dispatches_name((enum dispatch_name)i);

		for (unsigned times = 0; times <= i; times++) {
			dispatches_count(&counts,
			    dispatches_find(&counts, slice_of(name)));
		}
		if (counts.counts[i] != i + 1) {
			fail_msg("%s shares its slot: find another FACTOR", name);
		}
	}
	assert_int_equal(counts.counts[DISPATCH_NAME_OTHER], 0);
	assert_string_equal(dispatches_name(DISPATCH_NAME_OTHER), "other");
}

static void
other_names_are_other(void **state)
{
	static const char *const names[] = {"", "A", "READ", "READYY", "ready",
	    "MESSAGE_CREATED", "other", "MESSAGE_CREAT", "GUILD_CREATE ", "\xff\xff",
	    "A_NAME_THAT_IS_LONGER_THAN_ALL_THOSE_THAT_DISCORD_HAS_TODAY_BY_FAR"};
	struct dispatch_counts counts;
	uint64_t all = 0;

	(void)state;
	dispatches_init(&counts);
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		dispatches_count(&counts, dispatches_find(&counts, slice_of(names[i])));
	}
	dispatches_count(&counts, dispatches_find(&counts, (struct slice){NULL, 0}));
	for (size_t i = 0; i < DISPATCH_NAMES; i++) {
		all += counts.counts[i];
	}
	assert_int_equal(counts.counts[DISPATCH_NAME_OTHER],
	    sizeof names / sizeof names[0] + 1);
	assert_int_equal(all, counts.counts[DISPATCH_NAME_OTHER]);
}

static void
a_set_holds_what_was_added_and_no_more(void **state)
{
	struct dispatch_set set = {{0}};
	struct dispatch_set other = {{0}};
	const struct dispatch_set all = dispatch_set_all();

	(void)state;
	for (unsigned i = 0; i < DISPATCH_NAMES; i++) {
		assert_false(dispatch_set_has(&set, (enum dispatch_name)i));
		assert_true(dispatch_set_has(&all, (enum dispatch_name)i));
		dispatch_set_add(i % 3 == 0 ? &set : &other, (enum dispatch_name)i);
		assert_int_equal(dispatch_set_has(&set, (enum dispatch_name)i),
		    i % 3 == 0);
	}
	dispatch_set_merge(&set, &other);
	for (unsigned i = 0; i < DISPATCH_NAMES; i++) {
		assert_true(dispatch_set_has(&set, (enum dispatch_name)i));
		assert_int_equal(dispatch_set_has(&other, (enum dispatch_name)i),
		    i % 3 != 0);
	}
}

/* ---- routes ---- */

static const char *
class_of(unsigned status)
{
	struct tally_routes routes;

	tally_routes_init(&routes);
	tally_routes_add(&routes, 0, status, 0);
	for (size_t i = 0; i < TALLY_CODES; i++) {
		if (routes.routes[0].codes[i] == 1) {
			return tally_code_text(i);
		}
	}
	return "nowhere";
}

static void
codes_are_a_closed_set(void **state)
{
	(void)state;
	assert_string_equal(class_of(200), "200");
	assert_string_equal(class_of(429), "429");
	assert_string_equal(class_of(504), "504");
	assert_string_equal(class_of(418), "other");
	assert_string_equal(class_of(99999), "other");
	assert_string_equal(class_of(0), "none");
}

static void
routes_are_bounded(void **state)
{
	struct tally_routes routes;
	char name[128];

	(void)state;
	tally_routes_init(&routes);
	assert_int_equal(tally_routes_place(&routes, "other"), 0);
	assert_int_equal(tally_routes_place(&routes, NULL), 0);
	for (unsigned i = 0; i < 1000; i++) {
		size_t expected = i + 1 < TALLY_ROUTES_MAX ? i + 1 : 0;

		(void)snprintf(name, sizeof name, "/a/%u", i);
		assert_int_equal(tally_routes_place(&routes, name), expected);
	}
	assert_int_equal(tally_routes_place(&routes, "/a/7"), 8);
	memset(name, 'x', sizeof name - 1);
	name[sizeof name - 1] = '\0';
	tally_routes_init(&routes);
	assert_int_equal(tally_routes_place(&routes, name), 0);
	assert_int_equal(routes.count, 1);
}

static void
times_fall_into_their_classes(void **state)
{
	struct tally_times times = {.sum = 0};

	(void)state;
	tally_times_add(&times, CLOCK_MS(-5));
	tally_times_add(&times, CLOCK_MS(10));
	tally_times_add(&times, CLOCK_MS(10) + 1);
	tally_times_add(&times, CLOCK_S(10));
	tally_times_add(&times, CLOCK_S(11));
	assert_int_equal(times.classes[0], 2);
	assert_int_equal(times.classes[1], 1);
	assert_int_equal(times.classes[LATENCY_CLASSES - 2], 1);
	assert_int_equal(times.classes[LATENCY_CLASSES - 1], 1);
	assert_int_equal(times.sum, CLOCK_S(21) + CLOCK_MS(20) + 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(each_name_is_counted_as_itself),
	    cmocka_unit_test(other_names_are_other),
	    cmocka_unit_test(a_set_holds_what_was_added_and_no_more),
	    cmocka_unit_test(codes_are_a_closed_set),
	    cmocka_unit_test(routes_are_bounded),
	    cmocka_unit_test(times_fall_into_their_classes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
