/* Health: the truth table, and the document as cJSON reads it back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <cJSON.h>

#include "health.h"

#define BODY_MAX_BYTES 65536

static const struct snapshot fresh = {
    .state = SNAPSHOT_READY,
    .connected = true,
    .shard_count = 1,
    .last_event_age = CLOCK_MS(1999),
    .last_ready_age = CLOCK_S(30),
    .disconnect_age = SNAPSHOT_NONE,
    .latency = CLOCK_MS(42),
};

static const struct snapshot lost = {
    .state = SNAPSHOT_BACKOFF,
    .shard_count = 1,
    .last_event_age = CLOCK_S(29),
    .last_ready_age = CLOCK_S(300),
    .disconnect_age = CLOCK_S(30) - 1,
    .latency = SNAPSHOT_NONE,
    .reason = "connection refused",
};

static struct health_input
input_of(const struct snapshot *shards, uint32_t count)
{
	return (struct health_input){
	    .shards = shards,
	    .count = count,
	    .limits = {.keepalive = CLOCK_S(60),
		.stall = CLOCK_S(210),
		.disconnect_grace = CLOCK_MS(210500),
		.max_latency = CLOCK_S(10)},
	    .uptime = CLOCK_S(123) * 3600 + CLOCK_S(59) * 60 + CLOCK_MS(7999),
	    .bot = "Matchmaker",
	    .env = "prod",
	    .version = "1.2",
	};
}

/* ---- the truth table ---- */

/* NOLINTNEXTLINE(clang-analyzer-optin.performance.Padding): as its table */
struct verdict {
	const char *name;
	struct snapshot shard;
	bool stopping;
	const char *state;
	unsigned healthz;
	unsigned readyz;
	unsigned startupz;
};

#define CONNECTED(silence, beat)                                                 \
	{                                                                        \
		.state = SNAPSHOT_READY, .connected = true, .last_ready_age = 1, \
		.last_event_age = (silence), .disconnect_age = SNAPSHOT_NONE,    \
		.latency = (beat)                                                \
	}

static const struct verdict verdicts[] = {
    {"before the first session",
	{.state = SNAPSHOT_CONNECTING,
	    .last_event_age = SNAPSHOT_NONE,
	    .last_ready_age = SNAPSHOT_NONE,
	    .disconnect_age = CLOCK_S(5),
	    .latency = SNAPSHOT_NONE},
	false, "starting", 503, 503, 503},
    {"hello alone is not connected",
	{.state = SNAPSHOT_IDENTIFYING,
	    .last_event_age = 0,
	    .last_ready_age = SNAPSHOT_NONE,
	    .disconnect_age = CLOCK_S(5),
	    .latency = SNAPSHOT_NONE},
	false, "starting", 503, 503, 503},
    {"ready", CONNECTED(0, 1), false, "ready", 200, 200, 200},
    {"ready, latency not yet known", CONNECTED(0, SNAPSHOT_NONE), false, "ready", 200,
	200, 200},
    {"silent for exactly the stall time", CONNECTED(CLOCK_S(210), SNAPSHOT_NONE), false,
	"ready", 200, 200, 200},
    {"silent, latency unknown", CONNECTED(CLOCK_S(210) + 1, SNAPSHOT_NONE), false,
	"degraded", 206, 200, 200},
    {"silent, latency at its limit", CONNECTED(CLOCK_S(210) + 1, CLOCK_S(10)), false,
	"ready", 200, 200, 200},
    {"silent, latency over its limit", CONNECTED(CLOCK_S(210) + 1, CLOCK_S(10) + 1),
	false, "degraded", 206, 200, 200},
    {"lost a moment ago",
	{.state = SNAPSHOT_RESUMING, .last_ready_age = 1, .disconnect_age = 0}, false,
	"reconnecting", 503, 200, 200},
    {"lost just under the allowance",
	{.state = SNAPSHOT_BACKOFF,
	    .last_ready_age = 1,
	    .disconnect_age = CLOCK_S(30) - 1},
	false, "reconnecting", 503, 200, 200},
    {"lost for the whole allowance",
	{.state = SNAPSHOT_BACKOFF, .last_ready_age = 1, .disconnect_age = CLOCK_S(30)},
	false, "down", 503, 503, 200},
    {"refused", {.state = SNAPSHOT_FATAL, .last_ready_age = 1}, false, "fatal", 503,
	503, 503},
    {"stopping while connected", CONNECTED(0, 1), true, "draining", 503, 503, 200},
};

