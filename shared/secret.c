#include "secret.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "xalloc.h"

#define SCRUB_MIN_BYTES 8

struct secret {
	size_t size;
	size_t room; /* of the pages that are its own */
	bool locked;
	char bytes[];
};

struct secret *
secret_new(const char *bytes, size_t size)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	size_t room = (sizeof(struct secret) + size + page) / page * page;
	struct secret *secret = xpages(room);

	secret->size = size;
	secret->room = room;
	/* Neither to the swap nor into a core file; a limit may forbid the first. */
	secret->locked = mlock(secret, room) == 0;
	(void)madvise(secret, room, MADV_DONTDUMP);
	/* A child that does not exec has an empty one. */
	(void)madvise(secret, room, MADV_WIPEONFORK);
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
	(void)munmap(owned_secret, owned_secret->room);
}

const char *
secret_reveal(const struct secret *secret)
{
	return secret->bytes;
}

bool
secret_is_locked(const struct secret *secret)
{
	return secret->locked;
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
