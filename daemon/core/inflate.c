/*
 * Pieces of messages in, payloads out.
 *
 * Each piece is decompressed as it comes, behind the output of the pieces before, so no
 * compressed byte is ever stored.  The output buffer may hold one byte more than the
 * limit: that byte is how a payload of exactly the limit is told from a larger one.
 */
#include "inflate.h"

#include <limits.h>
#include <stdint.h>
#include <stdlib.h>

#define ZLIB_CONST
#include <zlib.h>
#include <zstd.h>
#include <zstd_errors.h>

/* 8 MiB; Discord was seen to use 2^18. */
#define ZSTD_WINDOW_LOG 23

/* A payload that a sync flush ended: the last bytes of its message. */
#define ZLIB_SUFFIX 0x0000FFFFU

/* Least room for one call of a decompressor; the buffer doubles from there. */
#define STEP_BYTES ((size_t)16 * 1024)

/* What an idle context keeps. */
#define RELAXED_BYTES ((size_t)1024 * 1024)

struct inflate {
	enum inflate_kind kind;
	size_t max_bytes;
	enum gw_err err; /* the first error; it stays */
	struct buf out;
	struct buf *shared; /* NULL: out stays with this context */
	bool delivered;     /* out holds a payload that the caller has had */
	uint64_t bytes_in;
	uint64_t bytes_out;
	z_stream zlib;
	bool zlib_begun;
	bool zlib_ended;
	uint32_t tail; /* last four bytes of the present message */
	size_t tail_bytes;
	ZSTD_DStream *zstd;
};

static bool
open_zlib(struct inflate *inflate)
{
	inflate->zlib_begun = inflateInit(&inflate->zlib) == Z_OK;
	return inflate->zlib_begun;
}

static bool
open_zstd(struct inflate *inflate)
{
	inflate->zstd = ZSTD_createDStream();
	return inflate->zstd &&
	    !ZSTD_isError(ZSTD_DCtx_setParameter(inflate->zstd, ZSTD_d_windowLogMax,
		ZSTD_WINDOW_LOG));
}

static bool
open_codec(struct inflate *inflate)
{
	switch (inflate->kind) {
	case INFLATE_NONE:
		return true;
	case INFLATE_ZLIB:
		return open_zlib(inflate);
	case INFLATE_ZSTD:
		return open_zstd(inflate);
	}
	return false;
}

struct inflate *
inflate_new(enum inflate_kind kind, size_t max_bytes)
{
	struct inflate *inflate = calloc(1, sizeof *inflate);

	if (!inflate) {
		return NULL;
	}
	inflate->kind = kind;
	buf_init(&inflate->out, max_bytes < SIZE_MAX ? max_bytes + 1 : max_bytes);
	inflate->max_bytes = inflate->out.max_bytes - 1;
	if (!open_codec(inflate)) {
		inflate_free(inflate);
		return NULL;
	}
	return inflate;
}

void
inflate_free(struct inflate *owned_inflate)
{
	if (!owned_inflate) {
		return;
	}
	if (owned_inflate->zlib_begun) {
		(void)inflateEnd(&owned_inflate->zlib);
	}
	(void)ZSTD_freeDStream(owned_inflate->zstd);
	buf_fini(&owned_inflate->out);
	free(owned_inflate);
}

void
inflate_share(struct inflate *inflate, struct buf *shared)
{
	inflate->shared = shared;
}

/* The bytes and their room change hands; what from holds is still there to be read. */
static void
hand_over(struct buf *from, struct buf *to)
{
	buf_fini(to);
	to->data = from->data;
	to->room = from->room;
	from->data = NULL;
	from->room = 0;
	from->size = 0;
}

static void
take_shared(struct inflate *inflate)
{
	if (inflate->shared && !inflate->out.data && inflate->shared->data) {
		hand_over(inflate->shared, &inflate->out);
	}
}

