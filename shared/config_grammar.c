/*
 * What may follow what in a file, for libconfig 1.5, which says "syntax error" for
 * everything, stops at the first one, and leaks a text at which it finds one.
 *
 * Each mistake is named at its place and mended in the text that libconfig gets, so
 * that what stands behind it is looked at as well, and libconfig has nothing left to
 * find.  Settings are written one a line: the line says which setting it is.
 */
#include "config_scan.h"

#include <ctype.h>
#include <string.h>

#define TOKEN_ROOM 256

/* Whether a token was used up, or is to be looked at again in the new state. */
enum outcome {
	USED,
	AGAIN,
};

static void
put(struct config_scan *scan, const char *text)
{
	config_scan_put(scan, text, strlen(text));
}

/* ---- places ---- */

static bool
is_mark(const struct config_token *token, const char *marks)
{
	return token->kind == TOKEN_MARK && strchr(marks, *token->place.at) != NULL;
}

/* From the begin of a place to an end in the same file. */
static struct config_place
up_to(const struct config_place *place, const char *end)
{
	struct config_place whole = *place;

	whole.size = (size_t)(end - place->at);
	return whole;
}

/* What follows a word, which may make it a name. */
static char
peek_behind(const struct config_cursor *cursor, const struct config_token *token)
{
	if (token->kind != TOKEN_WORD) {
		return '\0';
	}
	return config_lex_peek(cursor);
}

/* ---- brackets ---- */

static struct config_bracket *
innermost(struct config_scan *scan)
{
	return scan->bracket_count > 0 ? &scan->brackets[scan->bracket_count - 1] :
					 NULL;
}

static bool
in_group(struct config_scan *scan)
{
	const struct config_bracket *bracket = innermost(scan);

	return !bracket || bracket->mark == '{';
}

static void
mend(struct config_scan *scan)
{
	if (scan->current != CONFIG_NO_SETTING) {
		scan->settings[scan->current].mended = true;
	}
}

static void
open_bracket(struct config_scan *scan, const struct config_token *token)
{
	char mark = *token->place.at;

	if (scan->bracket_count == CONFIG_BRACKETS_MAX) {
		config_scan_complain(scan, &token->place, "more than %d brackets deep",
		    CONFIG_BRACKETS_MAX);
		scan->failed = true;
		return;
	}
	scan->brackets[scan->bracket_count++] = (struct config_bracket){
	    .mark = mark,
	    .at = token->place,
	    .setting = scan->current,
	    .first = scan->setting_count,
	};
	/* A list takes items of any kind: which ones are right is looked at later. */
	put(scan, mark == '{' ? "{" : "(");
	scan->want = mark == '{' ? WANT_NAME : WANT_ITEM;
	scan->comma_waits = false;
}

static void
close_bracket(struct config_scan *scan)
{
	const struct config_bracket *bracket = innermost(scan);

	if (!bracket) {
		return; /* asked for inside of one only */
	}
	put(scan, bracket->mark == '{' ? "}" : ")");
	scan->current = bracket->setting;
	scan->bracket_count--;
	scan->want = in_group(scan) ? WANT_END : WANT_COMMA;
	scan->string_last = false;
	scan->comma_waits = false;
}

static char
closer_of(char mark)
{
	return (char)(mark == '{' ? '}' : mark == '[' ? ']' : ')');
}

static void
refuse_unclosed(struct config_scan *scan)
{
	const struct config_bracket *bracket = innermost(scan);

	if (!bracket) {
		return; /* asked for inside of one only */
	}
	config_scan_complain(scan, &bracket->at,
	    "the %c that is opened here has no %c at its end", bracket->mark,
	    closer_of(bracket->mark));
	scan->current = bracket->setting;
	mend(scan);
	close_bracket(scan);
}

/* ---- the states ---- */

/* The rest of the line would only be told again. */
static void
refuse_line(struct config_scan *scan, const struct config_token *token,
    const char *text)
{
	config_scan_complain(scan, &token->place, "%s", text);
	scan->skipped = token->place;
}

