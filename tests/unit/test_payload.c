/* Payload: the grammar of JSON. */
#include "payload_fixture.h"

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

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(judges_values_as_cjson_does_but_for_the_listed_ones),
	    cmocka_unit_test(refuses_what_is_not_one_object),
	    cmocka_unit_test(judges_each_byte_at_each_place_of_a_string),
	    cmocka_unit_test(every_prefix_is_refused_without_reading_past_it),
	    cmocka_unit_test(agrees_with_cjson_on_a_message),
	    cmocka_unit_test(nests_to_the_limit_and_no_deeper),
	    cmocka_unit_test(brackets_must_match_at_every_depth),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
