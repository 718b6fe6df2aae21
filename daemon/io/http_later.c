/*
 * Answers that come later: who owes one holds a handle, which the connection may leave
 * behind.  The library wants to be written to in its own callback only, so an answer
 * waits for it as bytes.
 */
#include <stdlib.h>

#include "http_private.h"
#include "log.h"
#include "xalloc.h"

/* Longer than whoever owes an answer takes for it. */
#define DEFERRED_DEADLINE CLOCK_S(30)

struct http_later {
	struct connection *conn; /* NULL: gone */
};

struct http_later *
http_answer_later(const struct http_request *request)
{
	struct connection *conn = request->conn;
	struct http *http = conn->http;

	if (conn->upgrading ||
	    http->deferred >= (http->options.max_connections + 1) / 2) {
		return NULL;
	}
	struct http_later *later = xzalloc(sizeof *later);

	later->conn = conn;
	conn->later = later;
	buf_init(&conn->owed, HTTP_REPLY_MAX_BYTES);
	/* The library would end a request that is not answered within seconds. */
	lws_set_timeout(conn->wsi, NO_PENDING_TIMEOUT, 0);
	/* It would turn without pause while there is something that it does not read.
	 */
	(void)lws_rx_flow_control(conn->wsi, 0);
	http_connection_move(conn, CONNECTION_DEFERRED,
	    request->now + DEFERRED_DEADLINE);
	return later;
}

bool
http_later_is_wanted(const struct http_later *later)
{
	return later->conn != NULL;
}

void
http_later_answer(struct http_later *owned_later, const struct http_reply *reply)
{
	struct connection *conn = owned_later->conn;

	free(owned_later);
	if (!conn) {
		return;
	}
	conn->later = NULL;
	if (http_answer_put(conn, reply, buf_slice(reply->body), &conn->owed) !=
	    GW_OK) {
		lws_set_timeout(conn->wsi, PENDING_TIMEOUT_USER_OK, LWS_TO_KILL_ASYNC);
		return;
	}
	log_debug("http_request_later", KV("status", reply->status));
	http_connection_move(conn, CONNECTION_DEFERRED,
	    clock_now() + HTTP_ANSWER_DEADLINE);
	(void)lws_rx_flow_control(conn->wsi, 1);
	lws_callback_on_writable(conn->wsi);
}

void
http_later_drop(struct http_later *owned_later)
{
	if (owned_later && owned_later->conn) {
		owned_later->conn->later = NULL;
		lws_set_timeout(owned_later->conn->wsi, PENDING_TIMEOUT_USER_OK,
		    LWS_TO_KILL_ASYNC);
	}
	free(owned_later);
}

int
http_later_write(struct connection *conn, mono_ns now)
{
	if (conn->owed.size == 0) {
		return 0;
	}
	int result = http_answer_write(conn, &conn->owed, now);

	/* The library has a copy of what the kernel did not take. */
	http_later_forget(conn);
	return result;
}

void
http_later_forget(struct connection *conn)
{
	if (conn->later) {
		conn->later->conn = NULL;
		conn->later = NULL;
	}
	buf_fini(&conn->owed);
}
