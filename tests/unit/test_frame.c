/* Frames: what is written reads back, what is forbidden is refused, and no cut between
 * two reads changes the verdict.  The cases on the wire are in tests/conformance. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "frame.h"

/* A slice for static tables. */
#define BYTES(text)                      \
	{                                \
		(text), sizeof(text) - 1 \
	}

#define STREAM_MAX 2048
#define SEQUENCES  20000

/* What a parser made of a stream, whatever the cuts. */
struct outcome {
	unsigned messages;
	unsigned pings;
	unsigned pongs;
	unsigned code; /* of an error or close frame; 0: neither */
	bool error;
	bool idle;
	uint64_t hash; /* of all whole messages and control payloads */
};

static uint32_t
next_random(uint32_t *state)
{
	*state = *state * 1664525U + 1013904223U;
	return *state >> 8;
}

static uint64_t
mix(uint64_t hash, const void *data, size_t size)
{
	const unsigned char *at = data;

	for (size_t i = 0; i < size; i++) {
		hash = (hash ^ at[i]) * UINT64_C(1099511628211);
	}
	return hash;
}

/* Feeds the stream in pieces of up to max_cut bytes (0: whole). */
static struct outcome
parse(const uint8_t *stream, size_t size, uint64_t limit, size_t max_cut,
    uint32_t *random)
{
	struct outcome outcome = {.hash = 1};
	struct frame_parser parser;
	uint64_t message = 1;
	bool in_message = false;

	frame_parser_init(&parser, limit);
	while (size > 0) {
		size_t cut = max_cut ? 1 + next_random(random) % max_cut : size;
		struct slice input = {(const char *)stream, cut < size ? cut : size};
		struct frame_event event;

		stream += input.size;
		size -= input.size;
		while (
		    (event = frame_next(&parser, &input)).kind != FRAME_GOT_NOTHING) {
			struct slice bytes = event.bytes;

			switch (event.kind) {
			case FRAME_GOT_NOTHING:
				break;
			case FRAME_GOT_PIECE:
				assert_int_equal(event.first, !in_message);
				assert_true(event.last || bytes.size > 0);
				in_message = !event.last;
				message = mix(event.first ? 2U + event.binary : message,
				    bytes.data, bytes.size);
				if (event.last) {
					outcome.messages++;
					outcome.hash =
					    mix(outcome.hash, &message, sizeof message);
				}
				break;
			case FRAME_GOT_PING:
			case FRAME_GOT_PONG:
				outcome.pings += event.kind == FRAME_GOT_PING;
				outcome.pongs += event.kind == FRAME_GOT_PONG;
				outcome.hash =
				    mix(outcome.hash, bytes.data, bytes.size);
				break;
			case FRAME_GOT_CLOSE:
			case FRAME_GOT_ERROR:
				assert_int_equal(outcome.code, 0);
				outcome.error = event.kind == FRAME_GOT_ERROR;
				outcome.code = event.code;
				outcome.hash =
				    mix(outcome.hash, bytes.data, bytes.size);
				break;
			}
		}
		assert_int_equal(input.size, 0);
	}
	outcome.idle = frame_is_idle(&parser);
	return outcome;
}

static void
assert_same(const struct outcome *a, const struct outcome *b)
{
	assert_int_equal(a->messages, b->messages);
	assert_int_equal(a->pings, b->pings);
	assert_int_equal(a->pongs, b->pongs);
	assert_int_equal(a->code, b->code);
	assert_int_equal(a->error, b->error);
	assert_int_equal(a->hash, b->hash);
}

