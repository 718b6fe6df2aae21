/* Configuration: which layer wins, what the environment may get wrong, the token. */
#include "config_fixture.h"

#include "inflate.h"
#include "log.h"

/* Seventy characters, as many as a token of today. */
#define TOKEN "MTAwMDAwMDAwMDAwMDAwMDAwMA.GabcDe.canary0canary1canary2canary3canary4c"

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

/* ---- defaults and precedence ---- */

/* Where a default says that it comes from, in a profile named by a flag. */
static const char *
default_source(enum config_id id, bool prod)
{
	if (id == CONFIG_ID_watchdog_stall) {
		return "default, derived from watchdog.keepalive";
	}
	if (id == CONFIG_ID_watchdog_disconnect_grace) {
		return "default, derived from watchdog.stall";
	}
	if (id == CONFIG_ID_profile) {
		return "cli";
	}
	if (config_option(id)->def_other) {
		return prod ? "profile:prod" : "profile:dev";
	}
	return "default";
}

static const char *
default_value(enum config_id id, bool prod)
{
	const struct config_option *option = config_option(id);

	if (id == CONFIG_ID_profile) {
		return prod ? "prod" : "dev";
	}
	if (option->type == CONFIG_SECRET) {
		return "(not set)";
	}
	return !prod && option->def_other ? option->def_other : option->def;
}

static void
every_row_has_a_default_that_it_allows(void **state)
{
	struct fixture *fixture = *state;

	for (int prod = 0; prod <= 1; prod++) {
		fixture->profile = prod ? "prod" : "dev";
		fixture_load(fixture);
		assert_int_equal(fixture->report.count, 0);
		for (size_t i = 0; i < config_option_count(); i++) {
			enum config_id id = (enum config_id)i;
			char expected[256];

			(void)snprintf(expected, sizeof expected, "%s (%s)",
			    default_value(id, prod), default_source(id, prod));
			assert_string_equal(fixture_value(fixture,
						config_option(i)->path),
			    expected);
		}
	}
}

static void
each_layer_goes_over_the_ones_before(void **state)
{
	static const struct {
		const char *name;
		const char *file;
		const char *env;
		const char *set;
		const char *value;
	} cases[] = {
	    {"default", "", NULL, NULL, "10000 (default)"},
	    {"file", "http: {\n port = 1;\n};", NULL, NULL, "1 (gwbot.conf:2)"},
	    {"another profile's section",
		"http: { port = 1; };\nprofiles: { qa: { http: { port = 2; }; }; };",
		NULL, NULL, "1 (gwbot.conf:1)"},
	    {"section",
		"http: { port = 1; };\nprofiles: { prod: { http: { port = 2; }; }; };",
		NULL, NULL, "2 (gwbot.conf:2)"},
	    {"section before the rest, under its other name",
		"profiles: { Production: { http: { port = 2; }; }; };\n"
		"http: { port = 1; };",
		NULL, NULL, "2 (gwbot.conf:1)"},
	    {"environment",
		"http: { port = 1; };\nprofiles: { prod: { http: { port = 2; }; }; };",
		"PORT=3", NULL, "3 (env:PORT)"},
	    {"empty variable", "http: { port = 1; };", "PORT=", NULL,
		"1 (gwbot.conf:1)"},
	    {"command line", "http: { port = 1; };", "PORT=3", "http.port=4",
		"4 (cli)"},
	};
	struct fixture *fixture = *state;

	fixture->profile = "prod";
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		print_message("%s\n", cases[i].name);
		fixture->entries[0] = cases[i].env;
		fixture->sets[0] = cases[i].set;
		fixture_load_text(fixture, cases[i].file);
		assert_int_equal(fixture->report.count, 0);
		assert_string_equal(fixture_value(fixture, "http.port"),
		    cases[i].value);
	}
}

