/*
 * Files -> one text that libconfig 1.5 may read.
 *
 * libconfig would open what an @include names, a fifo too, and wait; read 4294967356 as
 * 60; take a minute for a megabyte of settings; and say "syntax error" for 90s.  So
 * this scan resolves @include itself, with bounds, and knows just enough of the syntax
 * to name the usual slips, all at once.  A slip is mended in the text, so that what
 * stands behind it is still looked at.
 */
#include "config_private.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "xalloc.h"

#define FILES_MAX    64
#define DEPTH_MAX    10 /* of included files, as in libconfig */
#define BRACKETS_MAX 16
#define SETTINGS_MAX 2000
#define TOKEN_ROOM   256
#define WHERE_ROOM   512

enum lexer {
	LEXER_PLAIN,
	LEXER_STRING,
	LEXER_LINE_COMMENT,
	LEXER_BLOCK_COMMENT,
};

/* From line out_line of the text on, lines are those of a file from file_line on. */
struct segment {
	unsigned out_line;
	unsigned file_line;
	size_t file;
};

struct scan_file {
	char *path;
	bool open; /* readable by others */
	dev_t device;
	ino_t inode;
};

struct config_scan {
	struct buf text;
	struct scan_file files[FILES_MAX];
	size_t file_count;
	struct segment segments[2 * FILES_MAX + 1];
	size_t segment_count;
	unsigned out_line;
	size_t settings;
	char brackets[BRACKETS_MAX];
	size_t bracket_count;
	bool string_last; /* a text may follow a text: libconfig joins them */
	bool value_next;  /* a value must come: after = : [ ( and a comma in those */
	bool failed;      /* there is nothing worth parsing */
	struct config_report *report;
};

/* One file on its way through. */
struct cursor {
	const char *at;
	const char *end;
	size_t file;
	unsigned line;
	size_t depth;
	enum lexer lexer;
	unsigned opened_line; /* where the present string or comment began */
	bool line_start;      /* only blanks so far on this line */
	const struct cursor *parent;
};

static void
where_of(const struct config_scan *scan, size_t file, unsigned line, char *out)
{
	(void)snprintf(out, WHERE_ROOM, "%s:%u", scan->files[file].path, line);
}

__attribute__((format(printf, 4, 5))) static void
complain(struct config_scan *scan, const struct cursor *cursor, unsigned line,
    const char *format, ...)
{
	char where[WHERE_ROOM];
	char text[CONFIG_REASON_ROOM];
	va_list args;

	va_start(args, format);
	(void)vsnprintf(text, sizeof text, format, args);
	va_end(args);
	where_of(scan, cursor->file, line, where);
	config_report_add(scan->report, CONFIG_ERROR, where, "%s", text);
}

static void
put(struct config_scan *scan, const char *data, size_t size)
{
	if (buf_append(&scan->text, data, size) != GW_OK) {
		scan->failed = true;
	}
	for (size_t i = 0; i < size; i++) {
		scan->out_line += data[i] == '\n' ? 1 : 0;
	}
}

static void
start_segment(struct config_scan *scan, size_t file, unsigned line)
{
	if (scan->segment_count == sizeof scan->segments / sizeof scan->segments[0]) {
		config_report_add(scan->report, CONFIG_ERROR, scan->files[file].path,
		    "has more than %d @include lines", FILES_MAX);
		scan->failed = true;
		return;
	}
	scan->segments[scan->segment_count++] = (struct segment){
	    .out_line = scan->out_line,
	    .file_line = line,
	    .file = file,
	};
}

/* ---- words ----------------------------------------------------------------- */

static bool
is_word_char(char c)
{
	return isalnum((unsigned char)c) || c == '_' || c == '*' || c == '-' ||
	    c == '+' || c == '.';
}

