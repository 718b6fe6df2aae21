/* Screens at any width: aligned by what a terminal shows, never past its edge. */
#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "writer.h"

static const struct writer_column name_and_count[] = {{"NAME", false}, {"COUNT", true}};

/* A writer for a terminal of so many columns. */
static void
begin(struct writer *writer, size_t columns)
{
	writer_init(writer, false);
	writer->columns = columns;
	writer->fits = true;
}

static void
expect(struct writer *writer, const char *text)
{
	(void)buf_append(&writer->out, "", 1);
	assert_string_equal(writer->out.data, text);
	writer_fini(writer);
}

static void
put_table(struct writer *writer, const char *const *names, size_t count)
{
	struct writer_table table;

	writer_table_begin(&table, name_and_count, 2);
	for (size_t i = 0; i < count; i++) {
		writer_table_cell(&table, STYLE_PLAIN, "%s", names[i]);
		writer_table_cell(&table, STYLE_PLAIN, "%zu", i + 8);
	}
	writer_table_end(&table, writer);
}

static void
a_character_counts_as_wide_as_it_is_shown(void **state)
{
	static const struct {
		const char *text;
		size_t width;
	} cases[] = {
	    {"", 0},
	    {"abc", 3},
	    {"日本語", 6},
	    {"cafe\u0301", 4},
	    {"🦊", 2},
	    {"\xff", 1},
	    {"a\u200db", 2},
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		assert_int_equal(writer_width(cases[i].text), cases[i].width);
	}
}

static void
tables_stay_aligned_with_names_of_any_script(void **state)
{
	static const char *const names[] = {"日本語", "cafe\u0301", "🦊 fox"};
	struct writer writer;

	(void)state;
	begin(&writer, 80);
	put_table(&writer, names, 3);
	expect(&writer,
	    "NAME    COUNT\n"
	    "日本語      8\n"
	    "cafe\u0301        9\n"
	    "🦊 fox     10\n");
}

static void
a_line_of_a_table_ends_at_the_edge_of_the_terminal(void **state)
{
	static const char *const names[] = {"日本語日本語", "abcdefghijklm", "short"};
	struct writer writer;

	(void)state;
	begin(&writer, 10);
	put_table(&writer, names, 3);
	/* The second column does not fit; a wide character is left out as a whole. */
	expect(&writer,
	    "NAME     ~\n"
	    "日本語日~\n"
	    "abcdefghi~\n"
	    "short    ~\n");
}

static void
a_table_in_a_pipe_is_not_cut(void **state)
{
	static const char *const names[] = {"abcdefghijklm"};
	struct writer writer;

	(void)state;
	begin(&writer, 10);
	writer.fits = false;
	put_table(&writer, names, 1);
	expect(&writer,
	    "NAME           COUNT\n"
	    "abcdefghijklm      8\n");
}

static void
a_cut_keeps_what_combines_with_a_character(void **state)
{
	struct writer writer;

	(void)state;
	begin(&writer, 80);
	writer_put_cut(&writer, STYLE_PLAIN, "cafe\u0301 noir", 5);
	writer_newline(&writer);
	writer_put_cut(&writer, STYLE_PLAIN, "日本", 3);
	writer_newline(&writer);
	writer_put_cut(&writer, STYLE_PLAIN, "whole", 5);
	expect(&writer, "cafe\u0301~\n日~\nwhole");
}

static void
facts_go_on_below_the_first_one(void **state)
{
	struct writer writer;

	(void)state;
	begin(&writer, 40);
	writer_label(&writer, "Gateway");
	writer_fact(&writer, STYLE_PLAIN, "one of two shards");
	writer_fact(&writer, STYLE_PLAIN, "silent");
	writer_fact(&writer, STYLE_PLAIN, "a fact that is longer than a whole line is");
	writer_newline(&writer);
	expect(&writer,
	    "  Gateway   one of two shards   silent\n"
	    "            a fact that is longer than a\n"
	    "            whole line is\n");
}

static void
a_long_word_goes_on_below_on_a_terminal_only(void **state)
{
	static const char text[] = "at 0123456789012345678901234567890123456789 now";
	struct writer writer;

	(void)state;
	begin(&writer, 30);
	writer_text(&writer, STYLE_PLAIN, text);
	writer_newline(&writer);
	expect(&writer,
	    "at\n"
	    "012345678901234567890123456789\n"
	    "0123456789 now\n");
	begin(&writer, 30);
	writer.fits = false;
	writer_text(&writer, STYLE_PLAIN, text);
	writer_newline(&writer);
	expect(&writer,
	    "at\n"
	    "0123456789012345678901234567890123456789\n"
	    "now\n");
}

static void
a_text_at_the_edge_moves_to_the_left(void **state)
{
	struct writer writer;

	(void)state;
	begin(&writer, 40);
	writer_put(&writer, STYLE_PLAIN, "path");
	writer_tab(&writer, 30);
	writer_text(&writer, STYLE_PLAIN, "a value of several words");
	writer_newline(&writer);
	expect(&writer,
	    "path\n"
	    "    a value of several words\n");
}

static void
lines_of_text_end_where_they_can_still_be_read(void **state)
{
	struct writer writer;
	char text[400];

	(void)state;
	for (size_t i = 0; i + 1 < sizeof text; i++) {
		text[i] = i % 10 == 9 ? ' ' : 'x';
	}
	text[sizeof text - 1] = '\0';
	begin(&writer, 300);
	writer_text(&writer, STYLE_PLAIN, text);
	assert_ptr_equal(strchr(writer.out.data, '\n'), writer.out.data + 119);
	writer_fini(&writer);
}

static void
the_width_comes_from_the_environment_first(void **state)
{
	static const struct {
		const char *columns;
		size_t width;
	} cases[] = {{"120", 120}, {"20", 40}, {"99999", 500}, {"", 80}, {"-5", 80},
	    {"80x", 80}};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct writer writer;

		(void)setenv("COLUMNS", cases[i].columns, 1);
		writer_init(&writer, false);
		/* By hand, a terminal is asked where the variable says nothing. */
		if (cases[i].width != 80 || !isatty(STDOUT_FILENO)) {
			assert_int_equal(writer.columns, cases[i].width);
		}
		writer_fini(&writer);
	}
	(void)unsetenv("COLUMNS");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_character_counts_as_wide_as_it_is_shown),
	    cmocka_unit_test(tables_stay_aligned_with_names_of_any_script),
	    cmocka_unit_test(a_line_of_a_table_ends_at_the_edge_of_the_terminal),
	    cmocka_unit_test(a_table_in_a_pipe_is_not_cut),
	    cmocka_unit_test(a_cut_keeps_what_combines_with_a_character),
	    cmocka_unit_test(facts_go_on_below_the_first_one),
	    cmocka_unit_test(a_long_word_goes_on_below_on_a_terminal_only),
	    cmocka_unit_test(a_text_at_the_edge_moves_to_the_left),
	    cmocka_unit_test(lines_of_text_end_where_they_can_still_be_read),
	    cmocka_unit_test(the_width_comes_from_the_environment_first),
	};

	if (!setlocale(LC_CTYPE, "C.UTF-8")) {
		return 77;
	}
	(void)unsetenv("COLUMNS");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
