/* reboot, and with --wait until the new process is ready. */
#include <string.h>

#include "command.h"
#include "render.h"

#define WAIT_TIME  CLOCK_S(30)   /* without a value of --wait */
#define WAIT_PAUSE CLOCK_MS(100) /* between two looks at a daemon that restarts */
#define WAIT_STEP  CLOCK_S(2)    /* for one such look */

/* True where another process than before answers, and is ready. */
static bool
is_back(const struct options *options, const struct client *before,
    struct json *document, struct failure *failure)
{
	struct client client;
	struct rpc_answer answer;
	bool ready = false;

	client_init(&client, options->socket);
	if (!client_connect(&client, WAIT_STEP, failure) ||
	    !client_hello(&client, failure)) {
		client_fini(&client);
		return false;
	}
	bool fresh = client.pid != before->pid ||
	    strcmp(client.start_time, before->start_time) != 0;

	(void)failure_set(failure, EXIT_TIMED_OUT, "timed_out",
	    fresh ? "the new process is not ready yet" : "the old process still runs");
	if (fresh && client_request(&client, "status", NULL, &answer, failure)) {
		const char *state =
		    json_text(json_get(json_get(answer.result, "daemon"), "state"));

		ready = state && strcmp(state, "ready") == 0;
		rpc_answer_fini(&answer);
	}
	if (ready) {
		json_add_int(document, "new_pid", client.pid);
	}
	client_fini(&client);
	return ready;
}

static bool
wait_until_back(const struct options *options, const struct client *before,
    mono_ns wait_time, struct json *document, struct failure *failure)
{
	mono_ns began = clock_now();
	struct failure last = {0};

	while (clock_now() - began < wait_time) {
		if (is_back(options, before, document, &last)) {
			json_add_seconds(document, "waited_seconds",
			    clock_now() - began);
			return true;
		}
		command_pause(WAIT_PAUSE);
	}
	(void)failure_set(failure, EXIT_TIMED_OUT, "timed_out",
	    "gwbotd is not ready again after %.0f s: %s", clock_seconds(wait_time),
	    last.text);
	failure_hint(failure,
	    "does a supervisor restart it?  systemctl status gwbotd     logs: "
	    "journalctl -u gwbotd -n 50");
	return false;
}

int
command_run_reboot(const struct options *options, bool colour, struct failure *failure)
{
	const char *wait = options_flag(options, "wait");
	mono_ns wait_time = WAIT_TIME;
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
