#include "server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "gateway.h"
#include "http.h"
#include "log.h"
#include "rest.h"
#include "tls.h"
#include "xalloc.h"

#define BACKLOG    512
#define IDLE_AFTER CLOCK_S(60)

struct server {
	struct sim *sim;
	struct loop_watch listeners[ARGV_MAX_HOSTS]; /* fd -1: closed */
	int count;
	uint16_t port;
	struct conn *conns;
	struct buf chunks; /* the body of the chunked request being read */
};

static void http_input(struct conn *conn);
static mono_ns http_tick(struct conn *conn);

static void
http_gone(struct conn *conn)
{
	conn->owner = NULL;
}

static const struct conn_user http_user = {.input = http_input,
    .refill = http_input,
    .tick = http_tick,
    .gone = http_gone};

static void
append(struct conn *conn, const void *data, size_t size)
{
	if (buf_append(&conn->out, data, size) != GW_OK) {
		conn_reset(conn);
	}
}

static void
send_answer(struct conn *conn, int status, const char *type,
    const struct jsonw *headers, struct slice body, bool keep_alive)
{
	struct jsonw head;

	jsonw_init(&head, (size_t)64 << 10);
	jsonw_fmt(&head, "HTTP/1.1 %d %s\r\n", status, http_phrase(status));
	if (status != 204 && status != 304) {
		jsonw_fmt(&head, "Content-Type: %s\r\nContent-Length: %zu\r\n", type,
		    body.size);
	}
	/* What comes without it is Cloudflare's own answer. */
	jsonw_raw(&head, "Via: 1.1 google\r\nServer: gwsim\r\n");
	jsonw_fmt(&head, "Connection: %s\r\n", keep_alive ? "keep-alive" : "close");
	if (headers && headers->buf.size > 0) {
		head.err = buf_append(&head.buf, headers->buf.data, headers->buf.size);
	}
	jsonw_raw(&head, "\r\n");
	append(conn, head.buf.data, head.buf.size);
	if (conn->phase != CONN_DEAD && status != 204 && status != 304) {
		append(conn, body.data, body.size);
	}
	jsonw_fini(&head);
}

static void
send_error(struct conn *conn, int status)
{
	char body[160];
	int size = snprintf(body, sizeof body, "{\"message\": \"%d: %s\", \"code\": 0}",
	    status, http_phrase(status));

	send_answer(conn, status, "application/json", NULL,
	    (struct slice){body, (size_t)size}, false);
	conn_finish(conn);
}

static void
answer_rest(struct conn *conn, const struct http_request *request)
{
	struct rest_answer answer = {.type = "application/json"};

	jsonw_init(&answer.headers, (size_t)16 << 10);
	jsonw_init(&answer.body, REST_MAX_ANSWER);
	rest_handle(conn->sim, request, &answer);
	stats_rest(&conn->sim->stats, answer.method, answer.route,
	    answer.silence == REST_ANSWERS ? answer.status : 0);
	if (answer.silence == REST_DROPS) {
		conn_drop(conn);
	} else if (answer.silence == REST_ANSWERS) {
		if (answer.allow[0] != '\0') {
			jsonw_fmt(&answer.headers, "Allow: %s\r\n", answer.allow);
		}
		send_answer(conn, answer.status, answer.type, &answer.headers,
		    buf_slice(&answer.body.buf), request->keep_alive);
		if (!request->keep_alive) {
			conn_finish(conn);
		}
	}
	jsonw_fini(&answer.headers);
	jsonw_fini(&answer.body);
}

static void
refuse_upgrade(struct conn *conn)
{
	struct fault_table *faults = &conn->sim->faults;
	struct jsonw headers;

	jsonw_init(&headers, 1024);
	if (faults->upgrade_retry_after_s > 0) {
		jsonw_fmt(&headers, "Retry-After: %d\r\n",
		    faults->upgrade_retry_after_s);
	}
	if (faults->upgrade_status / 100 == 3) {
		jsonw_fmt(&headers, "Location: %s/elsewhere\r\n",
		    conn->sim->gateway_url);
	}
	conn->sim->stats.upgrades_refused++;
	send_answer(conn, faults->upgrade_status, "text/html", &headers,
	    SLICE_LITERAL("<html><body>refused by gwsim</body></html>\n"), false);
	jsonw_fini(&headers);
	conn_finish(conn);
}