static void
profiles_are_chosen_and_named(void **state)
{
	static const struct {
		const char *flag;
		const char *env;
		const char *file;
		const char *profile;
		const char *keepalive;
		bool warned;
	} cases[] = {
	    {NULL, NULL, "", "dev (default)", "1min (profile:dev)", false},
	    {NULL, NULL, "profile = \"qa\";", "qa (gwbot.conf:1)", "1min (profile:qa)",
		false},
	    {NULL, "ENV_NAME=PROD", "profile = \"qa\";", "prod (env:ENV_NAME)",
		"6min (profile:prod)", false},
	    {NULL, "ENV_NAME=Production", "", "prod (env:ENV_NAME)",
		"6min (profile:prod)", false},
	    {NULL, "ENV_NAME=DeVeLoPmEnT", "", "dev (env:ENV_NAME)",
		"1min (profile:dev)", false},
	    {"Stage", "ENV_NAME=prod", "", "stage (cli)", "1min (profile:stage)",
		false},
	    {NULL, "ENV_NAME=staging", "", "staging (env:ENV_NAME)",
		"6min (profile:staging)", true},
	    {NULL, "ENV_NAME=", "", "dev (default)", "1min (profile:dev)", false},
	    {NULL, "ENV_NAME=a b", "", "dev (default)", "1min (profile:dev)", true},
	};
	struct fixture *fixture = *state;

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		fixture->profile = cases[i].flag;
		fixture->entries[0] = cases[i].env;
		fixture_load_text(fixture, cases[i].file);
		print_message("%s", (const char *)fixture->messages.data);
		assert_string_equal(fixture_value(fixture, "profile"),
		    cases[i].profile);
		assert_string_equal(fixture_value(fixture, "watchdog.keepalive"),
		    cases[i].keepalive);
		assert_int_equal(fixture->report.count, cases[i].warned ? 1 : 0);
		assert_int_equal(config_is_prod_like(fixture->config),
		    cases[i].keepalive[0] == '6');
	}
	fixture->entries[0] = NULL;
	fixture->sets[0] = "profile=test";
	fixture_load(fixture);
	assert_string_equal(fixture_value(fixture, "profile"), "test (cli)");
}

static void
stall_and_grace_follow_keepalive_unless_set(void **state)
{
	static const struct {
		const char *entries[3];
		mono_ns keepalive;
		mono_ns stall;
		mono_ns grace;
	} cases[] = {
	    {{NULL}, CLOCK_S(60), CLOCK_S(210), CLOCK_S(210)},
	    {{"ENV_NAME=prod"}, CLOCK_S(360), CLOCK_S(1110), CLOCK_S(1110)},
	    {{"KEEPALIVE_INTERVAL_SEC=10"}, CLOCK_S(10), CLOCK_S(60), CLOCK_S(60)},
	    {{"KEEPALIVE_INTERVAL_SEC=0.5"}, CLOCK_MS(500), CLOCK_MS(31500),
		CLOCK_MS(31500)},
	    {{"WATCHDOG_CHECK_SEC=10"}, CLOCK_S(10), CLOCK_S(60), CLOCK_S(60)},
	    {{"WATCHDOG_CHECK_SEC=10", "KEEPALIVE_INTERVAL_SEC=20"}, CLOCK_S(20),
		CLOCK_S(90), CLOCK_S(90)},
	    {{"WATCHDOG_STALL_SEC=100"}, CLOCK_S(60), CLOCK_S(100), CLOCK_S(100)},
	    {{"WATCHDOG_STALL_SEC=100", "WATCHDOG_DISCONNECT_GRACE_SEC=5"}, CLOCK_S(60),
		CLOCK_S(100), CLOCK_S(5)},
	    {{"WATCHDOG_MAX_DISCONNECT_SEC=600"}, CLOCK_S(60), CLOCK_S(210),
		CLOCK_S(600)},
	    {{"KEEPALIVE_INTERVAL_SEC=86400"}, CLOCK_S(86400), CLOCK_S(259230),
		CLOCK_S(259230)},
	};
	struct fixture *fixture = *state;

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		memcpy(fixture->entries, cases[i].entries, sizeof cases[i].entries);
		fixture_load(fixture);
		assert_int_equal(fixture->config->watchdog_keepalive,
		    cases[i].keepalive);
		assert_int_equal(fixture->config->watchdog_stall, cases[i].stall);
		assert_int_equal(fixture->config->watchdog_disconnect_grace,
		    cases[i].grace);
	}
}

