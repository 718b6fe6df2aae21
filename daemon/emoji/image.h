/*
 * An image in memory, and how one is read from bytes that a stranger wrote.
 *
 * Part of gwbot-emoji, which does this in a sandbox and then ends.
 */
#ifndef GWBOT_IMAGE_H
#define GWBOT_IMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Emoji have 128 pixels a side at most; these bound memory, whatever the file says. */
#define IMAGE_SIDE_MAX   4096U
#define IMAGE_PIXELS_MAX (4U << 20)

#define IMAGE_CHANNELS   4U /* red, green, blue, alpha: not premultiplied */

struct image {
	uint32_t width;
	uint32_t height;
	uint8_t *pixels; /* width * height * IMAGE_CHANNELS bytes, rows without gaps */
};

/**
 * Reads a PNG, GIF or WebP, the first picture where there are several.
 *
 * False where the bytes are none of them, damaged, cut short or too large; out is empty
 * then.  Free it with image_free().
 */
bool image_read(const uint8_t *bytes, size_t size, struct image *out);

/** Makes an image that is transparent throughout; false where it would be too large. */
bool image_make(uint32_t width, uint32_t height, struct image *out);

/** The pixel's first byte; x and y lie within. */
uint8_t *image_at(const struct image *image, uint32_t x, uint32_t y);

void image_free(struct image *image);

/** The image as PNG; the caller frees it with free().  NULL without memory. */
uint8_t *image_write_png(const struct image *image, size_t *size);

/** For image_read(): the GIF part, whose first bytes are right. */
bool image_read_gif(const uint8_t *bytes, size_t size, struct image *out);

#endif
