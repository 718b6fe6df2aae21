#include "image.h"

#include <png.h>
#include <stdlib.h>
#include <string.h>
#include <webp/decode.h>
#include <webp/demux.h>

/* ---- memory ---- */

bool
image_make(uint32_t width, uint32_t height, struct image *out)
{
	*out = (struct image){0, 0, NULL};
	if (width == 0 || height == 0 || width > IMAGE_SIDE_MAX ||
	    height > IMAGE_SIDE_MAX || width * height > IMAGE_PIXELS_MAX) {
		return false;
	}
	out->pixels = calloc((size_t)width * height, IMAGE_CHANNELS);
	if (!out->pixels) {
		return false;
	}
	out->width = width;
	out->height = height;
	return true;
}

uint8_t *
image_at(const struct image *image, uint32_t x, uint32_t y)
{
	return image->pixels + ((size_t)y * image->width + x) * IMAGE_CHANNELS;
}

void
image_free(struct image *image)
{
	free(image->pixels);
	*image = (struct image){0, 0, NULL};
}

static size_t
size_of(const struct image *image)
{
	return (size_t)image->width * image->height * IMAGE_CHANNELS;
}

/* ---- PNG ---- */

/* The library's simple interface: no long jumps, every kind of PNG becomes RGBA. */
static bool
read_png(const uint8_t *bytes, size_t size, struct image *out)
{
	png_image png = {.version = PNG_IMAGE_VERSION};
	bool read = png_image_begin_read_from_memory(&png, bytes, size) != 0 &&
	    image_make(png.width, png.height, out);

	if (read) {
		png.format = PNG_FORMAT_RGBA;
		/* Without it 16 bits a channel are taken for linear light. */
		png.flags |= PNG_IMAGE_FLAG_16BIT_sRGB;
		read = png_image_finish_read(&png, NULL, out->pixels, 0, NULL) != 0;
	}
	png_image_free(&png);
	return read;
}

uint8_t *
image_write_png(const struct image *image, size_t *size)
{
	png_image png = {
	    .version = PNG_IMAGE_VERSION,
	    .width = image->width,
	    .height = image->height,
	    .format = PNG_FORMAT_RGBA,
	};
	/* What deflate cannot shrink grows by far less than this. */
	png_alloc_size_t room = size_of(image) + size_of(image) / 64 + 4096;
	uint8_t *bytes = malloc(room);

	if (bytes &&
	    png_image_write_to_memory(&png, bytes, &room, 0, image->pixels, 0, NULL) ==
		0) {
		free(bytes);
		bytes = NULL;
	}
	png_image_free(&png);
	*size = bytes ? room : 0;
	return bytes;
}

/* ---- WebP ---- */

static bool
read_webp_frame(const uint8_t *bytes, size_t size, struct image *out)
{
	WebPData data = {bytes, size};
	WebPAnimDecoderOptions options;
	uint8_t *canvas = NULL; /* the decoder's own */
	int at_ms = 0;

	if (!WebPAnimDecoderOptionsInit(&options)) {
		return false;
	}
	options.color_mode = MODE_RGBA;
	options.use_threads = 0;
	WebPAnimDecoder *decoder = WebPAnimDecoderNew(&data, &options);
	WebPAnimInfo info = {0};
	/* Its own reading of the size decides what it writes. */
	bool read = decoder && WebPAnimDecoderGetInfo(decoder, &info) &&
	    info.canvas_width == out->width && info.canvas_height == out->height &&
	    WebPAnimDecoderGetNext(decoder, &canvas, &at_ms);

	if (read) {
		memcpy(out->pixels, canvas, size_of(out));
	}
	WebPAnimDecoderDelete(decoder);
	return read;
}

static bool
read_webp(const uint8_t *bytes, size_t size, struct image *out)
{
	WebPBitstreamFeatures features;

	if (WebPGetFeatures(bytes, size, &features) != VP8_STATUS_OK ||
	    features.width <= 0 || features.height <= 0 ||
	    !image_make((uint32_t)features.width, (uint32_t)features.height, out)) {
		return false;
	}
	if (features.has_animation) {
		return read_webp_frame(bytes, size, out);
	}
	return WebPDecodeRGBAInto(bytes, size, out->pixels, size_of(out),
		   (int)(out->width * IMAGE_CHANNELS)) != NULL;
}

/* ---- which one it is ---- */

static bool
begins_with(const uint8_t *bytes, size_t size, const char *magic, size_t magic_size)
{
	return size >= magic_size && memcmp(bytes, magic, magic_size) == 0;
}

bool
image_read(const uint8_t *bytes, size_t size, struct image *out)
{
	bool read = false;

	*out = (struct image){0, 0, NULL};
	if (begins_with(bytes, size, "\x89PNG\r\n\x1a\n", 8)) {
		read = read_png(bytes, size, out);
	} else if (begins_with(bytes, size, "GIF87a", 6) ||
	    begins_with(bytes, size, "GIF89a", 6)) {
		read = image_read_gif(bytes, size, out);
	} else if (begins_with(bytes, size, "RIFF", 4) && size >= 12 &&
	    memcmp(bytes + 8, "WEBP", 4) == 0) {
		read = read_webp(bytes, size, out);
	}
	if (!read) {
		image_free(out);
	}
	return read;
}
