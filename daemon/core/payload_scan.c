/*
 * The grammar of RFC 8259.  NUL is legal nowhere in JSON text, so peek() gives it for
 * the end and every test for a wanted byte tests for the end as well.
 */
#include "payload_scan.h"

#include <endian.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif
#include <string.h>

#include "payload.h"
#include "payload_text.h"
#include "utf8.h"

#define EACH_BYTE(value) (UINT64_C(0x0101010101010101) * (value))

#define REPLACEMENT      0xFFFDU

/* The way through one value.  Copied into locals it stays in registers. */
struct walk {
	const unsigned char *at;
	const unsigned char *end;
	size_t depth;
	uint64_t
	    objects[PAYLOAD_MAX_DEPTH / 64]; /* a bit a level: object or
	                                        array; words are cleared when entered */
};

_Static_assert(PAYLOAD_MAX_DEPTH % 64 == 0, "levels fill whole words");

static inline unsigned char
peek(const unsigned char *at, const unsigned char *end)
{
	return at < end ? *at : 0;
}

static inline const unsigned char *
skip_space(const unsigned char *at, const unsigned char *end)
{
	/* Discord writes none, so one comparison is the usual cost. */
	while (at < end && *at <= ' ' &&
	    (*at == ' ' || *at == '\n' || *at == '\r' || *at == '\t')) {
		at++;
	}
	return at;
}

static inline bool
is_digit(unsigned char byte)
{
	return byte >= '0' && byte <= '9';
}

/* ---- strings ----
 * Each function takes the place after what it recognised before, and gives the place
 * after what it recognises, or NULL. */

/* A set bit 7 in each byte that is a quote, a backslash, a control character or not
 * ASCII.  Borrows make false marks, but only above (in text: behind) a true one. */
static inline uint64_t
mark_special(uint64_t word)
{
	uint64_t quote = (word ^ EACH_BYTE('"')) - EACH_BYTE(1);
	uint64_t backslash = (word ^ EACH_BYTE('\\')) - EACH_BYTE(1);
	uint64_t control = word - EACH_BYTE(' ');

	return (quote | backslash | control | word) & EACH_BYTE(0x80U);
}

static inline bool
is_special(unsigned char byte)
{
	return byte < ' ' || byte == '"' || byte == '\\' || byte >= 0x80;
}

#ifdef __SSE2__
#define BLOCK 16

/* A bit for each of the 16 bytes that is special.  Compared as signed numbers what is
 * not ASCII is below a space, too. */
static inline unsigned
mark_block(const unsigned char *at)
{
	__m128i block = _mm_loadu_si128((const __m128i *)(const void *)at);
	__m128i low = _mm_cmplt_epi8(block, _mm_set1_epi8(' '));
	__m128i quote = _mm_cmpeq_epi8(block, _mm_set1_epi8('"'));
	__m128i backslash = _mm_cmpeq_epi8(block, _mm_set1_epi8('\\'));
	__m128i marks = _mm_or_si128(low, _mm_or_si128(quote, backslash));

	return (unsigned)_mm_movemask_epi8(marks);
}
#endif

static inline const unsigned char *
skip_plain(const unsigned char *at, const unsigned char *end)
{
#ifdef __SSE2__
	while (end - at >= BLOCK) {
		unsigned marks = mark_block(at);

		if (marks != 0) {
			return at + __builtin_ctz(marks);
		}
		at += BLOCK;
	}
#endif
	while (end - at >= (ptrdiff_t)sizeof(uint64_t)) {
		uint64_t word;

		memcpy(&word, at, sizeof word);
		uint64_t marks = mark_special(le64toh(word));

		if (marks) {
			return at + __builtin_ctzll(marks) / 8;
		}
		at += sizeof word;
	}
	while (at < end && !is_special(*at)) {
		at++;
	}
	return at;
}

static const unsigned char *
walk_escape(const unsigned char *at, const unsigned char *end)
{
	switch (peek(at, end)) {
	case '"':
	case '\\':
	case '/':
	case 'b':
	case 'f':
	case 'n':
	case 'r':
	case 't':
		return at + 1;
	case 'u':
		return payload_text_hex4(at + 1, end) < 0 ? NULL : at + 5;
	default:
		return NULL;
	}
}

static inline const unsigned char *
walk_string(const unsigned char *at, const unsigned char *end)
{
	for (;;) {
		at = skip_plain(at, end);
		unsigned char byte = peek(at, end);

		if (byte == '"') {
			return at + 1;
		}
		if (byte == '\\') {
			at = walk_escape(at + 1, end);
			if (!at) {
				return NULL;
			}
			continue;
		}
		if (byte < 0x80) { /* a control character, or the end */
			return NULL;
		}
		size_t length = utf8_length(at, (size_t)(end - at));

		if (length == 0) {
			return NULL;
		}
		at += length;
	}
}

/* ---- other scalars ---- */

