/* Slips in a file: each is named at its place, once, and hides nothing behind it. */
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

/* The messages of the file without its folder. */
static const char *
messages_of(struct fixture *fixture, const char *text)
{
	static char out[16384];
	size_t folder = strlen(fixture->folder) + 1;
	size_t used = 0;

	fixture_load_text(fixture, text);
	for (const char *at = fixture->messages.data; *at && used + 1 < sizeof out;) {
		if (strncmp(at, fixture->folder, folder - 1) == 0) {
			at += folder;
		}
		out[used++] = *at++;
	}
	out[used] = '\0';
	return out;
}

static void
each_slip_has_its_words_and_its_place(void **state)
{
	static const struct {
		const char *text;
		const char *says;
	} cases[] = {
	    /* a missing = or value */
	    {"http: {\n\tport 7;\n};",
		"gwbot.conf:2:2: error: a = is missing behind port\n"
		"    2 |  port 7;\n"
		"      |  ^~~~\n"},
	    {"bot { name = \"x\"; };",
		"gwbot.conf:1:1: error: a = is missing behind bot\n"
		"    1 | bot { name = \"x\"; };\n"
		"      | ^~~\n"},
	    {"http: { port; };",
		"gwbot.conf:1:9: error: port has no value; write port = ...;\n"
		"    1 | http: { port; };\n"
		"      |         ^~~~\n"},
	    {"http: { port = };",
		"gwbot.conf:1:16: error: port has no value before this\n"
		"    1 | http: { port = };\n"
		"      |                ^\n"},
	    {"http: { port",
		"gwbot.conf:1:7: error: the { that is opened here has no } at its end\n"
		"    1 | http: { port\n"
		"      |       ^\n"
		"gwbot.conf:1:9: error: port has no value; write port = ...;\n"
		"    1 | http: { port\n"
		"      |         ^~~~\n"},
	    {"http: { port = = 7; };",
		"gwbot.conf:1:16: error: port has no value before this\n"
		"    1 | http: { port = = 7; };\n"
		"      |                ^\n"},
	    /* a missing quote */
	    {"watchdog: { stall = 90s; };",
		"gwbot.conf:1:21: error: a number with a unit must be quoted; write "
		"\"90s\"\n"
		"    1 | watchdog: { stall = 90s; };\n"
		"      |                     ^~~\n"},
	    {"watchdog: { stall = 5 min; };",
		"gwbot.conf:1:21: error: a text of several words must be quoted; write "
		"\"5 min\"\n"
		"    1 | watchdog: { stall = 5 min; };\n"
		"      |                     ^~~~~\n"},
	    {"state: { dir = /var/lib/x; };",
		"gwbot.conf:1:16: error: a text must be quoted; write \"/var/lib/x\"\n"
		"    1 | state: { dir = /var/lib/x; };\n"
		"      |                ^~~~~~~~~~\n"},
	    {"discord: { gateway = wss://a.b:1/c; };",
		"gwbot.conf:1:22: error: a text must be quoted; write "
		"\"wss://a.b:1/c\"\n"
		"    1 | discord: { gateway = wss://a.b:1/c; };\n"
		"      |                      ^~~~~~~~~~~~~\n"},
	    {"http: { listen = [::1, 127.0.0.1]; };",
		"gwbot.conf:1:19: error: a text must be quoted; write \"::1\"\n"
		"    1 | http: { listen = [::1, 127.0.0.1]; };\n"
		"      |                   ^~~\n"
		"gwbot.conf:1:24: error: a text must be quoted; write \"127.0.0.1\"\n"
		"    1 | http: { listen = [::1, 127.0.0.1]; };\n"
		"      |                        ^~~~~~~~~\n"},
	    {"bot: { name = 'my bot'; };",
		"gwbot.conf:1:15: error: a text stands in double quotes; write \"my "
		"bot\"\n"
		"    1 | bot: { name = 'my bot'; };\n"
		"      |               ^~~~~~~~\n"},
	    {"log: { level = info debug; };",
		"gwbot.conf:1:16: error: a word must be quoted; write \"info\"\n"
		"    1 | log: { level = info debug; };\n"
		"      |                ^~~~\n"},
	    {"bot: { name = \"a; };\nhttp: { listen = \"::1\"; };\n",
		"gwbot.conf:1:15: error: a text that begins here goes over several "
		"lines; look for a missing quote\n"
		"    1 | bot: { name = \"a; };\n"
		"      |               ^\n"},
	    /* yes and no */
	    {"http: { strict_probe = Yes; };",
		"gwbot.conf:1:24: error: Yes is no value; write true\n"
		"    1 | http: { strict_probe = Yes; };\n"
		"      |                        ^~~\n"},
	    /* commas */
	    {"http: { listen = [\n  \"::1\",\n]; };",
		"gwbot.conf:2:8: error: a comma behind the last item; leave it out\n"
		"    2 |   \"::1\",\n"
		"      |        ^\n"},
	    {"http: { listen = [ \"::1\" \"127.0.0.1\" ]; };",
		"gwbot.conf:1:26: error: a comma is missing before this item\n"
		"    1 | http: { listen = [ \"::1\" \"127.0.0.1\" ]; };\n"
		"      |                          ^~~~~~~~~~~\n"},
	    {"http: { listen = [ , \"::1\",, \"::2\" ]; };",
		"gwbot.conf:1:20: error: a comma too many\n"
		"    1 | http: { listen = [ , \"::1\",, \"::2\" ]; };\n"
		"      |                    ^\n"
		"gwbot.conf:1:28: error: a comma too many\n"
		"    1 | http: { listen = [ , \"::1\",, \"::2\" ]; };\n"
		"      |                            ^\n"},
	    /* brackets */
	    {"http: { listen = [ \"::1\"; };",
		"gwbot.conf:1:18: error: the [ that is opened here has no ] at its "
		"end\n"
		"    1 | http: { listen = [ \"::1\"; };\n"
		"      |                  ^\n"},
	    {"http: { listen = [ \"::1\" ); };",
		"gwbot.conf:1:26: error: the [ of line 1 ends with ]\n"
		"    1 | http: { listen = [ \"::1\" ); };\n"
		"      |                          ^\n"},
	    {"http: { port = 1; } };\n",
		"gwbot.conf:1:21: error: a } too many\n"
		"    1 | http: { port = 1; } };\n"
		"      |                     ^\n"},
	    /* ids */
	    {"discord: { intents = [ 1400000000000000001 ]; };",
		"gwbot.conf:1:24: error: an unquoted number over 2147483647 would be "
		"cut to 32 bits; write \"1400000000000000001\"\n"
		"    1 | discord: { intents = [ 1400000000000000001 ]; };\n"
		"      |                        ^~~~~~~~~~~~~~~~~~~\n"},
	    {"discord: { intents = 14000000000000000011L; };",
		"gwbot.conf:1:22: error: an unquoted number over 2147483647 would be "
		"cut to 32 bits; write \"14000000000000000011\"\n"
		"    1 | discord: { intents = 14000000000000000011L; };\n"
		"      |                      ^~~~~~~~~~~~~~~~~~~~~\n"},
	    /* other formats than libconfig's */
	    {"watchdog.stall = 5;",
		"gwbot.conf:1:1: error: a name has no dot; write watchdog: { stall = "
		"...; };\n"
		"    1 | watchdog.stall = 5;\n"
		"      | ^~~~~~~~~~~~~~\n"},
	    {"[watchdog]\nstall = 5\n",
		"gwbot.conf:1:1: error: a bracket without a name before it; a group is "
		"written NAME: { ... };\n"
		"    1 | [watchdog]\n"
		"      | ^\n"
		"gwbot.conf:2:1: error: unknown setting \"stall\"; nearest: "
		"watchdog.stall\n"
		"    2 | stall = 5\n"
		"      | ^~~~~\n"},
	    {"watchdog:\n  stall: 5\n",
		"gwbot.conf:1:1: error: watchdog has no value; a group is written "
		"watchdog: { ... };\n"
		"    1 | watchdog:\n"
		"      | ^~~~~~~~\n"
		"gwbot.conf:2:3: error: unknown setting \"stall\"; nearest: "
		"watchdog.stall\n"
		"    2 |   stall: 5\n"
		"      |   ^~~~~\n"},
	    {"{ \"watchdog\": { \"stall\": 5 } }",
		"gwbot.conf:1:1: error: a bracket without a name before it; a group is "
		"written NAME: { ... };\n"
		"    1 | { \"watchdog\": { \"stall\": 5 } }\n"
		"      | ^\n"},
	    /* the same again */
	    {"http: { port = 1; };\nhttp: { port = 2; prot = 3; };",
		"gwbot.conf:2:1: error: http is set again; first at gwbot.conf:1\n"
		"    2 | http: { port = 2; prot = 3; };\n"
		"      | ^~~~\n"},
	    {"prod: { log: { level = \"info\"; }; };",
		"gwbot.conf:1:1: error: \"prod\" is no group of settings; that of a "
		"profile is written profiles: { prod: { ... }; };\n"
		"    1 | prod: { log: { level = \"info\"; }; };\n"
		"      | ^~~~\n"},
	    /* not UTF-8, in a value; a comment may be anything */
	    {"# caf\xE9\nbot: { name = \"caf\xE9\"; };",
		"gwbot.conf:2:15: error: bot.name = \"caf?\": a text that is not "
		"UTF-8; "
		"allowed: a text of 1 to 100 bytes\n"
		"    2 | bot: { name = \"caf?\"; };\n"
		"      |               ^~~~~~\n"},
	};
	struct fixture *fixture = *state;

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		assert_string_equal(messages_of(fixture, cases[i].text), cases[i].says);
	}
}

