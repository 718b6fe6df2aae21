/* What can follow on a line of the prompt. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "commands.h"
#include "complete.h"
#include "shell.h"

#define TEXT_ROOM 8192

/* A daemon with two shards. */
static void
two_shards(void *context, const char *command, const char *value,
    struct complete_list *list)
{
	(void)command;
	++*(size_t *)context;
	if (strcmp(value, "SHARD") == 0) {
		complete_add(list, "0", "ready");
		complete_add(list, "1", "backoff");
	}
}

/* All candidates in one line; what is only a name stands in brackets. */
static void
assert_list(const char *line, complete_live live, const char *expected)
{
	struct slice rest = slice_of(line);
	struct complete_list list;
	struct words words;
	struct buf out;
	size_t asked = 0;

	words_init(&words);
	buf_init(&out, TEXT_ROOM);
	assert_int_equal(words_take(&words, &rest), GW_OK);
	complete_words(&words, live, &asked, &list);
	for (size_t i = 0; i < list.count; i++) {
		const struct complete_entry *entry = &list.entries[i];

		(void)buf_printf(&out, entry->typed ? "%s " : "<%s> ", entry->text);
	}
	assert_int_equal(buf_append(&out, "", 1), GW_OK);
	assert_string_equal(out.data, expected);
	buf_fini(&out);
	complete_fini(&list);
	words_fini(&words);
}

/* What TAB makes of the line. */
static void
assert_tab(const char *line, size_t offers, const char *expected)
{
	struct slice rest = slice_of(line);
	char common[COMPLETE_TEXT_BYTES];
	struct complete_list list;
	struct words words;
	size_t asked = 0;

	words_init(&words);
	assert_int_equal(words_take(&words, &rest), GW_OK);
	complete_words(&words, two_shards, &asked, &list);
	assert_int_equal(complete_common(&list, common, sizeof common), offers);
	assert_string_equal(common, expected);
	complete_fini(&list);
	words_fini(&words);
}

static void
the_first_word_is_a_command_or_a_word_of_the_prompt(void **state)
{
	(void)state;
	assert_list("reb", NULL, "reboot ");
	assert_list("vers", NULL, "version ");
	assert_list("qui", NULL, "quit ");
	assert_list("--json vers", NULL, "version ");
	assert_list("-s /x vers", NULL, "version ");
	assert_list("nothing", NULL, "");
	assert_list("nothing ", NULL, "");
	assert_list("# vers", NULL, "");
}

static void
every_command_and_word_is_offered_once(void **state)
{
	struct slice rest = slice_of("");
	struct complete_list list;
	struct words words;
	size_t own = 0;

	(void)state;
	words_init(&words);
	assert_int_equal(words_take(&words, &rest), GW_OK);
	complete_words(&words, NULL, NULL, &list);
	for (size_t i = 0; i < commands_count(); i++) {
		assert_non_null(complete_help(&list, commands_at(i)->name));
	}
	for (size_t i = 0; shell_at(i); i++) {
		assert_non_null(complete_help(&list, shell_at(i)->name));
		own += commands_find(shell_at(i)->name) ? 0 : 1;
	}
	assert_int_equal(list.count, commands_count() + own);
	complete_fini(&list);
	words_fini(&words);
}

static void
values_are_asked_for_and_named_where_nobody_answers(void **state)
{
	(void)state;
	assert_list("reconnect ", two_shards, "0 1 --fresh --wait ");
	assert_list("reconnect 1", two_shards, "1 ");
	assert_list("reconnect ", NULL, "<SHARD> --fresh --wait ");
	assert_list("reconnect 1 ", two_shards, "--fresh --wait ");
	assert_list("reconnect --fresh ", two_shards, "0 1 --wait ");
	assert_list("config log.l", NULL, "log.level ");
	assert_list("-s ", NULL, "<PATH> ");
	assert_list("--socket ", NULL, "<PATH> ");
	assert_list("status --timeout ", NULL, "<DURATION> ");
}

static void
flags_follow_a_dash(void **state)
{
	(void)state;
	assert_list("reconnect --f", two_shards, "--fresh ");
	assert_list("status --w", two_shards, "--watch ");
	assert_list("--color al", NULL, "always ");
	assert_list("--js", NULL, "--json ");
}

static void
help_and_watch_lead_to_commands(void **state)
{
	(void)state;
	assert_list("help thr", NULL, "thresholds ");
	assert_list("watch thr", NULL, "thresholds ");
	assert_list("watch rel", NULL, ""); /* it changes something */
	assert_list("watch latency ", two_shards, "0 1 ");
	assert_list("ls 1", two_shards, "1 ");
}

static void
tab_puts_no_flag_where_another_word_could_stand(void **state)
{
	(void)state;
	assert_tab("reconnect ", 2, "");
	assert_tab("reconnect 0 ", 2, "--");
	assert_tab("reconnect 0 --wait ", 1, "--fresh");
	assert_tab("reconnect --f", 1, "--fresh");
	assert_tab("config watchdog.", 4, "watchdog.");
	assert_tab("config watchdog.st", 1, "watchdog.stall");
	assert_tab("nothing", 0, "");
}

static void
a_thousand_shards_have_room_and_no_more(void **state)
{
	struct complete_list list = {.prefix = ""};
	char text[16];

	(void)state;
	for (int i = 0; i <= COMPLETE_MAX; i++) {
		(void)snprintf(text, sizeof text, "%d", i);
		complete_add(&list, text, "");
	}
	assert_int_equal(list.count, COMPLETE_MAX);
	complete_fini(&list);
	assert_int_equal(list.count, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_first_word_is_a_command_or_a_word_of_the_prompt),
	    cmocka_unit_test(every_command_and_word_is_offered_once),
	    cmocka_unit_test(values_are_asked_for_and_named_where_nobody_answers),
	    cmocka_unit_test(flags_follow_a_dash),
	    cmocka_unit_test(help_and_watch_lead_to_commands),
	    cmocka_unit_test(tab_puts_no_flag_where_another_word_could_stand),
	    cmocka_unit_test(a_thousand_shards_have_room_and_no_more),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
