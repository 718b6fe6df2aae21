/* zlib's input pointer is const then. */
#define ZLIB_CONST

#include "codec.h"

#include <stdlib.h>
#include <zlib.h>
#include <zstd.h>

#include "xalloc.h"

#define STEP_BYTES ((size_t)16 << 10)

/* Level 1 of zlib packs a payload to about a quarter at several times the speed of
 * level 6; which one Discord uses cannot be seen from outside. */
#define ZLIB_LEVEL 1
#define ZSTD_LEVEL 1

/* A captured first message of Discord's has the window descriptor of 256 KiB. */
#define ZSTD_WINDOW_LOG 18

struct codec {
	enum codec_kind kind;
	z_stream zlib;
	ZSTD_CCtx *zstd;
};

static const char *const names[] = {"", "zlib-stream", "zstd-stream"};

bool
codec_find(struct slice name, enum codec_kind *kind)
{
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		if (slice_equal(name, slice_of(names[i]))) {
			*kind = (enum codec_kind)i;
			return true;
		}
	}
	return false;
}

const char *
codec_name(enum codec_kind kind)
{
	return kind == CODEC_PLAIN ? "none" : names[kind];
}

static bool
init_zstd(struct codec *codec)
{
	codec->zstd = ZSTD_createCCtx();
	if (!codec->zstd) {
		return false;
	}
	size_t level =
	    ZSTD_CCtx_setParameter(codec->zstd, ZSTD_c_compressionLevel, ZSTD_LEVEL);
	size_t window =
	    ZSTD_CCtx_setParameter(codec->zstd, ZSTD_c_windowLog, ZSTD_WINDOW_LOG);

	return !ZSTD_isError(level) && !ZSTD_isError(window);
}

struct codec *
codec_new(enum codec_kind kind)
{
	if (kind == CODEC_PLAIN) {
		return NULL;
	}
	struct codec *codec = xzalloc(sizeof *codec);

	codec->kind = kind;
	bool good = kind == CODEC_ZLIB ? deflateInit(&codec->zlib, ZLIB_LEVEL) == Z_OK :
					 init_zstd(codec);

	if (!good) {
		codec_free(codec);
		return NULL;
	}
	return codec;
}

void
codec_free(struct codec *owned_codec)
{
	if (!owned_codec) {
		return;
	}
	if (owned_codec->kind == CODEC_ZLIB) {
		(void)deflateEnd(&owned_codec->zlib);
	}
	(void)ZSTD_freeCCtx(owned_codec->zstd);
	free(owned_codec);
}

static enum gw_err
pack_zlib(z_stream *zlib, struct slice payload, struct buf *out)
{
	zlib->next_in = (const Bytef *)payload.data;
	zlib->avail_in = (uInt)payload.size;
	do {
		enum gw_err err = buf_reserve(out, STEP_BYTES);

		if (err != GW_OK) {
			return err;
		}
		zlib->next_out = (Bytef *)(out->data + out->size);
		zlib->avail_out = (uInt)STEP_BYTES;
		if (deflate(zlib, Z_SYNC_FLUSH) == Z_STREAM_ERROR) {
			return GW_ERR_IO;
		}
		out->size += STEP_BYTES - zlib->avail_out;
	} while (zlib->avail_out == 0);
	return GW_OK;
}

static enum gw_err
pack_zstd(ZSTD_CCtx *zstd, struct slice payload, struct buf *out)
{
	ZSTD_inBuffer in = {payload.data, payload.size, 0};
	size_t left = 1;

	while (left > 0) {
		enum gw_err err = buf_reserve(out, STEP_BYTES);

		if (err != GW_OK) {
			return err;
		}
		ZSTD_outBuffer to = {out->data + out->size, STEP_BYTES, 0};

		left = ZSTD_compressStream2(zstd, &to, &in, ZSTD_e_flush);
		if (ZSTD_isError(left)) {
			return GW_ERR_IO;
		}
		out->size += to.pos;
	}
	return GW_OK;
}

enum gw_err
codec_pack(struct codec *codec, struct slice payload, struct buf *out)
{
	return codec->kind == CODEC_ZLIB ? pack_zlib(&codec->zlib, payload, out) :
					   pack_zstd(codec->zstd, payload, out);
}
