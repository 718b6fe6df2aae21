/*
 * TLS: a CA of its own, and server certificates good and bad.
 */
#ifndef GWSIM_TLS_H
#define GWSIM_TLS_H

#include <openssl/ssl.h>
#include <stdbool.h>

/* X(name, word) */
#define TLS_KINDS(X)                  \
	X(GOOD, "good")               \
	X(BAD_NAME, "bad-name")       \
	X(EXPIRED, "expired")         \
	X(NOT_YET, "not-yet")         \
	X(SELF_SIGNED, "self-signed") \
	X(OTHER_CA, "other-ca")       \
	X(IP_ONLY, "ip-only")         \
	X(TLS11, "tls11")

enum tls_kind {
#define TLS_ENUM(name, word) TLS_##name,
	TLS_KINDS(TLS_ENUM)
#undef TLS_ENUM
	    TLS_KIND_COUNT,
};

struct tls;

/** Loads the CA from dir, or makes dir and CA; NULL: told on stderr.  Records have up
 * to so many bytes. */
struct tls *tls_new(const char *dir, size_t record);

void tls_free(struct tls *owned_tls);

/** Path of ca.pem. */
const char *tls_ca_file(const struct tls *tls);

/** The server side of a new connection; NULL without memory. */
SSL *tls_accept(struct tls *tls, int fd);

/** The certificate from the next connection on; false: no such word, or it failed. */
bool tls_use(struct tls *tls, const char *word);

#endif
