/* Lists of groups in the configuration: probes and jobs. */
#include "config_fixture.h"

#include "config_private.h"

#define CASES(cases) (sizeof(cases) / sizeof(cases)[0])

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

/* A key that was put where its place is wanted is shown in no part of the message. */
static void
a_secret_in_the_wrong_place_is_not_shown(void **state)
{
	static const char *const texts[] = {
	    "probes = ({ name = \"a\"; kind = \"google-sheet\"; sheet = \"1\"; "
	    "worksheet = \"T\"; api_key = \"AIza/CANARY\"; });",
	    "probes = ({ name = \"a\"; kind = \"google-sheet\"; sheet = \"1\";\n"
	    "worksheet = \"T\"; credentials = \"CANARY\"; });",
	    "probes = ({ name = \"a\"; kind = \"google-sheet\"; api_key = CANARY; });",
	    "probes = ({ name = \"a\"; kind = \"google-sheet\"; api_key = \"CANARY;\n "
	    "});",
	};
	struct fixture *fixture = *state;

	for (size_t i = 0; i < CASES(texts); i++) {
		fixture_load_text(fixture, texts[i]);
		assert_true(fixture->report.errors > 0);
		assert_false(fixture_says(fixture, "CANARY"));
	}
}

static const char good[] =
    "probes = (\n"
    "  { name = \"db\"; kind = \"tcp\"; host = \"::1\"; port = 5432;\n"
    "    interval = \"30s\"; fail_after = 3; },\n"
    "  { name = \"site\"; kind = \"http\"; url = \"http://in.example/h?x=1\";\n"
    "    required = true; status = 204; },\n"
    "  { name = \"disk\"; kind = \"command\"; command = [ \"/bin/a\", \"b c,d\", \"\" "
    "]; },\n"
    "  { name = \"sheet\"; kind = \"google-sheet\"; sheet = \"1a-B_\"; "
    "worksheet = \"It's\";\n    credentials = \"env:GSPREAD_CREDENTIALS\"; }\n"
    ");\n"
    "jobs = (\n"
    "  { name = \"r\"; action = \"probe\"; at = \"02:00\"; zone = \"Europe/Vienna\"; "
    "},\n"
    "  { name = \"e\"; action = \"exec\"; command = [ \"/bin/true\" ]; every = \"3h\"; "
    "}\n"
    ");\n";

static void
groups_are_read_with_the_defaults_of_their_rows(void **state)
{
	struct fixture *fixture = *state;

	fixture_load_text(fixture, good);
	assert_non_null(fixture->config);
	assert_int_equal(fixture->config->probes.count, 4);
	const struct config_probe *db = config_probe(fixture->config, 0);
	const struct config_probe *site = config_probe(fixture->config, 1);
	const struct config_probe *disk = config_probe(fixture->config, 2);
	const struct config_probe *sheet = config_probe(fixture->config, 3);
	const struct config_job *job = config_job(fixture->config, 1);

	assert_string_equal(db->name, "db");
	assert_string_equal(db->host, "::1");
	assert_int_equal(db->port, 5432);
	assert_int_equal(db->interval, CLOCK_S(30));
	assert_int_equal(db->timeout, CLOCK_S(5));
	assert_int_equal(db->fail_after, 3);
	assert_int_equal(db->pass_after, 1);
	assert_false(db->required);
	assert_true(site->required);
	assert_int_equal(site->status, 204);
	assert_int_equal(disk->status, 0);
	assert_int_equal(disk->command.count, 3);
	assert_string_equal(disk->command.items[1], "b c,d");
	assert_string_equal(disk->command.items[2], "");
	assert_string_equal(sheet->worksheet, "It's");
	assert_string_equal(sheet->credentials, "env:GSPREAD_CREDENTIALS");
	assert_string_equal(sheet->base, "https://sheets.googleapis.com");
	assert_int_equal(sheet->interval, CLOCK_S(60));
	assert_int_equal(fixture->config->jobs.count, 2);
	assert_int_equal(job->every, CLOCK_S(3 * 3600));
	assert_int_equal(job->timeout, CLOCK_S(60));
	assert_string_equal(job->zone, "");
}

