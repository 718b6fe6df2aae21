/*
 * The head of an HTTP/1.1 answer, written by hand.  Pure.
 *
 * The library has no reason phrase for 206, and one buffer for head and body lets both
 * leave in one packet.
 */
#ifndef GWBOTD_HTTP_HEAD_H
#define GWBOTD_HTTP_HEAD_H

#include <stddef.h>
#include <stdint.h>

#include "buf.h"

struct http_head {
	unsigned status;
	const char *type;   /* of the body */
	size_t size_bytes;  /* of the body, also in answer to HEAD */
	const char *cache;  /* Cache-Control; NULL: no-store */
	const char *state;  /* X-Gwbot-State; NULL: none */
	const char *allow;  /* NULL: none */
	const char *policy; /* Content-Security-Policy; NULL: none */
	const char *etag;   /* with its quotes; NULL: none */
};

/** "Not Found" for 404; "Unknown" where there is no phrase. */
const char *http_status_text(unsigned status);

/**
 * Appends the head with its empty line: closes the connection, names the date, and has
 * a probe that got 503 come back after 5 s.
 *
 * wall_ms: the present wall time in ms since 1970.  Errors as buf_reserve(); a part may
 * have been appended then.
 */
enum gw_err http_head_put(struct buf *out, const struct http_head *head,
    int64_t wall_ms);

#endif
