/*
 * The hot path on a stream that is always the same: frames, inflate, payload, session.
 * What it does is counted in instructions by callgrind (guard.py), from the call of
 * hot_path() to its end: making the stream does not count.
 *
 *     guard none|zlib-stream|zstd-stream [read]
 *
 * With `read` somebody looks into the events, so that each goes through the full pass.
 */
/* zlib's input pointer is const then. */
#define ZLIB_CONST

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>

#include "frame.h"
#include "inflate.h"
#include "payload.h"
#include "session.h"

#define EVENTS       4000
#define STREAM_BYTES ((size_t)8 << 20)
#define SLICE_BYTES  ((size_t)16 << 10)

struct stream {
	enum inflate_kind kind;
	z_stream zlib;
	ZSTD_CCtx *zstd;
	struct buf bytes;
	struct rng rng;
};

struct life {
	struct frame_parser frames;
	struct inflate *inflate;
	struct session session;
	struct rng rng;
	struct session_actions actions;
	struct dispatch_counts counts;
	bool reads;
	uint64_t dispatched;
};

/* callgrind finds it by its name. */
void hot_path(struct life *life, struct slice stream);

static _Noreturn void
die(const char *what)
{
	(void)fprintf(stderr, "guard: %s\n", what);
	exit(1);
}

/* ---- the stream ---- */

static void
put(struct buf *buf, const void *data, size_t size)
{
	if (buf_append(buf, data, size) != GW_OK) {
		die("the stream is too large");
	}
}

static void
put_frame(struct stream *stream, const void *data, size_t size)
{
	unsigned char head[4] = {0x81, 126, (unsigned char)(size >> 8 & 0xFF),
	    (unsigned char)(size & 0xFF)};

	if (size > UINT16_MAX) {
		die("a message is too large");
	}
	head[0] = stream->kind == INFLATE_NONE ? 0x81 : 0x82;
	head[1] = size < 126 ? (unsigned char)size : 126;
	put(&stream->bytes, head, size < 126 ? 2 : 4);
	put(&stream->bytes, data, size);
}

static void
put_payload(struct stream *stream, const char *text, size_t size)
{
	char packed[8192];
	ZSTD_inBuffer in = {text, size, 0};
	ZSTD_outBuffer out = {packed, sizeof packed, 0};

	switch (stream->kind) {
	case INFLATE_NONE:
		put_frame(stream, text, size);
		return;
	case INFLATE_ZLIB:
		stream->zlib.next_in = (const Bytef *)text;
		stream->zlib.avail_in = (uInt)size;
		stream->zlib.next_out = (Bytef *)packed;
		stream->zlib.avail_out = sizeof packed;
		if (deflate(&stream->zlib, Z_SYNC_FLUSH) != Z_OK ||
		    stream->zlib.avail_out == 0) {
			die("zlib");
		}
		put_frame(stream, packed, sizeof packed - stream->zlib.avail_out);
		return;
	case INFLATE_ZSTD:
		if (ZSTD_compressStream2(stream->zstd, &out, &in, ZSTD_e_flush) != 0) {
			die("zstd");
		}
		put_frame(stream, packed, out.pos);
		return;
	}
}

/* Words with an escape, a quote and UTF-8 among them. */
static void
put_words(struct stream *stream, char *out, size_t room)
{
	static const char *const words[] = {"latency ", "wieder ", "\\\"quoted\\\" ",
	    "Größe ", "line\\nbreak ", "ok ", "日本語 ", "tomorrow ", "\\ud83d\\ude80 ",
	    "release "};
	size_t size = 0;

	for (uint64_t i = 4 + rng_next(&stream->rng) % 30; i > 0; i--) {
		const char *word =
		    words[rng_next(&stream->rng) % (sizeof words / sizeof words[0])];
		size_t need = strlen(word);

		if (size + need >= room) {
			break;
		}
		memcpy(out + size, word, need);
		size += need;
	}
	out[size] = '\0';
}

static void
put_event(struct stream *stream, unsigned seq)
{
	uint64_t one = rng_next(&stream->rng);
	uint64_t two = rng_next(&stream->rng);
	char words[320];
	char text[2048];

	put_words(stream, words, sizeof words);
	int size = snprintf(text, sizeof text,
	    "{\"t\":\"MESSAGE_CREATE\",\"s\":%u,\"op\":0,\"d\":{\"type\":0,\"tts\":"
	    "false,"
	    "\"timestamp\":\"2026-11-%02u10:%02u:00.%06u+00:00\",\"pinned\":false,"
	    "\"mentions\":[],\"mention_roles\":[],\"id\":\"%019" PRIu64
	    "\",\"flags\":0,\"embeds\":[],\"edited_timestamp\":null,\"content\":\"%s\","
	    "\"components\":[],\"channel_id\":\"%018" PRIu64
	    "\",\"author\":{\"username\":\"user%u\",\"public_flags\":%u,\"id\":\"%"
	    "018" PRIu64
	    "\",\"global_name\":\"J\\u00f6rg\",\"discriminator\":\"0\",\"avatar\":"
	    "\"%016" PRIx64 "%016" PRIx64
	    "\"},\"attachments\":[],\"member\":{\"roles\":[\"%018" PRIu64
	    "\"],\"premium_since\":null,\"pending\":false,\"nick\":null,\"mute\":false,"
	    "\"joined_at\":\"2021-04-03T19:05:53.%06u+00:00\",\"flags\":0,\"deaf\":"
	    "false,"
	    "\"avatar\":null},\"guild_id\":\"809485743210168320\"}}",
	    seq, (unsigned)(one % 28 + 1), (unsigned)(two % 60),
	    (unsigned)(one % 1000000), one >> 2, words, two >> 6,
	    (unsigned)(one % 5000), (unsigned)(two % 4) * 64, one >> 6, one, two,
	    two >> 7, (unsigned)(two % 1000000));

	put_payload(stream, text, (size_t)size);
}

