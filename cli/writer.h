/*
 * The one way from data to the screen: text under construction, styles, tables.
 *
 * Colour only where it was asked for; what comes from the daemon can never send control
 * characters to the terminal; columns are aligned by what a terminal shows, not by
 * bytes.
 */
#ifndef GWCTL_WRITER_H
#define GWCTL_WRITER_H

#include <stdbool.h>
#include <stddef.h>

#include "buf.h"

#define WRITER_COLUMNS   80  /* screens fit a terminal of this width, and pipes */
#define WRITER_TEXT_MAX  120 /* wider lines of text are hard to read */
#define WRITER_CELL_MAX  96  /* bytes of one table cell, with its NUL */
#define WRITER_TABLE_MAX 12  /* columns of a table */

enum writer_style {
	STYLE_PLAIN,
	STYLE_BOLD,
	STYLE_DIM,
	STYLE_GREEN,
	STYLE_YELLOW,
	STYLE_RED,
};

struct writer {
	struct buf out;
	bool colour;
	bool brief; /* a screenful: what is long is cut short, and says so */
	bool fits;  /* the width is a terminal's: tables are cut at it, since it would
	             * wrap their lines */
	size_t columns; /* of the screen */
	size_t column;  /* of the cursor, in what a terminal shows */
};

/** An empty screen, as wide as the terminal; WRITER_COLUMNS where there is none. */
void writer_init(struct writer *writer, bool colour);
void writer_fini(struct writer *writer);

/** Appends text; every control character in it is replaced. */
void writer_put(struct writer *writer, enum writer_style style, const char *text);
void writer_printf(struct writer *writer, enum writer_style style, const char *format,
    ...) __attribute__((format(printf, 3, 4)));

/** At most so many columns of text; what was cut has a mark at its end. */
void writer_put_cut(struct writer *writer, enum writer_style style, const char *text,
    size_t columns);

/** Ends the line; blanks at its end go. */
void writer_newline(struct writer *writer);

/** Blanks up to a column (from 0); nothing where the cursor is past it. */
void writer_tab(struct writer *writer, size_t column);

/** How many columns a terminal takes for the text. */
size_t writer_width(const char *text);

/* ---- "  Label     fact   fact   fact", wrapped below the first fact ---- */

void writer_label(struct writer *writer, const char *label);

/** One fact; moves to a new line under the first one where it does not fit. */
void writer_fact(struct writer *writer, enum writer_style style, const char *format,
    ...) __attribute__((format(printf, 3, 4)));

/** A text of any length, broken between words at the width of the screen; its lines
 * begin where the cursor stands now, or further left where little room is there. */
void writer_text(struct writer *writer, enum writer_style style, const char *text);
void writer_textf(struct writer *writer, enum writer_style style, const char *format,
    ...) __attribute__((format(printf, 3, 4)));

/* ---- tables: cells are collected first, since the widest one sets the column ---- */

struct writer_column {
	const char *title;
	bool right; /* numbers */
};

struct writer_cell {
	enum writer_style style;
	enum writer_style note_style;
	char *note; /* below the row that ends with this cell; NULL: none */
	char text[WRITER_CELL_MAX];
};

struct writer_table {
	const struct writer_column *columns; /* borrowed */
	size_t column_count;
	bool cuts_last; /* the last column, at the width of the screen */
	struct writer_cell *cells;
	size_t count;
	size_t room;
};

void writer_table_begin(struct writer_table *table, const struct writer_column *columns,
    size_t column_count);

/** The next cell, row by row from the left; too long text is cut. */
void writer_table_cell(struct writer_table *table, enum writer_style style,
    const char *format, ...) __attribute__((format(printf, 3, 4)));

/** A text of any length below the row that has just got its last cell. */
void writer_table_note(struct writer_table *table, enum writer_style style,
    const char *format, ...) __attribute__((format(printf, 3, 4)));

/** Writes header and rows, and frees the table. */
void writer_table_end(struct writer_table *table, struct writer *writer);

/** Frees the table without writing it. */
void writer_table_drop(struct writer_table *table);

#endif
