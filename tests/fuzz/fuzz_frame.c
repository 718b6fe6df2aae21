/*
 * Frames: no input may crash, and no cut between two reads may change what comes out,
 * nor may it who looks at the UTF-8 of whole messages: the parser or its owner.
 *
 * The first byte seeds the cuts, the rest is the stream.
 */
#include <stdint.h>
#include <stdlib.h>

#include "frame.h"

#define LIMIT 100000

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct outcome {
	uint64_t hash;    /* of whole messages and control frames */
	uint64_t message; /* of the message under way */
	bool in_message;
	unsigned events;
	unsigned code;
	bool error;
};

static uint64_t
mix(uint64_t hash, const void *data, size_t size)
{
	const unsigned char *at = data;

	for (size_t i = 0; i < size; i++) {
		hash = (hash ^ at[i]) * UINT64_C(1099511628211);
	}
	return hash;
}

static bool
is_utf8(struct slice text)
{
	struct frame_utf8 utf8 = {0};

	return frame_utf8_step(&utf8, text.data, text.size) && utf8.missing == 0;
}

/* False where the owner finds what the parser has left to him to be wrong. */
static bool
take(struct outcome *outcome, const struct frame_event *event)
{
	if (event->kind == FRAME_GOT_PIECE && event->unchecked &&
	    !is_utf8(event->bytes)) {
		outcome->events++;
		outcome->code = FRAME_CODE_NOT_UTF8;
		outcome->error = true;
		return false;
	}
	if (event->kind == FRAME_GOT_PIECE) {
		if (event->first == outcome->in_message) {
			abort();
		}
		outcome->in_message = !event->last;
		outcome->message =
		    mix(event->first ? 2U + event->binary : outcome->message,
			event->bytes.data, event->bytes.size);
		if (event->last) {
			outcome->hash = mix(outcome->hash, &outcome->message,
			    sizeof outcome->message);
			outcome->events++;
		}
		return true;
	}
	if (outcome->code != 0) {
		abort(); /* something came behind the end */
	}
	outcome->events++;
	outcome->code = event->code;
	outcome->error = event->kind == FRAME_GOT_ERROR;
	outcome->hash = mix(outcome->hash, event->bytes.data, event->bytes.size);
	return true;
}

static struct outcome
parse(const uint8_t *data, size_t size, unsigned seed, bool leaves_text)
{
	struct outcome outcome = {.hash = 1};
	struct frame_parser parser;

	frame_parser_init(&parser, LIMIT);
	parser.leaves_text = leaves_text;
	while (size > 0) {
		size_t cut = seed > 0 ? 1 + (seed >> 8) % 37 : size;
		struct slice input = {(const char *)data, cut < size ? cut : size};
		struct frame_event event;

		seed = seed * 1664525U + (seed > 0 ? 1013904223U : 0);
		data += input.size;
		size -= input.size;
		while (
		    (event = frame_next(&parser, &input)).kind != FRAME_GOT_NOTHING) {
			if (!take(&outcome, &event)) {
				return outcome;
			}
		}
	}
	return outcome;
}

static void
must_be_same(const struct outcome *one, struct outcome other)
{
	if (one->hash != other.hash || one->events != other.events ||
	    one->code != other.code || one->error != other.error) {
		abort();
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size == 0) {
		return 0;
	}
	unsigned seed = 1U + data[0] * 65537U;
	struct outcome whole = parse(data + 1, size - 1, 0, false);

	must_be_same(&whole, parse(data + 1, size - 1, seed, false));
	must_be_same(&whole, parse(data + 1, size - 1, 0, true));
	must_be_same(&whole, parse(data + 1, size - 1, seed, true));
	return 0;
}
