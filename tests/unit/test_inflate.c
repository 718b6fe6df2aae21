/* Inflate: payloads of streams cut anywhere, limits, damage.  The streams are made here
 * with zlib and zstd as Discord makes them: one stream a connection, flushed after each
 * payload. */
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

static void
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

static void
stream_close(struct stream *stream)
{
	if (stream->kind == INFLATE_ZLIB) {
		(void)deflateEnd(&stream->zlib);
	}
	(void)ZSTD_freeCCtx(stream->zstd);
}

/* The message for a payload; the caller frees its data. */
static struct slice
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

static void
free_message(struct slice message)
{
	/* the const of our own memory */
	free((void *)(uintptr_t)message.data); /* NOLINT(performance-no-int-to-ptr) */
}

static void
assert_payload(struct slice out, struct slice payload)
{
	assert_non_null(out.data);
	assert_int_equal(out.size, payload.size);
	assert_memory_equal(out.data, payload.data, payload.size);
}

static struct slice
part(struct slice whole, size_t from, size_t to)
{
	return (struct slice){whole.data + from, to - from};
}

static void
expect_nothing(struct inflate *inflate, struct slice piece, bool last)
{
	struct slice out = {"x", 1};

	assert_int_equal(inflate_piece(inflate, piece, last, &out), GW_OK);
	assert_null(out.data);
	assert_int_equal(out.size, 0);
}

static void
expect_payload(struct inflate *inflate, struct slice piece, struct slice payload)
{
	struct slice out;

	assert_int_equal(inflate_piece(inflate, piece, true, &out), GW_OK);
	assert_payload(out, payload);
}

static void
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

static void
record(struct recording *recording, enum inflate_kind kind)
{
	struct stream stream;

	stream_open(&stream, kind);
	for (size_t i = 0; i < COUNT(payloads); i++) {
		recording->messages[i] = stream_message(&stream, slice_of(payloads[i]));
	}
	stream_close(&stream);
}

static void
forget(struct recording *recording)
{
	for (size_t i = 0; i < COUNT(payloads); i++) {
		free_message(recording->messages[i]);
	}
}

/* Plays all messages, each cut at one place. */
static void
play_cut(const struct recording *recording, enum inflate_kind kind, size_t cut)
{
	struct inflate *inflate = inflate_new(kind, LIMIT);

	assert_non_null(inflate);
	for (size_t i = 0; i < COUNT(payloads); i++) {
		struct slice message = recording->messages[i];
		size_t at = cut < message.size ? cut : message.size;

		expect_nothing(inflate, part(message, 0, at), false);
		expect_payload(inflate, part(message, at, message.size),
		    slice_of(payloads[i]));
	}
	inflate_free(inflate);
}

static void
messages_may_be_cut_at_every_byte(void **state)
{
	(void)state;
	for (int kind = 0; kind < KINDS; kind++) {
		struct recording recording;

		record(&recording, (enum inflate_kind)kind);
		for (size_t cut = 0; cut <= 470; cut++) {
			play_cut(&recording, (enum inflate_kind)kind, cut);
		}
		forget(&recording);
	}
}

static void
messages_may_come_byte_by_byte(void **state)
{
	(void)state;
	for (int kind = 0; kind < KINDS; kind++) {
		struct recording recording;
		struct inflate *inflate = inflate_new((enum inflate_kind)kind, LIMIT);
		uint64_t bytes_in = 0;
		uint64_t bytes_out = 0;

		record(&recording, (enum inflate_kind)kind);
		for (size_t i = 0; i < COUNT(payloads); i++) {
			struct slice message = recording.messages[i];

			for (size_t at = 0; at + 1 < message.size; at++) {
				expect_nothing(inflate, part(message, at, at + 1),
				    false);
			}
			expect_payload(inflate,
			    part(message, message.size - 1, message.size),
			    slice_of(payloads[i]));
			bytes_in += message.size;
			bytes_out += strlen(payloads[i]);
		}
		assert_int_equal(inflate_bytes_in(inflate), bytes_in);
		assert_int_equal(inflate_bytes_out(inflate), bytes_out);
		inflate_free(inflate);
		forget(&recording);
	}
}