static void
numbers_of_words_are_those_of_their_enums(void **state)
{
	static const char *const levels[] = {"error", "warning", "info", "debug"};
	static const char *const compress[] = {"none", "zlib-stream", "zstd-stream"};
	struct fixture *fixture = *state;
	char set[FIXTURE_ROOM];

	fixture->sets[0] = set;
	for (size_t i = 0; i < sizeof levels / sizeof levels[0]; i++) {
		enum log_level level;

		(void)snprintf(set, sizeof set, "log.level=%s", levels[i]);
		fixture_load(fixture);
		assert_true(log_level_parse(levels[i], &level));
		assert_int_equal(fixture->config->log_level, level);
	}
	for (size_t i = 0; i < sizeof compress / sizeof compress[0]; i++) {
		static const enum inflate_kind kinds[] = {INFLATE_NONE, INFLATE_ZLIB,
		    INFLATE_ZSTD};

		(void)snprintf(set, sizeof set, "discord.compress=%s", compress[i]);
		fixture_load(fixture);
		assert_int_equal(fixture->config->discord_compress, kinds[i]);
	}
	fixture->sets[0] = "log.format=journal";
	fixture_load(fixture);
	assert_int_equal(fixture->config->log_format, LOG_FORMAT_JOURNAL);
}

/* ---- the environment ---- */

static void
bad_variables_give_way_with_one_warning(void **state)
{
	static const struct {
		const char *entry;
		const char *path;
		const char *value;
	} cases[] = {
	    {"KEEPALIVE_INTERVAL_SEC=abc", "watchdog.keepalive", "1min (profile:dev)"},
	    {"KEEPALIVE_INTERVAL_SEC=0", "watchdog.keepalive", "1min (profile:dev)"},
	    {"KEEPALIVE_INTERVAL_SEC=-5", "watchdog.keepalive", "1min (profile:dev)"},
	    {"KEEPALIVE_INTERVAL_SEC=nan", "watchdog.keepalive", "1min (profile:dev)"},
	    {"KEEPALIVE_INTERVAL_SEC=0.099", "watchdog.keepalive",
		"1min (profile:dev)"},
	    {"KEEPALIVE_INTERVAL_SEC=86400.1", "watchdog.keepalive",
		"1min (profile:dev)"},
	    {"WATCHDOG_CHECK_SEC=x", "watchdog.keepalive", "1min (profile:dev)"},
	    {"WATCHDOG_STALL_SEC=0", "watchdog.stall",
		"210s (default, derived from watchdog.keepalive)"},
	    {"WATCHDOG_DISCONNECT_GRACE_SEC=-1", "watchdog.disconnect_grace",
		"210s (default, derived from watchdog.stall)"},
	    {"WATCHDOG_MAX_LATENCY_SEC=", NULL, NULL},
	    {"WATCHDOG_MAX_LATENCY_SEC=ten", "watchdog.max_latency", "10s (default)"},
	    {"PORT=abc", "http.port", "10000 (default)"},
	    {"PORT=0", "http.port", "10000 (default)"},
	    {"PORT=65536", "http.port", "10000 (default)"},
	    {"PORT=80 80", "http.port", "10000 (default)"},
	    {"PORT=0x50", "http.port", "10000 (default)"},
	    {"PORT=99999999999999999999", "http.port", "10000 (default)"},
	    {"GWBOT_HTTP_LISTEN=localhost", "http.listen", "0.0.0.0, :: (default)"},
	    {"GWBOT_HTTP_LISTEN=,", "http.listen", "0.0.0.0, :: (default)"},
	    {"STRICT_PROBE=2", "http.strict_probe", "false (default)"},
	    {"GWBOT_INTENTS=GUILD", "discord.intents",
		"GUILDS, GUILD_MESSAGES (default)"},
	    {"GWBOT_INTENTS=131072", "discord.intents",
		"GUILDS, GUILD_MESSAGES (default)"},
	    {"GWBOT_SHARDS=0", "discord.shards", "1 (default)"},
	    {"GWBOT_SHARDS=1001", "discord.shards", "1 (default)"},
	    {"GWBOT_SHARDS=-1", "discord.shards", "1 (default)"},
	    {"GWBOT_SHARDS=99999999999", "discord.shards", "1 (default)"},
	    {"GWBOT_SHARDS=automatic", "discord.shards", "1 (default)"},
	    {"GWBOT_SHARDS=0-15", "discord.shards", "1 (default)"},
	    {"GWBOT_SHARDS=0-15/", "discord.shards", "1 (default)"},
	    {"GWBOT_SHARDS=0-15/64x", "discord.shards", "1 (default)"},
	    {"GWBOT_SHARDS=0 - 15 / 64", "discord.shards", "1 (default)"},
	    {"GWBOT_SHARDS=15-0/64", "discord.shards", "1 (default)"},
	    {"GWBOT_SHARDS=0-64/64", "discord.shards", "1 (default)"},
	    {"GWBOT_SHARDS=0-1000/2000", "discord.shards", "1 (default)"},
	    {"GWBOT_SHARDS=0-15/100001", "discord.shards", "1 (default)"},
	    {"GWBOT_COMPRESS=gzip", "discord.compress", "zstd-stream (default)"},
	    {"GWBOT_PRESENCE=[]", "discord.presence", " (default)"},
	    {"DISCORD_API_BASE=discord.com", "discord.api_base",
		"https://discord.com/api/v10 (default)"},
	    {"LOG_LEVEL=loud", "log.level", "info (default)"},
	    {"GWBOT_LOG_FORMAT=xml", "log.format", "logfmt (default)"},
	};
	struct fixture *fixture = *state;

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		char name[64];
		char where[128];

		print_message("%s\n", cases[i].entry);
		fixture->entries[0] = cases[i].entry;
		fixture_load(fixture);
		if (!cases[i].path) {
			assert_int_equal(fixture->report.count, 0);
			continue;
		}
		assert_int_equal(fixture->report.count, 1);
		(void)snprintf(where, sizeof where,
		    "env:%s: warning: ", fixture_name(cases[i].entry, name));
		assert_true(fixture_says(fixture, where));
		assert_string_equal(fixture_value(fixture, cases[i].path),
		    cases[i].value);
	}
}