static inline const unsigned char *
skip_digits(const unsigned char *at, const unsigned char *end)
{
	while (at < end && is_digit(*at)) {
		at++;
	}
	return at;
}

static const unsigned char *
walk_digits(const unsigned char *at, const unsigned char *end)
{
	return is_digit(peek(at, end)) ? skip_digits(at, end) : NULL;
}

static const unsigned char *
walk_exponent(const unsigned char *at, const unsigned char *end)
{
	unsigned char sign = peek(at, end);

	return walk_digits(sign == '+' || sign == '-' ? at + 1 : at, end);
}

static inline const unsigned char *
walk_number(const unsigned char *at, const unsigned char *end)
{
	if (peek(at, end) == '-') {
		at++;
	}
	at = peek(at, end) == '0' ? at + 1 : walk_digits(at, end);
	if (at && peek(at, end) == '.') {
		at = walk_digits(at + 1, end);
	}
	if (at && (peek(at, end) | 0x20) == 'e') {
		at = walk_exponent(at + 1, end);
	}
	return at;
}

static inline const unsigned char *
walk_word(const unsigned char *at, const unsigned char *end, const char *word,
    size_t size)
{
	bool same = (size_t)(end - at) >= size && memcmp(at, word, size) == 0;

	return same ? at + size : NULL;
}

static inline const unsigned char *
walk_scalar(const unsigned char *at, const unsigned char *end)
{
	switch (peek(at, end)) {
	case '"':
		return walk_string(at + 1, end);
	case 't':
		return walk_word(at, end, "true", 4);
	case 'f':
		return walk_word(at, end, "false", 5);
	case 'n':
		return walk_word(at, end, "null", 4);
	default:
		return walk_number(at, end);
	}
}

/* ---- containers ---- */

static struct slice
slice_between(const unsigned char *from, const unsigned char *to)
{
	return (struct slice){(const char *)from, (size_t)(to - from)};
}

/* A key with its colon. */
static inline const unsigned char *
walk_key(const unsigned char *at, const unsigned char *end, struct slice *key)
{
	at = skip_space(at, end);
	if (peek(at, end) != '"') {
		return NULL;
	}
	const unsigned char *after = walk_string(at + 1, end);

	if (!after) {
		return NULL;
	}
	*key = slice_between(at + 1, after - 1);
	after = skip_space(after, end);
	return peek(after, end) == ':' ? after + 1 : NULL;
}

static inline bool
push(struct walk *walk, bool object)
{
	if (walk->depth == PAYLOAD_MAX_DEPTH) {
		return false;
	}
	uint64_t bit = UINT64_C(1) << (walk->depth % 64);
	uint64_t *word = &walk->objects[walk->depth / 64];

	if (walk->depth % 64 == 0) {
		*word = 0;
	}
	*word = object ? *word | bit : *word & ~bit;
	walk->depth++;
	return true;
}

static inline bool
in_object(const struct walk *walk)
{
	size_t level = walk->depth - 1;

	return (walk->objects[level / 64] >> (level % 64) & 1U) != 0;
}

/* Takes an opening bracket, and the first key of an object; empty tells whether the
 * closing bracket follows. */
static inline enum gw_err
walk_open(struct walk *walk, bool object, bool *empty)
{
	if (!push(walk, object)) {
		return GW_ERR_TOO_LARGE;
	}
	walk->at = skip_space(walk->at + 1, walk->end);
	*empty = peek(walk->at, walk->end) == (object ? '}' : ']');
	if (object && !*empty) {
		struct slice ignored;

		walk->at = walk_key(walk->at, walk->end, &ignored);
	}
	return walk->at ? GW_OK : GW_ERR_SYNTAX;
}

/* After a value: takes closing brackets down to depth base, or the comma and the key
 * in front of the next value. */
static inline enum gw_err
walk_after(struct walk *walk, size_t base)
{
	while (walk->depth > base) {
		bool object = in_object(walk);

		walk->at = skip_space(walk->at, walk->end);
		unsigned char byte = peek(walk->at, walk->end);

		if (byte == ',') {
			walk->at++;
			if (object) {
				struct slice ignored;

				walk->at = walk_key(walk->at, walk->end, &ignored);
			}
			return walk->at ? GW_OK : GW_ERR_SYNTAX;
		}
		if (byte != (object ? '}' : ']')) {
			return GW_ERR_SYNTAX;
		}
		walk->at++;
		walk->depth--;
	}
	return GW_OK;
}

/* A scalar, or the opening of a container; done tells whether a value ended. */
static inline enum gw_err
walk_start(struct walk *walk, bool *done)
{
	walk->at = skip_space(walk->at, walk->end);
	unsigned char byte = peek(walk->at, walk->end);

	if (byte == '{' || byte == '[') {
		return walk_open(walk, byte == '{', done);
	}
	*done = true;
	walk->at = walk_scalar(walk->at, walk->end);
	return walk->at ? GW_OK : GW_ERR_SYNTAX;
}