static void
the_end_of_a_message_may_be_an_empty_piece(void **state)
{
	(void)state;
	for (int kind = 0; kind < KINDS; kind++) {
		struct recording recording;
		struct inflate *inflate = inflate_new((enum inflate_kind)kind, LIMIT);

		record(&recording, (enum inflate_kind)kind);
		expect_nothing(inflate, (struct slice){NULL, 0}, false);
		expect_nothing(inflate, recording.messages[0], false);
		expect_payload(inflate, (struct slice){NULL, 0}, slice_of(payloads[0]));
		expect_payload(inflate, recording.messages[1], slice_of(payloads[1]));
		inflate_free(inflate);
		forget(&recording);
	}
}

static void
a_whole_plain_message_is_borrowed_not_copied(void **state)
{
	struct inflate *inflate = inflate_new(INFLATE_NONE, LIMIT);
	struct slice piece = SLICE_LITERAL("{}");
	struct slice out;

	(void)state;
	assert_int_equal(inflate_piece(inflate, piece, true, &out), GW_OK);
	assert_ptr_equal(out.data, piece.data);
	inflate_free(inflate);
}

/* ---- where a payload ends ---- */

static void
a_zlib_payload_ends_with_a_message_that_ends_in_the_suffix(void **state)
{
	struct recording recording;

	(void)state;
	record(&recording, INFLATE_ZLIB);
	struct slice message = recording.messages[0];

	assert_memory_equal(message.data + message.size - 4, "\0\0\xff\xff", 4);
	for (size_t cut = 0; cut <= message.size; cut++) {
		struct inflate *inflate = inflate_new(INFLATE_ZLIB, LIMIT);

		if (cut < message.size) {
			expect_nothing(inflate, part(message, 0, cut), true);
		}
		if (cut + 4 <= message.size) {
			expect_payload(inflate, part(message, cut, message.size),
			    slice_of(payloads[0]));
		} else if (cut < message.size) {
			/* The suffix counts within one message only. */
			expect_nothing(inflate, part(message, cut, message.size), true);
		} else {
			expect_payload(inflate, message, slice_of(payloads[0]));
		}
		inflate_free(inflate);
	}
	forget(&recording);
}

static void
the_suffix_inside_a_message_ends_nothing(void **state)
{
	struct recording recording;
	struct inflate *inflate = inflate_new(INFLATE_ZLIB, LIMIT);
	struct slice both;

	(void)state;
	record(&recording, INFLATE_ZLIB);
	/* Two flushes in one message: the text of both, at its end. */
	both.size = recording.messages[0].size + recording.messages[1].size;
	char *data = malloc(both.size);

	assert_non_null(data);
	memcpy(data, recording.messages[0].data, recording.messages[0].size);
	memcpy(data + recording.messages[0].size, recording.messages[1].data,
	    recording.messages[1].size);
	both.data = data;
	struct slice out;

	expect_nothing(inflate, part(both, 0, recording.messages[0].size), false);
	assert_int_equal(inflate_piece(inflate,
			     part(both, recording.messages[0].size, both.size), true,
			     &out),
	    GW_OK);
	assert_int_equal(out.size, strlen(payloads[0]) + strlen(payloads[1]));
	free(data);
	inflate_free(inflate);
	forget(&recording);
}

/* ---- sizes ---- */

/* A payload of that many bytes, easily compressed or not at all. */
static struct slice
make_payload(size_t size, bool random)
{
	char *data = malloc(size ? size : 1);
	uint32_t seed = 12345;

	assert_non_null(data);
	for (size_t i = 0; i < size; i++) {
		seed = seed * 1664525 + 1013904223;
		unsigned char byte = random ? (unsigned char)(seed >> 24) : 'a';

		data[i] = (char)byte;
	}
	return (struct slice){data, size};
}

static enum gw_err
play_size(enum inflate_kind kind, size_t size, size_t max_bytes, bool random)
{
	struct stream stream;
	struct inflate *inflate = inflate_new(kind, max_bytes);
	struct slice payload = make_payload(size, random);
	struct slice out;

	stream_open(&stream, kind);
	struct slice message = stream_message(&stream, payload);
	size_t half = message.size / 2;
	enum gw_err err = inflate_piece(inflate, part(message, 0, half), false, &out);

	if (err == GW_OK) {
		err = inflate_piece(inflate, part(message, half, message.size), true,
		    &out);
	}
	if (err == GW_OK) {
		assert_payload(out, payload);
	}
	free_message(message);
	free_message(payload);
	stream_close(&stream);
	inflate_free(inflate);
	return err;
}

