#include "listener.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "log.h"
#include "xalloc.h"

#define ACCEPTS_A_TURN 64
#define PAUSE          CLOCK_MS(200) /* after an error that would come again at once */

struct endpoint {
	struct listener *listener; /* NULL: the set is gone */
	struct loop_fd *handle;
	int fd;
};

struct listener {
	struct loop *loop;
	struct listener_events events;
	void *ctx;
	uint16_t port;
	struct endpoint *endpoints[LISTENER_ADDRESSES_MAX];
	unsigned count;
	struct loop_timer *timer; /* ends a pause */
	bool paused;
	int spare_fd; /* given up to turn one newcomer away when no other is left */
};

/* ---- accepting ---- */

static void
set_paused(struct listener *listener, bool paused)
{
	listener->paused = paused;
	for (unsigned i = 0; i < listener->count; i++) {
		loop_fd_want_read(listener->endpoints[i]->handle, !paused);
	}
}

static void
on_pause_over(void *ctx, mono_ns now)
{
	(void)now;
	set_paused(ctx, false);
}

/* Accepts one newcomer only to close it; false where even that fails. */
static bool
turn_away(struct listener *listener, int listening_fd)
{
	if (listener->spare_fd < 0) {
		return false;
	}
	(void)close(listener->spare_fd);
	int fd = accept4(listening_fd, NULL, NULL, SOCK_CLOEXEC);

	if (fd >= 0) {
		(void)close(fd);
	}
	listener->spare_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	return fd >= 0;
}

/* What to do about a failed accept(); true to go on in this turn. */
static bool
accept_failed(struct listener *listener, int listening_fd, int error, mono_ns now)
{
	switch (error) {
	case EAGAIN:
		return false;
	case EINTR:
	case ECONNABORTED:
		return true;
	default:
		break;
	}
	if (listener->events.exhausted(listener->ctx, error, now)) {
		return false;
	}
	bool descriptors = error == EMFILE || error == ENFILE;

	if (descriptors && turn_away(listener, listening_fd)) {
		return true;
	}
	set_paused(listener, true);
	loop_timer_arm(listener->timer, now + PAUSE);
	return false;
}

static void
endpoint_ready(void *ctx, mono_ns now)
{
	struct endpoint *endpoint = ctx;
	struct listener *listener = endpoint->listener;

	if (!listener) {
		return;
	}
	for (unsigned i = 0; i < ACCEPTS_A_TURN; i++) {
		struct sockaddr_storage peer = {.ss_family = AF_UNSPEC};
		socklen_t size = sizeof peer;
		int fd = accept4(endpoint->fd, (struct sockaddr *)&peer, &size,
		    SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (fd >= 0) {
			listener->events.accepted(listener->ctx, fd, &peer, now);
		} else if (!accept_failed(listener, endpoint->fd, errno, now)) {
			return;
		}
	}
}

static void
endpoint_gone(void *ctx)
{
	free(ctx);
}

/* ---- listening ---- */

static void
explain(int error, const char *address, unsigned port, char *why, size_t room)
{
	if (error == EADDRINUSE) {
		(void)snprintf(why, room,
		    "port %u on %s is in use: another program listens there; "
		    "ss -ltnp 'sport = :%u' names it (another port: http.port or PORT)",
		    port, address, port);
	} else if (error == EACCES) {
		(void)snprintf(why, room,
		    "port %u on %s is not permitted: ports below 1024 need privileges "
		    "(another port: http.port or PORT)",
		    port, address);
	} else {
		(void)snprintf(why, room, "cannot listen on %s port %u: %s", address,
		    port, strerror(error));
	}
}

/* A listening descriptor, or -1 with errno set. */
static int
listen_on(const struct addrinfo *info)
{
	int on = 1;
	int fd = socket(info->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	bool v6 = info->ai_family == AF_INET6;

	if (fd < 0) {
		return -1;
	}
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0 &&
	    (!v6 || setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on) == 0) &&
	    bind(fd, info->ai_addr, info->ai_addrlen) == 0 &&
	    listen(fd, SOMAXCONN) == 0) {
		return fd;
	}
	int error = errno;

	(void)close(fd);
	errno = error;
	return -1;
}

