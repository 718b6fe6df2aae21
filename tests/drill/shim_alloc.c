/*
 * Preloaded into gwbotd: fails allocations that libz and libzstd ask for, or those of
 * the objects that SHIM_OBJECTS names by parts of their paths, with commas between.
 *
 * SHIM_FAIL=N fails the Nth (0: none), SHIM_ON=1 every one from there on; SHIM_COUNT is
 * a file into which the end of the process writes how many there were.
 */
#define _GNU_SOURCE
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* glibc's own, below the names that are replaced here. */
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *old, size_t size);

static struct {
	uintptr_t from, to;
} ranges[32];
static size_t range_count;
static atomic_ulong asked;
static unsigned long fail_at;
static bool fail_on;

static bool
is_watched(const char *line)
{
	const char *objects = getenv("SHIM_OBJECTS");
	char names[256];
	char *rest = names;
	char *name;

	(void)snprintf(names, sizeof names, "%s",
	    objects ? objects : "/libz.so,/libzstd.so");
	while ((name = strsep(&rest, ","))) {
		if (strstr(line, name)) {
			return true;
		}
	}
	return false;
}

__attribute__((constructor)) static void
begin(void)
{
	FILE *maps = fopen("/proc/self/maps", "r");
	char line[512];

	while (maps && fgets(line, sizeof line, maps)) {
		unsigned long from, to;

		if (is_watched(line) &&
		    range_count < sizeof ranges / sizeof ranges[0] &&
		    sscanf(line, "%lx-%lx", &from, &to) == 2) {
			ranges[range_count].from = from;
			ranges[range_count].to = to;
			range_count++;
		}
	}
	if (maps) {
		fclose(maps);
	}
	const char *number = getenv("SHIM_FAIL");

	fail_at = number ? strtoul(number, NULL, 10) : 0;
	fail_on = getenv("SHIM_ON") != NULL;
}

__attribute__((destructor)) static void
end(void)
{
	const char *path = getenv("SHIM_COUNT");
	FILE *file = path ? fopen(path, "w") : NULL;

	if (file) {
		fprintf(file, "%lu\n", atomic_load(&asked));
		fclose(file);
	}
}

static bool
fails(const void *caller)
{
	uintptr_t at = (uintptr_t)caller;

	for (size_t i = 0; i < range_count; i++) {
		if (at >= ranges[i].from && at < ranges[i].to) {
			unsigned long number = atomic_fetch_add(&asked, 1) + 1;

			return fail_at != 0 &&
			    (number == fail_at || (fail_on && number > fail_at));
		}
	}
	return false;
}

void *
malloc(size_t size)
{
	return fails(__builtin_return_address(0)) ? NULL : __libc_malloc(size);
}

void *
calloc(size_t count, size_t size)
{
	return fails(__builtin_return_address(0)) ? NULL : __libc_calloc(count, size);
}

void *
realloc(void *old, size_t size)
{
	return fails(__builtin_return_address(0)) ? NULL : __libc_realloc(old, size);
}
