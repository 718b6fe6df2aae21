#include "log.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

/* A write of up to PIPE_BUF (4096) bytes to a pipe that polls as writable is whole and
 * does not block (pipe(7)); longer lines are cut to it. */
#define LINE_MAX_BYTES 4096

/* Documented by systemd, "Native Journal Protocol". */
#define JOURNAL_SOCKET "/run/systemd/journal/socket"

static struct {
	int fd;
	int journal;
	enum log_format format;
	enum log_level level;
	const struct secret *secret;
	uint64_t dropped;
	uint64_t dropped_told;
} sink = {
    .fd = STDERR_FILENO,
    .journal = -1,
    .level = LOG_LEVEL_INFO,
};

static const char *const level_names[] = {"error", "warning", "info", "debug"};

/* syslog(3) priorities of the levels. */
static const int level_priorities[] = {3, 4, 6, 7};

/* A line under construction in fixed room: no allocation, so it works out of memory. */
struct line {
	char text[LINE_MAX_BYTES];
	size_t size;
};

static void
put(struct line *line, const char *data, size_t size)
{
	size_t room = sizeof line->text - 1 - line->size;

	if (size > room) {
		size = room;
	}
	memcpy(line->text + line->size, data, size);
	line->size += size;
}

static void
put_text(struct line *line, const char *text)
{
	put(line, text, strlen(text));
}

/* Length of the well-formed UTF-8 sequence at data, 0 where there is none. */
static size_t
utf8_length(const unsigned char *data, size_t size)
{
	if (data[0] < 0xC2 || data[0] > 0xF4) {
		return 0;
	}
	size_t need = data[0] < 0xE0 ? 2 : data[0] < 0xF0 ? 3 : 4;

	if (size < need) {
		return 0;
	}
	for (size_t i = 1; i < need; i++) {
		if ((data[i] & 0xC0) != 0x80) {
			return 0;
		}
	}
	if ((data[0] == 0xE0 && data[1] < 0xA0) ||
	    (data[0] == 0xED && data[1] > 0x9F) ||
	    (data[0] == 0xF0 && data[1] < 0x90) ||
	    (data[0] == 0xF4 && data[1] > 0x8F)) {
		return 0;
	}
	return need;
}

/* U+0080 to U+009F, line and paragraph separators and the marks that turn the direction
 * of text: a terminal obeys them, so they are escaped as control characters are. */
static bool
is_hidden(const unsigned char *data, size_t length)
{
	if (length == 2) {
		return data[0] == 0xC2 && data[1] < 0xA0;
	}
	if (length == 3 && data[0] == 0xE2) {
		return (data[1] == 0x80 && (data[2] >= 0xA8 && data[2] <= 0xAE)) ||
		    (data[1] == 0x80 && (data[2] == 0x8E || data[2] == 0x8F)) ||
		    (data[1] == 0x81 && data[2] >= 0xA6 && data[2] <= 0xA9);
	}
	return false;
}

static void
put_escape(struct line *line, unsigned code)
{
	char text[8];
	int size = snprintf(text, sizeof text, "\\u%04x", code & 0xFFFFU);

	put(line, text, (size_t)size);
}

static unsigned
code_point(const unsigned char *data, size_t length)
{
	unsigned code = data[0] & (0xFFU >> (length + 1));

	for (size_t i = 1; i < length; i++) {
		code = code << 6 | (data[i] & 0x3FU);
	}
	return code;
}

/* The inside of a JSON string; logfmt quotes the same way. */
static void
put_escaped(struct line *line, const char *text, size_t size)
{
	const unsigned char *at = (const unsigned char *)text;

	while (size > 0) {
		size_t length = 1;

		if (*at == '"' || *at == '\\') {
			char pair[2] = {'\\', (char)*at};

			put(line, pair, sizeof pair);
		} else if (*at == '\n') {
			put(line, "\\n", 2);
		} else if (*at < 0x20 || *at == 0x7F) {
			put_escape(line, *at);
		} else if (*at < 0x80) {
			put(line, (const char *)at, 1);
		} else if ((length = utf8_length(at, size)) == 0) {
			length = 1;
			put_escape(line, 0xFFFD);
		} else if (is_hidden(at, length)) {
			put_escape(line, code_point(at, length));
		} else {
			put(line, (const char *)at, length);
		}
		at += length;
		size -= length;
	}
}

