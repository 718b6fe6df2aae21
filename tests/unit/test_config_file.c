/* The file of the configuration: everything that may be wrong in it or with it. */
#include "config_fixture.h"

#define MIB    ((size_t)1024 * 1024)

#define NOBODY 65534

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

/* ---- what stands in it ---- */

static void
deprecated_names_are_taken_and_name_the_new_one(void **state)
{
	struct fixture *fixture = *state;

	fixture_load_text(fixture,
	    "# of an older version\nwatchdog: {\n  check = 90;\n"
	    "  max_disconnect = \"5min\";\n};\n");
	assert_int_equal(fixture->report.errors, 0);
	assert_int_equal(fixture->report.count, 2);
	assert_true(fixture_says(fixture,
	    ":3:3: warning: watchdog.check is deprecated; use watchdog.keepalive"));
	assert_true(fixture_says(fixture,
	    ":4:3: warning: watchdog.max_disconnect is deprecated; use "
	    "watchdog.disconnect_grace"));
	assert_non_null(strstr(fixture_value(fixture, "watchdog.keepalive"), "90s ("));
	assert_non_null(
	    strstr(fixture_value(fixture, "watchdog.disconnect_grace"), "5min ("));
}

static void
a_new_name_counts_beside_its_old_one_in_any_order(void **state)
{
	static const char *const texts[] = {
	    "watchdog: { check = 90; keepalive = 70; };",
	    "watchdog: { keepalive = 70; check = 90; };",
	};
	struct fixture *fixture = *state;

	for (size_t i = 0; i < 2; i++) {
		fixture_load_text(fixture, texts[i]);
		assert_int_equal(fixture->report.errors, 0);
		assert_int_equal(fixture->report.count, 1);
		assert_true(fixture_says(fixture, "watchdog.check is deprecated"));
		assert_non_null(
		    strstr(fixture_value(fixture, "watchdog.keepalive"), "70s ("));
	}
}

static void
a_bad_value_under_an_old_name_is_an_error_too(void **state)
{
	struct fixture *fixture = *state;

	fixture_load_text(fixture, "watchdog: { check = \"soon\"; };");
	assert_int_equal(fixture->report.errors, 1);
	fixture_load_text(fixture,
	    "profiles: { dev: { watchdog: { check = 80; }; }; };");
	assert_int_equal(fixture->report.errors, 0);
	assert_non_null(strstr(fixture_value(fixture, "watchdog.keepalive"), "80s ("));
}

static void
values_are_taken_in_every_form(void **state)
{
	static const struct {
		const char *text;
		const char *path;
		const char *value;
	} cases[] = {
	    {"watchdog: { keepalive = 90; };", "watchdog.keepalive", "90s"},
	    {"watchdog: { keepalive = 1.5; };", "watchdog.keepalive", "1500ms"},
	    {"watchdog: { keepalive = 0x10; };", "watchdog.keepalive", "16s"},
	    {"watchdog: { keepalive = 90L; };", "watchdog.keepalive", "90s"},
	    {"watchdog: { keepalive = \"250ms\"; };", "watchdog.keepalive", "250ms"},
	    {"watchdog: { keepalive = \"5min\"; };", "watchdog.keepalive", "5min"},
	    {"watchdog = { keepalive: \"1h\" }", "watchdog.keepalive", "1h"},
	    {"watchdog: { keepalive = 0.1; };", "watchdog.keepalive", "100ms"},
	    {"watchdog: { keepalive = 86400; };", "watchdog.keepalive", "1d"},
	    {"http: { strict_probe = TRUE; };", "http.strict_probe", "true"},
	    {"http: { listen = [\"::1\", \"127.0.0.1\"]; };", "http.listen",
		"::1, 127.0.0.1"},
	    {"http: { listen = (\"::1\"); };", "http.listen", "::1"},
	    {"http: { listen = \"::1\"; };", "http.listen", "::1"},
	    {"emoji: { hosts = [\"a.b-c.example\", \"127.0.0.1:1\", \"x:65535\"]; };",
		"emoji.hosts", "a.b-c.example, 127.0.0.1:1, x:65535"},
	    {"emoji: { hosts = []; };", "emoji.hosts", ""},
	    {"discord: { intents = 513; };", "discord.intents",
		"GUILDS, GUILD_MESSAGES"},
	    {"discord: { intents = [\"guilds\"]; };", "discord.intents", "GUILDS"},
	    {"log: { level = \"Warn\"; };", "log.level", "warning"},
	    {"bot: { name = \"a\" \"b\\x41\"; };", "bot.name", "abA"},
	    {"# no line end behind a comment", "bot.name", "gwbot"},
	    {"", "bot.name", "gwbot"},
	    {"\xEF\xBB\xBF// mark in front\r\nbot: { name = \"x\"; };\r\n", "bot.name",
		"x"},
	    {"/* 90s \" */ bot: { name = \"# // /* @include\"; };", "bot.name",
		"# // /* @include"},
	};
	struct fixture *fixture = *state;

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		fixture_load_text(fixture, cases[i].text);
		print_message("%s\n%s", cases[i].text,
		    (const char *)fixture->messages.data);
		assert_int_equal(fixture->report.count, 0);
		const char *value = fixture_value(fixture, cases[i].path);

		assert_int_equal(strncmp(value, cases[i].value, strlen(cases[i].value)),
		    0);
		assert_int_equal(value[strlen(cases[i].value)], ' ');
	}
}