/* A run of word characters: a name, or a value that may need mending. */
static void
take_word(struct config_scan *scan, struct cursor *cursor)
{
	const char *start = cursor->at;
	char token[TOKEN_ROOM];
	char reason[CONFIG_REASON_ROOM];

	while (cursor->at < cursor->end && is_word_char(*cursor->at)) {
		cursor->at++;
	}
	size_t size = (size_t)(cursor->at - start);
	bool whole = slice_copy((struct slice){start, size}, token, sizeof token);
	bool value = scan->value_next;

	scan->value_next = false;
	scan->string_last = false;
	if (!value || !whole || !config_is_slip(token, reason)) {
		put(scan, start, size);
		return;
	}
	complain(scan, cursor, cursor->line, "%s", reason);
	put(scan, "\"", 1);
	put(scan, start, size);
	put(scan, "\"", 1);
}

/* ---- punctuation
 * --------------------------------------------------------------------- */

static bool
in_array(const struct config_scan *scan)
{
	return scan->bracket_count > 0 &&
	    scan->brackets[scan->bracket_count - 1] != '{';
}

static void
open_bracket(struct config_scan *scan, const struct cursor *cursor, char c)
{
	if (scan->bracket_count == BRACKETS_MAX) {
		complain(scan, cursor, cursor->line, "more than %d brackets deep",
		    BRACKETS_MAX);
		scan->failed = true;
		return;
	}
	scan->brackets[scan->bracket_count++] = c;
	scan->value_next = c != '{';
}

/* The next character that is neither blank nor line end, for the comma before a ]. */
static char
peek(const struct cursor *cursor)
{
	const char *at = cursor->at + 1;

	while (at < cursor->end && strchr(" \t\r\n", *at)) {
		at++;
	}
	return at < cursor->end ? *at : '\0';
}

static bool
is_trailing_comma(const struct config_scan *scan, const struct cursor *cursor)
{
	char next = *cursor->at == ',' && in_array(scan) ? peek(cursor) : '\0';

	return next == ']' || next == ')';
}

static void
take_mark(struct config_scan *scan, struct cursor *cursor)
{
	char c = *cursor->at;

	scan->string_last = scan->string_last && strchr(" \t\r\f\n", c) != NULL;
	if (is_trailing_comma(scan, cursor)) {
		complain(scan, cursor, cursor->line,
		    "a comma behind the last item; leave it out");
		cursor->at++;
		return;
	}
	if (c == '[' || c == '(' || c == '{') {
		open_bracket(scan, cursor, c);
	} else if (c == ']' || c == ')' || c == '}') {
		scan->bracket_count -= scan->bracket_count > 0 ? 1 : 0;
		scan->value_next = false;
	} else if (c == '=' || c == ':') {
		scan->value_next = true;
		scan->settings++;
	} else if (c == ',') {
		scan->value_next = in_array(scan);
	} else if (c == ';') {
		scan->value_next = false;
	}
	if (scan->settings > SETTINGS_MAX && !scan->failed) {
		complain(scan, cursor, cursor->line, "more than %d settings",
		    SETTINGS_MAX);
		scan->failed = true;
	}
	put(scan, cursor->at, 1);
	cursor->at++;
}

/* ---- includes
 * ------------------------------------------------------------------------ */

static void scan_file(struct config_scan *scan, const char *path,
    const struct cursor *parent, enum gw_err *err);

/* Reads `@include "name"` at the cursor; false where there is none. */
static bool
take_include_name(struct cursor *cursor, char *name, size_t room)
{
	static const char word[] = "@include";
	const char *at = cursor->at;
	size_t left = (size_t)(cursor->end - at);
	size_t size = 0;

	if (left < sizeof word || memcmp(at, word, sizeof word - 1) != 0) {
		return false;
	}
	at += sizeof word - 1;
	while (at < cursor->end && (*at == ' ' || *at == '\t')) {
		at++;
	}
	if (at == cursor->end || *at != '"') {
		return false;
	}
	for (at++; at < cursor->end && *at != '"' && *at != '\n'; at++) {
		if (*at == '\\' && at + 1 < cursor->end &&
		    (at[1] == '"' || at[1] == '\\')) {
			at++;
		}
		if (size + 1 < room) {
			name[size++] = *at;
		}
	}
	if (at == cursor->end || *at != '"') {
		return false;
	}
	name[size] = '\0';
	cursor->at = at + 1;
	return true;
}

