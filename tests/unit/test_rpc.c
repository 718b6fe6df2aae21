/* JSON-RPC 2.0 on lines: framing, requests, answers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "rpc.h"

#define LINE_MAX_BYTES 16

/* ---- lines ---- */

static void
feed(struct rpc_lines *lines, struct slice bytes)
{
	assert_int_equal(rpc_lines_feed(lines, bytes), GW_OK);
}

static void
assert_line(struct rpc_lines *lines, const char *expected)
{
	struct slice line;

	assert_int_equal(rpc_lines_take(lines, &line), GW_OK);
	assert_int_equal(line.size, strlen(expected));
	assert_memory_equal(line.data, expected, line.size);
}

static void
lines_come_whole_however_the_bytes_arrive(void **state)
{
	static const char stream[] = "ab\n\r\ncd\r\n\nend";
	struct rpc_lines lines;
	struct slice line;

	(void)state;
	for (size_t step = 1; step < sizeof stream; step++) {
		size_t count = 0;

		rpc_lines_init(&lines, LINE_MAX_BYTES);
		for (size_t at = 0; at < sizeof stream - 1; at += step) {
			size_t left = sizeof stream - 1 - at;

			feed(&lines,
			    (struct slice){stream + at, left < step ? left : step});
			while (rpc_lines_take(&lines, &line) == GW_OK) {
				static const char *const wanted[] = {"ab", "", "cd",
				    ""};

				assert_int_equal(line.size, strlen(wanted[count]));
				assert_memory_equal(line.data, wanted[count],
				    line.size);
				count++;
			}
		}
		assert_int_equal(count, 4);
		assert_true(rpc_lines_open(&lines));
		assert_int_equal(rpc_lines_take_last(&lines, &line), GW_OK);
		assert_int_equal(line.size, 3);
		assert_int_equal(rpc_lines_take_last(&lines, &line), GW_ERR_NOT_FOUND);
		assert_false(rpc_lines_open(&lines));
		rpc_lines_fini(&lines);
	}
}

static void
a_line_of_the_largest_size_passes_and_one_more_byte_does_not(void **state)
{
	static const char bytes[] = "0123456789abcdefX";
	struct rpc_lines lines;
	struct slice line;

	(void)state;
	rpc_lines_init(&lines, LINE_MAX_BYTES);
	feed(&lines, (struct slice){bytes, 16});
	assert_int_equal(rpc_lines_take(&lines, &line), GW_ERR_NOT_FOUND);
	feed(&lines, SLICE_LITERAL("\n"));
	assert_line(&lines, "0123456789abcdef");
	feed(&lines, (struct slice){bytes, 17});
	assert_int_equal(rpc_lines_take(&lines, &line), GW_ERR_TOO_LARGE);
	rpc_lines_fini(&lines);

	rpc_lines_init(&lines, LINE_MAX_BYTES);
	feed(&lines, (struct slice){bytes, 17});
	feed(&lines, SLICE_LITERAL("\n"));
	assert_int_equal(rpc_lines_take(&lines, &line), GW_ERR_TOO_LARGE);
	rpc_lines_fini(&lines);
}

static void
what_nobody_takes_cannot_pile_up(void **state)
{
	static const char piece[RPC_FEED_MAX_BYTES] = {'a'};
	struct rpc_lines lines;

	(void)state;
	rpc_lines_init(&lines, LINE_MAX_BYTES);
	feed(&lines, (struct slice){piece, sizeof piece});
	assert_int_equal(rpc_lines_feed(&lines, (struct slice){piece, sizeof piece}),
	    GW_ERR_TOO_LARGE);
	rpc_lines_fini(&lines);
}

static void
a_nul_is_refused_before_the_line_is_whole(void **state)
{
	struct rpc_lines lines;
	struct slice line;

	(void)state;
	rpc_lines_init(&lines, LINE_MAX_BYTES);
	feed(&lines, SLICE_LITERAL("a\0"));
	assert_int_equal(rpc_lines_take(&lines, &line), GW_ERR_SYNTAX);
	rpc_lines_fini(&lines);
	rpc_lines_init(&lines, LINE_MAX_BYTES);
	feed(&lines, SLICE_LITERAL("a\0b\nok\n"));
	assert_int_equal(rpc_lines_take(&lines, &line), GW_ERR_SYNTAX);
	rpc_lines_fini(&lines);
}

