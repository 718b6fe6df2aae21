/* What is read of messages and of those who join. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "incoming.h"

#define AUTHOR "\"author\":{\"id\":\"90000000000000001\",\"username\":\"u\"}"

static struct incoming incoming;

static bool
read_it(const char *text)
{
	return incoming_message(slice_of(text), "!", &incoming);
}

/* A message with that content (as JSON writes it) and more members. */
static bool
read_content(const char *content, const char *more)
{
	char text[8192];
	int size = snprintf(text, sizeof text,
	    "{\"id\":\"11\",\"channel_id\":\"7\",\"type\":0,\"content\":\"%s\"," AUTHOR
	    "%s}",
	    content, more);

	assert_in_range(size, 1, (int)sizeof text - 1);
	return read_it(text);
}

static void
assert_slice(struct slice slice, const char *text)
{
	assert_true(slice_equal(slice, slice_of(text)));
}

static void
a_command_is_taken_apart(void **state)
{
	(void)state;
	assert_true(read_it(
	    "{\"type\":19,\"content\":\"!Say \\n a \\u0041\\ud83d\\ude00 b \\t\","
	    "\"id\":\"1181\",\"channel_id\":\"7\",\"guild_id\":\"5\",\"webhook_id\":"
	    "null,\"author\":{\"id\":\"90000000000000001\",\"username\":\"u\","
	    "\"global_name\":\"G\\u00e4\",\"bot\":false},\"member\":{\"nick\":null,"
	    "\"roles\":[\"3\",\"x\",\"4\"]}}"));
	assert_int_equal(incoming.kind, INCOMING_COMMAND);
	assert_slice(incoming.name, "Say");
	assert_slice(incoming.arguments, "a A\xf0\x9f\x98\x80 b");
	assert_int_equal(incoming.id, 1181);
	assert_int_equal(incoming.channel, 7);
	assert_int_equal(incoming.guild, 5);
	assert_true(incoming.user == UINT64_C(90000000000000001));
	assert_string_equal(incoming.user_name, "G\xc3\xa4");
	assert_int_equal(incoming.role_count, 2);
	assert_int_equal(incoming.roles[1], 4);

	struct bot_request request = incoming_request(&incoming);

	assert_int_equal(request.way, BOT_BY_MESSAGE);
	assert_int_equal(request.message, 1181);
	assert_int_equal(request.members, -1);
	assert_false(request.administrator);
}

static void
what_is_no_command_is_left_alone(void **state)
{
	(void)state;
	assert_true(read_content("!ping", ""));
	assert_true(read_content("\\u0021ping", ""));
	assert_false(read_content("ping", ""));
	assert_false(read_content("", ""));
	assert_false(read_content("!", ""));
	assert_false(read_content("! ping", ""));
	assert_false(read_content(" !ping", ""));
	assert_false(read_content("\\n!ping", ""));
	assert_false(read_content("!ping", ",\"webhook_id\":\"3\""));
	assert_false(read_content("!ping", ",\"type\":6"));
	assert_false(read_content("!ping", ",\"type\":\"0\""));
	assert_false(read_content("!ping", ",\"author\":{\"id\":\"1\",\"bot\":true}"));
	assert_false(read_content("!ping", ",\"author\":{\"username\":\"x\"}"));
	assert_false(read_content("!ping", ",\"author\":7"));
	assert_false(read_content("!ping", ",\"id\":7.5"));
	assert_false(read_it("{\"content\":\"!ping\""));
	assert_false(read_it("[]"));
	assert_false(read_it(""));
}

static void
a_prefix_may_be_long_or_escaped(void **state)
{
	struct slice text = slice_of("{\"id\":\"1\",\"channel_id\":\"7\",\"type\":0,"
				     "\"content\":\"\\u00e4\\u00e4x\"," AUTHOR "}");

	(void)state;
	assert_true(incoming_message(text, "\xc3\xa4\xc3\xa4", &incoming));
	assert_slice(incoming.name, "x");
	assert_false(incoming_message(text, "\xc3\xa4\xc3\xa4\xc3\xa4", &incoming));
	assert_false(incoming_message(text, "", &incoming));
}

