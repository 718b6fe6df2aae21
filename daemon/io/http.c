#include "http_private.h"

#include <libwebsockets.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "log.h"
#include "near.h"
#include "xalloc.h"

/*
 * How libwebsockets 4.1.6 is kept in hand here:
 * - Its own listener is not used (listener.h): we bind and accept, and it adopts.
 * - A request behind one that is being answered makes it spin.  So each connection gets
 *   one answer, given to the kernel in one piece where it fits, and is closed.
 * - It closes with unread bytes in the socket.  So drain empties the peer behind it.
 * - It answers methods that it does not know with 403.  So it falls back to raw bytes
 *   there, and we answer 405.
 * - Its Host matching moves a request to the first virtual host with the same port
 *   number.  So ours has a number that no other one has.
 */

#define DEFAULT_CONNECTIONS 256
#define LEAST_CONNECTIONS   4
#define LIBRARY_FDS         4096       /* at most, in the loop's table */
#define OTHER_FDS           64         /* log, state, helpers, REST, control */
#define REQUEST_DEADLINE    CLOCK_S(8) /* from accept to a whole request */
#define SWEEP_EVERY         CLOCK_MS(500)
#define HEAD_MAX_BYTES      4096
#define LOG_EVERY           CLOCK_S(10)

/* ---- connections ---- */

void
http_connection_move(struct connection *conn, enum connection_state state,
    mono_ns deadline)
{
	struct http *http = conn->http;

	TAILQ_REMOVE(&http->lists[conn->state], conn, link);
	http->deferred -= conn->state == CONNECTION_DEFERRED ? 1 : 0;
	http->deferred += state == CONNECTION_DEFERRED ? 1 : 0;
	conn->state = state;
	conn->deadline = deadline;
	TAILQ_INSERT_TAIL(&http->lists[state], conn, link);
}

/* Frees the place now; the library closes in the next turn. */
static void
connection_doom(struct connection *conn)
{
	http_later_forget(conn);
	conn->http->stats.open--;
	http_connection_move(conn, CONNECTION_DOOMED, CLOCK_NEVER);
	lws_set_timeout(conn->wsi, PENDING_TIMEOUT_USER_OK, LWS_TO_KILL_ASYNC);
}

/* The library has closed it. */
static void
connection_gone(struct connection *conn)
{
	struct http *http = conn->http;

	http_later_forget(conn);
	http->stats.open -= conn->state != CONNECTION_DOOMED ? 1 : 0;
	http->deferred -= conn->state == CONNECTION_DEFERRED ? 1 : 0;
	if (http->adopting == conn) {
		http->adopting = NULL;
	}
	TAILQ_REMOVE(&http->lists[conn->state], conn, link);
	free(conn);
}

static void
sweep_connections(struct http *http, enum connection_state state, mono_ns now)
{
	struct connection *conn;

	while ((conn = TAILQ_FIRST(&http->lists[state])) && conn->deadline <= now) {
		http->stats.expired++;
		connection_doom(conn);
	}
}

/* Deferred connections are not read from, so the library does not see their end. */
static void
sweep_gone(struct http *http)
{
	struct connection *conn = TAILQ_FIRST(&http->lists[CONNECTION_DEFERRED]);

	while (conn) {
		struct connection *next = TAILQ_NEXT(conn, link);
		struct pollfd pfd = {.fd = lws_get_socket_fd(conn->wsi)};

		if (poll(&pfd, 1, 0) == 1) {
			connection_doom(conn); /* reset, or closed both ways */
		}
		conn = next;
	}
}

static void
on_sweep(void *ctx, mono_ns now)
{
	struct http *http = ctx;

	sweep_connections(http, CONNECTION_WAITING, now);
	sweep_gone(http);
	sweep_connections(http, CONNECTION_DEFERRED, now);
	sweep_connections(http, CONNECTION_ANSWERING, now);
	http->sweeping = http->stats.open > 0;
	loop_timer_arm(http->sweep, http->sweeping ? now + SWEEP_EVERY : CLOCK_NEVER);
}

static void
sweep_soon(struct http *http, mono_ns now)
{
	if (!http->sweeping) {
		http->sweeping = true;
		loop_timer_arm(http->sweep, now + SWEEP_EVERY);
	}
}

static int
on_writable(struct connection *conn, mono_ns now)
{
	if (conn->state == CONNECTION_DEFERRED) {
		return http_later_write(conn, now);
	}
	return conn->state == CONNECTION_ANSWERING ? http_connection_finish(conn, now) :
						     0;
}

