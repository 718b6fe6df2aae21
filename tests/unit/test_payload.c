/* Payload: the grammar of JSON, what the envelope says, what gwbotd writes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <cjson/cJSON.h>

#include "payload.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

/* Parses a copy that ends where its memory ends, so that the address checker sees a
 * byte too many. */
static enum gw_err
parse_exact(const char *text, size_t size)
{
	struct payload payload;
	char *copy = malloc(size ? size : 1);

	assert_non_null(copy);
	if (size > 0) {
		memcpy(copy, text, size);
	}
	enum gw_err err = payload_parse((struct slice){copy, size}, &payload);

	free(copy);
	return err;
}

static struct payload
parse(const char *text)
{
	struct payload payload;

	assert_int_equal(payload_parse(slice_of(text), &payload), GW_OK);
	return payload;
}

static void
assert_slice(struct slice slice, const char *text)
{
	if (!slice_equal(slice, slice_of(text))) {
		fail_msg("\"%.*s\" is not \"%s\"", (int)slice.size,
		    slice.data ? slice.data : "", text);
	}
}

/* ---- the grammar ---- */

enum verdict { GOOD, BAD };

/* Values, and whether cJSON is known to judge otherwise. */
static const struct {
	const char *text;
	enum verdict verdict;
	const char *cjson_differs; /* why */
} values[] = {
    /* words */
    {"null", GOOD, NULL},
    {"true", GOOD, NULL},
    {"false", GOOD, NULL},
    {"nul", BAD, NULL},
    {"nulll", BAD, NULL},
    {"NULL", BAD, NULL},
    {"True", BAD, NULL},
    {"truefalse", BAD, NULL},
    {"tru", BAD, NULL},
    {"undefined", BAD, NULL},
    {"NaN", BAD, NULL},
    {"Infinity", BAD, NULL},
    {"-Infinity", BAD, NULL},
    {"", BAD, NULL},
    /* numbers */
    {"0", GOOD, NULL},
    {"-0", GOOD, NULL},
    {"7", GOOD, NULL},
    {"-7", GOOD, NULL},
    {"10", GOOD, NULL},
    {"123456789012345678901234567890", GOOD, NULL},
    {"0.0", GOOD, NULL},
    {"-0.5", GOOD, NULL},
    {"1.25", GOOD, NULL},
    {"1e5", GOOD, NULL},
    {"1E5", GOOD, NULL},
    {"1e+5", GOOD, NULL},
    {"1e-5", GOOD, NULL},
    {"1.5e00", GOOD, NULL},
    {"0e0", GOOD, NULL},
    {"1e999", GOOD, NULL},
    {"1234567890123456789012345678901234567890123456789012345678901234567890", GOOD,
	NULL},
    {"01", BAD, "takes what strtod takes"},
    {"-01", BAD, "takes what strtod takes"},
    {"00", BAD, "takes what strtod takes"},
    {"1.", BAD, "takes what strtod takes"},
    {"-.5", BAD, "takes what strtod takes"},
    {"1.e5", BAD, "takes what strtod takes"},
    {".5", BAD, NULL},
    {"+1", BAD, NULL},
    {"-", BAD, NULL},
    {"--1", BAD, NULL},
    {"- 1", BAD, NULL},
    {"1e", BAD, NULL},
    {"1e+", BAD, NULL},
    {"1ee5", BAD, NULL},
    {"1e5.5", BAD, NULL},
    {"1.2.3", BAD, NULL},
    {"0x10", BAD, NULL},
    {"1_000", BAD, NULL},
    {"1,5,", BAD, NULL},
    {"1 2", BAD, NULL},
    {"1a", BAD, NULL},
    /* strings */
    {"\"\"", GOOD, NULL},
    {"\"a\"", GOOD, NULL},
    {"\"1234567\"", GOOD, NULL},
    {"\"12345678\"", GOOD, NULL},
    {"\"123456789 and more than two words\"", GOOD, NULL},
    {"\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", GOOD, NULL},
    {"\"\\u0041\\uabcd\\uABCD\"", GOOD, NULL},
    {"\"\\u0000\"", GOOD, NULL},
    {"\"\\ud83d\\ude00\"", GOOD, NULL},
    {"\"\\ud800\"", GOOD, "refuses lone surrogates"},
    {"\"\\udc00\"", GOOD, "refuses lone surrogates"},
    {"\"\\ud800x\"", GOOD, "refuses lone surrogates"},
    {"\"\\ud800\\ud800\"", GOOD, "refuses lone surrogates"},
    {"\"\\ud800\\u0041\"", GOOD, "refuses lone surrogates"},
    {"\"/\"", GOOD, NULL},
    {"\"\x7f\"", GOOD, NULL},
    {"\"", BAD, NULL},
    {"\"abc", BAD, NULL},
    {"\"abc\\", BAD, NULL},
    {"\"abc\\\"", BAD, NULL},
    {"'abc'", BAD, NULL},
    {"\"\\a\"", BAD, NULL},
    {"\"\\x41\"", BAD, NULL},
    {"\"\\U0041\"", BAD, NULL},
    {"\"\\'\"", BAD, NULL},
    {"\"\\ \"", BAD, NULL},
    {"\"\\u\"", BAD, NULL},
    {"\"\\u004\"", BAD, NULL},
    {"\"\\u00G0\"", BAD, "reads wrong digits as 0"},
    {"\"\\u004g\"", BAD, "reads wrong digits as 0"},
    {"\"\\u-041\"", BAD, "reads wrong digits as 0"},
    {"\"\x01\"", BAD, "takes control characters"},
    {"\"\n\"", BAD, "takes control characters"},
    {"\"\t\"", BAD, "takes control characters"},
    {"\"1234567890\x1f\"", BAD, "takes control characters"},
    /* UTF-8 */
    {"\"\xc3\xa9\"", GOOD, NULL},
    {"\"\xe2\x82\xac\"", GOOD, NULL},
    {"\"\xed\x9f\xbf\"", GOOD, NULL},
    {"\"\xee\x80\x80\"", GOOD, NULL},
    {"\"\xef\xbf\xbf\"", GOOD, NULL},
    {"\"\xf0\x90\x80\x80\"", GOOD, NULL},
    {"\"\xf4\x8f\xbf\xbf\"", GOOD, NULL},
    {"\"\x80\"", BAD, "does not look at UTF-8"},
    {"\"\xc3\"", BAD, "does not look at UTF-8"},
    {"\"\xc3(\"", BAD, "does not look at UTF-8"},
    {"\"\xc0\x80\"", BAD, "does not look at UTF-8"},
    {"\"\xc1\xbf\"", BAD, "does not look at UTF-8"},
    {"\"\xe0\x80\x80\"", BAD, "does not look at UTF-8"},
    {"\"\xe0\x9f\xbf\"", BAD, "does not look at UTF-8"},
    {"\"\xe2\x82\"", BAD, "does not look at UTF-8"},
    {"\"\xed\xa0\x80\"", BAD, "does not look at UTF-8"},
    {"\"\xed\xbf\xbf\"", BAD, "does not look at UTF-8"},
    {"\"\xf0\x80\x80\x80\"", BAD, "does not look at UTF-8"},
    {"\"\xf0\x8f\xbf\xbf\"", BAD, "does not look at UTF-8"},
    {"\"\xf0\x9f\x98\"", BAD, "does not look at UTF-8"},
    {"\"\xf4\x90\x80\x80\"", BAD, "does not look at UTF-8"},
    {"\"\xf5\x80\x80\x80\"", BAD, "does not look at UTF-8"},
    {"\"\xff\"", BAD, "does not look at UTF-8"},
    /* containers */
    {"[]", GOOD, NULL},
    {"{}", GOOD, NULL},
    {"[ ]", GOOD, NULL},
    {"{ }", GOOD, NULL},
    {"[1]", GOOD, NULL},
    {"[1,2]", GOOD, NULL},
    {"[[],{},[[]]]", GOOD, NULL},
    {"{\"a\":1}", GOOD, NULL},
    {"{\"a\":1,\"a\":2}", GOOD, NULL},
    {"{\"\":{}}", GOOD, NULL},
    {"{\"a\":{\"b\":[{\"c\":null}]}}", GOOD, NULL},
    {" \t\r\n[ \t\r\n1 \t\r\n, \t\r\n2 \t\r\n] \t\r\n", GOOD, NULL},
    {" { \"a\" : 1 , \"b\" : [ ] } ", GOOD, NULL},
    {"[", BAD, NULL},
    {"]", BAD, NULL},
    {"{", BAD, NULL},
    {"}", BAD, NULL},
    {"[}", BAD, NULL},
    {"{]", BAD, NULL},
    {"[1}", BAD, NULL},
    {"{\"a\":1]", BAD, NULL},
    {"[1,]", BAD, NULL},
    {"[,1]", BAD, NULL},
    {"[,]", BAD, NULL},
    {"[1,,2]", BAD, NULL},
    {"[1 2]", BAD, NULL},
    {"[1:2]", BAD, NULL},
    {"{\"a\"}", BAD, NULL},
    {"{\"a\":}", BAD, NULL},
    {"{\"a\":1,}", BAD, NULL},
    {"{,\"a\":1}", BAD, NULL},
    {"{,}", BAD, NULL},
    {"{\"a\" 1}", BAD, NULL},
    {"{\"a\",1}", BAD, NULL},
    {"{\"a\"::1}", BAD, NULL},
    {"{\"a\":1 \"b\":2}", BAD, NULL},
    {"{a:1}", BAD, NULL},
    {"{1:1}", BAD, NULL},
    {"{null:1}", BAD, NULL},
    {"{[]:1}", BAD, NULL},
    {"{\"a\":1}}", BAD, NULL},
    {"[1]]", BAD, NULL},
    /* what is no white space */
    {"\x0b"
     "1",
	BAD, "takes every control character as white space"},
    {"\x0c"
     "1",
	BAD, "takes every control character as white space"},
    {"1\x01", BAD, "takes every control character as white space"},
    {"\xc2\xa0"
     "1",
	BAD, NULL},
    {"\xef\xbb\xbf"
     "1",
	BAD, NULL},
    {"/* */1", BAD, NULL},
    {"1//", BAD, NULL},
    {"#", BAD, NULL},
};

