/* sim: the daemon says where, gwsim answers. */
#include <string.h>

#include "command.h"

#define LINE_MAX_BYTES RPC_REQUEST_MAX_BYTES

static bool
join_arguments(const struct options *options, struct buf *line)
{
	for (size_t i = 0; i < options->arg_count; i++) {
		if ((i > 0 && buf_append(line, " ", 1) != GW_OK) ||
		    buf_append(line, options->args[i], strlen(options->args[i])) !=
			GW_OK) {
			return false;
		}
	}
	return line->size > 0 && !memchr(line->data, '\n', line->size);
}

/* Sends the command to gwsim; its answer is added to document. */
static bool
ask_sim(const struct options *options, const char *path, struct json *document,
    struct failure *failure)
{
	struct client sim;
	struct buf line;
	struct slice answer = {0};
	struct json *parsed = NULL;
	bool done;

	client_init(&sim, path);
	buf_init(&line, LINE_MAX_BYTES);
	if (!join_arguments(options, &line)) {
		done = failure_set(failure, EXIT_USAGE, "usage",
		    "a fault is one line of at most 64 KiB");
	} else {
		done = client_connect(&sim, options->timeout, failure) &&
		    client_exchange(&sim, buf_slice(&line), &answer, failure);
	}
	if (done && json_parse(answer, RPC_ANSWER_MAX_BYTES, &parsed) != GW_OK) {
		done = failure_set(failure, EXIT_REFUSED, "protocol",
		    "gwsim's answer on %s is no JSON", path);
	}
	if (done) {
		json_add(document, "answer", parsed);
	}
	client_fini(&sim);
	buf_fini(&line);
	return done;
}

/* gwsim says what it did not understand under "error". */
static bool
sim_agreed(const struct json *document, struct failure *failure)
{
	const struct json *answer = json_get(document, "answer");
	const char *error = json_text(json_get(answer, "error"));
	bool agreed = true;

	(void)json_bool(json_get(answer, "ok"), &agreed);
	if (agreed && !error) {
		return true;
	}
	(void)failure_set(failure, EXIT_REFUSED, "refused", "gwsim: %s",
	    error ? error : "it refused");
	failure_hint(failure, "what it can play: gwctl sim help");
	return false;
}

int
command_run_sim(const struct options *options, bool colour, struct failure *failure)
{
	struct client client;

	client_init(&client, options->socket);
	struct json *where = command_ask(options, &client, failure);
	const char *path = json_text(json_get(where, "socket"));
	struct json *document = command_document("sim");
	bool done = path && ask_sim(options, path, document, failure) &&
	    sim_agreed(document, failure);

	if (where && !path) {
		(void)failure_set(failure, EXIT_REFUSED, "protocol",
		    "gwbotd does not say where its gwsim listens");
	}
	if (done) {
		command_show(options, colour, document);
	}
	client_fini(&client);
	json_free(where);
	json_free(document);
	return done ? (int)EXIT_DONE : failure_print(failure, options->json);
}
