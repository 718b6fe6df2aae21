#include "buf.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_ROOM 256

void
buf_init(struct buf *buf, size_t max_bytes)
{
	/* No object is larger than that. */
	bool possible = max_bytes < (size_t)PTRDIFF_MAX;

	*buf = (struct buf){.max_bytes = possible ? max_bytes : PTRDIFF_MAX - 1};
}

void
buf_fini(struct buf *buf)
{
	free(buf->data);
	buf_init(buf, buf->max_bytes);
}

void
buf_wipe(struct buf *buf)
{
	if (buf->data) {
		explicit_bzero(buf->data, buf->room);
	}
	buf_fini(buf);
}

enum gw_err
buf_reserve(struct buf *buf, size_t extra)
{
	if (extra > buf->max_bytes - buf->size) {
		return GW_ERR_TOO_LARGE;
	}
	size_t wanted = buf->size + extra;

	if (wanted <= buf->room) {
		return GW_OK;
	}
	size_t room = buf->room ? buf->room : FIRST_ROOM;

	while (room < wanted) {
		room = room > buf->max_bytes / 2 ? buf->max_bytes : room * 2;
	}
	/* One byte more than room: the NUL that buf_printf() must let vsnprintf write.
	 */
	char *data = realloc(buf->data, room + 1);

	if (!data) {
		return GW_ERR_NOMEM;
	}
	buf->data = data;
	buf->room = room;
	return GW_OK;
}

enum gw_err
buf_append(struct buf *buf, const void *data, size_t size)
{
	if (size == 0) {
		return GW_OK;
	}
	enum gw_err err = buf_reserve(buf, size);

	if (err != GW_OK) {
		return err;
	}
	memcpy(buf->data + buf->size, data, size);
	buf->size += size;
	return GW_OK;
}

enum gw_err
buf_printf(struct buf *buf, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	int needed = vsnprintf(NULL, 0, format, args);
	va_end(args);
	if (needed < 0) {
		return GW_ERR_TOO_LARGE; /* past INT_MAX */
	}
	enum gw_err err = buf_reserve(buf, (size_t)needed);

	if (err != GW_OK || needed == 0) {
		return err;
	}
	va_start(args, format);
	(void)vsnprintf(buf->data + buf->size, (size_t)needed + 1, format, args);
	va_end(args);
	buf->size += (size_t)needed;
	return GW_OK;
}

void
buf_consume(struct buf *buf, size_t size)
{
	assert(size <= buf->size);
	if (size == 0) {
		return;
	}
	memmove(buf->data, buf->data + size, buf->size - size);
	buf->size -= size;
}

void
buf_clear(struct buf *buf)
{
	buf->size = 0;
}

void
buf_shrink(struct buf *buf, size_t keep_bytes)
{
	if (buf->size == 0 && buf->room > keep_bytes) {
		buf_fini(buf);
	}
}

struct slice
buf_slice(const struct buf *buf)
{
	return (struct slice){buf->data, buf->size};
}

struct slice
slice_of(const char *text)
{
	return (struct slice){text, text ? strlen(text) : 0};
}

bool
slice_equal(struct slice a, struct slice b)
{
	return a.size == b.size && (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}

bool
slice_copy(struct slice slice, char *out, size_t room)
{
	if (room == 0) {
		return false;
	}
	size_t size = slice.size < room ? slice.size : room - 1;

	if (size > 0) {
		memcpy(out, slice.data, size);
	}
	out[size] = '\0';
	return size == slice.size && strlen(out) == size;
}
