/*
 * The control protocol: JSON-RPC 2.0, one message a line.  Bytes only, no sockets.
 *
 * A request line that does not begin with '{' is a plain command ("snapshot 0") and is
 * answered with readable "key: value" lines and an empty line behind them; both kinds
 * become the same struct rpc_request.  Batches are refused.
 */
#ifndef GWBOT_RPC_H
#define GWBOT_RPC_H

#include <stdbool.h>
#include <stdint.h>

#include "buf.h"
#include "err.h"
#include "json.h"

/* The versions of the protocol that this build speaks. */
#define RPC_PROTOCOL_MIN      1
#define RPC_PROTOCOL_MAX      1

#define RPC_REQUEST_MAX_BYTES ((size_t)64 * 1024)
#define RPC_ANSWER_MAX_BYTES  ((size_t)4 * 1024 * 1024)
#define RPC_FEED_MAX_BYTES    ((size_t)16 * 1024) /* one rpc_lines_feed() */

/* X(name, number, word, text): the number on the wire, a stable word for scripts. */
#define RPC_ERROR_TABLE(X)                                                           \
	X(ERR_PARSE, -32700, "parse_error", "the request is not valid JSON")         \
	X(ERR_INVALID, -32600, "invalid_request", "this is no JSON-RPC 2.0 request") \
	X(ERR_METHOD, -32601, "unknown_command", "there is no such command")         \
	X(ERR_PARAMS, -32602, "invalid_arguments", "the arguments do not fit")       \
	X(ERR_INTERNAL, -32603, "internal", "the daemon made a mistake")             \
	X(ERR_REFUSED, -32000, "refused", "this cannot be done now")                 \
	X(ERR_SKEW, -32001, "version_skew", "the protocol versions do not overlap")  \
	X(ERR_BUSY, -32002, "busy", "too many clients are waiting for answers")      \
	X(ERR_TOO_LARGE, -32003, "too_large", "the request is longer than 64 KiB")   \
	X(ERR_TIMEOUT, -32004, "timed_out", "the request did not end within 5 s")    \
	X(ERR_READ_ONLY, -32005, "read_only", "this connection may only read")

enum rpc_error {
	RPC_OK,
#define RPC_ERROR_ENUM(name, number, word, text) RPC_##name,
	RPC_ERROR_TABLE(RPC_ERROR_ENUM)
#undef RPC_ERROR_ENUM
};

/** Number, word and default text of an error; 0, "ok" and "done" for RPC_OK. */
int rpc_error_number(enum rpc_error error);
const char *rpc_error_word(enum rpc_error error);
const char *rpc_error_text(enum rpc_error error);

/* ---- lines ---- */

/* Bytes in, lines out. */
struct rpc_lines {
	struct buf buf;
	size_t max_bytes; /* of one line */
	size_t searched;  /* bytes without a line end at the front */
	size_t taken;     /* size of the line lent last, with its end */
};

/** Lines of max_bytes at most.  Allocates nothing; free it with rpc_lines_fini(). */
void rpc_lines_init(struct rpc_lines *lines, size_t max_bytes);
void rpc_lines_fini(struct rpc_lines *lines);

/**
 * Takes at most RPC_FEED_MAX_BYTES more; take all lines before the next call.
 *
 * GW_ERR_TOO_LARGE where that was not done, GW_ERR_NOMEM.
 */
enum gw_err rpc_lines_feed(struct rpc_lines *lines, struct slice bytes);

/**
 * The next line without its end (LF or CRLF), borrowed until the next call.
 *
 * GW_ERR_NOT_FOUND: none is whole yet.  GW_ERR_TOO_LARGE: it is or grows past
 * max_bytes.  GW_ERR_SYNTAX: it holds a NUL.  The stream is of no more use then.
 */
enum gw_err rpc_lines_take(struct rpc_lines *lines, struct slice *line);

/** At the end of the stream: as rpc_lines_take(), but an open line counts as whole. */
enum gw_err rpc_lines_take_last(struct rpc_lines *lines, struct slice *line);

/** True while the beginning of a line waits for its end. */
bool rpc_lines_open(const struct rpc_lines *lines);

/* ---- requests and their answers, as the daemon sees them ---- */

struct rpc_request {
	bool plain; /* answer with text */
	/* No answer is wanted: a JSON request without an id. */
	bool notification;
	char method[64];
	struct json *params; /* object, array or NULL */
	struct json *id;     /* string, number or NULL for null */
	const char *problem; /* what is wrong, where rpc_request_parse() failed */
};

/**
 * Reads one line into out; free it with rpc_request_fini(), also after an error.
 *
 * RPC_ERR_PARSE or RPC_ERR_INVALID with out->problem set and as much of out filled as
 * an error answer needs.
 */
enum rpc_error rpc_request_parse(struct slice line, struct rpc_request *out);
void rpc_request_fini(struct rpc_request *request);

/**
 * Appends the answer to a request; nothing to a notification.
 *
 * Errors as buf_append(), and nothing is appended then.
 */
enum gw_err rpc_write_result(struct buf *out, const struct rpc_request *request,
    struct json *owned_result);

/**
 * The same answer in pieces, for a result whose last member is a long array: begin with
 * the other members, one call an element (index from 0), end.
 *
 * name is that of the array.  Errors as buf_append(); what was appended stays then, and
 * the answer cannot be completed.
 */
enum gw_err rpc_begin_result(struct buf *out, const struct rpc_request *request,
    struct json *owned_head, const char *name);
enum gw_err rpc_add_element(struct buf *out, const struct rpc_request *request,
    const char *name, size_t index, struct json *owned_element);
enum gw_err rpc_end_result(struct buf *out, const struct rpc_request *request);

/**
 * A notification behind the answer to a request: method with its params; for a plain
 * request the line "method: params", where params is a text.  Errors as buf_append().
 */
enum gw_err rpc_write_notice(struct buf *out, const struct rpc_request *request,
    const char *method, struct json *owned_params);

/* Why a request fails, for rpc_write_error(). */
struct rpc_failure {
	enum rpc_error error;
	const char *text; /* NULL: the error's own */
	const char *hint; /* what to do next, or NULL */
	/* More to say: an array of objects with a "summary" of one line; or NULL. */
	const struct json *details;
};

/** As rpc_write_result(); a NULL request is one whose id is not known. */
enum gw_err rpc_write_error(struct buf *out, const struct rpc_request *request,
    const struct rpc_failure *failure);

/* ---- the same from gwctl's side ---- */

/** Appends one request line.  owned_params may be NULL.  Errors as buf_append(). */
enum gw_err rpc_write_request(struct buf *out, int64_t id, const char *method,
    struct json *owned_params);

struct rpc_answer {
	struct json *tree;         /* owns what the others borrow */
	const struct json *result; /* NULL: it is an error */
	bool has_id;
	int64_t id;
	int64_t error_number;
	const char *error_word; /* "error" where the daemon names none */
	const char *error_text;
	const char *error_hint;           /* NULL: none */
	const struct json *error_details; /* NULL: none; see struct rpc_failure */
};

/**
 * Reads one answer line; free it with rpc_answer_fini(), also after an error.
 *
 * GW_ERR_SYNTAX, GW_ERR_TOO_LARGE or GW_ERR_PROTOCOL.
 */
enum gw_err rpc_answer_parse(struct slice line, struct rpc_answer *out);
void rpc_answer_fini(struct rpc_answer *answer);

/**
 * The params of a line that is a notification of that method, the caller's to free;
 * NULL where it is something else.
 */
struct json *rpc_notice_parse(struct slice line, const char *method);

#endif