static void
refuse_mark(struct config_scan *scan, const struct config_token *token)
{
	char mark = *token->place.at;

	if (mark == '[' || mark == '{' || mark == '(') {
		refuse_line(scan, token,
		    "a bracket without a name before it; a group is written NAME: { "
		    "... };");
	} else if (strchr("]});,", mark) && mark != '\0') {
		config_scan_complain(scan, &token->place, "a %c too many", mark);
		scan->skipped = token->place;
	} else if (mark == '@') {
		refuse_line(scan, token,
		    "an @ belongs in quotes, or to a line @include \"file\"");
	} else {
		refuse_line(scan, token, "the name of a setting must stand here");
	}
}

static enum outcome
want_name(struct config_scan *scan, const struct config_token *token)
{
	if (token->kind == TOKEN_WORD) {
		config_scan_begin(scan, &token->place);
		return USED;
	}
	if (token->kind == TOKEN_MARK) {
		if (is_mark(token, "}") && scan->bracket_count > 0) {
			close_bracket(scan);
		} else {
			refuse_mark(scan, token);
		}
		return USED;
	}
	config_scan_complain(scan, &token->place,
	    "a text in quotes where no value is expected; look for a missing = or "
	    "comma, here or on the line before; names have no quotes");
	scan->skipped = token->place;
	return USED;
}

static void
give_none(struct config_scan *scan)
{
	put(scan, "0");
	mend(scan);
	scan->want = WANT_END;
	scan->string_last = false;
}

/* Of a name that was refused there is nothing more to say. */
static void
refuse_none(struct config_scan *scan)
{
	const struct config_scan_setting *setting = &scan->settings[scan->current];
	const struct config_place *name = &setting->name;

	if (!setting->passed) {
		config_scan_complain(scan, name, "%.*s has no value; write %.*s = ...;",
		    config_brief_size(name), name->at, config_brief_size(name),
		    name->at);
	}
}

static enum outcome
want_assign(struct config_scan *scan, const struct config_token *token)
{
	const struct config_place *name = &scan->settings[scan->current].name;
	bool value = token->kind == TOKEN_STRING || token->kind == TOKEN_WORD ||
	    (is_mark(token, "{[(/'~@") && *token->place.at != '\0');

	put(scan, "=");
	scan->want = WANT_VALUE;
	if (is_mark(token, "=:")) {
		return USED;
	}
	if (value && token->place.line == name->line) {
		config_scan_complain(scan, name, "a = is missing behind %.*s",
		    config_brief_size(name), name->at);
		return AGAIN;
	}
	refuse_none(scan);
	give_none(scan);
	return AGAIN;
}

/* A value without quotes, as it is or mended. */
static void
take_bare(struct config_scan *scan, const struct config_token *token)
{
	char word[TOKEN_ROOM];
	char reason[CONFIG_REASON_ROOM];
	struct slice text = {token->place.at, token->place.size};
	bool whole = slice_copy(text, word, sizeof word) &&
	    !scan->settings[scan->current].has_secret;

	if (whole && !config_is_slip(word, reason)) {
		config_scan_put(scan, text.data, text.size);
		return;
	}
	config_scan_complain(scan, &token->place, "%s",
	    whole ? reason : "a text must be quoted; write it in quotes");
	mend(scan);
	put(scan, "\"\"");
}

/* libconfig takes a line end in a text as it is; here a line is a setting. */
static void
take_string(struct config_scan *scan, const struct config_token *token)
{
	const char *at = token->place.at;
	const char *end = at + token->place.size;

	while (at < end) {
		const char *line_end = memchr(at, '\n', (size_t)(end - at));
		const char *stop = line_end ? line_end : end;

		config_scan_put(scan, at, (size_t)(stop - at));
		if (line_end) {
			put(scan, "\\n");
		}
		at = stop + (line_end ? 1 : 0);
	}
}

/* A word, text or bracket at which a value may begin; false where it is none. */
static bool
take_value(struct config_scan *scan, const struct config_token *token)
{
	if (is_mark(token, "{[(")) {
		open_bracket(scan, token);
		return true;
	}
	if (token->kind != TOKEN_WORD && token->kind != TOKEN_STRING) {
		return false;
	}
	if (token->kind == TOKEN_WORD) {
		take_bare(scan, token);
	} else {
		take_string(scan, token);
	}
	scan->string_last = token->kind == TOKEN_STRING;
	scan->want = in_group(scan) ? WANT_END : WANT_COMMA;
	return true;
}