/* A relative name starts at the folder of the file that includes it. */
static bool
resolve(const struct config_scan *scan, const struct cursor *cursor, const char *name,
    char *out, size_t room)
{
	const char *path = scan->files[cursor->file].path;
	const char *slash = strrchr(path, '/');
	int folder = slash && name[0] != '/' ? (int)(slash - path) + 1 : 0;
	int size = snprintf(out, room, "%.*s%s", folder, path, name);

	return size >= 0 && (size_t)size < room;
}

static void
take_include(struct config_scan *scan, struct cursor *cursor, const char *name)
{
	char path[TOKEN_ROOM * 4];
	enum gw_err err = GW_OK;

	if (!resolve(scan, cursor, name, path, sizeof path)) {
		complain(scan, cursor, cursor->line,
		    "the name of the file is too long");
		return;
	}
	scan_file(scan, path, cursor, &err);
	if (err == GW_ERR_NOT_FOUND) {
		char shown[CONFIG_SHOWN_ROOM * 2];

		config_printable(path, shown, sizeof shown);
		complain(scan, cursor, cursor->line,
		    "@include \"%s\": there is no "
		    "such file",
		    shown);
	}
	put(scan, "\n", 1);
	if (!scan->failed) {
		start_segment(scan, cursor->file, cursor->line);
	}
}

/* ---- the lexer
 * ----------------------------------------------------------------------- */

static bool
starts(const struct cursor *cursor, const char *mark)
{
	size_t size = strlen(mark);

	return (size_t)(cursor->end - cursor->at) >= size &&
	    memcmp(cursor->at, mark, size) == 0;
}

static void
open_lexer(struct config_scan *scan, struct cursor *cursor, enum lexer lexer,
    size_t mark_size)
{
	cursor->lexer = lexer;
	cursor->opened_line = cursor->line;
	put(scan, cursor->at, mark_size);
	cursor->at += mark_size;
}

/* libconfig 1.5 leaks a text at which it finds a syntax error, so it must not see one.
 */
static void
open_string(struct config_scan *scan, struct cursor *cursor)
{
	if (!scan->value_next && !scan->string_last) {
		complain(scan, cursor, cursor->line,
		    "a text in quotes where no value is expected; look for a missing = "
		    "or comma, here or on the line before");
		scan->failed = true;
		return;
	}
	scan->value_next = false;
	scan->string_last = true;
	open_lexer(scan, cursor, LEXER_STRING, 1);
}

/* libconfig would open what stands behind an @, so none reaches it. */
static void
take_at(struct config_scan *scan, struct cursor *cursor, bool line_start)
{
	char name[TOKEN_ROOM];

	if (line_start && take_include_name(cursor, name, sizeof name)) {
		take_include(scan, cursor, name);
		return;
	}
	complain(scan, cursor, cursor->line,
	    "an @ belongs in quotes, or to a line @include \"file\"");
	cursor->at++;
}

static void
step_plain(struct config_scan *scan, struct cursor *cursor)
{
	bool line_start = cursor->line_start;

	if (*cursor->at != ' ' && *cursor->at != '\t') {
		cursor->line_start = *cursor->at == '\n';
	}
	if (starts(cursor, "/*")) {
		open_lexer(scan, cursor, LEXER_BLOCK_COMMENT, 2);
	} else if (starts(cursor, "//") || *cursor->at == '#') {
		open_lexer(scan, cursor, LEXER_LINE_COMMENT, 1);
	} else if (*cursor->at == '"') {
		open_string(scan, cursor);
	} else if (*cursor->at == '@') {
		take_at(scan, cursor, line_start);
	} else if (is_word_char(*cursor->at)) {
		take_word(scan, cursor);
	} else {
		take_mark(scan, cursor);
	}
}

