/* reboot, and with --wait until the new process is ready. */
#include <stdio.h>
#include <string.h>

#include "await.h"
#include "command.h"
#include "format.h"
#include "render.h"

static const char *
ask(void *ctx, const struct client *client, struct json **params)
{
	(void)ctx;
	(void)client;
	(void)params;
	return "status";
}

/* Another process than before answers, and is ready. */
static bool
is_back(void *ctx, const struct await *await, const struct json *result, char *seen,
    size_t room)
{
	const struct client *before = ctx;
	const struct client *client = &await->client;
	const char *state = json_text(json_get(json_get(result, "daemon"), "state"));
	bool fresh = client->pid != before->pid ||
	    strcmp(client->start_time, before->start_time) != 0;

	(void)snprintf(seen, room, "%s",
	    fresh ? "the new process is not ready yet" : "the old process still runs");
	return fresh && state && strcmp(state, "ready") == 0;
}

static bool
wait_until_back(const struct options *options, struct client *before, mono_ns time,
    struct json *document, struct failure *failure)
{
	mono_ns began = clock_now();
	struct await await;

	await_init(&await, options->socket, time);
	await.ctx = before;
	await.ask = ask;
	await.holds = is_back;
	await.any_version = true;
	await.any_right = true; /* a new socket has its group a moment later */
	bool back = await_run(&await) == AWAIT_HOLDS;

	if (back) {
		json_add_int(document, "new_pid", await.client.pid);
		json_add_seconds(document, "waited_seconds", clock_now() - began);
	} else {
		(void)failure_set(failure, EXIT_TIMED_OUT, "timed_out",
		    "gwbotd is not ready again after %s: %s",
		    format_seconds(clock_seconds(time)).text, await.seen);
		failure_hint(failure,
		    "does a supervisor restart it?  systemctl status gwbotd     logs: "
		    "journalctl -u gwbotd -n 50");
	}
	await_fini(&await);
	return back;
}

int
command_run_reboot(const struct options *options, bool colour, struct failure *failure)
{
	const char *wait = options_flag(options, "wait");
	mono_ns wait_time = AWAIT_TIME;
	struct client client;
	struct writer writer;

	if (wait && wait[0] && !options_duration("wait", wait, &wait_time, failure)) {
		return failure_print(failure, options->json);
	}
	client_init(&client, options->socket);
	struct json *result = command_ask(options, &client, failure);
	bool done = result != NULL;

	writer_init(&writer, colour);
	if (done && !options->json) {
		command_show(options, colour, result); /* before the wait */
	}
	if (done && wait) {
		done = wait_until_back(options, &client, wait_time, result, failure);
		if (done && !options->json) {
			double waited = 0;

			(void)json_number(json_get(result, "waited_seconds"), &waited);
			render_back(&writer, waited, result);
			command_flush(&writer);
		}
	}
	if (done && options->json) {
		command_show(options, colour, result);
	}
	writer_fini(&writer);
	client_fini(&client);
	json_free(result);
	return done ? (int)EXIT_DONE : failure_print(failure, options->json);
}
