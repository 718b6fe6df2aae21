/* How a value that was set while the daemon runs would be kept: what to write where. */
#include "config_fixture.h"

static int
setup(void **state)
{
	static struct fixture fixture;

	fixture_init(&fixture);
	*state = &fixture;
	return 0;
}

static int
teardown(void **state)
{
	fixture_fini(*state);
	return 0;
}

/* The advice for a value of path, with what was loaded; where begins after the folder.
 */
static void
assert_kept(struct fixture *fixture, const char *path, const char *value,
    const char *where, const char *text)
{
	struct config *wanted = config_copy(fixture->config);
	char why[256];
	size_t index;

	assert_true(config_option_find(path, &index));
	assert_int_equal(config_override(wanted, index, value, "control", why,
			     sizeof why),
	    GW_OK);
	struct config_keep keep = config_keep(fixture->config, wanted, index);
	size_t folder = keep.where[0] == '/' ? strlen(fixture->folder) : 0;

	assert_string_equal(keep.where + folder, where);
	assert_string_equal(keep.text, text);
	config_keep_free(&keep);
	config_free(wanted);
}

static void
what_nothing_sets_goes_to_a_drop_in_of_its_own(void **state)
{
	struct fixture *fixture = *state;

	fixture_load_text(fixture, "");
	assert_kept(fixture, "watchdog.stall", "20min", "/gwbot.d/watchdog-stall.conf",
	    "watchdog: { stall = \"20min\"; };");
	assert_kept(fixture, "watchdog.keepalive", "1min",
	    "/gwbot.d/watchdog-keepalive.conf", "watchdog: { keepalive = \"1min\"; };");
	assert_kept(fixture, "log.level", "debug", "/gwbot.d/log-level.conf",
	    "log: { level = \"debug\"; };");
}

static void
what_a_line_sets_is_changed_there(void **state)
{
	struct fixture *fixture = *state;

	fixture->profile = "qa";
	fixture_load_text(fixture,
	    "\nwatchdog: { stall = 60; };\n"
	    "profiles: { qa: {\n log: { level = \"info\"; }; }; };\n");
	assert_kept(fixture, "watchdog.stall", "90s", "/gwbot.conf:2",
	    "stall = \"90s\";");
	assert_kept(fixture, "log.level", "debug", "/gwbot.conf:4",
	    "level = \"debug\";");
	fixture->profile = NULL;
}

static void
what_goes_over_the_files_is_changed_there(void **state)
{
	struct fixture *fixture = *state;

	fixture->entries[0] = "WATCHDOG_CHECK_SEC=60";
	fixture->sets[0] = "log.level=warning";
	fixture_load_text(fixture, "watchdog: { keepalive = 70; };\n");
	assert_kept(fixture, "watchdog.keepalive", "2min", "env:WATCHDOG_CHECK_SEC",
	    "WATCHDOG_CHECK_SEC=2min");
	assert_kept(fixture, "log.level", "debug", "cli", "--set log.level=debug");
	fixture->entries[0] = NULL;
	fixture->sets[0] = NULL;
}

static void
where_no_file_is_read_the_command_line_keeps_it(void **state)
{
	struct fixture *fixture = *state;

	fixture->file = NULL;
	fixture_load(fixture);
	assert_kept(fixture, "watchdog.stall", "90s", "cli",
	    "--set watchdog.stall=90s");
}

/* The advice is taken: the value is there after it. */
static void
what_is_written_gives_the_value(void **state)
{
	struct fixture *fixture = *state;
	struct config *wanted;
	char path[FIXTURE_ROOM];
	char why[256];

	fixture_load_text(fixture, "");
	wanted = config_copy(fixture->config);
	assert_int_equal(config_override(wanted, CONFIG_ID_watchdog_stall, "1234567ms",
			     "control", why, sizeof why),
	    GW_OK);
	struct config_keep keep =
	    config_keep(fixture->config, wanted, CONFIG_ID_watchdog_stall);

	fixture_path(fixture, "gwbot.d", path);
	assert_int_equal(mkdir(path, 0755), 0);
	fixture_write(fixture, keep.where + strlen(fixture->folder) + 1,
	    slice_of(keep.text));
	fixture_load_text(fixture, "");
	assert_string_equal(fixture_value(fixture, "watchdog.stall"),
	    "1234567ms (watchdog-stall.conf:1)");
	fixture_remove(fixture, "gwbot.d/watchdog-stall.conf");
	fixture_remove(fixture, "gwbot.d");
	config_keep_free(&keep);
	config_free(wanted);
}

static void
forgotten_it_is_what_it_is_by_default(void **state)
{
	struct fixture *fixture = *state;

	fixture->profile = "qa";
	fixture_load_text(fixture, "watchdog: { stall = 60; keepalive = 10; };\n");
	config_forget(fixture->config, CONFIG_ID_watchdog_stall);
	assert_string_equal(fixture_value(fixture, "watchdog.stall"),
	    "1min (default, derived from watchdog.keepalive)");
	assert_string_equal(fixture_value(fixture, "watchdog.disconnect_grace"),
	    "1min (default, derived from watchdog.stall)");
	config_forget(fixture->config, CONFIG_ID_watchdog_keepalive);
	assert_string_equal(fixture_value(fixture, "watchdog.keepalive"),
	    "1min (profile:qa)");
	assert_string_equal(fixture_value(fixture, "watchdog.stall"),
	    "210s (default, derived from watchdog.keepalive)");
	fixture->profile = NULL;
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
	    TEST(what_nothing_sets_goes_to_a_drop_in_of_its_own),
	    TEST(what_a_line_sets_is_changed_there),
	    TEST(what_goes_over_the_files_is_changed_there),
	    TEST(where_no_file_is_read_the_command_line_keeps_it),
	    TEST(what_is_written_gives_the_value),
	    TEST(forgotten_it_is_what_it_is_by_default),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
