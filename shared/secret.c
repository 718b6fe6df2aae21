#include "secret.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "xalloc.h"

#define SCRUB_MIN_BYTES 8

struct secret {
	size_t size;
	char bytes[];
};

struct secret *
secret_new(const char *bytes, size_t size)
{
	struct secret *secret = xzalloc(sizeof *secret + size + 1);

	secret->size = size;
	if (size > 0) {
		memcpy(secret->bytes, bytes, size);
	}
	return secret;
}

void
secret_free(struct secret *owned_secret)
{
	if (!owned_secret) {
		return;
	}
	explicit_bzero(owned_secret->bytes, owned_secret->size);
	free(owned_secret);
}

const char *
secret_reveal(const struct secret *secret)
{
	return secret->bytes;
}

size_t
secret_size(const struct secret *secret)
{
	return secret->size;
}

static bool
is_scrubbed(const struct secret *secret)
{
	return secret && secret->size >= SCRUB_MIN_BYTES;
}

void
secret_scrub(const struct secret *secret, char *text, size_t size)
{
	if (!is_scrubbed(secret)) {
		return;
	}
	char *end = text + size;
	char *hit = memmem(text, size, secret->bytes, secret->size);

	while (hit) {
		memset(hit, '*', secret->size);
		text = hit + secret->size;
		hit = memmem(text, (size_t)(end - text), secret->bytes, secret->size);
	}
}

size_t
secret_prefix(const struct secret *secret, const char *text, size_t size)
{
	bool found = is_scrubbed(secret) && size >= secret->size &&
	    memcmp(text, secret->bytes, secret->size) == 0;

	return found ? secret->size : 0;
}
