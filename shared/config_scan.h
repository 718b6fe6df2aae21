/*
 * A text in the making; shared by config_scan.c, which reads files, and config_lex.c,
 * which walks over what stands in them.
 */
#ifndef GWBOT_CONFIG_SCAN_H
#define GWBOT_CONFIG_SCAN_H

#include "config_private.h"

#define CONFIG_FILES_MAX    64
#define CONFIG_BRACKETS_MAX 16

enum config_lexer {
	LEXER_PLAIN,
	LEXER_STRING,
	LEXER_LINE_COMMENT,
	LEXER_BLOCK_COMMENT,
};

/* From line out_line of the text on, lines are those of a file from file_line on. */
struct config_segment {
	unsigned out_line;
	unsigned file_line;
	size_t file;
};

struct config_scan_file {
	char *path;
	bool open; /* readable by others */
	dev_t device;
	ino_t inode;
};

struct config_scan {
	struct buf text;
	struct config_scan_file files[CONFIG_FILES_MAX];
	size_t file_count;
	struct config_segment segments[2 * CONFIG_FILES_MAX + 1];
	size_t segment_count;
	unsigned out_line;
	size_t settings;
	char brackets[CONFIG_BRACKETS_MAX];
	size_t bracket_count;
	bool string_last; /* a text may follow a text: libconfig joins them */
	bool value_next;  /* a value must come: after = : [ ( and a comma in those */
	bool failed;      /* there is nothing worth parsing */
	struct config_report *report;
};

/* One file on its way through. */
struct config_cursor {
	const char *at;
	const char *end;
	size_t file;
	unsigned line;
	size_t depth;
	enum config_lexer lexer;
	unsigned opened_line; /* where the present string or comment began */
	bool line_start;      /* only blanks so far on this line */
	const struct config_cursor *parent;
};

/** Adds an error for a line of the cursor's file. */
void config_scan_complain(struct config_scan *scan, const struct config_cursor *cursor,
    unsigned line, const char *format, ...) __attribute__((format(printf, 4, 5)));

/** Appends to the text that libconfig will get. */
void config_scan_put(struct config_scan *scan, const char *data, size_t size);

/** Puts an included file in place of the line at the cursor. */
void config_scan_include(struct config_scan *scan, const struct config_cursor *cursor,
    const char *name);

/** Takes a whole file over, from the cursor to its end. */
void config_lex_text(struct config_scan *scan, struct config_cursor *cursor);

#endif
