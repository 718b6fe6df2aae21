#include "writer.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#include "terminal.h"
#include "text.h"
#include "xalloc.h"

#define SCREEN_MAX_BYTES ((size_t)16 * 1024 * 1024)
#define LABEL_COLUMNS    12 /* "  Watchdog  " */
#define FACT_GAP         3
#define TABLE_GAP        2
#define NOTE_INDENT      6
#define TEXT_INDENT      4 /* of a text that would have too little room where it is */
#define TEXT_ROOM_MIN    16

static const char *const codes[] = {
    [STYLE_PLAIN] = "",
    [STYLE_BOLD] = "\033[1m",
    [STYLE_DIM] = "\033[2m",
    [STYLE_GREEN] = "\033[32m",
    [STYLE_YELLOW] = "\033[33m",
    [STYLE_RED] = "\033[31m",
};

void
writer_init(struct writer *writer, bool colour)
{
	size_t columns = terminal_columns();

	*writer = (struct writer){
	    .colour = colour,
	    .fits = columns > 0,
	    .columns = columns > 0 ? columns : WRITER_COLUMNS,
	};
	buf_init(&writer->out, SCREEN_MAX_BYTES);
}

void
writer_fini(struct writer *writer)
{
	buf_fini(&writer->out);
}

static size_t
code_width(uint32_t code)
{
	int width = wcwidth((wchar_t)code);

	return width < 0 ? 1 : (size_t)width;
}

size_t
writer_width(const char *text)
{
	struct slice rest = slice_of(text);
	size_t width = 0;

	while (rest.size > 0) {
		uint32_t code = '?';
		size_t size = text_read(rest, &code);

		width += code_width(code);
		size = size ? size : 1;
		rest.data += size;
		rest.size -= size;
	}
	return width;
}

static void
put_raw(struct writer *writer, const char *text)
{
	(void)buf_append(&writer->out, text, strlen(text));
}

/* Appends text that is already clean. */
static void
put_clean(struct writer *writer, enum writer_style style, const char *text)
{
	bool coloured = writer->colour && style != STYLE_PLAIN && text[0];

	if (coloured) {
		put_raw(writer, codes[style]);
	}
	put_raw(writer, text);
	if (coloured) {
		put_raw(writer, "\033[0m");
	}
	writer->column += writer_width(text);
}

/* How many bytes of text take at most so many columns; a character keeps what combines
 * with it. */
static size_t
size_within(const char *text, size_t columns)
{
	const char *at = text;
	size_t used = 0;

	while (*at) {
		uint32_t code = '?';
		size_t size = text_read(slice_of(at), &code);
		size_t width = code_width(code);

		if (used + width > columns) {
			break;
		}
		used += width;
		at += size ? size : 1;
	}
	return (size_t)(at - text);
}

/* Cuts a clean text to so many columns (at least one), the last of them a mark. */
static void
cut_text(char *text, size_t columns)
{
	if (writer_width(text) > columns) {
		(void)snprintf(text + size_within(text, columns - 1), sizeof "~", "~");
	}
}

void
writer_put_cut(struct writer *writer, enum writer_style style, const char *text,
    size_t columns)
{
	struct buf clean;

	buf_init(&clean, strlen(text) * 3 + 1);
	(void)text_clean(slice_of(text), true, &clean);
	(void)buf_append(&clean, "", 1);
	if (clean.data) {
		cut_text(clean.data, columns);
		put_clean(writer, style, clean.data);
	}
	buf_fini(&clean);
}

void
writer_put(struct writer *writer, enum writer_style style, const char *text)
{
	writer_put_cut(writer, style, text, SIZE_MAX);
}

/* Where lines of facts and texts end. */
static size_t
text_end(const struct writer *writer)
{
	return writer->columns < WRITER_TEXT_MAX ? writer->columns : WRITER_TEXT_MAX;
}

/* Formats into fresh memory that the caller frees. */
static char *format_text(const char *format, va_list args)
    __attribute__((format(printf, 1, 0)));

static char *
format_text(const char *format, va_list args)
{
	char *text = NULL;

	return vasprintf(&text, format, args) < 0 ? xstrdup("") : text;
}

