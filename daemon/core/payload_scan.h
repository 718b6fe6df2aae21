/*
 * Walks over JSON text without building anything: the part of payload that knows the
 * grammar.
 *
 * A scan visits the members of one object, or the elements of one array, and hands out
 * each as a slice of the text; what lies deeper is validated on the way and can be
 * scanned in turn.  Iterative: depth costs a bit, not a stack frame.
 */
#ifndef GWBOTD_PAYLOAD_SCAN_H
#define GWBOTD_PAYLOAD_SCAN_H

#include <stdbool.h>
#include <stdint.h>

#include "buf.h"
#include "err.h"

enum payload_scan_kind { PAYLOAD_SCAN_OBJECT, PAYLOAD_SCAN_ARRAY };

struct payload_scan {
	const unsigned char *at;
	const unsigned char *end;
	enum payload_scan_kind kind;
	bool first; /* no item was found yet */
	bool done;
	bool more_behind; /* set by the caller: something may follow, found at `at` */
	enum gw_err err;  /* GW_OK while all is well */
};

/** Starts at text, which must hold one container of that kind; nothing may follow it,
 * unless more_behind is set then. */
void payload_scan_begin(struct payload_scan *scan, struct slice text,
    enum payload_scan_kind kind);

/**
 * Finds the next item; false at the end or on an error, which scan->err tells apart.
 *
 * GW_ERR_SYNTAX where the text is not JSON (RFC 8259), GW_ERR_TOO_LARGE where it nests
 * deeper than PAYLOAD_MAX_DEPTH.  key is without its quotes, as written, and empty in
 * arrays; value has no white space around it, strings keep their quotes.
 */
bool payload_scan_next(struct payload_scan *scan, struct slice *key,
    struct slice *value);

/** The member name of an object, the last where it is doubled; empty where there is
 * none or object is not one. */
struct slice payload_scan_find(struct slice object, const char *name);

/** True where key, which may hold escapes, spells name (at most 31 bytes). */
bool payload_scan_key_is(struct slice key, const char *name);

/** A value of digits only and below 2^63; else false, and *number stays. */
bool payload_scan_natural(struct slice value, int64_t *number);

/**
 * Copies a string value unescaped, as a C string, into out (room bytes, at least 1).
 *
 * A lone surrogate becomes U+FFFD.  False, and out empty, where value is no string,
 * does not fit or holds U+0000.
 */
bool payload_scan_text(struct slice value, char *out, size_t room);

#endif