static void
every_default_is_one_that_its_row_allows(void **state)
{
	static const enum config_id lists[] = {CONFIG_ID_probes, CONFIG_ID_jobs,
	    CONFIG_ID_commands};

	(void)state;
	for (size_t i = 0; i < CASES(lists); i++) {
		const struct config_rows *rows = config_rows(config_option(lists[i]));
		struct config_group *group = config_group_new(rows);

		assert_string_equal(rows->items[0].option.path, "name");
		for (size_t j = 0; j < rows->count; j++) {
			const struct config_option *option = &rows->items[j].option;

			if (option->def && option->def[0]) {
				char reason[CONFIG_REASON_ROOM] = "";

				assert_int_equal(config_field_set(option,
						     config_item_field(rows, j, group),
						     option->def, reason),
				    GW_OK);
			}
		}
		config_group_free(rows, group);
	}
}

static void
each_mistake_in_a_group_is_told_with_its_line_and_cure(void **state)
{
#define PROBE(keys) "\nprobes = (\n{ name = \"a\"; kind = " keys " }\n);"
#define TCP(keys)   PROBE("\"tcp\"; host = \"h\"; port = 1; " keys)
#define SHEET(keys) \
	PROBE("\"google-sheet\"; sheet = \"1a-B_\"; worksheet = \"T\"; " keys)
#define KEY       "credentials = \"/k.json\"; "
#define JOB(keys) "\njobs = (\n{ name = \"j\"; action = \"probe\"; " keys " }\n);"
#define POST(keys)                                                        \
	"\njobs = (\n{ name = \"p\"; action = \"post\"; at = \"01:00\"; " \
	"channel = \"80351110224678912\"; " keys " }\n);"
#define OTHER(action, keys)                                                          \
	"\njobs = (\n{ name = \"o\"; action = \"" action "\"; at = \"01:00\"; " keys \
	" }\n);"
#define COMMAND(keys) "\ncommands = (\n{ name = \"c\"; " keys " }\n);"
	static const struct {
		const char *text;
		const char *message;
	} cases[] = {
	    {PROBE("\"tpc\";"),
		":3:22: error: kind of a probe = \"tpc\": none of the "
		"allowed words; nearest: tcp; allowed: \"tcp\", \"http\""},
	    {PROBE("\"tcp\"; host = \"h\";"), ":3:3: error: probe \"a\" needs port: "},
	    {TCP("prot = 1;"), "error: a probe has no \"prot\"; nearest: port"},
	    {TCP("url = \"http://h/\";"),
		"error: probe \"a\": url belongs to kind http, and this one is "
		"tcp"},
	    {TCP("interval = \"30q\";"),
		"interval of a probe = \"30q\": not a duration; "
		"allowed: a duration from 1s to 1d"},
	    {TCP("interval = 0;"), "out of range; allowed: a duration from 1s to 1d"},
	    {TCP("fail_after = \"2\";"),
		"fail_after of a probe: wrong type of value; allowed: a whole number "
		"from 1 to 100"},
	    {PROBE("\"tcp\"; host = \"a b\"; port = 1;"),
		"neither a host name nor an address"},
	    {PROBE("\"http\"; url = \"ftp://h/\";"),
		"no URL that begins with https://"},
	    {PROBE("\"http\"; url = \"http://u@h/\";"), "a URL with a user"},
	    {PROBE("\"http\"; url = \"http://h:0/\";"), "a URL without a valid host"},
	    {PROBE("\"command\"; command = [ \"df\" ];"), "no whole path"},
	    {PROBE("\"command\"; command = [ ];"), "no whole path"},
	    {PROBE("\"command\"; command = \"/bin/df\";"), "wrong type of value"},
	    {PROBE("\"command\"; command = [ \"/bin/df\", \"a\\nb\" ];"),
		"wrong type of value"},
	    {"\nprobes = ({ kind = \"tcp\"; host = \"h\"; port = 1; });",
		"error: probe \"\" needs name"},
	    {"\nprobes = ({ name = \"A\"; kind = \"tcp\"; host = \"h\"; port = 1; });",
		"name of a probe = \"A\": no such name"},
	    {"\nprobes = ({ name = \"a\"; kind = \"tcp\"; host = \"h\"; port = 1; },\n"
	     "{ name = \"a\"; kind = \"tcp\"; host = \"h\"; port = 1; });",
		"error: there is a probe \"a\" already"},
	    {"\nprobes = (\n7);", "error: each probe is a group"},
	    {"\nprobes = { name = \"a\"; };", "error: probes is a list of groups"},
	    {"\nprobes = [ \"a\" ];", "error: each probe is a group"},
	    {SHEET(""),
		":3:3: error: probe \"a\" needs one of credentials and api_key, and "
		"has none"},
	    {SHEET(KEY "api_key = \"env:K\";"), "and has both"},
	    {SHEET("credentials = \"\";"), "and has none"},
	    {SHEET("credentials = \"key.json\";"),
		"credentials of a probe: neither a whole path nor env:NAME in "
		"capitals"},
	    {SHEET("api_key = \"AIza0123456789012345678901234567890abcd\";"),
		"error: api_key of a probe: neither a whole path nor env:NAME"},
	    {SHEET("api_key = \"env:AIzaKey\";"), "neither a whole path"},
	    {SHEET("api_key = \"env:\";"), "neither a whole path"},
	    {SHEET("api_key = \"env:9K\";"), "neither a whole path"},
	    {SHEET(KEY "interval = \"59s\";"),
		"error: probe \"a\": interval of a google-sheet is at least 1min"},
	    {SHEET(KEY "base = \"http://sheets.example\";"),
		"plain http:// and ws:// are allowed to loopback"},
	    {PROBE("\"google-sheet\"; worksheet = \"T\"; sheet = "
		   "\"https://docs.google.com/spreadsheets/d/1a/edit\"; " KEY),
		"a URL or path, and only the id in it is wanted"},
	    {PROBE("\"google-sheet\"; sheet = \"1a\"; " KEY), "needs worksheet: "},
	    {TCP(KEY), "credentials belongs to kind google-sheet"},
	    {JOB(""), "error: job \"j\" needs one of at, every and cron, and has none"},
	    {JOB("at = \"01:00\"; every = 60;"), "and has more than one"},
	    {JOB("at = \"\";"), "and has none"},
	    {JOB("at = \"24:00\";"), "\"24:00\" is no time of day"},
	    {JOB("every = \"1s\";"), "allowed: a duration from 10s to"},
	    {JOB("cron = \"* * *\";"), "too few fields"},
	    {JOB("cron = \"60 * * * *\";"), "minute: \"60\" is none of 0 to 59"},
	    {JOB("at = \"01:00\"; zone = \"Mars/North\";"),
		"error: zone of a job = \"Mars/North\": there is no such time "
		"zone"},
	    {JOB("at = \"01:00\"; zone = \"../../etc/passwd\";"),
		"no name of a time zone"},
	    {JOB("at = \"01:00\"; probe = \"x\";"),
		"error: job \"j\": there is no probe "
		"\"x\""},
	    {JOB("at = \"01:00\"; timeout = 5;"),
		"timeout belongs to action exec or post, and this one is probe"},
	    {POST(""), ":3: error: job \"p\" has nothing to post: give it text"},
	    {POST("text = \"{user}\";"),
		":3: error: job \"p\": text: {user} is no placeholder here; those "
		"are channel bot"},
	    {POST("embed = \"{\\\"title\\\":\\\"{args}\\\"}\";"),
		":3: error: job \"p\": embed: {args} is no placeholder here"},
	    {POST("text = \"x\"; embed = \"[]\";"), "not a JSON object"},
	    {POST("text = \"x\"; ping_roles = [ \"everyone\" ];"), "no id of Discord"},
	    {POST("text = \"x\"; file = \"/nowhere/at/all\";"),
		"/nowhere/at/all cannot be read: No such file"},
	    {POST("text = \"x\"; program = [ \"date\" ];"), "no whole path"},
	    {OTHER("cleanup", ""), ":3: error: job \"o\" needs channels"},
	    {OTHER("cleanup", "channels = [ \"80351110224678912\" ]; text = \"x\";"),
		"text belongs to action post or keepalive-threads"},
	    {OTHER("keepalive-threads", ""),
		":3: error: job \"o\" needs channels or threads"},
	    {COMMAND("reply = \"{usr}\";"),
		"reply of a command = \"{usr}\": {usr} is no placeholder here; those "
		"are user "},
	    {COMMAND("roles = [ \"12\" ];"), "no id of Discord"},
	    {COMMAND("channel = \"80351110224678912\";"),
		"command \"c\": channel belongs to on join, and this one is command"},
	    {COMMAND("on = \"join\"; reply = \"Hi\";"),
		"command \"c\" needs channel: "},
	    {COMMAND(""),
		"gwbot.conf:3: error: command \"c\": needs one of reply, file and "
		"reaction"},
	    {COMMAND("reply = \"a\"; file = \"/etc/hostname\";"),
		"command \"c\": has both reply and file: leave one out"},
	    {COMMAND("file = \"/nowhere/x\";"),
		"file of a command = \"/nowhere/x\": /nowhere/x cannot be read"},
	    {COMMAND("file = \"/\";"), "/ is not a regular file"},
	    {COMMAND(
		 "on = \"join\"; channel = \"80351110224678912\"; reply = \"{args}\";"),
		"command \"c\": {args} is no placeholder here; those are user "},
	    {"\ncommands = (\n{ name = \"status\"; reply = \"x\"; });",
		"command \"status\": gwbotd has a command of that name"},
	    {"bot: { admins = [ \"me\" ]; };",
		"bot.admins = \"me\": no id of Discord; allowed: 0 to 64 ids of"},
	    {"schedule: { timezone = \"Europe/Wien\"; };",
		"error: schedule.timezone = \"Europe/Wien\": there is no such"},
	    {"schedule: { refresh_times = \"2:00\"; };", "\"2:00\" is no time of day"},
	    {"prbes = ();", "unknown setting \"prbes\"; nearest: probes"},
	};
	struct fixture *fixture = *state;

	for (size_t i = 0; i < CASES(cases); i++) {
		fixture_load_text(fixture, cases[i].text);
		if (!fixture_says(fixture, cases[i].message) ||
		    fixture->report.errors != 1) {
			print_message("case: %s\n%s", cases[i].text,
			    (const char *)fixture->messages.data);
			fail();
		}
	}
#undef PROBE
#undef TCP
#undef SHEET
#undef KEY
#undef JOB
#undef POST
#undef OTHER
#undef COMMAND
}