static void
expect(const char *name, const char *what, unsigned got, unsigned wanted)
{
	if (got != wanted) {
		fail_msg("%s: %s is %u, not %u", name, what, got, wanted);
	}
}

static void
check_verdict_of(const struct verdict *verdict, struct health_input input, bool strict)
{
	input.stopping = verdict->stopping;
	input.strict_probe = strict;
	if (strcmp(health_state(&input), verdict->state) != 0) {
		fail_msg("%s: %s", verdict->name, health_state(&input));
	}
	static const enum health_path loose[] = {HEALTH_PATH_ROOT, HEALTH_PATH_READY,
	    HEALTH_PATH_HEALTH};

	for (size_t i = 0; i < sizeof loose / sizeof loose[0]; i++) {
		expect(verdict->name, "a loose path",
		    health_render(loose[i], &input, NULL),
		    strict ? verdict->healthz : 200);
	}
	expect(verdict->name, "/healthz",
	    health_render(HEALTH_PATH_HEALTHZ, &input, NULL), verdict->healthz);
	expect(verdict->name, "/livez", health_render(HEALTH_PATH_LIVEZ, &input, NULL),
	    200);
	expect(verdict->name, "/readyz",
	    health_render(HEALTH_PATH_READYZ, &input, NULL), verdict->readyz);
	expect(verdict->name, "/startupz",
	    health_render(HEALTH_PATH_STARTUPZ, &input, NULL), verdict->startupz);
}

static void
each_state_has_its_row_in_the_truth_table(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof verdicts / sizeof verdicts[0]; i++) {
		const struct health_input input = input_of(&verdicts[i].shard, 1);

		check_verdict_of(&verdicts[i], input, false);
		check_verdict_of(&verdicts[i], input, true);
	}
}

static void
one_of_two_instances_that_does_not_act_says_why_and_no_more(void **state)
{
	static const struct {
		enum health_role role;
		const char *state;
		unsigned startupz;
	} cases[] = {{HEALTH_WAITS, "waiting", 503}, {HEALTH_YIELDED, "yielded", 200}};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		/* Whatever its shards are like. */
		const struct verdict verdict = {cases[i].state, lost, false,
		    cases[i].state, 503, 503, cases[i].startupz};
		struct health_input input = input_of(&lost, 1);
		struct buf body;

		input.role = cases[i].role;
		input.role_reason = "yielded to gwbotd 1.0, pid 7 on pod-2";
		buf_init(&body, BODY_MAX_BYTES);
		check_verdict_of(&verdict, input, false);
		check_verdict_of(&verdict, input, true);
		assert_int_equal(health_render(HEALTH_PATH_HEALTHZ, &input, &body),
		    503);
		assert_int_equal(buf_append(&body, "", 1), GW_OK);
		assert_non_null(strstr(body.data,
		    "\"reasons\":[\"yielded to gwbotd 1.0, pid 7 on pod-2\"]"));
		buf_fini(&body);
		/* A stop is still told first. */
		input.stopping = true;
		assert_string_equal(health_state(&input), "draining");
	}
}

static void
several_shards_are_as_bad_as_their_worst(void **state)
{
	/* Best first: the state of two is that of the later one. */
	static const size_t order[] = {2, 5, 8, 10, 0, 11};
	size_t count = sizeof order / sizeof order[0];

	(void)state;
	for (size_t i = 0; i < count; i++) {
		for (size_t j = 0; j < count; j++) {
			const struct verdict *worst = &verdicts[order[i > j ? i : j]];
			struct snapshot shards[] = {verdicts[order[i]].shard,
			    verdicts[order[j]].shard};
			struct health_input input = input_of(shards, 2);

			assert_string_equal(health_state(&input), worst->state);
			assert_int_equal(health_render(HEALTH_PATH_HEALTHZ, &input,
					     NULL),
			    worst->healthz);
		}
	}
}

