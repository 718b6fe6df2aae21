#include "frame.h"

#include <string.h>

#define BIT_FIN   0x80U
#define BITS_RSV  0x70U
#define BIT_MASK  0x80U

#define LENGTH_16 126U /* the next 2 bytes hold the length */
#define LENGTH_64 127U /* the next 8 */

/* ---- headers ---- */

static bool
is_control(unsigned opcode)
{
	return (opcode & 0x8U) != 0;
}

static const struct frame_event got_nothing = {.kind = FRAME_GOT_NOTHING};

static struct frame_event
refuse(struct frame_parser *parser, unsigned code, const char *why)
{
	parser->over = true;
	parser->crumbs_size = 0;
	return (struct frame_event){.kind = FRAME_GOT_ERROR, .code = code, .why = why};
}

/* What is wrong with the first byte of a header; NULL: nothing. */
static const char *
check_first_byte(const struct frame_parser *parser)
{
	unsigned byte = parser->head[0];
	unsigned opcode = byte & 0xFU;

	if ((byte & BITS_RSV) != 0) {
		return "reserved bits are set";
	}
	if (opcode > FRAME_PONG || (opcode > FRAME_BINARY && opcode < FRAME_CLOSE)) {
		return "reserved opcode";
	}
	if (is_control(opcode)) {
		return (byte & BIT_FIN) != 0 ? NULL : "fragmented control frame";
	}
	if (opcode == FRAME_CONTINUATION && parser->message == 0) {
		return "continuation without a message";
	}
	if (opcode != FRAME_CONTINUATION && parser->message != 0) {
		return "new message inside a message";
	}
	return NULL;
}

/* The same for the second byte, which also says how long the header is. */
static const char *
check_second_byte(struct frame_parser *parser)
{
	unsigned length = parser->head[1] & 0x7FU;

	if ((parser->head[1] & BIT_MASK) != 0) {
		return "masked frame from a server";
	}
	if (is_control(parser->head[0]) && length > FRAME_CONTROL_MAX) {
		return "control frame too long";
	}
	parser->head_need = length == LENGTH_64 ? 10 : length == LENGTH_16 ? 4 : 2;
	return NULL;
}

static uint64_t
read_big_endian(const uint8_t *data, size_t size)
{
	uint64_t value = 0;

	for (size_t i = 0; i < size; i++) {
		value = value << 8 | data[i];
	}
	return value;
}

static const char *
read_length(struct frame_parser *parser)
{
	unsigned length = parser->head[1] & 0x7FU;
	uint64_t least = length == LENGTH_64 ? 0x10000 : length == LENGTH_16 ? 126 : 0;

	parser->left = parser->head_need == 2 ?
	    length :
	    read_big_endian(parser->head + 2, parser->head_need - 2U);
	if (parser->left < least) {
		return "length not in its shortest form";
	}
	return parser->left >> 63 != 0 ? "length with its top bit set" : NULL;
}

/* The header is whole: the frame begins. */
static struct frame_event
begin_frame(struct frame_parser *parser)
{
	const char *why = read_length(parser);

	if (why) {
		return refuse(parser, FRAME_CODE_PROTOCOL, why);
	}
	parser->opcode = parser->head[0] & 0xFU;
	parser->final = (parser->head[0] & BIT_FIN) != 0;
	parser->head_size = 0;
	parser->head_need = 0;
	parser->in_frame = true;
	if (is_control(parser->opcode)) {
		parser->control_size = 0;
		return got_nothing;
	}
	if (parser->opcode != FRAME_CONTINUATION) {
		parser->message = parser->opcode;
		parser->message_bytes = 0;
		parser->begun = false;
		parser->utf8 = (struct frame_utf8){0};
	}
	if (parser->left > parser->max_message_bytes - parser->message_bytes) {
		return refuse(parser, FRAME_CODE_TOO_LARGE,
		    "message over the size limit");
	}
	parser->message_bytes += parser->left;
	return got_nothing;
}

/* Takes bytes of a header off input, until it has need of them. */
static void
take_header(struct frame_parser *parser, struct slice *input, size_t need)
{
	size_t size = parser->head_size;

	while (size < need && input->size > 0) {
		parser->head[size++] = (uint8_t)*input->data++;
		input->size--;
	}
	parser->head_size = (uint8_t)size;
}

