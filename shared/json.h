/*
 * JSON for what is small or rare: control protocol, REST bodies, dumps.
 *
 * The only file that knows cJSON.  It adds what cJSON leaves open: strict RFC 8259 and
 * UTF-8, a largest size and depth, no NUL inside strings, case-sensitive names, checked
 * numbers.  Making a value cannot fail (out of memory ends the process with 70).
 */
#ifndef GWBOT_JSON_H
#define GWBOT_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "clock.h"
#include "err.h"

/* Nested objects and arrays; nothing that we exchange needs more than a handful. */
#define JSON_MAX_DEPTH 32

/* Whole numbers up to here survive every reader that keeps doubles (2^53). */
#define JSON_MAX_INT INT64_C(9007199254740992)

struct json;

enum json_kind {
	JSON_NONE, /* no value there */
	JSON_NULL,
	JSON_BOOL,
	JSON_NUMBER,
	JSON_STRING,
	JSON_ARRAY,
	JSON_OBJECT,
};

/* ---- reading: NULL and values of another kind are allowed everywhere ---- */

/**
 * Reads one document; *out is the caller's to free with json_free(), NULL on an error.
 *
 * GW_ERR_TOO_LARGE past max_bytes or JSON_MAX_DEPTH, GW_ERR_SYNTAX where text is not
 * one JSON document or a string holds U+0000, GW_ERR_NOMEM.
 */
enum gw_err json_parse(struct slice text, size_t max_bytes, struct json **out);

/** Frees a value that is in no object or array; NULL is allowed. */
void json_free(struct json *owned_value);

/** The same, with the bytes of all strings in it wiped. */
void json_wipe(struct json *owned_value);

enum json_kind json_kind(const struct json *value);

/** The member of that exact name, borrowed; NULL where there is none. */
const struct json *json_get(const struct json *object, const char *name);

/** First member or element and the one behind, borrowed; NULL at the end. */
const struct json *json_first(const struct json *container);
const struct json *json_next(const struct json *value);

/** The element at index, borrowed; NULL where there is none. */
const struct json *json_at(const struct json *array, size_t index);

/** Number of members or elements. */
size_t json_count(const struct json *container);

/** The name of a member, borrowed; NULL for elements. */
const char *json_name(const struct json *member);

/** The text of a string, borrowed; NULL for every other kind. */
const char *json_text(const struct json *value);

/** A finite number; false for every other kind. */
bool json_number(const struct json *value, double *out);

/** A whole number within JSON_MAX_INT; false for everything else. */
bool json_int(const struct json *value, int64_t *out);

/** true or false; false is returned for every other kind. */
bool json_bool(const struct json *value, bool *out);

/** As json_text() and json_int(); otherwise where there is none. */
const char *json_text_or(const struct json *value, const char *otherwise);
int64_t json_int_or(const struct json *value, int64_t otherwise);

/** True for true alone. */
bool json_is_true(const struct json *value);

/* ---- making: the container owns what is added ---- */

struct json *json_new_object(void);
struct json *json_new_array(void);

/** A string; what is not UTF-8 in text is replaced.  NULL makes a JSON null. */
struct json *json_new_text(const char *text);

/** As json_add_int(). */
struct json *json_new_int(int64_t value);

/** A deep copy; NULL makes a JSON null. */
struct json *json_copy(const struct json *value);

/** Adds owned_value under a name that is not there yet. */
void json_add(struct json *object, const char *name, struct json *owned_value);
void json_append(struct json *array, struct json *owned_value);

void json_add_null(struct json *object, const char *name);
void json_add_bool(struct json *object, const char *name, bool value);
void json_add_int(struct json *object, const char *name, int64_t value);

/** Not finite becomes null. */
void json_add_number(struct json *object, const char *name, double value);

/** A distance in seconds, to the microsecond; negative (unknown) becomes null. */
void json_add_seconds(struct json *object, const char *name, mono_ns distance);

/** Milliseconds since 1970 as RFC 3339 in UTC. */
void json_add_time(struct json *object, const char *name, int64_t wall_ms);

/** As json_new_text(). */
void json_add_text(struct json *object, const char *name, const char *text);

/**
 * Appends the value on one line, without a line end.  Errors as buf_append().
 *
 * Characters that could steer a terminal (text_is_control()) are written as \\uXXXX.
 */
enum gw_err json_print(const struct json *value, struct buf *out);

#endif