/* 101, or the status that says what is wrong with the request. */
static int
check_upgrade(const struct http_request *request, enum codec_kind *kind)
{
	struct slice encoding = SLICE_LITERAL("json");
	struct slice compress = SLICE_LITERAL("");

	if (!slice_equal(request->path, SLICE_LITERAL("/"))) {
		return 404;
	}
	if (!slice_equal(request->method, SLICE_LITERAL("GET")) ||
	    !http_value_has(http_header_find(request, "Connection"), "upgrade") ||
	    http_header_find(request, "Sec-WebSocket-Key").size != 24) {
		return 400;
	}
	if (!slice_equal(http_header_find(request, "Sec-WebSocket-Version"),
		SLICE_LITERAL("13"))) {
		return 426;
	}
	(void)http_query_find(request->query, "encoding", &encoding);
	(void)http_query_find(request->query, "compress", &compress);
	return slice_equal(encoding, SLICE_LITERAL("json")) &&
		codec_find(compress, kind) ?
	    101 :
	    400;
}

static void
upgrade(struct conn *conn, const struct http_request *request)
{
	enum codec_kind kind = CODEC_PLAIN;
	struct slice version = {NULL, 0};
	struct fault_table *faults = &conn->sim->faults;

	if (faults->upgrade_status != 0) {
		refuse_upgrade(conn);
		return;
	}
	int status = check_upgrade(request, &kind);

	if (status != 101) {
		stats_client_error(&conn->sim->stats, "upgrade refused with %d",
		    status);
		send_error(conn, status);
		return;
	}
	char accept[32];
	char head[256];

	frame_accept_key(http_header_find(request, "Sec-WebSocket-Key"), accept);
	int size = snprintf(head, sizeof head,
	    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
	    "Connection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n\r\n",
	    accept);

	if (faults->cut_next_at > 0) {
		conn->cut_left = faults->cut_next_at;
		faults->cut_next_at = 0;
	}
	append(conn, head, (size_t)size);
	if (conn->phase == CONN_DEAD) {
		return;
	}
	gateway_open(conn, kind);
	struct gate *gate = gateway_of(conn);

	if (gate &&
	    (!http_query_find(request->query, "v", &version) ||
		!slice_equal(version, SLICE_LITERAL("10")))) {
		gateway_fail(gate, 4012, "Invalid API version.");
	}
}

static bool
wants_upgrade(const struct http_request *request)
{
	return http_value_has(http_header_find(request, "Upgrade"), "websocket");
}

/* One request off the front; false where none is complete. */
static bool
take_request(struct conn *conn, struct server *server)
{
	struct http_request request;
	int status = 0;

	switch (http_parse(buf_slice(&conn->in), &request, &server->chunks, &status)) {
	case HTTP_MORE:
		return false;
	case HTTP_MORE_BODY:
		/* Told once: owner is free for a mark, HTTP has no other state. */
		if (request.expects_continue && !conn->owner) {
			conn->owner = server;
			append(conn, "HTTP/1.1 100 Continue\r\n\r\n", 25);
		}
		return false;
	case HTTP_BAD:
		send_error(conn, status);
		return false;
	case HTTP_DONE:
		break;
	}
	size_t used = request.size;

	conn->owner = NULL;
	conn->opened_at = conn->sim->now;
	if (wants_upgrade(&request)) {
		upgrade(conn, &request);
	} else {
		answer_rest(conn, &request);
	}
	if (conn->phase == CONN_DEAD) {
		return false;
	}
	buf_consume(&conn->in, used);
	return true;
}

static void
http_input(struct conn *conn)
{
	struct server *server = conn->sim->server;

	while (conn->phase == CONN_OPEN && conn->user == &http_user &&
	    conn_queued(conn) < CONN_HIGH_WATER && conn->in.size > 0 &&
	    take_request(conn, server)) {
	}
	if (conn->phase != CONN_OPEN) {
		return;
	}
	if (conn->user != &http_user) {
		/* The client did not wait for the 101. */
		if (conn->in.size > 0 || conn->peer_fin) {
			conn->user->input(conn);
		}
	} else if (conn->peer_fin) {
		conn_finish(conn);
	}
}

static mono_ns
http_tick(struct conn *conn)
{
	if (conn->sim->now >= conn->opened_at + IDLE_AFTER) {
		conn_drop(conn);
		return CLOCK_NEVER;
	}
	return conn->opened_at + IDLE_AFTER;
}