static void
a_payload_of_the_limit_passes_and_one_above_fails(void **state)
{
	static const size_t limits[] = {1, 2, 100, 255, 256, 257, 4095, 16383, 16384,
	    16385, 32768, 131072, 131073};

	(void)state;
	for (int kind = 0; kind < KINDS; kind++) {
		for (size_t i = 0; i < 2 * COUNT(limits); i++) {
			size_t limit = limits[i / 2];
			bool random = i % 2 != 0;

			assert_int_equal(play_size((enum inflate_kind)kind, limit,
					     limit, random),
			    GW_OK);
			assert_int_equal(play_size((enum inflate_kind)kind, limit + 1,
					     limit, random),
			    GW_ERR_TOO_LARGE);
		}
	}
	/* whole and borrowed */
	struct inflate *inflate = inflate_new(INFLATE_NONE, 2);

	expect_payload(inflate, SLICE_LITERAL("{}"), SLICE_LITERAL("{}"));
	expect_error(inflate, SLICE_LITERAL("{} "), GW_ERR_TOO_LARGE);
	inflate_free(inflate);
}

static void
a_limit_counts_for_each_payload_anew(void **state)
{
	(void)state;
	for (int kind = 0; kind < KINDS; kind++) {
		struct stream stream;
		struct slice payload = make_payload(1000, true);
		struct inflate *inflate = inflate_new((enum inflate_kind)kind, 1000);

		stream_open(&stream, (enum inflate_kind)kind);
		for (size_t i = 0; i < 20; i++) {
			struct slice message = stream_message(&stream, payload);

			expect_nothing(inflate, part(message, 0, 3), false);
			expect_payload(inflate, part(message, 3, message.size),
			    payload);
			free_message(message);
		}
		inflate_free(inflate);
		stream_close(&stream);
		free_message(payload);
	}
}

static void
a_bomb_is_refused(void **state)
{
	(void)state;
	for (int kind = INFLATE_ZLIB; kind < KINDS; kind++) {
		assert_int_equal(play_size((enum inflate_kind)kind, 4 * LIMIT, LIMIT,
				     false),
		    GW_ERR_TOO_LARGE);
	}
}

/* A guild with as many members as that many bytes hold. */
static struct slice
make_guild(size_t size)
{
	struct buf members;
	struct buf guild;

	buf_init(&members, size);
	for (unsigned i = 0; i < 100; i++) {
		(void)buf_printf(&members,
		    "{\"user\":{\"username\":\"member \xc3\xa9 %u\",\"id\":\"%u\","
		    "\"avatar\":null,\"global_name\":\"\\ud83d\\ude00\"},\"roles\":["
		    "\"81384788765712385\"],\"deaf\":false,\"flags\":0,\"joined_at\":"
		    "\"2026-01-01T00:00:00.000000+00:00\"},",
		    i * 7919, i * 104729);
	}
	buf_init(&guild, size + members.size + 1024);
	(void)buf_printf(&guild,
	    "{\"t\":\"GUILD_CREATE\",\"s\":2,\"op\":0,\"d\":{\"id\":"
	    "\"81384788765712384\",\"members\":[");
	while (guild.size < size) {
		(void)buf_append(&guild, members.data, members.size);
	}
	(void)buf_printf(&guild, "null]}}");
	buf_fini(&members);
	return buf_slice(&guild);
}

