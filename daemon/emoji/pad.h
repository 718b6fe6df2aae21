/*
 * From any picture to an emoji of one size: trims transparent borders, scales the
 * longer side to a part of the canvas, centres.  Pure.
 */
#ifndef GWBOT_PAD_H
#define GWBOT_PAD_H

#include "image.h"

#define PAD_SIDE_MIN  64U
#define PAD_SIDE_MAX  512U
#define PAD_BOX_MIN   200U /* thousandths of the side */
#define PAD_BOX_MAX   950U
#define PAD_BOX_WHOLE 1000U

/**
 * Fills out with side x side pixels; free it with image_free().
 *
 * A picture that is transparent throughout gives a transparent canvas.  False without
 * memory.  side and box are within the limits above.
 */
bool pad_image(const struct image *in, uint32_t side, uint32_t box, struct image *out);

#endif