static void
a_list_has_at_most_64_groups(void **state)
{
	struct fixture *fixture = *state;
	struct buf text;

	buf_init(&text, FIXTURE_BYTES);
	for (int count = 64; count <= 65; count++) {
		buf_clear(&text);
		assert_int_equal(buf_printf(&text, "probes = ("), GW_OK);
		for (int i = 0; i < count; i++) {
			assert_int_equal(buf_printf(&text,
					     "%s{ name = \"p%d\"; kind = \"tcp\"; host "
					     "= \"h\"; port = 1; }",
					     i > 0 ? "," : "", i),
			    GW_OK);
		}
		assert_int_equal(buf_append(&text, ");", 3), GW_OK);
		fixture_load_text(fixture, text.data);
		assert_int_equal(fixture->config == NULL, count > 64);
	}
	assert_true(fixture_says(fixture, "probes has 65 groups, 64 are allowed"));
	buf_fini(&text);
}

/* The names of a list's groups, joined by blanks. */
static const char *
names(const struct config_groups *groups, char out[128])
{
	const struct config_rows *rows = config_rows(config_option(CONFIG_ID_probes));

	out[0] = '\0';
	for (size_t i = 0; i < groups->count; i++) {
		(void)snprintf(out + strlen(out), 128 - strlen(out), "%s%s",
		    i > 0 ? " " : "", config_group_name(rows, groups->at[i]));
	}
	return out;
}

