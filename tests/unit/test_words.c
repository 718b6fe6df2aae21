/* A line of the prompt, taken apart: what a shell user expects, and no more. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "words.h"

#define TEXT_ROOM 512

/* Every command of the line: "<a><b c>|<d>|" */
static void
assert_words(const char *line, const char *expected)
{
	struct slice rest = slice_of(line);
	struct words words;
	struct buf out;

	words_init(&words);
	buf_init(&out, TEXT_ROOM);
	do {
		enum gw_err err = words_take(&words, &rest);

		if (words_problem(&words, err)) {
			(void)buf_printf(&out, "!%s", words_problem(&words, err));
		}
		for (size_t i = 0; i < words.count; i++) {
			(void)buf_printf(&out, "<%s>", words.list[i]);
		}
		assert_null(words.list[words.count]);
		(void)buf_printf(&out, "|");
	} while (rest.size > 0);
	assert_int_equal(buf_append(&out, "", 1), GW_OK);
	assert_string_equal(out.data, expected);
	buf_fini(&out);
	words_fini(&words);
}

static void
blanks_part_words_and_semicolons_commands(void **state)
{
	(void)state;
	assert_words("", "|");
	assert_words("  \t ", "|");
	assert_words("status", "<status>|");
	assert_words(" reconnect\t3  --fresh ", "<reconnect><3><--fresh>|");
	assert_words("a;b c; d", "<a>|<b><c>|<d>|");
	assert_words("a;;", "<a>||");
	assert_words("status\r", "<status>|");
}

static void
quotes_keep_a_word_together(void **state)
{
	(void)state;
	assert_words("'a b;c#d'", "<a b;c#d>|");
	assert_words("\"a b\" c", "<a b><c>|");
	assert_words("a'b c'\"d e\"f", "<ab cd ef>|");
	assert_words("'' \"\"", "<><>|");
	assert_words("'a\\n'", "<a\\n>|");
	assert_words("\"a\\\"b\\\\c\\$d\\ne\"", "<a\"b\\c$d\\ne>|");
	assert_words("a\\ b \\'c \\;", "<a b><'c><;>|");
}

static void
a_comment_begins_only_where_a_word_could(void **state)
{
	(void)state;
	assert_words("# all of it; all", "|");
	assert_words("status # the rest", "<status>|");
	assert_words("a#b", "<a#b>|");
	assert_words("'#'", "<#>|");
}

static void
what_is_not_closed_is_said(void **state)
{
	(void)state;
	assert_words("a 'b c", "!a ' is not closed<a><b c>|");
	assert_words("a \"b ; c", "!a \" is not closed<a><b ; c>|");
	assert_words("a \\",
	    "!nothing follows the backslash at the end of the line<a><>|");
	assert_words("\"a\\", "!a \" is not closed<a>|");
}

static void
no_byte_of_a_terminal_is_refused_but_nul(void **state)
{
	static const char with_nul[] = "status\0 --json";
	struct slice line = {with_nul, sizeof with_nul - 1};
	struct words words;

	(void)state;
	words_init(&words);
	assert_int_equal(words_take(&words, &line), GW_ERR_SYNTAX);
	assert_int_equal(words.count, 0);
	words_fini(&words);
	assert_words("\x01\x1b[2J \xff\xfe", "<\x01\x1b[2J><\xff\xfe>|");
}

static void
a_line_has_a_longest_size_and_a_command_a_number_of_words(void **state)
{
	size_t size = WORDS_LINE_MAX_BYTES;
	char *text = malloc(size + 1);
	struct slice line = {text, size};
	struct words words;

	(void)state;
	assert_non_null(text);
	words_init(&words);
	memset(text, 'x', size + 1);
	assert_int_equal(words_take(&words, &line), GW_OK);
	assert_int_equal(strlen(words.list[0]), size);
	line = (struct slice){text, size + 1};
	assert_int_equal(words_take(&words, &line), GW_ERR_TOO_LARGE);
	assert_int_equal(line.size, 0);
	for (size_t i = 1; i <= (size_t)2 * WORDS_MAX; i += 2) {
		text[i] = ' ';
	}
	line = (struct slice){text, (size_t)2 * WORDS_MAX};
	assert_int_equal(words_take(&words, &line), GW_OK);
	assert_int_equal(words.count, WORDS_MAX);
	line = (struct slice){text, (size_t)2 * WORDS_MAX + 1};
	assert_int_equal(words_take(&words, &line), GW_ERR_TOO_LARGE);
	words_fini(&words);
	free(text);
}

static void
the_word_under_the_cursor_is_known(void **state)
{
	static const struct {
		const char *text;
		bool open_word;
		bool open_comment;
		char open_quote;
	} cases[] = {
	    {"status", true, false, 0},
	    {"status ", false, false, 0},
	    {"a;", false, false, 0},
	    {"a 'b ", true, false, '\''},
	    {"a \"", true, false, '"'},
	    {"# what", false, true, 0},
	    {"", false, false, 0},
	};
	struct words words;

	(void)state;
	words_init(&words);
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct slice line = slice_of(cases[i].text);

		assert_int_equal(words_take(&words, &line), GW_OK);
		assert_int_equal(words.open_word, cases[i].open_word);
		assert_int_equal(words.open_comment, cases[i].open_comment);
		assert_int_equal(words.open_quote, cases[i].open_quote);
	}
	words_fini(&words);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(blanks_part_words_and_semicolons_commands),
	    cmocka_unit_test(quotes_keep_a_word_together),
	    cmocka_unit_test(a_comment_begins_only_where_a_word_could),
	    cmocka_unit_test(what_is_not_closed_is_said),
	    cmocka_unit_test(no_byte_of_a_terminal_is_refused_but_nul),
	    cmocka_unit_test(a_line_has_a_longest_size_and_a_command_a_number_of_words),
	    cmocka_unit_test(the_word_under_the_cursor_is_known),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
