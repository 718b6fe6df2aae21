/*
 * Every ready callback runs the whole of the present step, whatever poll saw: that
 * covers TLS reads that want to write and writes that want to read.
 */
#include "stream_private.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "dial.h"
#include "xalloc.h"

#define LINGER CLOCK_S(2)

/* An empty queue keeps so much room. */
#define QUEUE_KEEP_BYTES 4096

static const char *const step_names[] = {
    [STEP_TCP] = "tcp",
    [STEP_TLS] = "tls",
    [STEP_OPEN] = "open",
    [STEP_LINGER] = "open",
    [STEP_OVER] = "open",
};

/* ---- ends ---- */

/* The descriptor goes in the next turn, the stream with it. */
void
stream_close_soon(struct stream *stream)
{
	stream->step = STEP_OVER;
	loop_timer_arm(stream->timer, CLOCK_NEVER);
	loop_fd_close(stream->fd);
}

void
stream_fail(struct stream *stream, enum stream_fault fault, mono_ns now,
    const char *text)
{
	struct stream_end end = {.fault = fault, .step = step_names[stream->step]};

	(void)snprintf(end.text, sizeof end.text, "%s", text);
	stream_close_soon(stream);
	stream->events->end(stream->ctx, &end, now);
}

/* A call on the session failed. */
void
stream_fail_tls(struct stream *stream, int ssl_error, mono_ns now)
{
	bool shaking = stream->step == STEP_TLS;
	char text[160];
	char why[130];

	ws_tls_explain(&stream->peer, ssl_error, why, sizeof why);
	(void)snprintf(text, sizeof text, "%s: %s",
	    shaking ? "TLS handshake failed" : "TLS connection lost", why);
	stream_fail(stream, shaking ? STREAM_TLS : STREAM_LOST, now, text);
}

void
stream_fail_errno(struct stream *stream, int error, mono_ns now)
{
	bool connecting = stream->step == STEP_TCP;
	char text[160];

	(void)snprintf(text, sizeof text, "%s %s: %s",
	    connecting ? "cannot connect to" : "connection lost to", stream->name,
	    strerror(error));
	stream_fail(stream, connecting ? STREAM_CONNECT : STREAM_LOST, now, text);
}

/* ---- sending ---- */

/* One write of what is queued: bytes taken, 0: not now, -1: failed. */
static ssize_t
send_once(struct stream *stream, const char *data, size_t size)
{
	if (!stream->ssl) {
		ssize_t taken =
		    send(stream->socket, data, size, MSG_DONTWAIT | MSG_NOSIGNAL);
		bool later = taken < 0 && (errno == EAGAIN || errno == EINTR);

		return later ? 0 : taken;
	}
	size_t taken = 0;

	ws_tls_clear();
	int result = SSL_write_ex(stream->ssl, data, size, &taken);

	if (result == 1) {
		return (ssize_t)taken;
	}
	int error = SSL_get_error(stream->ssl, result);

	return error == SSL_ERROR_WANT_WRITE || error == SSL_ERROR_WANT_READ ? 0 : -1;
}

/* Sends what the kernel takes; false where the connection is broken. */
static bool
flush(struct stream *stream)
{
	struct buf *queue = &stream->queue;

	while (stream->sent < queue->size) {
		ssize_t taken = send_once(stream, queue->data + stream->sent,
		    queue->size - stream->sent);

		if (taken < 0) {
			return false;
		}
		if (taken == 0) {
			loop_fd_want_write(stream->fd);
			return true;
		}
		stream->sent += (size_t)taken;
	}
	/* IDENTIFY and RESUME hold the token; what is sent is small and rare. */
	if (queue->size > 0) {
		explicit_bzero(queue->data, queue->size);
	}
	buf_clear(queue);
	buf_shrink(queue, QUEUE_KEEP_BYTES);
	stream->sent = 0;
	return true;
}

void *
stream_reserve(struct stream *stream, size_t size, size_t limit)
{
	if (size > limit || stream_unsent(stream) > limit - size) {
		return NULL;
	}
	/* The sent part at the front goes when room is short, so bytes move once for
	 * each time that the queue fills up. */
	if (stream->sent > 0 && stream->queue.room - stream->queue.size < size) {
		buf_consume(&stream->queue, stream->sent);
		stream->sent = 0;
	}
	if (buf_reserve(&stream->queue, size) != GW_OK) {
		return NULL;
	}
	return stream->queue.data + stream->queue.size;
}

