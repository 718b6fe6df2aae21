#include "ws.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#include "frame.h"
#include "stream.h"
#include "upgrade.h"
#include "xalloc.h"

_Static_assert(WS_CODE_NONE == FRAME_CODE_NONE, "both stand for RFC 6455 7.1.5");

#define REQUEST_MAX_BYTES 4096
#define KEY_RANDOM_BYTES  16 /* RFC 6455 4.1 */

/* What is needed only until the upgrade is answered. */
struct handshake {
	struct upgrade_parser parser;
	size_t request_size;
	char request[REQUEST_MAX_BYTES];
};

struct ws {
	struct stream *stream; /* NULL once it ended or was let go */
	const struct ws_events *events;
	void *ctx;
	struct loop_timer *timer;    /* the upgrade, then a message under way */
	struct handshake *handshake; /* NULL once open */
	struct frame_parser parser;
	mono_ns open_by;
	mono_ns message_timeout;
	mono_ns message_by; /* CLOCK_NEVER: no message is under way */
	uint64_t bytes_in;
	unsigned busy;          /* callbacks of the stream that are on the stack */
	bool overflowed;        /* the send queue was full: ends in the next turn */
	const char *text_fault; /* found by the owner: ends behind the callback */
	bool dead;              /* the owner's handle is: freed when not busy */
};

/* ---- ends ---- */

static void
ws_free(struct ws *owned_ws)
{
	loop_timer_free(owned_ws->timer);
	free(owned_ws->handshake);
	free(owned_ws);
}

/* Behind every use: the last one frees a dead connection. */
static void
leave(struct ws *ws)
{
	ws->busy--;
	if (ws->dead && ws->busy == 0) {
		ws_free(ws);
	}
}

static const char *
step_name(const struct ws *ws)
{
	return ws->handshake ? "upgrade" : "open";
}

/* Reports the one end.  The stream has ended or goes on behind it, with what is queued.
 */
static void
finish(struct ws *ws, struct ws_end *end, mono_ns now)
{
	ws->dead = true;
	loop_timer_arm(ws->timer, CLOCK_NEVER);
	if (ws->stream) {
		stream_finish(ws->stream);
		ws->stream = NULL;
	}
	ws->events->end(ws->ctx, end, now);
}

static void fail(struct ws *ws, enum ws_cause cause, mono_ns now, const char *format,
    ...) __attribute__((format(printf, 4, 5)));

/* An end that no close frame from the peer and no answer to the upgrade explains. */
static void
fail(struct ws *ws, enum ws_cause cause, mono_ns now, const char *format, ...)
{
	struct ws_end end = {.cause = cause, .code = WS_CODE_NONE};
	va_list args;

	(void)snprintf(end.step, sizeof end.step, "%s", step_name(ws));
	va_start(args, format);
	(void)vsnprintf(end.text, sizeof end.text, format, args);
	va_end(args);
	finish(ws, &end, now);
}

/* ---- sending ---- */

static bool
send_frame(struct ws *ws, enum frame_opcode opcode, const void *data, size_t size,
    size_t limit)
{
	size_t whole = frame_size(size);
	void *out = stream_reserve(ws->stream, whole, limit);
	uint8_t mask[4];

	if (!out) {
		return false;
	}
	arc4random_buf(mask, sizeof mask);
	stream_commit(ws->stream, frame_write(out, opcode, mask, data, size));
	return true;
}

static void
send_close(struct ws *ws, unsigned code, const char *reason)
{
	uint8_t payload[FRAME_CONTROL_MAX];
	size_t size = frame_write_close(payload, code, reason);

	/* Room is kept for it, so it goes out however full the queue is. */
	(void)send_frame(ws, FRAME_CLOSE, payload, size, STREAM_LIMIT_LAST);
}

enum gw_err
ws_send_text(struct ws *ws, const void *data, size_t size)
{
	if (!ws->stream || ws->handshake) {
		return GW_ERR_CLOSED;
	}
	if (!ws->overflowed &&
	    send_frame(ws, FRAME_TEXT, data, size, STREAM_LIMIT_DATA)) {
		return GW_OK;
	}
	/* The end is not reported from inside the owner's call. */
	ws->overflowed = true;
	loop_timer_arm(ws->timer, 0);
	return GW_ERR_FULL;
}

