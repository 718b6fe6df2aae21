/* JSON: what is refused, what is read, what is written. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "json.h"
#include "text.h"

#define MAX_BYTES 4096

static enum gw_err
verdict_on(struct slice text)
{
	struct json *value;
	enum gw_err err = json_parse(text, MAX_BYTES, &value);

	assert_int_equal(err == GW_OK, value != NULL);
	json_free(value);
	return err;
}

static void
only_the_grammar_of_rfc_8259_is_read(void **state)
{
	static const struct {
		const char *text;
		bool good;
	} cases[] = {
	    {"{}", true},
	    {" [ 1 , -2.5e+3 , \"a\\u00e4\\n\" , null , true , false ] ", true},
	    {"0", true},
	    {"-0.0", true},
	    {"\"\\ud83d\\ude00\"", true},
	    {"\"\xf0\x9f\x98\x80\"", true},
	    {"", false},
	    {" ", false},
	    {"{", false},
	    {"{}}", false},
	    {"{} {}", false},
	    {"[1,]", false},
	    {"{\"a\":1,}", false},
	    {"{a:1}", false},
	    {"{\"a\" 1}", false},
	    {"01", false},
	    {"+1", false},
	    {".5", false},
	    {"1.", false},
	    {"1e", false},
	    {"-", false},
	    {"0x10", false},
	    {"NaN", false},
	    {"Infinity", false},
	    {"truex", false},
	    {"True", false},
	    {"'a'", false},
	    {"\"a", false},
	    {"\"\\x41\"", false},
	    {"\"\\u12\"", false},
	    {"\"\\u0000\"", false},
	    {"\"\\ud83d\"", false},
	    {"\"\n\"", false},
	    {"\"\xff\"", false},
	    {"\"\xc0\x80\"", false},
	    {"\"\xed\xa0\x80\"", false},
	    {"\xef\xbb\xbf{}", false},
	    {"\x0b{}", false},
	    {"/**/{}", false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		if ((verdict_on(slice_of(cases[i].text)) == GW_OK) != cases[i].good) {
			fail_msg("%s", cases[i].text);
		}
	}
	assert_int_equal(verdict_on(SLICE_LITERAL("{\0}")), GW_ERR_SYNTAX);
}

static void
depth_and_size_have_a_last_good_value(void **state)
{
	char text[2 * JSON_MAX_DEPTH + 4];
	char blanks[MAX_BYTES + 1];

	(void)state;
	for (size_t depth = JSON_MAX_DEPTH; depth <= JSON_MAX_DEPTH + 1; depth++) {
		memset(text, '[', depth);
		memset(text + depth, ']', depth);
		assert_int_equal(verdict_on((struct slice){text, 2 * depth}),
		    depth == JSON_MAX_DEPTH ? GW_OK : GW_ERR_TOO_LARGE);
	}
	memset(blanks, ' ', sizeof blanks);
	blanks[0] = '1';
	assert_int_equal(verdict_on((struct slice){blanks, MAX_BYTES}), GW_OK);
	assert_int_equal(verdict_on((struct slice){blanks, MAX_BYTES + 1}),
	    GW_ERR_TOO_LARGE);
}

static struct json *
parsed(const char *text)
{
	struct json *value;

	assert_int_equal(json_parse(slice_of(text), MAX_BYTES, &value), GW_OK);
	return value;
}

static void
members_are_read_by_exact_name_and_kind(void **state)
{
	struct json *tree = parsed("{\"a\":1,\"A\":\"x\",\"b\":[true,2.5],\"n\":null}");
	int64_t integer = -1;
	double number = -1;
	bool flag = false;

	(void)state;
	assert_true(json_int(json_get(tree, "a"), &integer));
	assert_int_equal(integer, 1);
	assert_string_equal(json_text(json_get(tree, "A")), "x");
	assert_null(json_text(json_get(tree, "a")));
	assert_null(json_get(tree, "c"));
	assert_null(json_get(json_get(tree, "b"), "a"));
	assert_true(json_bool(json_at(json_get(tree, "b"), 0), &flag));
	assert_true(flag);
	assert_false(json_int(json_at(json_get(tree, "b"), 1), &integer));
	assert_true(json_number(json_at(json_get(tree, "b"), 1), &number));
	assert_true(number == 2.5);
	assert_null(json_at(json_get(tree, "b"), 2));
	assert_null(json_at(tree, 0));
	assert_int_equal(json_kind(json_get(tree, "n")), JSON_NULL);
	assert_int_equal(json_kind(NULL), JSON_NONE);
	assert_int_equal(json_count(tree), 4);
	assert_null(json_first(json_get(tree, "a")));
	json_free(tree);
}

