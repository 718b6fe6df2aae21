/*
 * The first picture of a GIF, on its screen.
 *
 * The library's calls for single records are used, not the one that reads the file as a
 * whole: of a million frames only one is looked at.
 */
#include <gif_lib.h>
#include <stdlib.h>
#include <string.h>

#include "image.h"

struct reader {
	const uint8_t *bytes;
	size_t left;
};

static int
read_some(GifFileType *gif, GifByteType *out, int wanted)
{
	struct reader *reader = gif->UserData;
	size_t size = wanted > 0 ? (size_t)wanted : 0;

	size = size < reader->left ? size : reader->left;
	memcpy(out, reader->bytes, size);
	reader->bytes += size;
	reader->left -= size;
	return (int)size;
}

static void
put_row(const struct image *out, const GifImageDesc *frame, const ColorMapObject *map,
    int transparent, uint32_t row, const GifPixelType *indices)
{
	uint8_t *pixel =
	    image_at(out, (uint32_t)frame->Left, (uint32_t)frame->Top + row);

	for (int x = 0; x < frame->Width; x++, pixel += IMAGE_CHANNELS) {
		int index = indices[x];

		if (index == transparent || index >= map->ColorCount) {
			continue; /* the screen is transparent where nothing is */
		}
		pixel[0] = map->Colors[index].Red;
		pixel[1] = map->Colors[index].Green;
		pixel[2] = map->Colors[index].Blue;
		pixel[3] = 0xFF;
	}
}

static bool
put_rows(GifFileType *gif, const struct image *out, int transparent)
{
	/* Interlaced: every eighth row, then those half-way, and so on. */
	static const uint32_t starts[] = {0, 4, 2, 1};
	static const uint32_t steps[] = {8, 8, 4, 2};
	const GifImageDesc *frame = &gif->Image;
	const ColorMapObject *map = frame->ColorMap ? frame->ColorMap : gif->SColorMap;
	GifPixelType indices[IMAGE_SIDE_MAX];
	unsigned passes = frame->Interlace ? 4 : 1;

	for (unsigned pass = 0; map && pass < passes; pass++) {
		uint32_t step = frame->Interlace ? steps[pass] : 1;

		for (uint32_t row = frame->Interlace ? starts[pass] : 0;
		     row < (uint32_t)frame->Height; row += step) {
			if (DGifGetLine(gif, indices, frame->Width) != GIF_OK) {
				return false;
			}
			put_row(out, frame, map, transparent, row, indices);
		}
	}
	return map != NULL;
}

/* The frame's header is read: makes the screen and fills it. */
static bool
read_frame(GifFileType *gif, int transparent, struct image *out)
{
	if (DGifGetImageDesc(gif) != GIF_OK) {
		return false;
	}
	const GifImageDesc *frame = &gif->Image;

	return gif->SWidth > 0 && gif->SHeight > 0 && frame->Width > 0 &&
	    frame->Height > 0 && frame->Left >= 0 && frame->Top >= 0 &&
	    frame->Left + frame->Width <= gif->SWidth &&
	    frame->Top + frame->Height <= gif->SHeight &&
	    image_make((uint32_t)gif->SWidth, (uint32_t)gif->SHeight, out) &&
	    put_rows(gif, out, transparent);
}

/* Reads an extension; the one that names the transparent colour is kept. */
static bool
read_extension(GifFileType *gif, int *transparent)
{
	GraphicsControlBlock control;
	GifByteType *block = NULL; /* its length first */
	int code = 0;
	int result = DGifGetExtension(gif, &code, &block);

	while (result == GIF_OK && block) {
		if (code == GRAPHICS_EXT_FUNC_CODE &&
		    DGifExtensionToGCB(block[0], block + 1, &control) == GIF_OK) {
			*transparent = control.TransparentColor;
		}
		result = DGifGetExtensionNext(gif, &block);
	}
	return result == GIF_OK;
}

bool
image_read_gif(const uint8_t *bytes, size_t size, struct image *out)
{
	struct reader reader = {bytes, size};
	int error = 0;
	GifFileType *gif = DGifOpen(&reader, read_some, &error);
	GifRecordType type = UNDEFINED_RECORD_TYPE;
	int transparent = NO_TRANSPARENT_COLOR;
	bool going = gif != NULL;
	bool read = false;

	while (going && !read) {
		going = DGifGetRecordType(gif, &type) == GIF_OK;
		if (going && type == IMAGE_DESC_RECORD_TYPE) {
			read = read_frame(gif, transparent, out);
			going = read;
		} else if (going && type == EXTENSION_RECORD_TYPE) {
			going = read_extension(gif, &transparent);
		} else {
			going = false;
		}
	}
	if (gif) {
		(void)DGifCloseFile(gif, &error);
	}
	return read;
}