/* A frame as a server writes it, mostly right; returns its size. */
static size_t
random_frame(uint8_t *out, uint32_t *random, bool *in_message)
{
	static const uint8_t odd[] = {0x3, 0xB, 0x7, 0xF};
	uint32_t dice = next_random(random) % 100;
	bool control = dice < 20;
	unsigned opcode = control ? 0x9 + dice % 2 :
	    *in_message           ? 0x0 :
				    1 + next_random(random) % 2;
	bool fin = control || next_random(random) % 3 != 0;
	size_t size = next_random(random) % (control ? 126 : 300);
	uint8_t *at = out;

	if (!control) {
		*in_message = !fin;
	}
	if (dice == 99) {
		opcode = odd[next_random(random) % sizeof odd];
	} else if (dice == 98) {
		opcode = 0x8;
		size = next_random(random) % 20;
	}
	unsigned rsv = dice == 97 ? 0x40 : 0;

	*at++ = (uint8_t)((fin ? 0x80 : 0) | rsv | opcode);
	if (size < 126 && dice != 96) {
		*at++ = (uint8_t)(size | (dice == 95 ? 0x80 : 0));
	} else {
		*at++ = 126;
		*at++ = (uint8_t)(size >> 8);
		*at++ = (uint8_t)size;
	}
	for (size_t i = 0; i < size; i++) {
		*at++ = (uint8_t)('a' + next_random(random) % 26);
	}
	if (dice == 94 && size > 0) {
		at[-1] = 0xC3; /* the begin of a character */
	} else if (dice == 93 && size > 2) {
		at[-2] = 0xC3;
		at[-1] = 0xA9;
	}
	return (size_t)(at - out);
}

static void
random_sequences_parse_the_same_in_any_cuts(void **state)
{
	uint32_t random = 20261123;
	unsigned refused = 0;

	(void)state;
	for (unsigned i = 0; i < SEQUENCES; i++) {
		uint8_t stream[STREAM_MAX];
		size_t size = 0;
		bool in_message = false;
		size_t max_cut = 1 + next_random(&random) % 64;

		for (unsigned n = next_random(&random) % 6;; n--) {
			size += random_frame(stream + size, &random, &in_message);
			if (n == 0) {
				break;
			}
		}
		struct outcome whole = parse(stream, size, 700, 0, &random);
		struct outcome cut = parse(stream, size, 700, max_cut, &random);

		assert_same(&whole, &cut);
		refused += whole.error;
	}
	/* The generator makes both kinds, or the test says little. */
	assert_in_range(refused, SEQUENCES / 10, SEQUENCES / 2);
}

static void
every_message_ends_idle(void **state)
{
	static const uint8_t stream[] =
	    "\x01\x02hi\x89\x00\x80\x00\x82\x03\x00\xff\x80";
	uint32_t random = 1;

	(void)state;
	for (size_t cut = 0; cut < 5; cut++) {
		struct outcome outcome =
		    parse(stream, sizeof stream - 1, 100, cut, &random);

		assert_int_equal(outcome.messages, 2);
		assert_int_equal(outcome.pings, 1);
		assert_int_equal(outcome.code, 0);
		assert_true(outcome.idle);
	}
	/* One byte less: the second message is under way. */
	assert_false(parse(stream, sizeof stream - 2, 100, 0, &random).idle);
	assert_false(parse(stream, 1, 100, 0, &random).idle);
}

/* A message in frames of one byte: few pieces, the same bytes, none kept back. */
static void
crumbs_go_up_together(void **state)
{
	enum { BYTES_ALL = 1000 };

	uint8_t stream[3 * BYTES_ALL + 8];
	char text[BYTES_ALL];
	char got[BYTES_ALL];
	size_t size = 0;

	(void)state;
	for (size_t i = 0; i < BYTES_ALL; i++) {
		text[i] = (char)('a' + i % 26);
		stream[size++] = i == 0 ? FRAME_TEXT : i == BYTES_ALL - 1 ? 0x80 : 0;
		stream[size++] = 1;
		stream[size++] = (uint8_t)text[i];
	}
	for (size_t cut = 1; cut <= size; cut = cut * 3 + 1) {
		struct frame_parser parser;
		size_t taken = 0;
		unsigned pieces = 0;
		size_t whole = 0; /* payload bytes that the parser has seen */

		frame_parser_init(&parser, BYTES_ALL);
		for (size_t at = 0; at < size; at += cut) {
			struct slice input = {(const char *)stream + at,
			    cut < size - at ? cut : size - at};
			struct frame_event event;

			for (size_t i = at; i < at + input.size; i++) {
				whole += i % 3 == 2;
			}
			while ((event = frame_next(&parser, &input)).kind ==
			    FRAME_GOT_PIECE) {
				assert_int_equal(event.first, taken == 0);
				memcpy(got + taken, event.bytes.data, event.bytes.size);
				taken += event.bytes.size;
				assert_int_equal(event.last, taken == BYTES_ALL);
				pieces++;
			}
			assert_int_equal(event.kind, FRAME_GOT_NOTHING);
			assert_int_equal(taken, whole);
		}
		assert_memory_equal(got, text, BYTES_ALL);
		assert_true(frame_is_idle(&parser));
		assert_true(pieces <= BYTES_ALL / FRAME_CRUMB_ROOM + 2 + size / cut);
	}
}