static void
a_guild_of_five_megabytes_comes_whole(void **state)
{
	struct slice guild = make_guild((size_t)5 * 1024 * 1024);

	(void)state;
	for (int kind = 0; kind < KINDS; kind++) {
		struct stream stream;
		struct inflate *inflate =
		    inflate_new((enum inflate_kind)kind, PAYLOAD_MAX_BYTES);
		struct slice out;
		struct payload payload;

		stream_open(&stream, (enum inflate_kind)kind);
		struct slice message = stream_message(&stream, guild);
		size_t at = 0;

		/* the size of a read buffer */
		for (; message.size - at > 16384; at += 16384) {
			expect_nothing(inflate, part(message, at, at + 16384), false);
		}
		assert_int_equal(inflate_piece(inflate, part(message, at, message.size),
				     true, &out),
		    GW_OK);
		assert_payload(out, guild);
		assert_int_equal(payload_parse(out, &payload), GW_OK);
		assert_int_equal(payload.seq, 2);
		free_message(message);
		/* a small one after it, with the memory given back */
		inflate_relax(inflate);
		message = stream_message(&stream, slice_of(payloads[3]));
		expect_payload(inflate, message, slice_of(payloads[3]));
		free_message(message);
		stream_close(&stream);
		inflate_free(inflate);
	}
	free_message(guild);
}

static void
relaxing_keeps_a_payload_that_is_under_way(void **state)
{
	(void)state;
	for (int kind = 0; kind < KINDS; kind++) {
		struct stream stream;
		struct slice payload = make_payload(LIMIT + LIMIT / 4, true);
		struct inflate *inflate =
		    inflate_new((enum inflate_kind)kind, PAYLOAD_MAX_BYTES);

		stream_open(&stream, (enum inflate_kind)kind);
		struct slice message = stream_message(&stream, payload);

		expect_nothing(inflate, part(message, 0, message.size / 2), false);
		inflate_relax(inflate);
		expect_payload(inflate, part(message, message.size / 2, message.size),
		    payload);
		free_message(message);
		stream_close(&stream);
		inflate_free(inflate);
		free_message(payload);
	}
}

/* ---- damage ---- */

static void
the_wrong_codec_is_noticed_in_the_first_message(void **state)
{
	struct recording recordings[KINDS];

	(void)state;
	for (int kind = 0; kind < KINDS; kind++) {
		record(&recordings[kind], (enum inflate_kind)kind);
	}
	for (int kind = INFLATE_ZLIB; kind < KINDS; kind++) {
		for (int other = 0; other < KINDS; other++) {
			if (other == kind) {
				continue;
			}
			struct inflate *inflate =
			    inflate_new((enum inflate_kind)kind, LIMIT);

			expect_error(inflate, recordings[other].messages[0],
			    GW_ERR_SYNTAX);
			inflate_free(inflate);
		}
	}
	for (int kind = 0; kind < KINDS; kind++) {
		forget(&recordings[kind]);
	}
}

static void
a_context_does_not_serve_a_second_connection(void **state)
{
	struct recording recording;
	struct inflate *inflate = inflate_new(INFLATE_ZLIB, LIMIT);

	(void)state;
	record(&recording, INFLATE_ZLIB);
	expect_payload(inflate, recording.messages[0], slice_of(payloads[0]));
	expect_error(inflate, recording.messages[0], GW_ERR_SYNTAX);
	inflate_free(inflate);
	forget(&recording);
}

static void
damage_never_crashes_and_mostly_shows(void **state)
{
	(void)state;
	for (int kind = INFLATE_ZLIB; kind < KINDS; kind++) {
		struct recording recording;
		size_t errors = 0;

		record(&recording, (enum inflate_kind)kind);
		struct slice message = recording.messages[0];

		for (size_t i = 0; i < message.size; i++) {
			struct inflate *inflate =
			    inflate_new((enum inflate_kind)kind, LIMIT);
			char *damaged = malloc(message.size);
			struct slice out;

			assert_non_null(damaged);
			memcpy(damaged, message.data, message.size);
			damaged[i] = (char)(damaged[i] ^ 0x55);
			errors += inflate_piece(inflate,
				      (struct slice){damaged, message.size}, true,
				      &out) != GW_OK;
			free(damaged);
			inflate_free(inflate);
		}
		assert_true(errors > 2);
		forget(&recording);
	}
}

