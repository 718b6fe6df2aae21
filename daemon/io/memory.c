#include "memory.h"

#include <malloc.h>

/* What is large at the start is a table with room for more than most bots have, and
 * lives as long as the process.  From the heap calloc() would write zeros into all of
 * it; mapped apart, what nobody writes to is not there: 0.1 MB. */
#define START_MMAP_BYTES (16 * 1024)

/* The C library's own, before it changes it.  Lower, OpenSSL's buffer of a read would
 * be mapped for each read. */
#define RUN_MMAP_BYTES (128 * 1024)

void
memory_begin(void)
{
	(void)mallopt(M_MMAP_THRESHOLD, START_MMAP_BYTES);
	/* Helper threads, which allocate little, need no heaps of their own. */
	(void)mallopt(M_ARENA_MAX, 1);
}

/* What was large goes back to the system when it is freed: by itself the C library
 * would raise this bound to the largest server's description that was ever freed. */
void
memory_run(void)
{
	(void)mallopt(M_MMAP_THRESHOLD, RUN_MMAP_BYTES);
}

void
memory_trim(void)
{
	(void)malloc_trim(0);
}
