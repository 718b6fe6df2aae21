#include "ws_tls.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "trust.h"
#include "xalloc.h"

/* Of the names in a refused certificate, so many are told. */
#define NAMES_TOLD 3

struct ws_tls {
	SSL_CTX *context;
	BIO_METHOD *source;
};

/* ---- why a certificate was refused ---- */

/* Appends to text; what a peer wrote is held to printable ASCII. */
static void
append(char *text, size_t room, const char *more, size_t size)
{
	size_t at = strlen(text);

	for (size_t i = 0; i < size && at + 1 < room; i++) {
		char c = more[i];

		if (c < ' ' || c > '~') {
			c = '?';
		}
		text[at++] = c;
	}
	text[at] = '\0';
}

static void
append_text(char *text, size_t room, const char *more)
{
	append(text, room, more, strlen(more));
}

static void
append_address(char *text, size_t room, const ASN1_OCTET_STRING *address)
{
	char number[INET6_ADDRSTRLEN] = "?";
	int family = ASN1_STRING_length(address) == 4 ? AF_INET : AF_INET6;

	if (family == AF_INET || ASN1_STRING_length(address) == 16) {
		(void)inet_ntop(family, ASN1_STRING_get0_data(address), number,
		    sizeof number);
	}
	append_text(text, room, number);
}

/* The names that a certificate is for; false where it has none. */
static bool
append_names(char *text, size_t room, const X509 *cert)
{
	GENERAL_NAMES *names = X509_get_ext_d2i(cert, NID_subject_alt_name, NULL, NULL);
	int told = 0;

	for (int i = 0; i < sk_GENERAL_NAME_num(names) && told < NAMES_TOLD; i++) {
		const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);

		if (name->type != GEN_DNS && name->type != GEN_IPADD) {
			continue;
		}
		append_text(text, room, told > 0 ? ", " : "");
		if (name->type == GEN_DNS) {
			append(text, room,
			    (const char *)ASN1_STRING_get0_data(name->d.dNSName),
			    (size_t)ASN1_STRING_length(name->d.dNSName));
		} else {
			append_address(text, room, name->d.iPAddress);
		}
		told++;
	}
	GENERAL_NAMES_free(names);
	return told > 0;
}

static void
append_time(char *text, size_t room, const ASN1_TIME *time)
{
	struct tm parts;
	char date[24];

	if (time && ASN1_TIME_to_tm(time, &parts) == 1 &&
	    strftime(date, sizeof date, "%Y-%m-%d", &parts) > 0) {
		append_text(text, room, date);
	} else {
		append_text(text, room, "an unreadable date");
	}
}

static void
explain_refusal(struct ws_tls_peer *peer, int error, const X509 *cert)
{
	char *text = peer->refused;
	size_t room = sizeof peer->refused;

	*text = '\0';
	switch (error) {
	case X509_V_ERR_CERT_HAS_EXPIRED:
		append_text(text, room, "certificate expired on ");
		append_time(text, room, cert ? X509_get0_notAfter(cert) : NULL);
		append_text(text, room, "; check the local clock too");
		break;
	case X509_V_ERR_CERT_NOT_YET_VALID:
		append_text(text, room, "certificate not yet valid before ");
		append_time(text, room, cert ? X509_get0_notBefore(cert) : NULL);
		append_text(text, room, "; check the local clock");
		break;
	case X509_V_ERR_HOSTNAME_MISMATCH:
	case X509_V_ERR_IP_ADDRESS_MISMATCH:
		append_text(text, room, "wrong name: no certificate for ");
		append_text(text, room, peer->host);
		append_text(text, room, ", but for ");
		if (!cert || !append_names(text, room, cert)) {
			append_text(text, room, "no name at all");
		}
		break;
	case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
		append_text(text, room, "certificate is self-signed");
		break;
	case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
	case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
		append_text(text, room, "certificate is from an unknown authority: ");
		append_text(text, room, X509_verify_cert_error_string(error));
		break;
	default:
		append_text(text, room, "certificate refused: ");
		append_text(text, room, X509_verify_cert_error_string(error));
		break;
	}
}

/* Changes no verdict: it only keeps the first reason, as the session does not keep a
 * certificate that it refused. */
static int
on_verify(int good, X509_STORE_CTX *store)
{
	const SSL *ssl =
	    X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
	struct ws_tls_peer *peer = ssl ? SSL_get_app_data(ssl) : NULL;

	if (!good && peer && peer->refused[0] == '\0') {
		explain_refusal(peer, X509_STORE_CTX_get_error(store),
		    X509_STORE_CTX_get_current_cert(store));
	}
	return good;
}

/* ---- settings ---- */

/* The most telling of the errors of the failed call: what the system said, or else the
 * last one.  Empties the queue. */
static const char *
last_reason(void)
{
	const char *reason = "no reason given";
	unsigned long error;

	while ((error = ERR_get_error()) != 0) {
		const char *text = ERR_reason_error_string(error);

		if (ERR_SYSTEM_ERROR(error)) {
			return strerror((int)ERR_GET_REASON(error));
		}
		reason = text ? text : reason;
	}
	return reason;
}