/* Between crumbs: what comes in the middle keeps its place, what is wrong its code. */
static void
crumbs_do_not_hide_what_is_among_them(void **state)
{
	static const struct {
		const char *name;
		struct slice bytes; /* behind "a" and "b" in frames of one byte */
		enum frame_kind second;
		unsigned code;
	} cases[] = {
	    {"ping", BYTES("\x89\x01x"), FRAME_GOT_PING, 0},
	    {"close", BYTES("\x88\x02\x03\xe8"), FRAME_GOT_CLOSE, 1000},
	    {"reserved bits", BYTES("\x40\x01x"), FRAME_GOT_ERROR, 1002},
	    {"masked", BYTES("\x00\x81x"), FRAME_GOT_ERROR, 1002},
	    {"new message", BYTES("\x01\x01x"), FRAME_GOT_ERROR, 1002},
	    {"no UTF-8", BYTES("\x00\x01\xff"), FRAME_GOT_ERROR, 1007},
	    {"no UTF-8, and reserved bits", BYTES("\x00\x01\xff\x40\x00"),
		FRAME_GOT_ERROR, 1007},
	    {"too large", BYTES("\x00\x40"), FRAME_GOT_ERROR, 1009},
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		char stream[32] = {0x01, 0x01, 'a', 0x00, 0x01, 'b'};
		struct slice input = {stream, 6 + cases[i].bytes.size};
		struct frame_parser parser;

		memcpy(stream + 6, cases[i].bytes.data, cases[i].bytes.size);
		frame_parser_init(&parser, 10);
		struct frame_event event = frame_next(&parser, &input);

		if (event.kind == FRAME_GOT_PIECE) {
			assert_int_equal(event.bytes.size, 2);
			assert_memory_equal(event.bytes.data, "ab", 2);
			assert_false(event.last);
			event = frame_next(&parser, &input);
		}
		if (event.kind != cases[i].second || event.code != cases[i].code) {
			fail_msg("%s: kind %d, code %u", cases[i].name, (int)event.kind,
			    event.code);
		}
		if (cases[i].code != 0) {
			event = frame_next(&parser, &input);
			assert_int_equal(event.kind, FRAME_GOT_NOTHING);
		}
	}
}

static void
forbidden_streams_are_refused_with_their_code(void **state)
{
	static const struct {
		const char *name;
		struct slice bytes;
		unsigned code;
	} cases[] = {
	    {"rsv1", BYTES("\xC1"), 1002},
	    {"opcode 3", BYTES("\x83"), 1002},
	    {"opcode 11", BYTES("\x8B"), 1002},
	    {"fragmented ping", BYTES("\x09"), 1002},
	    {"continuation first", BYTES("\x80"), 1002},
	    {"text in text", BYTES("\x01\x00\x81"), 1002},
	    {"masked", BYTES("\x81\x80"), 1002},
	    {"ping of 126", BYTES("\x89\x7E"), 1002},
	    {"125 in 16 bits", BYTES("\x81\x7E\x00\x7D"), 1002},
	    {"65535 in 64 bits", BYTES("\x81\x7F\x00\x00\x00\x00\x00\x00\xFF\xFF"),
		1002},
	    {"top bit", BYTES("\x81\x7F\x80\x00\x00\x00\x00\x01\x00\x00"), 1002},
	    {"over the limit", BYTES("\x82\x7E\x03\xE9"), 1009},
	    {"2^62", BYTES("\x82\x7F\x40\x00\x00\x00\x00\x00\x00\x00"), 1009},
	    {"bad UTF-8", BYTES("\x01\x05\xFF"), 1007},
	    {"cut UTF-8", BYTES("\x81\x02\xE2\x82"), 1007},
	    {"cut by an empty end", BYTES("\x01\x01\xC3\x80\x00"), 1007},
	    {"close of one byte", BYTES("\x88\x01\x03"), 1002},
	    {"close 1005", BYTES("\x88\x02\x03\xED"), 1002},
	    {"close reason", BYTES("\x88\x03\x03\xE8\xFF"), 1007},
	};
	uint32_t random = 3;

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		for (size_t cut = 0; cut < 3; cut++) {
			struct outcome outcome =
			    parse((const uint8_t *)cases[i].bytes.data,
				cases[i].bytes.size, 1000, cut, &random);

			if (!outcome.error || outcome.code != cases[i].code) {
				fail_msg("%s: %u", cases[i].name, outcome.code);
			}
		}
	}
}