static void
texts_and_roles_are_bounded(void **state)
{
	static char text[64 * 1024];
	size_t size = (size_t)snprintf(text, sizeof text,
	    "{\"id\":\"1\",\"channel_id\":\"7\",\"type\":0,\"content\":\"!a\"," AUTHOR
	    ",\"member\":{\"roles\":[\"1\"");

	(void)state;
	for (int i = 0; i < 1000; i++) {
		size += (size_t)snprintf(text + size, sizeof text - size, ",\"9\"");
	}
	(void)snprintf(text + size, sizeof text - size, "]}}");
	assert_true(read_it(text));
	assert_int_equal(incoming.role_count, INCOMING_ROLES_MAX);

	size = (size_t)snprintf(text, sizeof text,
	    "{\"id\":\"1\",\"channel_id\":\"7\",\"type\":0," AUTHOR ",\"content\":\"!");
	memset(text + size, 'x', INCOMING_TEXT_ROOM - 2);
	size += INCOMING_TEXT_ROOM - 2;
	(void)snprintf(text + size, sizeof text - size, "\"}");
	assert_true(read_it(text));
	(void)snprintf(text + size, sizeof text - size, "x\"}");
	assert_false(read_it(text));
}

static void
who_joined_is_read_of_both_events(void **state)
{
	(void)state;
	assert_true(read_it("{\"id\":\"11\",\"channel_id\":\"7\",\"type\":7,"
			    "\"content\":\"\",\"guild_id\":\"5\"," AUTHOR "}"));
	assert_int_equal(incoming.kind, INCOMING_JOINED);
	assert_int_equal(incoming.id, 11);

#define MEMBER(more)                                                 \
	"{\"guild_id\":\"5\",\"nick\":\"N\",\"roles\":[],\"user\":{" \
	"\"id\":\"8\",\"username\":\"u\"" more "}}"

	assert_true(incoming_member(slice_of(MEMBER("")), &incoming));
	assert_int_equal(incoming.user, 8);
	assert_int_equal(incoming.guild, 5);
	assert_int_equal(incoming.id, 0);
	assert_string_equal(incoming.user_name, "N");
	assert_false(incoming_member(slice_of(MEMBER(",\"bot\":true")), &incoming));
	assert_false(incoming_member(slice_of("{\"user\":{\"id\":\"8\"}}"), &incoming));
}

static void
the_age_of_an_id_is_in_it(void **state)
{
	(void)state;
	/* Discord's own example. */
	assert_true(
	    incoming_made_ms(UINT64_C(175928847299117063)) == INT64_C(1462015105796));
}

static void
what_came_already_is_known_for_a_while(void **state)
{
	static struct incoming_seen seen;
	const mono_ns within = CLOCK_S(10);

	(void)state;
	assert_true(incoming_is_new(&seen, 5, 0, within));
	assert_false(incoming_is_new(&seen, 5, within - 1, within));
	assert_true(incoming_is_new(&seen, 6, within - 1, within));
	assert_true(incoming_is_new(&seen, 5, within, within));
	for (uint64_t i = 0; i < INCOMING_SEEN_MAX; i++) {
		assert_true(incoming_is_new(&seen, 100 + i, within, within));
	}
	assert_true(incoming_is_new(&seen, 5, within, within));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_command_is_taken_apart),
	    cmocka_unit_test(what_is_no_command_is_left_alone),
	    cmocka_unit_test(a_prefix_may_be_long_or_escaped),
	    cmocka_unit_test(texts_and_roles_are_bounded),
	    cmocka_unit_test(who_joined_is_read_of_both_events),
	    cmocka_unit_test(the_age_of_an_id_is_in_it),
	    cmocka_unit_test(what_came_already_is_known_for_a_while),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
