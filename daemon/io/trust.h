/*
 * Whose certificates are believed: a file of authorities, or the system's store.
 *
 * The system's 150 authorities take over 1 MB once they are read, and a bot meets one
 * or two of them.  Where its folder has each under its hash, as Debian's has, OpenSSL
 * looks there for the one that it needs; else all are read from the file at once.
 */
#ifndef GWBOTD_TRUST_H
#define GWBOTD_TRUST_H

#include <stdbool.h>
#include <stddef.h>

#include <openssl/ssl.h>

/** Has context believe ca_file, or the system's store where that is NULL.  False: the
 * file cannot be used; OpenSSL's error queue says why. */
bool trust_load(SSL_CTX *context, const char *ca_file);

/** Has context believe whom other believes, from one store in memory.  Either may be
 * freed first. */
void trust_share(SSL_CTX *context, const SSL_CTX *other);

/** Where the system's certificates are, written to place; false where there are none.
 */
bool trust_has_system_store(char *place, size_t room);

#endif
