/*
 * Everything that reaches a line goes through put(), which takes a unit (a character,
 * an escape, a word) whole or not at all.  A few bytes are kept back for the end of a
 * text, of an object and of the line.
 */
#include "log_line.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "utf8.h"

/* For the longest end of a cut line: ..."}\n */
#define END_BYTES     6

#define HIDDEN_SECRET "********"

/* syslog(3) priorities of the levels. */
static const char *const priorities[] = {"3", "4", "6", "7"};

enum style { STYLE_LOGFMT, STYLE_JSON, STYLE_JOURNAL };

struct log_line
log_line_of(char *text, size_t room, const struct secret *secret)
{
	return (struct log_line){.text = text, .room = room, .secret = secret};
}

/* ---- bytes ---- */

static bool
put_within(struct log_line *line, const char *data, size_t size, size_t limit)
{
	if (line->size > limit || size > limit - line->size) {
		line->full = true;
		return false;
	}
	memcpy(line->text + line->size, data, size);
	line->size += size;
	return true;
}

static bool
put(struct log_line *line, const char *data, size_t size)
{
	return put_within(line, data, size, line->room - END_BYTES);
}

static void
put_text(struct log_line *line, const char *text)
{
	(void)put(line, text, strlen(text));
}

/* What closes something open: there is always room for it. */
static void
put_end(struct log_line *line, const char *text)
{
	(void)put_within(line, text, strlen(text), line->room);
}

void
log_line_put_newline(struct log_line *line)
{
	put_end(line, "\n");
}

/* ---- text ---- */

/* C1 control characters, line and paragraph separators and the marks that turn the
 * direction of text: a terminal obeys them, so they are escaped as control characters
 * are. */
static bool
is_hidden(uint32_t code)
{
	return (code >= 0x7F && code < 0xA0) || code == 0x061C || code == 0x200E ||
	    code == 0x200F || (code >= 0x2028 && code <= 0x202E) ||
	    (code >= 0x2066 && code <= 0x2069) || code == 0xFEFF;
}

static bool
put_escape(struct log_line *line, uint32_t code)
{
	char text[8];
	int size = snprintf(text, sizeof text, "\\u%04x", (unsigned)(code & 0xFFFFU));

	return put(line, text, (size_t)size);
}

/* One character of left bytes at hand, escaped where it must be; bytes that are no
 * character become U+FFFD.  taken is how many it was. */
static bool
put_character(struct log_line *line, const unsigned char *at, size_t left,
    size_t *taken)
{
	size_t length = utf8_length(at, left);

	*taken = length > 0 ? length : 1;
	if (length == 0) {
		return put_escape(line, 0xFFFD);
	}
	if (*at == '"' || *at == '\\') {
		char pair[2] = {'\\', (char)*at};

		return put(line, pair, sizeof pair);
	}
	if (*at == '\n') {
		return put(line, "\\n", 2);
	}
	uint32_t code = utf8_decode(at, length);

	if (code < 0x20 || is_hidden(code)) {
		return put_escape(line, code);
	}
	return put(line, (const char *)at, length);
}

/* The inside of a JSON string; logfmt quotes the same way.  The secret is looked for
 * here, before anything is escaped or cut, so that no part of it slips through. */
static void
put_escaped(struct log_line *line, struct slice text)
{
	const unsigned char *at = (const unsigned char *)text.data;
	size_t left = text.size;

	while (left > 0) {
		size_t taken = secret_prefix(line->secret, (const char *)at, left);
		bool fits = taken > 0 ?
		    put(line, HIDDEN_SECRET, sizeof HIDDEN_SECRET - 1) :
		    put_character(line, at, left, &taken);

		if (!fits) {
			put_end(line, "...");
			return;
		}
		at += taken;
		left -= taken;
	}
}

static bool
needs_quotes(struct slice text)
{
	if (text.size == 0) {
		return true;
	}
	for (size_t i = 0; i < text.size; i++) {
		unsigned char byte = (unsigned char)text.data[i];

		if (byte <= ' ' || byte == '"' || byte == '=' || byte == '\\' ||
		    byte >= 0x7F) {
			return true;
		}
	}
	return false;
}

static void
put_string(struct log_line *line, struct slice text, enum style style)
{
	bool quotes =
	    style == STYLE_JSON || (style == STYLE_LOGFMT && needs_quotes(text));

	if (quotes && !put(line, "\"", 1)) {
		return;
	}
	line->full = false; /* from here on the text may be cut, which is no failure */
	put_escaped(line, text);
	if (quotes) {
		put_end(line, "\"");
	}
	line->full = false;
}

/* ---- values ---- */

/* Three decimals without printf's, whose point is the locale's. */
static void
put_double(struct log_line *line, double number)
{
	char text[320]; /* the largest double has 309 digits */

	if (!isfinite(number)) {
		put_text(line, "null");
		return;
	}
	if (fabs(number) >= 1e15) {
		(void)snprintf(text, sizeof text, "%.0f", number);
		put_text(line, text);
		return;
	}
	double magnitude = fabs(number) * 1000.0 + 0.5;
	uint64_t thousandths = (uint64_t)magnitude;
	const char *sign = number < 0 && thousandths > 0 ? "-" : "";

	(void)snprintf(text, sizeof text, "%s%" PRIu64 ".%03u", sign,
	    thousandths / 1000, (unsigned)(thousandths % 1000));
	put_text(line, text);
}