static void
each_mistake_is_one_error_with_line_and_cure(void **state)
{
	static const struct {
		const char *text;
		const char *says;
	} cases[] = {
	    /* names */
	    {"\nwatchdog: {\n stal = 5;\n};",
		"gwbot.conf:3:2: error: unknown setting \"watchdog.stal\"; nearest: "
		"watchdog.stall"},
	    {"watchdgo: { stall = 5; };", "nearest: watchdog"},
	    {"prot = 1;", "unknown setting \"prot\""},
	    {"bot: { name: { x = 1; }; };", "bot.name: wrong type"},
	    {"watchdog = 5;", "watchdog is a group; write watchdog: { ... };"},
	    {"http: { port = 1;\n port = 2; };",
		"gwbot.conf:2:2: error: port is set again; first at gwbot.conf:1"},
	    {"bot: { name = \"a\"; };\nbot: { version = \"b\"; };",
		"gwbot.conf:2:1: error: bot is set again; first at gwbot.conf:1"},
	    /* types */
	    {"http: { port = \"80\"; };",
		"http.port: wrong type of value; allowed: a whole number from 1 to "
		"65535"},
	    {"http: { port = 80.5; };", "http.port: wrong type"},
	    {"http: { strict_probe = 1; };",
		"wrong type of value; allowed: true or false"},
	    {"bot: { name = 5; };", "bot.name: wrong type"},
	    {"http: { listen = [ 1, 2 ]; };", "http.listen: wrong type"},
	    {"watchdog: { stall = [ 1 ]; };", "watchdog.stall: wrong type"},
	    /* hosts: one way to write each */
	    {"emoji: { hosts = [\"A.example\"]; };", "not a host in lower case"},
	    {"emoji: { hosts = [\"a.example.\"]; };", "not a host in lower case"},
	    {"emoji: { hosts = [\".example\"]; };", "not a host in lower case"},
	    {"emoji: { hosts = [\"a..b\"]; };", "not a host in lower case"},
	    {"emoji: { hosts = [\"a:\"]; };", "not a host in lower case"},
	    {"emoji: { hosts = [\"a:0\"]; };", "not a host in lower case"},
	    {"emoji: { hosts = [\"a:080\"]; };", "not a host in lower case"},
	    {"emoji: { hosts = [\"a:65536\"]; };", "not a host in lower case"},
	    {"emoji: { hosts = [\"a:1:2\"]; };", "not a host in lower case"},
	    {"emoji: { hosts = [\"u@a\"]; };", "not a host in lower case"},
	    {"emoji: { hosts = [\"https://a\"]; };", "not a host in lower case"},
	    {"emoji: { hosts = [\"[::1]\"]; };", "not a host in lower case"},
	    {"emoji: { cache_bytes = -1; };", "out of range"},
	    {"emoji: { cache_bytes = 1073741825L; };", "out of range"},
	    {"watchdog: { stall = true; };", "watchdog.stall: wrong type"},
	    /* ranges, both sides */
	    {"http: { port = 0; };", "http.port = \"0\": out of range"},
	    {"http: { port = 65536; };", "http.port = \"65536\": out of range"},
	    {"http: { port = -1; };", "http.port = \"-1\": out of range"},
	    {"watchdog: { keepalive = 0; };",
		"out of range; allowed: a duration from "
		"100ms to 1d"},
	    {"watchdog: { keepalive = 0.0999; };", "out of range"},
	    {"watchdog: { keepalive = \"86400001ms\"; };", "out of range"},
	    {"watchdog: { keepalive = -5; };", "out of range"},
	    {"watchdog: { keepalive = 1.0e300; };", "out of range"},
	    {"watchdog: { keepalive = \"90 parsecs\"; };", "not a duration"},
	    {"discord: { shards = 1001; };", "1 to 1000"},
	    {"discord: { shards = true; };", "wrong type"},
	    {"discord: { shards = \"12-3/64\"; };", "the first shard comes after"},
	    {"discord: { shards = \"0-64/64\"; };", "must be below the total"},
	    {"discord: { shards = \"0-1000/1001\"; };",
		"more than 1000 shards in one process"},
	    {"discord: { shards = \"some\"; };", "such as \"0-15/64\""},
	    {"discord: { intents = 131072; };", "bits that are no intent"},
	    {"discord: { intents = [ \"GUILD_MESAGES\" ]; };",
		"unknown intent \"GUILD_MESAGES\"; nearest: GUILD_MESSAGES"},
	    {"discord: { intents = [ ]; };", "write 0 for none"},
	    {"discord: { compress = \"zstd\"; };",
		"allowed: \"none\", \"zlib-stream\", "
		"\"zstd-stream\""},
	    {"discord: { presence = \"{\"; };", "not well-formed JSON"},
	    {"discord: { presence = \"[]\"; };", "not a JSON object"},
	    {"discord: { api_base = \"\"; };", "discord.api_base = \"\": empty"},
	    {"discord: { api_base = \"ftp://x\"; };", "no URL with an allowed scheme"},
	    {"discord: { api_base = \"https://\"; };", "without a valid host"},
	    {"discord: { api_base = \"https://a@b/\"; };", "a URL with a user"},
	    {"discord: { api_base = \"https://a:0/\"; };", "without a valid host"},
	    {"discord: { api_base = \"https://a:65536/\"; };", "without a valid host"},
	    {"discord: { api_base = \"http://10.0.0.1/\"; };", "loopback"},
	    {"discord: { ca_file = \"/nonexistent\"; };",
		"/nonexistent cannot be read"},
	    {"bot: { name = \"\"; };", "bot.name = \"\": empty"},
	    {"bot: { name = \"a\\nb\"; };", "control characters"},
	    {"log: { level = \"inof\"; };", "nearest: info"},
	    /* profiles */
	    {"profile = 5;", "profile: wrong type"},
	    {"profile = \"a b\";", "gwbot.conf:1:11: error: profile = \"a b\""},
	    {"profiles = 5;", "profiles is a group of sections"},
	    {"profiles: { test = 5; };", "a section of a profile is a group"},
	    {"profiles: { test: { profile = \"qa\"; }; };",
		"top level of the file only"},
	    {"profiles: { test: { http: { prot = 1; }; }; };", "nearest: http.port"},
	    /* slips of libconfig's syntax */
	    {"watchdog: {\n stall = 90s;\n};",
		"gwbot.conf:2:10: error: a number with a unit must be quoted; write "
		"\"90s\""},
	    {"http: { strict_probe = yes; };", "yes is no value; write true"},
	    {"http: { strict_probe = off; };", "off is no value; write false"},
	    {"log: { level = debug; };", "a word must be quoted; write \"debug\""},
	    {"http: { listen = [ \"::1\", ]; };", "a comma behind the last item"},
	    {"discord: { intents = [ 1400000000000000001 ]; };",
		"would be cut to 32 bits; write \"1400000000000000001\""},
	    {"watchdog: { stall = 4294967356; };", "would be cut to 32 bits"},
	    {"watchdog: { stall = 0x10000003C; };", "would be cut to 32 bits"},
	    {"a = \"x\nb = 1;\n", "gwbot.conf:1:5: error: a text that begins here"},
	    {"\n/* a", "gwbot.conf:2:1: error: a comment that begins here"},
	    {"bot: { name \"x\"; };", "a = is missing behind name"},
	    {"bot: { name = \"x\"; \"y\"; };", "where no value is expected"},
	    {"bot: {\n name = ;\n};",
		"gwbot.conf:2:9: error: name has no value before this"},
	    {"bot: { name = \"x\";",
		"gwbot.conf:1:6: error: the { that is opened here has no }"},
	    {"bot: { name = \"x\"; }; };", "gwbot.conf:1:23: error: a } too many"},
	    {"a = ((((((((((((((((( 1 )))))))))))))))));", "more than 16 brackets"},
	    {"bot: { name = @x; };", "an @ belongs in quotes"},
	};
	struct fixture *fixture = *state;

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		fixture_load_text(fixture, cases[i].text);
		print_message("%s\n-> %s", cases[i].text,
		    (const char *)fixture->messages.data);
		assert_null(fixture->config);
		assert_true(fixture_says(fixture, cases[i].says));
		assert_true(fixture_says(fixture, "gwbot.conf:"));
	}
}

