/*
 * One run of gwbot-emoji: an image in, a padded PNG out, on a helper thread.
 *
 * Starting a program, and waiting for it, may block; so all of it happens there.
 */
#ifndef GWBOTD_EMOJI_RENDER_H
#define GWBOTD_EMOJI_RENDER_H

#include <stdint.h>

#include "buf.h"
#include "clock.h"
#include "spawner.h"

/* Noise of 512 x 512 pixels, which deflate cannot shrink, and some room. */
#define EMOJI_RENDER_MAX_BYTES ((size_t)1200000)

enum emoji_render_end {
	EMOJI_RENDER_DONE,
	EMOJI_RENDER_NO_IMAGE, /* the input is none, or killed its reader */
	EMOJI_RENDER_LOST,     /* the program is missing, broken, or answered garbage */
};

struct emoji_render {
	const struct spawner *spawner;
	struct slice image; /* borrowed for the run */
	uint32_t side;
	uint32_t box; /* thousandths */
	mono_ns timeout;

	enum emoji_render_end end;
	struct buf png; /* initialised by the run; to be freed by the caller */
	mono_ns took;
	char why[96]; /* with EMOJI_RENDER_LOST: in words */
};

/** Runs it; returns within the timeout and a moment. */
void emoji_render_run(struct emoji_render *render);

#endif
