/*
 * Streams made with zlib and zstd as Discord makes them, one a connection, flushed
 * after each payload; and what inflate says to their pieces.
 */
#ifndef GWBOT_TEST_INFLATE_FIXTURE_H
#define GWBOT_TEST_INFLATE_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define ZLIB_CONST
#include <zlib.h>
#include <zstd.h>

#include "inflate.h"
#include "payload.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])
#define KINDS        3

#define LIMIT        ((size_t)1024 * 1024)

static const char *const payloads[] = {
    "{\"t\":null,\"s\":null,\"op\":10,\"d\":{\"heartbeat_interval\":41250,\"_trace\":["
    "\"[\\\"gateway-prd-us-east1-b-0\\\",{\\\"micros\\\":0.0}]\"]}}",
    "{\"t\":\"READY\",\"s\":1,\"op\":0,\"d\":{\"v\":10,\"user_settings\":{},\"user\":{"
    "\"verified\":true,\"username\":\"gw\",\"id\":\"80351110224678912\",\"bot\":true},"
    "\"session_id\":\"30f32c5d54ae86130fc4a215c7474263\",\"resume_gateway_url\":"
    "\"wss://gateway-us-east1-b.discord.gg\",\"guilds\":[{\"unavailable\":true,\"id\":"
    "\"81384788765712384\"}],\"application\":{\"id\":\"80351110224678912\",\"flags\":"
    "565248},\"shard\":[0,1]}}",
    "{\"t\":\"GUILD_CREATE\",\"s\":2,\"op\":0,\"d\":{\"id\":\"81384788765712384\","
    "\"name\":\"Caf\xc3\xa9\",\"member_count\":2,\"channels\":[{\"id\":\"1\",\"type\":"
    "0,"
    "\"name\":\"general\",\"topic\":null,\"permission_overwrites\":[]}],\"roles\":[{"
    "\"id\":\"81384788765712384\",\"position\":-1,\"permissions\":\"2248473465835073\"}"
    "],"
    "\"members\":[{\"roles\":[],\"user\":{\"username\":\"a\",\"id\":\"5\"}}]}}",
    "{\"t\":\"MESSAGE_CREATE\",\"s\":3,\"op\":0,\"d\":{\"content\":"
    "\"\xe6\x97\xa5\xe6\x9c"
    "\xac \xf0\x9f\x98\x80 \\ud83d\\ude00 \\u0000\",\"id\":\"1134567890123456789\"}}",
};

/* Messages of one connection. */
struct stream {
	enum inflate_kind kind;
	z_stream zlib;
	ZSTD_CCtx *zstd;
};

static inline void
stream_open(struct stream *stream, enum inflate_kind kind)
{
	*stream = (struct stream){.kind = kind};
	if (kind == INFLATE_ZLIB) {
		assert_int_equal(deflateInit(&stream->zlib, 1), Z_OK);
	}
	if (kind == INFLATE_ZSTD) {
		stream->zstd = ZSTD_createCCtx();
		assert_non_null(stream->zstd);
		/* as the captured one: a window of 256 KiB */
		(void)ZSTD_CCtx_setParameter(stream->zstd, ZSTD_c_windowLog, 18);
	}
}

static inline void
stream_close(struct stream *stream)
{
	if (stream->kind == INFLATE_ZLIB) {
		(void)deflateEnd(&stream->zlib);
	}
	(void)ZSTD_freeCCtx(stream->zstd);
}

/* The message for a payload; the caller frees its data. */
static inline struct slice
stream_message(struct stream *stream, struct slice payload)
{
	size_t room = ZSTD_compressBound(payload.size) + 4096;
	char *data = malloc(room);
	size_t size = payload.size;

	assert_non_null(data);
	if (stream->kind == INFLATE_NONE) {
		memcpy(data, payload.data, payload.size);
	} else if (stream->kind == INFLATE_ZLIB) {
		stream->zlib.next_in = (const Bytef *)payload.data;
		stream->zlib.avail_in = (uInt)payload.size;
		stream->zlib.next_out = (Bytef *)data;
		stream->zlib.avail_out = (uInt)room;
		assert_int_equal(deflate(&stream->zlib, Z_SYNC_FLUSH), Z_OK);
		size = room - stream->zlib.avail_out;
	} else {
		ZSTD_inBuffer in = {payload.data, payload.size, 0};
		ZSTD_outBuffer out = {data, room, 0};

		assert_int_equal(ZSTD_compressStream2(stream->zstd, &out, &in,
				     ZSTD_e_flush),
		    0);
		size = out.pos;
	}
	/* An allocation of the exact size shows reading past the end. */
	char *exact = realloc(data, size);

	assert_non_null(exact);
	return (struct slice){exact, size};
}

static inline void
free_message(struct slice message)
{
	/* the const of our own memory */
	free((void *)(uintptr_t)message.data); /* NOLINT(performance-no-int-to-ptr) */
}

static inline void
assert_payload(struct slice out, struct slice payload)
{
	assert_non_null(out.data);
	assert_int_equal(out.size, payload.size);
	assert_memory_equal(out.data, payload.data, payload.size);
}

static inline struct slice
part(struct slice whole, size_t from, size_t to)
{
	return (struct slice){whole.data + from, to - from};
}

static inline void
expect_nothing(struct inflate *inflate, struct slice piece, bool last)
{
	struct slice out = {"x", 1};

	assert_int_equal(inflate_piece(inflate, piece, last, &out), GW_OK);
	assert_null(out.data);
	assert_int_equal(out.size, 0);
}

static inline void
expect_payload(struct inflate *inflate, struct slice piece, struct slice payload)
{
	struct slice out;

	assert_int_equal(inflate_piece(inflate, piece, true, &out), GW_OK);
	assert_payload(out, payload);
}

static inline void
expect_error(struct inflate *inflate, struct slice piece, enum gw_err err)
{
	struct slice out = {"x", 1};

	assert_int_equal(inflate_piece(inflate, piece, true, &out), err);
	assert_null(out.data);
	/* and it stays so */
	assert_int_equal(inflate_piece(inflate, SLICE_LITERAL("{}"), true, &out), err);
	assert_null(out.data);
}

struct recording {
	struct slice messages[COUNT(payloads)];
};

static inline void
record(struct recording *recording, enum inflate_kind kind)
{
	struct stream stream;

	stream_open(&stream, kind);
	for (size_t i = 0; i < COUNT(payloads); i++) {
		recording->messages[i] = stream_message(&stream, slice_of(payloads[i]));
	}
	stream_close(&stream);
}

static inline void
forget(struct recording *recording)
{
	for (size_t i = 0; i < COUNT(payloads); i++) {
		free_message(recording->messages[i]);
	}
}

#endif
