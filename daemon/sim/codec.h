/*
 * Codec: Discord's transport compression, one context for the life of a connection.
 */
#ifndef GWSIM_CODEC_H
#define GWSIM_CODEC_H

#include <stdbool.h>

#include "buf.h"

enum codec_kind {
	CODEC_PLAIN,
	CODEC_ZLIB, /* one zlib stream, a sync flush ends each payload */
	CODEC_ZSTD, /* one zstd frame that never ends, a flush ends each payload */
};

struct codec;

/** The kind named by a `compress` parameter ("" is CODEC_PLAIN); false: no such. */
bool codec_find(struct slice name, enum codec_kind *kind);

const char *codec_name(enum codec_kind kind);

/** A fresh context; NULL for CODEC_PLAIN and without memory. */
struct codec *codec_new(enum codec_kind kind);

/** NULL is allowed. */
void codec_free(struct codec *owned_codec);

/** Appends payload, compressed and flushed, to out. */
enum gw_err codec_pack(struct codec *codec, struct slice payload, struct buf *out);

#endif
