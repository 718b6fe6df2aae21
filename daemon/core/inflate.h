/*
 * Transport compression: pieces of websocket messages in, whole payloads out.
 *
 * One context per connection; a new connection needs a new one.
 */
#ifndef GWBOTD_INFLATE_H
#define GWBOTD_INFLATE_H

#include <stdbool.h>

#include "buf.h"
#include "err.h"

enum inflate_kind {
	INFLATE_NONE, /* text frames, plain JSON */
	INFLATE_ZLIB, /* zlib-stream: a payload ends with a message that ends 00 00 FF
	                 FF */
	INFLATE_ZSTD, /* zstd-stream: a message is a payload */
};

struct inflate;

/**
 * A fresh context whose payloads are at most max_bytes; NULL without memory.
 *
 * The window of zstd is limited to 8 MiB (Discord was seen to use 256 KiB).
 */
struct inflate *inflate_new(enum inflate_kind kind, size_t max_bytes);
void inflate_free(struct inflate *owned_inflate);

/**
 * Has the context leave each whole payload in shared, and take its room from there for
 * the next: one buffer for all contexts of a thread instead of one each.
 *
 * shared is an empty buf; it must outlive its contexts, and belongs to the caller, who
 * ends it with buf_fini().  A payload is then borrowed until the next call for any of
 * them.
 */
void inflate_share(struct inflate *inflate, struct buf *shared);

/**
 * Takes one piece of a message; last says that the message ends with it.
 *
 * GW_OK with out->data NULL: more is needed.  GW_OK with data: one whole payload,
 * borrowed until the next call (kind NONE borrows the piece itself where that is
 * whole). GW_ERR_TOO_LARGE: past max_bytes.  GW_ERR_SYNTAX: damaged stream.
 * GW_ERR_NOMEM. After an error the context is of no more use.
 */
enum gw_err inflate_piece(struct inflate *inflate, struct slice piece, bool last,
    struct slice *out);

/** Gives back a large buffer after a burst; call it when no payload is being read. */
void inflate_relax(struct inflate *inflate);

/** Bytes in and out since birth, for metrics. */
uint64_t inflate_bytes_in(const struct inflate *inflate);
uint64_t inflate_bytes_out(const struct inflate *inflate);

/** Which one it is. */
enum inflate_kind inflate_kind(const struct inflate *inflate);

/** "none", "zlib-stream", "zstd-stream". */
const char *inflate_name(enum inflate_kind kind);

#endif
