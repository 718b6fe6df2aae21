/* job run, and with --wait until the run has ended. */
#include <string.h>

#include "command.h"

#define WAIT_PAUSE CLOCK_MS(200) /* between two looks */

static int64_t
int_of(const struct json *object, const char *name)
{
	int64_t number = 0;

	(void)json_int(json_get(object, name), &number);
	return number;
}

/* The job of that name in an answer of jobs; borrowed, NULL where it is gone. */
static const struct json *
find_job(const struct json *result, const char *name)
{
	for (const struct json *job = json_first(json_get(result, "jobs")); job;
	     job = json_next(job)) {
		const char *found = json_text(json_get(job, "name"));

		if (found && strcmp(found, name) == 0) {
			return job;
		}
	}
	return NULL;
}

/* True once the run with that number has ended: document has the job then. */
static bool
look(const struct options *options, struct client *client, const char *name,
    int64_t run, struct json *document, bool *failed, struct failure *failure)
{
	struct rpc_answer answer;

	client_extend(client, options->timeout);
	if (!client_request(client, "jobs", NULL, &answer, failure)) {
		*failed = true;
		return false;
	}
	const struct json *job = find_job(answer.result, name);
	bool over = job &&
	    (!json_is_true(json_get(job, "running")) || int_of(job, "runs") > run);

	if (!job) {
		*failed = true;
		(void)failure_set(failure, EXIT_REFUSED, "gone",
		    "job \"%.40s\" is in the configuration no more; its run goes on",
		    name);
	}
	if (over) {
		json_add(document, "ended", json_copy(job));
	}
	rpc_answer_fini(&answer);
	return over;
}

static bool
wait_for_end(const struct options *options, struct client *client, mono_ns wait_time,
    struct json *document, struct failure *failure)
{
	const struct json *job = json_get(document, "job");
	const char *name = json_text(json_get(job, "name"));
	mono_ns until = clock_add(clock_now(), wait_time);
	bool failed = false;

	while (clock_now() < until) {
		if (look(options, client, name, int_of(job, "runs"), document, &failed,
			failure)) {
			return true;
		}
		if (failed) {
			return false;
		}
		command_pause(WAIT_PAUSE);
	}
	(void)failure_set(failure, EXIT_TIMED_OUT, "timed_out",
	    "job \"%.40s\" still runs after %.0f s", name, clock_seconds(wait_time));
	failure_hint(failure, "it goes on: gwctl jobs");
	return false;
}

/* The run that was waited for went wrong. */
static bool
went_wrong(const struct json *result)
{
	const struct json *ended = json_get(result, "ended");

	return ended && !json_is_true(json_get(ended, "last_good"));
}

int
command_run_job(const struct options *options, bool colour, struct failure *failure)
{
	const char *wait = options_flag(options, "wait");
	mono_ns wait_time = CLOCK_NEVER;
	struct client client;

	if (wait && wait[0] && !options_duration("wait", wait, &wait_time, failure)) {
		return failure_print(failure, options->json);
	}
	client_init(&client, options->socket);
	struct json *result = command_ask(options, &client, failure);
	bool done = result != NULL;

	if (done && wait) {
		done = wait_for_end(options, &client, wait_time, result, failure);
	}
	if (done) {
		command_show(options, colour, result);
	}
	bool wrong = done && went_wrong(result);

	client_fini(&client);
	json_free(result);
	if (!done) {
		return failure_print(failure, options->json);
	}
	return wrong ? EXIT_REFUSED : EXIT_DONE;
}
