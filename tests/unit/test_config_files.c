/* The files of the configuration: the drop-ins beside the main one, and their order. */
#include "config_fixture.h"

static int
setup(void **state)
{
	static struct fixture fixture;
	char path[FIXTURE_ROOM];

	fixture_init(&fixture);
	fixture_path(&fixture, "gwbot.d", path);
	assert_int_equal(mkdir(path, 0755), 0);
	*state = &fixture;
	return 0;
}

static int
teardown(void **state)
{
	fixture_remove(*state, "gwbot.d");
	fixture_fini(*state);
	return 0;
}

/* Two drop-ins, and what load_pair() wrote is gone. */
static void
load_pair(struct fixture *fixture, const char *text, const char *first,
    const char *second)
{
	fixture_write(fixture, "gwbot.d/10-a.conf", slice_of(first));
	fixture_write(fixture, "gwbot.d/9-b.conf", slice_of(second));
	fixture_load_text(fixture, text);
	fixture_remove(fixture, "gwbot.d/10-a.conf");
	fixture_remove(fixture, "gwbot.d/9-b.conf");
}

static void
drop_ins_go_over_the_file_in_the_order_of_their_names(void **state)
{
	struct fixture *fixture = *state;
	char expected[FIXTURE_ROOM];

	load_pair(fixture,
	    "bot: { name = \"main\"; };\n"
	    "http: { port = 1; listen = [\"::1\", \"127.0.0.1\"]; };\n",
	    "# 10 sorts before 9: names, not numbers\n"
	    "http: { port = 2;\n listen = \"::\"; };\n",
	    "http: { port = 3; };\n");
	assert_int_equal(fixture->report.count, 0);
	assert_string_equal(fixture_value(fixture, "http.port"), "3 (9-b.conf:1)");
	/* A group is merged key by key, a list replaced as a whole. */
	assert_string_equal(fixture_value(fixture, "http.listen"), ":: (10-a.conf:3)");
	assert_string_equal(fixture_value(fixture, "bot.name"), "main (gwbot.conf:1)");
	assert_int_equal(fixture->config->files.count, 3);
	fixture_path(fixture, "gwbot.conf", expected);
	assert_string_equal(fixture->config->files.items[0], expected);
	fixture_path(fixture, "gwbot.d/9-b.conf", expected);
	assert_string_equal(fixture->config->files.items[2], expected);
}

static void
sections_of_the_profile_go_over_all_top_levels(void **state)
{
	struct fixture *fixture = *state;

	fixture->profile = "qa";
	load_pair(fixture,
	    "http: { port = 1; };\n"
	    "profiles: { qa: { http: { port = 4; }; loop: { limit = 40; }; }; };\n",
	    "http: { port = 2; };\n", "profiles: { qa: { loop: { limit = 41; }; }; };");
	assert_string_equal(fixture_value(fixture, "http.port"), "4 (gwbot.conf:2)");
	assert_string_equal(fixture_value(fixture, "loop.limit"), "41s (9-b.conf:1)");
	/* Who wrote the drop-in is told that it does nothing. */
	assert_int_equal(fixture->report.count, 1);
	assert_true(fixture_says(fixture, "gwbot.conf:2"));
	assert_true(fixture_says(fixture,
	    "warning: http.port at 10-a.conf:1 has no effect: this section of the "
	    "profile goes over it"));
	fixture->profile = NULL;
}

static void
a_drop_in_may_choose_the_profile(void **state)
{
	struct fixture *fixture = *state;

	load_pair(fixture, "profile = \"prod\";", "profile = \"qa\";", "");
	assert_string_equal(fixture_value(fixture, "profile"), "qa (10-a.conf:1)");
	assert_string_equal(fixture_value(fixture, "watchdog.keepalive"),
	    "1min (profile:qa)");
}

static void
all_mistakes_of_all_files_are_told_at_once(void **state)
{
	struct fixture *fixture = *state;

	load_pair(fixture, "http: { prot = 1; };", "watchdog: {\n stall = 90s; };",
	    "bot: { name = ; };");
	assert_int_equal(fixture->report.errors, 3);
	assert_true(fixture_says(fixture, "/gwbot.conf:1"));
	assert_true(fixture_says(fixture, "/gwbot.d/10-a.conf:2"));
	assert_true(fixture_says(fixture, "/gwbot.d/9-b.conf:1"));
	/* A file that cannot be parsed at all hides nothing of the others. */
	load_pair(fixture, "a = \"x\n", "http: { prot = 1; };", "");
	assert_int_equal(fixture->report.errors, 2);
}