#define ONE(name)                                                                   \
	"probes = ({ name = \"" name "\"; kind = \"tcp\"; host = \"h\"; port = 1; " \
	"});\n"

static void
a_drop_in_and_a_section_replace_a_list_as_a_whole(void **state)
{
	static const char *const files[] = {"gwbot.conf", "gwbot.d/a.conf"};
	struct fixture *fixture = *state;
	char path[FIXTURE_ROOM];
	char found[128];

	fixture_path(fixture, "gwbot.d", path);
	assert_int_equal(mkdir(path, 0700), 0);
	fixture_write(fixture, files[0],
	    slice_of(ONE("top") "profiles: { qa: { " ONE(
		"section") "}; "
			   "stage: { probes = (); }; };"));
	fixture->file = files[0];
	fixture->profile = "prod";
	fixture_load(fixture);
	assert_string_equal(names(&fixture->config->probes, found), "top");
	fixture_write(fixture, files[1], slice_of(ONE("drop")));
	fixture_load(fixture);
	assert_string_equal(names(&fixture->config->probes, found), "drop");
	assert_string_equal(config_value_source(fixture->config, CONFIG_ID_probes),
	    "a.conf:1");
	fixture->profile = "qa";
	fixture_load(fixture);
	assert_string_equal(names(&fixture->config->probes, found), "section");
	fixture->profile = "stage";
	fixture_load(fixture);
	assert_string_equal(names(&fixture->config->probes, found), "");
	fixture_remove(fixture, files[0]);
	fixture_remove(fixture, files[1]);
	fixture_remove(fixture, "gwbot.d");
	fixture->file = NULL;
	fixture->profile = NULL;
}

