/*
 * Reading a dispatch from its front.
 *
 * Most of what a gateway sends is read by nobody here: of it the sequence and the name
 * are wanted, and both stand in front of d.  To find them costs the same for any d;
 * what is left per byte is a look at many at a time for what no JSON holds, and for the
 * place where a second payload would begin.  Whatever is not as Discord writes it is
 * left to the full pass, so nothing here has to understand it.
 */
#include "payload.h"

#include <string.h>

#include "text_scan.h"
#include "utf8.h"

/* Below 10^18, so that a sum of digits cannot overflow. */
#define DIGITS_MAX 18

enum part { PART_TYPE = 1, PART_SEQ = 2, PART_OP = 4, PART_ALL = 7 };

/* ---- the front ----
 * As in payload_scan.c each function takes a place and gives the one behind what it
 * recognises, or NULL. */

static inline const unsigned char *
walk_literal(const unsigned char *at, const unsigned char *end, const char *text,
    size_t size)
{
	bool same = (size_t)(end - at) >= size && memcmp(at, text, size) == 0;

	return same ? at + size : NULL;
}

/* From behind its quote on.  What a name may hold is looked at with all the rest; of an
 * escaped quote nothing is guessed. */
static const unsigned char *
walk_type(const unsigned char *at, const unsigned char *end, struct payload *found)
{
	const unsigned char *quote = memchr(at, '"', (size_t)(end - at));

	if (!quote || quote == at || quote[-1] == '\\') {
		return NULL;
	}
	found->type = (struct slice){(const char *)at, (size_t)(quote - at)};
	return quote + 1;
}

static inline const unsigned char *
walk_natural(const unsigned char *at, const unsigned char *end, int64_t *number)
{
	const unsigned char *from = at;
	int64_t sum = 0;

	while (at < end && *at >= '0' && *at <= '9') {
		sum = sum * 10 + (*at++ - '0');
		if (at - from == DIGITS_MAX) {
			break;
		}
	}
	if (at == from || (*from == '0' && at - from > 1)) {
		return NULL;
	}
	*number = sum;
	return at;
}

/* The values of d that are no object and yet come from Discord, or well might. */
static const unsigned char *
walk_short(const unsigned char *at, const unsigned char *end)
{
	int64_t ignored;

	switch (at < end ? *at : 0) {
	case 'n':
		return walk_literal(at, end, "null", 4);
	case 't':
		return walk_literal(at, end, "true", 4);
	case 'f':
		return walk_literal(at, end, "false", 5);
	default:
		return walk_natural(at, end, &ignored);
	}
}

/* One member in front of d, with its comma; which one is added to parts, where it may
 * be only once. */
static inline const unsigned char *
walk_member(const unsigned char *at, const unsigned char *end, struct payload *found,
    unsigned *parts)
{
	const unsigned char *value;
	unsigned part = 0;

	if ((value = walk_literal(at, end, "\"t\":\"", 5)) != NULL) {
		part = PART_TYPE;
		at = walk_type(value, end, found);
	} else if ((value = walk_literal(at, end, "\"s\":", 4)) != NULL) {
		part = PART_SEQ;
		at = walk_natural(value, end, &found->seq);
	} else if ((value = walk_literal(at, end, "\"op\":0", 6)) != NULL) {
		part = PART_OP;
		at = value;
		found->op = PAYLOAD_DISPATCH;
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
	return at ? walk_literal(at, end, "\"d\":", 4) : NULL;
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
is_sound(const unsigned char *at)
{
	return *at >= ' ' && *at < 0x80 && !may_end_payload(at);
}

/* Text without control characters and without an end of a payload; last, behind all of
 * it, is readable. */
static bool
is_sound_text(const unsigned char *at, const unsigned char *last)
{
	for (;;) {
		at += text_scan_payload(at, (size_t)(last - at));
		while (at < last && is_sound(at)) {
			at++;
		}
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
payload_skim(struct slice bytes, struct payload *peeked)
{
	const unsigned char *at = (const unsigned char *)peeked->data.data;
	const unsigned char *last = at + peeked->data.size - 1;

	peeked->data = (struct slice){NULL, 0};
	if (last - at < 1 || *last != '}') {
		return false;
	}
	if (*at != '{' ? walk_short(at, last) != last :
			 last - at < 2 || last[-1] != '}') {
		return false;
	}
	return is_sound_text((const unsigned char *)bytes.data, last);
}
