/*
 * Unescaping.  The text was validated by whoever found it, yet nothing here depends on
 * that: what is malformed comes out as some text, never as a byte too many.
 */
#include "payload_text.h"

#include <string.h>

#include "utf8.h"

#define REPLACEMENT 0xFFFDU

static int
hex_value(unsigned char byte)
{
	if (byte >= '0' && byte <= '9') {
		return byte - '0';
	}
	byte |= 0x20;
	return byte >= 'a' && byte <= 'f' ? byte - 'a' + 10 : -1;
}

int32_t
payload_text_hex4(const unsigned char *at, const unsigned char *end)
{
	int32_t code = 0;

	if (end - at < 4) {
		return -1;
	}
	for (int i = 0; i < 4; i++) {
		int digit = hex_value(at[i]);

		if (digit < 0) {
			return -1;
		}
		code = code * 16 + digit;
	}
	return code;
}

/* The code point of \uXXXX, its digits at hand, with the second half of a pair where it
 * has one. */
static uint32_t
read_code(const unsigned char **at, const unsigned char *end)
{
	int32_t code = payload_text_hex4(*at, end);

	if (code < 0) {
		return REPLACEMENT;
	}
	*at += 4;
	if (code < 0xD800 || code > 0xDFFF) {
		return (uint32_t)code;
	}
	if (code > 0xDBFF || end - *at < 6 || (*at)[0] != '\\' || (*at)[1] != 'u') {
		return REPLACEMENT;
	}
	int32_t low = payload_text_hex4(*at + 2, end);

	if (low < 0xDC00 || low > 0xDFFF) {
		return REPLACEMENT;
	}
	*at += 6;
	return 0x10000U + ((uint32_t)(code - 0xD800) << 10) + (uint32_t)(low - 0xDC00);
}

/* What the escape stands for whose backslash was just passed. */
static uint32_t
read_escape(const unsigned char **at, const unsigned char *end)
{
	static const char letters[] = "bfnrt";
	static const char meanings[] = "\b\f\n\r\t";
	unsigned char byte = *at < end ? **at : 0;
	const char *letter = byte ? strchr(letters, byte) : NULL;

	*at += *at < end ? 1 : 0;
	if (byte == 'u') {
		return read_code(at, end);
	}
	return letter ? (uint32_t)meanings[letter - letters] : byte;
}

bool
payload_text_unescape(struct slice text, char *out, size_t room)
{
	const unsigned char *at = (const unsigned char *)text.data;
	const unsigned char *end = at + text.size;
	size_t size = 0;

	while (at < end) {
		char bytes[4] = {(char)*at++};
		size_t length = 1;

		if (bytes[0] == '\\') {
			length = utf8_encode(read_escape(&at, end), bytes);
		}
		if (bytes[0] == '\0' || length >= room - size) {
			return false;
		}
		memcpy(out + size, bytes, length);
		size += length;
	}
	out[size] = '\0';
	return true;
}
