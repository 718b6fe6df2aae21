/* Values set while the daemon runs: when they begin and end, and what they cover. */
#include "config_fixture.h"

#include "override.h"

#define STALL CONFIG_ID_watchdog_stall
#define GRACE CONFIG_ID_watchdog_disconnect_grace

static const struct override_caller ada = {1000, 4711};

static struct override_ask
ask(size_t index, const char *value, mono_ns span)
{
	return (struct override_ask){index, value, ada, span};
}

static void
set(struct overrides *set, size_t index, const char *value, mono_ns now, mono_ns span)
{
	struct override_ask wanted = ask(index, value, span);

	assert_int_equal(override_set(set, &wanted, now), GW_OK);
}

static void
a_value_is_over_exactly_at_its_end(void **state)
{
	struct overrides overrides = {0};
	bool expired[CONFIG_ID_COUNT];

	(void)state;
	set(&overrides, STALL, "20min", CLOCK_S(100), CLOCK_S(60));
	assert_int_equal(override_next(&overrides), CLOCK_S(160));
	assert_false(override_expire(&overrides, CLOCK_S(160) - 1, expired));
	assert_non_null(override_find(&overrides, STALL));
	assert_true(override_expire(&overrides, CLOCK_S(160), expired));
	assert_true(expired[STALL]);
	assert_false(expired[GRACE]);
	assert_null(override_find(&overrides, STALL));
	assert_int_equal(override_next(&overrides), CLOCK_NEVER);
	assert_false(override_expire(&overrides, CLOCK_S(161), expired));
}

static void
without_an_end_it_stays(void **state)
{
	struct overrides overrides = {0};
	bool expired[CONFIG_ID_COUNT];

	(void)state;
	set(&overrides, STALL, "20min", CLOCK_S(100), CLOCK_NEVER);
	assert_int_equal(override_next(&overrides), CLOCK_NEVER);
	assert_false(override_expire(&overrides, CLOCK_NEVER - 1, expired));
	const struct override *found = override_find(&overrides, STALL);

	assert_non_null(found);
	assert_string_equal(found->value, "20min");
	assert_int_equal(found->by.uid, 1000);
	assert_int_equal(found->by.pid, 4711);
	assert_int_equal(found->set_at, CLOCK_S(100));
}

static void
a_later_set_replaces_value_and_end(void **state)
{
	struct overrides overrides = {0};
	bool expired[CONFIG_ID_COUNT];

	(void)state;
	set(&overrides, STALL, "20min", 0, CLOCK_S(60));
	set(&overrides, STALL, "30min", CLOCK_S(50), CLOCK_NEVER);
	assert_false(override_expire(&overrides, CLOCK_S(60), expired));
	assert_string_equal(override_find(&overrides, STALL)->value, "30min");
	set(&overrides, STALL, "40min", CLOCK_S(70), CLOCK_S(10));
	assert_int_equal(override_next(&overrides), CLOCK_S(80));
}

static void
the_next_end_is_the_nearest_of_all(void **state)
{
	struct overrides overrides = {0};
	bool expired[CONFIG_ID_COUNT];

	(void)state;
	set(&overrides, STALL, "20min", 0, CLOCK_S(60));
	set(&overrides, GRACE, "20min", 0, CLOCK_S(30));
	set(&overrides, CONFIG_ID_log_level, "debug", 0, CLOCK_S(30));
	assert_int_equal(override_next(&overrides), CLOCK_S(30));
	/* A timer that came late ends all that was due meanwhile. */
	assert_true(override_expire(&overrides, CLOCK_S(45), expired));
	assert_true(expired[GRACE]);
	assert_true(expired[CONFIG_ID_log_level]);
	assert_false(expired[STALL]);
	assert_int_equal(override_next(&overrides), CLOCK_S(60));
}

static void
a_bad_one_changes_nothing(void **state)
{
	struct overrides overrides = {0};
	char longest[OVERRIDE_VALUE_ROOM];
	char longer[OVERRIDE_VALUE_ROOM + 1];
	struct override_ask empty = ask(STALL, "", CLOCK_NEVER);
	struct override_ask large = ask(STALL, longer, CLOCK_NEVER);

	(void)state;
	memset(longest, '9', sizeof longest - 1);
	longest[sizeof longest - 1] = '\0';
	memset(longer, '9', sizeof longer - 1);
	longer[sizeof longer - 1] = '\0';
	set(&overrides, STALL, longest, 0, CLOCK_NEVER);
	assert_int_equal(override_set(&overrides, &large, 0), GW_ERR_TOO_LARGE);
	assert_int_equal(override_set(&overrides, &empty, 0), GW_ERR_RANGE);
	assert_string_equal(override_find(&overrides, STALL)->value, longest);
	assert_true(override_drop(&overrides, STALL));
	assert_false(override_drop(&overrides, STALL));
}

static void
laid_over_a_configuration_it_moves_what_is_derived(void **state)
{
	struct overrides overrides = {0};
	struct fixture fixture;

	(void)state;
	fixture_init(&fixture);
	fixture.profile = "prod";
	fixture_load_text(&fixture, "watchdog: { disconnect_grace = 77; };\n");
	set(&overrides, CONFIG_ID_watchdog_keepalive, "2min", 0, CLOCK_NEVER);
	struct config *live = config_copy(fixture.config);

	override_lay(&overrides, live);
	assert_int_equal(live->watchdog_keepalive, CLOCK_S(120));
	assert_string_equal(config_value_source(live, CONFIG_ID_watchdog_keepalive),
	    OVERRIDE_SOURCE);
	assert_int_equal(live->watchdog_stall, CLOCK_S(390));
	assert_int_equal(live->watchdog_disconnect_grace, CLOCK_S(77));
	/* What was read is as it was. */
	assert_int_equal(fixture.config->watchdog_keepalive, CLOCK_S(360));
	config_free(live);
	fixture_fini(&fixture);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_value_is_over_exactly_at_its_end),
	    cmocka_unit_test(without_an_end_it_stays),
	    cmocka_unit_test(a_later_set_replaces_value_and_end),
	    cmocka_unit_test(the_next_end_is_the_nearest_of_all),
	    cmocka_unit_test(a_bad_one_changes_nothing),
	    cmocka_unit_test(laid_over_a_configuration_it_moves_what_is_derived),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
