/*
 * Inflate: the same messages whole and in pieces must give the same payloads.
 *
 * Input: a byte for the kind, one for the limit, one for the cuts, then messages, each
 * behind its size in two bytes (low one first; the last may be shorter than it says).
 */
#include <string.h>

#include "inflate.h"
#include "must.h"

static const size_t limits[] = {1, 100, 255, 256, 4096, 65536, 1 << 20};

struct run {
	struct inflate *whole;
	struct inflate *pieces;
	enum inflate_kind kind;
	size_t max_bytes;
	uint32_t seed;
};

/* From nothing to a few bytes, and now and then more. */
static size_t
next_cut(struct run *run, size_t left)
{
	run->seed = run->seed * 1664525U + 1013904223U;
	size_t cut = run->seed >> 24;

	cut = cut < 240 ? cut % 9 : cut * 8;
	return cut < left ? cut : left;
}

static void
check(const struct run *run, enum gw_err err, struct slice out)
{
	MUST(err == GW_OK || err == GW_ERR_TOO_LARGE || err == GW_ERR_SYNTAX);
	MUST(err == GW_OK || !out.data);
	MUST(out.size <= run->max_bytes);
	MUST(out.data || out.size == 0);
}

static enum gw_err
play_pieces(struct run *run, struct slice message, struct slice *out)
{
	for (;;) {
		/* Each in memory of its own size, as the address checker likes it. */
		size_t cut = next_cut(run, message.size);
		bool last = cut == message.size;
		char *piece = malloc(cut ? cut : 1);

		MUST(piece);
		if (cut > 0) {
			memcpy(piece, message.data, cut);
		}
		enum gw_err err =
		    inflate_piece(run->pieces, (struct slice){piece, cut}, last, out);

		check(run, err, *out);
		MUST(last || !out->data);
		if (last && out->data == piece) {
			*out = message; /* lent and given back */
		}
		free(piece);
		if (err != GW_OK || last) {
			return err;
		}
		message.data += cut;
		message.size -= cut;
		if (run->seed % 16 == 0) {
			inflate_relax(run->pieces);
		}
	}
}

static bool
play_message(struct run *run, struct slice message)
{
	struct slice whole;
	struct slice joined;
	struct slice piece = message;
	enum gw_err err = inflate_piece(run->whole, message, true, &whole);

	check(run, err, whole);
	enum gw_err err_pieces = play_pieces(run, piece, &joined);

	if (err == GW_OK && err_pieces == GW_OK) {
		MUST((whole.data == NULL) == (joined.data == NULL));
		MUST(slice_equal(whole, joined));
		return true;
	}
	/* zstd takes some frames in one call that it refuses in several. */
	MUST(run->kind == INFLATE_ZSTD || (err != GW_OK && err_pieces != GW_OK));
	MUST(err == GW_OK || inflate_piece(run->whole, message, true, &whole) == err);
	return false;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 3) {
		return 0;
	}
	struct run run = {
	    .kind = (enum inflate_kind)(data[0] % 3),
	    .max_bytes = limits[data[1] % (sizeof limits / sizeof limits[0])],
	    .seed = data[2],
	};
	bool good = true;

	run.whole = inflate_new(run.kind, run.max_bytes);
	run.pieces = inflate_new(run.kind, run.max_bytes);
	MUST(run.whole && run.pieces);
	data += 3;
	size -= 3;
	while (good && size >= 2) {
		size_t length = data[0] | (size_t)data[1] << 8;

		data += 2;
		size -= 2;
		length = length < size ? length : size;
		good = play_message(&run, (struct slice){(const char *)data, length});
		data += length;
		size -= length;
	}
	inflate_free(run.whole);
	inflate_free(run.pieces);
	return 0;
}