static void
what_libconfig_allows_is_no_slip(void **state)
{
	static const char *const texts[] = {
	    "http = { port = 1 strict_probe = true };",
	    "http: { port = 1\nstrict_probe = true }\nbot: { name = \"x\" }",
	    "http: { port: 1, strict_probe: true, }, bot: { name = \"a\"\n \"b\" };",
	    "http: { listen = ( \"::1\" ); port = 80//\n;};",
	    "http: { /* port = 2; */ port = 3; # port = 4\n// port = 5\n };",
	    "discord: { presence = \"{\n}\"; };",
	};
	struct fixture *fixture = *state;

	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
		assert_string_equal(messages_of(fixture, texts[i]), "");
	}
	fixture_load_text(fixture, "discord: { presence = \"{\\n\n}\"; };");
	assert_string_equal(fixture_value(fixture, "discord.presence"),
	    "{\n\n} (gwbot.conf:1)");
}

static void
a_slip_hides_nothing_behind_it(void **state)
{
	struct fixture *fixture = *state;

	fixture_load_text(fixture,
	    "http: {\n port 80;\n strict_probe = maybe;\n listen = [ \"::1\" \n};\n"
	    "watchdog: { stall = 5 min; keepalive = 0; };\n"
	    "log = ;\n"
	    "loop: { limit = yes; };\n"
	    "bot: { nane = \"x\"; };\n");
	assert_int_equal(fixture->report.errors, 8);
	for (size_t i = 0; i < fixture->report.count; i++) {
		assert_non_null(fixture->report.messages[i].excerpt);
	}
	assert_true(fixture_says(fixture, "gwbot.conf:2:2: "));
	assert_true(fixture_says(fixture, "gwbot.conf:3:17: "));
	assert_true(fixture_says(fixture, "gwbot.conf:4:11: "));
	assert_true(fixture_says(fixture, "gwbot.conf:6:21: "));
	assert_true(
	    fixture_says(fixture, "gwbot.conf:6:40: error: watchdog.keepalive"));
	assert_true(fixture_says(fixture, "gwbot.conf:7:7: "));
	assert_true(fixture_says(fixture, "gwbot.conf:8:17: "));
	assert_true(fixture_says(fixture, "gwbot.conf:9:8: error: unknown setting"));
}

