/* The command table: lookup, arguments, typing errors. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "commands.h"
#include "options.h"

static void
every_row_is_found_by_its_name_and_only_by_it(void **state)
{
	(void)state;
	for (size_t i = 0; i < commands_count(); i++) {
		const struct command *row = commands_at(i);

		assert_ptr_equal(commands_find(row->name), row);
		assert_int_equal(row->id, i);
		assert_true(strlen(row->help) > 10);
	}
	assert_null(commands_find(""));
	assert_null(commands_find("Status"));
	assert_null(commands_find("stat"));
}

static void
the_synopsis_says_how_many_arguments_fit(void **state)
{
	static const struct {
		const char *synopsis;
		size_t min, max;
	} cases[] = {
	    {"", 0, 0},
	    {"[SHARD]", 0, 1},
	    {"LEVEL", 1, 1},
	    {"KEY VALUE [WHY]", 2, 3},
	    {"FAULT [ARG...]", 1, COMMAND_ARGS_ANY},
	    {"[SHARD] [--fresh]", 0, 1},
	    {"[--fresh]", 0, 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		const struct command command = {.synopsis = cases[i].synopsis};
		size_t min;
		size_t max;

		commands_arity(&command, &min, &max);
		assert_int_equal(min, cases[i].min);
		assert_int_equal(max, cases[i].max);
	}
}

static void
flags_are_known_by_their_whole_name(void **state)
{
	const struct command command = {.synopsis = "[SHARD] [--fresh] [--now]"};

	(void)state;
	assert_true(commands_has_flag(&command, "--fresh"));
	assert_true(commands_has_flag(&command, "--now"));
	assert_false(commands_has_flag(&command, "--fres"));
	assert_false(commands_has_flag(&command, "--fresh]"));
	assert_false(commands_has_flag(&command, "fresh"));
	assert_false(commands_has_flag(&command, "SHARD"));
	assert_false(commands_has_flag(&command, "--"));
	assert_false(commands_has_flag(&command, ""));
}

static void
arguments_are_named_after_the_synopsis(void **state)
{
	const struct command command = {.synopsis = "KEY [VALUE...]"};
	char name[16];

	(void)state;
	assert_true(commands_arg_name(&command, 0, name, sizeof name));
	assert_string_equal(name, "key");
	assert_true(commands_arg_name(&command, 1, name, sizeof name));
	assert_string_equal(name, "value");
	assert_false(commands_arg_name(&command, 2, name, sizeof name));
	assert_true(commands_arg_name(&command, 1, name, 3));
	assert_string_equal(name, "va");
}

static void
a_line_fits_one_of_the_forms_or_none(void **state)
{
	static const struct {
		const char *words[4];
		const char *flag;
		bool fits;
	} cases[] = {
	    {{NULL}, NULL, true},
	    {{"set", "stall", "90s"}, NULL, true},
	    {{"set", "stall", "90s"}, "--for", true},
	    {{"set", "stall"}, NULL, false},
	    {{"set", "stall", "90s", "x"}, NULL, false},
	    {{"reset"}, NULL, true},
	    {{"reset", "stall"}, NULL, true},
	    {{"reset", "stall"}, "--for", false},
	    {{"reset", "stall", "90s"}, NULL, false},
	    {{"sett", "stall", "90s"}, NULL, false},
	    {{""}, NULL, false},
	    {{NULL}, "--for", false},
	};
	const struct command command = {
	    .synopsis = "[set KEY VALUE [--for D] | reset [KEY]]"};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct slice words[4];
		size_t count = 0;
		struct slice flag = slice_of(cases[i].flag ? cases[i].flag : "");

		while (count < 4 && cases[i].words[count]) {
			words[count] = slice_of(cases[i].words[count]);
			count++;
		}
		if (commands_fit(&command, words, count, &flag,
			cases[i].flag ? 1 : 0) != cases[i].fits) {
			fail_msg("case %zu", i);
		}
	}
}

static void
only_some_commands_change_something(void **state)
{
	const struct command read = {.access = COMMAND_READ};
	const struct command write = {.access = COMMAND_WRITE};
	const struct command either = {.access = COMMAND_EITHER};
	const struct command client = {.access = COMMAND_CLIENT};

	(void)state;
	assert_false(commands_changes(&read, 1));
	assert_true(commands_changes(&write, 0));
	assert_false(commands_changes(&either, 0));
	assert_true(commands_changes(&either, 1));
	assert_false(commands_changes(&client, 1));
}

/* What gwctl reads behind a flag and what the synopsis promises must be one thing. */
static void
every_flag_of_a_command_is_an_option_of_gwctl(void **state)
{
	static const struct {
		const char *name;
		const char *argument;
	} rows[] = {
#define FLAG_ROW(name, letter, argument, to, help) {"--" name, argument},
	    OPTIONS_FLAGS_TABLE(FLAG_ROW)
#undef FLAG_ROW
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		const struct synopsis_item *item = NULL;
		struct synopsis forms;

		for (size_t j = 0; j < commands_count() && !item; j++) {
			commands_forms(commands_at(j), &forms);
			item = commands_find_flag(&forms, slice_of(rows[i].name));
		}
		if (!item || item->attached != (rows[i].argument[0] == '[') ||
		    (item->value.size > 0) != (rows[i].argument[0] != '\0')) {
			fail_msg("%s", rows[i].name);
		}
	}
	for (size_t i = 0; i < commands_count(); i++) {
		size_t known = 0;
		size_t flags = 0;
		struct synopsis forms;

		commands_forms(commands_at(i), &forms);
		for (size_t j = 0; j < forms.forms[0].count; j++) {
			flags += forms.forms[0].items[j].kind == SYNOPSIS_FLAG ? 1 : 0;
		}
		for (size_t j = 0; j < sizeof rows / sizeof rows[0]; j++) {
			struct slice name = slice_of(rows[j].name);
			const struct synopsis one = {.count = 1,
			    .forms = {forms.forms[0]}};

			known += commands_find_flag(&one, name) ? 1 : 0;
		}
		assert_int_equal(known, flags);
	}
}