static void
all_mistakes_are_told_at_once(void **state)
{
	struct fixture *fixture = *state;

	fixture_load_text(fixture,
	    "http: { port = 0; prot = 1; strict_probe = yes; };\n"
	    "watchdog: { stall = 90s; keepalive = 0; };\n"
	    "loging: { level = \"info\"; };\n");
	assert_int_equal(fixture->report.errors, 6);
	assert_true(fixture_says(fixture, "gwbot.conf:1:16: error: http.port"));
	assert_true(fixture_says(fixture, "unknown setting \"http.prot\""));
	assert_true(fixture_says(fixture, "yes is no value"));
	assert_true(fixture_says(fixture, "write \"90s\""));
	assert_true(
	    fixture_says(fixture, "gwbot.conf:2:38: error: watchdog.keepalive"));
	assert_true(fixture_says(fixture, "gwbot.conf:3:1: error: unknown"));
}

static void
messages_hold_no_escape_sequences_and_no_tokens(void **state)
{
	struct fixture *fixture = *state;

	fixture_load_text(fixture, "log: { level = \"\x1B[31m\"; };");
	assert_null(strchr(fixture->messages.data, '\x1B'));
	fixture_load_text(fixture,
	    "x \x1B]0;\n"
	    "= canarycanarycanarycanarycanarycanarycanarycanarycanary;");
	assert_null(strchr(fixture->messages.data, '\x1B'));
	fixture_load_text(fixture,
	    "discord: { token = canarycanary.canarycanary.canarycanarycanarycanary; "
	    "};");
	assert_null(strstr(fixture->messages.data, "canary"));
	fixture_load_text(fixture,
	    "discord: { tokken = \"canarycanarycanarycanarycanarycanarycanary\" 5; };");
	assert_null(strstr(fixture->messages.data, "canary"));
	fixture_load_text(fixture,
	    "log: { level = \"canarycanarycanarycanarycanarycanarycanarycanary\"; };");
	assert_null(strstr(fixture->messages.data, "canary"));
}

