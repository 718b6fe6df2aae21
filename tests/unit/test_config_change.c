/* Configuration: two of them compared, copied, and a value set while it runs. */
#include "config_fixture.h"

#define WHY_ROOM 256

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

static const char every_type[] =
    "bot: { name = \"copied\"; };\n"
    "discord: { token = \"cccccccccccccccccccccccccccccccccccccccccccccccccccc\";\n"
    " intents = [\"GUILDS\"]; shards = \"0-3/16\"; compress = \"none\";\n"
    " presence = \"{}\"; gateway = \"wss://gateway.example\";\n"
    " ca_file = \"/proc/self/maps\"; };\n"
    "http: { listen = [\"::1\", \"127.0.0.1\"]; port = 1; strict_probe = true; };\n"
    "watchdog: { stall = \"7min\"; };\n";

static void
a_copy_is_the_same_and_shares_nothing(void **state)
{
	struct fixture *fixture = *state;
	struct config_changes changes;

	fixture_load_text(fixture, every_type);
	struct config *copy = config_copy(fixture->config);

	config_compare(fixture->config, copy, &changes);
	assert_int_equal(changes.count, 0);
	for (size_t i = 0; i < config_option_count(); i++) {
		assert_string_equal(config_value_source(fixture->config, i),
		    config_value_source(copy, i));
		assert_ptr_not_equal(config_value_source(fixture->config, i),
		    config_value_source(copy, i));
	}
	config_free(fixture->config);
	/* Would be read after it was freed. */
	fixture->config = copy;
	assert_string_equal(fixture_value(fixture, "http.listen"),
	    "::1, 127.0.0.1 (gwbot.conf:6)");
	assert_string_equal(fixture_value(fixture, "bot.name"),
	    "copied (gwbot.conf:1)");
	assert_string_equal(fixture_value(fixture, "discord.token"),
	    "(set) (gwbot.conf:2)");
}

/* Every type of value: what differs is found, and adopting it ends the difference. */
static void
each_difference_is_found_and_can_be_adopted(void **state)
{
	static const struct {
		const char *path;
		const char *value;
	} cases[] = {
	    {"http.strict_probe", "false"},
	    {"http.port", "2"},
	    {"watchdog.stall", "8min"},
	    {"bot.name", "other"},
	    {"discord.token", "dddddddddddddddddddddddddddddddddddddddddddddddddd"},
	    {"discord.ca_file", "/proc/self/environ"},
	    {"discord.gateway", ""},
	    {"discord.presence", ""},
	    {"discord.compress", "zlib-stream"},
	    {"http.listen", "::1"},
	    {"discord.intents", "0"},
	    {"discord.shards", "auto"},
	};
	struct fixture *fixture = *state;
	struct config_changes changes;
	char why[WHY_ROOM] = "";

	fixture_load_text(fixture, every_type);
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct config *other = config_copy(fixture->config);
		size_t index = 0;

		print_message("%s\n", cases[i].path);
		assert_true(config_option_find(cases[i].path, &index));
		assert_int_equal(config_override(other, index, cases[i].value,
				     "control", why, sizeof why),
		    GW_OK);
		config_compare(fixture->config, other, &changes);
		/* What waits for nothing else: the grace follows the stall. */
		assert_int_equal(changes.count,
		    index == CONFIG_ID_watchdog_stall ? 2 : 1);
		assert_int_equal(changes.ids[0], index);
		config_adopt(other, fixture->config, index);
		assert_true(config_value_same(fixture->config, other, index));
		assert_string_equal(config_value_source(other, index),
		    config_value_source(fixture->config, index));
		config_free(other);
	}
}

static void
what_is_derived_follows_an_override(void **state)
{
	struct fixture *fixture = *state;
	char why[WHY_ROOM] = "";

	fixture_load_text(fixture, "watchdog: { disconnect_grace = 40; };");
	assert_int_equal(config_override(fixture->config, CONFIG_ID_watchdog_keepalive,
			     "10", "control", why, sizeof why),
	    GW_OK);
	assert_string_equal(fixture_value(fixture, "watchdog.keepalive"),
	    "10s (control)");
	assert_string_equal(fixture_value(fixture, "watchdog.stall"),
	    "1min (default, derived from watchdog.keepalive)");
	assert_string_equal(fixture_value(fixture, "watchdog.disconnect_grace"),
	    "40s (gwbot.conf:1)");
}

static void
a_bad_override_changes_nothing_and_says_what_is_allowed(void **state)
{
	struct fixture *fixture = *state;
	struct config_changes changes;
	char why[WHY_ROOM] = "";

	fixture_load_text(fixture, every_type);
	struct config *other = config_copy(fixture->config);

	assert_int_equal(config_override(other, CONFIG_ID_watchdog_stall, "soon",
			     "control", why, sizeof why),
	    GW_ERR_SYNTAX);
	assert_string_equal(why,
	    "watchdog.stall = \"soon\": not a duration; allowed: a duration from 100ms "
	    "to 30d, such as 90 (seconds), \"90s\" or \"5min\"");
	assert_int_not_equal(config_override(other, CONFIG_ID_http_listen, "x",
				 "control", why, 20),
	    GW_OK);
	assert_int_equal(strlen(why), 19);
	config_compare(fixture->config, other, &changes);
	assert_int_equal(changes.count, 0);
	assert_string_equal(config_value_source(other, CONFIG_ID_watchdog_stall),
	    "gwbot.conf:7");
	config_free(other);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
	    TEST(a_copy_is_the_same_and_shares_nothing),
	    TEST(each_difference_is_found_and_can_be_adopted),
	    TEST(what_is_derived_follows_an_override),
	    TEST(a_bad_override_changes_nothing_and_says_what_is_allowed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
