/*
 * The sink.  A full target must never hold up the loop: pipes and terminals are opened
 * a second time for writing without blocking (the first descriptor may be shared with
 * other programs, which O_NONBLOCK would change for them too), sockets take a flag a
 * call, and only what can do neither is asked with poll() first.
 */
#include "log.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "log_journal.h"
#include "log_line.h"
#include "log_rate.h"

/* A write of up to PIPE_BUF (4096) bytes goes into a pipe whole or not at all
 * (pipe(7)). */
#define LINE_BYTES 4096

/* MESSAGE and every pair once more as a field. */
#define PACKET_BYTES (3 * LINE_BYTES)

static struct {
	int fd;     /* borrowed */
	int own_fd; /* the same file, never blocking; -1 where that cannot be had */
	bool is_socket;
	bool torn;   /* the last line went out in part */
	bool marked; /* the journal reads what is written: each line says its level */
	int journal; /* -1: not asked for */
	enum log_format format;
	enum log_level level;
	const struct secret *secret;
	uint64_t dropped;
	uint64_t dropped_told;
	uint64_t messages[LOG_LEVELS];
	struct log_rate rate;
	void (*alarm)(void *ctx, mono_ns at);
	void *alarm_ctx;
	void (*listen)(void *ctx, const struct log_event *event);
	void *listen_ctx;
} sink = {
    .fd = STDERR_FILENO,
    .own_fd = -1,
    .journal = -1,
    .level = LOG_LEVEL_INFO,
};

static const char *const level_names[] = {"error", "warning", "info", "debug"};

static bool
fd_takes(int fd)
{
	struct pollfd pfd = {.fd = fd, .events = POLLOUT};

	/* Regular files always poll as writable. */
	return poll(&pfd, 1, 0) == 1 && (pfd.revents & POLLOUT) != 0;
}

static ssize_t
write_once(const char *data, size_t size)
{
	if (sink.is_socket) {
		return send(sink.fd, data, size, MSG_DONTWAIT | MSG_NOSIGNAL);
	}
	if (sink.own_fd >= 0) {
		return write(sink.own_fd, data, size);
	}
	if (!fd_takes(sink.fd)) {
		errno = EAGAIN;
		return -1;
	}
	return write(sink.fd, data, size);
}

static bool
write_line(const struct log_line *line)
{
	ssize_t done;

	do {
		done = write_once(line->text, line->size);
	} while (done < 0 && errno == EINTR);
	if (done == (ssize_t)line->size) {
		sink.torn = false;
		return true;
	}
	sink.torn = sink.torn || done > 0;
	return false;
}

static bool
send_journal(const struct log_event *event)
{
	char text[PACKET_BYTES];
	struct log_line packet = log_line_of(text, sizeof text, sink.secret);

	log_line_put_journal(&packet, event);
	return log_journal_send(sink.journal, LOG_JOURNAL_SOCKET, packet.text,
	    packet.size);
}

static void
put_line(struct log_line *line, const struct log_event *event)
{
	if (sink.marked) {
		log_line_put_priority(line, event->level);
	}
	if (sink.format == LOG_FORMAT_JSON) {
		log_line_put_json(line, event);
	} else {
		log_line_put_logfmt(line, event);
	}
}

/* What the journal does not take goes where lines go without one. */
static bool
deliver(const struct log_event *event)
{
	char text[LINE_BYTES];
	struct log_line line = log_line_of(text, sizeof text, sink.secret);

	if (sink.journal >= 0 && send_journal(event)) {
		return true;
	}
	if (sink.torn) {
		log_line_put_newline(&line);
	}
	put_line(&line, event);
	return write_line(&line);
}

/* Says how many lines were lost as soon as the target takes lines again. */
static bool
tell_dropped(void)
{
	uint64_t lines = sink.dropped - sink.dropped_told;

	if (lines == 0) {
		return true;
	}
	struct log_kv pair = log_kv_uint("lines", lines);
	struct log_event event = {LOG_LEVEL_WARNING, "log_dropped", &pair, 1};

	if (!deliver(&event)) {
		return false;
	}
	sink.dropped_told = sink.dropped;
	return true;
}

static void
emit(const struct log_event *event)
{
	/* What was lost is told before anything that came after it. */
	if (!tell_dropped() || !deliver(event)) {
		sink.dropped++;
	}
}

