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