static enum outcome
want_value(struct config_scan *scan, const struct config_cursor *cursor,
    const struct config_token *token)
{
	struct config_scan_setting *setting = &scan->settings[scan->current];
	const struct config_place *name = &setting->name;
	char next = peek_behind(cursor, token);

	if ((next == ':' || next == '=') && token->place.line > name->line) {
		config_scan_complain(scan, name,
		    "%.*s has no value; a group is written %.*s: { ... };",
		    config_brief_size(name), name->at, config_brief_size(name),
		    name->at);
		give_none(scan);
		return AGAIN;
	}
	setting->value = token->place;
	if (take_value(scan, token)) {
		return USED;
	}
	setting->value = *name;
	config_scan_complain(scan, &token->place, "%.*s has no value before this",
	    config_brief_size(name), name->at);
	give_none(scan);
	return is_mark(token, ";,}])") ? AGAIN : USED;
}

/* What stands on the line of a value behind it. */
static void
refuse_rest(struct config_scan *scan, struct config_cursor *cursor,
    const struct config_token *token)
{
	struct config_scan_setting *setting = &scan->settings[scan->current];

	while (cursor->at < cursor->end && !strchr(";,}\n#", *cursor->at)) {
		cursor->at++;
	}
	struct config_place whole = up_to(&setting->value, cursor->at);

	while (whole.size > 0 && isspace((unsigned char)whole.at[whole.size - 1])) {
		whole.size--;
	}
	if (setting->mended) {
		return; /* it would be told again */
	}
	bool brief = token->kind == TOKEN_WORD && whole.size <= CONFIG_BRIEF_BYTES &&
	    !setting->has_secret && !config_place_holds(&whole, "\"") &&
	    !config_place_holds(&whole, "(");

	if (brief) {
		config_scan_complain(scan, &whole,
		    "a text of several words must be quoted; write \"%.*s\"",
		    config_brief_size(&whole), whole.at);
	} else {
		config_scan_complain(scan, &token->place,
		    "something stands behind the value of %.*s; look for a missing ; "
		    "or quote",
		    config_brief_size(&setting->name), setting->name.at);
	}
	mend(scan);
}

static bool
goes_over_lines(const struct config_place *place)
{
	return *place->at == '"' && memchr(place->at, '\n', place->size);
}

static enum outcome
want_end(struct config_scan *scan, struct config_cursor *cursor,
    const struct config_token *token)
{
	struct config_scan_setting *setting = &scan->settings[scan->current];
	char next = peek_behind(cursor, token);

	if (is_mark(token, ";,")) {
		put(scan, ";");
		scan->want = WANT_NAME;
		return USED;
	}
	if (token->kind == TOKEN_STRING && scan->string_last) {
		put(scan, " ");
		take_string(scan, token);
		if (token->place.file == setting->value.file) {
			setting->value =
			    up_to(&setting->value, token->place.at + token->place.size);
		}
		return USED;
	}
	bool same_line = token->place.line == setting->value.line &&
	    token->place.file == setting->value.file && !setting->passed &&
	    *setting->value.at != '{' && *setting->value.at != '[' &&
	    *setting->value.at != '(';

	if (is_mark(token, "}") || next == ':' || next == '=' ||
	    (!same_line && !goes_over_lines(&setting->value))) {
		put(scan, ";");
		scan->want = WANT_NAME;
		return AGAIN;
	}
	if (goes_over_lines(&setting->value)) {
		config_scan_complain(scan,
		    &(struct config_place){setting->value.at, 1, setting->value.line,
			setting->value.file},
		    "a text that begins here goes over several lines; look for a "
		    "missing quote");
		scan->failed = true;
		return USED;
	}
	refuse_rest(scan, cursor, token);
	return USED;
}

