/*
 * What a sheet's probe has helper threads do: read a key file, sign a grant.
 */
#ifndef GWBOTD_SHEET_TOKEN_H
#define GWBOTD_SHEET_TOKEN_H

#include <stdint.h>

#include "buf.h"
#include "secret.h"
#include "worker.h"

/* Which file it was, and which edition of it.  All zeroes: none. */
struct sheet_stamp {
	uint64_t device;
	uint64_t inode;
	int64_t size;
	int64_t modified_ns;
	int64_t changed_ns;
};

struct sheet_key_file {
	const char *error; /* NULL, or why it cannot be read; borrowed for the call */
	bool same;         /* it is the one that is known: not read */
	struct sheet_stamp stamp;
	struct slice text; /* borrowed for the call, and wiped after it */
};

/**
 * Reads a file, unless it is the one that is known (NULL: read in any case); fn is
 * called once, later, on the loop.  Errors as worker_submit(): fn is not called then.
 */
enum gw_err sheet_key_read(struct worker *worker, const char *path,
    const struct sheet_stamp *known,
    void (*fn)(void *ctx, const struct sheet_key_file *file, mono_ns now), void *ctx);

struct sheet_signature {
	const char *error;  /* NULL, or why there is none: static text */
	struct slice bytes; /* borrowed for the call */
};

/** Signs text with RS256; key (PEM) and text are copied.  fn and errors as above. */
enum gw_err sheet_sign(struct worker *worker, const struct secret *key,
    struct slice text,
    void (*fn)(void *ctx, const struct sheet_signature *signature, mono_ns now),
    void *ctx);

#endif