bool
ws_check_text(struct ws *ws, struct slice bytes)
{
	struct frame_utf8 utf8 = {0};

	if (!frame_utf8_step(&utf8, bytes.data, bytes.size)) {
		ws->text_fault = "text is not UTF-8";
	} else if (utf8.missing > 0) {
		ws->text_fault = "text ends inside a character";
	}
	return !ws->text_fault;
}

size_t
ws_unsent(const struct ws *ws)
{
	return ws->stream ? stream_unsent(ws->stream) : 0;
}

uint64_t
ws_bytes_in(const struct ws *ws)
{
	return ws->bytes_in;
}

/* ---- the upgrade ---- */

static void
fail_upgrade(struct ws *ws, mono_ns now, const char *text)
{
	const struct upgrade_parser *parser = &ws->handshake->parser;
	struct ws_end end = {
	    .cause = WS_CAUSE_UPGRADE,
	    .code = WS_CODE_NONE,
	    .http_status = parser->status,
	    .retry_after_s = parser->retry_after_s,
	    .step = "upgrade",
	};

	if (text) {
		(void)snprintf(end.text, sizeof end.text, "upgrade refused by us: %s",
		    text);
	} else {
		(void)snprintf(end.text, sizeof end.text,
		    "upgrade refused by the server with HTTP status %u",
		    parser->status);
	}
	finish(ws, &end, now);
}

/* Takes the answer off the front of bytes. */
static void
read_answer(struct ws *ws, struct slice *bytes, mono_ns now)
{
	switch (upgrade_step(&ws->handshake->parser, bytes)) {
	case UPGRADE_MORE:
		break;
	case UPGRADE_DONE:
		free(ws->handshake);
		ws->handshake = NULL;
		loop_timer_arm(ws->timer, CLOCK_NEVER);
		ws->events->open(ws->ctx, now);
		break;
	case UPGRADE_STATUS:
		fail_upgrade(ws, now, NULL);
		break;
	case UPGRADE_INVALID:
		fail_upgrade(ws, now, ws->handshake->parser.why);
		break;
	}
}

/* ---- frames ---- */

static void
on_close(struct ws *ws, const struct frame_event *event, mono_ns now)
{
	struct ws_end end = {.cause = WS_CAUSE_CLOSED,
	    .code = event->code,
	    .step = "open"};
	char reason[FRAME_REASON_MAX + 1];

	(void)slice_copy(event->bytes, reason, sizeof reason);
	if (event->code == WS_CODE_NONE) {
		(void)snprintf(end.text, sizeof end.text,
		    "closed by the peer without a code");
	} else {
		(void)snprintf(end.text, sizeof end.text,
		    "closed by the peer with code %u%s%s", event->code & 0xFFFFU,
		    *reason ? ": " : "", reason);
	}
	send_close(ws, event->code, NULL);
	finish(ws, &end, now);
}

static void
on_error(struct ws *ws, const struct frame_event *event, mono_ns now)
{
	send_close(ws, event->code, event->why);
	fail(ws, WS_CAUSE_PROTOCOL, now, "the peer broke the protocol: %s", event->why);
}

static void
on_frame_event(struct ws *ws, const struct frame_event *event, mono_ns now)
{
	struct ws_piece piece;

	switch (event->kind) {
	case FRAME_GOT_NOTHING:
		break;
	case FRAME_GOT_PIECE:
		if (event->last) {
			ws->message_by = CLOCK_NEVER;
		}
		piece = (struct ws_piece){
		    .bytes = event->bytes,
		    .first = event->first,
		    .last = event->last,
		    .binary = event->binary,
		    .unchecked = event->unchecked,
		};
		ws->events->piece(ws->ctx, &piece, now);
		if (ws->text_fault && !ws->dead) {
			on_error(ws,
			    &(struct frame_event){.code = FRAME_CODE_NOT_UTF8,
				.why = ws->text_fault},
			    now);
		}
		break;
	case FRAME_GOT_PING:
		if (!send_frame(ws, FRAME_PONG, event->bytes.data, event->bytes.size,
			STREAM_LIMIT_CONTROL)) {
			fail(ws, WS_CAUSE_INTERNAL, now,
			    "send queue full: the peer pings and does not read");
			break;
		}
		ws->events->control(ws->ctx, now);
		break;
	case FRAME_GOT_PONG:
		ws->events->control(ws->ctx, now);
		break;
	case FRAME_GOT_CLOSE:
		on_close(ws, event, now);
		break;
	case FRAME_GOT_ERROR:
		on_error(ws, event, now);
		break;
	}
}