void
writer_printf(struct writer *writer, enum writer_style style, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	char *text = format_text(format, args);
	va_end(args);
	writer_put(writer, style, text);
	free(text);
}

void
writer_newline(struct writer *writer)
{
	struct buf *out = &writer->out;

	while (out->size > 0 && out->data[out->size - 1] == ' ') {
		out->size--;
	}
	put_raw(writer, "\n");
	writer->column = 0;
}

void
writer_tab(struct writer *writer, size_t column)
{
	while (writer->column < column) {
		put_clean(writer, STYLE_PLAIN, " ");
	}
}

void
writer_label(struct writer *writer, const char *label)
{
	put_raw(writer, "  ");
	writer->column = 2;
	writer_put(writer, STYLE_BOLD, label);
	writer_tab(writer, LABEL_COLUMNS);
}

/* A word that is longer than a line of a terminal goes on below it. */
static void
put_word(struct writer *writer, enum writer_style style, const char *word, size_t begin)
{
	size_t end = text_end(writer);

	while (writer->fits && writer->column + writer_width(word) > end) {
		char *piece = xstrdup(word);
		size_t size = size_within(piece, end - writer->column);

		piece[size] = '\0';
		writer_put(writer, style, piece);
		free(piece);
		writer_newline(writer);
		writer_tab(writer, begin);
		word += size;
	}
	writer_put(writer, style, word);
}

static size_t
widest_word(const char *text)
{
	size_t widest = 0;

	while (*(text += strspn(text, " ")) != '\0') {
		size_t size = strcspn(text, " ");
		char *word = xstrndup(text, size);
		size_t width = writer_width(word);

		widest = width > widest ? width : widest;
		text += size;
		free(word);
	}
	return widest;
}

/* Where the lines of a text begin that begins here: further left where there is little
 * room, or a word would have to be broken. */
static size_t
begin_text(struct writer *writer, const char *text)
{
	size_t end = text_end(writer);
	size_t need = widest_word(text);
	bool fits = writer->column + writer_width(text) <= end;

	need = need > TEXT_ROOM_MIN ? need : TEXT_ROOM_MIN;
	if (!fits && writer->column > TEXT_INDENT && writer->column + need > end) {
		writer_newline(writer);
		writer_tab(writer, TEXT_INDENT);
	}
	return writer->column;
}

void
writer_text(struct writer *writer, enum writer_style style, const char *text)
{
	size_t begin = begin_text(writer, text);
	bool first = true;

	while (*(text += strspn(text, " ")) != '\0') {
		size_t size = strcspn(text, " ");
		char *word = xstrndup(text, size);

		if (!first &&
		    writer->column + 1 + writer_width(word) > text_end(writer)) {
			writer_newline(writer);
			writer_tab(writer, begin);
		} else if (!first) {
			writer_put(writer, STYLE_PLAIN, " ");
		}
		put_word(writer, style, word, begin);
		free(word);
		text += size;
		first = false;
	}
}

void
writer_fact(struct writer *writer, enum writer_style style, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	char *text = format_text(format, args);
	va_end(args);
	bool first = writer->column <= LABEL_COLUMNS;

	if (!first &&
	    writer->column + FACT_GAP + writer_width(text) > text_end(writer)) {
		writer_newline(writer);
		first = true;
	}
	writer_tab(writer, first ? LABEL_COLUMNS : writer->column + FACT_GAP);
	writer_text(writer, style, text);
	free(text);
}

void
writer_textf(struct writer *writer, enum writer_style style, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	char *text = format_text(format, args);
	va_end(args);
	writer_text(writer, style, text);
	free(text);
}

void
writer_table_begin(struct writer_table *table, const struct writer_column *columns,
    size_t column_count)
{
	*table =
	    (struct writer_table){.columns = columns, .column_count = column_count};
	for (size_t i = 0; i < column_count; i++) {
		writer_table_cell(table, STYLE_DIM, "%s", columns[i].title);
	}
}