static void
thousands_of_settings_are_refused_at_once(void **state)
{
	struct fixture *fixture = *state;
	struct buf text;

	buf_init(&text, MIB);
	for (int i = 0; i < 100000; i++) {
		assert_int_equal(buf_printf(&text, "a%d=1;", i), GW_OK);
	}
	assert_int_equal(buf_append(&text, "", 1), GW_OK);
	/* libconfig 1.5 alone takes 46 s for them. */
	fixture_load_text(fixture, text.data);
	assert_int_equal(fixture->report.errors, 1);
	assert_true(fixture_says(fixture, "more than 2000 settings"));
	buf_fini(&text);
}

static void
a_hundred_messages_are_enough(void **state)
{
	struct fixture *fixture = *state;
	struct buf text;

	buf_init(&text, MIB);
	for (int i = 0; i < 300; i++) {
		assert_int_equal(buf_printf(&text, "a%d=1;\n", i), GW_OK);
	}
	assert_int_equal(buf_append(&text, "", 1), GW_OK);
	fixture_load_text(fixture, text.data);
	assert_int_equal(fixture->report.errors, 300);
	assert_int_equal(fixture->report.count, 101);
	assert_true(fixture_says(fixture, "and more, not shown"));
	buf_fini(&text);
}

/* ---- what it is ---- */

static void
a_named_file_must_be_there(void **state)
{
	struct fixture *fixture = *state;

	fixture->file = "missing.conf";
	fixture_load(fixture);
	assert_null(fixture->config);
	assert_true(
	    fixture_says(fixture, "missing.conf: error: there is no such file"));

	/* Through the environment. */
	struct config_sources sources = {
	    .paths = {.get = fixture_get, .context = fixture, .run_dir = "/run/gwbot"},
	};

	fixture_reset(fixture);
	fixture->entries[0] = "GWBOT_CONFIG=/nonexistent/gwbot.conf";
	assert_null(config_load(&sources, &fixture->report));
	fixture_print(fixture);
	assert_true(fixture_says(fixture,
	    "/nonexistent/gwbot.conf: error: there is no such file"));
}