static void
make_stream(struct stream *stream)
{
	static const char hello[] =
	    "{\"t\":null,\"s\":null,\"op\":10,\"d\":{\"heartbeat_interval\":41250}}";
	static const char resumed[] = "{\"t\":\"RESUMED\",\"s\":1,\"op\":0,\"d\":{}}";

	stream->rng.state = 8;
	buf_init(&stream->bytes, STREAM_BYTES);
	if (deflateInit(&stream->zlib, 1) != Z_OK ||
	    !(stream->zstd = ZSTD_createCCtx()) ||
	    ZSTD_isError(
		ZSTD_CCtx_setParameter(stream->zstd, ZSTD_c_compressionLevel, 1)) ||
	    ZSTD_isError(ZSTD_CCtx_setParameter(stream->zstd, ZSTD_c_windowLog, 18))) {
		die("no memory");
	}
	put_payload(stream, hello, sizeof hello - 1);
	put_payload(stream, resumed, sizeof resumed - 1);
	for (unsigned i = 0; i < EVENTS; i++) {
		put_event(stream, 2 + i);
	}
	(void)deflateEnd(&stream->zlib);
	(void)ZSTD_freeCCtx(stream->zstd);
}

/* ---- the way of a frame, as ws.c and shard_conn.c go it ---- */

static void
step(struct life *life, const struct session_event *event)
{
	session_step(&life->session, event, CLOCK_S(100), &life->rng, &life->actions);
	for (unsigned i = 0; i < life->actions.count; i++) {
		life->dispatched += life->actions.list[i].kind == SESSION_DISPATCH;
	}
}

/* As pass_payload() of shard_conn.c. */
static bool
pass(struct life *life, struct slice message)
{
	struct payload payload;

	if (!payload_peek(message, &payload)) {
		return false;
	}
	enum dispatch_name name = dispatches_find(&life->counts, payload.type);

	if (life->reads || session_reads(&life->session, name) ||
	    !payload_skim(message, &payload)) {
		return false;
	}
	life->dispatched += session_pass(&life->session, &payload, CLOCK_S(100));
	return true;
}

static void
take_message(struct life *life, struct slice message, bool unchecked)
{
	struct frame_utf8 utf8 = {0};

	if (pass(life, message)) {
		return;
	}
	if (unchecked && !frame_utf8_step(&utf8, message.data, message.size)) {
		die("text");
	}
	while (message.size > 0) {
		struct payload payload;

		if (payload_take(&message, &payload) != GW_OK) {
			die("payload");
		}
		step(life,
		    &(struct session_event){.kind = SESSION_PAYLOAD,
			.payload = &payload});
	}
}

static void
take_piece(struct life *life, const struct frame_event *piece)
{
	struct slice message = {NULL, 0};

	if (inflate_piece(life->inflate, piece->bytes, piece->last, &message) !=
	    GW_OK) {
		die("inflate");
	}
	if (message.data) {
		take_message(life, message, piece->unchecked);
	} else {
		step(life, &(struct session_event){.kind = SESSION_FRAME});
	}
}

__attribute__((noinline)) void
hot_path(struct life *life, struct slice stream)
{
	while (stream.size > 0) {
		struct slice part = {stream.data,
		    stream.size < SLICE_BYTES ? stream.size : SLICE_BYTES};
		struct frame_event event = {.kind = FRAME_GOT_ERROR};

		stream.data += part.size;
		stream.size -= part.size;
		while (event.kind != FRAME_GOT_NOTHING) {
			event = frame_next(&life->frames, &part);
			if (event.kind == FRAME_GOT_PIECE) {
				take_piece(life, &event);
			} else if (event.kind != FRAME_GOT_NOTHING) {
				die("frames");
			}
		}
	}
}

static enum inflate_kind
kind_named(const char *name)
{
	for (int kind = INFLATE_NONE; kind <= INFLATE_ZSTD; kind++) {
		if (name && strcmp(inflate_name((enum inflate_kind)kind), name) == 0) {
			return (enum inflate_kind)kind;
		}
	}
	die("usage: guard none|zlib-stream|zstd-stream [read]");
}

int
main(int argc, char **argv)
{
	static const struct session_saved saved = {.id = "guard",
	    .resume_url = "wss://gateway.example.org",
	    .seq = 0};
	static const struct session_config config = {.shard_count = 1,
	    .connect_timeout = CLOCK_S(10),
	    .hello_timeout = CLOCK_S(10),
	    .ready_timeout = CLOCK_S(60)};
	static struct life life;
	struct stream stream = {.kind = kind_named(argc > 1 ? argv[1] : NULL)};

	make_stream(&stream);
	life.inflate = inflate_new(stream.kind, PAYLOAD_MAX_BYTES);
	life.rng.state = 1;
	life.reads = argc > 2 && strcmp(argv[2], "read") == 0;
	dispatches_init(&life.counts);
	frame_parser_init(&life.frames, PAYLOAD_MAX_BYTES);
	life.frames.leaves_text = true;
	session_init(&life.session, &config, &saved);
	step(&life, &(struct session_event){.kind = SESSION_START});
	step(&life, &(struct session_event){.kind = SESSION_OPENED});
	hot_path(&life, buf_slice(&stream.bytes));
	printf("events %d bytes %zu\n", EVENTS, stream.bytes.size);
	if (life.dispatched != EVENTS + 1 || life.session.seq_gaps != 0 ||
	    life.session.saved.seq != EVENTS + 1) {
		die("events were lost");
	}
	inflate_free(life.inflate);
	buf_fini(&stream.bytes);
	return 0;
}
