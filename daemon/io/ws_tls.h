/*
 * TLS for stream: the settings behind struct ws_tls, one session on a socket, and what
 * went wrong in words.
 */
#ifndef GWBOTD_WS_TLS_H
#define GWBOTD_WS_TLS_H

#include <openssl/ssl.h>

#include "tls_source.h"
#include "ws.h"

/* What a session was to reach and why its certificate was refused. */
struct ws_tls_peer {
	char *host;        /* borrowed while the session lives */
	char refused[128]; /* empty: it was not */
};

/**
 * A client session that accepts a certificate for peer->host only: it reads from source
 * and writes to the socket that this names now (not owned).
 *
 * A numeric host is checked as an address, without SNI.  Both must outlive the session.
 * NULL without memory or for a host that cannot be one; free it with SSL_free().
 */
SSL *ws_tls_session(const struct ws_tls *tls, struct tls_source *source,
    struct ws_tls_peer *peer);

/** Its settings, borrowed: for trust_share(). */
const SSL_CTX *ws_tls_context(const struct ws_tls *tls);

/** To be called before every call of OpenSSL: an old error would be taken for its. */
void ws_tls_clear(void);

/** Says why a call failed just now with this SSL_get_error(): one line, no newline. */
void ws_tls_explain(const struct ws_tls_peer *peer, int ssl_error, char *text,
    size_t room);

/** True where the failed call met the end of the stream without a close_notify. */
bool ws_tls_met_end(int ssl_error);

#endif
