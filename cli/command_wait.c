/* wait: until a condition holds, over one connection, which is made again whenever the
 * daemon goes. */
#include <string.h>

#include "await.h"
#include "command.h"
#include "wait.h"

static bool
knows_health(const struct client *client)
{
	for (const struct json *name = json_first(client->capabilities); name;
	     name = json_next(name)) {
		const char *text = json_text(name);

		if (text && strcmp(text, "health") == 0) {
			return true;
		}
	}
	return json_kind(client->capabilities) != JSON_ARRAY;
}

static const char *
ask(void *ctx, const struct client *client, struct json **params)
{
	const struct wait_condition *condition = ctx;

	if (condition->kind != WAIT_SHARD) {
		return knows_health(client) ? "health" : "status";
	}
	*params = json_new_array();
	json_append(*params, json_new_text(condition->shard));
	return "shards";
}

static bool
holds(void *ctx, const struct await *await, const struct json *result, char *seen,
    size_t room)
{
	(void)await;
	return wait_holds(ctx, result, seen, room);
}

static int
give_up(const struct options *options, const struct await *await, mono_ns time,
    struct failure *failure)
{
	(void)failure_set(failure, EXIT_TIMED_OUT, "timed_out",
	    "waited %.1f s for \"%.60s\"; last seen: %s", clock_seconds(time),
	    options->args[0], await->seen);
	failure_hint(failure,
	    "why: gwctl explain     longer: gwctl wait %.60s --timeout "
	    "5min",
	    options->args[0]);
	return failure_print(failure, options->json);
}

static void
show(const struct options *options, const struct await *await, mono_ns began,
    bool colour)
{
	struct json *document = command_document("wait");

	json_add_text(document, "condition", options->args[0]);
	json_add_bool(document, "already", await->looks == 1);
	json_add_seconds(document, "waited_seconds", clock_now() - began);
	json_add_text(document, "seen", await->seen);
	command_show(options, colour, document);
	json_free(document);
}

int
command_run_wait(const struct options *options, bool colour, struct failure *failure)
{
	mono_ns time = options->has_timeout ? options->timeout : AWAIT_TIME;
	mono_ns began = clock_now();
	struct wait_condition condition;
	struct await await;

	if (!wait_parse(options->args[0], &condition, failure)) {
		return failure_print(failure, options->json);
	}
	await_init(&await, options->socket, time);
	await.failure.line = failure->line;
	await.ctx = &condition;
	await.ask = ask;
	await.holds = holds;
	await.gone_holds = condition.kind == WAIT_GONE || condition.kind == WAIT_DOWN;
	await.any_version = condition.kind == WAIT_GONE;
	enum await_end end = await_run(&await);

	await_fini(&await);
	switch (end) {
	case AWAIT_HOLDS:
		show(options, &await, began, colour);
		return EXIT_DONE;
	case AWAIT_AGAIN:
		return give_up(options, &await, time, failure);
	case AWAIT_HOPELESS:
		break;
	}
	*failure = await.failure;
	return failure_print(failure, options->json);
}