/* The two bytes that each header has. */
static const char *
read_first_bytes(struct frame_parser *parser, struct slice *input)
{
	const char *why;

	take_header(parser, input, 2);
	why = check_first_byte(parser);
	return !why && parser->head_size == 2 ? check_second_byte(parser) : why;
}

/* Takes bytes of a header off input until it is whole, wrong, or input is empty. */
static struct frame_event
read_header(struct frame_parser *parser, struct slice *input)
{
	if (input->size > 0 && parser->head_size < 2) {
		const char *why = read_first_bytes(parser, input);

		if (why) {
			return refuse(parser, FRAME_CODE_PROTOCOL, why);
		}
	}
	if (parser->head_size < 2) {
		return got_nothing;
	}
	take_header(parser, input, parser->head_need);
	return parser->head_size == parser->head_need ? begin_frame(parser) :
							got_nothing;
}

/* ---- payload ---- */

/* Up to `left` bytes off the front of input. */
static struct slice
take(struct frame_parser *parser, struct slice *input)
{
	size_t size = parser->left < input->size ? (size_t)parser->left : input->size;
	struct slice taken = {input->data, size};

	if (size > 0) {
		input->data += size;
		input->size -= size;
		parser->left -= size;
	}
	return taken;
}

bool
frame_code_is_valid(unsigned code)
{
	if (code < 1000 || code > 4999) {
		return false;
	}
	if (code >= 3000) {
		return true;
	}
	/* 1004 to 1006 and 1015 must not be on the wire, 1016 to 2999 are not given out
	 * yet; 1012 to 1014 were, after the RFC. */
	return code <= 1003 || (code >= 1007 && code <= 1014);
}

static struct frame_event
end_close(struct frame_parser *parser)
{
	struct frame_event event = {.kind = FRAME_GOT_CLOSE, .code = FRAME_CODE_NONE};
	struct frame_utf8 utf8 = {0};
	size_t size = parser->control_size;

	if (size == 1) {
		return refuse(parser, FRAME_CODE_PROTOCOL, "close frame of one byte");
	}
	parser->over = true;
	if (size == 0) {
		return event;
	}
	event.code = (unsigned)read_big_endian(parser->control, 2);
	event.bytes = (struct slice){(const char *)parser->control + 2, size - 2};
	if (!frame_code_is_valid(event.code)) {
		return refuse(parser, FRAME_CODE_PROTOCOL, "forbidden close code");
	}
	if (!frame_utf8_step(&utf8, event.bytes.data, event.bytes.size) ||
	    utf8.missing > 0) {
		return refuse(parser, FRAME_CODE_NOT_UTF8, "close reason is not UTF-8");
	}
	return event;
}

static struct frame_event
read_control(struct frame_parser *parser, struct slice *input)
{
	struct slice taken = take(parser, input);

	if (taken.size > 0) {
		memcpy(parser->control + parser->control_size, taken.data, taken.size);
		parser->control_size = (uint8_t)(parser->control_size + taken.size);
	}
	if (parser->left > 0) {
		return got_nothing;
	}
	parser->in_frame = false;
	if (parser->opcode == FRAME_CLOSE) {
		return end_close(parser);
	}
	return (struct frame_event){
	    .kind = parser->opcode == FRAME_PING ? FRAME_GOT_PING : FRAME_GOT_PONG,
	    .bytes = {(const char *)parser->control, parser->control_size},
	};
}

static struct frame_event
hand_up(struct frame_parser *parser, struct slice bytes, bool last)
{
	struct frame_event event = {
	    .kind = FRAME_GOT_PIECE,
	    .bytes = bytes,
	    .first = !parser->begun,
	    .last = last,
	    .binary = parser->message != FRAME_TEXT,
	};

	parser->begun = true;
	if (last) {
		parser->message = 0;
	}
	return event;
}

static bool
is_text_so_far(struct frame_parser *parser, const void *data, size_t size)
{
	return parser->message != FRAME_TEXT ||
	    frame_utf8_step(&parser->utf8, data, size);
}

/* ---- crumbs ---- */

