/* Keeping threads open: which are looked at, opened and touched. */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "cleanup.h"
#include "keepalive.h"

#define NOW_MS  INT64_C(1790000000000)
#define HOUR_MS INT64_C(3600000)

static const uint64_t thread[] = {UINT64_C(501)};
static const uint64_t channel[] = {UINT64_C(601)};

static void
begin(struct keepalive *keepalive, size_t threads, size_t channels)
{
	keepalive_begin(keepalive, thread, threads, channel, channels, NOW_MS,
	    CLOCK_S(144 * 3600));
}

static void
answer(struct keepalive *keepalive, const char *text)
{
	struct json *body = NULL;

	assert_int_equal(json_parse(slice_of(text), 10000, &body), GW_OK);
	keepalive_take(keepalive, body);
	json_free(body);
}

/* A thread whose last message is so many hours old, as Discord tells it. */
static const char *
told(char out[512], unsigned id, int64_t hours, bool archived, bool locked)
{
	(void)snprintf(out, 512,
	    "{\"id\":\"%u\",\"type\":11,\"parent_id\":\"601\",\"last_message_id\":"
	    "\"%" PRIu64 "\",\"thread_metadata\":{\"archived\":%s,\"locked\":%s,"
	    "\"archive_timestamp\":\"2026-01-0%uT00:00:00+00:00\"}}",
	    id, cleanup_snowflake(NOW_MS - hours * HOUR_MS),
	    archived ? "true" : "false", locked ? "true" : "false", id % 10);
	return out;
}

static void
expect(struct keepalive *keepalive, enum keepalive_step step, uint64_t id)
{
	struct keepalive_call call = keepalive_next(keepalive);

	assert_int_equal(call.step, step);
	assert_int_equal(call.id, id);
}

static void
expect_end(struct keepalive *keepalive, bool good, const char *words)
{
	char text[256];

	assert_int_equal(keepalive_next(keepalive).step, KEEPALIVE_DONE);
	assert_int_equal(keepalive_is_good(keepalive), good);
	keepalive_words(keepalive, text, sizeof text);
	assert_string_equal(text, words);
}

static void
a_thread_is_touched_when_it_is_idle_longer_than_the_limit(void **state)
{
	struct keepalive keepalive;
	char text[512];

	(void)state;
	begin(&keepalive, 1, 0);
	expect(&keepalive, KEEPALIVE_LOOK, 501);
	answer(&keepalive, told(text, 501, 145, false, false));
	expect(&keepalive, KEEPALIVE_POST, 501);
	answer(&keepalive, "{}");
	expect_end(&keepalive, true, "touched 1 thread, skipped 0");

	begin(&keepalive, 1, 0);
	expect(&keepalive, KEEPALIVE_LOOK, 501);
	answer(&keepalive, told(text, 501, 144, false, false));
	expect_end(&keepalive, true, "touched 0 threads, skipped 1");
}

static void
an_archived_one_is_opened_and_written_to_only_when_idle(void **state)
{
	struct keepalive keepalive;
	char text[512];

	(void)state;
	begin(&keepalive, 1, 0);
	answer(&keepalive, told(text, 501, 1, true, false));
	expect(&keepalive, KEEPALIVE_OPEN, 501);
	answer(&keepalive, "{}");
	expect_end(&keepalive, true, "touched 1 thread, skipped 0");

	begin(&keepalive, 1, 0);
	answer(&keepalive, told(text, 501, 200, true, false));
	expect(&keepalive, KEEPALIVE_OPEN, 501);
	answer(&keepalive, "{}");
	expect(&keepalive, KEEPALIVE_POST, 501);
	answer(&keepalive, "{}");
	expect_end(&keepalive, true, "touched 1 thread, skipped 0");

	begin(&keepalive, 1, 0);
	answer(&keepalive, told(text, 501, 200, true, true));
	expect_end(&keepalive, true, "touched 0 threads, skipped 0, 1 locked");
}

