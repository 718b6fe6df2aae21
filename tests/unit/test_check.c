/* gwctl check: statuses and figures out of an answer of health, and versions apart. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "check.h"
#include "render_health.h"
#include "skew.h"

static const struct check_limits unset = {CHECK_UNSET, CHECK_UNSET, CHECK_UNSET,
    CHECK_UNSET};

static char line[8192];

static struct json *
parse(const char *text)
{
	struct json *value = NULL;

	assert_int_equal(json_parse(slice_of(text), 65536, &value), GW_OK);
	return value;
}

/* The line as it is printed, in `line`. */
static void
print(const struct json *document)
{
	struct writer writer;

	writer_init(&writer, false);
	render_check_line(&writer, document);
	(void)slice_copy(buf_slice(&writer.out), line, sizeof line);
	writer_fini(&writer);
}

static enum check_status
judge(const char *health, const struct check_limits *limits)
{
	struct json *answer = parse(health);
	struct json *document = json_new_object();
	enum check_status status = check_judge(answer, limits, document);
	int64_t exit = -1;

	assert_true(json_int(json_get(document, "exit"), &exit));
	assert_int_equal(exit, status);
	print(document);
	json_free(document);
	json_free(answer);
	return status;
}

/* An answer of health. */
#define HEALTH(state, http, total, ready, age, latency, reasons)                    \
	"{\"state\":\"" state "\",\"http_status\":" http ",\"shards_total\":" total \
	",\"shards_connected\":" ready ",\"last_event_age_seconds\":" age           \
	",\"latency_seconds\":" latency ",\"stall_seconds\":180,"                   \
	"\"max_latency_seconds\":10,\"reasons\":[" reasons "]}"

static void
the_line_of_the_guidelines(void **state)
{
	(void)state;
	assert_int_equal(judge(HEALTH("ready", "200", "2", "2", "0.4", "0.063", ""),
			     &unset),
	    CHECK_OK);
	assert_string_equal(line,
	    "OK - 2 of 2 shards ready, last event 0.4 s | shards_ready=2;2:;1:;0;2 "
	    "last_event=0.4s;144;180;0 latency=0.063s;1;10;0\n");
	assert_int_equal(judge(HEALTH("ready", "200", "1", "1", "null", "null", ""),
			     &unset),
	    CHECK_OK);
	assert_string_equal(line,
	    "OK - 1 of 1 shard ready, last event unknown | shards_ready=1;1:;1:;0;1 "
	    "last_event=U;144;180;0 latency=U;1;10;0\n");
}