static void
typing_errors_lead_to_the_nearest_name(void **state)
{
	static const struct {
		const char *typed;
		const char *first; /* NULL: nothing is near */
	} cases[] = {
	    {"staus", "status"},
	    {"sattus", "status"},
	    {"stat", "status"},
	    {"rebot", "reboot"},
	    {"threshold", "thresholds"},
	    {"snapshto", "snapshot"},
	    {"xyzzy", NULL},
	    {"", NULL},
	    {"s", NULL},
	    {"statusstatusstatusstatusstatus", NULL},
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		const char *near[3] = {NULL, NULL, NULL};
		size_t count = commands_nearest(cases[i].typed, near, 3);

		if ((count > 0) != (cases[i].first != NULL) ||
		    (count > 0 && strcmp(near[0], cases[i].first) != 0)) {
			fail_msg("%s: %zu, %s", cases[i].typed, count,
			    count > 0 ? near[0] : "-");
		}
	}
}

static void
the_explanation_never_passes_its_room(void **state)
{
	char text[32];

	(void)state;
	commands_explain_unknown("staus", text, sizeof text);
	assert_string_equal(text, "no command \"staus\"; nearest: st");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_row_is_found_by_its_name_and_only_by_it),
	    cmocka_unit_test(the_synopsis_says_how_many_arguments_fit),
	    cmocka_unit_test(flags_are_known_by_their_whole_name),
	    cmocka_unit_test(arguments_are_named_after_the_synopsis),
	    cmocka_unit_test(a_line_fits_one_of_the_forms_or_none),
	    cmocka_unit_test(only_some_commands_change_something),
	    cmocka_unit_test(every_flag_of_a_command_is_an_option_of_gwctl),
	    cmocka_unit_test(typing_errors_lead_to_the_nearest_name),
	    cmocka_unit_test(the_explanation_never_passes_its_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
