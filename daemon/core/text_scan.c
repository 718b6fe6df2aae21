/*
 * By sixteen bytes where the processor has SSE2, as all of x86-64 have, by eight
 * elsewhere; or by sixty-four (text_scan_avx512.c).
 *
 * UTF-8 goes by blocks of whole characters of up to three bytes, which nearly all text
 * has: their places are compared as sets of bits, since a branch for each character
 * costs more than all the rest.
 */
#include "text_scan.h"

#include <endian.h>
#include <stdint.h>
#include <string.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "text_scan_avx512.h"

#define BLOCK 64

/* Tests leave out what is wider, so that what other processors do is tested on any. */
#ifndef TEXT_SCAN_WIDEST
#define TEXT_SCAN_WIDEST 64
#endif

#if defined __x86_64__ && TEXT_SCAN_WIDEST >= 64
#define HAS_AVX512 __builtin_cpu_supports("avx512bw")
#else
#define HAS_AVX512 0
#endif

#if defined __SSE2__ && TEXT_SCAN_WIDEST >= 16
#define LANE  16
#define LANES (BLOCK / LANE)

/* Bytes as signed numbers: 80 to BF, which follow, are the least of all. */
#define LEAST_LEAD  (-62) /* C2 */
#define LEAST_THREE (-32) /* E0: only some may follow it, so it is left out */
#define SURROGATE   (-19) /* ED: the same */
#define LEAST_FOUR  (-16) /* F0 */
#define LEAST_TO_C0 (-64)

static inline __m128i
load(const unsigned char *data)
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
whole_characters(const unsigned char *data)
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
sound_utf8(const unsigned char *data)
{
	__m128i all = _mm_or_si128(_mm_or_si128(load(data), load(data + LANE)),
	    _mm_or_si128(load(data + 2 * (size_t)LANE), load(data + 3 * (size_t)LANE)));

	return _mm_movemask_epi8(all) == 0 ? BLOCK : whole_characters(data);
}

/* Marks of control characters, and of braces with another payload or white space behind
 * them; the byte behind the lane is looked at, too. */
static inline __m128i
wrong_payload(const unsigned char *at)
{
	__m128i lane = load(at);
	__m128i next = load(at + 1);
	__m128i low = _mm_cmpeq_epi8(_mm_min_epu8(lane, _mm_set1_epi8(' ' - 1)), lane);
	__m128i brace = _mm_cmpeq_epi8(lane, _mm_set1_epi8('}'));
	/* Without a branch for braces: nothing tells where the next one is. */
	__m128i begin = _mm_or_si128(_mm_cmpeq_epi8(next, _mm_set1_epi8('{')),
	    _mm_cmpeq_epi8(next, _mm_set1_epi8(' ')));

	return _mm_or_si128(low, _mm_and_si128(brace, begin));
}

/* As sound_utf8(); 0 also where something else is wrong. */
static inline size_t
sound_block(const unsigned char *data)
{
	__m128i wrong =
	    _mm_or_si128(_mm_or_si128(wrong_payload(data), wrong_payload(data + LANE)),
		_mm_or_si128(wrong_payload(data + 2 * (size_t)LANE),
		    wrong_payload(data + 3 * (size_t)LANE)));

	return _mm_movemask_epi8(wrong) == 0 ? sound_utf8(data) : 0;
}

/* What is left behind the blocks, up to what is wrong or not ASCII. */
static inline size_t
sound_lanes(const unsigned char *data, size_t size)
{
	size_t done = 0;

	while (size - done >= LANE) {
		__m128i lane = load(data + done);
		unsigned marks = (unsigned)_mm_movemask_epi8(
		    _mm_or_si128(lane, wrong_payload(data + done)));

		if (marks != 0) {
			return done + (size_t)__builtin_ctz(marks);
		}
		done += LANE;
	}
	return done;
}

static inline size_t
sound_payload(const unsigned char *data, size_t size)
{
	size_t done = 0;
	size_t sound = BLOCK;

	while (size - done >= BLOCK && sound > 0) {
		sound = sound_block(data + done);
		done += sound;
	}
	return done + sound_lanes(data + done, size - done);
}
#else
static inline size_t
sound_utf8(const unsigned char *data)
{
	for (size_t done = 0; done < BLOCK; done += sizeof(uint64_t)) {
		uint64_t eight;

		memcpy(&eight, data + done, sizeof eight);
		uint64_t marks = le64toh(eight) & UINT64_C(0x8080808080808080);

		if (marks != 0) {
			return done + (size_t)__builtin_ctzll(marks) / 8;
		}
	}
	return BLOCK;
}

static inline size_t
sound_payload(const unsigned char *data, size_t size)
{
	(void)data;
	(void)size;
	return 0;
}
#endif

size_t
text_scan_utf8(const unsigned char *data, size_t size)
{
	if (HAS_AVX512) {
		return text_scan_avx512_utf8(data, size);
	}
	size_t done = 0;
	size_t sound = BLOCK;

	while (size - done >= BLOCK && sound > 0) {
		sound = sound_utf8(data + done);
		done += sound;
	}
	return done;
}

size_t
text_scan_payload(const unsigned char *data, size_t size)
{
	return HAS_AVX512 ? text_scan_avx512_payload(data, size) :
			    sound_payload(data, size);
}
