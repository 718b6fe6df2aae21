#include "http.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

static bool
is_token(char c)
{
	return isalnum((unsigned char)c) || (c != '\0' && strchr("!#$%&'*+-.^_`|~", c));
}

static bool
equal_any_case(struct slice a, const char *b)
{
	return a.size == strlen(b) && strncasecmp(a.data, b, a.size) == 0;
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

/* Takes one line without its CRLF off the front; false where there is none. */
static bool
take_line(struct slice *input, struct slice *line)
{
	const char *end = memmem(input->data, input->size, "\r\n", 2);

	if (!end) {
		return false;
	}
	*line = (struct slice){input->data, (size_t)(end - input->data)};
	input->data += line->size + 2;
	input->size -= line->size + 2;
	return true;
}

static bool
take_word(struct slice *line, struct slice *word)
{
	const char *space = memchr(line->data, ' ', line->size);
	size_t size = space ? (size_t)(space - line->data) : line->size;

	*word = (struct slice){line->data, size};
	size_t used = space ? size + 1 : size;

	line->data += used;
	line->size -= used;
	return size > 0;
}

static int
parse_request_line(struct slice line, struct http_request *out)
{
	struct slice target = {0};
	struct slice version = {0};

	if (!take_word(&line, &out->method) || !take_word(&line, &target) ||
	    !take_word(&line, &version) || line.size > 0 || target.data[0] != '/') {
		return 400;
	}
	for (size_t i = 0; i < target.size; i++) {
		if ((unsigned char)target.data[i] <= ' ' || target.data[i] == 0x7F) {
			return 400;
		}
	}
	bool v11 = slice_equal(version, SLICE_LITERAL("HTTP/1.1"));

	if (!v11 && !slice_equal(version, SLICE_LITERAL("HTTP/1.0"))) {
		return 505;
	}
	out->keep_alive = v11;
	const char *mark = memchr(target.data, '?', target.size);

	out->path = target;
	if (mark) {
		out->path.size = (size_t)(mark - target.data);
		out->query = (struct slice){mark + 1, target.size - out->path.size - 1};
	}
	return 0;
}

static int
parse_header(struct slice line, struct http_request *out)
{
	const char *colon = memchr(line.data, ':', line.size);

	if (!colon || colon == line.data) {
		return 400;
	}
	size_t name_size = (size_t)(colon - line.data);

	for (size_t i = 0; i < name_size; i++) {
		if (!is_token(line.data[i])) {
			return 400;
		}
	}
	if (out->header_count == HTTP_MAX_HEADERS) {
		return 431;
	}
	out->headers[out->header_count++] = (struct http_header){
	    .name = {line.data, name_size},
	    .value = trim((struct slice){colon + 1, line.size - name_size - 1}),
	};
	return 0;
}

static int
parse_head(struct slice head, struct http_request *out)
{
	struct slice line;

	if (!take_line(&head, &line)) {
		return 400;
	}
	int status = parse_request_line(line, out);

	while (status == 0 && take_line(&head, &line) && line.size > 0) {
		status = parse_header(line, out);
	}
	if (status != 0) {
		return status;
	}
	struct slice connection = http_header_find(out, "Connection");

	if (http_value_has(connection, "close")) {
		out->keep_alive = false;
	} else if (http_value_has(connection, "keep-alive")) {
		out->keep_alive = true;
	}
	out->expects_continue =
	    http_value_has(http_header_find(out, "Expect"), "100-continue");
	return 0;
}

/* The value of a digit; base or more where it is none. */
static unsigned
digit_of(char c)
{
	int lower = tolower((unsigned char)c);

	if (isdigit(lower)) {
		return (unsigned)(lower - '0');
	}
	return lower >= 'a' && lower <= 'f' ? (unsigned)(lower - 'a' + 10) : 16;
}

static bool
parse_number(struct slice text, unsigned base, size_t *out)
{
	*out = 0;
	if (text.size == 0 || text.size > 15) {
		return false;
	}
	for (size_t i = 0; i < text.size; i++) {
		unsigned digit = digit_of(text.data[i]);

		if (digit >= base) {
			return false;
		}
		*out = *out * base + digit;
	}
	return true;
}

/* Reads chunks until the last one and the trailer's end. */
static enum http_result
parse_chunks(struct slice input, struct buf *chunks, size_t *used, int *status)
{
	const char *start = input.data;
	struct slice line;

	*status = 400;
	while (take_line(&input, &line)) {
		const char *mark = memchr(line.data, ';', line.size);
		size_t size = 0;

		if (mark) {
			line.size = (size_t)(mark - line.data);
		}
		if (!parse_number(trim(line), 16, &size)) {
			return HTTP_BAD;
		}
		if (size > HTTP_MAX_BODY - chunks->size) {
			*status = 413;
			return HTTP_BAD;
		}
		if (size == 0) {
			while (take_line(&input, &line)) {
				if (line.size == 0) {
					*used = (size_t)(input.data - start);
					return HTTP_DONE;
				}
			}
			return HTTP_MORE_BODY;
		}
		if (input.size < size + 2) {
			return HTTP_MORE_BODY;
		}
		if (memcmp(input.data + size, "\r\n", 2) != 0 ||
		    buf_append(chunks, input.data, size) != GW_OK) {
			return HTTP_BAD;
		}
		input.data += size + 2;
		input.size -= size + 2;
	}
	/* A size line is short: more than this without its end is no chunk. */
	return input.size > 256 ? HTTP_BAD : HTTP_MORE_BODY;
}

static enum http_result
parse_body(struct slice rest, struct http_request *out, struct buf *chunks, int *status)
{
	struct slice coding = http_header_find(out, "Transfer-Encoding");
	struct slice length = http_header_find(out, "Content-Length");
	size_t size = 0;

	if (coding.size > 0) {
		/* Both at once is the way requests are smuggled. */
		*status = length.size > 0 ? 400 : 501;
		if (length.size > 0 || !equal_any_case(coding, "chunked")) {
			return HTTP_BAD;
		}
		enum http_result result = parse_chunks(rest, chunks, &size, status);

		out->body = buf_slice(chunks);
		out->size += size;
		return result;
	}
	*status = 400;
	if (length.size > 0 && !parse_number(length, 10, &size)) {
		return HTTP_BAD;
	}
	if (size > HTTP_MAX_BODY) {
		*status = 413;
		return HTTP_BAD;
	}
	if (rest.size < size) {
		return HTTP_MORE_BODY;
	}
	out->body = (struct slice){rest.data, size};
	out->size += size;
	return HTTP_DONE;
}

enum http_result
http_parse(struct slice input, struct http_request *out, struct buf *chunks,
    int *status)
{
	*out = (struct http_request){.header_count = 0};
	buf_clear(chunks);
	*status = 431;
	const char *end =
	    input.size > 0 ? memmem(input.data, input.size, "\r\n\r\n", 4) : NULL;

	if (!end) {
		return input.size > HTTP_MAX_HEAD ? HTTP_BAD : HTTP_MORE;
	}
	out->size = (size_t)(end - input.data) + 4;
	if (out->size > HTTP_MAX_HEAD) {
		return HTTP_BAD;
	}
	*status = parse_head((struct slice){input.data, out->size}, out);
	if (*status != 0) {
		return HTTP_BAD;
	}
	return parse_body((struct slice){input.data + out->size,
			      input.size - out->size},
	    out, chunks, status);
}

struct slice
http_header_find(const struct http_request *request, const char *name)
{
	for (size_t i = 0; i < request->header_count; i++) {
		if (equal_any_case(request->headers[i].name, name)) {
			return request->headers[i].value;
		}
	}
	return (struct slice){NULL, 0};
}

bool
http_value_has(struct slice value, const char *token)
{
	while (value.size > 0) {
		const char *comma = memchr(value.data, ',', value.size);
		size_t size = comma ? (size_t)(comma - value.data) : value.size;

		if (equal_any_case(trim((struct slice){value.data, size}), token)) {
			return true;
		}
		size_t used = comma ? size + 1 : size;

		value.data += used;
		value.size -= used;
	}
	return false;
}

bool
http_query_find(struct slice query, const char *name, struct slice *value)
{
	size_t name_size = strlen(name);

	while (query.size > 0) {
		const char *amp = memchr(query.data, '&', query.size);
		size_t size = amp ? (size_t)(amp - query.data) : query.size;

		if (size > name_size && query.data[name_size] == '=' &&
		    memcmp(query.data, name, name_size) == 0) {
			*value = (struct slice){query.data + name_size + 1,
			    size - name_size - 1};
			return true;
		}
		size_t used = amp ? size + 1 : size;

		query.data += used;
		query.size -= used;
	}
	return false;
}

bool
http_unescape(struct slice text, char *out, size_t room)
{
	size_t size = 0;

	for (size_t i = 0; i < text.size; i++) {
		char c = text.data[i];

		if (size + 1 >= room) {
			return false;
		}
		if (c == '%') {
			size_t code = 0;

			if (text.size - i < 3 ||
			    !parse_number((struct slice){text.data + i + 1, 2}, 16,
				&code) ||
			    code == 0) {
				return false;
			}
			c = (char)code;
			i += 2;
		}
		out[size++] = c;
	}
	out[size] = '\0';
	return true;
}

const char *
http_phrase(int status)
{
	static const struct {
		int status;
		const char *phrase;
	} phrases[] = {
	    {101, "Switching Protocols"},
	    {200, "OK"},
	    {204, "No Content"},
	    {302, "Found"},
	    {304, "Not Modified"},
	    {307, "Temporary Redirect"},
	    {400, "Bad Request"},
	    {401, "Unauthorized"},
	    {403, "Forbidden"},
	    {404, "Not Found"},
	    {405, "Method Not Allowed"},
	    {413, "Payload Too Large"},
	    {426, "Upgrade Required"},
	    {429, "Too Many Requests"},
	    {431, "Request Header Fields Too Large"},
	    {500, "Internal Server Error"},
	    {501, "Not Implemented"},
	    {502, "Bad Gateway"},
	    {503, "Service Unavailable"},
	    {504, "Gateway Timeout"},
	    {505, "HTTP Version Not Supported"},
	};

	for (size_t i = 0; i < sizeof phrases / sizeof phrases[0]; i++) {
		if (phrases[i].status == status) {
			return phrases[i].phrase;
		}
	}
	return "Unknown";
}