static struct frame_event
hand_up_crumbs(struct frame_parser *parser, bool last)
{
	struct slice crumbs = {(const char *)parser->crumbs, parser->crumbs_size};

	parser->crumbs_size = 0;
	return hand_up(parser, crumbs, last);
}

static void
add_crumb(struct frame_parser *parser, const void *data, size_t size)
{
	memcpy(parser->crumbs + parser->crumbs_size, data, size);
	parser->crumbs_size = (uint16_t)(parser->crumbs_size + size);
}

/* Takes small frames in the middle of a message off the front of input, as long as they
 * lie there whole; what is anything else, or wrong, is left to the others. */
static struct frame_event
read_crumbs(struct frame_parser *parser, struct slice *input)
{
	const uint8_t *at = (const uint8_t *)input->data;
	const uint8_t *end = at + input->size;
	size_t before = parser->crumbs_size;
	uint64_t allowed = parser->max_message_bytes - parser->message_bytes;

	while (end - at >= 2 && at[0] == FRAME_CONTINUATION &&
	    at[1] <= FRAME_CRUMB_MAX && end - at - 2 >= at[1] && at[1] <= allowed &&
	    at[1] <= FRAME_CRUMB_ROOM - parser->crumbs_size) {
		add_crumb(parser, at + 2, at[1]);
		allowed -= at[1];
		at += 2 + at[1];
	}
	input->data = (const char *)at;
	input->size = (size_t)(end - at);
	parser->message_bytes = parser->max_message_bytes - allowed;
	if (!is_text_so_far(parser, parser->crumbs + before,
		parser->crumbs_size - before)) {
		return refuse(parser, FRAME_CODE_NOT_UTF8, "text is not UTF-8");
	}
	return got_nothing;
}

/* Between two frames of a message, with no byte of the next header read. */
static bool
may_read_crumbs(const struct frame_parser *parser)
{
	return parser->message != 0 && parser->head_size == 0;
}

/* What was put together must go up before this. */
static bool
crumbs_are_due(const struct frame_parser *parser, const struct slice *input)
{
	if (parser->crumbs_size == 0 || !parser->in_frame) {
		return false;
	}
	return is_control(parser->opcode) || parser->left > FRAME_CRUMB_MAX ||
	    parser->left > (uint64_t)(FRAME_CRUMB_ROOM - parser->crumbs_size) ||
	    parser->left > input->size;
}

static struct frame_event
read_data(struct frame_parser *parser, struct slice *input)
{
	struct slice taken = take(parser, input);
	bool last = parser->left == 0 && parser->final;

	if (parser->left == 0) {
		parser->in_frame = false;
	}
	if (!is_text_so_far(parser, taken.data, taken.size)) {
		return refuse(parser, FRAME_CODE_NOT_UTF8, "text is not UTF-8");
	}
	if (last && parser->message == FRAME_TEXT && parser->utf8.missing > 0) {
		return refuse(parser, FRAME_CODE_NOT_UTF8,
		    "text ends inside a character");
	}
	/* Where there are crumbs this is another one: see crumbs_are_due(). */
	bool crumb = parser->crumbs_size > 0 ||
	    (!last && parser->left == 0 && taken.size <= FRAME_CRUMB_MAX);

	if (crumb && taken.size > 0) {
		add_crumb(parser, taken.data, taken.size);
	}
	if (crumb) {
		return last ? hand_up_crumbs(parser, true) : got_nothing;
	}
	return hand_up(parser, taken, last);
}

static struct frame_event
read_between(struct frame_parser *parser, struct slice *input)
{
	struct frame_event event = got_nothing;

	if (may_read_crumbs(parser)) {
		event = read_crumbs(parser, input);
	}
	return event.kind == FRAME_GOT_NOTHING ? read_header(parser, input) : event;
}

/* ---- whole messages ---- */

static bool
is_between_messages(const struct frame_parser *parser)
{
	return parser->message == 0 && !parser->in_frame && parser->head_size == 0 &&
	    !parser->over;
}

/* Takes a message of one frame, as nearly all are, off the front of input where it lies
 * there whole and its owner wants it as it is; what is longer, or wrong, is left to the
 * others. */
static bool
take_message(const struct frame_parser *parser, struct slice *input,
    struct frame_event *event)
{
	const uint8_t *at = (const uint8_t *)input->data;