static bool
needs_quotes(struct slice text)
{
	if (text.size == 0) {
		return true;
	}
	for (size_t i = 0; i < text.size; i++) {
		unsigned char c = (unsigned char)text.data[i];

		if (c <= ' ' || c == '"' || c == '=' || c == '\\' || c >= 0x7F) {
			return true;
		}
	}
	return false;
}

static void
put_string(struct line *line, struct slice text, bool json)
{
	bool quotes = json || needs_quotes(text);

	if (quotes) {
		put(line, "\"", 1);
	}
	put_escaped(line, text.data, text.size);
	if (quotes) {
		put(line, "\"", 1);
	}
}

static void
put_value(struct line *line, const struct log_kv *pair, bool json)
{
	char text[320]; /* a double in %.3f has 314 characters at most */

	switch (pair->kind) {
	case LOG_KV_BOOL:
		put_text(line, pair->value.boolean ? "true" : "false");
		return;
	case LOG_KV_INT:
		(void)snprintf(text, sizeof text, "%" PRId64, pair->value.integer);
		break;
	case LOG_KV_UINT:
		(void)snprintf(text, sizeof text, "%" PRIu64, pair->value.natural);
		break;
	case LOG_KV_DOUBLE:
		if (!isfinite(pair->value.number)) {
			put_text(line, "null");
			return;
		}
		(void)snprintf(text, sizeof text, "%.3f", pair->value.number);
		break;
	case LOG_KV_TEXT:
		if (!pair->value.text.data) {
			put_text(line, json ? "null" : "-");
			return;
		}
		put_string(line, pair->value.text, json);
		return;
	}
	put_text(line, text);
}

/* RFC 3339 in UTC with milliseconds. */
static void
put_stamp(struct line *line)
{
	struct timespec now = {0, 0};
	struct tm parts;
	char text[40];

	(void)clock_gettime(CLOCK_REALTIME, &now);
	(void)gmtime_r(&now.tv_sec, &parts);
	size_t size = strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &parts);

	put(line, text, size);
	(void)snprintf(text, sizeof text, ".%03dZ", (int)(now.tv_nsec / 1000000));
	put_text(line, text);
}

static void
put_logfmt(struct line *line, enum log_level level, const char *event,
    const struct log_kv *pairs, size_t count, bool stamp)
{
	if (stamp) {
		put_text(line, "ts=");
		put_stamp(line);
		put_text(line, " level=");
		put_text(line, level_names[level]);
		put_text(line, " ");
	}
	put_text(line, "event=");
	put_text(line, event);
	for (size_t i = 0; i < count; i++) {
		put_text(line, " ");
		put_text(line, pairs[i].key);
		put_text(line, "=");
		put_value(line, &pairs[i], false);
	}
}

static void
put_json(struct line *line, enum log_level level, const char *event,
    const struct log_kv *pairs, size_t count)
{
	/* Each pair goes in whole or not at all, so that a long value cannot break the
	 * object; 2 bytes are kept for its end. */
	put_text(line, "{\"ts\":\"");
	put_stamp(line);
	put_text(line, "\",\"level\":\"");
	put_text(line, level_names[level]);
	put_text(line, "\",\"event\":\"");
	put_text(line, event);
	put_text(line, "\"");
	for (size_t i = 0; i < count; i++) {
		size_t before = line->size;

		put_text(line, ",\"");
		put_text(line, pairs[i].key);
		put_text(line, "\":");
		put_value(line, &pairs[i], true);
		if (line->size >= sizeof line->text - 4) {
			line->size = before;
		}
	}
	put_text(line, "}");
}

static bool
fd_takes(int fd)
{
	struct pollfd pfd = {.fd = fd, .events = POLLOUT};

	/* Regular files always poll as writable. */
	return poll(&pfd, 1, 0) == 1 && (pfd.revents & POLLOUT) != 0;
}

static bool
write_line(struct line *line)
{
	secret_scrub(sink.secret, line->text, line->size);
	line->text[line->size++] = '\n';
	if (!fd_takes(sink.fd)) {
		return false;
	}
	ssize_t done;

	do {
		done = write(sink.fd, line->text, line->size);
	} while (done < 0 && errno == EINTR);
	return done == (ssize_t)line->size;
}