static void
only_small_regular_files_are_read(void **state)
{
	struct fixture *fixture = *state;
	char path[FIXTURE_ROOM];
	struct buf text;

	fixture->file = "x";
	fixture_path(fixture, "x", path);
	assert_int_equal(mkdir(path, 0755), 0);
	fixture_load(fixture);
	assert_true(fixture_says(fixture, "/x: error: is a folder, not a file"));
	assert_int_equal(rmdir(path), 0);

	/* Without a writer: to open it would block. */
	assert_int_equal(mkfifo(path, 0644), 0);
	fixture_load(fixture);
	assert_true(fixture_says(fixture, "/x: error: is not a regular file"));
	fixture_remove(fixture, "x");

	/* A gigabyte that takes no room. */
	fixture_write(fixture, "x", slice_of(""));
	assert_int_equal(truncate(path, 1024 * (off_t)MIB), 0);
	fixture_load(fixture);
	assert_true(fixture_says(fixture, "has 1073741824 bytes, 1048576 are allowed"));
	fixture_remove(fixture, "x");

	/* At the limit, and one byte above. */
	buf_init(&text, 2 * MIB);
	while (text.size < MIB) {
		assert_int_equal(buf_append(&text, "#\n", 2), GW_OK);
	}
	/* The scan adds a line end. */
	buf_consume(&text, 1);
	fixture_write(fixture, "x", buf_slice(&text));
	fixture_load(fixture);
	assert_int_equal(fixture->report.count, 0);
	assert_int_equal(buf_append(&text, "##", 2), GW_OK);
	fixture_write(fixture, "x", buf_slice(&text));
	fixture_load(fixture);
	assert_int_equal(fixture->report.errors, 1);
	buf_fini(&text);

	fixture_write(fixture, "x", SLICE_LITERAL("a\n\0b"));
	fixture_load(fixture);
	assert_true(fixture_says(fixture, "/x:2: error: a NUL byte"));
	fixture_remove(fixture, "x");
}

static void
unreadable_files_are_named(void **state)
{
	struct fixture *fixture = *state;
	char path[FIXTURE_ROOM];

	fixture->file = "x";
	fixture_path(fixture, "x", path);
	fixture_write(fixture, "x", slice_of(""));
	assert_int_equal(chmod(path, 0), 0);
	/* Root reads everything, so it is somebody else for a moment. */
	bool root = geteuid() == 0;

	assert_int_equal(root ? seteuid(NOBODY) : 0, 0);
	fixture_load(fixture);
	assert_int_equal(root ? seteuid(0) : 0, 0);
	assert_true(
	    fixture_says(fixture, "/x: error: cannot be read: Permission denied"));
	fixture_remove(fixture, "x");
}

static void
every_mistake_of_one_line_is_told(void **state)
{
	struct fixture *fixture = *state;

	fixture_write(fixture, "x",
	    slice_of("http: { port = 70000; listen = 5; strict_probe = 3; };\n"));
	fixture->file = "x";
	fixture_load(fixture);
	assert_true(fixture_says(fixture, "http.port = \"70000\""));
	assert_true(fixture_says(fixture, "http.listen: wrong type"));
	assert_true(fixture_says(fixture, "http.strict_probe: wrong type"));
	fixture_remove(fixture, "x");
}

/* ---- @include ---- */