static void
a_low_identify_budget_degrades_what_is_ready_only(void **state)
{
	struct health_input input = input_of(&fresh, 1);
	struct buf body;

	(void)state;
	input.budget_low = true;
	input.identifies_left = 17;
	input.identify_reserve = 50;
	buf_init(&body, 1U << 16);
	assert_int_equal(health_render(HEALTH_PATH_HEALTHZ, &input, &body), 206);
	assert_int_equal(buf_append(&body, "", 1), GW_OK);
	assert_non_null(strstr(body.data,
	    "\"identify budget low: 17 left today before the reserve of 50\""));
	assert_non_null(strstr(body.data, "\"identify_release_at\":null"));
	assert_non_null(strstr(body.data, "\"ok\":true"));
	buf_fini(&body);
	assert_int_equal(health_render(HEALTH_PATH_READYZ, &input, NULL), 200);
	input.shards = &lost;
	assert_int_equal(health_render(HEALTH_PATH_HEALTHZ, &input, NULL), 503);
}

static void
a_spent_budget_says_until_when(void **state)
{
	struct health_input input = input_of(&lost, 1);
	struct buf body;

	(void)state;
	input.budget_low = true;
	input.identify_reserve = 50;
	input.release_wall_ms = INT64_C(1700000000999);
	buf_init(&body, 1U << 16);
	assert_int_equal(health_render(HEALTH_PATH_HEALTHZ, &input, &body), 503);
	assert_int_equal(buf_append(&body, "", 1), GW_OK);
	assert_non_null(strstr(body.data,
	    "\"identify budget spent: none left today before the reserve of 50, new "
	    "sessions wait until 2023-11-14T22:13:20Z\""));
	assert_non_null(
	    strstr(body.data, "\"identify_release_at\":\"2023-11-14T22:13:20Z\""));
	buf_fini(&body);
	/* What is connected stays so: a restart would only spend. */
	input.shards = &fresh;
	assert_int_equal(health_render(HEALTH_PATH_HEALTHZ, &input, NULL), 206);
}

static void
a_required_probe_that_is_down_degrades_what_is_ready_only(void **state)
{
	struct probe_view probes[] = {
	    {.name = "db",
		.kind = "tcp",
		.required = true,
		.probe = {.state = PROBE_DOWN,
		    .runs = 3,
		    .since = CLOCK_S(40),
		    .last_at = CLOCK_MS(98500),
		    .last_took = CLOCK_MS(12),
		    .reason = "no \"answer\""}},
	    {.name = "new", .kind = "http", .required = true},
	    {.name = "other", .kind = "command", .probe = {.state = PROBE_DOWN}},
	};
	struct health_input input = input_of(&fresh, 1);
	struct buf body;

	(void)state;
	input.probes = probes;
	input.probe_count = sizeof probes / sizeof probes[0];
	input.now = CLOCK_S(100);
	buf_init(&body, 1U << 16);
	assert_int_equal(health_render(HEALTH_PATH_HEALTHZ, &input, &body), 206);
	assert_int_equal(buf_append(&body, "", 1), GW_OK);
	assert_non_null(
	    strstr(body.data, "\"reasons\":[\"probe db: no \\\"answer\\\"\"]"));
	assert_non_null(strstr(body.data,
	    "\"components\":[{\"name\":\"db\",\"kind\":\"tcp\",\"state\":\"down\","
	    "\"required\":true,\"state_age_s\":60,\"last_run_age_s\":1,"
	    "\"duration_s\":0.012000,\"reason\":\"no \\\"answer\\\"\"},"
	    "{\"name\":\"new\",\"kind\":\"http\",\"state\":\"unknown\","
	    "\"required\":true,\"state_age_s\":null,\"last_run_age_s\":null,"
	    "\"duration_s\":null,\"reason\":null}"));
	buf_fini(&body);
	assert_string_equal(health_state(&input), "degraded");
	assert_int_equal(health_render(HEALTH_PATH_READYZ, &input, NULL), 200);
	assert_int_equal(health_render(HEALTH_PATH_HEALTH, &input, NULL), 200);
	input.shards = &lost;
	assert_int_equal(health_render(HEALTH_PATH_HEALTHZ, &input, NULL), 503);
	/* One that is not required, and one that is not known, count for nothing. */
	input.shards = &fresh;
	input.probes = &probes[1];
	input.probe_count = 2;
	assert_int_equal(health_render(HEALTH_PATH_HEALTHZ, &input, NULL), 200);
}

static unsigned
count_of(const char *text, const char *word)
{
	unsigned count = 0;

	for (const char *at = strstr(text, word); at; at = strstr(at + 1, word)) {
		count++;
	}
	return count;
}