/* One datagram: MESSAGE is the logfmt text, and every key a field GWBOT_KEY. */
static bool
send_journal(enum log_level level, const char *event, const struct log_kv *pairs,
    size_t count)
{
	struct line text = {.size = 0};
	struct line packet = {.size = 0};
	char number[40];

	put_logfmt(&text, level, event, pairs, count, false);
	secret_scrub(sink.secret, text.text, text.size);
	(void)snprintf(number, sizeof number, "PRIORITY=%d\n", level_priorities[level]);
	put_text(&packet, number);
	put_text(&packet, "SYSLOG_IDENTIFIER=gwbotd\nGWBOT_EVENT=");
	put_text(&packet, event);
	put_text(&packet, "\nMESSAGE=");
	put(&packet, text.text, text.size);
	put_text(&packet, "\n");
	return send(sink.journal, packet.text, packet.size,
		   MSG_DONTWAIT | MSG_NOSIGNAL) == (ssize_t)packet.size;
}

static bool
deliver(enum log_level level, const char *event, const struct log_kv *pairs,
    size_t count)
{
	struct line line = {.size = 0};

	if (sink.format == LOG_FORMAT_JOURNAL && sink.journal >= 0) {
		return send_journal(level, event, pairs, count);
	}
	if (sink.format == LOG_FORMAT_JSON) {
		put_json(&line, level, event, pairs, count);
	} else {
		put_logfmt(&line, level, event, pairs, count, true);
	}
	return write_line(&line);
}

/* Says how many lines were lost as soon as the target takes lines again. */
static void
tell_dropped(void)
{
	if (sink.dropped == sink.dropped_told) {
		return;
	}
	struct log_kv pair = log_kv_uint("lines", sink.dropped - sink.dropped_told);

	if (deliver(LOG_LEVEL_WARNING, "log_dropped", &pair, 1)) {
		sink.dropped_told = sink.dropped;
	}
}

void
log_write(enum log_level level, const char *event, const struct log_kv *pairs,
    size_t count)
{
	if (level > log_get_level()) {
		return;
	}
	int saved = errno;

	tell_dropped();
	if (!deliver(level, event, pairs, count)) {
		sink.dropped++;
	}
	errno = saved;
}

static int
open_journal(void)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX,
	    .sun_path = JOURNAL_SOCKET};
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0) {
		return -1;
	}
	if (connect(fd, (const struct sockaddr *)&address, sizeof address) != 0) {
		(void)close(fd);
		return -1;
	}
	return fd;
}

void
log_open(int fd, enum log_format format, enum log_level level)
{
	sink.fd = fd;
	sink.format = format;
	if (sink.journal >= 0) {
		(void)close(sink.journal);
	}
	sink.journal = format == LOG_FORMAT_JOURNAL ? open_journal() : -1;
	log_set_level(level);
}

void
log_set_level(enum log_level level)
{
	sink.level = level;
}

enum log_level
log_get_level(void)
{
	return sink.level;
}

void
log_set_secret(const struct secret *secret)
{
	sink.secret = secret;
}

uint64_t
log_dropped(void)
{
	return sink.dropped;
}

const char *
log_level_name(enum log_level level)
{
	return level_names[level];
}

bool
log_level_parse(const char *text, enum log_level *level)
{
	for (size_t i = 0; i < sizeof level_names / sizeof level_names[0]; i++) {
		if (strcasecmp(text, level_names[i]) == 0) {
			*level = (enum log_level)i;
			return true;
		}
	}
	if (strcasecmp(text, "warn") == 0) {
		*level = LOG_LEVEL_WARNING;
		return true;
	}
	return false;
}

struct log_kv
log_kv_bool(const char *key, bool value)
{
	return (struct log_kv){.key = key, .kind = LOG_KV_BOOL, .value.boolean = value};
}

struct log_kv
log_kv_int(const char *key, int64_t value)
{
	return (struct log_kv){.key = key, .kind = LOG_KV_INT, .value.integer = value};
}

struct log_kv
log_kv_uint(const char *key, uint64_t value)
{
	return (struct log_kv){.key = key, .kind = LOG_KV_UINT, .value.natural = value};
}

struct log_kv
log_kv_double(const char *key, double value)
{
	return (
	    struct log_kv){.key = key, .kind = LOG_KV_DOUBLE, .value.number = value};
}

struct log_kv
log_kv_text(const char *key, const char *value)
{
	return log_kv_slice(key, slice_of(value));
}

struct log_kv
log_kv_slice(const char *key, struct slice value)
{
	return (struct log_kv){.key = key, .kind = LOG_KV_TEXT, .value.text = value};
}