/* Makes room behind the output; past the limit there is none. */
static enum gw_err
make_room(struct inflate *inflate)
{
	size_t left = inflate->out.max_bytes - inflate->out.size;

	if (left == 0) {
		return GW_ERR_TOO_LARGE;
	}
	take_shared(inflate);
	return buf_reserve(&inflate->out, left < STEP_BYTES ? left : STEP_BYTES);
}

static enum gw_err
check_size(const struct inflate *inflate)
{
	return inflate->out.size > inflate->max_bytes ? GW_ERR_TOO_LARGE : GW_OK;
}

/* ---- zlib ---- */

static enum gw_err
zlib_err(int result)
{
	switch (result) {
	case Z_OK:
	case Z_STREAM_END:
	case Z_BUF_ERROR: /* no progress for want of input or room: no damage */
		return GW_OK;
	case Z_MEM_ERROR:
		return GW_ERR_NOMEM;
	default: /* damage, or a preset dictionary that nobody agreed on */
		return GW_ERR_SYNTAX;
	}
}

/* One call; output that filled the room calls for another. */
static enum gw_err
zlib_step(struct inflate *ctx, bool *full)
{
	enum gw_err err = make_room(ctx);

	if (err != GW_OK) {
		return err;
	}
	size_t room = ctx->out.room - ctx->out.size;
	uInt offered = room < UINT_MAX ? (uInt)room : UINT_MAX;

	ctx->zlib.next_out = (Bytef *)ctx->out.data + ctx->out.size;
	ctx->zlib.avail_out = offered;
	int result = inflate(&ctx->zlib, Z_SYNC_FLUSH);

	ctx->out.size += offered - ctx->zlib.avail_out;
	ctx->zlib_ended = result == Z_STREAM_END;
	*full = ctx->zlib.avail_out == 0;
	err = zlib_err(result);
	return err == GW_OK ? check_size(ctx) : err;
}

/* At most UINT_MAX bytes. */
static enum gw_err
zlib_feed(struct inflate *ctx, const char *data, size_t size)
{
	bool full = false;

	ctx->zlib.next_in = (const Bytef *)data;
	ctx->zlib.avail_in = (uInt)size;
	do {
		if (ctx->zlib_ended) {
			return ctx->zlib.avail_in > 0 ? GW_ERR_SYNTAX : GW_OK;
		}
		enum gw_err err = zlib_step(ctx, &full);

		if (err != GW_OK) {
			return err;
		}
	} while (ctx->zlib.avail_in > 0 || full);
	return GW_OK;
}

static void
remember_tail(struct inflate *inflate, struct slice piece)
{
	size_t from = piece.size > 4 ? piece.size - 4 : 0;

	for (size_t i = from; i < piece.size; i++) {
		inflate->tail = inflate->tail << 8 | (unsigned char)piece.data[i];
	}
	inflate->tail_bytes += piece.size;
}

static enum gw_err
zlib_piece(struct inflate *inflate, struct slice piece, bool last, bool *whole)
{
	remember_tail(inflate, piece);
	while (piece.size > 0) {
		size_t size = piece.size < UINT_MAX ? piece.size : UINT_MAX;
		enum gw_err err = zlib_feed(inflate, piece.data, size);

		if (err != GW_OK) {
			return err;
		}
		piece.data += size;
		piece.size -= size;
	}
	if (last) {
		bool flushed = inflate->tail_bytes >= 4 && inflate->tail == ZLIB_SUFFIX;

		/* Nothing can follow the end of the stream, so that ends a payload
		 * too. */
		*whole = flushed || inflate->zlib_ended;
		inflate->tail_bytes = 0;
	}
	return GW_OK;
}

/* ---- zstd ---- */