static void
more_after_the_end_of_a_zlib_stream_is_an_error(void **state)
{
	struct slice text = slice_of(payloads[0]);
	unsigned char message[512];
	uLongf size = sizeof message - 1;
	struct inflate *inflate = inflate_new(INFLATE_ZLIB, LIMIT);

	(void)state;
	assert_int_equal(compress(message, &size, (const Bytef *)text.data,
			     (uLong)text.size),
	    Z_OK);
	message[size] = '{';
	/* A stream that ends ends its payload. */
	expect_payload(inflate, (struct slice){(const char *)message, size}, text);
	expect_error(inflate, SLICE_LITERAL("{"), GW_ERR_SYNTAX);
	inflate_free(inflate);

	inflate = inflate_new(INFLATE_ZLIB, LIMIT);
	expect_error(inflate, (struct slice){(const char *)message, size + 1},
	    GW_ERR_SYNTAX);
	inflate_free(inflate);

	/* the Adler checksum */
	message[size - 1] ^= 1;
	inflate = inflate_new(INFLATE_ZLIB, LIMIT);
	expect_error(inflate, (struct slice){(const char *)message, size},
	    GW_ERR_SYNTAX);
	inflate_free(inflate);
}

static void
a_zlib_dictionary_is_refused(void **state)
{
	z_stream zlib = {.next_in = Z_NULL};
	unsigned char message[128];
	struct inflate *inflate = inflate_new(INFLATE_ZLIB, LIMIT);

	(void)state;
	assert_int_equal(deflateInit(&zlib, 6), Z_OK);
	assert_int_equal(deflateSetDictionary(&zlib, (const Bytef *)"heartbeat", 9),
	    Z_OK);
	zlib.next_in = (const Bytef *)"heartbeat";
	zlib.avail_in = 9;
	zlib.next_out = message;
	zlib.avail_out = sizeof message;
	assert_int_equal(deflate(&zlib, Z_SYNC_FLUSH), Z_OK);
	expect_error(inflate,
	    (struct slice){(const char *)message, sizeof message - zlib.avail_out},
	    GW_ERR_SYNTAX);
	(void)deflateEnd(&zlib);
	inflate_free(inflate);
}

/* A frame of its own, with the given window and a checksum. */
static struct slice
make_frame(struct slice text, int window_log, bool end)
{
	ZSTD_CCtx *zstd = ZSTD_createCCtx();
	size_t room = ZSTD_compressBound(text.size) + 128;
	char *data = malloc(room);
	ZSTD_inBuffer in = {text.data, text.size, 0};
	ZSTD_outBuffer out = {data, room, 0};

	assert_non_null(zstd);
	assert_non_null(data);
	(void)ZSTD_CCtx_setParameter(zstd, ZSTD_c_windowLog, window_log);
	(void)ZSTD_CCtx_setParameter(zstd, ZSTD_c_checksumFlag, 1);
	assert_int_equal(ZSTD_compressStream2(zstd, &out, &in,
			     end ? ZSTD_e_end : ZSTD_e_flush),
	    0);
	(void)ZSTD_freeCCtx(zstd);
	return (struct slice){data, out.pos};
}

static void
a_zstd_frame_may_end_and_another_follow(void **state)
{
	struct inflate *inflate = inflate_new(INFLATE_ZSTD, LIMIT);

	(void)state;
	for (size_t i = 0; i < COUNT(payloads); i++) {
		struct slice frame = make_frame(slice_of(payloads[i]), 18, true);

		expect_payload(inflate, frame, slice_of(payloads[i]));
		free_message(frame);
	}
	inflate_free(inflate);
}

static void
a_wrong_zstd_checksum_shows(void **state)
{
	struct inflate *inflate = inflate_new(INFLATE_ZSTD, LIMIT);
	struct slice frame = make_frame(slice_of(payloads[0]), 18, true);
	char *damaged = malloc(frame.size);

	(void)state;
	assert_non_null(damaged);
	memcpy(damaged, frame.data, frame.size);
	damaged[frame.size - 1] = (char)(damaged[frame.size - 1] ^ 1);
	expect_error(inflate, (struct slice){damaged, frame.size}, GW_ERR_SYNTAX);
	free(damaged);
	free_message(frame);
	inflate_free(inflate);
}

