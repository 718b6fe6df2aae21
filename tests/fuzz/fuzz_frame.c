/*
 * Frames: no input may crash, and no cut between two reads may change what comes out.
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

static void
take(struct outcome *outcome, const struct frame_event *event)
{
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
		return;
	}
	if (outcome->code != 0) {
		abort(); /* something came behind the end */
	}
	outcome->events++;
	outcome->code = event->code;
	outcome->error = event->kind == FRAME_GOT_ERROR;
	outcome->hash = mix(outcome->hash, event->bytes.data, event->bytes.size);
}

static struct outcome
parse(const uint8_t *data, size_t size, unsigned seed)
{
	struct outcome outcome = {.hash = 1};
	struct frame_parser parser;

	frame_parser_init(&parser, LIMIT);
	while (size > 0) {
		size_t cut = seed > 0 ? 1 + (seed >> 8) % 37 : size;
		struct slice input = {(const char *)data, cut < size ? cut : size};
		struct frame_event event;

		seed = seed * 1664525U + (seed > 0 ? 1013904223U : 0);
		data += input.size;
		size -= input.size;
		while (
		    (event = frame_next(&parser, &input)).kind != FRAME_GOT_NOTHING) {
			take(&outcome, &event);
		}
	}
	return outcome;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size == 0) {
		return 0;
	}
	struct outcome whole = parse(data + 1, size - 1, 0);
	struct outcome cut = parse(data + 1, size - 1, 1U + data[0] * 65537U);

	if (whole.hash != cut.hash || whole.events != cut.events ||
	    whole.code != cut.code || whole.error != cut.error) {
		abort();
	}
	return 0;
}
