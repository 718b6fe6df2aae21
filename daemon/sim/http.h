/*
 * HTTP/1.1 as a server reads it, and the answers it gives.
 */
#ifndef GWSIM_HTTP_H
#define GWSIM_HTTP_H

#include <stdbool.h>

#include "buf.h"

#define HTTP_MAX_HEAD    ((size_t)16 << 10)
#define HTTP_MAX_BODY    ((size_t)1 << 20)
#define HTTP_MAX_HEADERS 100

struct http_header {
	struct slice name;
	struct slice value;
};

/* All slices lie in the input, the body of a chunked request in its own buffer. */
struct http_request {
	struct slice method;
	struct slice path;  /* percent-encoded, without the query */
	struct slice query; /* without the question mark */
	struct slice body;
	struct http_header headers[HTTP_MAX_HEADERS];
	size_t header_count;
	bool keep_alive;
	bool expects_continue;
	size_t size; /* of the whole request in the input */
};

enum http_result {
	HTTP_MORE,      /* not complete yet */
	HTTP_MORE_BODY, /* the head is complete, the body is not */
	HTTP_DONE,
	HTTP_BAD, /* answer with the status and close */
};

/**
 * Reads the first request of input.
 *
 * chunks receives the body of a chunked request and is cleared first.  status is set
 * with HTTP_BAD: 400, 413, 431, 501 or 505.
 */
enum http_result http_parse(struct slice input, struct http_request *out,
    struct buf *chunks, int *status);

/** The value of the first header with this name (any case); size 0: none. */
struct slice http_header_find(const struct http_request *request, const char *name);

/** True where a comma-separated header value holds token, in any case. */
bool http_value_has(struct slice value, const char *token);

/** The value of a query parameter, still percent-encoded; false where there is none. */
bool http_query_find(struct slice query, const char *name, struct slice *value);

/** Decodes %XX into out with a NUL behind; false where malformed or too long. */
bool http_unescape(struct slice text, char *out, size_t room);

/** The standard phrase for a status. */
const char *http_phrase(int status);

#endif
