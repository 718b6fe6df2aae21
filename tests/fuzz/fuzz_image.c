/*
 * What gwbot-emoji does to any bytes: reads them as an image, pads it, writes a PNG
 * that reads back as the same pixels.  The first two bytes choose the canvas and the
 * box.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "pad.h"

/* Larger ones are read, and then left alone: one takes as long as a thousand others. */
#define SCALED_MAX_PIXELS (256U * 256U)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_padded(const struct image *padded, uint32_t side)
{
	struct image again;
	size_t size = 0;
	uint8_t *png = image_write_png(padded, &size);

	if (padded->width != side || padded->height != side || !png ||
	    !image_read(png, size, &again) || again.width != side ||
	    memcmp(again.pixels, padded->pixels,
		(size_t)side * side * IMAGE_CHANNELS) != 0) {
		abort();
	}
	image_free(&again);
	free(png);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct image image;
	struct image padded;

	if (size < 2) {
		return 0;
	}
	uint32_t side = PAD_SIDE_MIN + data[0] % 64U;
	uint32_t box = PAD_BOX_MIN + data[1] * (PAD_BOX_MAX - PAD_BOX_MIN) / 255U;

	if (!image_read(data + 2, size - 2, &image)) {
		if (image.pixels) {
			abort();
		}
		return 0;
	}
	if (image.width * image.height <= SCALED_MAX_PIXELS) {
		if (!pad_image(&image, side, box, &padded)) {
			abort();
		}
		check_padded(&padded, side);
		image_free(&padded);
	}
	image_free(&image);
	return 0;
}
