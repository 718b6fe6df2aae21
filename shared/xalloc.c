#include "xalloc.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define EXIT_INTERNAL 70 /* contract, section 4 */

static void *
checked(void *memory)
{
	static const char text[] = "gwbot: out of memory; ending with status 70\n";

	if (memory) {
		return memory;
	}
	ssize_t ignored = write(STDERR_FILENO, text, sizeof text - 1);
	(void)ignored;
	_exit(EXIT_INTERNAL);
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
