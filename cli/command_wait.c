/* wait: until a condition holds, over one connection, which is made again whenever the
 * daemon goes. */
#include <stdio.h>
#include <string.h>

#include "command.h"
#include "wait.h"

#define DEFAULT_TIME CLOCK_S(30)   /* without --timeout */
#define LOOK_PAUSE   CLOCK_MS(200) /* between two looks */
#define LOOK_TIME    CLOCK_S(5)    /* for one look at a daemon that does not answer */

/* A wait under way. */
struct waiting {
	const struct options *options;
	struct wait_condition condition;
	struct client client;
	bool connected;
	mono_ns end;    /* CLOCK_NEVER: none */
	char seen[256]; /* by the last look */
	struct failure failure;
};

enum look {
	LOOK_HOLDS,
	LOOK_AGAIN,
	LOOK_HOPELESS, /* failure says why */
};

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

static bool
request(struct waiting *waiting, struct rpc_answer *answer)
{
	struct client *client = &waiting->client;
	struct json *params = NULL;
	const char *method = knows_health(client) ? "health" : "status";

	if (waiting->condition.kind == WAIT_SHARD) {
		params = json_new_array();
		json_append(params, json_new_text(waiting->condition.shard));
		method = "shards";
	}
	return client_request(client, method, params, answer, &waiting->failure);
}

/* For this look; the last one has a fair chance, too. */
static mono_ns
time_left(const struct waiting *waiting)
{
	mono_ns left = waiting->end - clock_now();

	if (waiting->end == CLOCK_NEVER || left > LOOK_TIME) {
		return LOOK_TIME;
	}
	return left > LOOK_PAUSE ? left : LOOK_PAUSE;
}

static void
hang_up(struct waiting *waiting)
{
	client_fini(&waiting->client);
	waiting->connected = false;
}

/* A daemon that is away or busy may come; a right that is missing will not. */
static enum look
judge_failure(struct waiting *waiting)
{
	const struct failure *failure = &waiting->failure;
	enum wait_kind kind = waiting->condition.kind;
	bool absent = failure->exit == EXIT_NOT_RUNNING;

	(void)snprintf(waiting->seen, sizeof waiting->seen, "%.250s", failure->text);
	if (absent && (kind == WAIT_GONE || kind == WAIT_DOWN)) {
		return LOOK_HOLDS;
	}
	if (failure->exit == EXIT_NO_PERMISSION ||
	    (failure->exit == EXIT_VERSION_SKEW && kind != WAIT_GONE)) {
		return LOOK_HOPELESS;
	}
	return LOOK_AGAIN;
}

static bool
reach(struct waiting *waiting)
{
	struct client *client = &waiting->client;

	if (waiting->connected) {
		client_extend(client, time_left(waiting));
		return true;
	}
	waiting->connected =
	    client_connect(client, time_left(waiting), &waiting->failure) &&
	    client_hello(client, &waiting->failure);
	return waiting->connected;
}

/* True where no further answer can be had on this connection. */
static bool
is_broken(const struct failure *failure)
{
	return failure->exit == EXIT_TIMED_OUT ||
	    strcmp(failure->code, "closed") == 0 ||
	    strcmp(failure->code, "protocol") == 0;
}

static enum look
look(struct waiting *waiting)
{
	struct rpc_answer answer;
	bool kept = waiting->connected;

	if (!reach(waiting)) {
		hang_up(waiting);
		return judge_failure(waiting);
	}
	if (!request(waiting, &answer)) {
		if (!is_broken(&waiting->failure)) {
			return judge_failure(waiting); /* refused, in good order */
		}
		hang_up(waiting);
		/* The end of a connection that was kept says little: try another. */
		return kept ? look(waiting) : judge_failure(waiting);
	}
	bool holds = wait_holds(&waiting->condition, answer.result, waiting->seen,
	    sizeof waiting->seen);

	rpc_answer_fini(&answer);
	return holds ? LOOK_HOLDS : LOOK_AGAIN;
}

static enum look
look_until_end(struct waiting *waiting)
{
	for (;;) {
		enum look result = look(waiting);

		if (result != LOOK_AGAIN) {
			return result;
		}
		mono_ns now = clock_now();

		if (now >= waiting->end) {
			return LOOK_AGAIN;
		}
		command_pause(
		    waiting->end - now < LOOK_PAUSE ? waiting->end - now : LOOK_PAUSE);
	}
}

static int
give_up(struct waiting *waiting, mono_ns time, struct failure *failure)
{
	const struct options *options = waiting->options;

	(void)failure_set(failure, EXIT_TIMED_OUT, "timed_out",
	    "waited %.1f s for \"%.60s\"; last seen: %s", clock_seconds(time),
	    options->args[0], waiting->seen);
	failure_hint(failure,
	    "why: gwctl explain     longer: gwctl wait %.60s --timeout "
	    "5min",
	    options->args[0]);
	return failure_print(failure, options->json);
}

static void
show(const struct waiting *waiting, mono_ns began, bool colour)
{
	struct json *document = command_document("wait");

	json_add_text(document, "condition", waiting->options->args[0]);
	json_add_seconds(document, "waited_seconds", clock_now() - began);
	json_add_text(document, "seen", waiting->seen);
	command_show(waiting->options, colour, document);
	json_free(document);
}

int
command_run_wait(const struct options *options, bool colour, struct failure *failure)
{
	mono_ns time = options->has_timeout ? options->timeout : DEFAULT_TIME;
	mono_ns began = clock_now();
	struct waiting waiting = {.options = options,
	    .end = clock_add(began, time),
	    .failure = *failure};

	if (!wait_parse(options->args[0], &waiting.condition, failure)) {
		return failure_print(failure, options->json);
	}
	client_init(&waiting.client, options->socket);
	enum look result = look_until_end(&waiting);

	client_fini(&waiting.client);
	switch (result) {
	case LOOK_HOLDS:
		show(&waiting, began, colour);
		return EXIT_DONE;
	case LOOK_AGAIN:
		return give_up(&waiting, time, failure);
	case LOOK_HOPELESS:
		break;
	}
	*failure = waiting.failure;
	return failure_print(failure, options->json);
}