/* Where each value is put. */
static const struct {
	const char *before;
	const char *after;
} contexts[] = {
    {"{\"d\":", "}"},
    {"{\"op\":0,\"d\":", ",\"s\":1}"},
    {"{\"d\":{\"k\":", ",\"l\":[]}}"},
    {"{\"d\":[", ",[]]}"},
    {"{\"d\":[[\"x\", ", " ]]}"},
};

static bool
cjson_takes(const char *text)
{
	cJSON *json = cJSON_ParseWithOpts(text, NULL, true);
	bool taken = cJSON_IsObject(json);

	cJSON_Delete(json);
	return taken;
}

static void
judge(size_t value, size_t context)
{
	char text[256];
	bool good = values[value].verdict == GOOD;
	int size = snprintf(text, sizeof text, "%s%s%s", contexts[context].before,
	    values[value].text, contexts[context].after);

	assert_in_range(size, 1, sizeof text - 1);
	bool taken = parse_exact(text, (size_t)size) == GW_OK;

	if (taken != good) {
		fail_msg("%s: %s", text, taken ? "taken" : "refused");
	}
	bool differs = cjson_takes(text) != good;

	if (differs != (values[value].cjson_differs != NULL)) {
		fail_msg("%s: cJSON says %s", text, differs ? "otherwise" : "the same");
	}
}

