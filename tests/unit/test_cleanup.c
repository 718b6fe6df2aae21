/* Deleting old messages: which calls, and what is counted. */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "cleanup.h"

#define NOW_MS INT64_C(1790000000000)
#define DAY_MS INT64_C(86400000)

static const uint64_t places[] = {UINT64_C(1001), UINT64_C(1002)};

static void
begin(struct cleanup *cleanup, size_t channels)
{
	cleanup_begin(cleanup, places, channels, NOW_MS, CLOCK_S(86400));
}

/* Answers the page that was asked for with count messages, a second apart, the first of
 * age_ms; each third is pinned where that is wished. */
static void
give_page(struct cleanup *cleanup, size_t count, int64_t age_ms, bool pins)
{
	struct json *page = json_new_array();

	for (size_t i = 0; i < count; i++) {
		struct json *message = json_new_object();
		char id[24];

		(void)snprintf(id, sizeof id, "%" PRIu64,
		    cleanup_snowflake(NOW_MS - age_ms - (int64_t)i * 1000));
		json_add_text(message, "id", id);
		json_add_bool(message, "pinned", pins && i % 3 == 2);
		json_append(page, message);
	}
	assert_true(cleanup_take_page(cleanup, page));
	json_free(page);
}

static void
young_ones_go_in_groups_and_old_ones_one_by_one(void **state)
{
	struct cleanup cleanup;
	char words[128];

	(void)state;
	begin(&cleanup, 1);
	struct cleanup_call call = cleanup_next(&cleanup, NOW_MS);

	assert_int_equal(call.step, CLEANUP_LIST);
	assert_int_equal(call.channel, 1001);
	assert_int_equal(call.before, cleanup_snowflake(NOW_MS - DAY_MS));
	/* 13 d 23 h is the border; the first 5 are younger. */
	give_page(&cleanup, 9, 14 * DAY_MS - INT64_C(3600) * 1000 - 4500, false);
	call = cleanup_next(&cleanup, NOW_MS);
	assert_int_equal(call.step, CLEANUP_BULK);
	assert_int_equal(call.count, 5);
	cleanup_take_deleted(&cleanup);
	for (int i = 0; i < 4; i++) {
		call = cleanup_next(&cleanup, NOW_MS);
		assert_int_equal(call.step, CLEANUP_DELETE);
		cleanup_take_deleted(&cleanup);
	}
	assert_int_equal(cleanup_next(&cleanup, NOW_MS).step, CLEANUP_DONE);
	cleanup_words(&cleanup, words, sizeof words);
	assert_string_equal(words, "deleted 9 messages in 1 channel, kept 0 pinned");
}

static void
pinned_ones_stay_and_pages_go_on_behind_them(void **state)
{
	struct cleanup cleanup;
	char words[128];

	(void)state;
	begin(&cleanup, 2);
	(void)cleanup_next(&cleanup, NOW_MS);
	give_page(&cleanup, 100, 2 * DAY_MS, true);
	struct cleanup_call call = cleanup_next(&cleanup, NOW_MS);

	assert_int_equal(call.step, CLEANUP_BULK);
	assert_int_equal(call.count, 67);
	cleanup_take_deleted(&cleanup);
	call = cleanup_next(&cleanup, NOW_MS);
	assert_int_equal(call.step, CLEANUP_LIST);
	/* Behind the last of the page. */
	assert_int_equal(call.before, cleanup_snowflake(NOW_MS - 2 * DAY_MS - 99000));
	give_page(&cleanup, 0, 0, false);
	call = cleanup_next(&cleanup, NOW_MS);
	assert_int_equal(call.channel, 1002);
	assert_int_equal(call.before, cleanup_snowflake(NOW_MS - DAY_MS));
	/* One alone is no group. */
	give_page(&cleanup, 1, 2 * DAY_MS, false);
	assert_int_equal(cleanup_next(&cleanup, NOW_MS).step, CLEANUP_DELETE);
	cleanup_take_deleted(&cleanup);
	assert_int_equal(cleanup_next(&cleanup, NOW_MS).step, CLEANUP_DONE);
	cleanup_words(&cleanup, words, sizeof words);
	assert_string_equal(words, "deleted 68 messages in 2 channels, kept 33 pinned");
}

