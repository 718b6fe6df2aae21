#include "command.h"

#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "flat.h"
#include "pager.h"
#include "render.h"
#include "render_config.h"

void
command_flush(struct writer *writer)
{
	if (writer->out.size > 0) {
		pager_write(buf_slice(&writer->out));
	}
	buf_clear(&writer->out);
}

/* As --output says; a JSON document takes one line. */
void
command_show(const struct options *options, bool colour, const struct json *result)
{
	struct writer writer;

	writer_init(&writer, colour);
	if (options->json) {
		(void)json_print(result, &writer.out);
		(void)buf_append(&writer.out, "\n", 1);
	} else if (options->form == OPTIONS_PLAIN) {
		flat_plain(result, &writer.out);
	} else if (options->form == OPTIONS_CSV) {
		flat_csv(result, &writer.out);
	} else {
		writer.brief = isatty(STDOUT_FILENO);
		render_result(&writer, options->command->id, result);
	}
	command_flush(&writer);
	writer_fini(&writer);
}

void
command_pause(mono_ns span)
{
	struct timespec pause = {.tv_sec = (time_t)(span / CLOCK_S(1)),
	    .tv_nsec = span % CLOCK_S(1)};

	(void)nanosleep(&pause, NULL);
}

struct json *
command_document(const char *command)
{
	struct json *document = json_new_object();

	json_add_text(document, "schema", "gwctl/1");
	json_add_text(document, "command", command);
	json_add_time(document, "time", clock_wall_ms());
	return document;
}

static struct json *
arguments(const struct options *options)
{
	struct json *params = json_new_array();

	for (size_t i = 0; i < options->arg_count; i++) {
		json_append(params, json_new_text(options->args[i]));
	}
	for (size_t i = 0; i < options->flag_count; i++) {
		const struct options_flag *flag = &options->flags[i];

		if (flag->sent) {
			char text[512];

			(void)snprintf(text, sizeof text, "--%s%s%s", flag->name,
			    flag->value[0] ? "=" : "", flag->value);
			json_append(params, json_new_text(text));
		}
	}
	return params;
}

static struct json *
ask(const struct options *options, const char *method, struct json *owned_params,
    struct client *client, struct failure *failure)
{
	struct rpc_answer answer;

	if (!client_connect(client, options->timeout, failure) ||
	    !client_hello(client, failure)) {
		json_free(owned_params);
		return NULL;
	}
	if (!client_request(client, method, owned_params, &answer, failure)) {
		return NULL;
	}
	struct json *result = json_copy(answer.result);

	rpc_answer_fini(&answer);
	return result;
}

struct json *
command_ask(const struct options *options, struct client *client,
    struct failure *failure)
{
	return ask(options, options->command->name, arguments(options), client,
	    failure);
}

struct json *
command_ask_for(const struct options *options, const char *method,
    struct client *client, struct failure *failure)
{
	return ask(options, method, NULL, client, failure);
}

/* By what GET /healthz says; what says nothing is not ready. */
static int
health_status(const struct json *result)
{
	int64_t status = 0;

	(void)json_int(json_get(result, "http_status"), &status);
	if (status == 200) {
		return EXIT_DONE;
	}
	return status == 206 ? EXIT_DEGRADED : EXIT_DOWN;
}

/* What the answer itself means for the exit status. */
static int
status_of(const struct options *options, const struct json *result)
{
	if (options->command->id == COMMAND_health) {
		return health_status(result);
	}
	bool differs =
	    options->command->id == COMMAND_config && render_config_differs(result);

	return differs ? EXIT_REFUSED : EXIT_DONE;
}

int
command_run_plain(const struct options *options, bool colour, struct failure *failure)
{
	struct client client;

	client_init(&client, options->socket);
	struct json *result = command_ask(options, &client, failure);

	client_fini(&client);
	if (!result) {
		return failure_print(failure, options->json);
	}
	command_show(options, colour, result);
	int status = status_of(options, result);

	json_free(result);
	return status;
}
