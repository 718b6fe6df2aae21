/* Payload: op, s, t and the extent of d. */
#include "payload_fixture.h"

static void
finds_the_members_in_any_order(void **state)
{
	static const char *const texts[] = {
	    "{\"t\":\"READY\",\"s\":7,\"op\":0,\"d\":{\"x\":[1]}}",
	    "{\"d\":{\"x\":[1]},\"op\":0,\"s\":7,\"t\":\"READY\"}",
	    " { \"op\" : 0 , \"d\" : {\"x\":[1]} , \"t\" : \"READY\" , \"s\" : 7 } ",
	    "{\"_trace\":[{}],\"s\":7,\"op\":0,\"t\":\"READY\",\"d\":{\"x\":[1]},\"z\":"
	    "0}",
	    "{\"\\u0074\":\"READY\",\"\\u0073\":7,\"o\\u0070\":0,\"\\u0064\":{\"x\":[1]"
	    "}}",
	};

	(void)state;
	for (size_t i = 0; i < COUNT(texts); i++) {
		struct payload payload = parse(texts[i]);

		assert_int_equal(payload.op, 0);
		assert_true(payload.has_seq);
		assert_int_equal(payload.seq, 7);
		assert_slice(payload.type, "READY");
		assert_slice(payload.data, "{\"x\":[1]}");
	}
}

static void
members_that_are_missing_are_missing(void **state)
{
	static const char *const texts[] = {
	    "{}",
	    "{\"op\":null,\"s\":null,\"t\":null}",
	    "{\"OP\":1,\"S\":1,\"T\":\"x\",\"D\":1,\"opp\":1,\"o\":1,\"\":1}",
	    "{\"d2\":1,\"x\":{\"op\":1,\"s\":1,\"t\":\"x\",\"d\":1}}",
	    "{\"op\\u0000\":1,\"op\\\"\":1,\"\\u0064\\u0000\":1}",
	};

	(void)state;
	for (size_t i = 0; i < COUNT(texts); i++) {
		struct payload payload = parse(texts[i]);

		assert_int_equal(payload.op, -1);
		assert_false(payload.has_seq);
		assert_int_equal(payload.type.size, 0);
		assert_int_equal(payload.data.size, 0);
	}
}

static void
seq_is_a_natural_number_or_missing(void **state)
{
	static const struct {
		const char *text;
		int64_t seq; /* -1: missing */
	} cases[] = {
	    {"0", 0},
	    {"1", 1},
	    {"9007199254740993", INT64_C(9007199254740993)}, /* 2^53 + 1 */
	    {"9223372036854775807", INT64_MAX},
	    {"9223372036854775808", -1},
	    {"9999999999999999999", -1},
	    {"18446744073709551616", -1},
	    {"99999999999999999999999999", -1},
	    {"-1", -1},
	    {"-0", -1},
	    {"1.0", -1},
	    {"1e3", -1},
	    {"null", -1},
	    {"true", -1},
	    {"\"1\"", -1},
	    {"[1]", -1},
	    {"{}", -1},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		char text[64];

		(void)snprintf(text, sizeof text, "{\"s\":%s}", cases[i].text);
		struct payload payload = parse(text);

		if (payload.has_seq != (cases[i].seq >= 0) ||
		    (payload.has_seq && payload.seq != cases[i].seq)) {
			fail_msg("%s", text);
		}
	}
}

static void
op_and_type_of_a_wrong_type_count_as_missing(void **state)
{
	static const char *const wrong[] = {"null", "\"0\"", "[0]", "{}", "-1", "0.0",
	    "true", "9223372036854775808"};

	(void)state;
	for (size_t i = 0; i < COUNT(wrong); i++) {
		char text[64];

		(void)snprintf(text, sizeof text, "{\"op\":%s}", wrong[i]);
		assert_int_equal(parse(text).op, -1);
	}
	assert_int_equal(parse("{\"t\":1}").type.size, 0);
	assert_int_equal(parse("{\"t\":[\"READY\"]}").type.size, 0);
	assert_int_equal(parse("{\"t\":\"\"}").type.size, 0);
	assert_int_equal(parse("{\"op\":31}").op, 31);
}

static void
of_doubled_keys_the_last_counts(void **state)
{
	(void)state;
	struct payload payload = parse("{\"op\":1,\"s\":1,\"t\":\"A\",\"d\":1,"
				       "\"op\":2,\"s\":2,\"t\":\"B\",\"d\":[2]}");

	assert_int_equal(payload.op, 2);
	assert_int_equal(payload.seq, 2);
	assert_slice(payload.type, "B");
	assert_slice(payload.data, "[2]");
	payload =
	    parse("{\"op\":1,\"s\":1,\"t\":\"A\",\"op\":null,\"s\":null,\"t\":null}");
	assert_int_equal(payload.op, -1);
	assert_false(payload.has_seq);
	assert_int_equal(payload.type.size, 0);
}

static void
type_is_given_as_written(void **state)
{
	(void)state;
	assert_slice(parse("{\"t\":\"A\\u0042\"}").type, "A\\u0042");
}

static void
extent_of_data_has_no_space_around(void **state)
{
	(void)state;
	assert_slice(parse("{\"d\": \n null \t}").data, "null");
	assert_slice(parse("{\"d\":  \"x y\"  }").data, "\"x y\"");
	assert_slice(parse("{\"d\" : [ 1 , 2 ] , \"op\":1}").data, "[ 1 , 2 ]");
	assert_slice(parse("{\"d\":-1.5e3}").data, "-1.5e3");
}

static void
out_is_left_alone_on_an_error(void **state)
{
	struct payload payload = {.op = 99, .seq = 98};

	(void)state;
	assert_int_equal(payload_parse(SLICE_LITERAL("{\"op\":1,\"s\":1"), &payload),
	    GW_ERR_SYNTAX);
	assert_int_equal(payload.op, 99);
	assert_int_equal(payload.seq, 98);
}

static void
payloads_in_a_row_are_taken_one_by_one(void **state)
{
	struct slice bytes =
	    SLICE_LITERAL(" {\"op\":1,\"d\":[{}]} {\"op\":2}{\"op\":3} \n{\"op\":4");
	struct payload payload;

	(void)state;
	for (int64_t op = 1; op <= 3; op++) {
		assert_int_equal(payload_take(&bytes, &payload), GW_OK);
		assert_int_equal(payload.op, op);
	}
	assert_slice(bytes, "{\"op\":4");
	assert_int_equal(payload_take(&bytes, &payload), GW_ERR_SYNTAX);

	struct slice last = SLICE_LITERAL("{\"op\":1} ");

	assert_int_equal(payload_take(&last, &payload), GW_OK);
	assert_int_equal(last.size, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(payloads_in_a_row_are_taken_one_by_one),
	    cmocka_unit_test(finds_the_members_in_any_order),
	    cmocka_unit_test(members_that_are_missing_are_missing),
	    cmocka_unit_test(seq_is_a_natural_number_or_missing),
	    cmocka_unit_test(op_and_type_of_a_wrong_type_count_as_missing),
	    cmocka_unit_test(of_doubled_keys_the_last_counts),
	    cmocka_unit_test(type_is_given_as_written),
	    cmocka_unit_test(extent_of_data_has_no_space_around),
	    cmocka_unit_test(out_is_left_alone_on_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
