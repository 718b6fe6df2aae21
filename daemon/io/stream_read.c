/*
 * Reading: slice after slice, until a turn has had its share.
 *
 * For TLS the bytes are received first and decoded then (tls_source.h).  What a turn
 * leaves of them is kept for the next one, which a kick calls for: poll sees the
 * kernel's bytes, not ours.
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
 * to fiftyfold, and heartbeats and probes wait meanwhile. */
#define STREAM_TURN_TIME CLOCK_US(250)

/* Where others had turns just now.  A probe waits for some three of them: to be
 * accepted, read and answered. */
#define STREAM_SHARED_TIME CLOCK_US(50)

/* What is handed up at once is as much as takes about so long, by how long the last one
 * took: the turn can end only behind it.  Of TLS more than a record is no gain. */
#define SLICE_TIME      CLOCK_US(100)
#define SLICE_MIN_BYTES ((size_t)1024)
#define SLICE_TLS_BYTES ((size_t)16 * 1024)

/* So many are received at once: less is left at the end of a turn where they take long.
 */
#define SLICES_RECEIVED 4

/* All streams of the loop read into them, one after the other. */
static char receive_buffer[STREAM_RECEIVE_BYTES];
static char decode_buffer[SLICE_TLS_BYTES];

_Static_assert(STREAM_RECEIVE_BYTES / SLICES_RECEIVED >= SLICE_TLS_BYTES,
    "what is received at once has room");

enum read_state {
	READ_EMPTY, /* go back to poll */
	READ_MORE,  /* there may be more */
	READ_END,
	READ_FAILED,
};

struct turn {
	mono_ns began;
	mono_ns at;       /* the clock at the end of the last slice */
	size_t total;     /* bytes handed up */
	bool emptied;     /* the socket had no more than was received */
	bool blocked;     /* TLS must write before it reads on */
	int ssl_error;    /* of READ_FAILED with TLS */
	int system_error; /* errno of READ_FAILED */
};

/* ---- plain ---- */

static enum read_state
receive(const struct stream *stream, size_t room, size_t *size)
{
	ssize_t got = recv(stream->socket, receive_buffer, room, MSG_DONTWAIT);

	*size = got > 0 ? (size_t)got : 0;
	if (got < 0) {
		return errno == EAGAIN || errno == EINTR ? READ_EMPTY : READ_FAILED;
	}
	if (got == 0) {
		return READ_END;
	}
	return *size < room ? READ_EMPTY : READ_MORE;
}

/* ---- TLS ---- */

static bool
has_undelivered(const struct stream *stream)
{
	return stream->source.bytes.size > 0 ||
	    (stream->ssl && SSL_pending(stream->ssl) > 0);
}

/* READ_MORE where there are bytes for the session now. */
static enum read_state
receive_for_tls(struct stream *stream, struct turn *turn)
{
	size_t size = 0;
	enum read_state state = receive(stream, stream->slice * SLICES_RECEIVED, &size);

	buf_clear(&stream->rest);
	stream->source.bytes = (struct slice){receive_buffer, size};
	turn->emptied = state == READ_EMPTY;
	turn->ssl_error = SSL_ERROR_SYSCALL;
	return size > 0 ? READ_MORE : state;
}

/* Decodes up to a slice; READ_EMPTY where all that was received is decoded. */
static enum read_state
decode(struct stream *stream, struct turn *turn, size_t *size)
{
	while (*size < stream->slice) {
		size_t got = 0;

		ws_tls_clear();
		int result = SSL_read_ex(stream->ssl, decode_buffer + *size,
		    stream->slice - *size, &got);

		if (result != 1) {
			turn->ssl_error = SSL_get_error(stream->ssl, result);
			if (turn->ssl_error == SSL_ERROR_WANT_READ) {
				return turn->emptied ? READ_EMPTY : READ_MORE;
			}
			if (turn->ssl_error == SSL_ERROR_WANT_WRITE) {
				turn->blocked = true;
				loop_fd_want_write(stream->fd);
				return READ_EMPTY;
			}
			return ws_tls_met_end(turn->ssl_error) ? READ_END : READ_FAILED;
		}
		*size += got;
	}
	return READ_MORE;
}