static void
the_limit_counts_announced_bytes_of_all_fragments(void **state)
{
	static const uint8_t stream[] = "\x02\x02xx\x80\x03xxx";
	uint32_t random = 1;

	(void)state;
	assert_int_equal(parse(stream, sizeof stream - 1, 5, 0, &random).messages, 1);
	assert_int_equal(parse(stream, sizeof stream - 1, 4, 0, &random).code, 1009);
	/* Refused by its header, before a byte of it is there. */
	assert_int_equal(parse(stream, 6, 4, 0, &random).code, 1009);
}

static void
close_codes(void **state)
{
	(void)state;
	for (unsigned code = 0; code <= 65535; code++) {
		bool valid = (code >= 1000 && code <= 1003) ||
		    (code >= 1007 && code <= 1014) || (code >= 3000 && code <= 4999);

		assert_int_equal(frame_code_is_valid(code), valid);
	}
}

/* Unmasks what frame_write() made, as a server does, and reads it back. */
static void
written_frames_read_back(void **state)
{
	static const size_t sizes[] = {0, 1, 125, 126, 127, 65535, 65536, 70000};
	static uint8_t data[70000];
	static uint8_t out[70000 + FRAME_HEADER_MAX];
	static const uint8_t mask[4] = {0x12, 0x34, 0x56, 0x78};

	(void)state;
	memset(data, 'x', sizeof data);
	for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
		struct frame_parser parser;
		size_t size = sizes[i];
		size_t whole = frame_write(out, FRAME_TEXT, mask, data, size);
		size_t head = whole - size - 4;

		assert_int_equal(whole, frame_size(size));
		assert_memory_equal(out + head, mask, 4);
		assert_int_equal(out[1] & 0x80, 0x80);
		out[1] &= 0x7F;
		memmove(out + head, out + head + 4, size);
		for (size_t at = 0; at < size; at++) {
			out[head + at] ^= mask[at % 4];
		}
		frame_parser_init(&parser, sizeof data);
		struct slice input = {(const char *)out, head + size};
		struct frame_event event = frame_next(&parser, &input);

		assert_int_equal(event.kind, FRAME_GOT_PIECE);
		assert_true(event.first && event.last && !event.binary);
		assert_int_equal(event.bytes.size, size);
		if (size > 0) {
			assert_memory_equal(event.bytes.data, data, size);
		}
		assert_true(frame_is_idle(&parser));
	}
}

static void
close_payloads(void **state)
{
	uint8_t out[FRAME_CONTROL_MAX];
	char reason[200];

	(void)state;
	assert_int_equal(frame_write_close(out, FRAME_CODE_NONE, "unused"), 0);
	assert_int_equal(frame_write_close(out, 4000, NULL), 2);
	assert_memory_equal(out, "\x0F\xA0", 2);
	assert_int_equal(frame_write_close(out, 1000, "bye"), 5);
	assert_memory_equal(out + 2, "bye", 3);
	/* 122 bytes, then a character of two: it does not fit and goes whole. */
	memset(reason, 'r', sizeof reason);
	memcpy(reason + 122, "\xC3\xA9", 3);
	assert_int_equal(frame_write_close(out, 4000, reason), 124);
	memcpy(reason + 121, "\xC3\xA9", 3);
	assert_int_equal(frame_write_close(out, 4000, reason), 125);
}

