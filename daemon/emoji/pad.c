/*
 * The scaling is Lanczos with three lobes, one axis after the other, on the stored
 * values (no linear light) weighted by their alpha, each pass clamped to what a pixel
 * can hold.  This is what `convert -filter Lanczos -resize` does, with which the tests
 * compare it.
 */
#include "pad.h"

#include <math.h>
#include <stdlib.h>

#define LOBES 3.0F
#define PI    3.14159265F

struct rect {
	uint32_t x, y, width, height;
};

/* Pixels with premultiplied channels from 0 to 1. */
struct plane {
	uint32_t width;
	uint32_t height;
	float *values;
};

/* The inputs of one output pixel along an axis. */
struct window {
	uint32_t first;
	uint32_t count;
	float *weights;
};

/* ---- trimming ---- */

static bool
row_is_empty(const struct image *image, uint32_t y)
{
	for (uint32_t x = 0; x < image->width; x++) {
		if (image_at(image, x, y)[3] != 0) {
			return false;
		}
	}
	return true;
}

static bool
column_is_empty(const struct image *image, uint32_t x)
{
	for (uint32_t y = 0; y < image->height; y++) {
		if (image_at(image, x, y)[3] != 0) {
			return false;
		}
	}
	return true;
}

/* The smallest rectangle with all that can be seen; false where nothing can. */
static bool
find_visible(const struct image *image, struct rect *out)
{
	uint32_t top = 0;
	uint32_t bottom = image->height;
	uint32_t left = 0;
	uint32_t right = image->width;

	while (top < bottom && row_is_empty(image, top)) {
		top++;
	}
	if (top == bottom) {
		return false;
	}
	while (row_is_empty(image, bottom - 1)) {
		bottom--;
	}
	while (column_is_empty(image, left)) {
		left++;
	}
	while (column_is_empty(image, right - 1)) {
		right--;
	}
	*out = (struct rect){left, top, right - left, bottom - top};
	return true;
}

/* ---- scaling ---- */

static float
lanczos(float x)
{
	if (x == 0.0F) {
		return 1.0F;
	}
	if (fabsf(x) >= LOBES) {
		return 0.0F;
	}
	return LOBES * sinf(PI * x) * sinf(PI * x / LOBES) / (PI * PI * x * x);
}

/* Weights that the window of any output pixel needs at most. */
static size_t
window_room(uint32_t from, uint32_t to)
{
	return (size_t)(2.0F * LOBES * ((float)from / (float)to + 1.0F)) + 4;
}

/* What of `from` inputs makes output `at` of `to`; the weights sum up to 1. */
static void
window_set(struct window *window, uint32_t from, uint32_t to, uint32_t at)
{
	float ratio = (float)from / (float)to;
	float stretch = ratio > 1.0F ? ratio : 1.0F;
	float reach = LOBES * stretch;
	float centre = ((float)at + 0.5F) * ratio;
	float first = centre - reach + 0.5F;
	float end = centre + reach + 0.5F;
	float sum = 0.0F;

	window->first = first > 0.0F ? (uint32_t)first : 0;
	uint32_t last = end < (float)from ? (uint32_t)end : from;

	window->count = last - window->first;
	for (uint32_t i = 0; i < window->count; i++) {
		window->weights[i] =
		    lanczos(((float)(window->first + i) + 0.5F - centre) / stretch);
		sum += window->weights[i];
	}
	for (uint32_t i = 0; i < window->count; i++) {
		window->weights[i] /= sum;
	}
}

static float
clamp(float value, float most)
{
	return value > 0.0F ? (value < most ? value : most) : 0.0F;
}

/* A weighted sum of pixels as one that can be: alpha within 0 and 1, no colour brighter
 * than it. */
static void
put_sum(const float sum[IMAGE_CHANNELS], float *out)
{
	float alpha = sum[3];
	float shown = clamp(alpha, 1.0F);

	for (unsigned i = 0; i < 3; i++) {
		out[i] = alpha > 0.0F ? clamp(sum[i] / alpha, 1.0F) * shown : 0.0F;
	}
	out[3] = shown;
}

static bool
plane_make(struct plane *plane, uint32_t width, uint32_t height)
{
	if (width == 0 || height == 0) {
		return false;
	}
	plane->width = width;
	plane->height = height;
	plane->values =
	    calloc((size_t)width * height, IMAGE_CHANNELS * sizeof *plane->values);
	return plane->values != NULL;
}

