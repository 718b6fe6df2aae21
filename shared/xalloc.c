#include "xalloc.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define EXIT_INTERNAL 70 /* contract, section 4 */

static void *
checked(void *memory)
{
	static const char text[] = "gwbot: out of memory; a start resumes the sessions "
				   "(exit status 70)\n";

	if (memory) {
		return memory;
	}
	ssize_t ignored = write(STDERR_FILENO, text, sizeof text - 1);
	(void)ignored;
	_exit(EXIT_INTERNAL);
}

void *
xpages(size_t size)
{
	void *pages = mmap(NULL, size, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return checked(pages != MAP_FAILED ? pages : NULL);
}

void
xpages_at(void *pages, size_t size)
{
	void *fresh = mmap(pages, size, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);

	(void)checked(fresh != MAP_FAILED ? fresh : NULL);
}

void *
xzalloc(size_t size)
{
	return checked(calloc(1, size ? size : 1));
}

char *
xstrndup(const char *text, size_t size)
{
	char *copy = xzalloc(size + 1);

	memcpy(copy, text, size);
	return copy;
}

char *
xstrdup(const char *text)
{
	return text ? xstrndup(text, strlen(text)) : NULL;
}