static void
judges_values_as_cjson_does_but_for_the_listed_ones(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(values); i++) {
		for (size_t j = 0; j < COUNT(contexts); j++) {
			judge(i, j);
		}
	}
}

static void
refuses_what_is_not_one_object(void **state)
{
	static const char *const texts[] = {"", " ", "null", "1", "\"x\"", "[]",
	    "[{\"op\":1}]", "{} {}", "{},", "{}x", "{}\xef\xbb\xbf", "\xef\xbb\xbf{}",
	    "{}}", "{\"op\":1}{\"op\":1}", "\xff\xfe{}", "{\"op\":10", "x{}",
	    "{\"op\":1;\"s\":2}", "{\"op\":1:\"s\":2}", "{\"op\":1}\"s\":2}",
	    "{\"op\":1,,\"s\":2}"};

	(void)state;
	for (size_t i = 0; i < COUNT(texts); i++) {
		if (parse_exact(texts[i], strlen(texts[i])) != GW_ERR_SYNTAX) {
			fail_msg("%s", texts[i]);
		}
	}
	assert_int_equal(parse_exact("{}\0", 3), GW_ERR_SYNTAX);
	assert_int_equal(parse_exact("{\0}", 3), GW_ERR_SYNTAX);
	assert_int_equal(parse_exact("{\"a\0\":1}", 8), GW_ERR_SYNTAX);
	assert_int_equal(parse_exact(" \t\r\n{} \t\r\n", 10), GW_OK);
}

static bool
may_stand_alone(unsigned byte)
{
	return byte >= ' ' && byte < 0x80 && byte != '"' && byte != '\\';
}

