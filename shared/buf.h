/*
 * Bytes: a borrowed slice, and a buffer that grows up to a size set at birth.
 */
#ifndef GWBOT_BUF_H
#define GWBOT_BUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"

/* Borrowed bytes.  data may be NULL where size is 0. */
struct slice {
	const char *data;
	size_t size;
};

/* The slice of a string literal. */
#define SLICE_LITERAL(text) ((struct slice){(text), sizeof(text) - 1})

/* A growing buffer.  data is NULL until the first byte. */
struct buf {
	char *data;
	size_t size;      /* bytes in use */
	size_t room;      /* bytes allocated */
	size_t max_bytes; /* size never passes it */
};

/** An empty buffer that holds max_bytes at most.  Allocates nothing. */
void buf_init(struct buf *buf, size_t max_bytes);

/** Frees what the buffer holds; it is as after buf_init() then. */
void buf_fini(struct buf *buf);

/** The same, with the bytes wiped before.  Growing leaves copies behind: reserve all
 * the room before a secret goes in. */
void buf_wipe(struct buf *buf);

/**
 * Makes room for extra more bytes behind the present ones.
 *
 * GW_ERR_TOO_LARGE past max_bytes, GW_ERR_NOMEM without memory; the content stays.
 */
enum gw_err buf_reserve(struct buf *buf, size_t extra);

/** Appends size bytes; on an error (as buf_reserve) nothing is appended. */
enum gw_err buf_append(struct buf *buf, const void *data, size_t size);

/** Appends a formatted text without its NUL; on an error nothing is appended. */
enum gw_err buf_printf(struct buf *buf, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/** Drops size bytes (size <= buf->size) at the front. */
void buf_consume(struct buf *buf, size_t size);

/** Forgets the content and keeps the room. */
void buf_clear(struct buf *buf);

/** Gives memory back when more than keep_bytes are allocated and the buffer is empty.
 */
void buf_shrink(struct buf *buf, size_t keep_bytes);

/** What the buffer holds, borrowed until it changes. */
struct slice buf_slice(const struct buf *buf);

/** The slice of a C string; NULL is the empty slice. */
struct slice slice_of(const char *text);

/** True where both have the same bytes. */
bool slice_equal(struct slice a, struct slice b);

/**
 * Copies the slice as a C string into out (room bytes), cutting what does not fit.
 *
 * Returns false where it was cut or holds a NUL byte.
 */
bool slice_copy(struct slice slice, char *out, size_t room);

#endif
