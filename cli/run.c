#include "run.h"

#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "client.h"
#include "render.h"

#define OPTION_COLUMN  28
#define WAIT_PAUSE     CLOCK_MS(100) /* between two looks at a daemon that restarts */
#define WAIT_STEP      CLOCK_S(2)    /* for one such look */
#define LINE_MAX_BYTES RPC_REQUEST_MAX_BYTES

/* ---- output ---- */

static void
flush_screen(struct writer *writer)
{
	(void)fwrite(writer->out.data, 1, writer->out.size, stdout);
	(void)fflush(stdout);
	buf_clear(&writer->out);
}

/* One document a line, or the command's screen. */
static void
show(const struct options *options, bool colour, const struct json *result)
{
	struct writer writer;

	writer_init(&writer, colour);
	if (options->json) {
		(void)json_print(result, &writer.out);
		(void)buf_append(&writer.out, "\n", 1);
	} else {
		writer.brief = isatty(STDOUT_FILENO);
		render_result(&writer, options->command->id, result);
	}
	flush_screen(&writer);
	writer_fini(&writer);
}

static void
pause_for(mono_ns span)
{
	struct timespec pause = {.tv_sec = (time_t)(span / CLOCK_S(1)),
	    .tv_nsec = span % CLOCK_S(1)};

	(void)nanosleep(&pause, NULL);
}

static struct json *
new_document(const char *command)
{
	struct json *document = json_new_object();

	json_add_text(document, "schema", "gwctl/1");
	json_add_text(document, "command", command);
	json_add_time(document, "time", clock_wall_ms());
	return document;
}

/* ---- help: from the tables, without the daemon ---- */

static struct json *
describe_commands(const struct command *only)
{
	struct json *commands = json_new_array();

	for (size_t i = 0; i < commands_count(); i++) {
		const struct command *command = commands_at(i);
		struct json *object = NULL;

		if (only && only != command) {
			continue;
		}
		object = json_new_object();
		json_add_text(object, "name", command->name);
		json_add_text(object, "synopsis", command->synopsis);
		json_add_text(object, "access",
		    command->access == COMMAND_WRITE ? "write" : "read");
		json_add_text(object, "help", command->help);
		json_append(commands, object);
	}
	return commands;
}

static void
put_options(struct writer *writer)
{
	static const struct {
		const char *name;
		char letter;
		const char *argument;
		const char *help;
	} rows[] = {
#define OPTION_ROW(name, letter, argument, help) {name, letter, argument, help},
	    OPTIONS_TABLE(OPTION_ROW)
#undef OPTION_ROW
	};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		bool optional = rows[i].argument[0] == '[';
		size_t size = strlen(rows[i].argument);

		writer_printf(writer, STYLE_PLAIN, "  -%c, --%s%s", rows[i].letter,
		    rows[i].name, size == 0 ? "" : (optional ? "[=" : " "));
		writer_put(writer, STYLE_PLAIN, rows[i].argument + (optional ? 1 : 0));
		writer_tab(writer, OPTION_COLUMN);
		writer_printf(writer, STYLE_PLAIN, "%s", rows[i].help);
		writer_newline(writer);
	}
}

void
run_help(bool colour)
{
	struct writer writer;
	struct json *document = new_document("help");

	json_add(document, "commands", describe_commands(NULL));
	writer_init(&writer, colour);
	writer_put(&writer, STYLE_PLAIN, "usage: gwctl [OPTION...] COMMAND [ARG...]");
	writer_newline(&writer);
	writer_newline(&writer);
	render_result(&writer, COMMAND_help, document);
	writer_newline(&writer);
	put_options(&writer);
	writer_newline(&writer);
	writer_put(&writer, STYLE_PLAIN,
	    "more: man gwctl     what a command does: gwctl help COMMAND");
	writer_newline(&writer);
	flush_screen(&writer);
	writer_fini(&writer);
	json_free(document);
}

static int
help_of(const struct options *options, const struct command *only, bool colour)
{
	struct options shown = *options;
	struct json *document = new_document("help");

	shown.command = commands_at(COMMAND_help);
	json_add(document, "commands", describe_commands(only));
	if (only || options->json) {
		show(&shown, colour, document);
	} else {
		run_help(colour);
	}
	json_free(document);
	return EXIT_DONE;
}