void
stream_commit(struct stream *stream, size_t size)
{
	bool first = stream_unsent(stream) == 0;

	stream->queue.size += size;
	/* With something queued before it, poll tells when there is room again. */
	if (stream->step == STEP_OPEN && !stream->in_ready && first && !flush(stream)) {
		loop_fd_kick(stream->fd); /* the owner hears of it from there */
	}
}

size_t
stream_unsent(const struct stream *stream)
{
	return stream->queue.size - stream->sent;
}

/* ---- steps ---- */

static void
arm_step(struct stream *stream, mono_ns now)
{
	mono_ns at = clock_add(now, STREAM_STEP_TIMEOUT);

	loop_timer_arm(stream->timer, at < stream->open_by ? at : stream->open_by);
}

static void
step_open(struct stream *stream, mono_ns now)
{
	stream_read(stream, now);
	if (stream->step == STEP_OPEN && !flush(stream)) {
		stream_fail(stream, STREAM_LOST, now, "connection lost while sending");
	}
}

static void
become_open(struct stream *stream, mono_ns now)
{
	stream->step = STEP_OPEN;
	stream->source.socket = -1; /* from here on stream_read() receives */
	loop_timer_arm(stream->timer, CLOCK_NEVER);
	stream->events->open(stream->ctx, now);
	/* Bytes may have come along with the last of the handshake. */
	if (stream->step == STEP_OPEN) {
		step_open(stream, now);
	}
}

static void
step_tls(struct stream *stream, mono_ns now)
{
	ws_tls_clear();
	int result = SSL_do_handshake(stream->ssl);

	if (result == 1) {
		become_open(stream, now);
		return;
	}
	int error = SSL_get_error(stream->ssl, result);

	if (error == SSL_ERROR_WANT_WRITE) {
		loop_fd_want_write(stream->fd);
	} else if (error != SSL_ERROR_WANT_READ) {
		stream_fail_tls(stream, error, now);
	}
}

static void
step_tcp(struct stream *stream, mono_ns now)
{
	struct sockaddr_storage peer;
	socklen_t size = sizeof peer;
	int error = 0;
	socklen_t error_size = sizeof error;

	if (getsockopt(stream->socket, SOL_SOCKET, SO_ERROR, &error, &error_size) !=
	    0) {
		error = errno;
	}
	if (error != 0) {
		stream_fail_errno(stream, error, now);
		return;
	}
	if (getpeername(stream->socket, (struct sockaddr *)&peer, &size) != 0) {
		loop_fd_want_write(stream->fd); /* not yet connected */
		return;
	}
	if (!stream->ssl) {
		become_open(stream, now);
		return;
	}
	stream->step = STEP_TLS;
	arm_step(stream, now);
	step_tls(stream, now);
}

static void
step_linger(struct stream *stream)
{
	if (!stream->shut) {
		if (!flush(stream)) {
			stream_close_soon(stream);
			return;
		}
		if (stream_unsent(stream) > 0) {
			stream_read_and_drop(stream);
			return;
		}
		stream->shut = true;
		if (stream->ssl) {
			ws_tls_clear();
			(void)SSL_shutdown(stream->ssl); /* once: our half */
		}
		(void)shutdown(stream->socket, SHUT_WR);
	}
	stream_read_and_drop(stream);
}

static void
on_ready(void *ctx, mono_ns now)
{
	struct stream *stream = ctx;

	stream->in_ready = true;
	switch (stream->step) {
	case STEP_TCP:
		step_tcp(stream, now);
		break;
	case STEP_TLS:
		step_tls(stream, now);
		break;
	case STEP_OPEN:
		step_open(stream, now);
		break;
	case STEP_LINGER:
		step_linger(stream);
		break;
	case STEP_OVER:
		break;
	}
	stream->in_ready = false;
}

