/* What a job posts: placeholders, a program's output, messages that Discord takes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "json.h"
#include "message.h"
#include "post.h"

static void
templates_and_output_are_lines_of_one_text(void **state)
{
	struct post_values values;
	struct buf out;

	(void)state;
	post_values_fill(&(struct post_facts){.bot = "b",
			     .version = "1",
			     .uptime = CLOCK_S(3 * 3600 + 62),
			     .wall_s = 1769853600},
	    "123456789012345678", &values);
	buf_init(&out, POST_TEXT_MAX_BYTES);
	assert_int_equal(post_add_template(slice_of("in {channel} of {bot} {version}"),
			     &values.values, &out),
	    GW_OK);
	assert_int_equal(post_add_template(slice_of(""), &values.values, &out), GW_OK);
	assert_int_equal(post_add_output(slice_of("*5* <@&41> <@1> <#2> @here\n\n"),
			     &out),
	    GW_OK);
	assert_int_equal(post_add_output(slice_of(" \n"), &out), GW_OK);
	assert_int_equal(buf_append(&out, "", 1), GW_OK);
	assert_string_equal(out.data,
	    "in <#123456789012345678> of b 1\n"
	    "*5* <\xe2\x80\x8b@&41> <\xe2\x80\x8b@1> <#2> @here");
	buf_fini(&out);
}

static void
the_clock_and_the_uptime_are_told(void **state)
{
	struct post_values values;
	struct buf out;

	(void)state;
	post_values_fill(&(struct post_facts){.bot = "",
			     .version = "",
			     .uptime = CLOCK_S(100 * 3600 + 62),
			     .wall_s = 1769853600},
	    "1", &values);
	buf_init(&out, POST_TEXT_MAX_BYTES);
	assert_int_equal(post_add_template(slice_of("{date} {time} {uptime}"),
			     &values.values, &out),
	    GW_OK);
	assert_int_equal(buf_append(&out, "", 1), GW_OK);
	/* The marks of Markdown are escaped. */
	assert_string_equal(out.data, "2026-01-31 10:00 100:01:02");
	buf_fini(&out);
}

static void
only_the_texts_of_an_embed_are_templates(void **state)
{
	struct post_values values;
	struct json *embed = NULL;
	struct buf out;

	(void)state;
	post_values_fill(&(struct post_facts){.bot = "\"x\"", .version = ""}, "7",
	    &values);
	buf_init(&out, POST_EMBED_MAX_BYTES);
	assert_int_equal(
	    post_expand_embed(
		"{\"title\":\"{bot} {{}}\",\"color\":255,\"fields\":"
		"[{\"name\":\"n\",\"value\":\"{channel}\",\"inline\":true}]}",
		&values.values, &out),
	    GW_OK);
	assert_int_equal(json_parse(buf_slice(&out), POST_EMBED_MAX_BYTES, &embed),
	    GW_OK);
	assert_string_equal(json_text(json_get(embed, "title")), "\"x\" {}");
	assert_int_equal(json_int_or(json_get(embed, "color"), 0), 255);
	const struct json *field = json_at(json_get(embed, "fields"), 0);

	assert_string_equal(json_text(json_get(field, "value")), "<#7>");
	assert_true(json_is_true(json_get(field, "inline")));
	json_free(embed);
	assert_int_equal(post_expand_embed("{\"a\":\"{user}\"}", &values.values, &out),
	    GW_ERR_UNKNOWN);
	buf_fini(&out);
}

static void
a_long_text_goes_in_a_few_messages_and_is_cut_then(void **state)
{
	static char text[12000];
	struct slice rest = {text, 4500};
	struct slice piece;
	unsigned sent = 0;
	size_t total = 0;
	bool cut = false;

	(void)state;
	for (size_t i = 0; i < sizeof text; i++) {
		text[i] = 'x';
		if (i % 100 == 99) {
			text[i] = '\n';
		}
	}
	while (post_take(&rest, sent, &piece, &cut)) {
		assert_false(cut);
		assert_true(piece.size <= MESSAGE_MAX_CHARACTERS);
		total += piece.size;
		sent++;
	}
	assert_int_equal(sent, 3);
	assert_int_equal(total, 4500);

	rest = (struct slice){text, sizeof text};
	for (sent = 0; sent < POST_MESSAGES_MAX; sent++) {
		assert_true(post_take(&rest, sent, &piece, &cut));
		assert_int_equal(cut, sent + 1 == POST_MESSAGES_MAX);
	}
	assert_int_equal(rest.size, 0);
	rest = slice_of("\n \n\t");
	assert_false(post_take(&rest, 0, &piece, &cut));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(templates_and_output_are_lines_of_one_text),
	    cmocka_unit_test(the_clock_and_the_uptime_are_told),
	    cmocka_unit_test(only_the_texts_of_an_embed_are_templates),
	    cmocka_unit_test(a_long_text_goes_in_a_few_messages_and_is_cut_then),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
