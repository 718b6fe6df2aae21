/* INTERACTION_CREATE: what is read of it, what is too old, what came before. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "incoming_interaction.h"
#include "menu.h"

#define HEAD                                                                        \
	"{\"id\":\"846462639134605312\",\"application_id\":\"845027738276462632\"," \
	"\"type\":2,\"token\":\"A_unique-token.~=:\",\"version\":1,"                \
	"\"channel_id\":\"772908445358620702\","
#define COMMAND                                                                  \
	"\"data\":{\"id\":\"846424052569620501\",\"name\":\"rules\",\"type\":1," \
	"\"options\":[{\"name\":\"other\",\"type\":3,\"value\":\"no\"},"         \
	"{\"name\":\"text\",\"type\":3,\"value\":\"a \\\"b\\\" \\ud83c\\udfd3\"}]}"
#define USER                                                             \
	"\"user\":{\"id\":\"53908232506183680\",\"username\":\"mason\"," \
	"\"global_name\":null}"
#define MEMBER                                                                 \
	"\"guild_id\":\"772904309264089089\",\"member\":{" USER                \
	",\"nick\":\"Mason\",\"roles\":[\"539082325061836999\",\"1\",7,null]," \
	"\"permissions\":\"2147483656\"}"

static struct incoming_interaction what;

static bool
read_it(const char *text)
{
	return incoming_interaction_read(slice_of(text), &what);
}

static void
a_member_of_a_server_uses_a_command(void **state)
{
	(void)state;
	assert_true(read_it(HEAD MEMBER "," COMMAND "}"));
	assert_true(what.id == UINT64_C(846462639134605312));
	assert_true(what.application == UINT64_C(845027738276462632));
	assert_true(what.guild == UINT64_C(772904309264089089));
	assert_true(what.channel == UINT64_C(772908445358620702));
	assert_true(what.user == UINT64_C(53908232506183680));
	assert_string_equal(what.user_name, "Mason");
	assert_string_equal(what.token, "A_unique-token.~=:");
	assert_string_equal(what.name, "rules");
	assert_string_equal(what.text, "a \"b\" \xf0\x9f\x8f\x93");
	assert_int_equal(what.role_count, 3);
	assert_true(what.roles[0] == UINT64_C(539082325061836999));
	assert_true(what.administrator); /* bit 3 */
}

static void
in_a_direct_message_there_is_no_member(void **state)
{
	(void)state;
	assert_true(read_it(HEAD USER "," COMMAND "}"));
	assert_true(what.guild == 0);
	assert_true(what.user == UINT64_C(53908232506183680));
	assert_string_equal(what.user_name, "mason");
	assert_int_equal(what.role_count, 0);
	assert_false(what.administrator);
}

static void
rights_count_in_servers_only_and_bit_by_bit(void **state)
{
	(void)state;
	assert_true(read_it(HEAD "\"guild_id\":\"7\",\"member\":{" USER
				 ",\"permissions\":\"2147483647\"}}"));
	assert_true(what.administrator);
	assert_true(read_it(HEAD "\"guild_id\":\"7\",\"member\":{" USER
				 ",\"permissions\":\"2147483639\"}}"));
	assert_false(what.administrator);
	assert_true(read_it(HEAD "\"guild_id\":\"7\",\"member\":{" USER
				 ",\"permissions\":\"99999999999999999999\"}}"));
	assert_false(what.administrator); /* not a number of 64 bits */
	assert_true(read_it(HEAD "\"member\":{" USER ",\"permissions\":\"8\"}}"));
	assert_false(what.administrator);
}

static void
what_is_no_slash_command_has_no_name(void **state)
{
	(void)state;
	/* a message's menu */
	assert_true(read_it(HEAD USER ",\"data\":{\"name\":\"ping\",\"type\":3}}"));
	assert_string_equal(what.name, "");
	assert_true(read_it(HEAD USER "}"));
	assert_string_equal(what.name, "");
	/* an option of another type */
	assert_true(read_it(HEAD USER ",\"data\":{\"name\":\"ping\",\"type\":1,"
				      "\"options\":[{\"name\":\"text\",\"type\":4,"
				      "\"value\":\"1\"}]}}"));
	assert_string_equal(what.text, "");
}

