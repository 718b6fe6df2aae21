/*
 * Where a TLS session reads from: bytes that were received before.
 *
 * OpenSSL's own ways cost more.  Without reading ahead it takes two read(2) a record;
 * with it, it moves all that it has read ahead with each record, which costs more the
 * smaller the records are, and a gateway sends small ones.
 */
#ifndef GWBOTD_TLS_SOURCE_H
#define GWBOTD_TLS_SOURCE_H

#include <stdbool.h>

#include <openssl/bio.h>

#include "buf.h"

struct tls_source {
	struct slice bytes; /* still to be read, borrowed */
	int socket; /* -1: from bytes alone; else from there where they are over */
	bool ended; /* the socket was at its end */
};

/** What makes such sources; NULL without memory.  Free it with BIO_meth_free(). */
BIO_METHOD *tls_source_method(void);

/** A session's end that reads from source, which must outlive it; NULL without memory.
 */
BIO *tls_source_bio(const BIO_METHOD *method, struct tls_source *source);

#endif
