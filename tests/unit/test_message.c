/* Messages that gwbotd writes: limits, who is notified, what Discord refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "json.h"
#include "message.h"
#include "refusal.h"

static struct json *
write_it(const struct message_draft *draft)
{
	struct buf out;
	struct json *document = NULL;

	buf_init(&out, MESSAGE_MAX_BYTES);
	assert_int_equal(message_write(draft, &out), GW_OK);
	assert_int_equal(json_parse(buf_slice(&out), MESSAGE_MAX_BYTES, &document),
	    GW_OK);
	buf_fini(&out);
	return document;
}

static void
nobody_is_notified_unless_named(void **state)
{
	const uint64_t role = UINT64_C(41771983423143936);
	struct message_draft draft = {.content = slice_of("@everyone <@&1>")};
	struct json *json = write_it(&draft);
	const struct json *allowed = json_get(json, "allowed_mentions");

	(void)state;
	assert_int_equal(json_kind(json_get(allowed, "parse")), JSON_ARRAY);
	assert_int_equal(json_count(json_get(allowed, "parse")), 0);
	assert_null(json_get(allowed, "users"));
	assert_null(json_get(json, "flags"));
	assert_null(json_get(json, "nonce"));
	json_free(json);

	draft = (struct message_draft){
	    .content = slice_of("x"),
	    .reply_to = 7,
	    .ping_roles = &role,
	    .ping_role_count = 1,
	    .embed = "{\"title\":\"t\"}",
	    .private = true,
	    .nonce = "r1",
	};
	json = write_it(&draft);
	assert_string_equal(json_text(json_get(json, "nonce")), "r1");
	allowed = json_get(json, "allowed_mentions");
	assert_string_equal(json_text(json_at(json_get(allowed, "roles"), 0)),
	    "41771983423143936");
	assert_string_equal(json_text(json_get(json_get(json, "message_reference"),
				"message_id")),
	    "7");
	assert_int_equal(json_int_or(json_get(json, "flags"), 0), 64);
	assert_string_equal(json_text(json_get(json_at(json_get(json, "embeds"), 0),
				"title")),
	    "t");
	json_free(json);
}

static void
a_text_is_cut_at_the_limit_and_never_within_a_character(void **state)
{
	const size_t kept = (size_t)999 * 4;
	struct buf text;

	(void)state;
	buf_init(&text, 9000);
	for (size_t i = 0; i < 1500; i++) {
		assert_int_equal(buf_append(&text, "\xf0\x9f\x8f\x93", 4), GW_OK);
	}
	/* Each counts as two. */
	struct message_draft draft = {.content = buf_slice(&text)};
	struct json *json = write_it(&draft);
	const char *content = json_text(json_get(json, "content"));

	assert_int_equal(strlen(content), kept + 3);
	assert_string_equal(content + kept, "\xe2\x80\xa6");
	json_free(json);
	buf_fini(&text);

	assert_int_equal(message_fit(slice_of("short"), 10), 5);
	assert_int_equal(message_fit(slice_of("one two\nthree four"), 12), 8);
	assert_int_equal(message_fit(slice_of("one two three four"), 15), 14);
	assert_int_equal(message_fit(slice_of("unbreakable"), 5), 5);
}

static void
ids_are_read_as_discord_writes_them(void **state)
{
	uint64_t id = 0;

	(void)state;
	assert_true(message_id(slice_of("\"80351110224678912\""), &id));
	assert_int_equal(id, UINT64_C(80351110224678912));
	assert_true(message_id(slice_of("18446744073709551615"), &id));
	assert_false(message_id(slice_of("18446744073709551616"), &id));
	assert_false(message_id(slice_of("\"\""), &id));
	assert_false(message_id(slice_of("12a"), &id));
	assert_false(message_id(slice_of("0"), &id));
}

static void
a_refusal_says_which_right_is_missing_and_once(void **state)
{
	static struct refusals refusals;
	char words[256];
	const mono_ns now = CLOCK_S(10);

	(void)state;
	refusal_words(REFUSAL_DELETE, 403, 50013, "x", words, sizeof words);
	assert_string_equal(words,
	    "the bot lacks a right there: give it Manage Messages (50013)");
	refusal_words(REFUSAL_SEND, 403, 50001, "x", words, sizeof words);
	assert_non_null(strstr(words, "View Channel"));
	refusal_words(REFUSAL_HISTORY, 403, 50001, "x", words, sizeof words);
	assert_non_null(strstr(words, "give it Read Message History"));
	refusal_words(REFUSAL_ANSWER, 404, 10062, "x", words, sizeof words);
	assert_non_null(strstr(words, "3 s (10062)"));
	refusal_words(REFUSAL_ANSWER, 400, 40060, "x", words, sizeof words);
	assert_non_null(strstr(words, "another process"));
	refusal_words(REFUSAL_SEND, 500, 0, "HTTP status 500", words, sizeof words);
	assert_string_equal(words, "HTTP status 500");

	assert_true(refusals_are_new(&refusals, REFUSAL_SEND, 5, 403, 50013, now));
	assert_false(refusals_are_new(&refusals, REFUSAL_SEND, 5, 403, 50013, now));
	assert_true(refusals_are_new(&refusals, REFUSAL_SEND, 6, 403, 50013, now));
	assert_true(refusals_are_new(&refusals, REFUSAL_SEND, 5, 403, 50013,
	    now + REFUSAL_AGAIN));
	for (uint64_t place = 100; place < 100 + REFUSALS_MAX; place++) {
		assert_true(
		    refusals_are_new(&refusals, REFUSAL_SEND, place, 403, 0, now));
	}
	assert_true(refusals_are_new(&refusals, REFUSAL_SEND, 6, 403, 50013, now));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(nobody_is_notified_unless_named),
	    cmocka_unit_test(a_text_is_cut_at_the_limit_and_never_within_a_character),
	    cmocka_unit_test(ids_are_read_as_discord_writes_them),
	    cmocka_unit_test(a_refusal_says_which_right_is_missing_and_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