/* The part of the image, premultiplied. */
static bool
plane_from(struct plane *plane, const struct image *in, const struct rect *part)
{
	if (!plane_make(plane, part->width, part->height)) {
		return false;
	}
	float *to = plane->values;

	for (uint32_t y = 0; y < part->height; y++) {
		const uint8_t *from = image_at(in, part->x, part->y + y);

		for (uint32_t x = 0; x < part->width; x++) {
			float alpha = (float)from[3] / 255.0F;

			to[0] = (float)from[0] / 255.0F * alpha;
			to[1] = (float)from[1] / 255.0F * alpha;
			to[2] = (float)from[2] / 255.0F * alpha;
			to[3] = alpha;
			to += IMAGE_CHANNELS;
			from += IMAGE_CHANNELS;
		}
	}
	return true;
}

/* The two ways through a plane: along the axis that is scaled, and from one line of
 * pixels to the next.  Steps are in values. */
struct axis {
	uint32_t size;
	size_t step;
	uint32_t lines;
	size_t line_step;
};

static struct axis
axis_of(const struct plane *plane, bool across)
{
	size_t row = (size_t)plane->width * IMAGE_CHANNELS;

	return across ?
	    (struct axis){plane->width, IMAGE_CHANNELS, plane->height, row} :
	    (struct axis){plane->height, row, plane->width, IMAGE_CHANNELS};
}

/* Fills out, which differs from in along one axis only. */
static bool
scale(const struct plane *in, const struct plane *out, bool across)
{
	struct axis from = axis_of(in, across);
	struct axis to = axis_of(out, across);
	struct window window = {
	    .weights = calloc(window_room(from.size, to.size), sizeof(float)),
	};

	for (uint32_t at = 0; window.weights && at < to.size; at++) {
		window_set(&window, from.size, to.size, at);
		for (uint32_t line = 0; line < to.lines; line++) {
			float sum[IMAGE_CHANNELS] = {0};
			const float *value = in->values + window.first * from.step +
			    line * from.line_step;

			for (uint32_t i = 0; i < window.count; i++) {
				for (unsigned c = 0; c < IMAGE_CHANNELS; c++) {
					sum[c] += window.weights[i] * value[c];
				}
				value += from.step;
			}
			put_sum(sum, out->values + at * to.step + line * to.line_step);
		}
	}
	free(window.weights);
	return window.weights != NULL;
}

/* A pixel as it is stored: nothing at all where it cannot be seen. */
static void
put_pixel(const float from[IMAGE_CHANNELS], uint8_t to[IMAGE_CHANNELS])
{
	uint8_t alpha = (uint8_t)(from[3] * 255.0F + 0.5F);

	for (unsigned c = 0; alpha > 0 && c < 3; c++) {
		to[c] = (uint8_t)(clamp(from[c] / from[3], 1.0F) * 255.0F + 0.5F);
	}
	to[3] = alpha;
}

/* Stores the plane with its top left pixel at (left, top). */
static void
plane_put(const struct plane *plane, const struct image *out, uint32_t left,
    uint32_t top)
{
	const float *from = plane->values;

	for (uint32_t y = 0; y < plane->height; y++) {
		for (uint32_t x = 0; x < plane->width; x++) {
			put_pixel(from, image_at(out, left + x, top + y));
			from += IMAGE_CHANNELS;
		}
	}
}

/* The shorter side, in proportion; one pixel at least. */
static uint32_t
in_proportion(uint32_t shorter, uint32_t longer, uint32_t wanted)
{
	uint32_t size = (2 * shorter * wanted + longer) / (2 * longer);

	return size > 0 ? size : 1;
}

/* Scales part to the size that out has. */
static bool
resize(const struct image *in, const struct rect *part, struct plane *out)
{
	struct plane whole = {0, 0, NULL};
	struct plane between = {0, 0, NULL};
	/* The axis that grows more comes first. */
	bool across_first =
	    (uint64_t)out->width * part->height > (uint64_t)out->height * part->width;
	bool done = plane_from(&whole, in, part) &&
	    plane_make(&between, across_first ? out->width : part->width,
		across_first ? part->height : out->height) &&
	    plane_make(out, out->width, out->height) &&
	    scale(&whole, &between, across_first) &&
	    scale(&between, out, !across_first);

	free(whole.values);
	free(between.values);
	return done;
}

bool
pad_image(const struct image *in, uint32_t side, uint32_t box, struct image *out)
{
	uint32_t wanted = (side * box + PAD_BOX_WHOLE / 2) / PAD_BOX_WHOLE;
	struct plane scaled = {wanted, wanted, NULL};
	struct rect part;

	if (!image_make(side, side, out)) {
		return false;
	}
	if (!find_visible(in, &part)) {
		return true;
	}
	if (part.width > part.height) {
		scaled.height = in_proportion(part.height, part.width, wanted);
	} else {
		scaled.width = in_proportion(part.width, part.height, wanted);
	}
	bool done = resize(in, &part, &scaled);

	if (done) {
		plane_put(&scaled, out, side / 2 - scaled.width / 2,
		    side / 2 - scaled.height / 2);
	} else {
		image_free(out);
	}
	free(scaled.values);
	return done;
}
