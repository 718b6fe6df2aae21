/*
 * Reading a dispatch from its front.
 *
 * Most of what a gateway sends is read by nobody here: of it the sequence and the name
 * are wanted, and both stand in front of d.  To find them costs the same for any d;
 * what is left per byte is a look at sixteen at a time for what no JSON holds, and for
 * the place where a second payload would begin.  Whatever is not as Discord writes it
 * is left to the full pass, so nothing here has to understand it.
 */
#include "payload.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif
#include <string.h>

#include "utf8.h"

/* Below 10^18, so that a sum of digits cannot overflow. */
#define DIGITS_MAX 18

enum part { PART_TYPE = 1, PART_SEQ = 2, PART_OP = 4, PART_ALL = 7 };

/* ---- the front ----
 * As in payload_scan.c each function takes a place and gives the one behind what it
 * recognises, or NULL. */

static const unsigned char *
walk_literal(const unsigned char *at, const unsigned char *end, const char *text,
    size_t size)
{
	bool same = (size_t)(end - at) >= size && memcmp(at, text, size) == 0;

	return same ? at + size : NULL;
}

/* A name as Discord writes them, without an escape. */
static const unsigned char *
walk_type(const unsigned char *at, const unsigned char *end, struct payload *found)
{
	const unsigned char *from = at + 1;

	if (at == end || *at != '"') {
		return NULL;
	}
	for (at = from; at < end; at++) {
		bool plain = (*at >= 'A' && *at <= 'Z') || *at == '_' ||
		    (*at >= '0' && *at <= '9');

		if (!plain) {
			break;
		}
	}
	if (at == from || at == end || *at != '"') {
		return NULL;
	}
	found->type = (struct slice){(const char *)from, (size_t)(at - from)};
	return at + 1;
}

static const unsigned char *
walk_natural(const unsigned char *at, const unsigned char *end, int64_t *number)
{
	const unsigned char *from = at;
	int64_t sum = 0;

	while (at < end && *at >= '0' && *at <= '9' && at - from < DIGITS_MAX) {
		sum = sum * 10 + (*at++ - '0');
	}
	if (at == from || (*from == '0' && at - from > 1)) {
		return NULL;
	}
	*number = sum;
	return at;
}

/* One member in front of d, with its comma; which one is added to parts, where it may
 * be only once. */
static const unsigned char *
walk_member(const unsigned char *at, const unsigned char *end, struct payload *found,
    unsigned *parts)
{
	const unsigned char *value;
	unsigned part = 0;

	if ((value = walk_literal(at, end, "\"t\":", 4)) != NULL) {
		part = PART_TYPE;
		at = walk_type(value, end, found);
	} else if ((value = walk_literal(at, end, "\"s\":", 4)) != NULL) {
		part = PART_SEQ;
		at = walk_natural(value, end, &found->seq);
	} else if ((value = walk_literal(at, end, "\"op\":", 5)) != NULL) {
		part = PART_OP;
		at = walk_natural(value, end, &found->op);
	}
	if (part == 0 || !at || at == end || *at != ',' || (*parts & part) != 0) {
		return NULL;
	}
	*parts |= part;
	return at + 1;
}

/* To the value of d. */
static const unsigned char *
walk_front(const unsigned char *at, const unsigned char *end, struct payload *found)
{
	unsigned parts = 0;

	if (at == end || *at != '{') {
		return NULL;
	}
	at++;
	while (at && parts != PART_ALL) {
		at = walk_member(at, end, found, &parts);
	}
	return at && found->op == PAYLOAD_DISPATCH ?
	    walk_literal(at, end, "\"d\":", 4) :
	    NULL;
}

/* ---- what follows ---- */

/* Between two payloads stands "}{", with white space or without; inside of one that is
 * only in a string, which the full pass can tell. */
static inline bool
may_end_payload(const unsigned char *at)
{
	return at[0] == '}' && (at[1] == '{' || at[1] == ' ');
}

static inline bool
is_sound(const unsigned char *at, bool known_utf8)
{
	return *at >= ' ' && (*at < 0x80 || known_utf8) && !may_end_payload(at);
}

#ifdef __SSE2__
#define BLOCK 16

static inline __m128i
load(const unsigned char *at)
{
	return _mm_loadu_si128((const __m128i *)(const void *)at);
}

/* A bit for each of the 16 bytes that is not sound; the one behind them is looked at,
 * too. */
static inline unsigned
mark_unsound(const unsigned char *at, bool known_utf8)
{
	__m128i block = load(at);
	__m128i controls = _mm_set1_epi8(' ' - 1);
	/* As signed numbers what is not ASCII is below a space, too. */
	__m128i low = known_utf8 ?
	    _mm_cmpeq_epi8(_mm_min_epu8(block, controls), block) :
	    _mm_cmplt_epi8(block, _mm_set1_epi8(' '));
	__m128i brace = _mm_cmpeq_epi8(block, _mm_set1_epi8('}'));
	/* Without a branch for braces: nothing tells where the next one is. */
	__m128i next = load(at + 1);
	__m128i begin = _mm_or_si128(_mm_cmpeq_epi8(next, _mm_set1_epi8('{')),
	    _mm_cmpeq_epi8(next, _mm_set1_epi8(' ')));

	return (unsigned)_mm_movemask_epi8(
	    _mm_or_si128(low, _mm_and_si128(brace, begin)));
}
#endif

/* Text without control characters and without an end of a payload, which is ASCII
 * where it is not known to be UTF-8; last, behind all of it, is readable. */
static inline const unsigned char *
skip_sound(const unsigned char *at, const unsigned char *last, bool known_utf8)
{
#ifdef __SSE2__
	while (last - at >= BLOCK) {
		unsigned marks = mark_unsound(at, known_utf8);

		if (marks != 0) {
			return at + __builtin_ctz(marks);
		}
		at += BLOCK;
	}
#endif
	while (at < last && is_sound(at, known_utf8)) {
		at++;
	}
	return at;
}

static bool
is_sound_utf8(const unsigned char *at, const unsigned char *last)
{
	for (;;) {
		at = skip_sound(at, last, false);
		if (at == last) {
			return true;
		}
		size_t length = *at < 0x80 ? 0 : utf8_length(at, (size_t)(last - at));

		if (length == 0) {
			return false; /* or white space: the full pass can tell */
		}
		at += length;
	}
}

bool
payload_peek(struct slice bytes, struct payload *out)
{
	const unsigned char *at = (const unsigned char *)bytes.data;
	const unsigned char *end = at + bytes.size;

	out->has_seq = true;
	at = bytes.size > 0 ? walk_front(at, end, out) : NULL;
	out->data = (struct slice){(const char *)at, at ? (size_t)(end - at) : 0};
	return at != NULL;
}

bool
payload_skim(struct payload *peeked, bool known_utf8)
{
	const unsigned char *at = (const unsigned char *)peeked->data.data;
	const unsigned char *last = at + peeked->data.size - 1;

	peeked->data = (struct slice){NULL, 0};
	if (last - at < 2 || *at != '{' || last[-1] != '}' || *last != '}') {
		return false;
	}
	return known_utf8 ? skip_sound(at, last, true) == last :
			    is_sound_utf8(at, last);
}
