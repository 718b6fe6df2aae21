/* Files may hang (NFS), and a signature takes a millisecond or two: both on helpers. */
#include "sheet_token.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sheet.h"
#include "xalloc.h"

#define SIGNATURE_MAX_BYTES 1024 /* of a key of 8192 bits */

/* ---- the file ---- */

struct read_job {
	char *path;
	struct sheet_stamp known;
	void (*fn)(void *ctx, const struct sheet_key_file *file, mono_ns now);
	void *ctx;
	struct sheet_key_file file;
	struct buf text;
};

static int64_t
nanoseconds(const struct timespec *time)
{
	return CLOCK_S(time->tv_sec) + time->tv_nsec;
}

static struct sheet_stamp
stamp_of(const struct stat *status)
{
	return (struct sheet_stamp){
	    .device = status->st_dev,
	    .inode = status->st_ino,
	    .size = status->st_size,
	    .modified_ns = nanoseconds(&status->st_mtim),
	    .changed_ns = nanoseconds(&status->st_ctim),
	};
}

static bool
is_same(const struct sheet_stamp *a, const struct sheet_stamp *b)
{
	return a->device == b->device && a->inode == b->inode && a->size == b->size &&
	    a->modified_ns == b->modified_ns && a->changed_ns == b->changed_ns;
}

static const char *
read_all(struct read_job *job, int fd)
{
	if (buf_reserve(&job->text, SHEET_KEY_MAX_BYTES) != GW_OK) {
		return strerror(ENOMEM);
	}
	for (;;) {
		size_t room = job->text.room - job->text.size;
		ssize_t got = read(fd, job->text.data + job->text.size, room);

		if (got < 0 && errno != EINTR) {
			return strerror(errno);
		}
		if (got == 0) {
			return NULL;
		}
		job->text.size += got > 0 ? (size_t)got : 0;
		if (job->text.size == job->text.room) {
			return "too large for a key";
		}
	}
}

static const char *
read_open(struct read_job *job, int fd)
{
	struct stat status;

	if (fstat(fd, &status) != 0) {
		return strerror(errno);
	}
	if (!S_ISREG(status.st_mode)) {
		return "not a regular file";
	}
	job->file.stamp = stamp_of(&status);
	job->file.same = is_same(&job->file.stamp, &job->known);
	return job->file.same ? NULL : read_all(job, fd);
}

static void
read_work(void *ctx)
{
	struct read_job *job = ctx;
	/* A FIFO would wait for somebody who writes. */
	int fd = open(job->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

	if (fd < 0) {
		job->file.error = strerror(errno);
		return;
	}
	job->file.error = read_open(job, fd);
	(void)close(fd);
}

static void
read_free(struct read_job *owned_job)
{
	buf_wipe(&owned_job->text);
	free(owned_job->path);
	free(owned_job);
}

static void
read_done(void *ctx)
{
	struct read_job *job = ctx;

	job->file.text = buf_slice(&job->text);
	job->fn(job->ctx, &job->file, clock_now());
	read_free(job);
}

enum gw_err
sheet_key_read(struct worker *worker, const char *path, const struct sheet_stamp *known,
    void (*fn)(void *ctx, const struct sheet_key_file *file, mono_ns now), void *ctx)
{
	struct read_job *job = xzalloc(sizeof *job);

	job->path = xstrdup(path);
	if (known) {
		job->known = *known;
	}
	job->fn = fn;
	job->ctx = ctx;
	buf_init(&job->text, SHEET_KEY_MAX_BYTES + 1);
	enum gw_err err = worker_submit(worker, read_work, read_done, job);

	if (err != GW_OK) {
		read_free(job);
	}
	return err;
}

/* ---- the signature ---- */

struct sign_job {
	struct secret *key;
	char *text;
	size_t text_size;
	void (*fn)(void *ctx, const struct sheet_signature *signature, mono_ns now);
	void *ctx;
	const char *error;
	unsigned char bytes[SIGNATURE_MAX_BYTES];
	size_t size;
};

/* OpenSSL would ask at the terminal. */
static int
no_password(char *out, int room, int writing, void *ctx)
{
	(void)writing;
	(void)ctx;
	if (room > 0) {
		out[0] = '\0';
	}
	return -1;
}

static EVP_PKEY *
key_of(const struct secret *pem)
{
	BIO *bio = BIO_new_mem_buf(secret_reveal(pem), (int)secret_size(pem));
	EVP_PKEY *key =
	    bio ? PEM_read_bio_PrivateKey(bio, NULL, no_password, NULL) : NULL;

	BIO_free(bio);
	return key;
}

static const char *
sign(struct sign_job *job, EVP_PKEY *key)
{
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	const unsigned char *text = (const unsigned char *)job->text;

	job->size = sizeof job->bytes;
	bool ok = md && EVP_DigestSignInit(md, NULL, EVP_sha256(), NULL, key) == 1 &&
	    EVP_DigestSign(md, job->bytes, &job->size, text, job->text_size) == 1;

	EVP_MD_CTX_free(md);
	return ok ? NULL : "its private_key does not sign";
}

static void
sign_work(void *ctx)
{
	struct sign_job *job = ctx;
	EVP_PKEY *key = key_of(job->key);

	if (!key) {
		job->error = "its private_key cannot be read: are its line ends (\\n) "
			     "lost?";
	} else if (!EVP_PKEY_is_a(key, "RSA") ||
	    EVP_PKEY_get_size(key) > SIGNATURE_MAX_BYTES) {
		job->error = "its private_key is no RSA key of up to 8192 bits";
	} else {
		job->error = sign(job, key);
	}
	EVP_PKEY_free(key);
	ERR_clear_error();
}

static void
sign_free(struct sign_job *owned_job)
{
	secret_free(owned_job->key);
	explicit_bzero(owned_job->text, owned_job->text_size);
	free(owned_job->text);
	explicit_bzero(owned_job->bytes, sizeof owned_job->bytes);
	free(owned_job);
}

static void
sign_done(void *ctx)
{
	struct sign_job *job = ctx;
	const struct sheet_signature signature = {
	    .error = job->error,
	    .bytes = {(const char *)job->bytes, job->error ? 0 : job->size},
	};

	job->fn(job->ctx, &signature, clock_now());
	sign_free(job);
}

enum gw_err
sheet_sign(struct worker *worker, const struct secret *key, struct slice text,
    void (*fn)(void *ctx, const struct sheet_signature *signature, mono_ns now),
    void *ctx)
{
	struct sign_job *job = xzalloc(sizeof *job);

	job->key = secret_new(secret_reveal(key), secret_size(key));
	job->text = xstrndup(text.data, text.size);
	job->text_size = text.size;
	job->fn = fn;
	job->ctx = ctx;
	enum gw_err err = worker_submit(worker, sign_work, sign_done, job);

	if (err != GW_OK) {
		sign_free(job);
	}
	return err;
}
