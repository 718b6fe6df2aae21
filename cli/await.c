#include "await.h"

#include <stdio.h>
#include <string.h>

#include "command.h"

#define LOOK_PAUSE CLOCK_MS(200) /* between two looks */
#define LOOK_TIME  CLOCK_S(5)    /* for one look at a daemon that does not answer */

void
await_init(struct await *await, const char *socket, mono_ns time)
{
	*await = (struct await){.end = clock_add(clock_now(), time)};
	client_init(&await->client, socket);
}

void
await_fini(struct await *await)
{
	client_fini(&await->client);
}

/* For this look; the last one has a fair chance, too. */
static mono_ns
time_left(const struct await *await)
{
	mono_ns left = await->end - clock_now();

	if (await->end == CLOCK_NEVER || left > LOOK_TIME) {
		return LOOK_TIME;
	}
	return left > LOOK_PAUSE ? left : LOOK_PAUSE;
}

static void
hang_up(struct await *await)
{
	client_fini(&await->client);
	await->connected = false;
}

/* A daemon that is away or busy may come; a right that is missing will not. */
static enum await_end
judge_failure(struct await *await)
{
	const struct failure *failure = &await->failure;

	(void)snprintf(await->seen, sizeof await->seen, "%.250s", failure->text);
	if (await->gone_holds && failure->exit == EXIT_NOT_RUNNING) {
		return AWAIT_HOLDS;
	}
	bool hopeless = (failure->exit == EXIT_NO_PERMISSION && !await->any_right) ||
	    (failure->exit == EXIT_VERSION_SKEW && !await->any_version);

	return hopeless ? AWAIT_HOPELESS : AWAIT_AGAIN;
}

static bool
reach(struct await *await)
{
	struct client *client = &await->client;

	if (await->connected) {
		client_extend(client, time_left(await));
		return true;
	}
	await->connected = client_connect(client, time_left(await), &await->failure) &&
	    client_hello(client, &await->failure);
	return await->connected;
}

/* True where no further answer can be had on this connection. */
static bool
is_broken(const struct failure *failure)
{
	return failure->exit == EXIT_TIMED_OUT ||
	    strcmp(failure->code, "closed") == 0 ||
	    strcmp(failure->code, "protocol") == 0;
}

static bool
request(struct await *await, struct rpc_answer *answer)
{
	struct json *params = NULL;
	const char *method = await->ask(await->ctx, &await->client, &params);

	return client_request(&await->client, method, params, answer, &await->failure);
}

static enum await_end
look(struct await *await)
{
	struct rpc_answer answer;
	bool kept = await->connected;

	if (!reach(await)) {
		hang_up(await);
		return judge_failure(await);
	}
	if (!request(await, &answer)) {
		if (!is_broken(&await->failure)) {
			return judge_failure(await); /* refused, in good order */
		}
		hang_up(await);
		/* The end of a connection that was kept says little: try another. */
		return kept ? look(await) : judge_failure(await);
	}
	bool holds = await->holds(await->ctx, await, answer.result, await->seen,
	    sizeof await->seen);

	rpc_answer_fini(&answer);
	return holds ? AWAIT_HOLDS : AWAIT_AGAIN;
}

enum await_end
await_run(struct await *await)
{
	for (;;) {
		await->looks++;
		enum await_end result = look(await);

		if (result != AWAIT_AGAIN) {
			return result;
		}
		mono_ns now = clock_now();

		if (now >= await->end) {
			return AWAIT_AGAIN;
		}
		command_pause(
		    await->end - now < LOOK_PAUSE ? await->end - now : LOOK_PAUSE);
	}
}