static enum outcome
want_item(struct config_scan *scan, const struct config_token *token)
{
	const struct config_bracket *bracket = innermost(scan);

	if (!bracket) {
		return USED; /* items stand in brackets only */
	}
	char closer = closer_of(bracket->mark);

	if (is_mark(token, "])")) {
		if (scan->comma_waits) {
			config_scan_complain(scan, &scan->comma,
			    "a comma behind the last item; leave it out");
		}
		if (*token->place.at != closer) {
			config_scan_complain(scan, &token->place,
			    "the %c of line %u ends with %c", bracket->mark,
			    bracket->at.line, closer);
			mend(scan);
		}
		close_bracket(scan);
		return USED;
	}
	if (is_mark(token, ",")) {
		config_scan_complain(scan, &token->place, "a comma too many");
		mend(scan);
		return USED;
	}
	if (scan->comma_waits) {
		put(scan, ",");
		scan->comma_waits = false;
	}
	if (take_value(scan, token)) {
		return USED;
	}
	put(scan, "0");
	refuse_unclosed(scan);
	return AGAIN;
}

static enum outcome
want_comma(struct config_scan *scan, const struct config_token *token)
{
	if (is_mark(token, ",")) {
		scan->comma_waits = true;
		scan->comma = token->place;
		scan->want = WANT_ITEM;
		return USED;
	}
	if (is_mark(token, "])")) {
		scan->want = WANT_ITEM;
		return AGAIN;
	}
	const struct config_bracket *bracket = innermost(scan);

	if (token->kind == TOKEN_STRING || is_mark(token, "([{") ||
	    (token->kind == TOKEN_WORD && bracket &&
		token->place.line == bracket->at.line)) {
		config_scan_complain(scan, &token->place,
		    "a comma is missing before this item");
		mend(scan);
		scan->comma_waits = true;
		scan->want = WANT_ITEM;
		return AGAIN;
	}
	refuse_unclosed(scan);
	return AGAIN;
}

static enum outcome
step(struct config_scan *scan, struct config_cursor *cursor,
    const struct config_token *token)
{
	switch (scan->want) {
	case WANT_NAME:
		return want_name(scan, token);
	case WANT_ASSIGN:
		return want_assign(scan, token);
	case WANT_VALUE:
		return want_value(scan, cursor, token);
	case WANT_END:
		return want_end(scan, cursor, token);
	case WANT_ITEM:
		return want_item(scan, token);
	case WANT_COMMA:
		return want_comma(scan, token);
	}
	return USED;
}

/* ---- all of it ---- */

static void
take_include(struct config_scan *scan, const struct config_cursor *cursor,
    const struct config_token *token)
{
	char name[CONFIG_NAME_ROOM];

	if (!config_lex_include(&token->place, name, sizeof name)) {
		config_scan_complain(scan, &token->place,
		    "the name of the file is too long");
		return;
	}
	config_scan_include(scan, cursor, &token->place, name);
}

static bool
is_skipped(const struct config_scan *scan, const struct config_token *token)
{
	return scan->skipped.line > 0 && scan->skipped.line == token->place.line &&
	    scan->skipped.file == token->place.file;
}

static bool
wants_value(const struct config_scan *scan)
{
	return scan->want == WANT_VALUE || scan->want == WANT_ITEM ||
	    scan->want == WANT_COMMA;
}

void
config_grammar_file(struct config_scan *scan, struct config_cursor *cursor)
{
	while (!scan->failed) {
		struct config_cursor before = *cursor;
		struct config_token token =
		    config_lex_next(scan, cursor, wants_value(scan));

		if (token.kind == TOKEN_END) {
			return;
		}
		if (is_skipped(scan, &token)) {
			continue;
		}
		if (token.kind == TOKEN_INCLUDE) {
			take_include(scan, cursor, &token);
		} else if (step(scan, cursor, &token) == AGAIN) {
			*cursor = before;
		}
	}
}

void
config_grammar_end(struct config_scan *scan)
{
	if (scan->failed) {
		return;
	}
	if (scan->want == WANT_ASSIGN || scan->want == WANT_VALUE) {
		refuse_none(scan);
		put(scan, scan->want == WANT_ASSIGN ? "=" : "");
		give_none(scan);
	}
	while (scan->bracket_count > 0) {
		refuse_unclosed(scan);
	}
}
