/*
 * Sixty-four bytes at a time; masks take what is left at the end.
 *
 * UTF-8 by three table look-ups for each pair of neighbours (Keiser and Lemire,
 * "Validating UTF-8 In Less Than One Instruction Per Byte", 2021): what the first one's
 * halves and the second one's upper half allow to be wrong is wrong where all three do.
 * That finds every fault of one pair; what is left is where the third and the fourth
 * byte of a character must stand.
 *
 * Most blocks have nothing to look at, and where the others are nothing tells: a branch
 * for each costs more than the look.  So a chunk of blocks is gone over first, to list
 * those that need one.  Each begins with the last bytes of the one before, so that it
 * can be judged by itself: a character that one block cuts is whole in the next.
 */
#include "text_scan_avx512.h"

#ifdef __x86_64__
#include <immintrin.h>
#include <stdbool.h>
#include <stdint.h>

#define WIDE  __attribute__((target("avx512f,avx512bw")))
#define BLOCK 64

/* Of the longest character all but one byte are seen twice. */
#define OVERLAP 3
#define STRIDE  (BLOCK - OVERLAP)

/* So few that what was gone over is still near when it is looked at. */
#define CHUNK_BLOCKS 64

/* What can be wrong with two neighbours. */
#define TOO_SHORT  0x01 /* a lead without what follows it */
#define TOO_LONG   0x02 /* ASCII, and then what follows a lead */
#define OVERLONG_3 0x04
#define TOO_LARGE  0x08 /* F4 90 and above */
#define SURROGATE  0x10
#define OVERLONG_2 0x20
#define OUTSIDE_4  0x40 /* of four bytes: F0 80, overlong, or F5 80 and above */
#define TWO_FOLLOW 0x80 /* wrong unless it is a third or fourth byte */
#define EITHER     (TOO_SHORT | TOO_LONG | TWO_FOLLOW) /* whatever the lower half */

/* Four, and eight, entries of a table in a row. */
#define FOUR(wrong)  (wrong), (wrong), (wrong), (wrong)
#define EIGHT(wrong) FOUR(wrong), FOUR(wrong)

/* By the upper half of the first byte, its lower half, the upper half of the second. */
static const unsigned char by_first_upper[16] = {
    EIGHT(TOO_LONG),
    FOUR(TWO_FOLLOW),
    TOO_SHORT | OVERLONG_2,
    TOO_SHORT,
    TOO_SHORT | OVERLONG_3 | SURROGATE,
    TOO_SHORT | TOO_LARGE | OUTSIDE_4,
};
static const unsigned char by_first_lower[16] = {
    EITHER | OVERLONG_2 | OVERLONG_3 | OUTSIDE_4,
    EITHER | OVERLONG_2,
    EITHER,
    EITHER,
    EITHER | TOO_LARGE,
    EIGHT(EITHER | TOO_LARGE | OUTSIDE_4),
    EITHER | TOO_LARGE | OUTSIDE_4 | SURROGATE,
    EITHER | TOO_LARGE | OUTSIDE_4,
    EITHER | TOO_LARGE | OUTSIDE_4,
};
static const unsigned char by_second_upper[16] = {
    EIGHT(TOO_SHORT),
    TOO_LONG | TWO_FOLLOW | OVERLONG_2 | OVERLONG_3 | OUTSIDE_4,
    TOO_LONG | TWO_FOLLOW | OVERLONG_2 | OVERLONG_3 | TOO_LARGE,
    TOO_LONG | TWO_FOLLOW | OVERLONG_2 | SURROGATE | TOO_LARGE,
    TOO_LONG | TWO_FOLLOW | OVERLONG_2 | SURROGATE | TOO_LARGE,
    FOUR(TOO_SHORT),
};

static inline WIDE __m512i
all_of(int byte)
{
	return _mm512_set1_epi8((char)byte);
}

/* What is left, up to a block. */
static inline WIDE __mmask64
valid_bytes(size_t left)
{
	return left < BLOCK ? (UINT64_C(1) << left) - 1 : UINT64_MAX;
}

static inline WIDE __m512i
look_up(const unsigned char table[16], __m512i halves)
{
	__m128i entries = _mm_loadu_si128((const __m128i *)(const void *)table);

	return _mm512_shuffle_epi8(_mm512_broadcast_i32x4(entries), halves);
}

static inline WIDE __m512i
lower_half(__m512i bytes)
{
	return _mm512_and_si512(bytes, all_of(0x0F));
}

static inline WIDE __m512i
upper_half(__m512i bytes)
{
	return lower_half(_mm512_srli_epi16(bytes, 4));
}

static inline WIDE __m512i
wrong_pairs(__m512i first, __m512i second)
{
	return _mm512_and_si512(_mm512_and_si512(look_up(by_first_upper,
						     upper_half(first)),
				    look_up(by_first_lower, lower_half(first))),
	    look_up(by_second_upper, upper_half(second)));
}