static void
a_bad_variable_gives_way_to_the_file(void **state)
{
	struct fixture *fixture = *state;

	fixture->entries[0] = "PORT=abc";
	fixture_load_text(fixture, "http: { port = 8080; };");
	assert_string_equal(fixture_value(fixture, "http.port"), "8080 (gwbot.conf:1)");
	assert_true(fixture_says(fixture, "http.port is 8080 (gwbot.conf:1)"));
}

static void
good_variables_are_taken(void **state)
{
	static const struct {
		const char *entry;
		const char *path;
		const char *value;
	} cases[] = {
	    {"KEEPALIVE_INTERVAL_SEC= 90 ", "watchdog.keepalive", "90s"},
	    {"KEEPALIVE_INTERVAL_SEC=5min", "watchdog.keepalive", "5min"},
	    {"KEEPALIVE_INTERVAL_SEC=0.1", "watchdog.keepalive", "100ms"},
	    {"KEEPALIVE_INTERVAL_SEC=86400", "watchdog.keepalive", "1d"},
	    {"PORT=1", "http.port", "1"},
	    {"PORT=65535", "http.port", "65535"},
	    {"GWBOT_HTTP_LISTEN=127.0.0.1,::1", "http.listen", "127.0.0.1, ::1"},
	    {"STRICT_PROBE=1", "http.strict_probe", "true"},
	    {"STRICT_PROBE=True", "http.strict_probe", "true"},
	    {"STRICT_PROBE=ON", "http.strict_probe", "true"},
	    {"STRICT_PROBE=yes", "http.strict_probe", "true"},
	    {"STRICT_PROBE=0", "http.strict_probe", "false"},
	    {"STRICT_PROBE=off", "http.strict_probe", "false"},
	    {"GWBOT_INTENTS=0", "discord.intents", "0"},
	    {"GWBOT_INTENTS=33281", "discord.intents",
		"GUILDS, GUILD_MESSAGES, MESSAGE_CONTENT"},
	    {"GWBOT_INTENTS=guilds|message_content", "discord.intents",
		"GUILDS, MESSAGE_CONTENT"},
	    {"GWBOT_SHARDS=64", "discord.shards", "64"},
	    {"GWBOT_SHARDS=1000", "discord.shards", "1000"},
	    {"GWBOT_SHARDS=Auto", "discord.shards", "auto"},
	    {"GWBOT_SHARDS=0-15/64", "discord.shards", "0-15/64"},
	    {"GWBOT_SHARDS=63-63/64", "discord.shards", "63-63/64"},
	    {"GWBOT_SHARDS=1000-1999/100000", "discord.shards", "1000-1999/100000"},
	    {"GWBOT_SHARDS=0-15/16", "discord.shards", "16"},
	    {"GWBOT_COMPRESS=None", "discord.compress", "none"},
	    {"GWBOT_PRESENCE={\"status\":\"idle\"}", "discord.presence",
		"{\"status\":\"idle\"}"},
	    {"DISCORD_API_BASE=http://127.0.0.1:8080/api/v10/", "discord.api_base",
		"http://127.0.0.1:8080/api/v10"},
	    {"GWBOT_GATEWAY=ws://[::1]:7443", "discord.gateway", "ws://[::1]:7443"},
	    {"BOT_NAME=Matchmaker", "bot.name", "Matchmaker"},
	    {"LOG_LEVEL=WARN", "log.level", "warning"},
	    {"LOG_LEVEL=DEBUG", "log.level", "debug"},
	    {"GWBOT_STATE_DIR=/srv/gwbot", "state.dir", "/srv/gwbot"},
	    {"SSL_CERT_FILE=/proc/self/maps", "discord.ca_file", "/proc/self/maps"},
	};
	struct fixture *fixture = *state;

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		char expected[256];
		char name[64];

		print_message("%s\n", cases[i].entry);
		fixture->entries[0] = cases[i].entry;
		fixture_load(fixture);
		assert_int_equal(fixture->report.count, 0);
		(void)snprintf(expected, sizeof expected, "%s (env:%s)", cases[i].value,
		    fixture_name(cases[i].entry, name));
		assert_string_equal(fixture_value(fixture, cases[i].path), expected);
	}
}

