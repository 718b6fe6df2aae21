/* reconnect: with --fresh it spends an IDENTIFY, and asks; with --wait it returns when
 * the shards that were asked are ready again. */
#include <string.h>

#include "await.h"
#include "comeback.h"
#include "command.h"
#include "confirm.h"
#include "format.h"
#include "render_shards.h"

/* A reconnect that is waited for. */
struct returning {
	const struct options *options;
	struct comeback comeback;
	char start_time[40]; /* of the process that was asked */
	mono_ns asked_at;
};

static bool
confirm_fresh(const struct options *options, struct failure *failure)
{
	if (!confirm_possible(options, "reconnect --fresh",
		"without --fresh the session is resumed: nothing is lost or spent",
		failure)) {
		return false;
	}
	if (options->arg_count > 0) {
		return confirm_ask(options, failure,
		    "Give up the session of shard %.20s and spend an IDENTIFY?",
		    options->args[0]);
	}
	return confirm_ask(options, failure,
	    "Give up the sessions of all shards and spend an IDENTIFY each?");
}

/* ---- the wait ---- */

static const char *
ask_for_shards(void *ctx, const struct client *client, struct json **params)
{
	const struct options *options = ((struct returning *)ctx)->options;

	(void)client;
	if (options->arg_count > 0) {
		*params = json_new_array();
		json_append(*params, json_new_text(options->args[0]));
	}
	return "shards";
}

static bool
are_back(void *ctx, const struct await *await, const struct json *result, char *seen,
    size_t room)
{
	struct returning *returning = ctx;
	double elapsed = clock_seconds(clock_now() - returning->asked_at);

	if (strcmp(await->client.start_time, returning->start_time) != 0) {
		(void)slice_copy(slice_of(await->client.start_time),
		    returning->start_time, sizeof returning->start_time);
		comeback_restart(&returning->comeback);
	}
	return comeback_look(&returning->comeback, result, elapsed, seen, room);
}

/* How the shards are before they are asked. */
static bool
begin(struct returning *returning, struct failure *failure)
{
	struct client client;
	struct rpc_answer answer;
	struct json *params = NULL;

	client_init(&client, returning->options->socket);
	const char *method = ask_for_shards(returning, &client, &params);
	bool reached = client_connect(&client, returning->options->timeout, failure) &&
	    client_hello(&client, failure);

	if (!reached) {
		json_free(params);
	} else if (client_request(&client, method, params, &answer, failure)) {
		comeback_begin(&returning->comeback, answer.result);
		rpc_answer_fini(&answer);
	} else {
		reached = false;
	}
	(void)slice_copy(slice_of(client.start_time), returning->start_time,
	    sizeof returning->start_time);
	client_fini(&client);
	return reached;
}

static bool
wait_until_back(struct returning *returning, mono_ns time, struct json *document,
    struct failure *failure)
{
	struct await await;

	await_init(&await, returning->options->socket, time);
	await.ctx = returning;
	await.ask = ask_for_shards;
	await.holds = are_back;
	enum await_end end = await_run(&await);

	await_fini(&await);
	json_add_seconds(document, "waited_seconds", clock_now() - returning->asked_at);
	json_add(document, "back", comeback_list(&returning->comeback));
	if (end == AWAIT_AGAIN) {
		(void)failure_set(failure, EXIT_TIMED_OUT, "timed_out",
		    "not ready again after %s: %s",
		    format_seconds(clock_seconds(time)).text, await.seen);
		failure_hint(failure,
		    "it goes on trying; why, and what comes next: gwctl explain     "
		    "all of them: gwctl shards");
	} else if (end == AWAIT_HOPELESS) {
		*failure = await.failure;
	}
	return end == AWAIT_HOLDS;
}

static bool
ask_and_wait(struct returning *returning, mono_ns time, bool colour,
    struct failure *failure)
{
	const struct options *options = returning->options;
	struct client client;
	struct writer writer;

	if (!begin(returning, failure)) {
		return false;
	}
	returning->asked_at = clock_now();
	client_init(&client, options->socket);
	struct json *result = command_ask(options, &client, failure);

	client_fini(&client);
	bool done = result != NULL && wait_until_back(returning, time, result, failure);

	if (done && options->json) {
		command_show(options, colour, result);
	} else if (done) {
		writer_init(&writer, colour);
		render_shards_back(&writer, result);
		command_flush(&writer);
		writer_fini(&writer);
	}
	json_free(result);
	return done;
}

static int
run_and_wait(const struct options *options, const char *wait, bool colour,
    struct failure *failure)
{
	struct returning returning = {.options = options};
	mono_ns time = AWAIT_TIME;

	if (wait[0] && !options_duration("wait", wait, &time, failure)) {
		return failure_print(failure, options->json);
	}
	bool done = ask_and_wait(&returning, time, colour, failure);

	comeback_fini(&returning.comeback);
	return done ? (int)EXIT_DONE : failure_print(failure, options->json);
}

int
command_run_reconnect(const struct options *options, bool colour,
    struct failure *failure)
{
	const char *wait = options_flag(options, "wait");

	if (options_flag(options, "fresh") && !confirm_fresh(options, failure)) {
		return failure_print(failure, options->json);
	}
	return wait ? run_and_wait(options, wait, colour, failure) :
		      command_run_plain(options, colour, failure);
}
