/*
 * A string that no logger or formatter accepts: struct secret is opaque, and nothing
 * but secret_reveal() gives its bytes.  Kept out of swap and core files in pages of its
 * own; wiped when freed.
 */
#ifndef GWBOT_SECRET_H
#define GWBOT_SECRET_H

#include <stdbool.h>
#include <stddef.h>

struct secret;

/** Copies size bytes.  Never NULL; free it with secret_free(). */
struct secret *secret_new(const char *bytes, size_t size);

/** Wipes and frees; NULL is allowed. */
void secret_free(struct secret *owned_secret);

/** The bytes with a NUL behind them, borrowed.  Only for the wire and for fingerprints.
 */
const char *secret_reveal(const struct secret *secret);

/** False where it may be swapped out: RLIMIT_MEMLOCK was too low. */
bool secret_is_locked(const struct secret *secret);

/** The number of bytes. */
size_t secret_size(const struct secret *secret);

/**
 * Replaces every occurrence of the secret in the size bytes at text by asterisks.
 *
 * For text that a peer made and that might quote the secret back.  NULL secrets and
 * secrets of fewer than 8 bytes replace nothing.
 */
void secret_scrub(const struct secret *secret, char *text, size_t size);

/** The size of the secret where text begins with it; else, and where secret_scrub()
 * would replace nothing, 0. */
size_t secret_prefix(const struct secret *secret, const char *text, size_t size);

#endif