static void
columns_count_characters_and_tabs_as_one(void **state)
{
	struct fixture *fixture = *state;

	assert_string_equal(
	    messages_of(fixture,
		"\xEF\xBB\xBF/* gr\xC3\xBC\xC3\x9F \x1B[31m */\tprot = 1;\r\n"),
	    "gwbot.conf:1:18: error: unknown setting \"prot\"; nearest: http.port\n"
	    "    1 | /* gr\xC3\xBC\xC3\x9F ?[31m */ prot = 1;\n"
	    "      |                  ^~~~\n");
}

static void
a_long_line_is_shown_around_the_place(void **state)
{
	struct fixture *fixture = *state;
	char text[512];

	(void)snprintf(text, sizeof text, "bot: { %200s prot = 1; %200s };", "", "");
	assert_string_equal(messages_of(fixture, text),
	    "gwbot.conf:1:209: error: unknown setting \"bot.prot\"; nearest: bot.name\n"
	    "    1 |                                   prot = 1;                       "
	    "  "
	    "...\n"
	    "      |                                   ^~~~\n");
}

static void
lines_with_the_token_are_not_shown(void **state)
{
	static const char *const texts[] = {
	    "discord: { token \"canarycanary.canary.canarycanarycanarycanary\"; };",
	    "discord: { token =\n \"canarycanary\"; presence = 5; };",
	    "discord: { token =\n \"canarycanary\"\n \"canary\"; presence = 5; };",
	    "discord: { presence = canarycanarycanarycanary.canarycanarycanary.x; };",
	    "canarycanarycanarycanarycanarycanarycanary.canary.canarycanary = 5;",
	    "bot: { name = \"x\" \"canarycanarycanarycanarycanarycanarycanary\" 5; };",
	    "bot: { naem = \"canarycanarycanarycanarycanarycanarycanarycanary\"; };",
	    "discord: { token = 'canarycanarycanarycanarycanarycanarycanary'; };",
	    "discord: { token = canarycanary canarycanary; };",
	    "# canarycanarycanarycanarycanarycanarycanarycanarycanarycanary\n{",
	};
	struct fixture *fixture = *state;

	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
		const char *messages = messages_of(fixture, texts[i]);

		print_message("%s\n", messages);
		assert_true(fixture->report.errors > 0);
		assert_null(strstr(messages, "canary"));
	}
}