static void
judges_each_byte_at_each_place_of_a_string(void **state)
{
	(void)state;
	for (size_t place = 0; place < 20; place++) {
		for (unsigned byte = 0; byte < 256; byte++) {
			char text[64] = "{\"d\":\"";
			size_t size = strlen(text);

			memset(text + size, 'a', 20);
			text[size + place] = (char)byte;
			text[size + 20] = '"';
			text[size + 21] = '}';
			bool taken = parse_exact(text, size + 22) == GW_OK;
			bool good = may_stand_alone(byte);

			if (taken != good) {
				fail_msg("byte %02x at %zu: %s", byte, place,
				    taken ? "taken" : "refused");
			}
		}
	}
}

static const char message[] =
    "{\"t\":\"MESSAGE_CREATE\",\"s\":42,\"op\":0,\"d\":{\"type\":0,\"tts\":false,"
    "\"timestamp\":\"2026-08-06T12:34:56.789000+00:00\",\"pinned\":false,"
    "\"mentions\":[{\"id\":\"80351110224678912\",\"member\":{\"roles\":[]}}],"
    "\"content\":\"caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80 \\ud83d\\ude00 "
    "\\\"quoted\\\"\\n\",\"n\":[-0.5e-7,1E3,0,null,true],\"nonce\":null,"
    "\"empty\":{},\"author\":{\"username\":\"\xd0\x96\",\"id\":\"1\"}}}";

static void
every_prefix_is_refused_without_reading_past_it(void **state)
{
	(void)state;
	for (size_t size = 0; size < sizeof message - 1; size++) {
		if (parse_exact(message, size) != GW_ERR_SYNTAX) {
			fail_msg("prefix of %zu bytes", size);
		}
	}
	assert_int_equal(parse_exact(message, sizeof message - 1), GW_OK);
}

/* depth containers in all, the envelope among them; each of the inner ones an object
 * where its level says so */
static void
make_nested(struct buf *buf, size_t depth, bool (*is_object)(size_t level))
{
	buf_clear(buf);
	(void)buf_printf(buf, "{\"d\":");
	for (size_t level = 1; level < depth; level++) {
		(void)buf_printf(buf, "%s", is_object(level) ? "{\"\":" : "[");
	}
	(void)buf_printf(buf, "0");
	for (size_t level = depth - 1; level >= 1; level--) {
		(void)buf_printf(buf, "%s", is_object(level) ? "}" : "]");
	}
	(void)buf_printf(buf, "}");
}

static bool
always(size_t level)
{
	(void)level;
	return true;
}

static bool
never(size_t level)
{
	(void)level;
	return false;
}

static bool
irregularly(size_t level)
{
	return level % 3 == 0 || level % 7 == 0;
}

static enum gw_err
parse_nested(size_t depth, bool (*is_object)(size_t level))
{
	struct buf buf;

	buf_init(&buf, 1 << 20);
	make_nested(&buf, depth, is_object);
	enum gw_err err = parse_exact(buf.data, buf.size);

	buf_fini(&buf);
	return err;
}

static void
nests_to_the_limit_and_no_deeper(void **state)
{
	bool (*const shapes[])(size_t) = {always, never, irregularly};

	(void)state;
	for (size_t i = 0; i < COUNT(shapes); i++) {
		assert_int_equal(parse_nested(PAYLOAD_MAX_DEPTH, shapes[i]), GW_OK);
		assert_int_equal(parse_nested(PAYLOAD_MAX_DEPTH + 1, shapes[i]),
		    GW_ERR_TOO_LARGE);
		assert_int_equal(parse_nested(100000, shapes[i]), GW_ERR_TOO_LARGE);
	}
}

static void
brackets_must_match_at_every_depth(void **state)
{
	const size_t depth = 140; /* past two words of bits */
	struct buf buf;

	(void)state;
	buf_init(&buf, 4096);
	make_nested(&buf, depth, irregularly);
	assert_int_equal(parse_exact(buf.data, buf.size), GW_OK);
	for (size_t i = buf.size - depth; i < buf.size; i++) {
		char right = buf.data[i];

		buf.data[i] = right == '}' ? ']' : '}';
		assert_int_equal(parse_exact(buf.data, buf.size), GW_ERR_SYNTAX);
		buf.data[i] = right;
	}
	buf_fini(&buf);
}

/* ---- the envelope ---- */

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
agrees_with_cjson_on_a_message(void **state)
{
	struct payload payload = parse(message);
	cJSON *json = cJSON_Parse(message);
	cJSON *data = cJSON_ParseWithLength(payload.data.data, payload.data.size);

	(void)state;
	assert_non_null(json);
	assert_int_equal(payload.op, 0);
	assert_int_equal(payload.seq, 42);
	assert_slice(payload.type, "MESSAGE_CREATE");
	assert_true(cJSON_Compare(cJSON_GetObjectItem(json, "d"), data, true));
	cJSON_Delete(json);
	cJSON_Delete(data);
}

