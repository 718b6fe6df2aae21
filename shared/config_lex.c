/*
 * A file as words, texts and marks.  Comments end here: libconfig 1.5 takes one for a
 * comment only with a line end behind it.
 */
#include "config_scan.h"

#include <ctype.h>
#include <string.h>

static const char include_word[] = "@include";

static bool
starts(const struct config_cursor *cursor, const char *mark)
{
	size_t size = strlen(mark);

	return (size_t)(cursor->end - cursor->at) >= size &&
	    memcmp(cursor->at, mark, size) == 0;
}

static void
advance(struct config_cursor *cursor)
{
	if (*cursor->at == '\n') {
		cursor->line++;
		cursor->line_start = true;
	}
	cursor->at++;
}

static struct config_place
place_of(const struct config_cursor *cursor, const char *at, unsigned line)
{
	return (struct config_place){at, (size_t)(cursor->at - at), line, cursor->file};
}

/* ---- what stands between ---- */

/* False where the comment has no end. */
static bool
skip_comment(struct config_cursor *cursor)
{
	bool block = starts(cursor, "/*");

	cursor->at += block ? 2 : 1;
	while (cursor->at < cursor->end &&
	    !(block ? starts(cursor, "*/") : *cursor->at == '\n')) {
		advance(cursor);
	}
	if (block && cursor->at < cursor->end) {
		cursor->at += 2;
		return true;
	}
	return !block;
}

/* Blanks, line ends and comments; false where a comment has no end: at its begin. */
static bool
skip_space(struct config_cursor *cursor)
{
	while (cursor->at < cursor->end) {
		struct config_cursor before = *cursor;

		if (strchr(" \t\r\f\n", *cursor->at) && *cursor->at != '\0') {
			advance(cursor);
		} else if (*cursor->at == '#' || starts(cursor, "//") ||
		    starts(cursor, "/*")) {
			if (!skip_comment(cursor)) {
				*cursor = before;
				return false;
			}
		} else {
			return true;
		}
	}
	return true;
}

char
config_lex_peek(const struct config_cursor *cursor)
{
	struct config_cursor ahead = *cursor;

	if (!skip_space(&ahead) || ahead.at == ahead.end) {
		return '\0';
	}
	return *ahead.at;
}

/* ---- tokens ---- */

static bool
is_word_char(char c)
{
	return isalnum((unsigned char)c) || (c != '\0' && strchr("_*-+.", c) != NULL) ||
	    (unsigned char)c >= 0x80;
}

/* The character behind that at the cursor; a line end at the end. */
static char
next_char(const struct config_cursor *cursor)
{
	if (cursor->at + 1 < cursor->end) {
		return cursor->at[1];
	}
	return '\n';
}

/* Part of a value that should have been quoted: a path, an address, a URL. */
static bool
is_bare_char(const struct config_cursor *cursor)
{
	char c = *cursor->at;
	char next = next_char(cursor);

	if (isspace((unsigned char)c) || strchr(";,()[]{}=\"#", c)) {
		return false;
	}
	if (c == '/') {
		return cursor->at[-1] == ':' || cursor->at[-1] == '/' ||
		    (next != '/' && next != '*');
	}
	/* "stall: 5" where a value was expected is a name. */
	return c != ':' || !isspace((unsigned char)next);
}

static bool
begins_bare(const struct config_cursor *cursor)
{
	char c = *cursor->at;
	char next = next_char(cursor);

	/* "::1", and yet not the second colon of a slip. */
	if (c == ':') {
		return next == ':';
	}
	return is_word_char(c) || (c != '\0' && strchr("/~'@%$&!?<>|\\`^", c) != NULL);
}

static void
take_word(struct config_cursor *cursor, bool value)
{
	if (value && *cursor->at == '\'') {
		const char *close = memchr(cursor->at + 1, '\'',
		    (size_t)(cursor->end - cursor->at) - 1);
		const char *line_end =
		    memchr(cursor->at, '\n', (size_t)(cursor->end - cursor->at));

		if (close && (!line_end || close < line_end)) {
			cursor->at = close + 1;
			return;
		}
	}
	cursor->at++;
	while (cursor->at < cursor->end &&
	    (value ? is_bare_char(cursor) : is_word_char(*cursor->at))) {
		cursor->at++;
	}
}

/* False where it has no quote at its end; the cursor stands at the end then. */
static bool
take_string(struct config_cursor *cursor)
{
	cursor->at++;
	while (cursor->at < cursor->end && *cursor->at != '"') {
		if (*cursor->at == '\\' && cursor->at + 1 < cursor->end) {
			advance(cursor);
		}
		advance(cursor);
	}
	cursor->line_start = false;
	if (cursor->at == cursor->end) {
		return false;
	}
	cursor->at++;
	return true;
}

/* Behind an `@include "name"` that stands alone on its line so far. */
static bool
take_include(struct config_cursor *cursor)
{
	const char *at = cursor->at + sizeof include_word - 1;

	if (!cursor->line_start || !starts(cursor, include_word)) {
		return false;
	}
	while (at < cursor->end && (*at == ' ' || *at == '\t')) {
		at++;
	}
	if (at == cursor->end || *at != '"') {
		return false;
	}
	for (at++; at < cursor->end && *at != '"' && *at != '\n'; at++) {
		at += *at == '\\' && at + 1 < cursor->end ? 1 : 0;
	}
	if (at >= cursor->end || *at != '"') {
		return false;
	}
	cursor->at = at + 1;
	return true;
}

bool
config_lex_include(const struct config_place *place, char *name, size_t room)
{
	const char *end = place->at + place->size - 1; /* at the quote */
	const char *at = (const char *)memchr(place->at, '"', place->size) + 1;
	size_t size = 0;

	for (; at < end; at++) {
		if (*at == '\\' && at + 1 < end) {
			at++;
		}
		if (size + 1 == room) {
			return false;
		}
		name[size++] = *at;
	}
	name[size] = '\0';
	return true;
}

static void
refuse_open(struct config_scan *scan, const struct config_place *place,
    const char *what, const char *end)
{
	const struct config_place first = {place->at, 1, place->line, place->file};

	config_scan_complain(scan, &first, "a %s that begins here has no %s at its end",
	    what, end);
	scan->failed = true;
}

struct config_token
config_lex_next(struct config_scan *scan, struct config_cursor *cursor, bool value)
{
	struct config_token token = {.kind = TOKEN_END};
	bool whole = skip_space(cursor);
	const char *at = cursor->at;
	unsigned line = cursor->line;

	token.place = place_of(cursor, at, line);
	if (!whole) {
		refuse_open(scan, &token.place, "comment", "*/");
		return token;
	}
	if (cursor->at == cursor->end) {
		return token;
	}
	if (*at == '"') {
		token.kind = TOKEN_STRING;
		whole = take_string(cursor);
	} else if (take_include(cursor)) {
		token.kind = TOKEN_INCLUDE;
	} else if (value ? begins_bare(cursor) : is_word_char(*at)) {
		token.kind = TOKEN_WORD;
		take_word(cursor, value);
	} else {
		token.kind = TOKEN_MARK;
		cursor->at++;
	}
	cursor->line_start = false;
	token.place = place_of(cursor, at, line);
	token.last_line = cursor->line;
	if (!whole) {
		refuse_open(scan, &token.place, "text", "quote");
		token.kind = TOKEN_END;
	}
	return token;
}
