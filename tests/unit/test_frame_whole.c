/* Frames: messages that lie there whole, which go up without their parser's care. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "frame.h"

#define BYTES(text)                      \
	{                                \
		(text), sizeof(text) - 1 \
	}
#define COUNT(array) (sizeof(array) / sizeof(array)[0])
#define LIMIT        ((uint64_t)300)

static void
init(struct frame_parser *parser, bool leaves_text)
{
	frame_parser_init(parser, LIMIT);
	parser->leaves_text = leaves_text;
}

/* Where the owner looks at text himself only what lies there whole is left to him. */
static void
text_in_one_piece_is_left_to_an_owner_who_wants_it(void **state)
{
	static const struct slice whole = BYTES("\x81\x03"
						"a\xFF"
						"b");
	struct frame_parser parser;
	struct frame_event event;

	(void)state;
	for (size_t cut = 1; cut < whole.size; cut++) {
		struct slice input = {whole.data, cut};

		init(&parser, true);
		while ((event = frame_next(&parser, &input)).kind == FRAME_GOT_PIECE) {
			assert_false(event.unchecked);
		}
		if (event.kind == FRAME_GOT_NOTHING) {
			input = (struct slice){whole.data + cut, whole.size - cut};
			event = frame_next(&parser, &input);
		}
		assert_int_equal(event.kind, FRAME_GOT_ERROR);
		assert_int_equal(event.code, FRAME_CODE_NOT_UTF8);
	}
	struct slice input = whole;

	init(&parser, true);
	event = frame_next(&parser, &input);
	assert_int_equal(event.kind, FRAME_GOT_PIECE);
	assert_true(event.unchecked && event.first && event.last && !event.binary);
	assert_int_equal(event.bytes.size, 3);
	assert_ptr_equal(event.bytes.data, whole.data + 2);
	assert_int_equal(input.size, 0);
	assert_true(frame_is_idle(&parser));
	input = whole;
	init(&parser, false);
	assert_int_equal(frame_next(&parser, &input).kind, FRAME_GOT_ERROR);
}

static void
what_is_packed_was_never_text(void **state)
{
	struct slice input = BYTES("\x82\x02\xFF\xFF");
	struct frame_parser parser;

	(void)state;
	init(&parser, true);
	struct frame_event event = frame_next(&parser, &input);

	assert_int_equal(event.kind, FRAME_GOT_PIECE);
	assert_true(event.binary && !event.unchecked && event.first && event.last);
}

/* What comes of a stream: a letter for each event, and the end's code. */
static void
outcome_of(struct slice input, size_t cut, bool leaves_text, char out[64])
{
	struct frame_parser parser;
	unsigned code = 0;
	size_t letters = 0;

	init(&parser, leaves_text);
	while (input.size > 0) {
		struct slice some = {input.data, cut < input.size ? cut : input.size};
		struct frame_event event;

		input.data += some.size;
		input.size -= some.size;
		while ((event = frame_next(&parser, &some)).kind != FRAME_GOT_NOTHING) {
			code = event.code;
			if (event.kind != FRAME_GOT_PIECE || event.last) {
				out[letters++] = "-mpocE"[event.kind];
			}
		}
	}
	(void)snprintf(out + letters, 16, " %u", code);
}

static void
payload_that_looks_like_messages_is_none(void **state)
{
	static const struct slice stream = BYTES("\x82\x0C\x81\x02xx\x81\x02xx\x81\x02"
						 "xx");

	(void)state;
	for (size_t cut = 1; cut < stream.size; cut++) {
		char out[64];

		outcome_of(stream, cut, true, out);
		assert_string_equal(out, "m 0");
	}
}

/* As if it had been read byte by byte, on to what follows it. */
static void
whole_messages_are_judged_as_others(void **state)
{
	static const struct slice ends[] = {BYTES(""), BYTES("\x81\x01x"),
	    BYTES("\x88\x02\x03\xE8\x81\x02xx"), BYTES("\x80\x01x")};
	/* The last but one goes up as a piece, too large for a crumb. */
	static const struct slice begins[] = {BYTES(""), BYTES("\x01\x01x"),
	    BYTES("\x88\x00"), BYTES("\x89\x01p"),
	    BYTES("\x01\x41"
		  "12345678901234567890123456789012345678901234567890123456789012345"),
	    BYTES("\x82\x01y")};
	/* Its length as one byte, and whatever is needed to say it. */
	static const struct {
		struct slice head;
		size_t size;
	} frames[] = {
	    {BYTES("\x81\x00"), 0},
	    {BYTES("\x81\x7D"), 125},
	    {BYTES("\x82\x7D"), 125},
	    {BYTES("\x83\x01"), 1},
	    {BYTES("\xC1\x01"), 1},
	    {BYTES("\x81\x81"
		   "mask"),
		1},
	    {BYTES("\x01\x01"), 1},
	    {BYTES("\x80\x01"), 1},
	    {BYTES("\x81\x7E\x00\x7D"), 125},
	    {BYTES("\x81\x7E\x00\x7E"), 126},
	    {BYTES("\x81\x7E\x01\x2C"), 300},
	    {BYTES("\x81\x7E\x01\x2D"), 301},
	    {BYTES("\x82\x7E\x01\x2D"), 301},
	    {BYTES("\x81\x7F\x00\x00\x00\x00\x00\x00\x00\x7E"), 126},
	    {BYTES("\x81\xFE\x00\x7E"), 126},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(begins) * COUNT(frames) * COUNT(ends); i++) {
		struct slice begin = begins[i % COUNT(begins)];
		struct slice end = ends[i / COUNT(begins) % COUNT(ends)];
		size_t frame = i / COUNT(begins) / COUNT(ends);
		char stream[400] = "";
		char slow[64];
		char fast[64];
		size_t size = 0;

		memcpy(stream, begin.data, begin.size);
		size += begin.size;
		memcpy(stream + size, frames[frame].head.data, frames[frame].head.size);
		size += frames[frame].head.size;
		memset(stream + size, 'x', frames[frame].size);
		size += frames[frame].size;
		memcpy(stream + size, end.data, end.size);
		size += end.size;
		outcome_of((struct slice){stream, size}, 1, false, slow);
		outcome_of((struct slice){stream, size}, size, true, fast);
		assert_string_equal(fast, slow);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(text_in_one_piece_is_left_to_an_owner_who_wants_it),
	    cmocka_unit_test(what_is_packed_was_never_text),
	    cmocka_unit_test(payload_that_looks_like_messages_is_none),
	    cmocka_unit_test(whole_messages_are_judged_as_others),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
