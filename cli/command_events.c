/* events: the history, and with --follow what happens, over the daemon's restarts. */
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "command.h"
#include "feed_reader.h"
#include "format.h"
#include "render_events.h"

/* A daemon that is away: the pause between two tries, which doubles, and the time for
 * one of them. */
#define PAUSE_FIRST CLOCK_MS(200)
#define PAUSE_MOST  CLOCK_S(2)
#define TRY_TIME    CLOCK_S(2)

/* Back again: all of the history, to show what was missed of it. */
#define ALL_OF_HISTORY "--last=1000"

struct follow {
	const struct options *options;
	struct feed_reader reader;
	struct writer writer;
	struct events_screen screen;
	bool torn;     /* nobody reads our output any more */
	int error;     /* why it cannot be written otherwise; 0: it can */
	sigset_t mask; /* under which an interrupt arrives: it does in waits only */
	/* of the daemon that was followed last */
	int64_t pid;
	char start_time[sizeof((struct client *)0)->start_time];
	int64_t number; /* of the last change that was shown */
};

static volatile sig_atomic_t interrupted;

static void
on_interrupt(int number)
{
	(void)number;
	interrupted = 1;
}

static bool
is_over(const struct follow *follow)
{
	return interrupted || follow->torn || follow->error != 0;
}

/* Waits for bytes of fd (-1: none), for room in our output where out is POLLOUT (0: not
 * at all), an interrupt, or the end of the span; notes when nobody reads our output any
 * more. */
static void
wait_for(struct follow *follow, int fd, short out, mono_ns span)
{
	struct pollfd fds[] = {{.fd = fd, .events = POLLIN},
	    {.fd = STDOUT_FILENO, .events = out}};
	const struct timespec time = {.tv_sec = (time_t)(span / CLOCK_S(1)),
	    .tv_nsec = span % CLOCK_S(1)};

	if (ppoll(fds, 2, span == CLOCK_NEVER ? NULL : &time, &follow->mask) > 0 &&
	    (fds[1].revents & (POLLERR | POLLHUP | POLLNVAL))) {
		follow->torn = true;
	}
}

/* ---- output ---- */

/* Not through stdio: an interrupt ends even the wait for a reader that is slow.  What a
 * pipe has room for at least is written at a time, so that a write does not wait. */
static void
write_out(struct follow *follow)
{
	struct slice rest = buf_slice(&follow->writer.out);

	while (rest.size > 0) {
		wait_for(follow, -1, POLLOUT, CLOCK_NEVER);
		if (is_over(follow)) {
			break;
		}
		size_t size = rest.size < PIPE_BUF ? rest.size : PIPE_BUF;
		ssize_t sent = write(STDOUT_FILENO, rest.data, size);

		if (sent >= 0) {
			rest.data += sent;
			rest.size -= (size_t)sent;
		} else if (errno == EPIPE) {
			follow->torn = true;
		} else if (errno != EAGAIN) {
			follow->error = errno;
		}
	}
	buf_clear(&follow->writer.out);
}

static struct json *
new_line(void)
{
	struct json *line = json_new_object();

	json_add_text(line, "schema", "gwctl/1");
	json_add_text(line, "command", "events");
	return line;
}

static void
show(struct follow *follow, const struct json *event)
{
	struct writer *writer = &follow->writer;

	(void)json_int(json_get(event, "number"), &follow->number);
	if (!follow->options->json) {
		render_event(writer, &follow->screen, event);
		write_out(follow);
		return;
	}
	struct json *line = new_line();

	for (const struct json *member = json_first(event); member;
	     member = json_next(member)) {
		json_add(line, json_name(member), json_copy(member));
	}
	(void)json_print(line, &writer->out);
	(void)buf_append(&writer->out, "\n", 1);
	json_free(line);
	write_out(follow);
}

/* What gwctl itself has to say, in the form of the others. */
static void
show_own(struct follow *follow, const char *level, const char *type, const char *text)
{
	struct json *event = json_new_object();

	json_add_null(event, "number");
	json_add_time(event, "time", clock_wall_ms());
	json_add_text(event, "level", level);
	json_add_text(event, "type", type);
	json_add_null(event, "shard");
	json_add_text(event, "text", text);
	json_add(event, "fields", json_new_object());
	int64_t number = follow->number;

	show(follow, event);
	follow->number = number;
	json_free(event);
}

/* ---- the connection ---- */

static struct json *
arguments(const struct options *options, bool again)
{
	struct json *params = json_new_array();

	for (size_t i = 0; i < options->flag_count; i++) {
		const struct options_flag *flag = &options->flags[i];
		char text[512];

		if (strcmp(flag->name, "follow") == 0 ||
		    (again && strcmp(flag->name, "last") == 0)) {
			continue;
		}
		(void)snprintf(text, sizeof text, "--%s=%s", flag->name, flag->value);
		json_append(params, json_new_text(text));
	}
	if (again) {
		json_append(params, json_new_text(ALL_OF_HISTORY));
	}
	return params;
}

/* The events of the answer; those that were shown before are left out. */
static void
show_history(struct follow *follow, const struct json *answer, int64_t shown)
{
	for (const struct json *event = json_first(json_get(answer, "events")); event;
	     event = json_next(event)) {
		int64_t number = 0;

		(void)json_int(json_get(event, "number"), &number);
		if (number > shown) {
			show(follow, event);
		}
	}
}

