/* reconnect --wait: which shards are ready again, and how. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "comeback.h"

/* An answer of `shards`, of which only the shards count. */
static struct json *
answer(const char *shards)
{
	struct buf text;

	buf_init(&text, 4096);
	(void)buf_printf(&text, "{\"shards\":[%s]}", shards);
	struct json *document = NULL;

	assert_int_equal(json_parse(buf_slice(&text), 4096, &document), GW_OK);
	buf_fini(&text);
	return document;
}

static bool
look(struct comeback *comeback, const char *shards, double elapsed, char *seen)
{
	struct json *document = answer(shards);

	seen[0] = '\0';
	bool all = comeback_look(comeback, document, elapsed, seen, 200);

	json_free(document);
	return all;
}

static void
begin(struct comeback *comeback, const char *shards)
{
	struct json *document = answer(shards);

	comeback_begin(comeback, document);
	json_free(document);
}

#define ROW(shard, state, connected, uptime, reconnects, identifies)                   \
	"{\"shard\":" #shard ",\"state_text\":\"" state "\",\"connected\":" #connected \
	",\"uptime_seconds\":" #uptime ",\"reconnects\":" #reconnects                  \
	",\"identifies\":" #identifies "}"

static void
one_that_has_not_fallen_yet_is_not_back(void **state)
{
	struct comeback comeback;
	char seen[200];

	(void)state;
	begin(&comeback, ROW(0, "ready", true, 900, 4, 1));
	assert_false(look(&comeback, ROW(0, "ready", true, 901, 4, 1), 0.1, seen));
	assert_string_equal(seen, "shard 0 is ready");
	assert_false(look(&comeback, ROW(0, "resuming", false, null, 4, 1), 0.2, seen));
	assert_string_equal(seen, "shard 0 is resuming");
	assert_true(look(&comeback, ROW(0, "ready", true, 0.25, 5, 1), 0.75, seen));
	assert_false(comeback.rows[0].fresh);
	assert_true(comeback.rows[0].took > 0.49 && comeback.rows[0].took < 0.51);
	comeback_fini(&comeback);
}

static void
one_that_was_down_is_back_when_it_is_ready(void **state)
{
	struct comeback comeback;
	char seen[200];

	(void)state;
	begin(&comeback, ROW(0, "backing off", false, null, 0, 0));
	assert_false(
	    look(&comeback, ROW(0, "identifying", false, null, 0, 1), 0.2, seen));
	assert_true(look(&comeback, ROW(0, "ready", true, 3, 0, 1), 2, seen));
	assert_true(comeback.rows[0].fresh);
	assert_true(comeback.rows[0].took == 0);
	comeback_fini(&comeback);
}

static void
all_must_be_back_and_the_first_that_is_not_is_told(void **state)
{
	struct comeback comeback;
	char seen[200];

	(void)state;
	begin(&comeback,
	    ROW(3, "ready", true, 9, 0, 1) "," ROW(4, "ready", true, 9, 2, 1) "," ROW(5,
		"ready", true, 9, 0, 1));
	assert_false(look(&comeback,
	    ROW(3, "ready", true, 0, 1, 1) "," ROW(4, "resuming", false, null, 2,
		1) ","
		   "{\"shard\":5,\"connected\":false,\"state_text\":\"backing off\","
		   "\"reason\":\"refused\"}",
	    1, seen));
	assert_string_equal(seen, "shard 4 is resuming");
	/* One that is back may fall again: it was back. */
	assert_false(look(&comeback,
	    ROW(3, "resuming", false, null, 1, 1) "," ROW(4, "ready", true, 0, 3,
		2) ","
		   "{\"shard\":5,\"connected\":false,\"state_text\":\"backing off\","
		   "\"reason\":\"refused\"}",
	    2, seen));
	assert_string_equal(seen, "shard 5 is backing off: refused");
	struct json *list = comeback_list(&comeback);

	assert_int_equal(json_count(list), 2);
	assert_string_equal(json_text(json_get(json_first(list), "session")),
	    "resumed");
	assert_string_equal(json_text(json_get(json_next(json_first(list)), "session")),
	    "new");
	json_free(list);
	comeback_fini(&comeback);
}

static void
in_another_process_what_is_ready_is_back(void **state)
{
	struct comeback comeback;
	char seen[200];

	(void)state;
	begin(&comeback, ROW(0, "ready", true, 900, 4, 1));
	comeback_restart(&comeback);
	assert_true(look(&comeback, ROW(0, "ready", true, 1, 0, 0), 5, seen));
	assert_false(comeback.rows[0].fresh);
	comeback_fini(&comeback);
}

static void
an_answer_without_what_is_needed_is_no_end(void **state)
{
	struct comeback comeback;
	char seen[200];

	(void)state;
	begin(&comeback, ROW(0, "ready", true, 900, 4, 1));
	assert_false(look(&comeback, "{}", 1, seen));
	assert_string_equal(seen, "shard 0 is in an unknown state");
	assert_false(look(&comeback, "", 1, seen));
	assert_string_equal(seen, "it lists other shards than before");
	comeback_fini(&comeback);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(one_that_has_not_fallen_yet_is_not_back),
	    cmocka_unit_test(one_that_was_down_is_back_when_it_is_ready),
	    cmocka_unit_test(all_must_be_back_and_the_first_that_is_not_is_told),
	    cmocka_unit_test(in_another_process_what_is_ready_is_back),
	    cmocka_unit_test(an_answer_without_what_is_needed_is_no_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