	if (!parser->leaves_text || !is_between_messages(parser) || input->size < 4) {
		return false;
	}
	bool binary = at[0] == (BIT_FIN | FRAME_BINARY);
	size_t head = at[1] == LENGTH_16 ? 4 : 2;
	size_t size = head == 4 ? (size_t)at[2] << 8 | at[3] : at[1];

	if ((!binary && at[0] != (BIT_FIN | FRAME_TEXT)) || at[1] > LENGTH_16 ||
	    (head == 4 && size < LENGTH_16) || size > input->size - head ||
	    size > parser->max_message_bytes) {
		return false;
	}
	*event = (struct frame_event){
	    .kind = FRAME_GOT_PIECE,
	    .bytes = {input->data + head, size},
	    .first = true,
	    .last = true,
	    .binary = binary,
	    .unchecked = !binary,
	};
	input->data += head + size;
	input->size -= head + size;
	return true;
}

void
frame_parser_init(struct frame_parser *parser, uint64_t max_message_bytes)
{
	*parser = (struct frame_parser){.max_message_bytes = max_message_bytes};
}

struct frame_event
frame_next(struct frame_parser *parser, struct slice *input)
{
	struct frame_event event = got_nothing;

	if (take_message(parser, input, &event)) {
		return event;
	}
	/* Once more with empty input where a frame without payload has just begun. */
	while (!parser->over && event.kind == FRAME_GOT_NOTHING &&
	    (input->size > 0 || (parser->in_frame && parser->left == 0))) {
		if (crumbs_are_due(parser, input)) {
			event = hand_up_crumbs(parser, false);
		} else if (!parser->in_frame) {
			event = read_between(parser, input);
		} else if (is_control(parser->opcode)) {
			event = read_control(parser, input);
		} else {
			event = read_data(parser, input);
		}
	}
	if (event.kind == FRAME_GOT_NOTHING && parser->crumbs_size > 0) {
		event = hand_up_crumbs(parser, false);
	}
	if (parser->over) {
		input->size = 0;
	}
	return event;
}

bool
frame_is_idle(const struct frame_parser *parser)
{
	return !parser->in_frame && parser->head_size == 0 && parser->message == 0;
}

/* ---- writing ---- */

size_t
frame_size(size_t size)
{
	return size + (size < LENGTH_16 ? 6 : size <= UINT16_MAX ? 8 : 14);
}

static uint8_t *
write_big_endian(uint8_t *out, uint64_t value, unsigned size)
{
	for (unsigned i = 0; i < size; i++) {
		out[i] = (uint8_t)(value >> (8 * (size - 1 - i)));
	}
	return out + size;
}

size_t
frame_write(void *out, enum frame_opcode opcode, const uint8_t mask[4],
    const void *data, size_t size)
{
	uint8_t *at = out;
	const uint8_t *from = data;

	*at++ = (uint8_t)(BIT_FIN | opcode);
	if (size < LENGTH_16) {
		*at++ = (uint8_t)(BIT_MASK | size);
	} else if (size <= UINT16_MAX) {
		*at++ = (uint8_t)(BIT_MASK | LENGTH_16);
		at = write_big_endian(at, size, 2);
	} else {
		*at++ = (uint8_t)(BIT_MASK | LENGTH_64);
		at = write_big_endian(at, size, 8);
	}
	memcpy(at, mask, 4);
	at += 4;
	for (size_t i = 0; i < size; i++) {
		at[i] = from[i] ^ mask[i & 3];
	}
	return frame_size(size);
}

size_t
frame_write_close(uint8_t out[FRAME_CONTROL_MAX], unsigned code, const char *reason)
{
	size_t size = reason ? strlen(reason) : 0;

	if (code == FRAME_CODE_NONE) {
		return 0;
	}
	if (size > FRAME_REASON_MAX) {
		size = FRAME_REASON_MAX;
		while (size > 0 && ((unsigned char)reason[size] & 0xC0U) == 0x80U) {
			size--;
		}
	}
	(void)write_big_endian(out, code, 2);
	if (size > 0) {
		/* Goes on the wire, where a NUL ends nothing. */
		/* NOLINTNEXTLINE(bugprone-not-null-terminated-result) */
		memcpy(out + 2, reason, size);
	}
	return size + 2;
}
