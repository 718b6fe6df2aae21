#include "frame.h"

#include <openssl/evp.h>
#include <openssl/sha.h>
#include <string.h>

#define MASK_BYTES        4
#define CONTROL_MAX_BYTES 125

/* RFC 6455, section 1.3. */
#define ACCEPT_GUID "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"

static bool
opcode_is_known(unsigned opcode)
{
	return opcode <= FRAME_BINARY ||
	    (opcode >= FRAME_CLOSE && opcode <= FRAME_PONG);
}

static uint64_t
read_length(const unsigned char *at, size_t bytes)
{
	uint64_t length = 0;

	for (size_t i = 0; i < bytes; i++) {
		length = length << 8 | at[i];
	}
	return length;
}

/* What the two first bytes alone tell. */
static enum frame_result
check_head(const unsigned char *at, bool control)
{
	unsigned opcode = at[0] & 0x0FU;

	if ((at[0] & 0x70) != 0 || !opcode_is_known(opcode)) {
		return FRAME_BAD;
	}
	if (control && ((at[0] & 0x80) == 0 || (at[1] & 0x7F) > CONTROL_MAX_BYTES)) {
		return FRAME_BAD;
	}
	return (at[1] & 0x80) == 0 ? FRAME_UNMASKED : FRAME_DONE;
}

enum frame_result
frame_parse(char *input, size_t size, struct frame *out)
{
	const unsigned char *at = (const unsigned char *)input;

	if (size < 2) {
		return FRAME_MORE;
	}
	bool control = (at[0] & 0x08) != 0;
	enum frame_result result = check_head(at, control);

	if (result != FRAME_DONE) {
		return result;
	}
	unsigned small = at[1] & 0x7FU;
	size_t extra = small == 126 ? 2 : small == 127 ? 8 : 0;
	size_t head = 2 + extra + MASK_BYTES;

	if (size < head) {
		return FRAME_MORE;
	}
	uint64_t length = extra ? read_length(at + 2, extra) : small;

	if (length > FRAME_MAX_CLIENT_BYTES) {
		return FRAME_LARGE;
	}
	if (size - head < length) {
		return FRAME_MORE;
	}
	char *payload = input + head;
	const char *mask = payload - MASK_BYTES;

	for (size_t i = 0; i < length; i++) {
		payload[i] = (char)(payload[i] ^ mask[i % MASK_BYTES]);
	}
	*out = (struct frame){.fin = (at[0] & 0x80) != 0,
	    .opcode = (enum frame_opcode)(at[0] & 0x0FU),
	    .payload = {payload, (size_t)length},
	    .size = head + (size_t)length};
	return FRAME_DONE;
}

size_t
frame_write_head(char *out, bool fin, enum frame_opcode opcode, uint64_t payload_bytes)
{
	out[0] = (char)((fin ? 0x80U : 0U) | (unsigned)opcode);
	if (payload_bytes < 126) {
		out[1] = (char)payload_bytes;
		return 2;
	}
	size_t bytes = payload_bytes <= UINT16_MAX ? 2 : 8;

	out[1] = bytes == 2 ? 126 : 127;
	for (size_t i = 0; i < bytes; i++) {
		out[2 + i] = (char)(payload_bytes >> (8 * (bytes - 1 - i)) & 0xFF);
	}
	return 2 + bytes;
}

enum gw_err
frame_append(struct buf *out, enum frame_opcode opcode, struct slice message,
    size_t split_bytes)
{
	size_t whole = split_bytes == 0 ? message.size : split_bytes;

	do {
		char head[FRAME_MAX_HEAD];
		size_t part = message.size < whole ? message.size : whole;
		size_t head_size =
		    frame_write_head(head, part == message.size, opcode, part);
		enum gw_err err = buf_reserve(out, head_size + part);

		if (err != GW_OK) {
			return err;
		}
		(void)buf_append(out, head, head_size);
		(void)buf_append(out, message.data, part);
		message.size -= part;
		message.data = message.size > 0 ? message.data + part : NULL;
		opcode = FRAME_CONTINUATION;
	} while (message.size > 0);
	return GW_OK;
}

void
frame_accept_key(struct slice key, char out[32])
{
	unsigned char digest[SHA_DIGEST_LENGTH];
	char text[128];

	(void)slice_copy(key, text, sizeof text - sizeof ACCEPT_GUID);
	size_t size = strlen(text);

	memcpy(text + size, ACCEPT_GUID, sizeof ACCEPT_GUID);
	(void)SHA1((const unsigned char *)text, size + sizeof ACCEPT_GUID - 1, digest);
	(void)EVP_EncodeBlock((unsigned char *)out, digest, sizeof digest);
}