static void
a_run_is_bounded(void **state)
{
	struct cleanup cleanup;
	char words[128];
	struct cleanup_call call;
	int64_t age_ms = 2 * DAY_MS;

	(void)state;
	begin(&cleanup, 1);
	while ((call = cleanup_next(&cleanup, NOW_MS)).step != CLEANUP_DONE) {
		if (call.step == CLEANUP_LIST) {
			age_ms += INT64_C(200000);
			give_page(&cleanup, 100, age_ms, true);
		} else {
			cleanup_take_deleted(&cleanup);
		}
	}
	assert_true(cleanup.deleted == CLEANUP_DELETES_MAX);
	cleanup_words(&cleanup, words, sizeof words);
	assert_non_null(strstr(words, "; the next run goes on"));
}

static void
a_refused_group_is_tried_one_by_one(void **state)
{
	struct cleanup cleanup;

	(void)state;
	begin(&cleanup, 1);
	(void)cleanup_next(&cleanup, NOW_MS);
	give_page(&cleanup, 3, 2 * DAY_MS, false);
	assert_int_equal(cleanup_next(&cleanup, NOW_MS).step, CLEANUP_BULK);
	assert_false(cleanup_take_refusal(&cleanup, 400, 50034));
	assert_int_equal(cleanup_next(&cleanup, NOW_MS).step, CLEANUP_DELETE);
	/* The first had gone, the second is a system message, the third goes. */
	assert_false(cleanup_take_refusal(&cleanup, 404, 10008));
	assert_int_equal(cleanup_next(&cleanup, NOW_MS).step, CLEANUP_DELETE);
	assert_true(cleanup_take_refusal(&cleanup, 403, 50021));
	assert_int_equal(cleanup_next(&cleanup, NOW_MS).step, CLEANUP_DELETE);
	cleanup_take_deleted(&cleanup);
	assert_int_equal(cleanup_next(&cleanup, NOW_MS).step, CLEANUP_DONE);
	assert_int_equal(cleanup.deleted, 1);
	assert_int_equal(cleanup.failed, 1);
}

static void
what_a_channel_refuses_is_not_tried_again_there(void **state)
{
	struct cleanup cleanup;
	char words[128];

	(void)state;
	begin(&cleanup, 2);
	(void)cleanup_next(&cleanup, NOW_MS);
	give_page(&cleanup, 50, 20 * DAY_MS, false);
	assert_int_equal(cleanup_next(&cleanup, NOW_MS).step, CLEANUP_DELETE);
	assert_true(cleanup_take_refusal(&cleanup, 403, 50013));
	struct cleanup_call call = cleanup_next(&cleanup, NOW_MS);

	assert_int_equal(call.step, CLEANUP_LIST);
	assert_int_equal(call.channel, 1002);
	assert_true(cleanup_take_refusal(&cleanup, 404, 10003));
	assert_int_equal(cleanup_next(&cleanup, NOW_MS).step, CLEANUP_DONE);
	cleanup_words(&cleanup, words, sizeof words);
	assert_string_equal(words,
	    "deleted 0 messages in 2 channels, kept 0 pinned, 1 failed");

	/* Three 5xx in a row end a channel too. */
	begin(&cleanup, 1);
	(void)cleanup_next(&cleanup, NOW_MS);
	give_page(&cleanup, 50, 20 * DAY_MS, false);
	unsigned tries = 0;

	while (cleanup_next(&cleanup, NOW_MS).step == CLEANUP_DELETE) {
		assert_true(cleanup_take_refusal(&cleanup, 500, 0));
		tries++;
	}
	assert_int_equal(tries, 3);
}

/* The channel as it is asked for where its first page was empty. */
static void
give_channel(struct cleanup *cleanup, const char *text)
{
	struct json *channel = NULL;

	assert_int_equal(json_parse(slice_of(text), 1000, &channel), GW_OK);
	cleanup_take_channel(cleanup, channel);
	json_free(channel);
}