static void
utf8_at_its_edges(void **state)
{
	static const struct {
		const char *text;
		bool good;
	} cases[] = {
	    {"plain and long enough for eights", true},
	    {"\xC2\x80\xDF\xBF", true},
	    {"\xE0\xA0\x80\xED\x9F\xBF\xEE\x80\x80\xEF\xBF\xBF", true},
	    {"\xF0\x90\x80\x80\xF4\x8F\xBF\xBF", true},
	    {"\x80", false},
	    {"\xC1\xBF", false},
	    {"\xE0\x9F\xBF", false},
	    {"\xED\xA0\x80", false},
	    {"\xF0\x8F\xBF\xBF", false},
	    {"\xF4\x90\x80\x80", false},
	    {"\xF5\x80\x80\x80", false},
	    {"\xC3(", false},
	    {"1234567\xC3\xA9"
	     "12345678\xFF",
		false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		const char *text = cases[i].text;
		size_t size = strlen(text);

		/* Whole, and cut at every place. */
		for (size_t cut = 0; cut <= size; cut++) {
			struct frame_utf8 utf8 = {0};
			bool good = frame_utf8_step(&utf8, text, cut) &&
			    frame_utf8_step(&utf8, text + cut, size - cut);

			if (good != cases[i].good || (good && utf8.missing > 0)) {
				fail_msg("case %zu cut at %zu", i, cut);
			}
		}
	}
}

static bool
is_utf8_at_once(const uint8_t *text, size_t size, size_t step)
{
	struct frame_utf8 utf8 = {0};

	for (size_t at = 0; at < size; at += step) {
		size_t part = step < size - at ? step : size - at;

		if (!frame_utf8_step(&utf8, text + at, part)) {
			return false;
		}
	}
	return utf8.missing == 0;
}

/* Long text is judged in blocks: whatever stands in it, and wherever, as byte by byte.
 */
static void
utf8_in_blocks_is_as_byte_by_byte(void **state)
{
	static const struct slice words[] = {BYTES("a"), BYTES("\xc3\xb6"),
	    BYTES("\xdf\xbf"), BYTES("\xe2\x82\xac"), BYTES("\xe1\x80\x80"),
	    BYTES("\xee\x80\x80"), BYTES("\xef\xbf\xbf"), BYTES("\xe0\xa0\x80"),
	    BYTES("\xed\x9f\xbf"), BYTES("\xf0\x9f\x98\x80"), BYTES("\xf4\x8f\xbf\xbf"),
	    BYTES("a plain word "),
	    /* from here on: what is wrong, at least where it stands alone */
	    BYTES("\x80"), BYTES("\xc3"), BYTES("\xc1\xbf"), BYTES("\xe0\x9f\xbf"),
	    BYTES("\xed\xa0\x80"), BYTES("\xe2\x82"), BYTES("\xf0\x8f\xbf\xbf"),
	    BYTES("\xf4\x90\x80\x80"), BYTES("\xf0\x9f\x98"), BYTES("\xff"),
	    BYTES("\xc3\xc3\xb6"), BYTES("\xe2\xc3\xb6")};
	const uint32_t all = sizeof words / sizeof words[0];
	uint32_t random = 5;
	unsigned good = 0;

	(void)state;
	for (unsigned round = 0; round < 40000; round++) {
		/* None, or a single one, of those that are wrong. */
		uint32_t kinds = 1 + next_random(&random) % 12;
		uint32_t wrong_at = next_random(&random) % 400;
		uint8_t text[300];
		size_t size = 0;

		while (size < 200 + round % 80) {
			bool wrong = size <= wrong_at && wrong_at < size + 4;
			const struct slice *word =
			    &words[wrong ? 12 + next_random(&random) % (all - 12) :
					   next_random(&random) % kinds];

			memcpy(text + size, word->data, word->size);
			size += word->size;
		}
		bool expected = is_utf8_at_once(text, size, 1);

		good += expected;
		assert_int_equal(is_utf8_at_once(text, size, size), expected);
		assert_int_equal(is_utf8_at_once(text, size, 64 + round % 9), expected);
	}
	assert_in_range(good, 10000, 35000);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(random_sequences_parse_the_same_in_any_cuts),
	    cmocka_unit_test(every_message_ends_idle),
	    cmocka_unit_test(crumbs_go_up_together),
	    cmocka_unit_test(crumbs_do_not_hide_what_is_among_them),
	    cmocka_unit_test(forbidden_streams_are_refused_with_their_code),
	    cmocka_unit_test(the_limit_counts_announced_bytes_of_all_fragments),
	    cmocka_unit_test(close_codes),
	    cmocka_unit_test(written_frames_read_back),
	    cmocka_unit_test(close_payloads),
	    cmocka_unit_test(utf8_at_its_edges),
	    cmocka_unit_test(utf8_in_blocks_is_as_byte_by_byte),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