/* One value of any kind. */
static enum gw_err
walk_value(struct walk *walk)
{
	const size_t base = walk->depth;
	enum gw_err err;

	do {
		bool done = false;

		err = walk_start(walk, &done);
		if (err == GW_OK && done) {
			err = walk_after(walk, base);
		}
	} while (err == GW_OK && walk->depth > base);
	return err;
}

/* ---- the scan ---- */

static bool
finish(struct payload_scan *scan, enum gw_err err)
{
	scan->done = true;
	scan->err = err;
	return false;
}

void
payload_scan_begin(struct payload_scan *scan, struct slice text,
    enum payload_scan_kind kind)
{
	unsigned char open = kind == PAYLOAD_SCAN_OBJECT ? '{' : '[';

	*scan = (struct payload_scan){.kind = kind, .first = true};
	if (text.size == 0) {
		(void)finish(scan, GW_ERR_SYNTAX);
		return;
	}
	scan->at = (const unsigned char *)text.data;
	scan->end = scan->at + text.size;
	scan->at = skip_space(scan->at, scan->end);
	if (peek(scan->at, scan->end) != open) {
		(void)finish(scan, GW_ERR_SYNTAX);
		return;
	}
	scan->at = skip_space(scan->at + 1, scan->end);
}

/* Only white space may follow the closing bracket, unless more is expected. */
static bool
finish_at_bracket(struct payload_scan *scan)
{
	scan->at = skip_space(scan->at + 1, scan->end);
	return finish(scan,
	    scan->at == scan->end || scan->more_behind ? GW_OK : GW_ERR_SYNTAX);
}

static bool
next_value(struct payload_scan *scan, struct slice *value)
{
	struct walk walk; /* too large to be cleared for each member */

	walk.at = skip_space(scan->at, scan->end);
	walk.end = scan->end;
	walk.depth = 1; /* the container that is scanned */
	walk.objects[0] = 0;
	const unsigned char *from = walk.at;
	enum gw_err err = walk_value(&walk);

	if (err != GW_OK) {
		return finish(scan, err);
	}
	*value = slice_between(from, walk.at);
	scan->at = skip_space(walk.at, scan->end);
	return true;
}

bool
payload_scan_next(struct payload_scan *scan, struct slice *key, struct slice *value)
{
	bool object = scan->kind == PAYLOAD_SCAN_OBJECT;

	if (scan->done) {
		return false;
	}
	unsigned char byte = peek(scan->at, scan->end);

	if (byte == (object ? '}' : ']')) {
		return finish_at_bracket(scan);
	}
	if (!scan->first) {
		if (byte != ',') {
			return finish(scan, GW_ERR_SYNTAX);
		}
		scan->at++;
	}
	scan->first = false;
	*key = (struct slice){NULL, 0};
	if (object) {
		scan->at = walk_key(scan->at, scan->end, key);
		if (!scan->at) {
			return finish(scan, GW_ERR_SYNTAX);
		}
	}
	return next_value(scan, value);
}

bool
payload_scan_natural(struct slice value, int64_t *number)
{
	uint64_t sum = 0;

	if (value.size == 0 || value.size > 19) { /* 2^63 - 1 has 19 digits */
		return false;
	}
	for (size_t i = 0; i < value.size; i++) {
		if (!is_digit((unsigned char)value.data[i])) {
			return false;
		}
		sum = sum * 10 + (uint64_t)(value.data[i] - '0');
	}
	if (sum > INT64_MAX) {
		return false;
	}
	*number = (int64_t)sum;
	return true;
}

bool
payload_scan_key_is(struct slice key, const char *name)
{
	char plain[32];
	size_t size = strlen(name);

	if (key.size == size) {
		/* As long and the same; an escape is longer than what it spells. */
		return memcmp(key.data, name, size) == 0;
	}
	return key.size > size && memchr(key.data, '\\', key.size) &&
	    payload_text_unescape(key, plain, sizeof plain) && strcmp(plain, name) == 0;
}

bool
payload_scan_text(struct slice value, char *out, size_t room)
{
	bool quoted = value.size >= 2 && value.data[0] == '"';

	if (quoted) {
		struct slice text = {value.data + 1, value.size - 2};

		if (payload_text_unescape(text, out, room)) {
			return true;
		}
	}
	out[0] = '\0';
	return false;
}

struct slice
payload_scan_find(struct slice object, const char *name)
{
	struct slice found = {NULL, 0};
	struct payload_scan scan;
	struct slice key;
	struct slice value;

	payload_scan_begin(&scan, object, PAYLOAD_SCAN_OBJECT);
	while (payload_scan_next(&scan, &key, &value)) {
		if (payload_scan_key_is(key, name)) {
			found = value;
		}
	}
	return scan.err == GW_OK ? found : (struct slice){NULL, 0};
}
