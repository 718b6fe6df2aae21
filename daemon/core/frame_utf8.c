/*
 * UTF-8 of text messages, across pieces.
 *
 * Sixty-four bytes at a time where they hold whole characters of up to three bytes,
 * which nearly all text does: their places are compared as sets of bits, since a branch
 * for each character costs more than all the rest.  Whatever else there is, and what is
 * wrong, is left to the way byte by byte.
 */
#include "frame.h"

#include <endian.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif
#include <string.h>

#define BLOCK 64

/* Leading bytes: how many follow, and the range of the first that does (RFC 3629 4). */
static bool
utf8_begin(struct frame_utf8 *utf8, uint8_t byte)
{
	if (byte < 0xC2 || byte > 0xF4) {
		return false;
	}
	utf8->missing = byte < 0xE0 ? 1 : byte < 0xF0 ? 2 : 3;
	utf8->low = byte == 0xE0 ? 0xA0 : byte == 0xF0 ? 0x90 : 0x80;
	utf8->high = byte == 0xED ? 0x9F : byte == 0xF4 ? 0x8F : 0xBF;
	return true;
}

static bool
utf8_follow(struct frame_utf8 *utf8, uint8_t byte)
{
	if (byte < utf8->low || byte > utf8->high) {
		return false;
	}
	utf8->missing--;
	utf8->low = 0x80;
	utf8->high = 0xBF;
	return true;
}

/* How many bytes at the front are ASCII; the last seven are not looked at. */
static size_t
ascii_size(const uint8_t *data, size_t size)
{
	size_t done = 0;

	while (size - done >= sizeof(uint64_t)) {
		uint64_t eight;

		memcpy(&eight, data + done, sizeof eight);
		uint64_t marks = le64toh(eight) & UINT64_C(0x8080808080808080);

		if (marks != 0) {
			return done + (size_t)__builtin_ctzll(marks) / 8;
		}
		done += sizeof eight;
	}
	return done;
}

static bool
step_bytes(struct frame_utf8 *utf8, const uint8_t *at, const uint8_t *end)
{
	while (at < end) {
		if (utf8->missing > 0) {
			if (!utf8_follow(utf8, *at++)) {
				return false;
			}
		} else if (*at >= 0x80) {
			if (!utf8_begin(utf8, *at++)) {
				return false;
			}
		} else {
			size_t ascii = ascii_size(at, (size_t)(end - at));

			at += ascii > 0 ? ascii : 1;
		}
	}
	return true;
}

#ifdef __SSE2__
#define LANE  16
#define LANES (BLOCK / LANE)

/* Bytes as signed numbers: 80 to BF, which follow, are the least of all. */
#define LEAST_LEAD  (-62) /* C2 */
#define LEAST_THREE (-32) /* E0: only some may follow it, so it is left out */
#define SURROGATE   (-19) /* ED: the same */
#define LEAST_FOUR  (-16) /* F0 */
#define LEAST_TO_C0 (-64)

static inline __m128i
load(const uint8_t *data)
{
	return _mm_loadu_si128((const __m128i *)(const void *)data);
}

/* A set bit for each byte of a lane that is marked, at the lane's place in a block. */
static inline uint64_t
bits_of(__m128i marks, unsigned lane)
{
	return (uint64_t)(unsigned)_mm_movemask_epi8(marks) << (lane * LANE);
}

static inline __m128i
between(__m128i bytes, int least, int past)
{
	return _mm_and_si128(_mm_cmpgt_epi8(bytes, _mm_set1_epi8((char)(least - 1))),
	    _mm_cmplt_epi8(bytes, _mm_set1_epi8((char)past)));
}

/* How many bytes of a block that begins with a character are whole characters of up to
 * three bytes; 0 where others are among them. */
static size_t
whole_characters(const uint8_t *data)
{
	uint64_t high = 0;
	uint64_t follow = 0;
	uint64_t two = 0;
	uint64_t three = 0;

	for (unsigned lane = 0; lane < LANES; lane++) {
		__m128i bytes = load(data + (size_t)lane * LANE);
		__m128i surrogate = _mm_cmpeq_epi8(bytes, _mm_set1_epi8(SURROGATE));

		high |= bits_of(bytes, lane);
		follow |=
		    bits_of(_mm_cmplt_epi8(bytes, _mm_set1_epi8(LEAST_TO_C0)), lane);
		two |= bits_of(between(bytes, LEAST_LEAD, LEAST_THREE), lane);
		three |= bits_of(_mm_andnot_si128(surrogate,
				     between(bytes, LEAST_THREE + 1, LEAST_FOUR)),
		    lane);
	}
	uint64_t leads = two | three;
	uint64_t wanted = leads << 1 | three << 2;

	if (high != (follow | leads) || wanted != follow) {
		return 0;
	}
	/* The last one may lack what is behind the block: the next one begins there. */
	bool cut = (leads >> (BLOCK - 1) | three >> (BLOCK - 2)) != 0;

	return cut ? (size_t)(BLOCK - 1 - __builtin_clzll(leads)) : BLOCK;
}

static inline size_t
sound_size(const uint8_t *data)
{
	__m128i all = _mm_or_si128(_mm_or_si128(load(data), load(data + LANE)),
	    _mm_or_si128(load(data + 2 * (size_t)LANE), load(data + 3 * (size_t)LANE)));

	return _mm_movemask_epi8(all) == 0 ? BLOCK : whole_characters(data);
}
#else
static inline size_t
sound_size(const uint8_t *data)
{
	return ascii_size(data, BLOCK);
}
#endif

bool
frame_utf8_step(struct frame_utf8 *utf8, const void *data, size_t size)
{
	const uint8_t *at = data;
	const uint8_t *end = at + size;

	while (at < end) {
		bool whole = end - at >= BLOCK;
		size_t sound = whole && utf8->missing == 0 ? sound_size(at) : 0;
		const uint8_t *stop = whole ? at + BLOCK : end;

		if (sound == 0 && !step_bytes(utf8, at, stop)) {
			return false;
		}
		at = sound > 0 ? at + sound : stop;
	}
	return true;
}