static void
of_many_shards_those_that_are_not_well_are_listed(void **state)
{
	static const struct {
		uint32_t shards;
		uint32_t lost;
		unsigned listed;
		unsigned reasons;
	} cases[] = {
	    {HEALTH_SHARDS_LISTED, 0, HEALTH_SHARDS_LISTED, 0},
	    {HEALTH_SHARDS_LISTED, 2, HEALTH_SHARDS_LISTED, 2},
	    {HEALTH_SHARDS_LISTED + 1, 0, 0, 0},
	    {500, 3, 3, 3},
	    {1000, 1000, HEALTH_SHARDS_LISTED, HEALTH_SHARDS_LISTED},
	};
	static struct snapshot shards[1000];

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct health_input input = input_of(shards, cases[i].shards);
		struct buf body;

		for (uint32_t k = 0; k < cases[i].shards; k++) {
			shards[k] = k < cases[i].lost ? lost : fresh;
			shards[k].shard_id = k;
			/* The longest that a peer can make of it. */
			memset(shards[k].reason, '\x01', sizeof shards[k].reason - 1);
		}
		buf_init(&body, 1U << 19);
		(void)health_render(HEALTH_PATH_HEALTHZ, &input, &body);
		assert_int_equal(buf_append(&body, "", 1), GW_OK);
		assert_int_equal(count_of(body.data, "{\"id\":"), cases[i].listed);
		assert_int_equal(count_of(body.data, "\"shard "), cases[i].reasons);
		assert_int_equal(count_of(body.data, "\"and 936 more shards\""),
		    cases[i].lost == 1000 ? 1 : 0);
		cJSON *document = cJSON_Parse(body.data);

		assert_int_equal(
		    cJSON_GetObjectItem(document, "shards_total")->valueint,
		    cases[i].shards);
		assert_int_equal(
		    cJSON_GetObjectItem(document, "shards_connected")->valueint,
		    cases[i].shards - cases[i].lost);
		cJSON_Delete(document);
		buf_fini(&body);
	}
}

static void
without_a_shard_it_is_starting(void **state)
{
	struct health_input input = input_of(NULL, 0);

	(void)state;
	assert_string_equal(health_state(&input), "starting");
	assert_int_equal(health_render(HEALTH_PATH_HEALTHZ, &input, NULL), 503);
}

static void
only_exact_paths_are_found(void **state)
{
	static const char *const wrong[] = {"", "/healthz/", "/Healthz", "healthz",
	    "/livez ", "//", "/readyz?x", "/metrics"};
	enum health_path path = HEALTH_PATH_ROOT;

	(void)state;
	for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
		if (health_path_find(wrong[i], &path)) {
			fail_msg("found %s", wrong[i]);
		}
	}
#define CHECK_PATH(name, text)                      \
	assert_true(health_path_find(text, &path)); \
	assert_int_equal(path, HEALTH_PATH_##name);
	HEALTH_PATH_TABLE(CHECK_PATH)
#undef CHECK_PATH
}

/* ---- the document ---- */

static cJSON *
render(const struct health_input *input)
{
	struct buf body;

	buf_init(&body, BODY_MAX_BYTES);
	(void)health_render(HEALTH_PATH_HEALTHZ, input, &body);

	cJSON *tree = cJSON_ParseWithLength(body.data, body.size);

	assert_non_null(tree);
	buf_fini(&body);
	return tree;
}

static const cJSON *
member(const cJSON *tree, const char *name)
{
	const cJSON *item = cJSON_GetObjectItemCaseSensitive(tree, name);

	if (!item) {
		fail_msg("no member %s", name);
	}
	return item;
}

static void
expect_number(const cJSON *tree, const char *name, double value)
{
	const cJSON *item = member(tree, name);

	if (!cJSON_IsNumber(item) || item->valuedouble != value) {
		fail_msg("%s is not %f", name, value);
	}
}

static void
expect_text(const cJSON *tree, const char *name, const char *value)
{
	const cJSON *item = member(tree, name);

	if (!cJSON_IsString(item) || strcmp(item->valuestring, value) != 0) {
		fail_msg("%s is not %s", name, value);
	}
}