static enum gw_err
zstd_piece(struct inflate *inflate, struct slice piece, bool last, bool *whole)
{
	ZSTD_inBuffer in = {piece.data, piece.size, 0};
	bool full;

	*whole = last;
	if (piece.size == 0) {
		return GW_OK;
	}
	do {
		enum gw_err err = make_room(inflate);

		if (err != GW_OK) {
			return err;
		}
		ZSTD_outBuffer out = {inflate->out.data, inflate->out.room,
		    inflate->out.size};
		/* Zero is the end of a frame; input behind it begins another. */
		size_t result = ZSTD_decompressStream(inflate->zstd, &out, &in);

		if (ZSTD_isError(result)) {
			bool memory =
			    ZSTD_getErrorCode(result) == ZSTD_error_memory_allocation;

			return memory ? GW_ERR_NOMEM : GW_ERR_SYNTAX;
		}
		inflate->out.size = out.pos;
		full = out.pos == out.size && result != 0;
		err = check_size(inflate);
		if (err != GW_OK) {
			return err;
		}
	} while (in.pos < in.size || full);
	return GW_OK;
}

/* ---- none ---- */

static enum gw_err
plain_piece(struct inflate *inflate, struct slice piece, bool last, bool *whole)
{
	take_shared(inflate);
	enum gw_err err = buf_append(&inflate->out, piece.data, piece.size);

	*whole = last;
	return err == GW_OK ? check_size(inflate) : err;
}

/* ---- all ---- */

static enum gw_err
take_piece(struct inflate *inflate, struct slice piece, bool last, bool *whole)
{
	switch (inflate->kind) {
	case INFLATE_NONE:
		return plain_piece(inflate, piece, last, whole);
	case INFLATE_ZLIB:
		return zlib_piece(inflate, piece, last, whole);
	case INFLATE_ZSTD:
		return zstd_piece(inflate, piece, last, whole);
	}
	return GW_ERR_UNKNOWN;
}

static enum gw_err
deliver(struct inflate *inflate, struct slice payload, struct slice *out)
{
	if (payload.size > inflate->max_bytes) {
		return GW_ERR_TOO_LARGE;
	}
	*out = payload.data ? payload : SLICE_LITERAL("");
	inflate->bytes_out += payload.size;
	return GW_OK;
}

static void
forget_delivered(struct inflate *inflate)
{
	if (inflate->delivered) {
		buf_clear(&inflate->out);
		inflate->delivered = false;
	}
}

static enum gw_err
collect(struct inflate *inflate, struct slice piece, bool last, struct slice *out)
{
	bool whole = false;
	enum gw_err err = take_piece(inflate, piece, last, &whole);

	if (err != GW_OK || !whole) {
		return err;
	}
	struct slice payload = buf_slice(&inflate->out);

	inflate->delivered = true;
	if (inflate->shared && inflate->out.data) {
		hand_over(&inflate->out, inflate->shared);
	}
	return deliver(inflate, payload, out);
}

enum gw_err
inflate_piece(struct inflate *inflate, struct slice piece, bool last, struct slice *out)
{
	*out = (struct slice){NULL, 0};
	if (inflate->err != GW_OK) {
		return inflate->err;
	}
	inflate->bytes_in += piece.size;
	forget_delivered(inflate);
	bool alone = inflate->kind == INFLATE_NONE && last && inflate->out.size == 0;

	inflate->err =
	    alone ? deliver(inflate, piece, out) : collect(inflate, piece, last, out);
	return inflate->err;
}

void
inflate_relax(struct inflate *inflate)
{
	forget_delivered(inflate);
	buf_shrink(&inflate->out, RELAXED_BYTES);
	if (inflate->shared) {
		buf_shrink(inflate->shared, RELAXED_BYTES);
	}
}

uint64_t
inflate_bytes_in(const struct inflate *inflate)
{
	return inflate->bytes_in;
}

uint64_t
inflate_bytes_out(const struct inflate *inflate)
{
	return inflate->bytes_out;
}

enum inflate_kind
inflate_kind(const struct inflate *inflate)
{
	return inflate->kind;
}

const char *
inflate_name(enum inflate_kind kind)
{
	switch (kind) {
	case INFLATE_NONE:
		return "none";
	case INFLATE_ZLIB:
		return "zlib-stream";
	case INFLATE_ZSTD:
		return "zstd-stream";
	}
	return "unknown";
}