static void
deprecated_variables_name_the_new_one(void **state)
{
	struct fixture *fixture = *state;

	fixture->entries[0] = "WATCHDOG_CHECK_SEC=90";
	fixture->entries[1] = "WATCHDOG_MAX_DISCONNECT_SEC=0";
	fixture_load(fixture);
	assert_int_equal(fixture->report.count, 2);
	assert_true(fixture_says(fixture,
	    "env:WATCHDOG_CHECK_SEC: warning: deprecated; use "
	    "KEEPALIVE_INTERVAL_SEC"));
	assert_true(
	    fixture_says(fixture, "deprecated: use WATCHDOG_DISCONNECT_GRACE_SEC"));
	assert_string_equal(fixture_value(fixture, "watchdog.keepalive"),
	    "90s (env:WATCHDOG_CHECK_SEC)");
}

static void
what_no_default_may_replace_is_an_error_from_anywhere(void **state)
{
	static const struct {
		const char *entry;
		const char *text;
	} cases[] = {
	    {"DISCORD_API_BASE=http://discord.com/api/v10", "loopback"},
	    {"DISCORD_API_BASE=http://127.0.0.1.evil.example/", "loopback"},
	    {"DISCORD_API_BASE=http://localhost.evil.example/", "loopback"},
	    {"DISCORD_API_BASE=http://[::2]/", "loopback"},
	    {"DISCORD_API_BASE=http://128.0.0.1/", "loopback"},
	    {"GWBOT_GATEWAY=ws://gateway.discord.gg", "loopback"},
	    {"SSL_CERT_FILE=/nonexistent/ca.pem", "/nonexistent/ca.pem"},
	    {"SSL_CERT_FILE=/tmp", "/tmp is not a regular file"},
	    {"GWBOT_CONTROL_SOCKET="
	     "/tmp/xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
	     "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
		"108 bytes long, 107 are allowed"},
	};
	struct fixture *fixture = *state;

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		print_message("%s\n", cases[i].entry);
		fixture->entries[0] = cases[i].entry;
		fixture_load(fixture);
		assert_null(fixture->config);
		assert_int_equal(fixture->report.count, 1);
		assert_true(fixture_says(fixture, cases[i].text));
	}
}

/* ---- the command line ---- */

static void
bad_assignments_are_errors(void **state)
{
	static const struct {
		const char *set;
		const char *text;
	} cases[] = {
	    {"http.port", "has no ="},
	    {"http.port=0",
		"http.port = \"0\": out of range; allowed: a whole number "
		"from 1 to 65535"},
	    {"http.prot=80", "unknown setting in \"http.prot=80\"; nearest: http.port"},
	    {"=", "unknown setting"},
	    {"", "has no ="},
	    {"discord.token=" TOKEN, "every user of this host"},
	    {"profile=a b", "1 to 32 letters"},
	};
	struct fixture *fixture = *state;

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		fixture->sets[0] = cases[i].set;
		fixture_load(fixture);
		assert_null(fixture->config);
		assert_true(fixture_says(fixture, cases[i].text));
		assert_null(strstr(fixture->messages.data, "canary"));
	}
}