static void
on_accept(struct loop_watch *watch, uint32_t events)
{
	struct server *server = watch->owner;
	struct sim *sim = server->sim;
	int on = 1;

	(void)events;
	for (int i = 0; i < 64; i++) {
		int fd = accept4(watch->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (fd < 0) {
			return;
		}
		(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
		SSL *ssl = NULL;

		if (sim->tls && !(ssl = tls_accept(sim->tls, fd))) {
			(void)close(fd);
			continue;
		}
		(void)conn_new(sim, &server->conns, fd, ssl, &http_user);
	}
}

static socklen_t
make_address(const char *host, uint16_t port, struct sockaddr_storage *out)
{
	struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(port)};
	struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};

	*out = (struct sockaddr_storage){.ss_family = AF_UNSPEC};
	if (inet_pton(AF_INET, host, &v4.sin_addr) == 1 &&
	    ntohl(v4.sin_addr.s_addr) >> 24 == 127) {
		memcpy(out, &v4, sizeof v4);
		return sizeof v4;
	}
	if (inet_pton(AF_INET6, host, &v6.sin6_addr) == 1 &&
	    IN6_IS_ADDR_LOOPBACK(&v6.sin6_addr)) {
		memcpy(out, &v6, sizeof v6);
		return sizeof v6;
	}
	return 0;
}

static uint16_t
bound_port(int fd)
{
	struct sockaddr_in v4 = {0};
	struct sockaddr_in6 v6 = {0};
	socklen_t size = sizeof v6;

	/* The port lies in the same place of both. */
	if (getsockname(fd, (struct sockaddr *)&v6, &size) != 0) {
		return 0;
	}
	memcpy(&v4, &v6, sizeof v4);
	return ntohs(v4.sin_port);
}

static bool
open_listener(struct server *server, int index)
{
	struct loop_watch *watch = &server->listeners[index];
	const char *host = server->sim->argv.hosts[index];
	struct sockaddr_storage address;
	socklen_t size = make_address(host, server->port, &address);
	int on = 1;

	if (size == 0) {
		(void)fprintf(stderr, "gwsim: --host: '%s' is no loopback address\n",
		    host);
		return false;
	}
	int fd =
	    socket(address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd >= 0) {
		(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	}
	if (fd < 0 || bind(fd, (const struct sockaddr *)&address, size) != 0 ||
	    listen(fd, BACKLOG) != 0) {
		(void)fprintf(stderr, "gwsim: cannot listen on %s port %u: %s\n", host,
		    (unsigned)server->port, strerror(errno));
		if (fd >= 0) {
			(void)close(fd);
		}
		return false;
	}
	if (server->port == 0) {
		server->port = bound_port(fd);
	}
	*watch = (struct loop_watch){.fd = fd, .ready = on_accept, .owner = server};
	loop_arm(&server->sim->loop, watch, EPOLLIN);
	return true;
}

static void
close_listeners(struct server *server)
{
	for (int i = 0; i < server->count; i++) {
		struct loop_watch *watch = &server->listeners[i];

		if (watch->fd >= 0) {
			loop_arm(&server->sim->loop, watch, 0);
			(void)close(watch->fd);
			watch->fd = -1;
		}
	}
}

static bool
open_listeners(struct server *server)
{
	for (int i = 0; i < server->count; i++) {
		if (server->listeners[i].fd < 0 && !open_listener(server, i)) {
			close_listeners(server);
			return false;
		}
	}
	return true;
}

struct server *
server_new(struct sim *sim)
{
	struct server *server = xzalloc(sizeof *server);

	server->sim = sim;
	server->port = sim->argv.port;
	server->count = sim->argv.host_count;
	buf_init(&server->chunks, HTTP_MAX_BODY);
	for (int i = 0; i < server->count; i++) {
		server->listeners[i].fd = -1;
	}
	if (!open_listeners(server)) {
		server_free(server);
		return NULL;
	}
	return server;
}

void
server_free(struct server *owned_server)
{
	if (!owned_server) {
		return;
	}
	close_listeners(owned_server);
	conn_free_all(&owned_server->conns);
	buf_fini(&owned_server->chunks);
	free(owned_server);
}

uint16_t
server_port(const struct server *server)
{
	return server->port;
}

struct conn *
server_conns(const struct server *server)
{
	return server->conns;
}

bool
server_refuse(struct server *server, bool refuse)
{
	if (refuse) {
		close_listeners(server);
		return true;
	}
	return open_listeners(server);
}

void
server_rearm(struct server *server)
{
	bool frozen = server->sim->faults.fresh.freeze;

	for (int i = 0; i < server->count; i++) {
		if (server->listeners[i].fd >= 0) {
			loop_arm(&server->sim->loop, &server->listeners[i],
			    frozen ? 0 : EPOLLIN);
		}
	}
	for (struct conn *conn = server->conns; conn; conn = conn->next) {
		conn_rearm(conn);
		conn_flush(conn);
	}
}

mono_ns
server_tick(struct server *server)
{
	mono_ns wake_at = CLOCK_NEVER;

	for (struct conn *conn = server->conns; conn; conn = conn->next) {
		mono_ns conn_at = conn_tick(conn);

		wake_at = conn_at < wake_at ? conn_at : wake_at;
	}
	return wake_at;
}

void
server_sweep(struct server *server)
{
	conn_sweep(&server->conns);
}