static void
step_inside(struct config_scan *scan, struct cursor *cursor)
{
	size_t size = 1;

	if (cursor->lexer == LEXER_STRING) {
		bool escape = starts(cursor, "\\\"") || starts(cursor, "\\\\");

		size = escape ? 2 : 1;
		cursor->lexer = *cursor->at == '"' ? LEXER_PLAIN : LEXER_STRING;
	} else if (cursor->lexer == LEXER_LINE_COMMENT && *cursor->at == '\n') {
		cursor->lexer = LEXER_PLAIN;
		cursor->line_start = true;
	} else if (cursor->lexer == LEXER_BLOCK_COMMENT && starts(cursor, "*/")) {
		size = 2;
		cursor->lexer = LEXER_PLAIN;
	}
	put(scan, cursor->at, size);
	cursor->at += size;
}

static void
check_end(struct config_scan *scan, const struct cursor *cursor)
{
	if (cursor->lexer == LEXER_STRING) {
		complain(scan, cursor, cursor->opened_line,
		    "a text that begins here has no quote at its end");
		scan->failed = true;
	} else if (cursor->lexer == LEXER_BLOCK_COMMENT) {
		complain(scan, cursor, cursor->opened_line,
		    "a comment that begins here has no */ at its end");
		scan->failed = true;
	}
}

static void
scan_text(struct config_scan *scan, struct cursor *cursor)
{
	while (cursor->at < cursor->end && !scan->failed) {
		bool line_end = *cursor->at == '\n';

		if (cursor->lexer == LEXER_PLAIN) {
			step_plain(scan, cursor);
		} else {
			step_inside(scan, cursor);
		}
		cursor->line += line_end ? 1 : 0;
	}
	if (!scan->failed) {
		check_end(scan, cursor);
	}
}

/* ---- files
 * --------------------------------------------------------------------------- */

static bool
is_loop(const struct config_scan *scan, const struct cursor *parent,
    const struct stat *status)
{
	for (; parent; parent = parent->parent) {
		const struct scan_file *file = &scan->files[parent->file];

		if (file->device == status->st_dev && file->inode == status->st_ino) {
			return true;
		}
	}
	return false;
}

/* The message for a file that cannot be taken: at the @include, or at the file itself.
 */
static void
refuse_file(struct config_scan *scan, const struct cursor *parent, const char *path,
    const char *reason)
{
	char shown[CONFIG_SHOWN_ROOM * 2];

	config_printable(path, shown, sizeof shown);
	if (parent) {
		complain(scan, parent, parent->line, "@include \"%s\": %s", shown,
		    reason);
	} else {
		config_report_add(scan->report, CONFIG_ERROR, path, "%s", reason);
		scan->failed = true;
	}
}

static void
scan_content(struct config_scan *scan, struct slice content, size_t file,
    const struct cursor *parent)
{
	static const char mark[] = "\xEF\xBB\xBF"; /* some editors write it in front */
	bool marked = content.size >= 3 && memcmp(content.data, mark, 3) == 0;
	size_t skip = marked ? 3 : 0;
	struct cursor cursor = {
	    .at = content.data + skip,
	    .end = content.data + content.size,
	    .file = file,
	    .line = 1,
	    .depth = parent ? parent->depth + 1 : 0,
	    .line_start = true,
	    .parent = parent,
	};
	const char *nul = memchr(content.data, '\0', content.size);

	if (nul) {
		unsigned line = 1;

		for (const char *at = content.data; at < nul; at++) {
			line += *at == '\n' ? 1 : 0;
		}
		complain(scan, &cursor, line, "a NUL byte: this is no text file");
		scan->failed = true;
		return;
	}
	start_segment(scan, file, 1);
	scan_text(scan, &cursor);
	/* libconfig 1.5 takes a comment for one only with a line end behind it. */
	put(scan, "\n", 1);
}

