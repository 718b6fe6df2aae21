/*
 * UTF-8 of text messages, across pieces: what text_scan.c cannot take at once, and what
 * is wrong, goes byte by byte.
 */
#include "frame.h"

#include <endian.h>
#include <string.h>

#include "text_scan.h"

/* So many bytes go byte by byte until the rest is tried at once again. */
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

bool
frame_utf8_step(struct frame_utf8 *utf8, const void *data, size_t size)
{
	const uint8_t *at = data;
	const uint8_t *end = at + size;

	while (at < end) {
		if (utf8->missing == 0) {
			at += text_scan_utf8(at, (size_t)(end - at));
		}
		const uint8_t *stop = end - at > BLOCK ? at + BLOCK : end;

		if (!step_bytes(utf8, at, stop)) {
			return false;
		}
		at = stop;
	}
	return true;
}