static void
tell_suppressed(mono_ns now, bool all)
{
	struct log_rate_summary summary;

	while (log_rate_take(&sink.rate, now, all, &summary)) {
		const struct log_kv pairs[] = {
		    KV("like", summary.event),
		    KV("lines", summary.lines),
		    KV("in_the_last_s", clock_seconds(summary.span)),
		};
		struct log_event event = {summary.level, "log_suppressed", pairs,
		    sizeof pairs / sizeof pairs[0]};

		sink.messages[event.level]++;
		emit(&event);
	}
}

/* False where there were too many like it. */
static bool
admit(const struct log_event *event)
{
	mono_ns now = clock_now();
	bool fits = log_rate_admit(&sink.rate, event->level, event->name, now);

	tell_suppressed(now, false);
	if (!fits && sink.alarm) {
		sink.alarm(sink.alarm_ctx, log_rate_wake(&sink.rate));
	}
	return fits;
}

static void
write_event(const struct log_event *event, bool wanted, bool limited)
{
	int saved = errno;

	if (sink.listen) {
		sink.listen(sink.listen_ctx, event);
	}
	if (wanted && (!limited || admit(event))) {
		sink.messages[event->level]++;
		emit(event);
	}
	errno = saved;
}

void
log_write(enum log_level level, const char *event, const struct log_kv *pairs,
    size_t count)
{
	struct log_event record = {level, event, pairs, count};

	write_event(&record, level <= log_get_level(), true);
}

void
log_write_change(enum log_level level, const char *event, const struct log_kv *pairs,
    size_t count)
{
	struct log_event record = {level, event, pairs, count};

	write_event(&record, level <= log_get_level(), false);
}

void
log_write_record(enum log_level level, const char *event, const struct log_kv *pairs,
    size_t count)
{
	struct log_event record = {level, event, pairs, count};

	write_event(&record, true, false);
}

/* Of the sink it only reads what log_open() set. */
void
log_write_aside(enum log_level level, const char *event, const struct log_kv *pairs,
    size_t count)
{
	struct log_event record = {level, event, pairs, count};
	char text[LINE_BYTES];
	struct log_line line = log_line_of(text, sizeof text, sink.secret);

	if (sink.journal >= 0 && send_journal(&record)) {
		return;
	}
	put_line(&line, &record);
	(void)write_once(line.text, line.size);
}

mono_ns
log_settle(mono_ns now, bool all)
{
	tell_suppressed(now, all);
	return log_rate_wake(&sink.rate);
}

static void
close_fd(int *fd)
{
	if (*fd >= 0) {
		(void)close(*fd);
	}
	*fd = -1;
}

/* Linux opens the file behind the link anew, with flags of its own. */
static int
open_again(int fd)
{
	char path[40];

	(void)snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	return open(path, O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
}

void
log_open(int fd, enum log_format format, enum log_level level)
{
	struct stat status = {0};
	bool known = fstat(fd, &status) == 0;

	sink.fd = fd;
	sink.format = format;
	sink.torn = false;
	sink.marked = log_journal_reads(fd, getenv("JOURNAL_STREAM"));
	sink.is_socket = known && S_ISSOCK(status.st_mode);
	close_fd(&sink.own_fd);
	/* Not for regular files: a second offset would write over the first one's. */
	if (known && (S_ISFIFO(status.st_mode) || S_ISCHR(status.st_mode))) {
		sink.own_fd = open_again(fd);
	}
	close_fd(&sink.journal);
	if (format == LOG_FORMAT_JOURNAL) {
		sink.journal = log_journal_open();
	}
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

void
log_set_listener(void (*fn)(void *ctx, const struct log_event *event), void *ctx)
{
	sink.listen = fn;
	sink.listen_ctx = ctx;
}

void
log_set_alarm(void (*fn)(void *ctx, mono_ns at), void *ctx)
{
	sink.alarm = fn;
	sink.alarm_ctx = ctx;
}

uint64_t
log_suppressed(void)
{
	return sink.rate.suppressed;
}

uint64_t
log_dropped(void)
{
	return sink.dropped;
}

uint64_t
log_messages(enum log_level level)
{
	return sink.messages[level];
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