static void
states_and_figures_decide(void **state)
{
	static const struct {
		const char *health;
		enum check_status status;
		const char *words;
	} cases[] = {
	    {HEALTH("ready", "200", "2", "2", "144", "1", ""), CHECK_OK, "OK"},
	    {HEALTH("ready", "200", "2", "2", "144.1", "1", ""), CHECK_WARNING,
		"last event 2 min 24 s, limit 2 min 24 s"},
	    {HEALTH("ready", "200", "2", "2", "180", "1.001", ""), CHECK_WARNING,
		"; latency 1 s, limit 1 s"},
	    {HEALTH("ready", "200", "2", "2", "180.1", "1", ""), CHECK_CRITICAL,
		"limit 3 min"},
	    {HEALTH("ready", "200", "2", "2", "1", "10.1", ""), CHECK_CRITICAL,
		"latency 10 s"},
	    {HEALTH("degraded", "206", "2", "2", "1", "0.1", "\"budget low\""),
		CHECK_WARNING, "degraded: budget low |"},
	    {HEALTH("reconnecting", "503", "2", "1", "1", "0.1", "\"shard 1: x|y\""),
		CHECK_WARNING,
		"WARNING - 1 of 2 shards ready, last event 1 s, "
		"reconnecting: shard 1: x/y |"},
	    {HEALTH("reconnecting", "503", "1", "0", "1", "null", "\"a\""),
		CHECK_CRITICAL, "0 of 1 shard ready"},
	    {HEALTH("down", "503", "2", "1", "1", "0.1", "\"a\",\"b\",\"c\",\"d\""),
		CHECK_CRITICAL, "down: a; b; and 2 more |"},
	    {HEALTH("fatal", "503", "2", "1", "1", "0.1", ""), CHECK_CRITICAL, "fatal"},
	    {HEALTH("draining", "503", "2", "2", "1", "0.1", "\"stopping\""),
		CHECK_WARNING, "stopping"},
	    {HEALTH("hibernating", "299", "2", "2", "1", "0.1", ""), CHECK_WARNING,
		"hibernating"},
	    {"{}", CHECK_UNKNOWN, "UNKNOWN"},
	    {"{\"state\":7,\"reasons\":3}", CHECK_UNKNOWN, "state unknown"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		enum check_status status = judge(cases[i].health, &unset);

		if (status != cases[i].status || !strstr(line, cases[i].words)) {
			fail_msg("case %zu: %d: %s", i, (int)status, line);
		}
	}
}

static void
limits_of_the_line_go_before_those_of_the_daemon(void **state)
{
	struct check_limits limits = unset;
	const char *health = HEALTH("ready", "200", "1", "1", "5", "0.2", "");

	(void)state;
	limits.crit_age = CLOCK_S(5);
	assert_int_equal(judge(health, &limits), CHECK_WARNING);
	assert_non_null(strstr(line, "last_event=5s;4;5;0"));
	limits.warn_age = CLOCK_S(5);
	assert_int_equal(judge(health, &limits), CHECK_OK);
	limits.crit_age = CLOCK_MS(4999);
	assert_int_equal(judge(health, &limits), CHECK_UNKNOWN);
	assert_non_null(strstr(line, "UNKNOWN - last event: the warning limit"));
	assert_null(strchr(line, '|'));
	limits = unset;
	limits.warn_latency = CLOCK_MS(200);
	assert_int_equal(judge(health, &limits), CHECK_OK);
	limits.warn_latency = CLOCK_MS(199);
	assert_int_equal(judge(health, &limits), CHECK_WARNING);
	limits.warn_latency = CHECK_UNSET;
	limits.crit_latency = CLOCK_MS(199);
	assert_int_equal(judge(health, &limits), CHECK_CRITICAL);
	assert_non_null(strstr(line, "latency=0.2s;0.0199;0.199;0"));
}

static void
without_an_answer_it_is_unknown_and_says_what_to_type(void **state)
{
	struct failure failure = {0};
	struct json *document = json_new_object();

	(void)state;
	(void)failure_set(&failure, EXIT_NOT_RUNNING, "not_running", "cannot|reach");
	failure_hint(&failure, "type this     or that");
	assert_int_equal(check_fail(&failure, document), CHECK_UNKNOWN);
	print(document);
	assert_string_equal(line, "UNKNOWN - cannot/reach; type this; or that\n");
	assert_string_equal(json_text(json_get(json_get(document, "error"), "code")),
	    "not_running");
	json_free(document);
}

static void
versions_are_compared_by_their_numbers(void **state)
{
	char text[256];

	(void)state;
	assert_true(skew_compare("0.9", "0.10") < 0);
	assert_true(skew_compare("1.0", "0.99.99") > 0);
	assert_int_equal(skew_compare("1.2.0", "1.2"), 0);
	assert_true(skew_compare("1.2.0-rc1", "1.2.0") > 0);
	assert_false(skew_explain(GWBOT_VERSION, text, sizeof text));
	assert_false(skew_explain(NULL, text, sizeof text));
	assert_false(skew_explain("?", text, sizeof text));
	assert_true(skew_explain("0.0.9", text, sizeof text));
	assert_non_null(strstr(text, "gwctl reboot"));
	assert_true(skew_explain("99.0", text, sizeof text));
	assert_non_null(strstr(text, "install the package"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_line_of_the_guidelines),
	    cmocka_unit_test(states_and_figures_decide),
	    cmocka_unit_test(limits_of_the_line_go_before_those_of_the_daemon),
	    cmocka_unit_test(without_an_answer_it_is_unknown_and_says_what_to_type),
	    cmocka_unit_test(versions_are_compared_by_their_numbers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