static void
all_threads_of_a_channel_are_found_once(void **state)
{
	struct keepalive keepalive;
	char one[512];
	char two[512];
	char text[2048];

	(void)state;
	begin(&keepalive, 1, 1);
	answer(&keepalive, told(one, 501, 1, false, false));
	expect(&keepalive, KEEPALIVE_SERVER, 601);
	answer(&keepalive, "{\"id\":\"601\",\"guild_id\":\"77\"}");
	expect(&keepalive, KEEPALIVE_ACTIVE, 77);
	(void)snprintf(text, sizeof text,
	    "{\"threads\":[%s,%s,{\"id\":\"9\",\"type\":11,\"parent_id\":\"602\"}]}",
	    told(one, 501, 1, false, false), told(two, 502, 150, false, false));
	answer(&keepalive, text);
	expect(&keepalive, KEEPALIVE_ARCHIVED, 601);
	assert_string_equal(keepalive_next(&keepalive).before, "");
	(void)snprintf(text, sizeof text, "{\"threads\":[%s],\"has_more\":true}",
	    told(one, 503, 150, true, false));
	answer(&keepalive, text);
	expect(&keepalive, KEEPALIVE_ARCHIVED, 601);
	assert_string_equal(keepalive_next(&keepalive).before,
	    "2026-01-03T00:00:00+00:00");
	answer(&keepalive, "{\"threads\":[],\"has_more\":false}");
	expect(&keepalive, KEEPALIVE_POST, 502);
	answer(&keepalive, "{}");
	expect(&keepalive, KEEPALIVE_OPEN, 503);
	keepalive_take_refusal(&keepalive, 403);
	expect_end(&keepalive, false,
	    "touched 1 thread, skipped 1, 1 without the right");
}

static void
each_refusal_is_counted_by_its_reason_and_the_rest_goes_on(void **state)
{
	struct keepalive keepalive;

	(void)state;
	begin(&keepalive, 1, 1);
	keepalive_take_refusal(&keepalive, 404);
	expect(&keepalive, KEEPALIVE_SERVER, 601);
	answer(&keepalive, "{\"id\":\"601\",\"guild_id\":\"77\"}");
	expect(&keepalive, KEEPALIVE_ACTIVE, 77);
	keepalive_take_refusal(&keepalive, 500);
	expect(&keepalive, KEEPALIVE_ARCHIVED, 601);
	keepalive_take_refusal(&keepalive, 403);
	expect_end(&keepalive, false,
	    "touched 0 threads, skipped 0, 1 not found, 1 without the right, 1 failed");

	begin(&keepalive, 1, 1);
	answer(&keepalive, "{\"id\":\"501\",\"type\":0}");
	answer(&keepalive, "{\"id\":\"601\"}");
	expect_end(&keepalive, false, "touched 0 threads, skipped 0, 2 no thread");
}

static void
a_channel_with_endless_pages_is_left(void **state)
{
	struct keepalive keepalive;
	char one[512];
	char text[1024];
	unsigned pages = 0;

	(void)state;
	begin(&keepalive, 0, 1);
	answer(&keepalive, "{\"id\":\"601\",\"guild_id\":\"77\"}");
	answer(&keepalive, "{\"threads\":[]}");
	(void)snprintf(text, sizeof text, "{\"threads\":[%s],\"has_more\":true}",
	    told(one, 503, 1, true, true));
	while (keepalive_next(&keepalive).step == KEEPALIVE_ARCHIVED) {
		answer(&keepalive, text);
		pages++;
	}
	assert_int_equal(pages, KEEPALIVE_PAGES_MAX);
	expect_end(&keepalive, true,
	    "touched 0 threads, skipped 0, 1 locked; not all of them, there are too "
	    "many");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_thread_is_touched_when_it_is_idle_longer_than_the_limit),
	    cmocka_unit_test(an_archived_one_is_opened_and_written_to_only_when_idle),
	    cmocka_unit_test(all_threads_of_a_channel_are_found_once),
	    cmocka_unit_test(
		each_refusal_is_counted_by_its_reason_and_the_rest_goes_on),
	    cmocka_unit_test(a_channel_with_endless_pages_is_left),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