/* A message that these bytes left unfinished has a deadline from its first byte on. */
static void
watch_message(struct ws *ws, mono_ns now)
{
	if (ws->overflowed) {
		return; /* the timer ends it */
	}
	if (frame_is_idle(&ws->parser)) {
		ws->message_by = CLOCK_NEVER;
	} else if (ws->message_by == CLOCK_NEVER) {
		ws->message_by = clock_add(now, ws->message_timeout);
	}
	loop_timer_arm(ws->timer, ws->message_by);
}

/* ---- the stream's events ---- */

static void
on_stream_open(void *ctx, mono_ns now)
{
	struct ws *ws = ctx;
	const struct handshake *handshake = ws->handshake;
	mono_ns at = clock_add(now, STREAM_STEP_TIMEOUT);
	void *out =
	    stream_reserve(ws->stream, handshake->request_size, STREAM_LIMIT_DATA);

	ws->busy++;
	if (out) {
		memcpy(out, handshake->request, handshake->request_size);
		stream_commit(ws->stream, handshake->request_size);
		loop_timer_arm(ws->timer, at < ws->open_by ? at : ws->open_by);
	} else {
		fail(ws, WS_CAUSE_INTERNAL, now, "no memory for the upgrade request");
	}
	leave(ws);
}

static void
on_stream_bytes(void *ctx, struct slice bytes, mono_ns now)
{
	struct ws *ws = ctx;
	struct frame_event event = {.kind = FRAME_GOT_ERROR};

	ws->busy++;
	ws->bytes_in += bytes.size;
	if (ws->handshake) {
		read_answer(ws, &bytes, now);
	}
	if (!ws->dead && !ws->handshake) {
		while (!ws->dead && event.kind != FRAME_GOT_NOTHING) {
			event = frame_next(&ws->parser, &bytes);
			on_frame_event(ws, &event, now);
		}
		if (!ws->dead) {
			watch_message(ws, now);
		}
	}
	leave(ws);
}

static enum ws_cause
cause_of(enum stream_fault fault)
{
	switch (fault) {
	case STREAM_CONNECT:
		return WS_CAUSE_CONNECT;
	case STREAM_TLS:
		return WS_CAUSE_TLS;
	case STREAM_TIMEOUT:
		return WS_CAUSE_TIMEOUT;
	case STREAM_LOST:
		return WS_CAUSE_LOST;
	case STREAM_INTERNAL:
		return WS_CAUSE_INTERNAL;
	}
	return WS_CAUSE_INTERNAL;
}

static struct ws_end
end_of(const struct stream_end *stream_end)
{
	struct ws_end end = {.cause = cause_of(stream_end->fault),
	    .code = WS_CODE_NONE};

	(void)snprintf(end.step, sizeof end.step, "%s", stream_end->step);
	(void)snprintf(end.text, sizeof end.text, "%s", stream_end->text);
	return end;
}

static void
on_stream_end(void *ctx, const struct stream_end *stream_end, mono_ns now)
{
	struct ws *ws = ctx;
	struct ws_end end = end_of(stream_end);
	bool upgrading = ws->handshake && strcmp(stream_end->step, "open") == 0;

	ws->busy++;
	ws->stream = NULL;
	if (upgrading && ws->handshake->parser.status > 101) {
		fail_upgrade(ws, now, NULL); /* said so, then hung up */
	} else {
		if (upgrading) {
			(void)snprintf(end.step, sizeof end.step, "upgrade");
		}
		finish(ws, &end, now);
	}
	leave(ws);
}

static void
on_deadline(void *ctx, mono_ns now)
{
	struct ws *ws = ctx;

	ws->busy++;
	if (ws->overflowed) {
		fail(ws, WS_CAUSE_INTERNAL, now, "send queue over its limit");
	} else if (ws->handshake) {
		fail(ws, WS_CAUSE_TIMEOUT, now, "the upgrade was not answered in time");
	} else {
		fail(ws, WS_CAUSE_TIMEOUT, now, "a message was not finished in time");
	}
	leave(ws);
}

/* ---- begin and end ---- */

static const struct stream_events stream_events = {
    .open = on_stream_open,
    .bytes = on_stream_bytes,
    .end = on_stream_end,
};