static enum read_state
read_tls(struct stream *stream, struct turn *turn, size_t *size)
{
	enum read_state state = READ_MORE;

	if (!has_undelivered(stream) && !SSL_want_write(stream->ssl)) {
		ws_tls_clear();
		state = receive_for_tls(stream, turn);
	}
	return state == READ_MORE ? decode(stream, turn, size) : state;
}

/* What a turn leaves is kept where the next one finds it. */
static void
keep_rest(struct stream *stream, const struct turn *turn)
{
	struct slice left = stream->source.bytes;
	enum gw_err err = GW_OK;

	if (stream->rest.size > 0) {
		buf_consume(&stream->rest, stream->rest.size - left.size);
	} else if (left.size > 0) {
		err = buf_append(&stream->rest, left.data, left.size);
	}
	buf_shrink(&stream->rest, 0);
	stream->source.bytes = buf_slice(&stream->rest);
	if (err != GW_OK) {
		stream_fail(stream, STREAM_INTERNAL, turn->began,
		    "no memory for what was received");
	} else if (!turn->blocked && has_undelivered(stream)) {
		loop_fd_kick(stream->fd);
	}
}

/* ---- slices ---- */

/* A whole slice took so long: the next one is smaller, or may be larger again. */
static void
fit_slice(struct stream *stream, mono_ns took)
{
	size_t most = stream->ssl ? SLICE_TLS_BYTES : STREAM_RECEIVE_BYTES;

	if (took > SLICE_TIME && stream->slice > SLICE_MIN_BYTES) {
		stream->slice /= 2;
	} else if (took < SLICE_TIME / 3 && stream->slice < most) {
		stream->slice *= 2;
	}
}

/* One slice up; what is left to do then. */
static enum read_state
read_slice(struct stream *stream, struct turn *turn)
{
	size_t size = 0;
	enum read_state state = stream->ssl ? read_tls(stream, turn, &size) :
					      receive(stream, stream->slice, &size);
	const char *bytes = stream->ssl ? decode_buffer : receive_buffer;

	turn->system_error = errno;
	turn->total += size;
	if (size > 0) {
		stream->events->bytes(stream->ctx, (struct slice){bytes, size},
		    turn->began);
	}
	if (state == READ_MORE) {
		mono_ns at = clock_now();

		if (size == stream->slice) {
			fit_slice(stream, at - turn->at);
		}
		turn->at = at;
	}
	return state;
}

static void
fail_turn(struct stream *stream, const struct turn *turn)
{
	if (stream->ssl) {
		errno = turn->system_error;
		stream_fail_tls(stream, turn->ssl_error, turn->began);
	} else {
		stream_fail_errno(stream, turn->system_error, turn->began);
	}
}

void
stream_read(struct stream *stream, mono_ns now)
{
	struct turn turn = {.began = now, .at = now};
	enum read_state state = READ_MORE;
	mono_ns share =
	    loop_fd_is_alone(stream->fd) ? STREAM_TURN_TIME : STREAM_SHARED_TIME;

	while (state == READ_MORE && stream->step == STEP_OPEN &&
	    turn.total < STREAM_TURN_BYTES && turn.at - now < share) {
		state = read_slice(stream, &turn);
	}
	if (stream->step != STEP_OPEN) {
		stream->source.bytes = (struct slice){NULL, 0}; /* the owner let go */
	} else if (state == READ_END) {
		stream_fail(stream, STREAM_LOST, now,
		    "closed by the peer without a word");
	} else if (state == READ_FAILED) {
		fail_turn(stream, &turn);
	} else {
		keep_rest(stream, &turn);
	}
}

void
stream_read_and_drop(struct stream *stream)
{
	char own[4096]; /* in the others another stream's bytes may lie */
	size_t total = 0;
	ssize_t got;

	do {
		got = recv(stream->socket, own, sizeof own, MSG_DONTWAIT);
		total += got > 0 ? (size_t)got : 0;
	} while (got > 0 && total < STREAM_TURN_BYTES);
	if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR)) {
		stream_close_soon(stream);
	}
}