/* Cuts text at a character so that it fits room with its NUL. */
static void
copy_cell(const char *text, char *out, size_t room)
{
	struct buf clean;

	buf_init(&clean, strlen(text) * 3 + 1);
	(void)text_clean(slice_of(text), true, &clean);
	size_t size = clean.size < room ? clean.size : room - 1;

	while (size > 0 && size < clean.size &&
	    ((unsigned char)clean.data[size] & 0xc0) == 0x80) {
		size--;
	}
	(void)slice_copy((struct slice){clean.data, size}, out, room);
	buf_fini(&clean);
}

void
writer_table_cell(struct writer_table *table, enum writer_style style,
    const char *format, ...)
{
	va_list args;

	if (table->count == table->room) {
		size_t room = table->room ? table->room * 2 : 64;
		struct writer_cell *cells = xzalloc(room * sizeof *cells);

		if (table->count > 0) {
			memcpy(cells, table->cells, table->count * sizeof *cells);
		}
		free(table->cells);
		table->cells = cells;
		table->room = room;
	}
	struct writer_cell *cell = &table->cells[table->count++];

	va_start(args, format);
	char *text = format_text(format, args);
	va_end(args);
	cell->style = style;
	copy_cell(text, cell->text, sizeof cell->text);
	free(text);
}

void
writer_table_note(struct writer_table *table, enum writer_style style,
    const char *format, ...)
{
	struct writer_cell *cell = &table->cells[table->count - 1];
	va_list args;

	va_start(args, format);
	cell->note = format_text(format, args);
	va_end(args);
	cell->note_style = style;
}

static void
write_note(struct writer *writer, struct writer_cell *cell)
{
	writer_tab(writer, NOTE_INDENT);
	writer_text(writer, cell->note_style, cell->note);
	writer_newline(writer);
	free(cell->note);
	cell->note = NULL;
}

static bool
cuts_at_edge(const struct writer_table *table, const struct writer *writer, bool last)
{
	return writer->fits || (last && table->cuts_last);
}

/* False where the line ends at the edge with it: what follows is not shown. */
static bool
write_cell(const struct writer_table *table, struct writer *writer,
    struct writer_cell *cell, size_t begin, bool last)
{
	size_t edge = writer->columns;
	bool over = cuts_at_edge(table, writer, last) && cell->text[0] != '\0' &&
	    begin + writer_width(cell->text) > edge;

	if (over && begin >= edge) {
		writer_tab(writer, edge - 1);
		put_clean(writer, STYLE_DIM, writer->column < edge ? "~" : "");
		return false;
	}
	if (over) {
		cut_text(cell->text, edge - begin);
	}
	if (cell->text[0] != '\0') {
		writer_tab(writer, begin);
		put_clean(writer, cell->style, cell->text);
	}
	return !over;
}

static void
write_row(const struct writer_table *table, struct writer *writer, size_t first,
    const size_t *widths)
{
	size_t begin = 0;

	for (size_t i = 0; i < table->column_count; i++) {
		struct writer_cell *cell = &table->cells[first + i];
		size_t blanks =
		    table->columns[i].right ? widths[i] - writer_width(cell->text) : 0;

		if (!write_cell(table, writer, cell, begin + blanks,
			i + 1 == table->column_count)) {
			break;
		}
		begin += widths[i] + TABLE_GAP;
	}
	writer_newline(writer);
	struct writer_cell *last = &table->cells[first + table->column_count - 1];

	if (last->note) {
		write_note(writer, last);
	}
}

void
writer_table_end(struct writer_table *table, struct writer *writer)
{
	size_t widths[WRITER_TABLE_MAX] = {0};

	for (size_t i = 0; i < table->count; i++) {
		size_t width = writer_width(table->cells[i].text);
		size_t *widest = &widths[i % table->column_count];

		*widest = width > *widest ? width : *widest;
	}
	for (size_t i = 0; i < table->count; i += table->column_count) {
		write_row(table, writer, i, widths);
	}
	writer_table_drop(table);
}

void
writer_table_drop(struct writer_table *table)
{
	for (size_t i = 0; i < table->count; i++) {
		free(table->cells[i].note);
	}
	free(table->cells);
	*table = (struct writer_table){0};
}
