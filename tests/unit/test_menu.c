/* The list of slash commands: as Discord wants it, and what counts as a difference. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "json.h"
#include "menu.h"

static const struct bot_menu_entry entries[] = {
    {.name = "ping", .help = "is it there?"},
    {.name = "rules", .help = "", .takes_text = true},
};

/* As Discord answers: other order, its own ids, and members nobody asked for. */
#define PING                                                                     \
	"{\"id\":\"1\",\"application_id\":\"2\",\"version\":\"3\","              \
	"\"name\":\"ping\",\"name_localizations\":null,\"description\":\"is it " \
	"there?\",\"description_localizations\":null,\"dm_permission\":true,"    \
	"\"contexts\":null,\"integration_types\":[0]"
#define RULES                                                                    \
	"{\"id\":\"4\",\"application_id\":\"2\",\"version\":\"5\",\"type\":1,"   \
	"\"name\":\"rules\",\"description\":\"rules\",\"options\":[{\"type\":3," \
	"\"name\":\"text\",\"description\":\"what the command is about\","       \
	"\"max_length\":2000}]"

static enum menu_verdict
compare(const char *registered)
{
	return menu_compare(entries, 2, slice_of(registered));
}

static void
what_is_written_is_what_discord_wants(void **state)
{
	struct buf out;
	struct json *list = NULL;

	(void)state;
	buf_init(&out, 4096);
	assert_int_equal(menu_write(entries, 2, &out), GW_OK);
	assert_int_equal(menu_compare(entries, 2, buf_slice(&out)), MENU_SAME);
	assert_int_equal(json_parse(buf_slice(&out), 4096, &list), GW_OK);
	const struct json *ping = json_at(list, 0);
	const struct json *rules = json_at(list, 1);
	const struct json *option = json_at(json_get(rules, "options"), 0);

	assert_string_equal(json_text(json_get(ping, "name")), "ping");
	assert_string_equal(json_text(json_get(ping, "description")), "is it there?");
	assert_int_equal(json_count(json_get(ping, "options")), 0);
	assert_int_equal(json_kind(json_get(ping, "default_member_permissions")),
	    JSON_NULL);
	/* A description must not be empty. */
	assert_string_equal(json_text(json_get(rules, "description")), "rules");
	assert_string_equal(json_text(json_get(option, "name")), "text");
	assert_int_equal(json_int_or(json_get(option, "type"), 0), 3);
	assert_false(json_is_true(json_get(option, "required")));
	json_free(list);

	buf_clear(&out);
	assert_int_equal(menu_write(NULL, 0, &out), GW_OK);
	assert_true(slice_equal(buf_slice(&out), SLICE_LITERAL("[]")));
	buf_fini(&out);
}

static void
a_description_is_kept_as_discord_keeps_it(void **state)
{
	char help[400] = "  ";
	const struct bot_menu_entry entry = {.name = "long", .help = help};
	const struct bot_menu_entry blank = {.name = "blank", .help = " \n "};
	struct buf out;
	struct json *list = NULL;

	(void)state;
	for (size_t i = 0; i < 120; i++) {
		help[2 + 2 * i] = '\xc3'; /* characters of 2 bytes */
		help[3 + 2 * i] = '\xa4';
	}
	buf_init(&out, 4096);
	assert_int_equal(menu_write(&entry, 1, &out), GW_OK);
	assert_int_equal(json_parse(buf_slice(&out), 4096, &list), GW_OK);
	assert_int_equal(strlen(json_text(json_get(json_at(list, 0), "description"))),
	    200);
	assert_int_equal(menu_compare(&entry, 1, buf_slice(&out)), MENU_SAME);
	json_free(list);

	buf_clear(&out);
	assert_int_equal(menu_write(&blank, 1, &out), GW_OK);
	assert_int_equal(json_parse(buf_slice(&out), 4096, &list), GW_OK);
	assert_string_equal(json_text(json_get(json_at(list, 0), "description")),
	    "blank");
	json_free(list);
	buf_fini(&out);
}

static void
what_discord_adds_is_no_difference(void **state)
{
	(void)state;
	assert_int_equal(compare("[" RULES "}," PING "}]"), MENU_SAME);
	assert_int_equal(compare("[" PING ",\"type\":1,\"options\":[],\"nsfw\":false,"
				 "\"default_member_permissions\":null}," RULES "}]"),
	    MENU_SAME);
	assert_int_equal(menu_compare(NULL, 0, SLICE_LITERAL("[]")), MENU_SAME);
}

static void
each_of_these_is_a_difference(void **state)
{
	static const char *const lists[] = {
	    "[]",
	    "[" PING "}]",
	    "[" PING "}," PING "}]",
	    "[" PING "}," RULES "},{\"name\":\"more\",\"description\":\"x\"}]",
	    "[" PING ",\"default_member_permissions\":\"0\"}," RULES "}]",
	    "[" PING ",\"nsfw\":true}," RULES "}]",
	    "[" PING ",\"type\":2}," RULES "}]",
	    "[" PING ",\"options\":[{\"type\":3,\"name\":\"text\"}]}," RULES "}]",
	    "[" PING "},{\"name\":\"rules\",\"description\":\"rules\"}]",
	    "[" PING "},{\"name\":\"rules\",\"description\":\"other\",\"options\":[{"
	    "\"type\":3,\"name\":\"text\",\"description\":\"what the command is "
	    "about\",\"max_length\":2000}]}]",
	    "[" PING "},{\"name\":\"rules\",\"description\":\"rules\",\"options\":[{"
	    "\"type\":3,\"name\":\"text\",\"description\":\"what the command is "
	    "about\",\"max_length\":2000,\"required\":true}]}]",
	    "[" PING "},{\"name\":\"rules\",\"description\":\"rules\",\"options\":[{"
	    "\"type\":3,\"name\":\"text\",\"description\":\"what the command is "
	    "about\"}]}]",
	};

	(void)state;
	for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++) {
		print_message("%s\n", lists[i]);
		assert_int_equal(compare(lists[i]), MENU_DIFFERS);
	}
	assert_int_equal(menu_compare(NULL, 0, slice_of("[" PING "}]")), MENU_DIFFERS);
}

static void
a_list_that_shares_one_with_ours_was_ours(void **state)
{
	(void)state;
	assert_true(menu_shares(entries, 2,
	    slice_of("[" PING "},{\"name\":\"more\",\"description\":\"x\"}]")));
	/* another program's, of the same name */
	assert_false(menu_shares(entries, 2,
	    slice_of("[{\"name\":\"ping\",\"description\":\"x\"}]")));
	assert_false(menu_shares(entries, 2, slice_of("[]")));
	assert_false(menu_shares(entries, 2, slice_of("{\"name\":")));
}

static void
what_is_no_list_of_commands_is_not_taken_for_one(void **state)
{
	(void)state;
	assert_int_equal(compare(""), MENU_UNREADABLE);
	assert_int_equal(compare("{}"), MENU_UNREADABLE);
	assert_int_equal(compare("[1]"), MENU_UNREADABLE);
	assert_int_equal(compare("[" PING "}"), MENU_UNREADABLE);
	assert_int_equal(compare("<html>"), MENU_UNREADABLE);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(what_is_written_is_what_discord_wants),
	    cmocka_unit_test(a_description_is_kept_as_discord_keeps_it),
	    cmocka_unit_test(what_discord_adds_is_no_difference),
	    cmocka_unit_test(each_of_these_is_a_difference),
	    cmocka_unit_test(a_list_that_shares_one_with_ours_was_ours),
	    cmocka_unit_test(what_is_no_list_of_commands_is_not_taken_for_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
