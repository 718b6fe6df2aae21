#include "options.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "duration.h"
#include "paths.h"

#define DEFAULT_TIMEOUT CLOCK_S(5)
#define DEFAULT_WATCH   CLOCK_S(2)
#define DEFAULT_WAIT    CLOCK_S(30)
#define SHORTEST_WATCH  CLOCK_MS(100)

/* "" no argument, "[X]" an optional one, "X" a required one. */
static int
argument_kind(const char *argument)
{
	if (argument[0] == '\0') {
		return no_argument;
	}
	return argument[0] == '[' ? optional_argument : required_argument;
}

/* True where --json stands on the line, so that even an error before it obeys. */
static bool
wants_json(int argc, char **argv)
{
	for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++) {
		if (strcmp(argv[i], "--json") == 0) {
			return true;
		}
	}
	return false;
}

static bool
read_duration(const char *name, const char *text, mono_ns *out, struct failure *failure)
{
	if (duration_parse(text, out) == GW_OK) {
		return true;
	}
	(void)failure_set(failure, EXIT_USAGE, "usage",
	    "--%s wants a duration such as 2, 500ms or 1min, not \"%s\"", name, text);
	return false;
}

static bool
take_socket(const char *path, struct options *out, struct failure *failure)
{
	size_t size = strlen(path);

	if (size == 0 || size > PATHS_SOCKET_MAX_BYTES) {
		(void)failure_set(failure, EXIT_USAGE, "usage",
		    "the path of a socket has 1 to %d bytes, this one has %zu: %s",
		    PATHS_SOCKET_MAX_BYTES, size, path);
		return false;
	}
	(void)snprintf(out->socket, sizeof out->socket, "%s", path);
	return true;
}

static bool
take_timeout(struct options *out, struct failure *failure)
{
	if (!read_duration("timeout", optarg, &out->timeout, failure)) {
		return false;
	}
	out->timeout = out->timeout == 0 ? CLOCK_NEVER : out->timeout;
	return true;
}

static bool
take_watch(struct options *out, struct failure *failure)
{
	out->watch = true;
	if (optarg && !read_duration("watch", optarg, &out->watch_period, failure)) {
		return false;
	}
	if (out->watch_period < SHORTEST_WATCH) {
		out->watch_period = SHORTEST_WATCH;
	}
	return true;
}

static bool
take_wait(struct options *out, struct failure *failure)
{
	out->wait = true;
	return !optarg || read_duration("wait", optarg, &out->wait_time, failure);
}

static bool
take_option(int letter, char **argv, struct options *out, struct failure *failure)
{
	switch (letter) {
	case 's':
		return take_socket(optarg, out, failure);
	case 'j':
		out->json = true;
		return true;
	case 't':
		return take_timeout(out, failure);
	case 'w':
		return take_watch(out, failure);
	case 'W':
		return take_wait(out, failure);
	case 'f':
		out->fresh = true;
		return true;
	case 'y':
		out->yes = true;
		return true;
	case 'h':
		out->help = true;
		return true;
	case 'V':
		out->version = true;
		return true;
	case ':':
		(void)failure_set(failure, EXIT_USAGE, "usage", "%s wants an argument",
		    argv[optind - 1]);
		break;
	default:
		(void)failure_set(failure, EXIT_USAGE, "usage", "there is no option %s",
		    argv[optind - 1]);
		break;
	}
	failure_hint(failure, "all options: gwctl --help");
	return false;
}

static bool
find_socket(struct options *out, struct failure *failure)
{
	const char *path = getenv("GWCTL_SOCKET");

	if (out->socket[0]) {
		return true;
	}
	if (path && path[0]) {
		return take_socket(path, out, failure);
	}
	struct paths_source source = paths_source_own(paths_getenv_process, NULL);

	if (paths_find_socket(&source, out->socket, sizeof out->socket) != GW_OK) {
		return failure_set(failure, EXIT_USAGE, "usage",
		    "the path of the control socket is too long; say it with -s PATH");
	}
	return true;
}

static bool
unknown_command(const char *name, struct failure *failure)
{
	char text[256];

	commands_explain_unknown(name, text, sizeof text);
	(void)failure_set(failure, EXIT_USAGE, "unknown_command", "%s", text);
	failure_hint(failure, "all commands: gwctl help");
	return false;
}

/* The command behind the options, and whether what stands with it fits. */
static bool
take_command(struct options *out, struct failure *failure)
{
	const struct command *command = out->command;
	size_t min;
	size_t max;

	commands_arity(command, &min, &max);
	if (!out->help && (out->arg_count < min || out->arg_count > max)) {
		return failure_set(failure, EXIT_USAGE, "usage", "usage: gwctl %s%s%s",
		    command->name, command->synopsis[0] ? " " : "", command->synopsis);
	}
	bool screen = command->access == COMMAND_READ && command->id != COMMAND_help;

	if (out->watch && !screen) {
		return failure_set(failure, EXIT_USAGE, "usage",
		    "--watch is for commands that show something, not for %s",
		    command->name);
	}
	if (out->fresh && !commands_has_flag(command, "--fresh")) {
		return failure_set(failure, EXIT_USAGE, "usage",
		    "--fresh is for reconnect, not for %s", command->name);
	}
	if (out->wait && command->id != COMMAND_reboot) {
		return failure_set(failure, EXIT_USAGE, "usage",
		    "--wait is for reboot, not for %s", command->name);
	}
	return true;
}

/* What stands behind the options. */
static bool
take_rest(int argc, char **argv, struct options *out, struct failure *failure)
{
	if (out->version || optind == argc) {
		return out->version || out->help || find_socket(out, failure);
	}
	out->command = commands_find(argv[optind]);
	out->args = argv + optind + 1;
	out->arg_count = (size_t)(argc - optind - 1);
	if (!out->command) {
		return unknown_command(argv[optind], failure);
	}
	return take_command(out, failure) && find_socket(out, failure);
}

bool
options_parse(int argc, char **argv, struct options *out, struct failure *failure)
{
	static const struct {
		const char *name;
		int letter;
		const char *argument;
	} rows[] = {
#define OPTION_ROW(name, letter, argument, help) {name, letter, argument},
	    OPTIONS_TABLE(OPTION_ROW)
#undef OPTION_ROW
	};
	struct option longs[sizeof rows / sizeof rows[0] + 1] = {0};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		longs[i] = (struct option){.name = rows[i].name,
		    .has_arg = argument_kind(rows[i].argument),
		    .val = rows[i].letter};
	}
	int letter;

	*out = (struct options){
	    .json = wants_json(argc, argv),
	    .timeout = DEFAULT_TIMEOUT,
	    .watch_period = DEFAULT_WATCH,
	    .wait_time = DEFAULT_WAIT,
	};
	opterr = 0;
	while (
	    (letter = getopt_long(argc, argv, ":s:jt:w::W::fyhV", longs, NULL)) != -1) {
		if (!take_option(letter, argv, out, failure)) {
			return false;
		}
	}
	return take_rest(argc, argv, out, failure);
}