/* ---- readers ---- */

static void
reads_hello(void **state)
{
	static const struct {
		const char *data;
		int64_t interval_ms; /* -1: refused */
	} cases[] = {
	    {"{\"heartbeat_interval\":41250,\"_trace\":[\"[\\\"gateway\\\"]\"]}",
		41250},
	    {"{\"heartbeat_interval\":1,\"heartbeat_interval\":2}", 2},
	    {"{\"heartbeat_interval\":0}", 0},
	    {"{\"heartbeat_interval\":-5}", -1},
	    {"{\"heartbeat_interval\":41250.5}", -1},
	    {"{\"heartbeat_interval\":\"41250\"}", -1},
	    {"{\"heartbeat_interval\":null}", -1},
	    {"{\"x\":{\"heartbeat_interval\":1}}", -1},
	    {"{}", -1},
	    {"null", -1},
	    {"[41250]", -1},
	    {"", -1},
	    {"{\"heartbeat_interval\":1", -1},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		int64_t interval_ms = 77;
		bool good = payload_read_hello(slice_of(cases[i].data), &interval_ms);

		if (good != (cases[i].interval_ms >= 0) ||
		    interval_ms != (good ? cases[i].interval_ms : 77)) {
			fail_msg("%s", cases[i].data);
		}
	}
}

static void
only_the_literal_true_is_resumable(void **state)
{
	static const char *const others[] = {"false", "null", "1", "\"true\"", "[true]",
	    "", "True", "truee", "{}"};

	(void)state;
	assert_true(payload_read_resumable(parse("{\"op\":9,\"d\": true }").data));
	for (size_t i = 0; i < COUNT(others); i++) {
		assert_false(payload_read_resumable(slice_of(others[i])));
	}
	assert_false(payload_read_resumable(parse("{\"op\":9}").data));
}

static void
reads_ready(void **state)
{
	struct payload_ready ready;

	(void)state;
	assert_int_equal(
	    payload_read_ready(
		SLICE_LITERAL(
		    "{\"v\":10,\"user_settings\":{},\"user\":{\"verified\":true,"
		    "\"username\":\"Jos\\u00e9 \\ud83d\\ude00 \xd0\x96\",\"id\":"
		    "\"80351110224678912\"},\"session_id\":\"30f32c5d54ae86130fc"
		    "4a215c7474263\",\"resume_gateway_url\":\"wss:\\/\\/gateway"
		    "-us-east1-b.discord.gg\",\"guilds\":[{\"id\":\"1\"},null,"
		    "{\"id\":\"2\",\"unavailable\":true}],\"shard\":[3,16],"
		    "\"application\":{\"id\":\"99\",\"flags\":565248},\"x\":[]}"),
		&ready),
	    GW_OK);
	assert_int_equal(ready.version, 10);
	assert_string_equal(ready.user_id, "80351110224678912");
	assert_string_equal(ready.user_name, "Jos\xc3\xa9 \xf0\x9f\x98\x80 \xd0\x96");
	assert_string_equal(ready.session_id, "30f32c5d54ae86130fc4a215c7474263");
	assert_string_equal(ready.resume_url, "wss://gateway-us-east1-b.discord.gg");
	assert_string_equal(ready.application_id, "99");
	assert_int_equal(ready.guilds, 3);
	assert_string_equal(ready.guild_id, "1");
	assert_int_equal(ready.shard_id, 3);
	assert_int_equal(ready.shard_count, 16);
}

static void
a_bad_member_of_ready_spoils_no_other(void **state)
{
	struct payload_ready ready;

	(void)state;
	assert_int_equal(
	    payload_read_ready(SLICE_LITERAL(
				   "{\"v\":\"10\",\"user\":[],\"session_id\":5,"
				   "\"resume_gateway_url\":null,\"guilds\":{},"
				   "\"shard\":[0],\"application\":{\"id\":99}}"),
		&ready),
	    GW_OK);
	assert_int_equal(ready.version, 0);
	assert_string_equal(ready.user_id, "");
	assert_string_equal(ready.session_id, "");
	assert_string_equal(ready.resume_url, "");
	assert_string_equal(ready.application_id, "99");
	assert_int_equal(ready.guilds, 0);
	assert_int_equal(ready.shard_id, -1);
	assert_int_equal(ready.shard_count, 0);
	assert_int_equal(payload_read_ready(SLICE_LITERAL("[]"), &ready),
	    GW_ERR_SYNTAX);
	assert_int_equal(payload_read_ready(SLICE_LITERAL(""), &ready), GW_ERR_SYNTAX);
	assert_int_equal(payload_read_ready(SLICE_LITERAL("{}"), &ready), GW_OK);
	assert_int_equal(ready.shard_id, -1);
}