static int
on_event(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
    size_t size)
{
	struct connection *conn = wsi ? lws_get_opaque_user_data(wsi) : NULL;

	if (!conn) {
		return lws_callback_http_dummy(wsi, reason, user, in, size);
	}
	loop_note(conn->http->options.loop, __func__);
	switch ((int)reason) {
	case LWS_CALLBACK_SERVER_NEW_CLIENT_INSTANTIATED:
		conn->wsi = wsi;
		return 0;
	case LWS_CALLBACK_HTTP:
		return http_connection_request(conn, clock_now());
	case LWS_CALLBACK_HTTP_CONFIRM_UPGRADE:
		/* An upgrade that is not wanted is passed over (RFC 9110 7.8), and
		 * anything but an end would make it. */
		conn->upgrading = true;
		(void)http_connection_request(conn, clock_now());
		return -1;
	case LWS_CALLBACK_RAW_ADOPT:
		return 0;
	case LWS_CALLBACK_RAW_RX:
		return http_connection_raw(conn, in, size, clock_now());
	case LWS_CALLBACK_HTTP_WRITEABLE:
	case LWS_CALLBACK_RAW_WRITEABLE:
		return on_writable(conn, clock_now());
	case LWS_CALLBACK_WSI_DESTROY:
		lws_set_opaque_user_data(wsi, NULL);
		connection_gone(conn);
		return 0;
	default:
		return lws_callback_http_dummy(wsi, reason, user, in, size);
	}
}

/* ---- accepting ---- */

/* One IPv4 address, or the /64 that one IPv6 subscriber has. */
static uint64_t
peer_key(const struct sockaddr_storage *address)
{
	uint64_t key = 0;

	if (address->ss_family == AF_INET) {
		struct sockaddr_in v4;

		memcpy(&v4, address, sizeof v4);
		return v4.sin_addr.s_addr;
	}
	struct sockaddr_in6 v6;

	memcpy(&v6, address, sizeof v6);
	memcpy(&key, &v6.sin6_addr, sizeof key);
	return ~key; /* apart from every IPv4 address */
}

static bool
is_near(const struct sockaddr_storage *address)
{
	uint8_t bytes[16];

	if (address->ss_family == AF_INET) {
		struct sockaddr_in v4;

		memcpy(&v4, address, sizeof v4);
		memcpy(bytes, &v4.sin_addr, 4);
		return near_ipv4(bytes);
	}
	struct sockaddr_in6 v6;

	memcpy(&v6, address, sizeof v6);
	memcpy(bytes, &v6.sin6_addr, sizeof bytes);
	return address->ss_family == AF_INET6 && near_ipv6(bytes);
}

static void
log_no_room(struct http *http, const char *why, mono_ns now)
{
	if (http->logged_at != 0 && now - http->logged_at < LOG_EVERY) {
		return;
	}
	http->logged_at = now;
	log_warning("http_no_room", KV("reason", why), KV("open", http->stats.open),
	    KV("evicted", http->stats.evicted), KV("refused", http->stats.refused));
}

/* Makes room for one more connection of peer; false where every place is answering. */
static bool
make_room(struct http *http, uint64_t peer, mono_ns now)
{
	unsigned same = 0;
	struct connection *oldest_same = NULL;
	struct connection *conn = NULL;

	for (conn = TAILQ_FIRST(&http->lists[CONNECTION_WAITING]); conn;
	     conn = TAILQ_NEXT(conn, link)) {
		if (conn->peer != peer) {
			continue;
		}
		if (same == 0) {
			oldest_same = conn;
		}
		same++;
	}
	struct connection *victim = NULL;

	if (same >= (http->options.max_connections + 3) / 4) {
		victim = oldest_same;
	} else if (http->stats.open >= http->options.max_connections) {
		victim = TAILQ_FIRST(&http->lists[CONNECTION_WAITING]);
	} else {
		return true;
	}
	if (!victim) {
		http->stats.refused++;
		log_no_room(http, "every connection is being answered", now);
		return false;
	}
	http->stats.evicted++;
	connection_doom(victim);
	log_no_room(http, "too many idle connections", now);
	return true;
}

static void
connection_adopt(struct http *http, int fd, const struct sockaddr_storage *address,
    mono_ns now)
{
	struct connection *conn = xzalloc(sizeof *conn);

	conn->http = http;
	conn->peer = peer_key(address);
	conn->near = is_near(address);
	conn->deadline = now + REQUEST_DEADLINE;
	TAILQ_INSERT_TAIL(&http->lists[CONNECTION_WAITING], conn, link);
	http->stats.open++;

	lws_adopt_desc_t desc = {
	    .vh = http->vhost,
	    .type = (lws_adoption_type)(LWS_ADOPT_SOCKET | LWS_ADOPT_HTTP),
	    .fd = {.sockfd = fd},
	    .opaque = conn,
	};

	/* On an error the library closes fd, and may or may not tell of the end. */
	http->adopting = conn;
	struct lws *wsi = lws_adopt_descriptor_vhost_via_info(&desc);

	if (wsi) {
		conn->wsi = wsi;
	} else if (http->adopting) {
		connection_gone(conn);
	}
	http->adopting = NULL;
	sweep_soon(http, now);
}

static void
on_accepted(void *ctx, int fd, const struct sockaddr_storage *address, mono_ns now)
{
	struct http *http = ctx;

	http->stats.accepted++;
	if (make_room(http, peer_key(address), now)) {
		connection_adopt(http, fd, address, now);
	} else {
		(void)close(fd);
	}
}