static void
what_cannot_be_answered_is_not_read(void **state)
{
	static const char *const texts[] = {
	    "",
	    "[]",
	    "{}",
	    HEAD COMMAND "}", /* nobody */
	    /* a component, and autocomplete */
	    "{\"id\":\"1\",\"application_id\":\"2\",\"type\":3,\"token\":\"t\"," USER
	    "}",
	    "{\"id\":\"1\",\"application_id\":\"2\",\"type\":4,\"token\":\"t\"," USER
	    "}",
	    "{\"id\":\"1\",\"application_id\":\"2\",\"type\":2," USER "}",
	    "{\"id\":\"1\",\"type\":2,\"token\":\"t\"," USER "}",
	    "{\"application_id\":\"2\",\"type\":2,\"token\":\"t\"," USER "}",
	    /* tokens that would be another path */
	    "{\"id\":\"1\",\"application_id\":\"2\",\"type\":2,\"token\":\"a/b\"," USER
	    "}",
	    "{\"id\":\"1\",\"application_id\":\"2\",\"type\":2,\"token\":\"..\"," USER
	    "}",
	    "{\"id\":\"1\",\"application_id\":\"2\",\"type\":2,\"token\":\"a?b\"," USER
	    "}",
	    "{\"id\":\"1\",\"application_id\":\"2\",\"type\":2,\"token\":\"\"," USER
	    "}",
	};

	(void)state;
	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
		print_message("%s\n", texts[i]);
		assert_false(read_it(texts[i]));
	}
}

/* A text and as many roles as given, and one more or less. */
static bool
read_sized(size_t characters, size_t roles)
{
	size_t room = (size_t)64 * 1024;
	char *text = malloc(room);
	size_t size = 0;

	assert_non_null(text);
	size += (size_t)snprintf(text, room,
	    HEAD "\"guild_id\":\"7\",\"data\":{\"name\":\"x\",\"type\":1,\"options\":"
		 "[{\"name\":\"text\",\"type\":3,\"value\":\"");
	for (size_t i = 0; i < characters; i++) {
		size += (size_t)snprintf(text + size, room - size, "\xe2\x82\xac");
	}
	size += (size_t)snprintf(text + size, room - size,
	    "\"}]},\"member\":{" USER ",\"roles\":[\"1\"");
	for (size_t i = 1; i < roles; i++) {
		size += (size_t)snprintf(text + size, room - size, ",\"%zu\"", i + 1);
	}
	(void)snprintf(text + size, room - size, "]}}");
	bool good = read_it(text);

	free(text);
	return good;
}

static void
what_is_too_much_is_left_out(void **state)
{
	(void)state;
	assert_true(read_sized(MENU_OPTION_MAX_CHARACTERS, INTERACTION_ROLES_MAX));
	assert_int_equal(strlen(what.text), 3 * MENU_OPTION_MAX_CHARACTERS);
	assert_int_equal(what.role_count, INTERACTION_ROLES_MAX);
	assert_true(what.roles[INTERACTION_ROLES_MAX - 1] == INTERACTION_ROLES_MAX);

	assert_true(
	    read_sized(MENU_OPTION_MAX_CHARACTERS + 2, INTERACTION_ROLES_MAX + 1));
	assert_string_equal(what.text, "");
	assert_int_equal(what.role_count, INTERACTION_ROLES_MAX);
}

static void
the_age_is_that_of_the_snowflake(void **state)
{
	(void)state;
	/* Discord's own example: 2016-04-30 11:18:25.796 UTC */
	assert_true(incoming_interaction_age(UINT64_C(175928847299117063),
			INT64_C(1462015105796)) == 0);
	assert_true(incoming_interaction_age(UINT64_C(175928847299117063),
			INT64_C(1462015108796)) == CLOCK_S(3));
	assert_true(incoming_interaction_age(UINT64_C(175928847299117063),
			INT64_C(1462015105000)) == -CLOCK_MS(796));
	assert_true(incoming_interaction_age(UINT64_MAX, 0) < 0);
	assert_true(incoming_interaction_age(0, INT64_C(4102444800000)) > 0);
}

static void
one_that_came_is_not_new_until_it_is_forgotten(void **state)
{
	static struct interactions_seen seen;

	(void)state;
	assert_true(interactions_are_new(&seen, 7));
	assert_false(interactions_are_new(&seen, 7));
	for (uint64_t id = 100; id < 100 + INTERACTIONS_SEEN_MAX - 1; id++) {
		assert_true(interactions_are_new(&seen, id));
	}
	assert_false(interactions_are_new(&seen, 7));
	assert_true(interactions_are_new(&seen, 8));
	assert_true(interactions_are_new(&seen, 7));
	assert_false(interactions_are_new(&seen, 8));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_member_of_a_server_uses_a_command),
	    cmocka_unit_test(in_a_direct_message_there_is_no_member),
	    cmocka_unit_test(rights_count_in_servers_only_and_bit_by_bit),
	    cmocka_unit_test(what_is_no_slash_command_has_no_name),
	    cmocka_unit_test(what_cannot_be_answered_is_not_read),
	    cmocka_unit_test(what_is_too_much_is_left_out),
	    cmocka_unit_test(the_age_is_that_of_the_snowflake),
	    cmocka_unit_test(one_that_came_is_not_new_until_it_is_forgotten),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
