/* Templates: what they may name, and that no value in them has an effect. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "template.h"

#define ROOM 512

static struct template_values
some_values(void)
{
	struct template_values values = {0};

	values.at[TEMPLATE_user] = slice_of("<@80351110224678912>");
	values.at[TEMPLATE_user_name] = slice_of("*Ann*");
	values.at[TEMPLATE_args] = slice_of("@everyone <@&7>");
	values.at[TEMPLATE_members] = slice_of("12");
	return values;
}

static void
placeholders_are_replaced(void **state)
{
	static const struct {
		const char *text;
		const char *expanded;
	} cases[] = {
	    {"", ""},
	    {"plain", "plain"},
	    {"Hi {user}!", "Hi <@80351110224678912>!"},
	    {"{user_name}{members}", "\\*Ann\\*12"},
	    {"{{user}} }}{{", "{user} }{"},
	    {"{args}",
		"@\xe2\x80\x8b"
		"everyone <\xe2\x80\x8b@\xe2\x80\x8b&7\\>"},
	    {"{server}", ""},
	    {"a\nb", "a\nb"},
	};
	const struct template_values values = some_values();

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct buf out;

		buf_init(&out, ROOM);
		assert_int_equal(template_expand(slice_of(cases[i].text),
				     TEMPLATE_COMMAND, &values, &out),
		    GW_OK);
		if (!slice_equal(buf_slice(&out), slice_of(cases[i].expanded))) {
			fail_msg("%s -> %.*s", cases[i].text, (int)out.size, out.data);
		}
		buf_fini(&out);
	}
}

static void
a_template_that_is_wrong_is_told_why(void **state)
{
	static const struct {
		const char *text;
		char where;
		enum gw_err err;
		const char *says;
	} cases[] = {
	    {"{user}", TEMPLATE_JOIN, GW_OK, ""},
	    {"{user} {date}", 0, GW_OK, ""},
	    {"{usr}", 0, GW_ERR_UNKNOWN,
		"{usr} is no placeholder here; those are user "},
	    {"{user}", TEMPLATE_POST, GW_ERR_UNKNOWN, "those are channel bot version "},
	    {"{args}", TEMPLATE_JOIN, GW_ERR_UNKNOWN, "{args} is no placeholder here"},
	    {"{}", 0, GW_ERR_UNKNOWN, "{} is no"},
	    {"{user", 0, GW_ERR_SYNTAX, "a brace without its partner"},
	    {"user}", 0, GW_ERR_SYNTAX, "a brace without its partner"},
	    {"{{user}", 0, GW_ERR_SYNTAX, "a brace without its partner"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		const struct template_values values = some_values();
		char reason[ROOM] = "";
		struct buf out;

		buf_init(&out, ROOM);
		assert_int_equal(template_check(slice_of(cases[i].text), cases[i].where,
				     reason, sizeof reason),
		    cases[i].err);
		assert_non_null(strstr(reason, cases[i].says));
		assert_int_equal(template_expand(slice_of(cases[i].text),
				     cases[i].where, &values, &out),
		    cases[i].err);
		buf_fini(&out);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(placeholders_are_replaced),
	    cmocka_unit_test(a_template_that_is_wrong_is_told_why),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
