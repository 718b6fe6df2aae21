#include "tls.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "buf.h"
#include "xalloc.h"

#define DAY_S          86400L
#define CA_DAYS        3650L
#define PATH_MAX_BYTES 512

struct issuer {
	X509 *cert;
	EVP_PKEY *key;
};

struct tls {
	char ca_file[PATH_MAX_BYTES];
	char key_file[PATH_MAX_BYTES];
	struct issuer ca;
	struct issuer other; /* a CA that nobody trusts */
	SSL_CTX *contexts[TLS_KIND_COUNT];
	size_t record;
	enum tls_kind kind;
};

static const char *const kind_words[] = {
#define TLS_WORD(name, word) [TLS_##name] = (word),
    TLS_KINDS(TLS_WORD)
#undef TLS_WORD
};

static void
issuer_fini(struct issuer *issuer)
{
	X509_free(issuer->cert);
	EVP_PKEY_free(issuer->key);
	*issuer = (struct issuer){NULL, NULL};
}

static bool
add_extension(X509 *cert, X509 *issuer, int nid, const char *value)
{
	X509V3_CTX context;

	X509V3_set_ctx(&context, issuer, cert, NULL, NULL, 0);
	X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
	bool good = extension && X509_add_ext(cert, extension, -1) == 1;

	X509_EXTENSION_free(extension);
	return good;
}

static bool
set_serial(X509 *cert)
{
	unsigned char bytes[8];
	uint64_t serial = 0;

	if (RAND_bytes(bytes, sizeof bytes) != 1) {
		return false;
	}
	for (size_t i = 0; i < sizeof bytes; i++) {
		serial = serial << 8 | bytes[i];
	}
	return ASN1_INTEGER_set_uint64(X509_get_serialNumber(cert), serial >> 1) == 1;
}

/* A certificate for key, signed by signer; its own where signer is NULL. */
static X509 *
make_cert(EVP_PKEY *key, const struct issuer *signer, const char *name, const char *san,
    long from_s, long to_s)
{
	X509 *cert = X509_new();
	bool is_ca = !san;

	if (!cert) {
		return NULL;
	}
	X509 *issuer = signer ? signer->cert : cert;
	X509_NAME *subject = X509_get_subject_name(cert);
	bool good = X509_set_version(cert, 2) == 1 && set_serial(cert) &&
	    X509_gmtime_adj(X509_getm_notBefore(cert), from_s) &&
	    X509_gmtime_adj(X509_getm_notAfter(cert), to_s) &&
	    X509_set_pubkey(cert, key) == 1 &&
	    X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8,
		(const unsigned char *)name, -1, -1, 0) == 1 &&
	    X509_set_issuer_name(cert, X509_get_subject_name(issuer)) == 1 &&
	    add_extension(cert, issuer, NID_basic_constraints,
		is_ca ? "critical,CA:TRUE" : "critical,CA:FALSE") &&
	    add_extension(cert, issuer, NID_key_usage,
		is_ca ? "critical,keyCertSign,cRLSign" : "critical,digitalSignature") &&
	    add_extension(cert, issuer, NID_subject_key_identifier, "hash") &&
	    add_extension(cert, issuer, NID_authority_key_identifier, "keyid") &&
	    (is_ca ||
		(add_extension(cert, issuer, NID_ext_key_usage, "serverAuth") &&
		    add_extension(cert, issuer, NID_subject_alt_name, san))) &&
	    X509_sign(cert, signer ? signer->key : key, EVP_sha256()) > 0;

	if (!good) {
		X509_free(cert);
		return NULL;
	}
	return cert;
}

static bool
make_ca(struct issuer *out, const char *name)
{
	out->key = EVP_EC_gen("P-256");
	out->cert = out->key ?
	    make_cert(out->key, NULL, name, NULL, -DAY_S, CA_DAYS * DAY_S) :
	    NULL;
	return out->cert != NULL;
}

/* Writes beside the place and renames, so that no reader sees half a file. */
static bool
save_pem(const char *path, mode_t mode, const struct issuer *issuer, bool key)
{
	char temporary[PATH_MAX_BYTES + 8];

	(void)snprintf(temporary, sizeof temporary, "%s.new", path);
	(void)unlink(temporary);
	int fd =
	    open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
	FILE *file = fd >= 0 ? fdopen(fd, "w") : NULL;

	if (!file) {
		if (fd >= 0) {
			(void)close(fd);
		}
		return false;
	}
	bool good = key ?
	    PEM_write_PrivateKey(file, issuer->key, NULL, NULL, 0, NULL, NULL) == 1 :
	    PEM_write_X509(file, issuer->cert) == 1;

	good = fclose(file) == 0 && good;
	return good && rename(temporary, path) == 0;
}

static bool
load_ca(struct tls *tls)
{
	FILE *file = fopen(tls->ca_file, "re");

	if (file) {
		tls->ca.cert = PEM_read_X509(file, NULL, NULL, NULL);
		(void)fclose(file);
	}
	file = fopen(tls->key_file, "re");
	if (file) {
		tls->ca.key = PEM_read_PrivateKey(file, NULL, NULL, NULL);
		(void)fclose(file);
	}
	bool good = tls->ca.cert && tls->ca.key &&
	    X509_check_private_key(tls->ca.cert, tls->ca.key) == 1 &&
	    X509_cmp_current_time(X509_get0_notAfter(tls->ca.cert)) > 0;

	ERR_clear_error();
	if (!good) {
		issuer_fini(&tls->ca);
	}
	return good;
}

