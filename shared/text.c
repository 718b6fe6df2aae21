#include "text.h"

#include "utf8.h"

size_t
text_read(struct slice bytes, uint32_t *code)
{
	const unsigned char *data = (const unsigned char *)bytes.data;
	size_t size = bytes.size > 0 ? utf8_length(data, bytes.size) : 0;

	if (size > 0) {
		*code = utf8_decode(data, size);
	}
	return size;
}

bool
text_is_utf8(struct slice bytes)
{
	uint32_t code;

	while (bytes.size > 0) {
		size_t size = text_read(bytes, &code);

		if (size == 0) {
			return false;
		}
		bytes.data += size;
		bytes.size -= size;
	}
	return true;
}

bool
text_is_control(uint32_t code)
{
	return code < 0x20 || (code >= 0x7f && code <= 0x9f) || code == 0x61c ||
	    code == 0x200e || code == 0x200f || (code >= 0x2028 && code <= 0x202e) ||
	    (code >= 0x2066 && code <= 0x2069) || code == 0xfeff;
}

enum gw_err
text_clean(struct slice bytes, bool hide_controls, struct buf *out)
{
	while (bytes.size > 0) {
		uint32_t code = 0;
		size_t size = text_read(bytes, &code);
		bool bad = size == 0 || (hide_controls && text_is_control(code));
		struct slice piece = bad ? SLICE_LITERAL(TEXT_REPLACEMENT) :
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
