/* Emoji: what is trimmed, how large it gets, and where it comes to lie. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "pad.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

static void
put(const struct image *image, uint32_t x, uint32_t y, uint32_t rgba)
{
	uint8_t *pixel = image_at(image, x, y);

	pixel[0] = (uint8_t)(rgba >> 24);
	pixel[1] = (uint8_t)(rgba >> 16);
	pixel[2] = (uint8_t)(rgba >> 8);
	pixel[3] = (uint8_t)rgba;
}

/* A transparent image with a filled rectangle in it. */
static struct image
with_rectangle(uint32_t width, uint32_t height, uint32_t left, uint32_t top,
    uint32_t right, uint32_t bottom, uint32_t rgba)
{
	struct image image;

	assert_true(image_make(width, height, &image));
	for (uint32_t y = top; y < bottom; y++) {
		for (uint32_t x = left; x < right; x++) {
			put(&image, x, y, rgba);
		}
	}
	return image;
}

/* The bounds of what can be seen, found the slow way. */
static void
bounds_of(const struct image *image, uint32_t out[4])
{
	out[0] = image->width;
	out[1] = image->height;
	out[2] = 0;
	out[3] = 0;
	for (uint32_t y = 0; y < image->height; y++) {
		for (uint32_t x = 0; x < image->width; x++) {
			if (image_at(image, x, y)[3] == 0) {
				continue;
			}
			out[0] = x < out[0] ? x : out[0];
			out[1] = y < out[1] ? y : out[1];
			out[2] = x + 1 > out[2] ? x + 1 : out[2];
			out[3] = y + 1 > out[3] ? y + 1 : out[3];
		}
	}
}

static void
the_longer_side_gets_its_part_of_the_canvas_and_lies_in_the_middle(void **state)
{
	static const struct {
		uint32_t width, height; /* of what can be seen */
		uint32_t side, box;
		uint32_t want[4]; /* left, top, right, bottom */
	} cases[] = {
	    {10, 10, 100, 500, {25, 25, 75, 75}},
	    {20, 10, 100, 500, {25, 38, 75, 63}},
	    {10, 20, 100, 500, {38, 25, 63, 75}},
	    {48, 48, 256, 850, {19, 19, 237, 237}},
	    {1, 1, 64, 200, {26, 26, 39, 39}},
	    {300, 1, 64, 950, {2, 32, 63, 33}},
	    {1, 300, 64, 950, {32, 2, 33, 63}},
	    {700, 700, 512, 950, {13, 13, 499, 499}},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct image in =
		    with_rectangle(cases[i].width + 7, cases[i].height + 3, 2, 1,
			2 + cases[i].width, 1 + cases[i].height, 0x10F0A0FF);
		struct image out;
		uint32_t bounds[4];

		assert_true(pad_image(&in, cases[i].side, cases[i].box, &out));
		assert_int_equal(out.width, cases[i].side);
		assert_int_equal(out.height, cases[i].side);
		bounds_of(&out, bounds);
		if (memcmp(bounds, cases[i].want, sizeof bounds) != 0) {
			fail_msg("case %zu: %u %u %u %u", i, bounds[0], bounds[1],
			    bounds[2], bounds[3]);
		}
		image_free(&in);
		image_free(&out);
	}
}

static void
one_colour_stays_the_same_colour_at_every_size(void **state)
{
	static const uint32_t colours[] = {0xFF0000FF, 0x010203FF, 0xFFFFFF01,
	    0x7F80817F, 0x000000FF, 0xFFFFFFFF};
	static const uint32_t sizes[] = {1, 3, 50, 128, 300};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(colours); i++) {
		for (size_t j = 0; j < COUNT_OF(sizes); j++) {
			struct image in = with_rectangle(sizes[j], sizes[j], 0, 0,
			    sizes[j], sizes[j], colours[i]);
			struct image out;

			assert_true(pad_image(&in, 128, 500, &out));
			for (uint32_t x = 32; x < 96; x++) {
				assert_memory_equal(image_at(&out, x, 64),
				    image_at(&in, 0, 0), IMAGE_CHANNELS);
			}
			image_free(&in);
			image_free(&out);
		}
	}
}

