/* gwctl wait: conditions, and the answers that fulfil them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "wait.h"

static void
conditions_are_read(void **state)
{
	static const struct {
		const char *text;
		bool good;
		struct wait_condition wanted;
	} cases[] = {
	    {"ready", true, {WAIT_READY, "", ""}},
	    {"down", true, {WAIT_DOWN, "", ""}},
	    {"gone", true, {WAIT_GONE, "", ""}},
	    {"state=degraded", true, {WAIT_STATE, "", "degraded"}},
	    {"shard=0:ready", true, {WAIT_SHARD, "0", "ready"}},
	    {"shard=999:wait_slot", true, {WAIT_SHARD, "999", "wait_slot"}},
	    {"", false, {0}},
	    {"Ready", false, {0}},
	    {"state=", false, {0}},
	    {"state=raedy", false, {0}},
	    {"state=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", false, {0}},
	    {"shard=", false, {0}},
	    {"shard=1", false, {0}},
	    {"shard=1:", false, {0}},
	    {"shard=x:ready", false, {0}},
	    {"shard=1-2:ready", false, {0}},
	    {"shard=11111111111111111111:ready", false, {0}},
	    {"shard=1:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", false, {0}},
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct wait_condition got;
		struct failure failure = {0};
		bool good = wait_parse(cases[i].text, &got, &failure);

		if (good != cases[i].good) {
			fail_msg("%s: %s", cases[i].text, failure.text);
		}
		if (!good) {
			assert_int_equal(failure.exit, EXIT_USAGE);
			assert_true(failure.hint[0] != '\0');
			continue;
		}
		assert_int_equal(got.kind, cases[i].wanted.kind);
		assert_string_equal(got.shard, cases[i].wanted.shard);
		assert_string_equal(got.word, cases[i].wanted.word);
	}
}

static bool
holds(const char *condition, const char *answer, const char *seen)
{
	struct wait_condition parsed;
	struct failure failure = {0};
	struct json *result = NULL;
	char text[256] = "";

	assert_true(wait_parse(condition, &parsed, &failure));
	assert_int_equal(json_parse(slice_of(answer), 4096, &result), GW_OK);
	bool done = wait_holds(&parsed, result, text, sizeof text);

	json_free(result);
	if (!strstr(text, seen)) {
		fail_msg("%s: %s", condition, text);
	}
	return done;
}

static void
answers_of_health_status_and_shards(void **state)
{
	static const char ready[] = "{\"state\":\"ready\",\"reasons\":[]}";
	static const char down[] =
	    "{\"state\":\"down\",\"reasons\":[\"shard 1: backing off\"]}";
	static const char older[] = "{\"daemon\":{\"state\":\"degraded\"}}";
	static const char shard[] =
	    "{\"shards\":[{\"state\":\"backoff\",\"reason\":\"refused\"}]}";

	(void)state;
	assert_true(holds("ready", ready, "ready"));
	assert_false(holds("ready", down, "down: shard 1: backing off"));
	assert_false(holds("down", ready, "ready"));
	assert_true(holds("down", down, "down"));
	assert_true(holds("down", older, "degraded"));
	assert_true(holds("state=degraded", older, "degraded"));
	assert_false(holds("state=down", older, "degraded"));
	assert_false(holds("gone", ready, "ready"));
	assert_false(holds("shard=1:ready", shard,
	    "shard 1 is in the state backoff: "
	    "refused"));
	assert_true(holds("shard=1:backoff", shard, "backoff"));
	assert_false(holds("ready", "{}", "unknown"));
	assert_false(holds("shard=1:ready", "{\"shards\":[]}", "unknown"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(conditions_are_read),
	    cmocka_unit_test(answers_of_health_status_and_shards),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