static void
a_resume_url_that_cannot_be_kept_says_why(void **state)
{
	static const struct {
		const char *value;
		int repeated;      /* it is this many u between quotes; 0: value */
		const char *fault; /* a part of it; NULL: none */
		size_t kept;
	} cases[] = {
	    {"null", 0, NULL, 0},
	    {"\"\"", 0, NULL, 0},
	    {"\"wss://a\"", 0, NULL, 7},
	    {"\"wss://a\\u0000b\"", 0, "NUL", 0},
	    {"\"\\u0000\"", 0, "NUL", 0},
	    {"{\"a\":1}", 0, "no string", 0},
	    {"7", 0, "no string", 0},
	    {NULL, 255, NULL, 255},
	    {NULL, 256, "longer", 0},
	    {NULL, 400, "longer", 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		char many[512] = "\"";
		char json[600];
		struct payload_ready ready;
		size_t repeated = (size_t)cases[i].repeated;

		memset(many + 1, 'u', repeated);
		many[1 + repeated] = '"';
		(void)snprintf(json, sizeof json, "{\"resume_gateway_url\":%s}",
		    repeated > 0 ? many : cases[i].value);
		assert_int_equal(payload_read_ready(slice_of(json), &ready), GW_OK);

		const char *fault = ready.resume_url_fault;

		if ((fault != NULL) != (cases[i].fault != NULL) ||
		    (fault && !strstr(fault, cases[i].fault))) {
			fail_msg("%s: %s", json, fault ? fault : "no fault");
		}
		assert_int_equal(strlen(ready.resume_url), cases[i].kept);
	}
}

static void
reads_a_guild_of_ready_that_has_an_id(void **state)
{
	static const struct {
		const char *guilds;
		uint32_t count;
		const char *id;
	} cases[] = {
	    {"[]", 0, ""},
	    {"[null,{},{\"id\":[]},{\"id\":\"\"},{\"id\":\"7\"},{\"id\":\"8\"}]", 6,
		"7"},
	    {"[{\"id\":9}]", 1, "9"},
	    {"[{\"id\":\"1234567890123456789012345\"},{\"id\":\"3\"}]", 2, "3"},
	    {"null", 0, ""},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct payload_ready ready;
		char data[160];

		(void)snprintf(data, sizeof data, "{\"guilds\":%s}", cases[i].guilds);
		assert_int_equal(payload_read_ready(slice_of(data), &ready), GW_OK);
		assert_int_equal(ready.guilds, cases[i].count);
		assert_string_equal(ready.guild_id, cases[i].id);
	}
}

static void
reads_a_guild_and_its_outage(void **state)
{
	static const struct {
		const char *data;
		const char *id;
		bool unavailable;
	} cases[] = {
	    {"{\"unavailable\":true,\"id\":\"5\"}", "5", true},
	    {"{\"id\":\"5\",\"unavailable\":false}", "5", false},
	    {"{\"id\":\"5\",\"unavailable\":\"true\"}", "5", false},
	    {"{\"id\":5}", "5", false},
	    {"{\"id\":null}", "", false},
	    {"[]", "", false},
	    {"", "", false},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct payload_guild guild;

		payload_read_guild(slice_of(cases[i].data), &guild);
		assert_string_equal(guild.id, cases[i].id);
		assert_int_equal(guild.unavailable, cases[i].unavailable);
	}
}

static void
read_session(const char *text, size_t size, const char *end,
    struct payload_ready *ready)
{
	struct buf data;

	buf_init(&data, 1024);
	assert_int_equal(buf_printf(&data, "{\"session_id\":\"%.*s%s\"}", (int)size,
			     text, end),
	    GW_OK);
	assert_int_equal(payload_read_ready(buf_slice(&data), ready), GW_OK);
	buf_fini(&data);
}

static void
text_that_does_not_fit_or_holds_nul_is_refused(void **state)
{
	struct payload_ready ready;
	char text[200];

	(void)state;
	memset(text, 'x', sizeof text);
	read_session(text, sizeof ready.session_id - 1, "", &ready);
	assert_int_equal(strlen(ready.session_id), sizeof ready.session_id - 1);
	read_session(text, sizeof ready.session_id, "", &ready);
	assert_string_equal(ready.session_id, "");
	read_session(text, sizeof ready.session_id - 2, "\\u00e9", &ready);
	assert_string_equal(ready.session_id, "");
	read_session(text, sizeof ready.session_id - 3, "\\u00e9", &ready);
	assert_int_equal(strlen(ready.session_id), sizeof ready.session_id - 1);
	read_session(text, 3, "\\u0000", &ready);
	assert_string_equal(ready.session_id, "");
	read_session(text, 3, "\\\"\\\\\\/\\b\\f\\n\\r\\t", &ready);
	assert_string_equal(ready.session_id, "xxx\"\\/\b\f\n\r\t");
}

static void
surrogates_are_paired_or_replaced(void **state)
{
	static const struct {
		const char *written;
		const char *read;
	} cases[] = {
	    {"\\ud83d\\ude00", "\xf0\x9f\x98\x80"},
	    {"\\uD83D\\uDE00", "\xf0\x9f\x98\x80"},
	    {"\\ud800\\udc00", "\xf0\x90\x80\x80"},
	    {"\\udbff\\udfff", "\xf4\x8f\xbf\xbf"},
	    {"\\ud800", "\xef\xbf\xbd"},
	    {"\\ud800x", "\xef\xbf\xbdx"},
	    {"\\udc00", "\xef\xbf\xbd"},
	    {"\\udc00\\ud800", "\xef\xbf\xbd\xef\xbf\xbd"},
	    {"\\ud800\\ud83d\\ude00", "\xef\xbf\xbd\xf0\x9f\x98\x80"},
	    {"\\ud800\\u0041", "\xef\xbf\xbd\x41"},
	    {"\\ud800\\n", "\xef\xbf\xbd\n"},
	    {"\\u007f\\u0080\\u07ff\\u0800\\uffff",
		"\x7f\xc2\x80\xdf\xbf\xe0\xa0\x80\xef\xbf\xbf"},
	};
	struct payload_ready ready;

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		read_session(cases[i].written, strlen(cases[i].written), "", &ready);
		assert_string_equal(ready.session_id, cases[i].read);
	}
}