static bool
load_or_make_ca(struct tls *tls, const char *dir)
{
	if (mkdir(dir, 0700) != 0 && errno != EEXIST) {
		return false;
	}
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	/* Two that start at once must end up with one CA. */
	if (fd < 0 || flock(fd, LOCK_EX) != 0) {
		if (fd >= 0) {
			(void)close(fd);
		}
		return false;
	}
	bool good = load_ca(tls) ||
	    (make_ca(&tls->ca, "gwsim test CA") &&
		save_pem(tls->key_file, 0600, &tls->ca, true) &&
		save_pem(tls->ca_file, 0644, &tls->ca, false));

	(void)close(fd);
	return good;
}

struct tls *
tls_new(const char *dir, size_t record)
{
	struct tls *tls = xzalloc(sizeof *tls);
	int size = snprintf(tls->ca_file, sizeof tls->ca_file, "%s/ca.pem", dir);

	tls->record = record;
	(void)snprintf(tls->key_file, sizeof tls->key_file, "%s/ca.key", dir);
	if (size < 0 || (size_t)size >= sizeof tls->ca_file ||
	    !load_or_make_ca(tls, dir) || !make_ca(&tls->other, "gwsim unknown CA") ||
	    !tls_use(tls, "good")) {
		(void)fprintf(stderr, "gwsim: --tls-dir: cannot make a CA in %s: %s\n",
		    dir, strerror(errno));
		tls_free(tls);
		return NULL;
	}
	return tls;
}

void
tls_free(struct tls *owned_tls)
{
	if (!owned_tls) {
		return;
	}
	for (int i = 0; i < TLS_KIND_COUNT; i++) {
		SSL_CTX_free(owned_tls->contexts[i]);
	}
	issuer_fini(&owned_tls->ca);
	issuer_fini(&owned_tls->other);
	free(owned_tls);
}

const char *
tls_ca_file(const struct tls *tls)
{
	return tls->ca_file;
}

/* HTTP/1.1 and nothing else: a client that insists on h2 is refused. */
static int
choose_alpn(SSL *ssl, const unsigned char **out, unsigned char *out_size,
    const unsigned char *in, unsigned in_size, void *arg)
{
	static const unsigned char own[] = "\x08http/1.1";
	unsigned char *chosen = NULL;

	(void)ssl;
	(void)arg;
	if (SSL_select_next_proto(&chosen, out_size, own, sizeof own - 1, in,
		in_size) != OPENSSL_NPN_NEGOTIATED) {
		return SSL_TLSEXT_ERR_ALERT_FATAL;
	}
	*out = chosen;
	return SSL_TLSEXT_ERR_OK;
}

static X509 *
make_server_cert(struct tls *tls, enum tls_kind kind, EVP_PKEY *key)
{
	static const char good[] = "DNS:localhost,IP:127.0.0.1,IP:::1";
	const char *san = good;
	const struct issuer *signer = &tls->ca;
	long from_s = -DAY_S;
	long to_s = 365 * DAY_S;

	switch (kind) {
	case TLS_BAD_NAME:
		san = "DNS:gateway.invalid";
		break;
	case TLS_IP_ONLY:
		san = "IP:192.0.2.1";
		break;
	case TLS_EXPIRED:
		from_s = -30 * DAY_S;
		to_s = -DAY_S;
		break;
	case TLS_NOT_YET:
		from_s = 30 * DAY_S;
		break;
	case TLS_SELF_SIGNED:
		signer = NULL;
		break;
	case TLS_OTHER_CA:
		signer = &tls->other;
		break;
	case TLS_GOOD:
	case TLS_TLS11:
	case TLS_KIND_COUNT:
		break;
	}
	return make_cert(key, signer, "gwsim", san, from_s, to_s);
}

static SSL_CTX *
make_context(struct tls *tls, enum tls_kind kind)
{
	SSL_CTX *context = SSL_CTX_new(TLS_server_method());
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *cert = key ? make_server_cert(tls, kind, key) : NULL;
	bool good = context && cert && SSL_CTX_use_certificate(context, cert) == 1 &&
	    SSL_CTX_use_PrivateKey(context, key) == 1;

	X509_free(cert);
	EVP_PKEY_free(key);
	if (!good) {
		SSL_CTX_free(context);
		return NULL;
	}
	(void)SSL_CTX_set_mode(context,
	    SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	(void)SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
	if (kind == TLS_TLS11) {
		/* OpenSSL 3 offers it at security level 0 only. */
		SSL_CTX_set_security_level(context, 0);
		(void)SSL_CTX_set_min_proto_version(context, TLS1_VERSION);
		(void)SSL_CTX_set_max_proto_version(context, TLS1_1_VERSION);
	}
	SSL_CTX_set_alpn_select_cb(context, choose_alpn, NULL);
	return context;
}

SSL *
tls_accept(struct tls *tls, int fd)
{
	SSL *ssl = SSL_new(tls->contexts[tls->kind]);

	if (!ssl || SSL_set_fd(ssl, fd) != 1 ||
	    SSL_set_max_send_fragment(ssl, (long)tls->record) != 1) {
		SSL_free(ssl);
		return NULL;
	}
	SSL_set_accept_state(ssl);
	return ssl;
}

bool
tls_use(struct tls *tls, const char *word)
{
	for (int i = 0; i < TLS_KIND_COUNT; i++) {
		if (strcmp(kind_words[i], word) != 0) {
			continue;
		}
		if (!tls->contexts[i]) {
			tls->contexts[i] = make_context(tls, (enum tls_kind)i);
		}
		if (tls->contexts[i]) {
			tls->kind = (enum tls_kind)i;
		}
		return tls->contexts[i] != NULL;
	}
	return false;
}
