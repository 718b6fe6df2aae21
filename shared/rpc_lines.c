/* The lines of the control protocol; see rpc.h. */
#include "rpc.h"

#include <string.h>

void
rpc_lines_init(struct rpc_lines *lines, size_t max_bytes)
{
	*lines = (struct rpc_lines){.max_bytes = max_bytes};
	buf_init(&lines->buf, max_bytes + RPC_FEED_MAX_BYTES);
}

void
rpc_lines_fini(struct rpc_lines *lines)
{
	buf_fini(&lines->buf);
}

/* Gives the line lent last back. */
static void
drop_taken(struct rpc_lines *lines)
{
	buf_consume(&lines->buf, lines->taken);
	lines->taken = 0;
}

enum gw_err
rpc_lines_feed(struct rpc_lines *lines, struct slice bytes)
{
	drop_taken(lines);
	return buf_append(&lines->buf, bytes.data, bytes.size);
}

/* Lends size bytes at the front as a line; taken is what goes with it. */
static enum gw_err
lend(struct rpc_lines *lines, size_t size, size_t taken, struct slice *line)
{
	const char *data = lines->buf.data;

	lines->taken = taken;
	lines->searched = 0;
	size -= size > 0 && data[size - 1] == '\r' ? 1 : 0;
	*line = (struct slice){data, size};
	if (size > lines->max_bytes) {
		return GW_ERR_TOO_LARGE;
	}
	return size > 0 && memchr(data, '\0', size) ? GW_ERR_SYNTAX : GW_OK;
}

enum gw_err
rpc_lines_take(struct rpc_lines *lines, struct slice *line)
{
	drop_taken(lines);
	size_t rest = lines->buf.size - lines->searched;
	const char *from = rest > 0 ? lines->buf.data + lines->searched : NULL;
	const char *end = from ? memchr(from, '\n', rest) : NULL;

	if (end) {
		size_t size = (size_t)(end - lines->buf.data);

		return lend(lines, size, size + 1, line);
	}
	/* A NUL ends all hope at once: the line need not become whole first. */
	if (from && memchr(from, '\0', rest)) {
		return GW_ERR_SYNTAX;
	}
	lines->searched = lines->buf.size;
	if (lines->buf.size > lines->max_bytes) {
		return GW_ERR_TOO_LARGE;
	}
	buf_shrink(&lines->buf, RPC_FEED_MAX_BYTES);
	return GW_ERR_NOT_FOUND;
}

enum gw_err
rpc_lines_take_last(struct rpc_lines *lines, struct slice *line)
{
	enum gw_err err = rpc_lines_take(lines, line);

	if (err != GW_ERR_NOT_FOUND || lines->buf.size == 0) {
		return err;
	}
	return lend(lines, lines->buf.size, lines->buf.size, line);
}

bool
rpc_lines_open(const struct rpc_lines *lines)
{
	return lines->buf.size > lines->taken;
}