/* ---- writers ---- */

static void
assert_written(const char *out, size_t size, const char *text)
{
	if (size != strlen(text) || memcmp(out, text, size) != 0) {
		fail_msg("%.*s is not %s", (int)size, out, text);
	}
}

static void
writes_heartbeats(void **state)
{
	char out[64] = "";

	(void)state;
	assert_written(out, payload_write_heartbeat(out, sizeof out, false, 5),
	    "{\"op\":1,\"d\":null}");
	assert_written(out, payload_write_heartbeat(out, sizeof out, true, 0),
	    "{\"op\":1,\"d\":0}");
	assert_written(out, payload_write_heartbeat(out, sizeof out, true, INT64_MAX),
	    "{\"op\":1,\"d\":9223372036854775807}");
}

static void
writes_identify_and_resume_as_discord_wants_them(void **state)
{
	struct payload_identify identify = {
	    .token = "a.b-c_d",
	    .intents = 33281,
	    .shard_id = 0,
	    .shard_count = 1,
	};
	char out[PAYLOAD_SEND_BYTES] = "";

	(void)state;
	assert_written(out, payload_write_identify(out, sizeof out, &identify),
	    "{\"op\":2,\"d\":{\"token\":\"a.b-c_d\",\"intents\":33281,\"properties\":"
	    "{\"os\":\"linux\",\"browser\":\"gwbotd\",\"device\":\"gwbotd\"},"
	    "\"shard\":[0,1]}}");
	identify.intents = UINT64_MAX;
	identify.shard_id = 15;
	identify.shard_count = 16;
	identify.presence = "{\"since\":null,\"activities\":[],\"status\":\"online\","
			    "\"afk\":false}";
	assert_written(out, payload_write_identify(out, sizeof out, &identify),
	    "{\"op\":2,\"d\":{\"token\":\"a.b-c_d\",\"intents\":18446744073709551615,"
	    "\"properties\":{\"os\":\"linux\",\"browser\":\"gwbotd\",\"device\":"
	    "\"gwbotd\"},\"shard\":[15,16],\"presence\":{\"since\":null,"
	    "\"activities\":[],\"status\":\"online\",\"afk\":false}}}");
	assert_written(out,
	    payload_write_resume(out, sizeof out, "a.b", "30f32c5d", 1337),
	    "{\"op\":6,\"d\":{\"token\":\"a.b\",\"session_id\":\"30f32c5d\","
	    "\"seq\":1337}}");
	assert_written(out,
	    payload_write_probe(out, sizeof out, "41771983444115456",
		"80351110224678912", "alive-1"),
	    "{\"op\":8,\"d\":{\"guild_id\":\"41771983444115456\",\"user_ids\":["
	    "\"80351110224678912\"],\"limit\":0,\"nonce\":\"alive-1\"}}");
}

