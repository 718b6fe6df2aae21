/*
 * Reading: slice after slice, until a turn has had its share.
 *
 * poll sees the kernel's bytes, not OpenSSL's: where reading stops for any other reason
 * than an empty socket, SSL_has_pending() decides about a kick (SSL_pending() is 0
 * while whole records lie undecoded).
 */
#include "stream_private.h"

#include <errno.h>
#include <sys/socket.h>

/* One stream may read so much before the others have their turn.  A test makes it
 * small, as OpenSSL's buffer is seldom full for so long. */
#ifndef STREAM_TURN_BYTES
#define STREAM_TURN_BYTES ((size_t)512 * 1024)
#endif

/* And no longer than this where much comes out of few bytes: compressed text grows up
 * to fiftyfold, and heartbeats and probes wait meanwhile.  A probe waits for some three
 * turns: to be accepted, read and answered. */
#define STREAM_TURN_TIME CLOCK_US(500)

/* What is handed up at once is as much as takes about so long, by how long the last one
 * took: the turn can end only behind it. */
#define SLICE_TIME      CLOCK_US(200)
#define SLICE_MIN_BYTES ((size_t)1024)

/* OpenSSL decodes a record of up to 16 KiB at a time, and what lies in the socket is
 * cheaper to leave there. */
#define SLICE_TLS_BYTES ((size_t)16 * 1024)

/* All streams of the loop read into it, one after the other. */
static char read_buffer[65536];

enum read_state {
	READ_EMPTY, /* go back to poll */
	READ_MORE,  /* the buffer is full, there may be more */
	READ_END,
	READ_FAILED,
};

static enum read_state
read_tls(struct stream *stream, size_t *size, int *ssl_error)
{
	while (*size < stream->slice) {
		size_t got = 0;

		ws_tls_clear();
		int result = SSL_read_ex(stream->ssl, read_buffer + *size,
		    stream->slice - *size, &got);

		if (result != 1) {
			*ssl_error = SSL_get_error(stream->ssl, result);
			if (*ssl_error == SSL_ERROR_WANT_READ) {
				return READ_EMPTY;
			}
			if (*ssl_error == SSL_ERROR_WANT_WRITE) {
				loop_fd_want_write(stream->fd);
				return READ_EMPTY;
			}
			return ws_tls_met_end(*ssl_error) ? READ_END : READ_FAILED;
		}
		*size += got;
		/* poll is cheaper than a read(2) for an EAGAIN. */
		if (!SSL_has_pending(stream->ssl)) {
			return READ_EMPTY;
		}
	}
	return READ_MORE;
}

static enum read_state
read_plain(struct stream *stream, size_t *size)
{
	ssize_t got = recv(stream->socket, read_buffer, stream->slice, MSG_DONTWAIT);

	if (got < 0) {
		return errno == EAGAIN || errno == EINTR ? READ_EMPTY : READ_FAILED;
	}
	*size = (size_t)got;
	if (got == 0) {
		return READ_END;
	}
	return *size < stream->slice ? READ_EMPTY : READ_MORE;
}

static size_t
slice_most(const struct stream *stream)
{
	return stream->ssl ? SLICE_TLS_BYTES : sizeof read_buffer;
}

/* A whole slice took so long: the next one is smaller, or may be larger again. */
static void
fit_slice(struct stream *stream, mono_ns took)
{
	if (took > SLICE_TIME && stream->slice > SLICE_MIN_BYTES) {
		stream->slice /= 2;
	} else if (took < SLICE_TIME / 3 && stream->slice < slice_most(stream)) {
		stream->slice *= 2;
	}
}

void
stream_read(struct stream *stream, mono_ns now)
{
	enum read_state state = READ_MORE;
	int ssl_error = SSL_ERROR_NONE;
	int error = 0;
	size_t total = 0;
	mono_ns last = now;
	mono_ns at = now;

	do {
		size_t size = 0;

		state = stream->ssl ? read_tls(stream, &size, &ssl_error) :
				      read_plain(stream, &size);
		error = errno;
		total += size;
		if (size > 0) {
			stream->events->bytes(stream->ctx,
			    (struct slice){read_buffer, size}, now);
		}
		if (stream->step != STEP_OPEN) {
			return; /* the owner let go */
		}
		if (state == READ_MORE) {
			at = clock_now();
			fit_slice(stream, at - last);
			last = at;
		}
	} while (state == READ_MORE && total < STREAM_TURN_BYTES &&
	    at - now < STREAM_TURN_TIME);
	switch (state) {
	case READ_EMPTY:
		break;
	case READ_MORE:
		/* A plain socket: poll tells. */
		if (stream->ssl && SSL_has_pending(stream->ssl)) {
			loop_fd_kick(stream->fd);
		}
		break;
	case READ_END:
		stream_fail(stream, STREAM_LOST, now,
		    "closed by the peer without a word");
		break;
	case READ_FAILED:
		if (stream->ssl) {
			errno = error;
			stream_fail_tls(stream, ssl_error, now);
		} else {
			stream_fail_errno(stream, error, now);
		}
		break;
	}
}

void
stream_read_and_drop(struct stream *stream)
{
	size_t total = 0;
	ssize_t got;

	do {
		got =
		    recv(stream->socket, read_buffer, sizeof read_buffer, MSG_DONTWAIT);
		total += got > 0 ? (size_t)got : 0;
	} while (got > 0 && total < STREAM_TURN_BYTES);
	if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR)) {
		stream_close_soon(stream);
	}
}