static void
included_files_count_with_their_own_lines(void **state)
{
	struct fixture *fixture = *state;
	char path[FIXTURE_ROOM];

	fixture_path(fixture, "conf.d", path);
	assert_int_equal(mkdir(path, 0755), 0);
	/* Relative to the file that includes, not to the first one. */
	fixture_write(fixture, "conf.d/a",
	    slice_of("# first line\nport = 8080;\n@include \"b\"\n"));
	fixture_write(fixture, "conf.d/b", slice_of("\n\nmax_connections = 7;"));
	fixture_load_text(fixture,
	    "http: {\n  @include \"conf.d/a\"\n  strict_probe = true;\n};");
	assert_int_equal(fixture->report.count, 0);
	assert_string_equal(fixture_value(fixture, "http.port"), "8080 (a:2)");
	assert_string_equal(fixture_value(fixture, "http.max_connections"), "7 (b:3)");
	assert_string_equal(fixture_value(fixture, "http.strict_probe"),
	    "true (gwbot.conf:3)");

	fixture_write(fixture, "conf.d/b", slice_of("\nmax_connections = 0;\n"));
	fixture_load_text(fixture, "http: {\n@include \"conf.d/a\"\n port = 1; };");
	assert_true(fixture_says(fixture,
	    "gwbot.conf:3:2: error: port is set again; first at a:2"));
	fixture_load_text(fixture, "http: {\n@include \"conf.d/a\"\n};");
	assert_true(
	    fixture_says(fixture, "conf.d/b:2:19: error: http.max_connections"));
	fixture_remove(fixture, "conf.d/a");
	fixture_remove(fixture, "conf.d/b");
	fixture_remove(fixture, "conf.d");
}

static void
includes_that_cannot_be_are_errors_at_their_line(void **state)
{
	static const struct {
		const char *text;
		const char *says;
	} cases[] = {
	    {"\n@include \"missing\"\n", "gwbot.conf:2:1: error: @include \""},
	    {"@include \"gwbot.conf\"\n", "includes itself"},
	    {"@include \".\"\n", "is a folder"},
	    {"@include \"/dev/zero\"\n", "is not a regular file"},
	    {"@include \"fifo\"\n", "is not a regular file"},
	    {"@include \"back\"\n", "back:1:1: error: @include \""},
	    {"bot: { name = \"x\"; }; @include \"back\"\n", "a line @include"},
	    {"@include missing\n", "a line @include"},
	    {"@include \"a\nb\"", "a line @include"},
	    {"@include \"empty\" @include \"empty\"", "a line @include"},
	};
	struct fixture *fixture = *state;
	char path[FIXTURE_ROOM];

	fixture_path(fixture, "fifo", path);
	assert_int_equal(mkfifo(path, 0644), 0);
	fixture_write(fixture, "back", slice_of("@include \"gwbot.conf\""));
	fixture_write(fixture, "empty", slice_of(""));
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		print_message("%s\n", cases[i].text);
		fixture_load_text(fixture, cases[i].text);
		assert_null(fixture->config);
		assert_true(fixture_says(fixture, cases[i].says));
	}
	fixture_remove(fixture, "fifo");
	fixture_remove(fixture, "back");
	fixture_remove(fixture, "empty");
}

static void
includes_are_bounded_in_number(void **state)
{
	struct fixture *fixture = *state;
	struct buf text;

	fixture_write(fixture, "empty", slice_of(""));
	buf_init(&text, MIB);
	for (int i = 0; i < 1000; i++) {
		assert_int_equal(buf_printf(&text, "@include \"empty\"\n"), GW_OK);
	}
	assert_int_equal(buf_append(&text, "", 1), GW_OK);
	fixture_load_text(fixture, text.data);
	assert_true(fixture_says(fixture, "too many included files"));
	buf_clear(&text);
	for (int i = 0; i < 1000; i++) {
		assert_int_equal(buf_printf(&text, "@include \"missing\"\n"), GW_OK);
	}
	assert_int_equal(buf_append(&text, "", 1), GW_OK);
	fixture_load_text(fixture, text.data);
	/* It gives up after some, not after a thousand. */
	assert_in_range(fixture->report.errors, 100, 200);
	buf_fini(&text);
	fixture_remove(fixture, "empty");
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
	    TEST(values_are_taken_in_every_form),
	    TEST(deprecated_names_are_taken_and_name_the_new_one),
	    TEST(a_new_name_counts_beside_its_old_one_in_any_order),
	    TEST(a_bad_value_under_an_old_name_is_an_error_too),
	    TEST(each_mistake_is_one_error_with_line_and_cure),
	    TEST(all_mistakes_are_told_at_once),
	    TEST(messages_hold_no_escape_sequences_and_no_tokens),
	    TEST(thousands_of_settings_are_refused_at_once),
	    TEST(a_hundred_messages_are_enough),
	    TEST(a_named_file_must_be_there),
	    TEST(only_small_regular_files_are_read),
	    TEST(unreadable_files_are_named),
	    TEST(every_mistake_of_one_line_is_told),
	    TEST(included_files_count_with_their_own_lines),
	    TEST(includes_that_cannot_be_are_errors_at_their_line),
	    TEST(includes_are_bounded_in_number),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