static void
a_printed_configuration_reads_back_as_the_same(void **state)
{
	struct fixture *fixture = *state;
	struct buf text;

	fixture_load_text(fixture, good);
	struct config *first = config_copy(fixture->config);

	buf_init(&text, FIXTURE_BYTES);
	assert_int_equal(config_print(first, true, &text), GW_OK);
	assert_int_equal(buf_append(&text, "", 1), GW_OK);
	assert_non_null(strstr(text.data, "# probes.db.interval: gwbot.conf:3"));
	assert_non_null(strstr(text.data, "# probes.db.timeout: default"));
	fixture_load_text(fixture, text.data);
	assert_non_null(fixture->config);
	for (size_t i = 0; i < config_option_count(); i++) {
		assert_true(config_value_same(first, fixture->config, i));
	}
	config_free(first);
	buf_fini(&text);
}

static void
a_change_inside_of_a_group_is_a_change(void **state)
{
	struct fixture *fixture = *state;
	struct config_changes changes;

	fixture_load_text(fixture, good);
	struct config *before = fixture->config;

	fixture->config = NULL;
	fixture_load_text(fixture, good);
	config_compare(before, fixture->config, &changes);
	assert_int_equal(changes.count, 0);
	config_job(fixture->config, 1)->command.items[0][1] = 'x';
	config_compare(before, fixture->config, &changes);
	assert_int_equal(changes.count, 1);
	assert_int_equal(changes.ids[0], CONFIG_ID_jobs);
	config_free(before);
}

static void
a_list_does_not_fit_on_the_command_line(void **state)
{
	struct fixture *fixture = *state;

	fixture->sets[0] = "probes=db";
	fixture_load(fixture);
	fixture->sets[0] = NULL;
	assert_true(
	    fixture_says(fixture, "a list stands in a file only; allowed: a list"));
}

static void
a_bad_zone_in_the_environment_gives_way_to_the_default(void **state)
{
	struct fixture *fixture = *state;

	fixture->entries[0] = "TIMEZONE=Mars/North";
	fixture->entries[1] = "REFRESH_TIMES=04:30";
	fixture_load(fixture);
	assert_string_equal(fixture_value(fixture, "schedule.timezone"),
	    "UTC (default)");
	assert_string_equal(fixture_value(fixture, "schedule.refresh_times"),
	    "04:30 (env:REFRESH_TIMES)");
	assert_true(fixture_says(fixture, "env:TIMEZONE: warning: "));
	fixture->entries[0] = NULL;
	fixture->entries[1] = NULL;
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
	    TEST(groups_are_read_with_the_defaults_of_their_rows),
	    TEST(every_default_is_one_that_its_row_allows),
	    TEST(each_mistake_in_a_group_is_told_with_its_line_and_cure),
	    TEST(a_secret_in_the_wrong_place_is_not_shown),
	    TEST(a_list_has_at_most_64_groups),
	    TEST(a_drop_in_and_a_section_replace_a_list_as_a_whole),
	    TEST(a_printed_configuration_reads_back_as_the_same),
	    TEST(a_change_inside_of_a_group_is_a_change),
	    TEST(a_list_does_not_fit_on_the_command_line),
	    TEST(a_bad_zone_in_the_environment_gives_way_to_the_default),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