static void
messages_stand_in_the_order_of_their_places(void **state)
{
	struct fixture *fixture = *state;
	static const char *const order[] = {"/gwbot.conf:1:1", "/gwbot.conf:2:9",
	    "/gwbot.conf:2:16", "/gwbot.conf:2:16", "/gwbot.conf:3:16",
	    "/gwbot.d/10-a.conf:1:1", "/gwbot.d/10-a.conf:2:9",
	    "/gwbot.d/10-a.conf:2:9"};

	/* Slips are found before settings are looked at, and drop-ins read before. */
	load_pair(fixture, "a = 1;\nhttp: { b = 1; c 2; };\nlog: { level = info; };\n",
	    "d = 1;\nloop: { e 5; };\n", "");
	assert_int_equal(fixture->report.count, sizeof order / sizeof order[0]);
	for (size_t i = 0; i < fixture->report.count; i++) {
		const char *where = fixture->report.messages[i].where;

		assert_string_equal(where + strlen(fixture->folder), order[i]);
	}
}

static void
other_names_are_passed_over(void **state)
{
	static const char *const names[] = {"gwbot.d/a.conf~", "gwbot.d/.hidden.conf",
	    "gwbot.d/README", "gwbot.d/.conf", "gwbot.d/x.conf.dpkg-old"};
	struct fixture *fixture = *state;

	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		fixture_write(fixture, names[i], slice_of("nonsense"));
	}
	fixture_load_text(fixture, "");
	assert_int_equal(fixture->report.count, 0);
	assert_int_equal(fixture->config->files.count, 1);
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		fixture_remove(fixture, names[i]);
	}
}

static void
drop_ins_of_another_name_belong_to_that_file(void **state)
{
	struct fixture *fixture = *state;
	char path[FIXTURE_ROOM];

	fixture_path(fixture, "other.d", path);
	assert_int_equal(mkdir(path, 0755), 0);
	fixture_write(fixture, "other", slice_of(""));
	fixture_write(fixture, "other.d/x.conf", slice_of("http: { port = 5; };"));
	fixture_write(fixture, "gwbot.d/x.conf", slice_of("http: { port = 6; };"));
	fixture->file = "other";
	fixture_load(fixture);
	assert_string_equal(fixture_value(fixture, "http.port"), "5 (x.conf:1)");
	fixture->file = NULL;
	fixture_remove(fixture, "other");
	fixture_remove(fixture, "other.d/x.conf");
	fixture_remove(fixture, "gwbot.d/x.conf");
	fixture_remove(fixture, "other.d");
}

static void
a_drop_in_may_include_a_file_beside_it(void **state)
{
	struct fixture *fixture = *state;

	fixture_write(fixture, "gwbot.d/part", slice_of("\nport = 7;\n"));
	load_pair(fixture, "", "http: {\n@include \"part\"\n};", "");
	assert_string_equal(fixture_value(fixture, "http.port"), "7 (part:2)");
	fixture_remove(fixture, "gwbot.d/part");
}

static void
what_is_no_readable_file_is_an_error(void **state)
{
	struct fixture *fixture = *state;
	char path[FIXTURE_ROOM];

	fixture_path(fixture, "gwbot.d/fifo.conf", path);
	assert_int_equal(mkfifo(path, 0644), 0);
	fixture_load_text(fixture, "");
	assert_true(
	    fixture_says(fixture, "gwbot.d/fifo.conf: error: is not a regular file"));
	fixture_remove(fixture, "gwbot.d/fifo.conf");
	fixture_path(fixture, "gwbot.d/gone.conf", path);
	assert_int_equal(symlink("/nonexistent", path), 0);
	fixture_load_text(fixture, "");
	assert_true(
	    fixture_says(fixture, "gwbot.d/gone.conf: error: there is no such file"));
	fixture_remove(fixture, "gwbot.d/gone.conf");
}

static void
drop_ins_are_bounded_in_number(void **state)
{
	struct fixture *fixture = *state;
	char name[FIXTURE_ROOM];

	for (int i = 0; i < 64; i++) {
		(void)snprintf(name, sizeof name, "gwbot.d/%02d.conf", i);
		fixture_write(fixture, name, slice_of(""));
	}
	fixture_load_text(fixture, "");
	assert_true(
	    fixture_says(fixture, "gwbot.d: error: holds 64 files, 63 are allowed"));
	fixture_remove(fixture, name);
	fixture_load_text(fixture, "");
	assert_int_equal(fixture->report.count, 0);
	assert_int_equal(fixture->config->files.count, 64);
	for (int i = 0; i < 63; i++) {
		(void)snprintf(name, sizeof name, "gwbot.d/%02d.conf", i);
		fixture_remove(fixture, name);
	}
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
	    TEST(drop_ins_go_over_the_file_in_the_order_of_their_names),
	    TEST(sections_of_the_profile_go_over_all_top_levels),
	    TEST(a_drop_in_may_choose_the_profile),
	    TEST(all_mistakes_of_all_files_are_told_at_once),
	    TEST(messages_stand_in_the_order_of_their_places),
	    TEST(other_names_are_passed_over),
	    TEST(drop_ins_of_another_name_belong_to_that_file),
	    TEST(a_drop_in_may_include_a_file_beside_it),
	    TEST(what_is_no_readable_file_is_an_error),
	    TEST(drop_ins_are_bounded_in_number),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