static int
run_help_command(const struct options *options, bool colour, struct failure *failure)
{
	const char *wanted = options->arg_count > 0 ? options->args[0] : NULL;
	const struct command *only = wanted ? commands_find(wanted) : NULL;

	if (wanted && !only) {
		char text[256];

		commands_explain_unknown(wanted, text, sizeof text);
		(void)failure_set(failure, EXIT_USAGE, "unknown_command", "%s", text);
		failure_hint(failure, "all commands: gwctl help");
		return failure_print(failure, options->json);
	}
	return help_of(options, only, colour);
}

/* ---- one request ---- */

static struct json *
arguments(const struct options *options)
{
	struct json *params = json_new_array();

	for (size_t i = 0; i < options->arg_count; i++) {
		json_append(params, json_new_text(options->args[i]));
	}
	if (options->fresh) {
		json_append(params, json_new_text("--fresh"));
	}
	return params;
}

/* Connects, says hello and asks; the answer's result is copied out. */
static struct json *
ask_once(const struct options *options, struct client *client, struct failure *failure)
{
	struct rpc_answer answer;
	struct json *result = NULL;

	if (client_connect(client, options->timeout, failure) &&
	    client_hello(client, failure) &&
	    client_request(client, options->command->name, arguments(options), &answer,
		failure)) {
		result = json_copy(answer.result);
		rpc_answer_fini(&answer);
	}
	return result;
}

static int
run_plain(const struct options *options, bool colour, struct failure *failure)
{
	struct client client;

	client_init(&client, options->socket);
	struct json *result = ask_once(options, &client, failure);

	client_fini(&client);
	if (!result) {
		return failure_print(failure, options->json);
	}
	show(options, colour, result);
	json_free(result);
	return EXIT_DONE;
}

/* ---- --watch ---- */

/* Screens follow each other in place on a terminal, and one below the other elsewhere.
 * On a terminal a daemon that is away is waited for; a script gets the exit status. */
static int
run_watch(const struct options *options, bool colour, struct failure *failure)
{
	bool redraw = isatty(STDOUT_FILENO) && !options->json;
	bool first = true;

	for (;;) {
		if (redraw) {
			(void)fputs(first ? "\033[2J\033[H" : "\033[H\033[J", stdout);
		} else if (!first && !options->json) {
			(void)fputs("\n", stdout);
		}
		first = false;
		int status = run_plain(options, colour, failure);

		if (ferror(stdout) || (status != EXIT_DONE && !redraw)) {
			return status;
		}
		pause_for(options->watch_period);
	}
}

/* ---- reboot --wait ---- */

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
    struct json *document, struct failure *failure)
{
	mono_ns began = clock_now();
	struct failure last = {0};

	while (clock_now() - began < options->wait_time) {
		if (is_back(options, before, document, &last)) {
			json_add_seconds(document, "waited_seconds",
			    clock_now() - began);
			return true;
		}
		pause_for(WAIT_PAUSE);
	}
	(void)failure_set(failure, EXIT_TIMED_OUT, "timed_out",
	    "gwbotd is not ready again after %.0f s: %s",
	    clock_seconds(options->wait_time), last.text);
	failure_hint(failure,
	    "does a supervisor restart it?  systemctl status gwbotd     logs: "
	    "journalctl -u gwbotd -n 50");
	return false;
}

static int
run_reboot(const struct options *options, bool colour, struct failure *failure)
{
	struct client client;
	struct writer writer;

	client_init(&client, options->socket);
	struct json *result = ask_once(options, &client, failure);
	bool done = result != NULL;

	writer_init(&writer, colour);
	if (done && !options->json) {
		show(options, colour, result); /* before the wait */
	}
	if (done && options->wait) {
		done = wait_until_back(options, &client, result, failure);
		if (done && !options->json) {
			double waited = 0;

			(void)json_number(json_get(result, "waited_seconds"), &waited);
			render_back(&writer, waited, result);
			flush_screen(&writer);
		}
	}
	if (done && options->json) {
		show(options, colour, result);
	}
	writer_fini(&writer);
	client_fini(&client);
	json_free(result);
	return done ? (int)EXIT_DONE : failure_print(failure, options->json);
}

/* ---- reconnect --fresh: what spends an IDENTIFY asks ---- */