static bool
is_same_process(const struct follow *follow)
{
	const struct client *client = &follow->reader.client;

	return client->pid == follow->pid &&
	    strcmp(client->start_time, follow->start_time) == 0;
}

static void
note_process(struct follow *follow)
{
	const struct client *client = &follow->reader.client;

	follow->pid = client->pid;
	(void)snprintf(follow->start_time, sizeof follow->start_time, "%s",
	    client->start_time);
}

/* Connects again; false where that failed this time. */
static bool
begin_again(struct follow *follow, mono_ns away_since, struct failure *failure)
{
	struct json *answer;
	char text[160];

	if (!feed_reader_open(&follow->reader, TRY_TIME,
		arguments(follow->options, true), &answer, failure)) {
		return false;
	}
	struct format_text away =
	    format_seconds(clock_seconds(clock_now() - away_since));
	bool same = is_same_process(follow);

	if (same) {
		(void)snprintf(text, sizeof text,
		    "connected again after %s, to the same process; dispatches in "
		    "between are not shown",
		    away.text);
	} else {
		(void)snprintf(text, sizeof text,
		    "connected again after %s, to a new process (pid %lld)", away.text,
		    (long long)follow->reader.client.pid);
	}
	show_own(follow, "info", "gwctl.back", text);
	if (!same) {
		follow->number = 0;
	}
	note_process(follow);
	show_history(follow, answer, follow->number);
	json_free(answer);
	return true;
}

/* True where it makes no sense to try again. */
static bool
is_final(const struct failure *failure)
{
	return failure->exit == EXIT_NO_PERMISSION ||
	    failure->exit == EXIT_VERSION_SKEW || failure->exit == EXIT_USAGE;
}

/* True once it follows again; false where that is over, with failure filled if so. */
static bool
reconnect(struct follow *follow, struct failure *failure)
{
	mono_ns away_since = clock_now();
	mono_ns pause = PAUSE_FIRST;

	feed_reader_fini(&follow->reader);
	show_own(follow, "warning", "gwctl.lost",
	    "the connection to gwbotd is lost; trying again until it is back");
	for (;;) {
		wait_for(follow, -1, 0, pause);
		if (is_over(follow)) {
			return false;
		}
		if (begin_again(follow, away_since, failure)) {
			return true;
		}
		if (is_final(failure)) {
			return false;
		}
		pause = pause * 2 < PAUSE_MOST ? pause * 2 : PAUSE_MOST;
	}
}

/* Until it is interrupted, or a failure makes an end. */
static bool
run(struct follow *follow, struct failure *failure)
{
	struct json *event;

	while (!is_over(follow)) {
		switch (feed_reader_take(&follow->reader, &event)) {
		case FEED_EVENT:
			show(follow, event);
			json_free(event);
			break;
		case FEED_NOTHING:
			wait_for(follow, feed_reader_fd(&follow->reader), 0,
			    CLOCK_NEVER);
			break;
		case FEED_ENDED:
			if (!reconnect(follow, failure)) {
				return is_over(follow);
			}
			break;
		}
	}
	return true;
}

/* With signals as it needs them, and as they were again behind it. */
static bool
run_guarded(struct follow *follow, const struct json *answer, struct failure *failure)
{
	struct sigaction catch = {.sa_handler = on_interrupt};
	struct sigaction ignore = {.sa_handler = SIG_IGN};
	struct sigaction interrupt_before;
	struct sigaction pipe_before;
	sigset_t blocked;

	interrupted = 0;
	(void)sigemptyset(&blocked);
	(void)sigaddset(&blocked, SIGINT);
	(void)sigprocmask(SIG_BLOCK, &blocked, &follow->mask);
	(void)sigdelset(&follow->mask, SIGINT);
	(void)sigaction(SIGINT, &catch, &interrupt_before);
	(void)sigaction(SIGPIPE, &ignore, &pipe_before);
	note_process(follow);
	show_history(follow, answer, 0);
	bool done = run(follow, failure);

	(void)sigaction(SIGINT, &interrupt_before, NULL);
	(void)sigaction(SIGPIPE, &pipe_before, NULL);
	(void)sigprocmask(SIG_SETMASK, &follow->mask, NULL);
	return done;
}

static int
run_follow(const struct options *options, bool colour, struct failure *failure)
{
	struct follow follow = {.options = options, .screen = events_screen_today()};
	struct json *answer;

	feed_reader_init(&follow.reader, options->socket);
	if (!feed_reader_open(&follow.reader, options->timeout,
		arguments(options, false), &answer, failure)) {
		return failure_print(failure, options->json);
	}
	writer_init(&follow.writer, colour);
	bool done = run_guarded(&follow, answer, failure);

	json_free(answer);
	feed_reader_fini(&follow.reader);
	writer_fini(&follow.writer);
	if (interrupted) {
		return EXIT_INTERRUPTED;
	}
	if (follow.error != 0) {
		done = failure_set(failure, EXIT_REFUSED, "output",
		    "cannot write the output: %s", strerror(follow.error));
	}
	return done ? (int)EXIT_DONE : failure_print(failure, options->json);
}

int
command_run_events(const struct options *options, bool colour, struct failure *failure)
{
	bool follows = options_flag(options, "follow") != NULL;

	if (follows && options->watch) {
		(void)failure_set(failure, EXIT_USAGE, "usage",
		    "events --follow shows what is new by itself: leave --watch out");
		return failure_print(failure, options->json);
	}
	return follows ? run_follow(options, colour, failure) :
			 command_run_plain(options, colour, failure);
}