static void
numbers_out_of_range_are_no_integers(void **state)
{
	static const struct {
		const char *text;
		bool number;
		bool integer;
	} cases[] = {
	    {"9007199254740992", true, true},
	    {"-9007199254740992", true, true},
	    {"9007199254740994", true, false},
	    {"1e300", true, false},
	    {"1e999", false, false},
	    {"1e2", true, true},
	    {"\"1\"", false, false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct json *value = parsed(cases[i].text);
		int64_t integer;
		double number;

		if (json_number(value, &number) != cases[i].number ||
		    json_int(value, &integer) != cases[i].integer) {
			fail_msg("%s", cases[i].text);
		}
		json_free(value);
	}
}

static void
assert_prints(struct json *owned_value, const char *expected)
{
	struct buf out;

	buf_init(&out, MAX_BYTES);
	assert_int_equal(json_print(owned_value, &out), GW_OK);
	assert_int_equal(buf_append(&out, "", 1), GW_OK);
	assert_string_equal(out.data, expected);
	buf_fini(&out);
	json_free(owned_value);
}

static void
what_is_made_prints_as_strict_json(void **state)
{
	struct json *object = json_new_object();
	struct json *array = json_new_array();

	(void)state;
	json_append(array, json_new_int(1));
	json_append(array, json_new_text(NULL));
	json_add(object, "array", array);
	json_add_text(object, "text", "a\"\\\n\x01\xff\xc3\xa4\x7f\xc2\x9b");
	json_add_int(object, "big", INT64_C(9223372036854775807));
	json_add_int(object, "seq", 184467);
	json_add_number(object, "nan", (double)NAN);
	json_add_seconds(object, "age_seconds", CLOCK_US(1412345));
	json_add_seconds(object, "unknown_seconds", -1);
	json_add_time(object, "time", INT64_C(1732282082114));
	json_add_bool(object, "yes", true);
	assert_prints(object,
	    "{\"array\":[1,null],\"text\":"
	    "\"a\\\"\\\\\\n\\u0001\xef\xbf\xbd\xc3\xa4\\u007f\\u009b\","
	    "\"big\":9223372036854775807,\"seq\":184467,\"nan\":null,"
	    "\"age_seconds\":1.412345,\"unknown_seconds\":null,"
	    "\"time\":\"2024-11-22T13:28:02.114Z\",\"yes\":true}");
}

static void
characters_that_steer_a_terminal_are_replaced(void **state)
{
	static const char dirty[] = "a\033[31m\xc2\x9b\xe2\x80\xae\xff\tz";
	struct buf out;

	(void)state;
	buf_init(&out, MAX_BYTES);
	assert_int_equal(text_clean(slice_of(dirty), true, &out), GW_OK);
	assert_int_equal(buf_append(&out, "", 1), GW_OK);
	assert_string_equal(out.data,
	    "a" TEXT_REPLACEMENT
	    "[31m" TEXT_REPLACEMENT TEXT_REPLACEMENT TEXT_REPLACEMENT TEXT_REPLACEMENT
	    "z");
	buf_fini(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(only_the_grammar_of_rfc_8259_is_read),
	    cmocka_unit_test(depth_and_size_have_a_last_good_value),
	    cmocka_unit_test(members_are_read_by_exact_name_and_kind),
	    cmocka_unit_test(numbers_out_of_range_are_no_integers),
	    cmocka_unit_test(what_is_made_prints_as_strict_json),
	    cmocka_unit_test(characters_that_steer_a_terminal_are_replaced),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