static uint16_t
bound_port(int fd)
{
	struct sockaddr_storage address = {.ss_family = AF_UNSPEC};
	socklen_t size = sizeof address;
	struct sockaddr_in v4;

	(void)getsockname(fd, (struct sockaddr *)&address, &size);
	memcpy(&v4, &address, sizeof v4); /* the port is at the same place in both */
	return ntohs(v4.sin_port);
}

/* Listens on one address; 0, or an errno with why filled. */
static int
endpoint_add(struct listener *listener, const char *address, char *why, size_t room)
{
	static const struct loop_fd_events endpoint_events = {endpoint_ready,
	    endpoint_gone};
	struct addrinfo hints = {.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV,
	    .ai_socktype = SOCK_STREAM};
	struct addrinfo *info = NULL;
	char service[8];

	(void)snprintf(service, sizeof service, "%u", listener->port);
	int found = getaddrinfo(address, service, &hints, &info);

	if (found == EAI_MEMORY) {
		explain(ENOMEM, address, listener->port, why, room);
		return ENOMEM;
	}
	if (found != 0) {
		(void)snprintf(why, room,
		    "\"%s\" is not a numeric address to listen on (http.listen)",
		    address);
		return EINVAL;
	}
	int fd = listen_on(info);
	int error = fd < 0 ? errno : 0;

	freeaddrinfo(info);
	if (error != 0) {
		explain(error, address, listener->port, why, room);
		return error;
	}
	struct endpoint *endpoint = xzalloc(sizeof *endpoint);

	listener->port = bound_port(fd);
	*endpoint = (struct endpoint){.listener = listener, .fd = fd};
	endpoint->handle =
	    loop_fd_add_seldom(listener->loop, fd, &endpoint_events, endpoint);
	if (!endpoint->handle) {
		error = errno;
		free(endpoint);
		explain(error, address, listener->port, why, room);
		return error;
	}
	listener->endpoints[listener->count++] = endpoint;
	log_info("listening", KV("address", address), KV("port", listener->port));
	return 0;
}

/* Both wildcards, of which one may be missing on this host; 0, or an errno. */
static int
listen_by_default(struct listener *listener, char *why, size_t room)
{
	static const char *const addresses[] = {"0.0.0.0", "::"};
	int missing = 0;

	for (unsigned i = 0; i < sizeof addresses / sizeof addresses[0]; i++) {
		int error = endpoint_add(listener, addresses[i], why, room);

		if (error == EAFNOSUPPORT || error == EADDRNOTAVAIL) {
			missing = error;
			log_info("listen_family_missing", KV("address", addresses[i]),
			    KV("reason", strerror(error)));
		} else if (error != 0) {
			return error;
		}
	}
	return listener->count > 0 ? 0 : missing;
}

/* 0, or an errno. */
static int
listen_on_all(struct listener *listener, const char *const *addresses, char *why,
    size_t room)
{
	for (unsigned i = 0; addresses[i]; i++) {
		int error = endpoint_add(listener, addresses[i], why, room);

		if (error != 0) {
			return error;
		}
	}
	return 0;
}

enum gw_err
listener_new(const struct listener_options *options,
    const struct listener_events *events, void *ctx, struct listener **out, char *why,
    size_t room)
{
	struct listener *listener = xzalloc(sizeof *listener);

	listener->loop = options->loop;
	listener->events = *events;
	listener->ctx = ctx;
	listener->port = options->port;
	listener->spare_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	listener->timer = loop_timer_new(options->loop, on_pause_over, listener);

	int error = options->addresses[0] ?
	    listen_on_all(listener, options->addresses, why, room) :
	    listen_by_default(listener, why, room);

	if (error != 0) {
		listener_free(listener);
		listener = NULL;
	}
	*out = listener;
	return err_from_errno(error);
}

void
listener_free(struct listener *owned_listener)
{
	if (!owned_listener) {
		return;
	}
	for (unsigned i = 0; i < owned_listener->count; i++) {
		owned_listener->endpoints[i]->listener = NULL;
		loop_fd_close(owned_listener->endpoints[i]->handle);
	}
	loop_timer_free(owned_listener->timer);
	if (owned_listener->spare_fd >= 0) {
		(void)close(owned_listener->spare_fd);
	}
	free(owned_listener);
}

uint16_t
listener_port(const struct listener *listener)
{
	return listener->port;
}
