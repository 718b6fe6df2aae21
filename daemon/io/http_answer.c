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

#define KERNEL_TAKES 8192 /* bytes that an empty socket takes without being asked */
#define ROOM_KEPT    ((size_t)256 * 1024) /* of the buffers between two answers */

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

/* True where the client says that it has this one: the quotes hold it apart. */
static bool
is_known(const struct connection *conn, const struct http_reply *reply)
{
	return reply->status == 200 && reply->etag &&
	    strstr(conn->condition, reply->etag) != NULL;
}

enum gw_err
http_answer_put(struct connection *conn, const struct http_reply *reply,
    struct slice body, struct buf *out)
{
	static const char room[LWS_PRE];
	bool known = is_known(conn, reply);
	struct http_head head = {
	    .status = known ? 304 : reply->status,
	    .type = reply->type ? reply->type : "application/json",
	    .size_bytes = body.size,
	    .cache = reply->cache,
	    .state = reply->state[0] ? reply->state : NULL,
	    .allow = reply->status == 405 ? "GET, HEAD" : NULL,
	    .etag = reply->etag,
	    .policy = reply->policy,
	};
	enum gw_err err = buf_append(out, room, sizeof room);

	conn->status = head.status;

	err = err == GW_OK ? http_head_put(out, &head, clock_wall_ms()) : err;
	if (err == GW_OK && !conn->head_only && !known) {
		err = buf_append(out, body.data, body.size);
	}
	return err;
}

int
http_answer_write(struct connection *conn, const struct buf *answer, mono_ns now)
{
	int size = (int)(answer->size - LWS_PRE);
	int fd = lws_get_socket_fd(conn->wsi);

	if (size > KERNEL_TAKES) {
		(void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
	}
	conn->http->stats.requests++;
	tally_routes_add(&conn->http->handlers, conn->handler, conn->status,
	    clock_now() - conn->began);
	if (lws_write(conn->wsi, (unsigned char *)answer->data + LWS_PRE, (size_t)size,
		LWS_WRITE_HTTP_FINAL) < size) {
		return -1;
	}
	if (!lws_partial_buffered(conn->wsi)) {
		return http_connection_finish(conn, now);
	}
	http_connection_move(conn, CONNECTION_ANSWERING, now + HTTP_ANSWER_DEADLINE);
	lws_callback_on_writable(conn->wsi);
	return 0;
}

static int
answer_now(struct connection *conn, const struct http_reply *reply, struct slice body,
    mono_ns now)
{
	struct buf *out = &conn->http->reply;

	buf_clear(out);
	/* Out of memory: no answer is an answer to a probe. */
	return http_answer_put(conn, reply, body, out) == GW_OK ?
	    http_answer_write(conn, out, now) :
	    -1;
}

static int
answer_text(struct connection *conn, unsigned status, mono_ns now)
{
	char text[64];
	int size =
	    snprintf(text, sizeof text, "%u %s\n", status, http_status_text(status));
	struct http_reply reply = {
	    .status = status,
	    .type = "text/plain; charset=utf-8",
	};

	return answer_now(conn, &reply, (struct slice){text, (size_t)size}, now);
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

/* The library has split the query at its `&`, and undone the percent signs; one for a
 * line end has ended it. */
static void
read_query(struct connection *conn, struct query *out)
{
	char piece[QUERY_ROOM_BYTES + 1];
	int size = 0;

	query_clear(out);
	for (int i = 0; size >= 0 && i <= QUERY_ARGUMENTS_MAX; i++) {
		size = lws_hdr_copy_fragment(conn->wsi, piece, sizeof piece,
		    WSI_TOKEN_HTTP_URI_ARGS, i);
		if (size >= 0) {
			query_add(out, (struct slice){piece, (size_t)size});
		}
	}
	/* One that is too long looks like none. */
	if (lws_hdr_total_length(conn->wsi, WSI_TOKEN_HTTP_URI_ARGS) >
	    QUERY_ROOM_BYTES) {
		out->cut = true;
	}
}

static void
read_condition(struct connection *conn)
{
	if (lws_hdr_copy(conn->wsi, conn->condition, sizeof conn->condition,
		WSI_TOKEN_HTTP_IF_NONE_MATCH) < 0) {
		conn->condition[0] = '\0';
	}
}

/* A proxy says for whom it asks: whoever that is, he is not the peer. */
static bool
was_forwarded(const struct connection *conn)
{
	static const char name[] = "forwarded:"; /* as the library keeps it */

	return lws_hdr_total_length(conn->wsi, WSI_TOKEN_X_FORWARDED_FOR) > 0 ||
	    lws_hdr_total_length(conn->wsi, WSI_TOKEN_HTTP_X_REAL_IP) > 0 ||
	    lws_hdr_total_length(conn->wsi, WSI_TOKEN_HTTP_VIA) > 0 ||
	    lws_hdr_custom_length(conn->wsi, name, (int)sizeof name - 1) >= 0;
}

static int
answer_route(struct connection *conn, const struct http_route *route, mono_ns now)
{
	struct http *http = conn->http;
	struct http_reply reply = {.status = 503, .body = &http->body};
	struct http_request request = {
	    .route = route,
	    .query = &http->query,
	    .now = now,
	    .near = conn->near && !was_forwarded(conn),
	    .conn = conn,
	};

	buf_clear(&http->body);
	read_query(conn, &http->query);
	read_condition(conn);
	route->answer(http->options.ctx, &request, &reply);
	if (conn->state == CONNECTION_DEFERRED) {
		return 0;
	}
	log_debug("http_request", KV("path", route->path), KV("status", reply.status));
	int result = answer_now(conn, &reply, buf_slice(&http->body), now);

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
	const struct http_route *route =
	    method >= 0 && path ? route_find(conn->http, path) : NULL;

	conn->began = now;
	conn->handler =
	    route ? tally_routes_place(&conn->http->handlers, route->path) : 0;
	conn->head_only = method == LWSHUMETH_HEAD;
	conn->unread = (method != LWSHUMETH_GET && !conn->head_only) ||
	    lws_hdr_total_length(conn->wsi, WSI_TOKEN_HTTP_CONTENT_LENGTH) > 0;
	if (!route) {
		return answer_text(conn, 404, now);
	}
	if (method != LWSHUMETH_GET && !conn->head_only) {
		return answer_text(conn, 405, now);
	}
	return answer_route(conn, route, now);
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

	conn->began = now;
	conn->unread = true;
	return answer_text(conn, method ? 405 : 400, now);
}
