#include "tls_source.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

static int
read_socket(BIO *bio, struct tls_source *source, char *out, size_t room, size_t *size)
{
	ssize_t got = recv(source->socket, out, room, MSG_DONTWAIT);

	if (got > 0) {
		*size = (size_t)got;
		return 1;
	}
	source->ended = got == 0;
	if (got < 0 && (errno == EAGAIN || errno == EINTR)) {
		BIO_set_retry_read(bio);
	}
	return 0;
}

static int
on_read(BIO *bio, char *out, size_t room, size_t *size)
{
	struct tls_source *source = BIO_get_data(bio);

	BIO_clear_retry_flags(bio);
	*size = room < source->bytes.size ? room : source->bytes.size;
	if (*size > 0) {
		memcpy(out, source->bytes.data, *size);
		source->bytes.data += *size;
		source->bytes.size -= *size;
		return 1;
	}
	if (source->socket >= 0) {
		return read_socket(bio, source, out, room, size);
	}
	BIO_set_retry_read(bio);
	return 0;
}

static long
on_control(BIO *bio, int command, long number, void *pointer)
{
	const struct tls_source *source = BIO_get_data(bio);

	(void)number;
	(void)pointer;
	return command == BIO_CTRL_EOF && source->ended;
}

BIO_METHOD *
tls_source_method(void)
{
	BIO_METHOD *method =
	    BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "received bytes");

	if (method &&
	    (BIO_meth_set_read_ex(method, on_read) != 1 ||
		BIO_meth_set_ctrl(method, on_control) != 1)) {
		BIO_meth_free(method);
		return NULL;
	}
	return method;
}

BIO *
tls_source_bio(const BIO_METHOD *method, struct tls_source *source)
{
	BIO *bio = BIO_new(method);

	if (bio) {
		BIO_set_data(bio, source);
		BIO_set_init(bio, 1);
	}
	return bio;
}