/* A key and the answer that it calls for (RFC 6455 4.2.2). */
static bool
make_key(char key[UPGRADE_KEY_BYTES], char accept[UPGRADE_ACCEPT_BYTES])
{
	unsigned char random[KEY_RANDOM_BYTES];
	unsigned char digest[EVP_MAX_MD_SIZE];
	char text[UPGRADE_KEY_BYTES + sizeof UPGRADE_GUID];
	unsigned size = 0;

	arc4random_buf(random, sizeof random);
	(void)EVP_EncodeBlock((unsigned char *)key, random, sizeof random);
	int length = snprintf(text, sizeof text, "%s" UPGRADE_GUID, key);

	if (EVP_Digest(text, (size_t)length, digest, &size, EVP_sha1(), NULL) != 1) {
		return false;
	}
	(void)EVP_EncodeBlock((unsigned char *)accept, digest, (int)size);
	return true;
}

/* The Host header: a numeric IPv6 host in brackets, the port unless it is the usual. */
static bool
write_host(const struct ws_options *options, char *out, size_t room)
{
	bool v6 = strchr(options->host, ':') != NULL;
	unsigned usual = options->tls ? 443 : 80;
	unsigned port = options->port;
	char suffix[8] = "";

	if (port != usual) {
		(void)snprintf(suffix, sizeof suffix, ":%u", port & 0xFFFFU);
	}
	int size = snprintf(out, room, v6 ? "[%s]%s" : "%s%s", options->host, suffix);

	return size > 0 && (size_t)size < room;
}

static bool
prepare(struct handshake *handshake, const struct ws_options *options)
{
	char key[UPGRADE_KEY_BYTES];
	char accept[UPGRADE_ACCEPT_BYTES];
	char host[300]; /* a name has 253 characters at most */
	struct upgrade_request request = {
	    .host = host,
	    .path = options->path,
	    .user_agent = options->user_agent,
	    .key = key,
	};

	if (!make_key(key, accept) || !write_host(options, host, sizeof host)) {
		return false;
	}
	upgrade_parser_init(&handshake->parser, accept);
	handshake->request_size =
	    upgrade_write(handshake->request, sizeof handshake->request, &request);
	return handshake->request_size > 0;
}

struct ws *
ws_connect(const struct ws_options *options, const struct ws_events *events, void *ctx,
    struct ws_end *why)
{
	struct ws *ws = xzalloc(sizeof *ws);
	struct stream_end stream_end = {
	    .fault = STREAM_INTERNAL,
	    .step = "tcp",
	    .text = "host, path or user agent cannot stand in a request",
	};

	ws->events = events;
	ws->ctx = ctx;
	ws->handshake = xzalloc(sizeof *ws->handshake);
	ws->open_by = clock_add(clock_now(), options->open_timeout);
	ws->message_timeout = options->message_timeout;
	ws->message_by = CLOCK_NEVER;
	ws->timer = loop_timer_new(options->loop, on_deadline, ws);
	frame_parser_init(&ws->parser, options->max_message_bytes);
	ws->parser.leaves_text = options->leaves_text;
	if (prepare(ws->handshake, options)) {
		ws->stream = stream_connect(
		    &(struct stream_options){
			.loop = options->loop,
			.tls = options->tls,
			.address = options->address,
			.port = options->port,
			.host = options->host,
			.open_by = ws->open_by,
			.tcp_by = options->tcp_timeout > 0 ?
			    clock_add(clock_now(), options->tcp_timeout) :
			    CLOCK_NEVER,
		    },
		    &stream_events, ws, &stream_end);
	}
	if (!ws->stream) {
		*why = end_of(&stream_end);
		ws_free(ws);
		return NULL;
	}
	return ws;
}

/* The owner lets go; the stream, if there is one, goes by itself. */
static void
let_go(struct ws *owned_ws, void (*end_stream)(struct stream *stream))
{
	struct ws *ws = owned_ws;

	ws->busy++;
	ws->dead = true;
	loop_timer_arm(ws->timer, CLOCK_NEVER);
	if (ws->stream) {
		end_stream(ws->stream);
		ws->stream = NULL;
	}
	leave(ws);
}

void
ws_close(struct ws *owned_ws, unsigned code, const char *reason)
{
	if (owned_ws->stream && !owned_ws->handshake) {
		send_close(owned_ws, code, reason);
	}
	let_go(owned_ws, stream_finish);
}

void
ws_abort(struct ws *owned_ws)
{
	let_go(owned_ws, stream_abort);
}
