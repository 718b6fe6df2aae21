/*
 * Allocation of small fixed sizes: cannot fail, or ends the process with status 70.
 *
 * The session resumes after a restart, so dying here loses nothing.  Sizes that a peer
 * or a file decides go through struct buf, which refuses instead.
 */
#ifndef GWBOT_XALLOC_H
#define GWBOT_XALLOC_H

#include <stddef.h>

/** size bytes of zeroes; the caller frees them with free(). */
void *xzalloc(size_t size);

/** size bytes of zeroes in pages of their own; the caller frees them with munmap(). */
void *xpages(size_t size);

/** The same in the place of pages that are there; they are munmapped as before. */
void xpages_at(void *pages, size_t size);

/** A copy of text that the caller frees; NULL stays NULL. */
char *xstrdup(const char *text);

/** A copy of the first size bytes at text, with a NUL behind; the caller frees it. */
char *xstrndup(const char *text, size_t size);

#endif
