/* Commands for benchmarks: what is made beforehand and then sent at full speed. */
#include <inttypes.h>

#include "commands.h"
#include "gateway.h"
#include "prepared.h"

#define COUNT_MAX UINT64_C(100000000)
#define RATE_MAX  UINT64_C(1000000)

struct preparation {
	struct command *command;
	enum prepared_mix mix;
	uint64_t count;
	struct prepared_size size;
};

static void
prepare(struct gate *gate, void *context)
{
	struct preparation *preparation = context;

	if (!preparation->command->error) {
		preparation->command->error = prepared_make(gate, preparation->mix,
		    preparation->count, &preparation->size);
	}
}

void
command_prepare(struct command *command)
{
	struct preparation preparation = {.command = command, .mix = PREPARED_MIXED};

	if (command->word_count < 1 || command->word_count > 2 ||
	    !command_number(command->words[0], 1, COUNT_MAX, &preparation.count) ||
	    (command->word_count == 2 &&
		!prepared_find(command->words[1], &preparation.mix))) {
		command->error = "a number of events is wanted, and perhaps a mix";
		return;
	}
	command_each_gate(command, prepare, &preparation);
	if (!command->error) {
		command->answered = true;
		jsonw_fmt(command->answer,
		    "{\"ok\":true,\"affected\":%" PRIu64 ",\"wire_bytes\":%" PRIu64
		    ",\"payload_bytes\":%" PRIu64 ",\"last_seq\":%" PRIu64 "}",
		    command->affected, preparation.size.wire_bytes,
		    preparation.size.payload_bytes, preparation.size.last_seq);
	}
}

static void
release(struct gate *gate, void *context)
{
	const uint64_t *rate = context;

	prepared_release(gate, *rate);
	gateway_wake(gate);
}

void
command_release(struct command *command)
{
	uint64_t rate = 0;

	if (command->word_count > 1 ||
	    (command->word_count == 1 &&
		!command_number(command->words[0], 1, RATE_MAX, &rate))) {
		command->error = "a number of events a second is wanted, or none";
		return;
	}
	command_each_gate(command, release, &rate);
}