/* ---- requests ---- */

static void
each_request_gets_the_verdict_of_the_specification(void **state)
{
	static const struct {
		const char *line;
		enum rpc_error error;
		bool notification;
	} cases[] = {
	    {"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"a\"}", RPC_OK, false},
	    {"{\"jsonrpc\":\"2.0\",\"id\":\"x\",\"method\":\"a\",\"params\":[]}",
		RPC_OK, false},
	    {"{\"jsonrpc\":\"2.0\",\"id\":null,\"method\":\"a\",\"params\":{}}", RPC_OK,
		false},
	    {"{\"jsonrpc\":\"2.0\",\"method\":\"a\"}", RPC_OK, true},
	    {"  status", RPC_OK, false},
	    {NULL, RPC_ERR_INVALID, false},
	    {" \t", RPC_ERR_INVALID, false},
	    {"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"a\"", RPC_ERR_PARSE, false},
	    {"{]", RPC_ERR_PARSE, false},
	    {"{\"id\":1,\"method\":\"a\"}", RPC_ERR_INVALID, false},
	    {"{\"jsonrpc\":2.0,\"id\":1,\"method\":\"a\"}", RPC_ERR_INVALID, false},
	    {"{\"jsonrpc\":\"1.0\",\"id\":1,\"method\":\"a\"}", RPC_ERR_INVALID, false},
	    {"{\"JSONRPC\":\"2.0\",\"id\":1,\"method\":\"a\"}", RPC_ERR_INVALID, false},
	    {"{\"jsonrpc\":\"2.0\",\"id\":1}", RPC_ERR_INVALID, false},
	    {"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":7}", RPC_ERR_INVALID, false},
	    {"{\"jsonrpc\":\"2.0\",\"method\":7}", RPC_ERR_INVALID, false},
	    {"{\"jsonrpc\":\"2.0\",\"id\":[],\"method\":\"a\"}", RPC_ERR_INVALID,
		false},
	    {"{\"jsonrpc\":\"2.0\",\"id\":true,\"method\":\"a\"}", RPC_ERR_INVALID,
		false},
	    {"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"a\",\"params\":\"x\"}",
		RPC_ERR_INVALID, false},
	    {"[{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"a\"}]", RPC_ERR_INVALID,
		false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct rpc_request request;
		enum rpc_error error =
		    rpc_request_parse(slice_of(cases[i].line), &request);

		if (error != cases[i].error ||
		    request.notification != cases[i].notification ||
		    (error != RPC_OK) != (request.problem != NULL)) {
			fail_msg("%zu: %s", i, rpc_error_word(error));
		}
		rpc_request_fini(&request);
	}
}

static void
a_plain_command_becomes_method_and_arguments(void **state)
{
	static const char line[] = "\tsnapshot   0  two ";
	struct rpc_request request;

	(void)state;
	assert_int_equal(rpc_request_parse(slice_of(line), &request), RPC_OK);
	assert_true(request.plain);
	assert_string_equal(request.method, "snapshot");
	assert_int_equal(json_count(request.params), 2);
	assert_string_equal(json_text(json_at(request.params, 0)), "0");
	assert_string_equal(json_text(json_at(request.params, 1)), "two");
	rpc_request_fini(&request);
	assert_int_equal(rpc_request_parse(slice_of("status \xff\xfe"), &request),
	    RPC_ERR_INVALID);
	rpc_request_fini(&request);
}

/* ---- answers ---- */

static struct json *
sample_result(void)
{
	struct json *result = json_new_object();
	struct json *shards = json_new_array();
	struct json *shard = json_new_object();
	struct json *range = json_new_array();

	json_append(range, json_new_int(1));
	json_append(range, json_new_int(2));
	json_add(result, "protocol", range);
	json_add_text(shard, "reason", "line one\nstate: forged\033[31m");
	json_add_null(shard, "seq");
	json_append(shards, shard);
	json_add(result, "shards", shards);
	return result;
}

static void
assert_answer(const char *line, struct json *owned_result,
    const struct rpc_failure *failure, const char *expected)
{
	struct rpc_request request;
	struct buf out;

	buf_init(&out, 4096);
	(void)rpc_request_parse(slice_of(line), &request);
	assert_int_equal(owned_result ? rpc_write_result(&out, &request, owned_result) :
					rpc_write_error(&out, &request, failure),
	    GW_OK);
	assert_int_equal(buf_append(&out, "", 1), GW_OK);
	assert_string_equal(out.data, expected);
	rpc_request_fini(&request);
	buf_fini(&out);
}

static void
answers_carry_the_id_as_it_came(void **state)
{
	const struct rpc_failure failure = {RPC_ERR_REFUSED, "no", "try yes", NULL};

	(void)state;
	assert_answer("{\"jsonrpc\":\"2.0\",\"id\":\"\\u00e4 7\",\"method\":\"a\"}",
	    json_new_int(5), NULL,
	    "{\"jsonrpc\":\"2.0\",\"id\":\"\xc3\xa4 7\",\"result\":5}\n");
	assert_answer("{\"jsonrpc\":\"2.0\",\"id\":null,\"method\":\"a\"}",
	    json_new_int(5), NULL, "{\"jsonrpc\":\"2.0\",\"id\":null,\"result\":5}\n");
	assert_answer("{\"jsonrpc\":\"2.0\",\"id\":12,\"method\":\"a\"}", NULL,
	    &failure,
	    "{\"jsonrpc\":\"2.0\",\"id\":12,\"error\":{\"code\":-32000,\"message\":"
	    "\"no\","
	    "\"data\":{\"code\":\"refused\",\"hint\":\"try yes\"}}}\n");
	assert_answer("{\"jsonrpc\":\"2.0\",\"id\":3}", NULL,
	    &(struct rpc_failure){.error = RPC_ERR_INVALID},
	    "{\"jsonrpc\":\"2.0\",\"id\":3,\"error\":{\"code\":-32600,\"message\":"
	    "\"this "
	    "is no JSON-RPC 2.0 request\",\"data\":{\"code\":\"invalid_request\","
	    "\"hint\":null}}}\n");
}

static void
a_notification_gets_no_answer(void **state)
{
	static const char line[] = "{\"jsonrpc\":\"2.0\",\"method\":\"a\"}";

	(void)state;
	assert_answer(line, json_new_int(5), NULL, "");
	assert_answer(line, NULL, &(struct rpc_failure){.error = RPC_ERR_METHOD}, "");
}

static void
a_plain_command_gets_lines_that_no_value_can_forge(void **state)
{
	(void)state;
	assert_answer("status", sample_result(), NULL,
	    "protocol: 1 2\n"
	    "shards.0.reason: line one\xef\xbf\xbdstate: forged\xef\xbf\xbd[31m\n"
	    "shards.0.seq: -\n"
	    "\n");
	assert_answer("status", NULL,
	    &(struct rpc_failure){RPC_ERR_REFUSED, "a\nb", "type this", NULL},
	    "error: a\xef\xbf\xbd"
	    "b\nhint: type this\n\n");
}

static void
notifications_follow_an_answer_in_its_form(void **state)
{
	static const char line[] =
	    "{\"jsonrpc\":\"2.0\",\"method\":\"event\",\"params\":\"a\\nb\"}\n";
	const struct rpc_request json = {.plain = false};
	const struct rpc_request plain = {.plain = true};
	struct buf out;

	(void)state;
	buf_init(&out, 200);
	assert_int_equal(rpc_write_notice(&out, &json, "event", json_new_text("a\nb")),
	    GW_OK);
	assert_true(slice_equal(buf_slice(&out), slice_of(line)));
	struct json *params = rpc_notice_parse(buf_slice(&out), "event");

	assert_string_equal(json_text(params), "a\nb");
	json_free(params);
	assert_null(rpc_notice_parse(buf_slice(&out), "events"));
	assert_null(rpc_notice_parse(slice_of("{\"method\":\"event\"}"), "event"));
	assert_null(rpc_notice_parse(slice_of("nonsense"), "event"));
	buf_clear(&out);
	assert_int_equal(rpc_write_notice(&out, &plain, "event", json_new_text("a\nb")),
	    GW_OK);
	assert_true(slice_equal(buf_slice(&out),
	    slice_of("event: a\xef\xbf\xbd"
		     "b\n")));
	buf_fini(&out);
}

static void
an_error_carries_its_details(void **state)
{
	static const char line[] = "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"a\"}";
	struct json *details = json_new_array();
	struct json *detail = json_new_object();
	struct rpc_failure failure = {RPC_ERR_REFUSED, "no", NULL, details};
	struct rpc_answer answer;
	struct rpc_request request;
	struct buf out;

	(void)state;
	json_add_text(detail, "summary", "f:1: error: x\n");
	json_append(details, detail);
	assert_answer("reload", NULL, &failure,
	    "error: no\ndetail: f:1: error: x\xef\xbf\xbd\n\n");
	buf_init(&out, 4096);
	(void)rpc_request_parse(slice_of(line), &request);
	assert_int_equal(rpc_write_error(&out, &request, &failure), GW_OK);
	assert_int_equal(rpc_answer_parse(buf_slice(&out), &answer), GW_OK);
	assert_int_equal(json_count(answer.error_details), 1);
	assert_string_equal(json_text(
				json_get(json_at(answer.error_details, 0), "summary")),
	    "f:1: error: x\n");
	rpc_answer_fini(&answer);
	rpc_request_fini(&request);
	buf_fini(&out);
	json_free(details);
}

static void
an_answer_that_does_not_fit_leaves_nothing_behind(void **state)
{
	struct rpc_request request;
	struct buf out;

	(void)state;
	buf_init(&out, 40);
	assert_int_equal(buf_append(&out, "before", 6), GW_OK);
	(void)rpc_request_parse(slice_of("status"), &request);
	assert_int_equal(rpc_write_result(&out, &request, sample_result()),
	    GW_ERR_TOO_LARGE);
	assert_int_equal(out.size, 6);
	rpc_request_fini(&request);
	buf_fini(&out);
}

/* ---- gwctl's side ---- */

static void
a_request_comes_back_as_it_was_meant(void **state)
{
	struct json *params = json_new_array();
	struct rpc_request request;
	struct buf out;

	(void)state;
	buf_init(&out, 4096);
	json_append(params, json_new_text("0"));
	assert_int_equal(rpc_write_request(&out, 9, "snapshot", params), GW_OK);
	assert_int_equal(out.data[out.size - 1], '\n');
	assert_int_equal(rpc_request_parse((struct slice){out.data, out.size - 1},
			     &request),
	    RPC_OK);
	assert_string_equal(request.method, "snapshot");
	assert_string_equal(json_text(json_at(request.params, 0)), "0");
	rpc_request_fini(&request);
	buf_fini(&out);
}

static void
each_answer_is_a_result_or_an_error(void **state)
{
	static const struct {
		const char *line;
		enum gw_err err;
	} cases[] = {
	    {"{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}", GW_OK},
	    {"{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":null}", GW_OK},
	    {"{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{\"code\":-32700}}", GW_OK},
	    {"{\"jsonrpc\":\"2.0\",\"id\":1}", GW_ERR_PROTOCOL},
	    {"{\"jsonrpc\":\"2.0\",\"result\":1,\"error\":{}}", GW_ERR_PROTOCOL},
	    {"{\"id\":1,\"result\":1}", GW_ERR_PROTOCOL},
	    {"[]", GW_ERR_PROTOCOL},
	    {"hello", GW_ERR_SYNTAX},
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct rpc_answer answer;

		if (rpc_answer_parse(slice_of(cases[i].line), &answer) !=
		    cases[i].err) {
			fail_msg("%s", cases[i].line);
		}
		assert_true(cases[i].err != GW_OK || answer.result ||
		    (answer.error_text && answer.error_word));
		rpc_answer_fini(&answer);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(lines_come_whole_however_the_bytes_arrive),
	    cmocka_unit_test(
		a_line_of_the_largest_size_passes_and_one_more_byte_does_not),
	    cmocka_unit_test(what_nobody_takes_cannot_pile_up),
	    cmocka_unit_test(a_nul_is_refused_before_the_line_is_whole),
	    cmocka_unit_test(each_request_gets_the_verdict_of_the_specification),
	    cmocka_unit_test(a_plain_command_becomes_method_and_arguments),
	    cmocka_unit_test(answers_carry_the_id_as_it_came),
	    cmocka_unit_test(a_notification_gets_no_answer),
	    cmocka_unit_test(a_plain_command_gets_lines_that_no_value_can_forge),
	    cmocka_unit_test(notifications_follow_an_answer_in_its_form),
	    cmocka_unit_test(an_error_carries_its_details),
	    cmocka_unit_test(an_answer_that_does_not_fit_leaves_nothing_behind),
	    cmocka_unit_test(a_request_comes_back_as_it_was_meant),
	    cmocka_unit_test(each_answer_is_a_result_or_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