static void
put_value(struct log_line *line, const struct log_kv *pair, enum style style)
{
	char text[24];

	switch (pair->kind) {
	case LOG_KV_BOOL:
		put_text(line, pair->value.boolean ? "true" : "false");
		return;
	case LOG_KV_INT:
		(void)snprintf(text, sizeof text, "%" PRId64, pair->value.integer);
		put_text(line, text);
		return;
	case LOG_KV_UINT:
		(void)snprintf(text, sizeof text, "%" PRIu64, pair->value.natural);
		put_text(line, text);
		return;
	case LOG_KV_DOUBLE:
		put_double(line, pair->value.number);
		return;
	case LOG_KV_TEXT:
		if (pair->value.text.data) {
			put_string(line, pair->value.text, style);
		} else {
			put_text(line, style == STYLE_JSON ? "null" : "-");
		}
		return;
	}
}

/* GWBOT_KEY: fields have capital letters, digits and underscores. */
static void
put_field_name(struct log_line *line, const char *key)
{
	put_text(line, "GWBOT_");
	for (; *key; key++) {
		char letter = *key;

		if (letter >= 'a' && letter <= 'z') {
			letter = (char)(letter - 'a' + 'A');
		}
		(void)put(line, &letter, 1);
	}
	put_text(line, "=");
}

static void
put_key(struct log_line *line, const char *key, enum style style)
{
	switch (style) {
	case STYLE_LOGFMT:
		put_text(line, " ");
		put_text(line, key);
		put_text(line, "=");
		return;
	case STYLE_JSON:
		put_text(line, ",\"");
		put_text(line, key);
		put_text(line, "\":");
		return;
	case STYLE_JOURNAL:
		put_field_name(line, key);
		return;
	}
}

/* Each pair goes in whole, or with its text cut, or not at all. */
static void
put_pairs(struct log_line *line, const struct log_event *event, enum style style)
{
	for (size_t i = 0; i < event->count; i++) {
		size_t before = line->size;

		line->full = false;
		put_key(line, event->pairs[i].key, style);
		if (!line->full) {
			put_value(line, &event->pairs[i], style);
		}
		if (line->full) {
			line->size = before;
		} else if (style == STYLE_JOURNAL) {
			put_end(line, "\n");
		}
	}
}

/* ---- lines ---- */

/* RFC 3339 in UTC with milliseconds. */
static void
put_stamp(struct log_line *line)
{
	struct timespec now = {0, 0};
	struct tm parts;
	char text[40];

	(void)clock_gettime(CLOCK_REALTIME, &now);
	(void)gmtime_r(&now.tv_sec, &parts);
	size_t size = strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &parts);

	(void)put(line, text, size);
	(void)snprintf(text, sizeof text, ".%03dZ", (int)(now.tv_nsec / 1000000));
	put_text(line, text);
}

static void
put_message(struct log_line *line, const struct log_event *event)
{
	put_text(line, "event=");
	put_text(line, event->name);
	put_pairs(line, event, STYLE_LOGFMT);
	put_end(line, "\n");
}

void
log_line_put_logfmt(struct log_line *line, const struct log_event *event)
{
	put_text(line, "ts=");
	put_stamp(line);
	put_text(line, " level=");
	put_text(line, log_level_name(event->level));
	put_text(line, " ");
	put_message(line, event);
}

void
log_line_put_json(struct log_line *line, const struct log_event *event)
{
	put_text(line, "{\"ts\":\"");
	put_stamp(line);
	put_text(line, "\",\"level\":\"");
	put_text(line, log_level_name(event->level));
	put_text(line, "\",\"event\":\"");
	put_text(line, event->name);
	put_text(line, "\"");
	put_pairs(line, event, STYLE_JSON);
	put_end(line, "}\n");
}

void
log_line_put_priority(struct log_line *line, enum log_level level)
{
	put_text(line, "<");
	put_text(line, priorities[level]);
	put_text(line, ">");
}

/* Documented by systemd, "Native Journal Protocol".  No value holds a newline, since
 * those are escaped, so the simple form NAME=VALUE does for all. */
void
log_line_put_journal(struct log_line *line, const struct log_event *event)
{
	put_text(line, "PRIORITY=");
	put_text(line, priorities[event->level]);
	put_text(line, "\nSYSLOG_IDENTIFIER=gwbotd\nGWBOT_EVENT=");
	put_text(line, event->name);
	put_text(line, "\nMESSAGE=");
	/* A long text must leave room for the fields. */
	size_t room = line->room;

	line->room = room / 3;
	put_message(line, event);
	line->room = room;
	put_pairs(line, event, STYLE_JOURNAL);
}
