/*
 * The payload of a close frame: whatever a peer puts there has one verdict, one row in
 * the table of codes, and a reason that is text; what we write reads back the same.
 *
 * The first byte seeds where the stream is cut, the rest is the payload.
 */
#include <string.h>

#include "closecode.h"
#include "frame.h"
#include "must.h"
#include "utf8.h"

static struct frame_event
parse(const uint8_t *stream, size_t size, size_t cut, struct frame_parser *parser)
{
	struct slice front = {(const char *)stream, cut};
	struct slice back = {(const char *)stream + cut, size - cut};

	frame_parser_init(parser, 1000);
	struct frame_event event = frame_next(parser, &front);

	return event.kind == FRAME_GOT_NOTHING ? frame_next(parser, &back) : event;
}

static void
check_reason(struct slice reason)
{
	MUST(reason.size <= FRAME_REASON_MAX);
	for (size_t i = 0; i < reason.size;) {
		size_t length = utf8_length((const unsigned char *)reason.data + i,
		    reason.size - i);

		MUST(length > 0);
		i += length;
	}
}

/* A row for any code; and no code that a peer may not send is taken for one. */
static void
check_code(unsigned code)
{
	const struct closecode *row = closecode_find(code);

	MUST(row && row->text[0] != '\0');
	MUST((row->cure == CLOSECODE_STOP) == (row->remedy != NULL));
	MUST(row->code == code || row->code == 0);
	MUST(code == FRAME_CODE_NONE || frame_code_is_valid(code));
}

/* Masked as a client must, and so not for our own parser: the payload alone is. */
static void
check_written(unsigned code, struct slice reason)
{
	uint8_t frame[2 + FRAME_CONTROL_MAX] = {0x80 | FRAME_CLOSE};
	char text[FRAME_REASON_MAX + 1];
	struct frame_parser parser;

	if (!slice_copy(reason, text, sizeof text)) {
		return; /* a NUL byte: not a reason that we write */
	}
	size_t size = frame_write_close(frame + 2, code, text);

	MUST(size <= FRAME_CONTROL_MAX);
	frame[1] = (uint8_t)size;
	struct frame_event event = parse(frame, 2 + size, 1, &parser);

	MUST(event.kind == FRAME_GOT_CLOSE && event.code == code);
	MUST(slice_equal(event.bytes, slice_of(code == FRAME_CODE_NONE ? "" : text)));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t frame[2 + FRAME_CONTROL_MAX] = {0x80 | FRAME_CLOSE};
	struct frame_parser whole;
	struct frame_parser cut;

	if (size == 0) {
		return 0;
	}
	size_t room = size - 1 < FRAME_CONTROL_MAX ? size - 1 : FRAME_CONTROL_MAX;

	frame[1] = (uint8_t)room;
	memcpy(frame + 2, data + 1, room);
	struct frame_event event = parse(frame, 2 + room, 2 + room, &whole);
	struct frame_event again = parse(frame, 2 + room, data[0] % (2 + room), &cut);

	MUST(event.kind == FRAME_GOT_CLOSE || event.kind == FRAME_GOT_ERROR);
	MUST(event.kind == again.kind && event.code == again.code);
	if (event.kind == FRAME_GOT_ERROR) {
		MUST(event.why[0] != '\0');
		return 0;
	}
	MUST(slice_equal(event.bytes, again.bytes));
	check_reason(event.bytes);
	check_code(event.code);
	check_written(event.code, event.bytes);
	return 0;
}