static void
a_healthy_shard_is_told_in_full(void **state)
{
	struct health_input input = input_of(&fresh, 1);

	(void)state;
	input.strict_probe = true;
	cJSON *tree = render(&input);

	assert_true(cJSON_IsTrue(member(tree, "ok")));
	assert_true(cJSON_IsTrue(member(tree, "connected")));
	assert_true(cJSON_IsTrue(member(tree, "strict_probe")));
	expect_text(tree, "state", "ready");
	expect_text(tree, "uptime", "123:59:07");
	expect_number(tree, "last_event_age_s", 1);
	expect_number(tree, "age_seconds", 1.999);
	expect_number(tree, "latency_s", 0.042);
	expect_text(tree, "bot", "Matchmaker");
	expect_text(tree, "env", "prod");
	expect_text(tree, "version", "1.2");
	expect_number(tree, "stall_after_sec", 210);
	expect_number(tree, "keepalive_sec", 60);
	expect_number(tree, "disconnect_grace_sec", 210.5);
	expect_number(tree, "last_ready_age", 30);
	assert_true(cJSON_IsNull(member(tree, "disconnect_age")));
	assert_int_equal(cJSON_GetArraySize(member(tree, "reasons")), 0);

	const cJSON *shard = cJSON_GetArrayItem(member(tree, "shards"), 0);

	expect_number(shard, "id", 0);
	expect_number(shard, "count", 1);
	expect_text(shard, "state", "ready");
	assert_true(cJSON_IsTrue(member(shard, "connected")));
	expect_number(shard, "last_event_age_s", 1);
	expect_number(shard, "latency_s", 0.042);
	assert_true(cJSON_IsNull(member(shard, "reason")));
	cJSON_Delete(tree);
}

static void
unknown_is_null(void **state)
{
	struct snapshot shard = {.last_event_age = SNAPSHOT_NONE,
	    .last_ready_age = SNAPSHOT_NONE,
	    .disconnect_age = SNAPSHOT_NONE,
	    .latency = SNAPSHOT_NONE};
	static const char *const names[] = {"last_event_age_s", "age_seconds",
	    "latency_s", "disconnect_age", "last_ready_age", "bot", "env", "version"};
	struct health_input input = input_of(&shard, 1);

	(void)state;
	input.bot = NULL;
	input.env = "";
	input.version = NULL;
	cJSON *tree = render(&input);

	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		if (!cJSON_IsNull(member(tree, names[i]))) {
			fail_msg("%s is not null", names[i]);
		}
	}
	assert_true(cJSON_IsFalse(member(tree, "ok")));
	cJSON_Delete(tree);
}

static void
each_shard_that_is_not_well_gives_a_reason(void **state)
{
	struct snapshot shards[] = {fresh, lost, fresh, fresh};

	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		shards[i].shard_id = i;
	}
	shards[2].last_event_age = CLOCK_S(300);
	shards[2].latency = SNAPSHOT_NONE;
	shards[3].last_event_age = CLOCK_S(301);
	shards[3].latency = CLOCK_MS(12500);

	struct health_input input = input_of(shards, 4);

	input.stopping = true;
	cJSON *tree = render(&input);
	const cJSON *reasons = member(tree, "reasons");
	static const char *const wanted[] = {
	    "stopping",
	    "shard 1: backing off: connection refused",
	    "shard 2: no event for 300 s, latency unknown",
	    "shard 3: no event for 301 s, latency 12.500 s",
	};

	assert_int_equal(cJSON_GetArraySize(reasons), 4);
	for (int i = 0; i < 4; i++) {
		assert_string_equal(cJSON_GetArrayItem(reasons, i)->valuestring,
		    wanted[i]);
	}
	assert_true(cJSON_IsFalse(member(tree, "connected")));
	assert_true(cJSON_IsNull(member(tree, "latency_s")));
	/* The silence goes on while a shard is down. */
	expect_number(tree, "last_event_age_s", 301);
	cJSON_Delete(tree);
}

static void
verbose_is_a_line_a_check(void **state)
{
	static const struct probe_view probes[] = {
	    {.name = "api",
		.probe = {.state = PROBE_DOWN, .reason = "refused\033[31m"}},
	    {.name = "db", .required = true, .probe = {.state = PROBE_UP}},
	    {.name = "new"},
	};
	struct snapshot shards[] = {fresh, lost};
	struct buf body;

	(void)state;
	shards[1].shard_id = 1;
	struct health_input input = input_of(shards, 1);

	input.probes = probes;
	input.probe_count = 3;
	buf_init(&body, 4096);
	assert_int_equal(health_verbose(HEALTH_PATH_HEALTHZ, &input, &body), 200);
	assert_int_equal(buf_append(&body, "", 1), GW_OK);
	assert_string_equal(body.data,
	    "[+]event loop ok\n"
	    "[+]shard ok\n"
	    "[+]identify budget ok\n"
	    "[ ]probe api is down, not required: refused\xef\xbf\xbd[31m\n"
	    "[+]probe db ok\n"
	    "[+]probe new not known yet\n"
	    "/healthz passed: 200, ready\n");
	buf_clear(&body);
	input.count = 2;
	input.probe_count = 0;
	assert_int_equal(health_verbose(HEALTH_PATH_READYZ, &input, &body),
	    health_render(HEALTH_PATH_READYZ, &input, NULL));
	assert_int_equal(buf_append(&body, "", 1), GW_OK);
	assert_non_null(
	    strstr(body.data, "[-]shard 1: backing off: connection refused\n"));
	assert_null(strstr(body.data, "shards ok"));
	buf_fini(&body);
}

