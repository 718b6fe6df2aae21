/* What a name means: each kind from its table, and numbers that mean several things. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "commands.h"
#include "config.h"
#include "exits.h"
#include "explain.h"
#include "metrics.h"

static struct json *answer;

static int
forget(void **state)
{
	(void)state;
	json_free(answer);
	answer = NULL;
	return 0;
}

/* False where nothing is called so: then the answer has nothing either. */
static bool
explain(const char *name)
{
	(void)forget(NULL);
	answer = json_new_object();
	bool found = explain_name(name, answer);

	assert_int_equal(json_count(answer), found ? 6 : 0);
	return found;
}

static size_t
count(const char *member)
{
	return json_count(json_get(answer, member));
}

static const char *
first(const char *member, const char *name)
{
	return json_text(json_get(json_first(json_get(answer, member)), name));
}

static void
expect_counts(const char *name, size_t options, size_t metrics, size_t exits,
    size_t codes, size_t commands)
{
	bool any = options + metrics + exits + codes + commands > 0;

	if (explain(name) != any || count("options") != options ||
	    count("metrics") != metrics || count("exits") != exits ||
	    count("close_codes") != codes || count("commands") != commands) {
		fail_msg("%s: %zu options, %zu metrics, %zu exits, %zu codes, %zu "
			 "commands",
		    name, count("options"), count("metrics"), count("exits"),
		    count("close_codes"), count("commands"));
	}
}

static void
every_row_of_every_table_is_explained_by_its_name(void **state)
{
	char number[16];

	(void)state;
	for (size_t i = 0; i < config_option_count(); i++) {
		const struct config_option *option = config_option(i);

		assert_true(explain(option->path));
		assert_string_equal(first("options", "path"), option->path);
		assert_string_equal(first("options", "help"), option->help);
		if (option->env[0]) {
			assert_true(explain(option->env));
			assert_string_equal(first("options", "path"), option->path);
		}
	}
	for (size_t i = 0; i < metrics_count(); i++) {
		assert_true(explain(metrics_at(i)->name));
		assert_string_equal(first("metrics", "help"), metrics_at(i)->help);
	}
	for (size_t i = 0; i < commands_count(); i++) {
		assert_true(explain(commands_at(i)->name));
		assert_string_equal(first("commands", "help"), commands_at(i)->help);
	}
	for (size_t i = 0; i < exits_count(); i++) {
		(void)snprintf(number, sizeof number, "%d", exits_at(i)->status);
		assert_true(explain(number));
		assert_true(count("exits") >= 1);
	}
}

static void
a_number_is_all_that_it_may_be(void **state)
{
	(void)state;
	expect_counts("1", 0, 0, 2, 0, 0);
	expect_counts("77", 0, 0, 1, 0, 0);
	expect_counts("4004", 0, 0, 0, 1, 0);
	expect_counts("1006", 0, 0, 0, 1, 0);
	expect_counts("999", 0, 0, 0, 0, 0);
	expect_counts("1000", 0, 0, 0, 1, 0);
	expect_counts("4999", 0, 0, 0, 1, 0);
	expect_counts("5000", 0, 0, 0, 0, 0);
	expect_counts("-1", 0, 0, 0, 0, 0);
	expect_counts("1 ", 0, 0, 0, 0, 0);
	expect_counts("18446744073709551617", 0, 0, 0, 0, 0);
}

static void
words_in_front_of_a_number_make_it_certain(void **state)
{
	(void)state;
	expect_counts("exit 1", 0, 0, 2, 0, 0);
	expect_counts("gwbotd 1", 0, 0, 1, 0, 0);
	assert_string_equal(first("exits", "program"), "gwbotd");
	expect_counts("gwctl exit 1", 0, 0, 1, 0, 0);
	assert_string_equal(first("exits", "program"), "gwctl");
	expect_counts("Exit Status 78", 0, 0, 1, 0, 0);
	expect_counts("close code 4004", 0, 0, 0, 1, 0);
	expect_counts("exit 4004", 0, 0, 0, 0, 0);
	expect_counts("close 1", 0, 0, 0, 0, 0);
	expect_counts("exit", 0, 0, 0, 0, 0);
	expect_counts("exit exit", 0, 0, 0, 0, 0);
}

