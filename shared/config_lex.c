/*
 * Just enough of libconfig's syntax to name the usual slips and to keep from libconfig
 * 1.5 what it takes amiss: an @, a text at a wrong place (which it leaks), an integer
 * that it would cut, deep nesting, thousands of settings.
 */
#include "config_scan.h"

#include <ctype.h>
#include <string.h>

#define SETTINGS_MAX 2000 /* libconfig takes 46 s for 100,000 */
#define TOKEN_ROOM   256

/* ---- words ---- */

static bool
is_word_char(char c)
{
	return isalnum((unsigned char)c) || c == '_' || c == '*' || c == '-' ||
	    c == '+' || c == '.';
}

/* A run of word characters: a name, or a value that may need mending. */
static void
take_word(struct config_scan *scan, struct config_cursor *cursor)
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
		config_scan_put(scan, start, size);
		return;
	}
	config_scan_complain(scan, cursor, cursor->line, "%s", reason);
	config_scan_put(scan, "\"", 1);
	config_scan_put(scan, start, size);
	config_scan_put(scan, "\"", 1);
}

/* ---- punctuation ---- */

static bool
in_array(const struct config_scan *scan)
{
	return scan->bracket_count > 0 &&
	    scan->brackets[scan->bracket_count - 1] != '{';
}

static void
open_bracket(struct config_scan *scan, const struct config_cursor *cursor, char c)
{
	if (scan->bracket_count == CONFIG_BRACKETS_MAX) {
		config_scan_complain(scan, cursor, cursor->line,
		    "more than %d brackets deep", CONFIG_BRACKETS_MAX);
		scan->failed = true;
		return;
	}
	scan->brackets[scan->bracket_count++] = c;
	scan->value_next = c != '{';
}

/* The next character that is neither blank nor line end, for the comma before a ]. */
static char
peek(const struct config_cursor *cursor)
{
	const char *at = cursor->at + 1;

	while (at < cursor->end && strchr(" \t\r\n", *at)) {
		at++;
	}
	if (at == cursor->end) {
		return '\0';
	}
	return *at;
}

static bool
is_trailing_comma(const struct config_scan *scan, const struct config_cursor *cursor)
{
	if (*cursor->at != ',' || !in_array(scan)) {
		return false;
	}
	char next = peek(cursor);

	return next == ']' || next == ')';
}

static void
take_mark(struct config_scan *scan, struct config_cursor *cursor)
{
	char c = *cursor->at;

	scan->string_last = scan->string_last && strchr(" \t\r\f\n", c) != NULL;
	if (is_trailing_comma(scan, cursor)) {
		config_scan_complain(scan, cursor, cursor->line,
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
		config_scan_complain(scan, cursor, cursor->line,
		    "more than %d settings", SETTINGS_MAX);
		scan->failed = true;
	}
	config_scan_put(scan, cursor->at, 1);
	cursor->at++;
}

/* ---- the lexer ---- */

static bool
starts(const struct config_cursor *cursor, const char *mark)
{
	size_t size = strlen(mark);

	return (size_t)(cursor->end - cursor->at) >= size &&
	    memcmp(cursor->at, mark, size) == 0;
}

static void
open_lexer(struct config_scan *scan, struct config_cursor *cursor,
    enum config_lexer lexer, size_t mark_size)
{
	cursor->lexer = lexer;
	cursor->opened_line = cursor->line;
	config_scan_put(scan, cursor->at, mark_size);
	cursor->at += mark_size;
}

/* libconfig 1.5 leaks a text at which it finds a syntax error, so it must not see one.
 */
static void
open_string(struct config_scan *scan, struct config_cursor *cursor)
{
	if (!scan->value_next && !scan->string_last) {
		config_scan_complain(scan, cursor, cursor->line,
		    "a text in quotes where no value is expected; look for a missing = "
		    "or comma, here or on the line before");
		scan->failed = true;
		return;
	}
	scan->value_next = false;
	scan->string_last = true;
	open_lexer(scan, cursor, LEXER_STRING, 1);
}

/* Reads `@include "name"` at the cursor; false where there is none. */
static bool
take_include_name(struct config_cursor *cursor, char *name, size_t room)
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

/* libconfig would open what stands behind an @, so none reaches it. */
static void
take_at(struct config_scan *scan, struct config_cursor *cursor, bool line_start)
{
	char name[TOKEN_ROOM];

	if (line_start && take_include_name(cursor, name, sizeof name)) {
		config_scan_include(scan, cursor, name);
		return;
	}
	config_scan_complain(scan, cursor, cursor->line,
	    "an @ belongs in quotes, or to a line @include \"file\"");
	cursor->at++;
}

static void
step_plain(struct config_scan *scan, struct config_cursor *cursor)
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
step_inside(struct config_scan *scan, struct config_cursor *cursor)
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
	config_scan_put(scan, cursor->at, size);
	cursor->at += size;
}

static void
check_end(struct config_scan *scan, const struct config_cursor *cursor)
{
	if (cursor->lexer == LEXER_STRING) {
		config_scan_complain(scan, cursor, cursor->opened_line,
		    "a text that begins here has no quote at its end");
		scan->failed = true;
	} else if (cursor->lexer == LEXER_BLOCK_COMMENT) {
		config_scan_complain(scan, cursor, cursor->opened_line,
		    "a comment that begins here has no */ at its end");
		scan->failed = true;
	}
}

void
config_lex_text(struct config_scan *scan, struct config_cursor *cursor)
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