static bool
set_up(SSL_CTX *context, const char *ca_file)
{
	static const unsigned char alpn[] = "\x08http/1.1";

	SSL_CTX_set_verify(context, SSL_VERIFY_PEER, on_verify);
	(void)SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION);
	(void)SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
	(void)SSL_CTX_set_mode(context,
	    SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
		SSL_MODE_RELEASE_BUFFERS);
	/* Of the three, only this one says 0 when it worked. */
	return SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) == 1 &&
	    SSL_CTX_set_alpn_protos(context, alpn, sizeof alpn - 1) == 0 &&
	    trust_load(context, ca_file);
}

struct ws_tls *
ws_tls_new(const char *ca_file, char *why, size_t room)
{
	ws_tls_clear();
	SSL_CTX *context = SSL_CTX_new(TLS_client_method());
	BIO_METHOD *source = tls_source_method();

	if (!context || !source || !set_up(context, ca_file)) {
		(void)snprintf(why, room, "cannot use the CA certificates in %s: %s",
		    ca_file ? ca_file : "the system's store", last_reason());
		SSL_CTX_free(context);
		BIO_meth_free(source);
		ws_tls_clear();
		return NULL;
	}
	struct ws_tls *tls = xzalloc(sizeof *tls);

	tls->context = context;
	tls->source = source;
	return tls;
}

void
ws_tls_free(struct ws_tls *owned_tls)
{
	if (owned_tls) {
		SSL_CTX_free(owned_tls->context);
		BIO_meth_free(owned_tls->source);
		free(owned_tls);
	}
}

const SSL_CTX *
ws_tls_context(const struct ws_tls *tls)
{
	return tls->context;
}

/* ---- one session ---- */

static bool
is_address(const char *host)
{
	unsigned char bytes[sizeof(struct in6_addr)];

	return inet_pton(AF_INET, host, bytes) == 1 ||
	    inet_pton(AF_INET6, host, bytes) == 1;
}

/* Whom the certificate must name.  Never the subject's common name (RFC 6125 6.4.4):
 * without the flag OpenSSL takes it where there is no alternative name. */
static bool
expect_host(SSL *ssl, char *host)
{
	if (is_address(host)) {
		return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), host) == 1;
	}
	SSL_set_hostflags(ssl,
	    X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
	return *host != '\0' && SSL_set1_host(ssl, host) == 1 &&
	    SSL_set_tlsext_host_name(ssl, host) == 1;
}

static bool
set_ends(SSL *ssl, const BIO_METHOD *method, struct tls_source *source)
{
	BIO *in = tls_source_bio(method, source);
	BIO *out = BIO_new_socket(source->socket, BIO_NOCLOSE);

	if (!in || !out) {
		BIO_free(in);
		BIO_free(out);
		return false;
	}
	SSL_set_bio(ssl, in, out);
	return true;
}

SSL *
ws_tls_session(const struct ws_tls *tls, struct tls_source *source,
    struct ws_tls_peer *peer)
{
	ws_tls_clear();
	SSL *ssl = SSL_new(tls->context);

	if (!ssl || SSL_set_app_data(ssl, peer) != 1 ||
	    !set_ends(ssl, tls->source, source) || !expect_host(ssl, peer->host)) {
		SSL_free(ssl);
		return NULL;
	}
	SSL_set_connect_state(ssl);
	return ssl;
}

void
ws_tls_clear(void)
{
	/* It is called for each record, and clearing walks all 16 places of the queue,
	 * which is nearly always empty: 1,200 instructions (3.0). */
	if (ERR_peek_error() != 0) {
		ERR_clear_error();
	}
	errno = 0;
}

bool
ws_tls_met_end(int ssl_error)
{
	if (ssl_error == SSL_ERROR_ZERO_RETURN) {
		return true;
	}
	if (ssl_error == SSL_ERROR_SSL) {
		return ERR_GET_REASON(ERR_peek_error()) ==
		    SSL_R_UNEXPECTED_EOF_WHILE_READING;
	}
	return ssl_error == SSL_ERROR_SYSCALL && errno == 0;
}

void
ws_tls_explain(const struct ws_tls_peer *peer, int ssl_error, char *text, size_t room)
{
	unsigned long error = ERR_peek_error();

	if (peer->refused[0] != '\0') {
		(void)snprintf(text, room, "%s", peer->refused);
	} else if (ws_tls_met_end(ssl_error)) {
		(void)snprintf(text, room, "closed by the peer");
	} else if (ssl_error == SSL_ERROR_SYSCALL) {
		(void)snprintf(text, room, "%s", strerror(errno));
	} else if (ERR_GET_REASON(error) == SSL_R_WRONG_VERSION_NUMBER) {
		(void)snprintf(text, room,
		    "the peer does not speak TLS (wrong version number)");
	} else {
		(void)snprintf(text, room, "%s", last_reason());
	}
}