/* ---- there and back ---- */

static uint32_t
random_below(uint64_t *seed, uint32_t limit)
{
	*seed = *seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (uint32_t)(*seed >> 33) % limit;
}

/* A value that the row may allow, as the environment has it. */
static void
random_value(const struct config_option *option, uint64_t *seed, char *out, size_t room)
{
	static const char *const texts[] = {"a \"quoted\" \\ one", "gr\xC3\xBC\xC3\x9F",
	    " blank ", "@include \"x\"", "# no comment", "a, b; c = {}", "x", "\\x41"};
	static const char *const lists[] = {"::1", "127.0.0.1, ::1", "::, 0.0.0.0"};
	static const char *const shards[] = {"auto", "1", "1000", "0-15/64",
	    "63-63/64"};
	int64_t span = option->max > option->min ? option->max - option->min : 0;
	int64_t number =
	    option->min + (int64_t)((double)span * random_below(seed, 1000) / 1000.0);

	char word[32];

	(void)slice_copy((struct slice){option->unit, strcspn(option->unit, "|")}, word,
	    sizeof word);
	switch (option->type) {
	case CONFIG_BOOL:
		(void)snprintf(out, room, "%s", random_below(seed, 2) ? "on" : "off");
		return;
	case CONFIG_INTEGER:
		(void)snprintf(out, room, "%lld", (long long)number);
		return;
	case CONFIG_INTENTS:
		(void)snprintf(out, room, "%u", random_below(seed, 1U << 16));
		return;
	case CONFIG_DURATION:
		(void)snprintf(out, room, "%lldms", (long long)(number / CLOCK_MS(1)));
		return;
	case CONFIG_TEXT:
		(void)snprintf(out, room, "%s", texts[random_below(seed, 8)]);
		return;
	case CONFIG_PATH:
		(void)snprintf(out, room, "/tmp/%s", texts[random_below(seed, 8)]);
		return;
	case CONFIG_URL:
		(void)snprintf(out, room, "%s://[::1]:%u/a%%20b", word,
		    1 + random_below(seed, 65535));
		return;
	case CONFIG_JSON:
		(void)snprintf(out, room, "{\"a\":\"\\n%u\",\n\t\"b\":[1]}",
		    random_below(seed, 100));
		return;
	case CONFIG_CHOICE:
		(void)snprintf(out, room, "%s", word);
		return;
	case CONFIG_LIST:
		(void)snprintf(out, room, "%s", lists[random_below(seed, 3)]);
		return;
	case CONFIG_SHARDS:
		(void)snprintf(out, room, "%s", shards[random_below(seed, 5)]);
		return;
	case CONFIG_SECRET:
	case CONFIG_WORDS:
	case CONFIG_GROUPS: /* stand in files only: test_config_lists.c */
		break;
	}
	out[0] = '\0';
}

