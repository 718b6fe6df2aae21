/*
 * What can go wrong where the caller can act on the difference, and a text for each.
 */
#ifndef GWBOT_ERR_H
#define GWBOT_ERR_H

#include <stdbool.h>

/* X(name, text) */
#define GW_ERR_TABLE(X)                         \
	X(OK, "done")                           \
	X(ERR_NOMEM, "out of memory")           \
	X(ERR_TOO_LARGE, "larger than allowed") \
	X(ERR_SYNTAX, "not well formed")        \
	X(ERR_TYPE, "of the wrong type")        \
	X(ERR_RANGE, "out of range")            \
	X(ERR_UNKNOWN, "unknown")               \
	X(ERR_EXISTS, "already there")          \
	X(ERR_NOT_FOUND, "not found")           \
	X(ERR_PERMISSION, "not permitted")      \
	X(ERR_TIMEOUT, "took too long")         \
	X(ERR_CLOSED, "closed by the peer")     \
	X(ERR_FULL, "no room left")             \
	X(ERR_PROTOCOL, "against the protocol") \
	X(ERR_IO, "input or output failed")     \
	X(ERR_BUSY, "in use")

enum gw_err {
#define GW_ERR_ENUM(name, text) GW_##name,
	GW_ERR_TABLE(GW_ERR_ENUM)
#undef GW_ERR_ENUM
};

/** The text of an error, lower case, without a full stop; "unknown error" outside it.
 */
const char *err_text(enum gw_err err);

/** The gw_err that an errno value stands for; GW_ERR_IO where nothing fits better. */
enum gw_err err_from_errno(int number);

/** True for what the host lacks now and may have again: memory, descriptors, room. */
bool err_is_lack(enum gw_err err);

#endif
