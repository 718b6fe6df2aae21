/*
 * Commands for a test's client: the lines of its stdin, read on the loop.
 */
#ifndef GWBOT_TEST_LINES_H
#define GWBOT_TEST_LINES_H

#include <stdbool.h>

#include "buf.h"
#include "loop.h"

struct lines {
	struct buf held; /* what no newline has ended yet */
	void (*line)(void *ctx, char *line);
	void (*over)(void *ctx);
	void *ctx;
};

/**
 * Has line called with each line of stdin, without its newline and to be changed at
 * will, and over at its end and when the loop ends; fill these and ctx before.
 *
 * A line of more than max_bytes ends the process: a test's own mistake.  False where
 * stdin cannot be read.
 */
bool lines_begin(struct lines *lines, struct loop *loop, size_t max_bytes);

/** After the loop is gone. */
void lines_fini(struct lines *lines);

#endif