static void
escapes_what_it_writes(void **state)
{
	char out[256] = "";

	(void)state;
	assert_written(out,
	    payload_write_resume(out, sizeof out, "a\"\\\x01\n\x1f\x7f/",
		"\xc3\xa9\xff\xf0\x9f\x98\x80", 0),
	    "{\"op\":6,\"d\":{\"token\":\"a\\u0022\\u005c\\u0001\\u000a\\u001f\x7f/\","
	    "\"session_id\":\"\xc3\xa9\\ufffd\xf0\x9f\x98\x80\",\"seq\":0}}");
}

static void
writes_the_whole_or_nothing(void **state)
{
	char out[256] = "";
	size_t size = payload_write_resume(out, sizeof out, "token", "id", 12);

	(void)state;
	for (size_t room = 0; room < size; room++) {
		char *exact = malloc(room ? room : 1);

		assert_non_null(exact);
		assert_int_equal(payload_write_resume(exact, room, "token", "id", 12),
		    0);
		free(exact);
	}
	assert_int_equal(payload_write_resume(out, size, "token", "id", 12), size);
}

static void
never_writes_more_than_discord_takes(void **state)
{
	char out[PAYLOAD_SEND_BYTES + 100];
	char session_id[PAYLOAD_SEND_BYTES];
	size_t frame = payload_write_resume(out, sizeof out, "token", "", 12);

	(void)state;
	memset(session_id, 'x', sizeof session_id);
	session_id[PAYLOAD_SEND_BYTES - frame] = '\0';
	assert_int_equal(payload_write_resume(out, sizeof out, "token", session_id, 12),
	    PAYLOAD_SEND_BYTES);
	assert_int_equal(payload_write_resume(out, sizeof out, "token2", session_id,
			     12),
	    0);
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
	    cmocka_unit_test(judges_values_as_cjson_does_but_for_the_listed_ones),
	    cmocka_unit_test(refuses_what_is_not_one_object),
	    cmocka_unit_test(payloads_in_a_row_are_taken_one_by_one),
	    cmocka_unit_test(judges_each_byte_at_each_place_of_a_string),
	    cmocka_unit_test(every_prefix_is_refused_without_reading_past_it),
	    cmocka_unit_test(nests_to_the_limit_and_no_deeper),
	    cmocka_unit_test(brackets_must_match_at_every_depth),
	    cmocka_unit_test(finds_the_members_in_any_order),
	    cmocka_unit_test(members_that_are_missing_are_missing),
	    cmocka_unit_test(seq_is_a_natural_number_or_missing),
	    cmocka_unit_test(op_and_type_of_a_wrong_type_count_as_missing),
	    cmocka_unit_test(of_doubled_keys_the_last_counts),
	    cmocka_unit_test(type_is_given_as_written),
	    cmocka_unit_test(extent_of_data_has_no_space_around),
	    cmocka_unit_test(out_is_left_alone_on_an_error),
	    cmocka_unit_test(agrees_with_cjson_on_a_message),
	    cmocka_unit_test(reads_hello),
	    cmocka_unit_test(only_the_literal_true_is_resumable),
	    cmocka_unit_test(reads_ready),
	    cmocka_unit_test(a_bad_member_of_ready_spoils_no_other),
	    cmocka_unit_test(a_resume_url_that_cannot_be_kept_says_why),
	    cmocka_unit_test(reads_a_guild_of_ready_that_has_an_id),
	    cmocka_unit_test(reads_a_guild_and_its_outage),
	    cmocka_unit_test(text_that_does_not_fit_or_holds_nul_is_refused),
	    cmocka_unit_test(surrogates_are_paired_or_replaced),
	    cmocka_unit_test(writes_heartbeats),
	    cmocka_unit_test(writes_identify_and_resume_as_discord_wants_them),
	    cmocka_unit_test(escapes_what_it_writes),
	    cmocka_unit_test(writes_the_whole_or_nothing),
	    cmocka_unit_test(never_writes_more_than_discord_takes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