static void
on_deadline(void *ctx, mono_ns now)
{
	struct stream *stream = ctx;
	char text[160];

	switch (stream->step) {
	case STEP_TCP:
		(void)snprintf(text, sizeof text, "no answer from %s in time",
		    stream->name);
		stream_fail(stream, STREAM_CONNECT, now, text);
		break;
	case STEP_TLS:
		(void)snprintf(text, sizeof text,
		    "TLS handshake with %s not done in time", stream->name);
		stream_fail(stream, STREAM_TIMEOUT, now, text);
		break;
	case STEP_LINGER:
		stream_close_soon(stream);
		break;
	case STEP_OPEN:
	case STEP_OVER:
		break;
	}
}

static void
stream_free(struct stream *owned_stream)
{
	SSL_free(owned_stream->ssl);
	loop_timer_free(owned_stream->timer);
	buf_wipe(&owned_stream->queue);
	buf_fini(&owned_stream->rest);
	free(owned_stream->host);
	free(owned_stream);
}

/* The descriptor goes: as asked for, or because the loop ends. */
static void
on_gone(void *ctx)
{
	struct stream *stream = ctx;
	struct stream_end end = {
	    .fault = STREAM_INTERNAL,
	    .step = step_names[stream->step],
	    .text = "the event loop ended",
	};

	if (stream->step < STEP_LINGER) {
		stream->step = STEP_OVER;
		stream->events->end(stream->ctx, &end, clock_now());
	}
	stream_free(stream);
}

/* ---- begin and end ---- */

static const struct loop_fd_events stream_fd_events = {.ready = on_ready,
    .gone = on_gone};

static struct stream *
refuse(struct stream *stream, struct stream_end *why, enum stream_fault fault,
    const char *reason)
{
	why->fault = fault;
	why->step = "tcp";
	(void)snprintf(why->text, sizeof why->text, "cannot connect to %s: %s",
	    stream->name, reason);
	stream_free(stream);
	return NULL;
}

struct stream *
stream_connect(const struct stream_options *options, const struct stream_events *events,
    void *ctx, struct stream_end *why)
{
	struct stream *stream = xzalloc(sizeof *stream);
	mono_ns now = clock_now();

	*stream = (struct stream){.events = events,
	    .ctx = ctx,
	    .step = STEP_TCP,
	    .open_by = options->open_by};
	buf_init(&stream->queue, STREAM_LIMIT_LAST);
	buf_init(&stream->rest, STREAM_RECEIVE_BYTES);
	stream->host = xstrdup(options->host);
	stream->peer.host = stream->host;
	(void)snprintf(stream->name, sizeof stream->name,
	    strchr(options->address, ':') ? "[%.64s]:%u" : "%.64s:%u", options->address,
	    (unsigned)options->port);
	stream->socket = dial_tcp(options->address, options->port);
	if (stream->socket < 0) {
		bool full = errno == EMFILE || errno == ENFILE || errno == ENOBUFS;

		return refuse(stream, why, full ? STREAM_INTERNAL : STREAM_CONNECT,
		    strerror(errno));
	}
	if (options->tls) {
		stream->source.socket = stream->socket;
		stream->ssl =
		    ws_tls_session(options->tls, &stream->source, &stream->peer);
		if (!stream->ssl) {
			(void)close(stream->socket);
			return refuse(stream, why, STREAM_INTERNAL,
			    "no TLS session for this host");
		}
	}
	stream->fd =
	    loop_fd_add(options->loop, stream->socket, &stream_fd_events, stream);
	if (!stream->fd) {
		return refuse(stream, why, STREAM_INTERNAL, "the loop's table is full");
	}
	stream->slice = STREAM_SLICE_FIRST;
	stream->timer = loop_timer_new(options->loop, on_deadline, stream);
	arm_step(stream, now);
	if (options->tcp_by < clock_add(now, STREAM_STEP_TIMEOUT) &&
	    options->tcp_by < stream->open_by) {
		loop_timer_arm(stream->timer, options->tcp_by);
	}
	loop_fd_want_write(stream->fd);
	return stream;
}

void
stream_finish(struct stream *owned_stream)
{
	struct stream *stream = owned_stream;

	if (stream->step != STEP_OPEN) {
		stream_close_soon(stream);
		return;
	}
	stream->step = STEP_LINGER;
	loop_timer_arm(stream->timer, clock_add(clock_now(), LINGER));
	step_linger(stream);
}

void
stream_abort(struct stream *owned_stream)
{
	buf_clear(&owned_stream->queue);
	owned_stream->sent = 0;
	stream_finish(owned_stream);
}