/* Idle connections have descriptors that somebody with a request could use. */
static bool
on_exhausted(void *ctx, int error, mono_ns now)
{
	struct http *http = ctx;
	struct connection *victim = TAILQ_FIRST(&http->lists[CONNECTION_WAITING]);

	log_no_room(http, strerror(error), now);
	if (!victim) {
		http->stats.refused++;
		return false;
	}
	http->stats.evicted++;
	connection_doom(victim);
	return true;
}

/* ---- life ---- */

static struct lws_vhost *
vhost_new(struct loop *loop)
{
	static const struct lws_protocols protocols[] = {
	    {.name = "http",
		.callback = on_event,
		.tx_packet_size = HTTP_REPLY_MAX_BYTES},
	    {.name = NULL},
	};
	struct lws_context_creation_info info = {
	    .port = CONTEXT_PORT_NO_LISTEN_SERVER,
	    .vhost_name = "http",
	    .protocols = protocols,
	    .options = LWS_SERVER_OPTION_FALLBACK_TO_APPLY_LISTEN_ACCEPT_CONFIG,
	    .http_proxy_address = ":0", /* none, whatever the environment says */
	};

	return lws_create_vhost(loop_context(loop), &info);
}

/*
 * Connections that never make a reconnect of the gateway wait for a descriptor: half of
 * what the process may open besides everything else.
 */
void
http_set_max_connections(struct http *http, unsigned wanted)
{
	struct rlimit limit = {LIBRARY_FDS, LIBRARY_FDS};
	rlim_t others = OTHER_FDS + http->options.reserved_fds;

	(void)getrlimit(RLIMIT_NOFILE, &limit);
	rlim_t fds = limit.rlim_cur < LIBRARY_FDS ? limit.rlim_cur : LIBRARY_FDS;
	rlim_t most = fds > others ? (fds - others) / 2 : 0;
	unsigned allowed =
	    most > LEAST_CONNECTIONS ? (unsigned)most : LEAST_CONNECTIONS;

	wanted = wanted ? wanted : DEFAULT_CONNECTIONS;
	http->options.max_connections = wanted < allowed ? wanted : allowed;
	if (wanted > allowed) {
		log_warning("http_connections_capped", KV("wanted", wanted),
		    KV("allowed", allowed),
		    KV("open_files_limit", (uint64_t)limit.rlim_cur));
	}
}

enum gw_err
http_new(const struct http_options *options, struct http **out, char *why, size_t room)
{
	static const struct listener_events events = {on_accepted, on_exhausted};
	struct listener_options listen = {.loop = options->loop, .port = options->port};
	struct http *http = xzalloc(sizeof *http);
	enum gw_err err = GW_ERR_NOMEM;

	http->options = *options;
	http_set_max_connections(http, options->max_connections);
	tally_routes_init(&http->handlers);
	for (size_t i = 0; i < options->route_count; i++) {
		(void)tally_routes_place(&http->handlers, options->routes[i].path);
	}
	for (unsigned i = 0; i < CONNECTION_STATES; i++) {
		TAILQ_INIT(&http->lists[i]);
	}
	buf_init(&http->reply, HTTP_REPLY_MAX_BYTES);
	buf_init(&http->body, HTTP_REPLY_MAX_BYTES - HEAD_MAX_BYTES);
	http->sweep = loop_timer_new(options->loop, on_sweep, http);
	http->drain = drain_new(options->loop);
	http->vhost = vhost_new(options->loop);
	if (http->vhost) {
		memcpy(listen.addresses, options->listen, sizeof options->listen);
		err = listener_new(&listen, &events, http, &http->listener, why, room);
	} else {
		(void)snprintf(why, room,
		    "the library refused a virtual host for HTTP");
	}
	if (err != GW_OK) {
		http_free(http);
		http = NULL;
	}
	*out = http;
	return err;
}

static void
drop_connections(struct http *http)
{
	for (unsigned i = 0; i < CONNECTION_STATES; i++) {
		struct connection *conn;

		while ((conn = TAILQ_FIRST(&http->lists[i]))) {
			/* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): TAILQ_REMOVE */
			lws_set_opaque_user_data(conn->wsi, NULL);
			lws_set_timeout(conn->wsi, PENDING_TIMEOUT_USER_OK,
			    LWS_TO_KILL_ASYNC);
			connection_gone(conn);
		}
	}
}

void
http_free(struct http *owned_http)
{
	if (!owned_http) {
		return;
	}
	listener_free(owned_http->listener);
	drain_free(owned_http->drain);
	drop_connections(owned_http);
	if (owned_http->vhost) {
		lws_vhost_destroy(owned_http->vhost);
	}
	loop_timer_free(owned_http->sweep);
	buf_fini(&owned_http->reply);
	buf_fini(&owned_http->body);
	free(owned_http);
}

unsigned
http_max_connections(const struct http *http)
{
	return http->options.max_connections;
}

uint16_t
http_port(const struct http *http)
{
	return listener_port(http->listener);
}

struct http_stats
http_stats(const struct http *http)
{
	struct http_stats stats = http->stats;

	stats.handlers = &http->handlers;
	return stats;
}