static void
a_close_code_says_what_gwbotd_does(void **state)
{
	static const struct {
		const char *code;
		const char *cure;
		bool remedy;
	} cases[] = {
	    {"1000", "resume_once", false},
	    {"1006", "resume", false},
	    {"4004", "stop", true},
	    {"4009", "identify", false},
	    {"4242", "resume", false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		assert_true(explain(cases[i].code));
		assert_string_equal(first("close_codes", "cure"), cases[i].cure);
		assert_non_null(first("close_codes", "does"));
		assert_int_equal(first("close_codes", "remedy") != NULL,
		    cases[i].remedy);
	}
}

static void
groups_globs_and_variables_in_any_case_name_options(void **state)
{
	(void)state;
	assert_true(explain("watchdog"));
	assert_int_equal(count("options"), 4);
	assert_true(explain("gwbotd_shard_*"));
	assert_true(count("metrics") > 10);
	assert_true(explain("watchdog_check_sec"));
	assert_string_equal(first("options", "path"), "watchdog.keepalive");
	assert_string_equal(first("options", "environment_deprecated"),
	    "WATCHDOG_CHECK_SEC");
	assert_true(explain("watchdog.stall"));
	assert_string_equal(first("options", "default"), "1110s");
	assert_string_equal(first("options", "default_other"), "210s");
	assert_string_equal(first("options", "acts"), "now");
}

static void
a_slip_of_the_finger_is_told_what_is_near(void **state)
{
	static const struct {
		const char *name;
		const char *text;
	} cases[] = {
	    {"watchdog.stal",
		"nothing is called \"watchdog.stal\"; nearest: watchdog.stall"},
	    {"stall", "nothing is called \"stall\"; nearest: watchdog.stall"},
	    {"KEEPALIVE_INTERVAL",
		"nothing is called \"KEEPALIVE_INTERVAL\"; nearest: "
		"KEEPALIVE_INTERVAL_SEC"},
	    {"gwbotd_shards_up",
		"nothing is called \"gwbotd_shards_up\"; nearest: gwbotd_shard_up"},
	    {"staus", "nothing is called \"staus\"; nearest: status"},
	    {"99", "nothing is called \"99\""},
	    {"", "nothing is called \"\""},
	    {"qqqqqqqqqqqqqqqq", "nothing is called \"qqqqqqqqqqqqqqqq\""},
	};
	char text[320];

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		assert_false(explain(cases[i].name));
		explain_unknown(cases[i].name, text, sizeof text);
		assert_string_equal(text, cases[i].text);
	}
}

static void
hostile_names_are_shown_without_their_controls(void **state)
{
	char text[320];
	char name[EXPLAIN_NAME_MAX];

	(void)state;
	explain_unknown("\033[31mx\r\n", text, sizeof text);
	assert_null(strpbrk(text, "\033\r\n"));
	memset(name, '[', sizeof name - 1);
	name[sizeof name - 1] = '\0';
	assert_false(explain(name));
	explain_unknown(name, text, sizeof text);
	assert_true(strlen(text) < sizeof text - 1);
	assert_false(explain("exit exit exit exit close code gwctl gwbotd 1"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_teardown(every_row_of_every_table_is_explained_by_its_name,
		forget),
	    cmocka_unit_test_teardown(a_number_is_all_that_it_may_be, forget),
	    cmocka_unit_test_teardown(words_in_front_of_a_number_make_it_certain,
		forget),
	    cmocka_unit_test_teardown(a_close_code_says_what_gwbotd_does, forget),
	    cmocka_unit_test_teardown(
		groups_globs_and_variables_in_any_case_name_options, forget),
	    cmocka_unit_test_teardown(a_slip_of_the_finger_is_told_what_is_near,
		forget),
	    cmocka_unit_test_teardown(hostile_names_are_shown_without_their_controls,
		forget),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