static void
the_colour_of_what_cannot_be_seen_does_not_bleed_into_the_edge(void **state)
{
	struct image in = with_rectangle(64, 64, 0, 0, 64, 64, 0x00FF0000);
	struct image out;

	(void)state;
	for (uint32_t y = 10; y < 50; y++) {
		for (uint32_t x = 10; x < 50 - y / 4; x++) {
			put(&in, x, y, 0xFF0000FF);
		}
	}
	assert_true(pad_image(&in, 64, 850, &out));
	for (uint32_t y = 0; y < 64; y++) {
		for (uint32_t x = 0; x < 64; x++) {
			const uint8_t *pixel = image_at(&out, x, y);

			assert_int_equal(pixel[1], 0);
			assert_int_equal(pixel[0], pixel[3] ? 0xFF : 0);
		}
	}
	image_free(&in);
	image_free(&out);
}

static void
nothing_to_be_seen_gives_an_empty_canvas(void **state)
{
	struct image in = with_rectangle(5, 9, 0, 0, 5, 9, 0xFFFFFF00);
	struct image out;
	uint32_t bounds[4];

	(void)state;
	assert_true(pad_image(&in, 64, 850, &out));
	assert_int_equal(out.width, 64);
	bounds_of(&out, bounds);
	assert_int_equal(bounds[2], 0);
	image_free(&in);
	image_free(&out);
}

static void
an_image_beyond_the_limits_is_not_made(void **state)
{
	static const uint32_t cases[][2] = {{0, 1}, {1, 0}, {IMAGE_SIDE_MAX + 1, 1},
	    {1, IMAGE_SIDE_MAX + 1}, {UINT32_MAX, UINT32_MAX},
	    {IMAGE_SIDE_MAX, IMAGE_PIXELS_MAX / IMAGE_SIDE_MAX + 1}};
	struct image image;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		assert_false(image_make(cases[i][0], cases[i][1], &image));
		assert_null(image.pixels);
	}
	assert_true(
	    image_make(IMAGE_SIDE_MAX, IMAGE_PIXELS_MAX / IMAGE_SIDE_MAX, &image));
	image_free(&image);
}

static void
a_png_comes_back_as_it_was_written_and_no_part_of_it_does(void **state)
{
	struct image in = with_rectangle(17, 5, 2, 1, 9, 4, 0x20406080);
	struct image out;
	size_t size = 0;
	uint8_t *png = image_write_png(&in, &size);

	(void)state;
	assert_non_null(png);
	assert_true(image_read(png, size, &out));
	assert_int_equal(out.width, 17);
	assert_int_equal(out.height, 5);
	assert_memory_equal(out.pixels, in.pixels, (size_t)17 * 5 * IMAGE_CHANNELS);
	image_free(&out);
	for (size_t cut = 0; cut + 12 < size; cut++) { /* 12: the chunk IEND */
		assert_false(image_read(png, cut, &out));
		assert_null(out.pixels);
	}
	png[size / 2] ^= 1; /* no checksum fits any more */
	assert_false(image_read(png, size, &out));
	free(png);
	image_free(&in);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(
		the_longer_side_gets_its_part_of_the_canvas_and_lies_in_the_middle),
	    cmocka_unit_test(one_colour_stays_the_same_colour_at_every_size),
	    cmocka_unit_test(
		the_colour_of_what_cannot_be_seen_does_not_bleed_into_the_edge),
	    cmocka_unit_test(nothing_to_be_seen_gives_an_empty_canvas),
	    cmocka_unit_test(an_image_beyond_the_limits_is_not_made),
	    cmocka_unit_test(a_png_comes_back_as_it_was_written_and_no_part_of_it_does),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
