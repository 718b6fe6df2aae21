/* The token: its places, its form, and that nobody gets to see it. */
#include "config_fixture.h"

/* Fifty characters, the fewest that are enough, and one fewer. */
#define TOKEN_49 "canary.canary.canary.canary.canary.canary.canary."
#define TOKEN_50 TOKEN_49 "x"

_Static_assert(sizeof TOKEN_49 == 49 + 1, "one too short");

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

/* Loads and checks; the token must stand in no message and no printed line. */
static bool
check(struct fixture *fixture)
{
	struct buf printed;

	fixture_load(fixture);
	assert_non_null(fixture->config);
	bool usable = config_check_token(fixture->config, &fixture->report);

	fixture_print(fixture);
	buf_init(&printed, FIXTURE_BYTES);
	assert_int_equal(config_print(fixture->config, true, &printed), GW_OK);
	assert_null(memmem(printed.data, printed.size, "canary", 6));
	assert_null(strstr(fixture->messages.data, "canary"));
	assert_int_equal(fixture->report.errors, usable ? 0 : 1);
	buf_fini(&printed);
	return usable;
}

static void
only_whole_and_clean_tokens_are_usable(void **state)
{
	const struct {
		const char *name;
		struct slice content;
		const char *says; /* NULL: usable */
	} cases[] = {
	    {"plain", SLICE_LITERAL(TOKEN_50), NULL},
	    {"a line end", SLICE_LITERAL(TOKEN_50 "\n"), NULL},
	    {"a line end of another system", SLICE_LITERAL(TOKEN_50 "\r\n"), NULL},
	    {"49 characters", SLICE_LITERAL(TOKEN_49), "has 49 characters"},
	    {"49 and a line end", SLICE_LITERAL(TOKEN_49 "\n"), "has 49 characters"},
	    {"a blank behind", SLICE_LITERAL(TOKEN_50 " "), "a blank"},
	    {"a blank in front", SLICE_LITERAL(" " TOKEN_50), "a blank"},
	    {"two lines", SLICE_LITERAL(TOKEN_50 "\n" TOKEN_50), "a blank or a byte"},
	    {"a NUL", SLICE_LITERAL(TOKEN_50 "\0" TOKEN_50), "a blank or a byte"},
	    {"UTF-8", SLICE_LITERAL(TOKEN_50 "\xC3\xA4"), "a blank or a byte"},
	    {"DEL", SLICE_LITERAL(TOKEN_50 "\x7F"), "a blank or a byte"},
	    {"double quotes", SLICE_LITERAL("\"" TOKEN_50 "\""), "in quotes"},
	    {"single quotes", SLICE_LITERAL("'" TOKEN_50 "'"), "in quotes"},
	    {"half a pair", SLICE_LITERAL("\"" TOKEN_50), "in quotes"},
	    {"nothing", SLICE_LITERAL(""), "is empty"},
	    {"a line end only", SLICE_LITERAL("\n"), "is empty"},
	};
	struct fixture *fixture = *state;
	char path[FIXTURE_ROOM];
	char entry[FIXTURE_ROOM * 2];

	fixture_path(fixture, "token", path);
	(void)snprintf(entry, sizeof entry, "DISCORD_TOKEN_FILE=%s", path);
	fixture->entries[0] = entry;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		print_message("%s\n", cases[i].name);
		fixture_write(fixture, "token", cases[i].content);
		assert_int_equal(check(fixture), cases[i].says == NULL);
		assert_true(fixture_says(fixture, cases[i].says ? cases[i].says : ""));
	}
	fixture_remove(fixture, "token");
}

static void
a_variable_is_judged_like_a_file(void **state)
{
	static const struct {
		const char *entry;
		const char *says;
	} cases[] = {
	    {"DISCORD_TOKEN=" TOKEN_50, NULL},
	    {"DISCORD_TOKEN=" TOKEN_50 "\n", NULL},
	    {"DISCORD_TOKEN=" TOKEN_49, "env:DISCORD_TOKEN: error: the token has 49"},
	    {"DISCORD_TOKEN=\"" TOKEN_50 " \"", "a blank"},
	    {"DISCORD_TOKEN=", "no token: set DISCORD_TOKEN"},
	    {NULL, "no token: set DISCORD_TOKEN"},
	    {"DISCORD_TOKEN_FILE=/nonexistent/t", "/nonexistent/t cannot be read"},
	    {"DISCORD_TOKEN_FILE=/dev/zero", "/dev/zero is not a regular file"},
	    {"DISCORD_TOKEN_FILE=/tmp", "/tmp is a folder"},
	    /* The token itself where its file should be named. */
	    {"DISCORD_TOKEN_FILE=" TOKEN_50, "cannot be read"},
	};
	struct fixture *fixture = *state;

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		print_message("%zu\n", i);
		fixture->entries[0] = cases[i].entry;
		if (i + 1 == sizeof cases / sizeof cases[0]) {
			/* --print-config shows paths as they are. */
			fixture_load(fixture);
			assert_false(
			    config_check_token(fixture->config, &fixture->report));
			fixture_print(fixture);
			assert_null(strstr(fixture->messages.data, "canary"));
		} else {
			assert_int_equal(check(fixture), cases[i].says == NULL);
		}
		assert_true(fixture_says(fixture, cases[i].says ? cases[i].says : ""));
	}
}

/* Tells apart tokens by their last character. */
static char
last_of(const struct fixture *fixture)
{
	const struct secret *token = fixture->config->discord_token;

	return secret_reveal(token)[secret_size(token) - 1];
}

