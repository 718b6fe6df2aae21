/*
 * What a connection of the health server is answered: routes, and the way of an answer
 * into the kernel.
 */
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "http_head.h"
#include "http_private.h"
#include "log.h"

#define ANSWER_DEADLINE CLOCK_S(5) /* from the request to the last byte taken */
#define KERNEL_TAKES    8192 /* bytes that an empty socket takes without being asked */
#define ROOM_KEPT       ((size_t)256 * 1024) /* of the buffers between two answers */

/* ---- answers ---- */

int
http_connection_finish(struct connection *conn, mono_ns now)
{
	int fd = lws_get_socket_fd(conn->wsi);
	int unread = 0;

	(void)ioctl(fd, FIONREAD, &unread);
	if (conn->unread || unread > 0) {
		drain_keep(conn->http->drain, fd, now);
	}
	return -1;
}

/* Writes the whole answer.  Returns what the library's callback shall return. */
static int
connection_answer(struct connection *conn, const struct http_head *head,
    struct slice body, mono_ns now)
{
	static const char room[LWS_PRE];
	struct http *http = conn->http;
	struct buf *reply = &http->reply;

	buf_clear(reply);
	if (buf_append(reply, room, sizeof room) != GW_OK ||
	    http_head_put(reply, head, clock_wall_ms()) != GW_OK ||
	    buf_append(reply, body.data, body.size) != GW_OK) {
		return -1; /* out of memory: no answer is an answer to a probe */
	}
	int size = (int)(reply->size - LWS_PRE);
	int fd = lws_get_socket_fd(conn->wsi);

	if (size > KERNEL_TAKES) {
		(void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
	}
	http->stats.requests++;
	if (lws_write(conn->wsi, (unsigned char *)reply->data + LWS_PRE, (size_t)size,
		LWS_WRITE_HTTP_FINAL) < size) {
		return -1;
	}
	if (!lws_partial_buffered(conn->wsi)) {
		return http_connection_finish(conn, now);
	}
	http_connection_move(conn, CONNECTION_ANSWERING, now + ANSWER_DEADLINE);
	lws_callback_on_writable(conn->wsi);
	return 0;
}

static int
connection_answer_text(struct connection *conn, unsigned status, bool head_only,
    mono_ns now)
{
	char text[64];
	int size =
	    snprintf(text, sizeof text, "%u %s\n", status, http_status_text(status));
	struct http_head head = {
	    .status = status,
	    .type = "text/plain; charset=utf-8",
	    .size_bytes = (size_t)size,
	    .allow = status == 405 ? "GET, HEAD" : NULL,
	};
	struct slice body = {text, head_only ? 0 : (size_t)size};

	return connection_answer(conn, &head, body, now);
}

/* ---- routes ---- */

static const struct http_route *
route_find(const struct http *http, const char *path)
{
	for (size_t i = 0; i < http->options.route_count; i++) {
		if (strcmp(http->options.routes[i].path, path) == 0) {
			return &http->options.routes[i];
		}
	}
	return NULL;
}

static int
answer_route(struct connection *conn, const struct http_route *route, bool head_only,
    mono_ns now)
{
	struct http *http = conn->http;
	struct http_reply reply = {.status = 503, .body = &http->body};
	struct http_request request = {
	    .route = route,
	    .now = now,
	};

	buf_clear(&http->body);
	route->answer(http->options.ctx, &request, &reply);

	struct http_head head = {
	    .status = reply.status,
	    .type = reply.type ? reply.type : "application/json",
	    .size_bytes = http->body.size,
	    .state = reply.state[0] ? reply.state : NULL,
	    .policy = reply.policy,
	};
	struct slice body = buf_slice(&http->body);

	log_debug("http_request", KV("path", route->path), KV("status", reply.status));
	int result =
	    connection_answer(conn, &head, head_only ? SLICE_LITERAL("") : body, now);

	buf_clear(&http->body);
	buf_shrink(&http->body, ROOM_KEPT);
	buf_clear(&http->reply);
	buf_shrink(&http->reply, ROOM_KEPT);
	return result;
}

int
http_connection_request(struct connection *conn, mono_ns now)
{
	char *path = NULL;
	int path_size = 0;
	int method = lws_http_get_uri_and_method(conn->wsi, &path, &path_size);
	bool head_only = method == LWSHUMETH_HEAD;
	const struct http_route *route =
	    method >= 0 && path ? route_find(conn->http, path) : NULL;

	conn->unread = (method != LWSHUMETH_GET && !head_only) ||
	    lws_hdr_total_length(conn->wsi, WSI_TOKEN_HTTP_CONTENT_LENGTH) > 0;
	if (!route) {
		return connection_answer_text(conn, 404, head_only, now);
	}
	if (method != LWSHUMETH_GET && !head_only) {
		return connection_answer_text(conn, 405, false, now);
	}
	return answer_route(conn, route, head_only, now);
}

int
http_connection_raw(struct connection *conn, const char *bytes, size_t size,
    mono_ns now)
{
	size_t word = 0;

	while (word < size && bytes[word] >= 'A' && bytes[word] <= 'Z') {
		word++;
	}
	bool method = word > 0 && word < size && bytes[word] == ' ';

	conn->unread = true;
	return connection_answer_text(conn, method ? 405 : 400, false, now);
}
