/*
 * What the prompt says by itself: a few lines a second, the rest counted.
 */
#ifndef GWCTL_NOTICES_H
#define GWCTL_NOTICES_H

#include <stdbool.h>
#include <stddef.h>

#include "clock.h"
#include "writer.h"

#define NOTICES_MAX  5 /* in a second, and waiting */
#define NOTICE_BYTES 256

struct notice {
	enum writer_style style;
	char text[NOTICE_BYTES];
};

/* All zero at the beginning. */
struct notices {
	struct notice waiting[NOTICES_MAX];
	size_t count;
	size_t left_out;   /* that could not be kept */
	mono_ns window_at; /* when the present second began */
	size_t shown;      /* in it */
};

/** Takes a line for the next notices_show(). */
void notices_add(struct notices *notices, enum writer_style style, const char *format,
    ...) __attribute__((format(printf, 3, 4)));

/** Forgets what waits. */
void notices_drop(struct notices *notices);

/** Moves what may be shown now to writer, a line each; false where that is nothing. */
bool notices_show(struct notices *notices, mono_ns now, struct writer *writer);

#endif