static void
scan_file(struct config_scan *scan, const char *path, const struct cursor *parent,
    enum gw_err *err)
{
	char reason[CONFIG_REASON_ROOM] = "";
	struct stat status;
	struct buf content;

	buf_init(&content, CONFIG_FILE_MAX_BYTES);
	*err = config_slurp(path, CONFIG_FILE_MAX_BYTES, &content, &status, reason);
	if (*err == GW_ERR_NOT_FOUND) {
		goto out;
	}
	if (*err != GW_OK) {
		refuse_file(scan, parent, path, reason);
		goto out;
	}
	if (is_loop(scan, parent, &status)) {
		refuse_file(scan, parent, path, "includes itself");
		goto out;
	}
	if (scan->file_count == FILES_MAX || (parent && parent->depth == DEPTH_MAX)) {
		refuse_file(scan, parent, path, "too many included files");
		goto out;
	}
	scan->files[scan->file_count] = (struct scan_file){
	    .path = xstrdup(path),
	    .open = (status.st_mode & (S_IWGRP | S_IRWXO)) != 0,
	    .device = status.st_dev,
	    .inode = status.st_ino,
	};
	scan->file_count++;
	if (content.size > 0) {
		scan_content(scan, buf_slice(&content), scan->file_count - 1, parent);
	}
out:
	/* A token may stand in it. */
	if (content.data) {
		explicit_bzero(content.data, content.size);
	}
	buf_fini(&content);
}

struct config_scan *
config_scan_read(const char *path, struct config_report *report, enum gw_err *err)
{
	struct config_scan *scan = xzalloc(sizeof *scan);

	/* What is mended may make the text a little longer than its files. */
	buf_init(&scan->text, 2 * (size_t)CONFIG_FILE_MAX_BYTES);
	scan->out_line = 1;
	scan->report = report;
	scan_file(scan, path, NULL, err);
	if (!scan->failed && scan->text.size > CONFIG_FILE_MAX_BYTES) {
		config_report_add(report, CONFIG_ERROR, path,
		    "has more than %d bytes with what it includes",
		    CONFIG_FILE_MAX_BYTES);
		scan->failed = true;
	}
	if (*err == GW_OK && !scan->failed && buf_append(&scan->text, "", 1) == GW_OK) {
		return scan;
	}
	config_scan_free(scan);
	return NULL;
}

void
config_scan_free(struct config_scan *owned_scan)
{
	if (!owned_scan) {
		return;
	}
	for (size_t i = 0; i < owned_scan->file_count; i++) {
		free(owned_scan->files[i].path);
	}
	if (owned_scan->text.data) {
		explicit_bzero(owned_scan->text.data, owned_scan->text.size);
	}
	buf_fini(&owned_scan->text);
	free(owned_scan);
}

const char *
config_scan_text(const struct config_scan *scan)
{
	return scan->text.data;
}

const char *
config_scan_place(const struct config_scan *scan, unsigned line, unsigned *file_line)
{
	size_t found = 0;

	for (size_t i = 0; i < scan->segment_count; i++) {
		if (scan->segments[i].out_line <= line) {
			found = i;
		}
	}
	*file_line = line;
	if (scan->segment_count > 0) {
		const struct segment *segment = &scan->segments[found];

		*file_line = segment->file_line + (line - segment->out_line);
		return scan->files[segment->file].path;
	}
	return scan->files[0].path;
}

const char *
config_scan_open_file(const struct config_scan *scan)
{
	for (size_t i = 0; i < scan->file_count; i++) {
		if (scan->files[i].open) {
			return scan->files[i].path;
		}
	}
	return NULL;
}
