#include "utf8.h"

uint32_t
utf8_decode(const unsigned char *data, size_t length)
{
	if (length == 1) {
		return data[0];
	}
	uint32_t code = data[0] & (0xFFU >> (length + 1));

	for (size_t i = 1; i < length; i++) {
		code = code << 6 | (data[i] & 0x3FU);
	}
	return code;
}

size_t
utf8_encode(uint32_t code, char out[4])
{
	if (code < 0x80) {
		out[0] = (char)code;
		return 1;
	}
	if (code < 0x800) {
		out[0] = (char)(0xC0U | code >> 6);
		out[1] = (char)(0x80U | (code & 0x3FU));
		return 2;
	}
	if (code < 0x10000) {
		out[0] = (char)(0xE0U | code >> 12);
		out[1] = (char)(0x80U | (code >> 6 & 0x3FU));
		out[2] = (char)(0x80U | (code & 0x3FU));
		return 3;
	}
	out[0] = (char)(0xF0U | code >> 18);
	out[1] = (char)(0x80U | (code >> 12 & 0x3FU));
	out[2] = (char)(0x80U | (code >> 6 & 0x3FU));
	out[3] = (char)(0x80U | (code & 0x3FU));
	return 4;
}

size_t
utf8_read(struct slice bytes, uint32_t *code)
{
	const unsigned char *data = (const unsigned char *)bytes.data;
	size_t length = bytes.size > 0 ? utf8_length(data, bytes.size) : 0;

	if (length > 0) {
		*code = utf8_decode(data, length);
	}
	return length;
}

bool
utf8_valid(struct slice bytes)
{
	uint32_t code;

	while (bytes.size > 0) {
		size_t size = utf8_read(bytes, &code);

		if (size == 0) {
			return false;
		}
		bytes.data += size;
		bytes.size -= size;
	}
	return true;
}

bool
utf8_is_control(uint32_t code)
{
	return code < 0x20 || (code >= 0x7f && code <= 0x9f) || code == 0x61c ||
	    code == 0x200e || code == 0x200f || (code >= 0x2028 && code <= 0x202e) ||
	    (code >= 0x2066 && code <= 0x2069) || code == 0xfeff;
}

enum gw_err
utf8_clean(struct slice bytes, bool hide_controls, struct buf *out)
{
	while (bytes.size > 0) {
		uint32_t code = 0;
		size_t size = utf8_read(bytes, &code);
		bool bad = size == 0 || (hide_controls && utf8_is_control(code));
		struct slice piece = bad ? SLICE_LITERAL(UTF8_REPLACEMENT) :
					   (struct slice){bytes.data, size};
		enum gw_err err = buf_append(out, piece.data, piece.size);

		if (err != GW_OK) {
			return err;
		}
		size = size ? size : 1;
		bytes.data += size;
		bytes.size -= size;
	}
	return GW_OK;
}
