#include "upgrade.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

/* ---- request ---- */

/* Printable ASCII; blanks only where allowed.  Line ends would forge headers. */
static bool
is_safe(const char *text, bool blanks)
{
	for (const char *at = text; *at; at++) {
		unsigned char c = (unsigned char)*at;

		if (c > 0x7E || c < ' ' || (c == ' ' && !blanks)) {
			return false;
		}
	}
	return *text != '\0';
}

size_t
upgrade_write(char *out, size_t room, const struct upgrade_request *request)
{
	if (!is_safe(request->host, false) || !is_safe(request->path, false) ||
	    !is_safe(request->user_agent, true) || !is_safe(request->key, false) ||
	    request->path[0] != '/') {
		return 0;
	}
	int size = snprintf(out, room,
	    "GET %s HTTP/1.1\r\n"
	    "Host: %s\r\n"
	    "Upgrade: websocket\r\n"
	    "Connection: Upgrade\r\n"
	    "Sec-WebSocket-Key: %s\r\n"
	    "Sec-WebSocket-Version: 13\r\n"
	    "User-Agent: %s\r\n"
	    "\r\n",
	    request->path, request->host, request->key, request->user_agent);

	return size > 0 && (size_t)size < room ? (size_t)size : 0;
}

/* ---- answer ---- */

static bool
equals_word(struct slice text, const char *word)
{
	return text.size == strlen(word) &&
	    strncasecmp(text.data, word, text.size) == 0;
}

static struct slice
trim(struct slice text)
{
	while (text.size > 0 && (*text.data == ' ' || *text.data == '\t')) {
		text.data++;
		text.size--;
	}
	while (text.size > 0 &&
	    (text.data[text.size - 1] == ' ' || text.data[text.size - 1] == '\t')) {
		text.size--;
	}
	return text;
}

/* True where a list separated by commas has the word, in any case. */
static bool
list_has(struct slice list, const char *word)
{
	for (;;) {
		const char *comma = memchr(list.data, ',', list.size);
		size_t size = comma ? (size_t)(comma - list.data) : list.size;

		if (equals_word(trim((struct slice){list.data, size}), word)) {
			return true;
		}
		if (!comma) {
			return false;
		}
		list.data += size + 1;
		list.size -= size + 1;
	}
}

/* Retry-After in seconds; its other form, a date, counts as none. */
static unsigned
read_seconds(struct slice text)
{
	unsigned value = 0;

	if (text.size == 0 || text.size > 9) {
		return 0;
	}
	for (size_t i = 0; i < text.size; i++) {
		if (text.data[i] < '0' || text.data[i] > '9') {
			return 0;
		}
		value = value * 10 + (unsigned)(text.data[i] - '0');
	}
	return value;
}

/* "HTTP/1.x NNN", then nothing or a blank and any phrase. */
static const char *
read_status_line(struct upgrade_parser *parser, struct slice line)
{
	static const char form[] = "HTTP/1.x NNN";
	unsigned status = 0;

	if (line.size < sizeof form - 1 || memcmp(line.data, form, 7) != 0 ||
	    (line.data[7] != '0' && line.data[7] != '1') || line.data[8] != ' ') {
		return "the answer is not HTTP";
	}
	for (size_t i = 9; i < 12; i++) {
		if (line.data[i] < '0' || line.data[i] > '9') {
			return "the answer has no status";
		}
		status = status * 10 + (unsigned)(line.data[i] - '0');
	}
	if (status < 100 || (line.size > 12 && line.data[12] != ' ')) {
		return "the answer has no status";
	}
	parser->status = status;
	if (status == 101 && line.data[7] != '1') {
		return "101 in another version than HTTP/1.1";
	}
	return NULL;
}

static const char *
read_accept(struct upgrade_parser *parser, struct slice value)
{
	if (parser->has_accept) {
		return "Sec-WebSocket-Accept twice";
	}
	parser->has_accept = true;
	if (!slice_equal(value, slice_of(parser->expected))) {
		return "wrong Sec-WebSocket-Accept";
	}
	return NULL;
}