static void
ok_stays_true_while_degraded(void **state)
{
	struct snapshot shard = fresh;

	(void)state;
	shard.last_event_age = CLOCK_S(211);
	shard.latency = SNAPSHOT_NONE;

	struct health_input input = input_of(&shard, 1);
	cJSON *tree = render(&input);

	assert_true(cJSON_IsTrue(member(tree, "ok")));
	assert_true(cJSON_IsTrue(member(tree, "connected")));
	expect_text(tree, "state", "degraded");
	cJSON_Delete(tree);
}

static void
text_of_a_peer_cannot_break_the_document(void **state)
{
	static const struct {
		const char *text;
		const char *read;
	} cases[] = {
	    {"a \"quoted\" \\ word", "a \"quoted\" \\ word"},
	    {"line\r\n\tbell\a\x7f", "line\r\n\tbell\a\x7f"},
	    {"gr\xc3\xbc\xc3\x9f \xf0\x9f\x9f\xa2",
		"gr\xc3\xbc\xc3\x9f \xf0\x9f\x9f\xa2"},
	    {"\xff", "\xef\xbf\xbd"},
	    {"\xc3", "\xef\xbf\xbd"},
	    {"\xc0\xaf", "\xef\xbf\xbd\xef\xbf\xbd"},
	    {"\xe0\x9f\xbf", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},
	    {"\xed\xa0\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},
	    {"\xf0\x8f\xbf\xbf", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},
	    {"\xf4\x90\x80\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct snapshot shard = lost;

		(void)snprintf(shard.reason, sizeof shard.reason, "%s", cases[i].text);
		struct health_input input = input_of(&shard, 1);
		cJSON *tree = render(&input);

		expect_text(cJSON_GetArrayItem(member(tree, "shards"), 0), "reason",
		    cases[i].read);
		cJSON_Delete(tree);
	}
}

static void
a_document_that_does_not_fit_is_not_begun(void **state)
{
	struct health_input input = input_of(&fresh, 1);
	struct buf body;
	size_t whole = 0;

	(void)state;
	buf_init(&body, BODY_MAX_BYTES);
	(void)health_render(HEALTH_PATH_HEALTHZ, &input, &body);
	whole = body.size;
	buf_fini(&body);
	for (size_t room = 0; room < whole; room++) {
		buf_init(&body, room);
		assert_int_equal(health_render(HEALTH_PATH_HEALTHZ, &input, &body),
		    200);
		assert_int_equal(body.size, 0);
		buf_fini(&body);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(each_state_has_its_row_in_the_truth_table),
	    cmocka_unit_test(
		one_of_two_instances_that_does_not_act_says_why_and_no_more),
	    cmocka_unit_test(several_shards_are_as_bad_as_their_worst),
	    cmocka_unit_test(a_low_identify_budget_degrades_what_is_ready_only),
	    cmocka_unit_test(a_required_probe_that_is_down_degrades_what_is_ready_only),
	    cmocka_unit_test(without_a_shard_it_is_starting),
	    cmocka_unit_test(only_exact_paths_are_found),
	    cmocka_unit_test(a_healthy_shard_is_told_in_full),
	    cmocka_unit_test(unknown_is_null),
	    cmocka_unit_test(each_shard_that_is_not_well_gives_a_reason),
	    cmocka_unit_test(verbose_is_a_line_a_check),
	    cmocka_unit_test(ok_stays_true_while_degraded),
	    cmocka_unit_test(a_spent_budget_says_until_when),
	    cmocka_unit_test(of_many_shards_those_that_are_not_well_are_listed),
	    cmocka_unit_test(text_of_a_peer_cannot_break_the_document),
	    cmocka_unit_test(a_document_that_does_not_fit_is_not_begun),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