static bool
declined(struct failure *failure)
{
	return failure_set(failure, EXIT_NOT_CONFIRMED, "not_confirmed",
	    "not confirmed: nothing was done");
}

static bool
confirm_fresh(const struct options *options, struct failure *failure)
{
	char answer[16] = "";

	if (options->yes) {
		return true;
	}
	if (!isatty(STDIN_FILENO)) {
		(void)failure_set(failure, EXIT_NOT_CONFIRMED, "not_confirmed",
		    "\"reconnect --fresh\" needs a confirmation and standard input is "
		    "not a terminal; add --yes");
		failure_hint(failure,
		    "without --fresh the session is resumed: nothing is lost or spent");
		return false;
	}
	if (options->arg_count > 0) {
		(void)fprintf(stderr,
		    "Give up the session of shard %.20s and spend an IDENTIFY? [y/N] ",
		    options->args[0]);
	} else {
		(void)fprintf(stderr,
		    "Give up the sessions of all shards and spend an IDENTIFY each? "
		    "[y/N] ");
	}
	(void)fflush(stderr);
	if (!fgets(answer, sizeof answer, stdin)) {
		return declined(failure);
	}
	return answer[0] == 'y' || answer[0] == 'Y' || declined(failure);
}

static int
run_reconnect(const struct options *options, bool colour, struct failure *failure)
{
	if (options->fresh && !confirm_fresh(options, failure)) {
		return failure_print(failure, options->json);
	}
	return run_plain(options, colour, failure);
}

/* ---- version ---- */

static void
add_own_version(struct json *document)
{
	struct json *own = json_new_object();
	struct json *range = json_new_array();

	json_append(range, json_new_int(RPC_PROTOCOL_MIN));
	json_append(range, json_new_int(RPC_PROTOCOL_MAX));
	json_add_text(own, "version", GWBOT_VERSION);
	json_add(own, "protocol", range);
	json_add(document, "gwctl", own);
}

/* gwctl's own version is worth knowing even where the daemon's cannot be had. */
static int
run_version(const struct options *options, bool colour, struct failure *failure)
{
	struct client client;

	client_init(&client, options->socket);
	struct json *answer = ask_once(options, &client, failure);
	struct json *document = new_document("version");

	client_fini(&client);
	add_own_version(document);
	if (answer) {
		json_add(document, "gwbotd", json_copy(json_get(answer, "gwbotd")));
	}
	if (answer || !options->json) {
		show(options, colour, document);
	}
	json_free(document);
	json_free(answer);
	return answer ? (int)EXIT_DONE : failure_print(failure, options->json);
}

/* ---- sim: the daemon says where, gwsim answers ---- */

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

static int
run_sim(const struct options *options, bool colour, struct failure *failure)
{
	struct client client;

	client_init(&client, options->socket);
	struct json *where = ask_once(options, &client, failure);
	const char *path = json_text(json_get(where, "socket"));
	struct json *document = new_document("sim");
	bool done = path && ask_sim(options, path, document, failure) &&
	    sim_agreed(document, failure);

	if (where && !path) {
		(void)failure_set(failure, EXIT_REFUSED, "protocol",
		    "gwbotd does not say where its gwsim listens");
	}
	if (done) {
		show(options, colour, document);
	}
	client_fini(&client);
	json_free(where);
	json_free(document);
	return done ? (int)EXIT_DONE : failure_print(failure, options->json);
}

/* ---- */

int
run_command(const struct options *options, bool colour)
{
	struct failure failure = {0};

	if (options->help) {
		return help_of(options, options->command, colour);
	}
	if (options->watch) {
		return run_watch(options, colour, &failure);
	}
	switch (options->command->id) {
	case COMMAND_help:
		return run_help_command(options, colour, &failure);
	case COMMAND_reboot:
		return run_reboot(options, colour, &failure);
	case COMMAND_reconnect:
		return run_reconnect(options, colour, &failure);
	case COMMAND_version:
		return run_version(options, colour, &failure);
	case COMMAND_sim:
		return run_sim(options, colour, &failure);
	case COMMAND_status:
	case COMMAND_snapshot:
	case COMMAND_shards:
	case COMMAND_latency:
	case COMMAND_thresholds:
		break;
	}
	return run_plain(options, colour, &failure);
}