/* A bit for each byte of a block that is wrong.  A character that the block's end cuts
 * is not; of its first OVERLAP bytes only those that begin the text are judged rightly.
 */
static inline WIDE __mmask64
wrong_utf8(__m512i block)
{
	/* Bytes move within lanes of 16 only: the lane before each. */
	__m512i lanes = _mm512_alignr_epi64(block, _mm512_setzero_si512(), 6);
	__m512i one_back = _mm512_alignr_epi8(block, lanes, 15);
	__m512i two_back = _mm512_alignr_epi8(block, lanes, 14);
	__m512i three_back = _mm512_alignr_epi8(block, lanes, 13);
	/* With bit 7 set behind E0 and above, and behind F0 and above. */
	__m512i third = _mm512_subs_epu8(two_back, all_of(0xE0 - 0x80));
	__m512i fourth = _mm512_subs_epu8(three_back, all_of(0xF0 - 0x80));
	__m512i must_follow =
	    _mm512_and_si512(_mm512_or_si512(third, fourth), all_of(0x80));
	__m512i wrong = _mm512_xor_si512(must_follow, wrong_pairs(one_back, block));

	return _mm512_test_epi8_mask(wrong, wrong);
}

/* Braces with another payload or white space behind them. */
static inline WIDE __mmask64
ends_of_payload(__m512i block, __m512i next)
{
	__mmask64 brace = _mm512_cmpeq_epi8_mask(block, all_of('}'));

	return _mm512_mask_cmpeq_epi8_mask(brace, next, all_of('{')) |
	    _mm512_mask_cmpeq_epi8_mask(brace, next, all_of(' '));
}

/* As signed numbers all but ASCII are below it, too. */
static inline WIDE __mmask64
below_space(__m512i block)
{
	return _mm512_cmplt_epi8_mask(block, all_of(' '));
}

static inline WIDE __mmask64
controls(__m512i block)
{
	return _mm512_cmplt_epu8_mask(block, all_of(' '));
}

/* What is behind the text counts as this, which is sound. */
static inline WIDE __m512i
load(const unsigned char *at, __mmask64 valid)
{
	return _mm512_mask_loadu_epi8(all_of('a'), valid, at);
}

/* Is there anything to look at? */
static inline WIDE bool
is_of_note(const unsigned char *at, __mmask64 valid, bool payload)
{
	__m512i block = load(at, valid);

	if (!payload) {
		return _mm512_movepi8_mask(block) != 0;
	}
	return (below_space(block) | ends_of_payload(block, load(at + 1, valid))) != 0;
}

/* A bit for each byte that is wrong in a block of note. */
static inline WIDE __mmask64
look_at(const unsigned char *at, __mmask64 valid, bool first, bool payload)
{
	__mmask64 judged = first ? UINT64_MAX : UINT64_MAX << OVERLAP;
	__m512i block = load(at, valid);
	__mmask64 wrong = wrong_utf8(block) & judged;

	if (payload) {
		wrong |= controls(block) | ends_of_payload(block, load(at + 1, valid));
	}
	return wrong & valid;
}

/* How many bytes of a character that is not whole are the last ones of size. */
static inline size_t
unfinished(const unsigned char *data, size_t size)
{
	static const unsigned char least_lead[] = {0xC0, 0xE0, 0xF0};

	for (size_t back = 1; back <= sizeof least_lead && back <= size; back++) {
		if (data[size - back] >= least_lead[back - 1]) {
			return back;
		}
	}
	return 0;
}

/* The blocks of note from *at on, in their order; *at moves behind the chunk. */
static inline WIDE size_t
list_blocks(const unsigned char *data, size_t size, size_t *at, bool payload,
    size_t list[CHUNK_BLOCKS])
{
	size_t count = 0;
	size_t left = CHUNK_BLOCKS;

	for (; left > 0 && size - *at >= BLOCK; left--) {
		list[count] = *at;
		count += is_of_note(data + *at, UINT64_MAX, payload);
		*at += STRIDE;
	}
	if (left > 0) {
		list[count] = *at;
		count += is_of_note(data + *at, valid_bytes(size - *at), payload);
		*at = size;
	}
	return count;
}

static inline WIDE size_t
scan(const unsigned char *data, size_t size, bool payload)
{
	size_t list[CHUNK_BLOCKS];
	size_t at = 0;

	while (at < size) {
		size_t count = list_blocks(data, size, &at, payload, list);

		for (size_t i = 0; i < count; i++) {
			size_t from = list[i];
			__mmask64 wrong = look_at(data + from, valid_bytes(size - from),
			    from == 0, payload);

			if (wrong != 0) {
				size = from + (size_t)__builtin_ctzll(wrong);
				return size - unfinished(data, size);
			}
		}
	}
	return size - unfinished(data, size);
}

WIDE size_t
text_scan_avx512_utf8(const unsigned char *data, size_t size)
{
	return scan(data, size, false);
}

WIDE size_t
text_scan_avx512_payload(const unsigned char *data, size_t size)
{
	return scan(data, size, true);
}
#endif
