#include "notify.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "log.h"
#include "xalloc.h"

/* A state line goes out at most so often, and only where it is another one. */
#define LOOK_EVERY CLOCK_S(1)

/* While it stays the same it is looked at less and less often, so that a bot at rest
 * sleeps: a shard that turns is told of, and the rest of the line can wait. */
#define LOOK_MOST CLOCK_S(32)

/* What a full socket did not take is tried again so soon. */
#define RETRY_AFTER CLOCK_MS(100)

/* And what one that is not there did not. */
#define GONE_RETRY_AFTER CLOCK_S(1)

/* A watchdog that wants to be fed faster than this means something else. */
#define FEED_LEAST CLOCK_MS(10)

struct notify {
	struct notify_options options;
	int fd;
	struct sockaddr_un address;
	socklen_t address_size;
	struct loop_timer *timer;
	bool running; /* notify_ready() came */
	bool failed;  /* logged already */

	mono_ns feed_every; /* 0: no watchdog */
	mono_ns feed_at;
	mono_ns looked_at;
	mono_ns look_at;
	mono_ns look_every;

	/* What is to be said. */
	struct notify_news news;
	char line[NOTIFY_LINE_ROOM]; /* last looked at */
};

/* ---- where to, and how often ---- */

static bool
set_address(struct notify *notify, const char *socket)
{
	size_t size = strlen(socket);
	struct sockaddr_un *address = &notify->address;
	bool abstract = socket[0] == '@';

	if ((!abstract && socket[0] != '/') || size >= sizeof address->sun_path) {
		return false;
	}
	address->sun_family = AF_UNIX;
	memcpy(address->sun_path, socket, size);
	if (abstract) {
		address->sun_path[0] = '\0';
	}
	/* A NUL at the end would be a part of an abstract name. */
	notify->address_size =
	    (socklen_t)(offsetof(struct sockaddr_un, sun_path) + size + !abstract);
	return true;
}

static long long
number_of(const char *text)
{
	char *end = NULL;
	long long number = text ? strtoll(text, &end, 10) : 0;

	return text && end != text && *end == '\0' && number > 0 ? number : 0;
}

/* Half of what the manager waits for, as sd_watchdog_enabled(3) advises. */
static mono_ns
feed_every(const struct notify_options *options)
{
	long long usec = number_of(options->watchdog_usec);
	bool ours = !options->watchdog_pid ||
	    number_of(options->watchdog_pid) == (long long)getpid();

	if (usec == 0 || !ours || usec > CLOCK_NEVER / CLOCK_US(1)) {
		return 0;
	}
	mono_ns half = CLOCK_US(usec) / 2;

	return half > FEED_LEAST ? half : FEED_LEAST;
}

/* ---- saying it ---- */

static bool
has_news(const struct notify *notify)
{
	const struct notify_news *news = &notify->news;

	return news->phase != NOTIFY_SAME || news->line || news->alive;
}

static void
tell_failure(struct notify *notify, int number)
{
	/* A full socket is the manager's business, and soon over. */
	if (notify->failed || number == EAGAIN) {
		return;
	}
	notify->failed = true;
	log_warning("notify_failed", KV("socket", notify->options.socket),
	    KV("reason", (const char *)strerror(number)));
}

static mono_ns
retry_after(const struct notify *notify)
{
	return notify->failed ? GONE_RETRY_AFTER : RETRY_AFTER;
}

static void
flush(struct notify *notify)
{
	char text[NOTIFY_TEXT_ROOM];
	size_t size = notify_text(&notify->news, text);

	if (size == 0) {
		return;
	}
	if (sendto(notify->fd, text, size, MSG_DONTWAIT | MSG_NOSIGNAL,
		(const struct sockaddr *)&notify->address, notify->address_size) < 0) {
		tell_failure(notify, errno);
		return;
	}
	notify->failed = false;
	notify->news = (struct notify_news){.phase = NOTIFY_SAME};
}

static void
look(struct notify *notify, mono_ns now)
{
	char line[NOTIFY_LINE_ROOM];

	notify->options.line(notify->options.ctx, now, line);
	notify->looked_at = now;
	notify->look_every =
	    notify->look_every < LOOK_MOST / 2 ? 2 * notify->look_every : LOOK_MOST;
	if (strcmp(line, notify->line) != 0) {
		memcpy(notify->line, line, sizeof line);
		notify->news.line = notify->line;
		notify->look_every = LOOK_EVERY;
	}
	notify->look_at = now + notify->look_every;
}

static void
arm(struct notify *notify, mono_ns now)
{
	mono_ns next = notify->running ? notify->look_at : CLOCK_NEVER;

	if (notify->running && notify->feed_every > 0 && notify->feed_at < next) {
		next = notify->feed_at;
	}
	if (has_news(notify) && now + retry_after(notify) < next) {
		next = now + retry_after(notify);
	}
	loop_timer_arm(notify->timer, next);
}

static void
on_timer(void *ctx, mono_ns now)
{
	struct notify *notify = ctx;

	if (notify->running && now >= notify->look_at) {
		look(notify, now);
	}
	if (notify->running && notify->feed_every > 0 && now >= notify->feed_at) {
		notify->news.alive = true;
		notify->feed_at = now + notify->feed_every;
	}
	flush(notify);
	arm(notify, now);
}

static void
say_phase(struct notify *notify, enum notify_phase phase)
{
	notify->news.phase = phase;
	notify->news.awake = clock_awake();
	flush(notify);
	if (has_news(notify)) {
		loop_timer_arm(notify->timer, clock_now() + retry_after(notify));
	}
}

/* ---- the interface ---- */

struct notify *
notify_new(const struct notify_options *options)
{
	if (!options->socket || options->socket[0] == '\0') {
		return NULL;
	}
	struct notify *notify = xzalloc(sizeof *notify);

	notify->options = *options;
	notify->fd = -1;
	if (!set_address(notify, options->socket)) {
		tell_failure(notify, EINVAL);
		notify_free(notify);
		return NULL;
	}
	notify->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (notify->fd < 0) {
		tell_failure(notify, errno);
		notify_free(notify);
		return NULL;
	}
	notify->feed_every = feed_every(options);
	notify->look_every = LOOK_EVERY;
	notify->timer = loop_timer_new(options->loop, on_timer, notify);
	return notify;
}

void
notify_free(struct notify *owned_notify)
{
	if (!owned_notify) {
		return;
	}
	loop_timer_free(owned_notify->timer);
	if (owned_notify->fd >= 0) {
		(void)close(owned_notify->fd);
	}
	free(owned_notify);
}

void
notify_ready(struct notify *notify)
{
	if (!notify) {
		return;
	}
	mono_ns now = clock_now();

	if (!notify->running) {
		notify->running = true;
		look(notify, now);
		notify->feed_at = now;
		loop_timer_arm(notify->timer, now);
	}
	say_phase(notify, NOTIFY_READY);
}

void
notify_turned(struct notify *notify)
{
	if (!notify || !notify->running) {
		return;
	}
	notify->look_every = LOOK_EVERY;
	if (notify->look_at > notify->looked_at + LOOK_EVERY) {
		notify->look_at = notify->looked_at + LOOK_EVERY;
		arm(notify, clock_now());
	}
}

void
notify_reloading(struct notify *notify)
{
	if (notify) {
		say_phase(notify, NOTIFY_RELOADING);
	}
}

void
notify_stopping(struct notify *notify)
{
	if (notify) {
		say_phase(notify, NOTIFY_STOPPING);
	}
}