/* 1 where the option allows the value. */
static size_t
override(struct config *config, size_t index, const char *value)
{
	char why[256];

	return config_override(config, index, value, "control", why, sizeof why) ==
		GW_OK ?
	    1 :
	    0;
}

static void
what_is_printed_reads_back_to_the_same(void **state)
{
	struct fixture *fixture = *state;
	uint64_t seed = 4;
	struct buf printed;

	fixture->profile = "qa";
	for (int round = 0; round < 100; round++) {
		struct config_changes changes;
		size_t set = 0;

		fixture_load_text(fixture, "");
		struct config *wanted = config_copy(fixture->config);

		for (size_t i = 0; i < config_option_count(); i++) {
			const struct config_option *option = config_option(i);
			char value[512];

			random_value(option, &seed, value, sizeof value);
			if (i != CONFIG_ID_profile && random_below(&seed, 3) > 0 &&
			    option->type != CONFIG_SECRET) {
				set += override(wanted, i, value);
			}
		}
		assert_true(set > 5);
		buf_init(&printed, FIXTURE_BYTES);
		assert_int_equal(config_print(wanted, round % 2 == 0, &printed), GW_OK);
		assert_int_equal(buf_append(&printed, "", 1), GW_OK);
		fixture_load_text(fixture, printed.data);
		if (!fixture->config) {
			fail_msg("%s\n%s", (const char *)fixture->messages.data,
			    printed.data);
		}
		config_compare(wanted, fixture->config, &changes);
		if (changes.count > 0) {
			fail_msg("%s in\n%s", config_option(changes.ids[0])->path,
			    printed.data);
		}
		buf_fini(&printed);
		config_free(wanted);
	}
	fixture->profile = NULL;
}

/* Words in any order: whatever the scan makes of them, libconfig takes it. */
static void
the_scan_leaves_nothing_for_libconfig_to_find(void **state)
{
	static const char *const words[] = {"http", "port", "listen", "watchdog",
	    "stall", "profiles", "qa", "=", ":", "=", ":", ";", ";", ",", "{", "}", "{",
	    "}", "[", "]", "(", ")", "5", "90s", "yes", "\"::1\"", "\"a\nb\"", "'x'",
	    "a.b", "_x", "0x1F", "1e3", "-", "*", "@", "@include \"nope\"", "#c\n",
	    "//c\n", "/*c*/", "\n", "\n", "/x", "https://x/y", "\xE9", "5 min"};
	struct fixture *fixture = *state;
	uint64_t seed = 6;

	for (int round = 0; round < 4000; round++) {
		char text[512];
		size_t used = 0;
		uint32_t count = 1 + random_below(&seed, 24);

		for (uint32_t i = 0; i < count; i++) {
			uint32_t word = random_below(&seed,
			    (uint32_t)(sizeof words / sizeof words[0]));
			int size = snprintf(text + used, sizeof text - used, "%s%s",
			    words[word], random_below(&seed, 4) ? " " : "");

			used += (size_t)size;
		}
		fixture_load_text(fixture, text);
		if (strstr(fixture->messages.data, "syntax error") ||
		    strstr(fixture->messages.data, "duplicate setting") ||
		    strstr(fixture->messages.data, "mismatched")) {
			fail_msg("%s\n%s", text, (const char *)fixture->messages.data);
		}
	}
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
	    TEST(each_slip_has_its_words_and_its_place),
	    TEST(what_libconfig_allows_is_no_slip),
	    TEST(a_slip_hides_nothing_behind_it),
	    TEST(columns_count_characters_and_tabs_as_one),
	    TEST(a_long_line_is_shown_around_the_place),
	    TEST(lines_with_the_token_are_not_shown),
	    TEST(the_scan_leaves_nothing_for_libconfig_to_find),
	    TEST(what_is_printed_reads_back_to_the_same),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