static void
a_flag_gives_path_and_value_apart(void **state)
{
	const struct config_override flag = {"log.level", "debug"};
	struct fixture *fixture = *state;
	struct config_sources sources = {
	    .file = "",
	    .overrides = &flag,
	    .override_count = 1,
	    .paths = {.get = fixture_get, .context = fixture, .run_dir = "/run/gwbot"},
	};

	fixture->config = config_load(&sources, &fixture->report);
	assert_string_equal(fixture_value(fixture, "log.level"), "debug (cli)");
}

/* ---- printing ---- */

static void
what_is_printed_reads_back_to_the_same_values(void **state)
{
	struct fixture *fixture = *state;
	struct config *before;
	struct buf printed;

	fixture->entries[0] = "BOT_NAME=a \"quoted\" \\ name";
	fixture->entries[1] = "GWBOT_INTENTS=0";
	fixture->entries[2] = "KEEPALIVE_INTERVAL_SEC=1.2345678";
	fixture->entries[3] = "ENV_NAME=qa";
	fixture->entries[4] = "DISCORD_TOKEN=" TOKEN;
	fixture_load(fixture);
	for (int provenance = 0; provenance <= 1; provenance++) {
		buf_init(&printed, FIXTURE_BYTES);
		assert_int_equal(config_print(fixture->config, provenance == 1,
				     &printed),
		    GW_OK);
		assert_int_equal(buf_append(&printed, "", 1), GW_OK);
		assert_null(strstr(printed.data, "canary"));
		assert_non_null(strstr(printed.data, "# token = (set)"));
		assert_int_equal(strstr(printed.data, "# bot.name: env:BOT_NAME") !=
			NULL,
		    provenance);
		before = fixture->config;
		fixture->config = NULL;
		memset(fixture->entries, 0, sizeof fixture->entries);
		fixture_load_text(fixture, printed.data);
		assert_int_equal(fixture->report.count, 0);
		for (size_t i = 0; i < config_option_count(); i++) {
			assert_int_equal(config_value_same(before, fixture->config, i),
			    i != CONFIG_ID_discord_token);
		}
		config_free(fixture->config);
		fixture->config = before;
		buf_fini(&printed);
	}
}

/* The lines "#name = value;" of the example, which show the defaults. */
static void
uncomment(char *text)
{
	bool start = true;

	for (; *text != '\0'; text++) {
		if (start && *text == '#' && text[1] >= 'a' && text[1] <= 'z') {
			*text = ' ';
		}
		start = *text == '\n' || (start && (*text == '\t' || *text == ' '));
	}
}

static void
the_example_shows_the_defaults(void **state)
{
	struct fixture *fixture = *state;
	static char text[FIXTURE_BYTES];
	FILE *file = fopen(TEST_DATA "/../conf/gwbot.conf.example", "re");
	struct config *defaults;

	assert_non_null(file);
	size_t size = fread(text, 1, sizeof text - 1, file);

	(void)fclose(file);
	assert_in_range(size, 1, sizeof text - 2);
	fixture->profile = "prod";
	fixture_load(fixture);
	defaults = fixture->config;
	for (int round = 0; round <= 1; round++) {
		fixture->config = NULL;
		fixture_load_text(fixture, text);
		print_message("%s", (const char *)fixture->messages.data);
		assert_int_equal(fixture->report.count, 0);
		for (size_t i = 0; i < config_option_count(); i++) {
			const char *source = config_value_source(fixture->config, i);

			assert_true(config_value_same(defaults, fixture->config, i));
			/* With the # away each row comes from the file. */
			assert_true(round == 0 || i == CONFIG_ID_profile ||
			    strncmp(source, "gwbot.conf:", 11) == 0);
		}
		config_free(fixture->config);
		fixture->config = NULL;
		uncomment(text);
	}
	fixture->config = defaults;
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
	    TEST(every_row_has_a_default_that_it_allows),
	    TEST(each_layer_goes_over_the_ones_before),
	    TEST(profiles_are_chosen_and_named),
	    TEST(stall_and_grace_follow_keepalive_unless_set),
	    TEST(numbers_of_words_are_those_of_their_enums),
	    TEST(bad_variables_give_way_with_one_warning),
	    TEST(a_bad_variable_gives_way_to_the_file),
	    TEST(good_variables_are_taken),
	    TEST(deprecated_variables_name_the_new_one),
	    TEST(what_no_default_may_replace_is_an_error_from_anywhere),
	    TEST(bad_assignments_are_errors),
	    TEST(a_flag_gives_path_and_value_apart),
	    TEST(what_is_printed_reads_back_to_the_same_values),
	    TEST(the_example_shows_the_defaults),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