static void
the_nearest_place_wins(void **state)
{
	struct fixture *fixture = *state;
	char path[FIXTURE_ROOM];
	char variable[FIXTURE_ROOM * 2];
	char folder[FIXTURE_ROOM * 2];
	char set[FIXTURE_ROOM * 2];
	char text[FIXTURE_ROOM * 2];

	fixture_write(fixture, "a", SLICE_LITERAL(TOKEN_50 "A"));
	fixture_write(fixture, "b", SLICE_LITERAL(TOKEN_50 "B"));
	fixture_write(fixture, "discord_token", SLICE_LITERAL(TOKEN_50 "C"));
	fixture_path(fixture, "a", path);
	(void)snprintf(text, sizeof text, "discord: { token_file = \"%s\"; };", path);
	fixture_path(fixture, "b", path);
	(void)snprintf(variable, sizeof variable, "DISCORD_TOKEN_FILE=%s", path);
	(void)snprintf(set, sizeof set, "discord.token_file=%s", path);
	(void)snprintf(folder, sizeof folder, "CREDENTIALS_DIRECTORY=%s",
	    fixture->folder);

	fixture_load_text(fixture, text);
	assert_int_equal(last_of(fixture), 'A');
	assert_string_equal(fixture_value(fixture, "discord.token"),
	    "(set) (gwbot.conf:1)");

	fixture->entries[0] = folder;
	fixture_load_text(fixture, text);
	assert_int_equal(last_of(fixture), 'C');
	assert_string_equal(fixture_value(fixture, "discord.token"),
	    "(set) (credential:discord_token)");

	/* What the unit's SetCredential= puts there without a token file. */
	fixture_write(fixture, "discord_token", SLICE_LITERAL("\n"));
	fixture_load_text(fixture, text);
	assert_int_equal(last_of(fixture), 'A');
	fixture_write(fixture, "discord_token", SLICE_LITERAL(TOKEN_50 "C"));

	fixture->entries[1] = variable;
	fixture_load_text(fixture, text);
	assert_int_equal(last_of(fixture), 'B');
	assert_string_equal(fixture_value(fixture, "discord.token"),
	    "(set) (env:DISCORD_TOKEN_FILE)");

	fixture->entries[2] = "DISCORD_TOKEN=" TOKEN_50 "D";
	fixture_load_text(fixture, text);
	assert_int_equal(last_of(fixture), 'D');
	assert_string_equal(fixture_value(fixture, "discord.token"),
	    "(set) (env:DISCORD_TOKEN)");

	fixture->sets[0] = set;
	fixture_load_text(fixture, text);
	assert_int_equal(last_of(fixture), 'B');
	assert_string_equal(fixture_value(fixture, "discord.token"), "(set) (cli)");

	fixture_remove(fixture, "a");
	fixture_remove(fixture, "b");
	fixture_remove(fixture, "discord_token");
}

static void
files_that_others_may_read_are_warned_about(void **state)
{
	static const struct {
		mode_t mode;
		bool warned;
	} cases[] = {
	    {0600, false},
	    {0640, false},
	    {0400, false},
	    {0644, true},
	    {0660, true},
	    {0641, true},
	};
	struct fixture *fixture = *state;
	char path[FIXTURE_ROOM];
	char entry[FIXTURE_ROOM * 2];

	fixture_path(fixture, "token", path);
	(void)snprintf(entry, sizeof entry, "DISCORD_TOKEN_FILE=%s", path);
	fixture->entries[0] = entry;
	fixture_write(fixture, "token", SLICE_LITERAL(TOKEN_50));
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		assert_int_equal(chmod(path, cases[i].mode), 0);
		assert_true(check(fixture));
		assert_int_equal(fixture->report.count, cases[i].warned ? 1 : 0);
	}

	/* The configuration itself, where the token stands in it. */
	fixture->entries[0] = NULL;
	fixture->file = "token";
	fixture_write(fixture, "token",
	    SLICE_LITERAL("discord: { token = \"" TOKEN_50 "\"; };"));
	assert_true(check(fixture));
	assert_int_equal(fixture->report.count, 0);
	assert_int_equal(chmod(path, 0644), 0);
	assert_true(check(fixture));
	assert_int_equal(fixture->report.count, 1);
	assert_true(fixture_says(fixture, "others may read or write this file"));
	fixture_remove(fixture, "token");
}

static void
the_environment_loses_its_token_and_a_reload_has_it(void **state)
{
	struct fixture *fixture = *state;
	/* In the environment itself, not a copy: so are those that exec() gives. */
	static char variable[] = "DISCORD_TOKEN=" TOKEN_50;

	assert_int_equal(putenv(variable), 0);
	struct config_env *env = config_env_new();
	struct config_sources sources = {
	    .file = "",
	    .paths = {.get = config_env_get, .context = env, .run_dir = "/run/gwbot"},
	};

	assert_null(getenv("DISCORD_TOKEN"));
	assert_null(memmem(variable, sizeof variable, "canary", 6));
	for (int reload = 0; reload <= 1; reload++) {
		fixture_reset(fixture);
		fixture->config = config_load(&sources, &fixture->report);
		assert_non_null(fixture->config);
		assert_true(config_check_token(fixture->config, &fixture->report));
	}
	config_env_free(env);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
	    TEST(only_whole_and_clean_tokens_are_usable),
	    TEST(a_variable_is_judged_like_a_file),
	    TEST(the_nearest_place_wins),
	    TEST(files_that_others_may_read_are_warned_about),
	    TEST(the_environment_loses_its_token_and_a_reload_has_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