static void
a_zstd_window_is_limited_to_8_mib(void **state)
{
	/* magic, no content size, window descriptor: exponent in the upper five bits */
	static const unsigned char headers[][6] = {
	    {0x28, 0xB5, 0x2F, 0xFD, 0x00, (23 - 10) << 3},
	    {0x28, 0xB5, 0x2F, 0xFD, 0x00, (24 - 10) << 3},
	    {0x28, 0xB5, 0x2F, 0xFD, 0x00, (31 - 10) << 3},
	};
	static const unsigned char block[] = {0x11, 0x00, 0x00, '{', '}'};

	(void)state;
	for (size_t i = 0; i < COUNT(headers); i++) {
		struct inflate *inflate = inflate_new(INFLATE_ZSTD, LIMIT);
		char message[sizeof headers[0] + sizeof block];
		struct slice piece = {message, sizeof message};

		memcpy(message, headers[i], sizeof headers[i]);
		memcpy(message + sizeof headers[i], block, sizeof block);
		if (i == 0) {
			expect_payload(inflate, piece, SLICE_LITERAL("{}"));
		} else {
			expect_error(inflate, piece, GW_ERR_SYNTAX);
		}
		inflate_free(inflate);
	}
}

static void
a_zstd_dictionary_is_refused(void **state)
{
	/* one byte of dictionary id: 7 */
	static const char message[] = "\x28\xb5\x2f\xfd\x01\x40\x07\x11\x00\x00{}";
	struct inflate *inflate = inflate_new(INFLATE_ZSTD, LIMIT);

	(void)state;
	expect_error(inflate, (struct slice){message, sizeof message - 1},
	    GW_ERR_SYNTAX);
	inflate_free(inflate);
}

static void
a_skippable_zstd_frame_gives_an_empty_payload(void **state)
{
	static const char message[] = "\x50\x2a\x4d\x18\x03\x00\x00\x00xyz";
	struct inflate *inflate = inflate_new(INFLATE_ZSTD, LIMIT);
	struct payload payload;
	struct slice out;

	(void)state;
	assert_int_equal(inflate_piece(inflate,
			     (struct slice){message, sizeof message - 1}, true, &out),
	    GW_OK);
	assert_non_null(out.data);
	assert_int_equal(out.size, 0);
	assert_int_equal(payload_parse(out, &payload), GW_ERR_SYNTAX);
	inflate_free(inflate);
}

static void
kinds_have_the_names_of_the_query(void **state)
{
	(void)state;
	assert_string_equal(inflate_name(INFLATE_NONE), "none");
	assert_string_equal(inflate_name(INFLATE_ZLIB), "zlib-stream");
	assert_string_equal(inflate_name(INFLATE_ZSTD), "zstd-stream");
	inflate_free(NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(messages_may_be_cut_at_every_byte),
	    cmocka_unit_test(messages_may_come_byte_by_byte),
	    cmocka_unit_test(the_end_of_a_message_may_be_an_empty_piece),
	    cmocka_unit_test(a_whole_plain_message_is_borrowed_not_copied),
	    cmocka_unit_test(
		a_zlib_payload_ends_with_a_message_that_ends_in_the_suffix),
	    cmocka_unit_test(the_suffix_inside_a_message_ends_nothing),
	    cmocka_unit_test(a_payload_of_the_limit_passes_and_one_above_fails),
	    cmocka_unit_test(a_limit_counts_for_each_payload_anew),
	    cmocka_unit_test(a_bomb_is_refused),
	    cmocka_unit_test(a_guild_of_five_megabytes_comes_whole),
	    cmocka_unit_test(relaxing_keeps_a_payload_that_is_under_way),
	    cmocka_unit_test(the_wrong_codec_is_noticed_in_the_first_message),
	    cmocka_unit_test(a_context_does_not_serve_a_second_connection),
	    cmocka_unit_test(damage_never_crashes_and_mostly_shows),
	    cmocka_unit_test(more_after_the_end_of_a_zlib_stream_is_an_error),
	    cmocka_unit_test(a_zlib_dictionary_is_refused),
	    cmocka_unit_test(a_zstd_frame_may_end_and_another_follow),
	    cmocka_unit_test(a_wrong_zstd_checksum_shows),
	    cmocka_unit_test(a_zstd_window_is_limited_to_8_mib),
	    cmocka_unit_test(a_zstd_dictionary_is_refused),
	    cmocka_unit_test(a_skippable_zstd_frame_gives_an_empty_payload),
	    cmocka_unit_test(kinds_have_the_names_of_the_query),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