static void
an_empty_first_page_is_held_against_the_channels_last_message(void **state)
{
	struct cleanup cleanup;

	(void)state;
	begin(&cleanup, 2);
	(void)cleanup_next(&cleanup, NOW_MS);
	give_page(&cleanup, 0, 0, false);
	struct cleanup_call call = cleanup_next(&cleanup, NOW_MS);

	assert_int_equal(call.step, CLEANUP_LOOK);
	assert_int_equal(call.channel, 1001);
	give_channel(&cleanup, "{\"last_message_id\":\"123\"}");
	call = cleanup_next(&cleanup, NOW_MS);
	assert_int_equal(call.step, CLEANUP_TRY);
	assert_int_equal(call.channel, 1001);
	assert_int_equal(call.ids[0], 123);
	assert_true(cleanup_take_refusal(&cleanup, 403, 50013));
	/* The other one was cleaned: its last message is gone. */
	call = cleanup_next(&cleanup, NOW_MS);
	assert_int_equal(call.step, CLEANUP_LIST);
	assert_int_equal(call.channel, 1002);
	give_page(&cleanup, 0, 0, false);
	assert_int_equal(cleanup_next(&cleanup, NOW_MS).step, CLEANUP_LOOK);
	give_channel(&cleanup, "{\"last_message_id\":\"123\"}");
	assert_int_equal(cleanup_next(&cleanup, NOW_MS).step, CLEANUP_TRY);
	assert_false(cleanup_take_refusal(&cleanup, 404, 10008));
	assert_int_equal(cleanup_next(&cleanup, NOW_MS).step, CLEANUP_DONE);
	assert_int_equal(cleanup.failed, 0);
}

static void
what_says_nothing_of_the_history_is_no_failure(void **state)
{
	static const char *const channels[] = {"{}", "{\"last_message_id\":null}",
	    "{\"last_message_id\":\"x\"}", "[]"};
	struct cleanup cleanup;

	(void)state;
	for (size_t i = 0; i < sizeof channels / sizeof channels[0]; i++) {
		begin(&cleanup, 1);
		(void)cleanup_next(&cleanup, NOW_MS);
		give_page(&cleanup, 0, 0, false);
		assert_int_equal(cleanup_next(&cleanup, NOW_MS).step, CLEANUP_LOOK);
		give_channel(&cleanup, channels[i]);
		assert_int_equal(cleanup_next(&cleanup, NOW_MS).step, CLEANUP_DONE);
	}
	/* Read; and neither call answered. */
	for (int answered = 0; answered < 3; answered++) {
		begin(&cleanup, 1);
		(void)cleanup_next(&cleanup, NOW_MS);
		give_page(&cleanup, 0, 0, false);
		assert_int_equal(cleanup_next(&cleanup, NOW_MS).step, CLEANUP_LOOK);
		if (answered == 0) {
			assert_false(cleanup_take_refusal(&cleanup, 500, 0));
		} else {
			give_channel(&cleanup, "{\"last_message_id\":\"123\"}");
			assert_int_equal(cleanup_next(&cleanup, NOW_MS).step,
			    CLEANUP_TRY);
			if (answered == 1) {
				assert_false(cleanup_take_refusal(&cleanup, 0, 0));
			} else {
				cleanup_take_message(&cleanup);
			}
		}
		assert_int_equal(cleanup_next(&cleanup, NOW_MS).step, CLEANUP_DONE);
	}
}

static void
what_is_no_page_ends_the_channel(void **state)
{
	static const char *const pages[] = {"{}", "[{\"id\":\"x\"}]", "[{}]",
	    "[{\"id\":\"18446744073709551615\"}]"};

	(void)state;
	for (size_t i = 0; i < sizeof pages / sizeof pages[0]; i++) {
		struct cleanup cleanup;
		struct json *page = NULL;

		begin(&cleanup, 1);
		(void)cleanup_next(&cleanup, NOW_MS);
		assert_int_equal(json_parse(slice_of(pages[i]), 1000, &page), GW_OK);
		assert_false(cleanup_take_page(&cleanup, page));
		json_free(page);
		assert_int_equal(cleanup_next(&cleanup, NOW_MS).step, CLEANUP_DONE);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(young_ones_go_in_groups_and_old_ones_one_by_one),
	    cmocka_unit_test(pinned_ones_stay_and_pages_go_on_behind_them),
	    cmocka_unit_test(a_run_is_bounded),
	    cmocka_unit_test(a_refused_group_is_tried_one_by_one),
	    cmocka_unit_test(what_a_channel_refuses_is_not_tried_again_there),
	    cmocka_unit_test(
		an_empty_first_page_is_held_against_the_channels_last_message),
	    cmocka_unit_test(what_says_nothing_of_the_history_is_no_failure),
	    cmocka_unit_test(what_is_no_page_ends_the_channel),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