/* RFC 9110 5.6.2: what a header's name consists of. */
static bool
is_token(struct slice text)
{
	static const char others[] = "!#$%&'*+-.^_`|~";

	for (size_t i = 0; i < text.size; i++) {
		char c = text.data[i];
		bool alnum = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ||
		    (c >= 'a' && c <= 'z');

		if (!alnum && !memchr(others, c, sizeof others - 1)) {
			return false;
		}
	}
	return text.size > 0;
}

static const char *
read_header(struct upgrade_parser *parser, struct slice line)
{
	const char *colon = memchr(line.data, ':', line.size);
	struct slice name = {line.data, colon ? (size_t)(colon - line.data) : 0};

	if (*line.data == ' ' || *line.data == '\t') {
		return "a header is folded";
	}
	if (!is_token(name)) {
		return "a header is malformed";
	}
	struct slice value = trim((struct slice){colon + 1, line.size - name.size - 1});

	if (equals_word(name, "retry-after")) {
		parser->retry_after_s = read_seconds(value);
		return NULL;
	}
	if (parser->status != 101) {
		return NULL;
	}
	if (equals_word(name, "upgrade")) {
		if (!equals_word(value, "websocket")) {
			return "upgraded to another protocol";
		}
		parser->has_upgrade = true;
	} else if (equals_word(name, "connection")) {
		parser->has_connection |= list_has(value, "upgrade");
	} else if (equals_word(name, "sec-websocket-accept")) {
		return read_accept(parser, value);
	} else if (equals_word(name, "sec-websocket-extensions")) {
		return "an extension that was not asked for";
	} else if (equals_word(name, "sec-websocket-protocol")) {
		return "a subprotocol that was not asked for";
	}
	return NULL;
}

static const char *
check_whole(const struct upgrade_parser *parser)
{
	if (!parser->has_upgrade) {
		return "no Upgrade header";
	}
	if (!parser->has_connection) {
		return "no Connection: Upgrade header";
	}
	return parser->has_accept ? NULL : "no Sec-WebSocket-Accept header";
}

/* One line without its end; an empty one ends the headers. */
static enum upgrade_verdict
read_line(struct upgrade_parser *parser, struct slice line)
{
	if (!parser->first_line_read) {
		parser->first_line_read = true;
		parser->why = read_status_line(parser, line);
	} else if (line.size > 0) {
		parser->why = read_header(parser, line);
	} else if (parser->status != 101) {
		return UPGRADE_STATUS;
	} else {
		parser->why = check_whole(parser);
		return parser->why ? UPGRADE_INVALID : UPGRADE_DONE;
	}
	return parser->why ? UPGRADE_INVALID : UPGRADE_MORE;
}

/* What must not stand in a head, whatever the line; c is not yet part of it. */
static const char *
check_byte(const struct upgrade_parser *parser, char c)
{
	static const char begin[] = "HTTP/1.";
	unsigned char byte = (unsigned char)c;
	bool after_cr = parser->size > 0 && parser->head[parser->size - 1] == '\r';

	if (parser->size < sizeof begin - 1 && c != begin[parser->size]) {
		return "the answer is not HTTP";
	}
	if (byte == 0) {
		return "a zero byte in the answer";
	}
	if (after_cr != (c == '\n')) {
		return "a line does not end with CR LF";
	}
	if ((byte < ' ' && c != '\t' && c != '\r' && c != '\n') || byte == 0x7F) {
		return "a control character in the answer";
	}
	return NULL;
}

void
upgrade_parser_init(struct upgrade_parser *parser, const char *expected_accept)
{
	*parser = (struct upgrade_parser){.status = 0};
	(void)slice_copy(slice_of(expected_accept), parser->expected,
	    sizeof parser->expected);
}

enum upgrade_verdict
upgrade_step(struct upgrade_parser *parser, struct slice *input)
{
	enum upgrade_verdict verdict = UPGRADE_MORE;

	while (verdict == UPGRADE_MORE && input->size > 0) {
		char c = *input->data;

		parser->why = parser->size == sizeof parser->head ?
		    "headers over 8 KiB" :
		    check_byte(parser, c);
		if (parser->why) {
			return UPGRADE_INVALID;
		}
		parser->head[parser->size++] = c;
		input->data++;
		input->size--;
		if (c == '\n') {
			struct slice line = {parser->head + parser->line_at,
			    parser->size - parser->line_at - 2};

			parser->line_at = parser->size;
			verdict = read_line(parser, line);
		}
	}
	return verdict;
}
