#include "options.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "buf.h"
#include "duration.h"
#include "paths.h"

#define DEFAULT_TIMEOUT CLOCK_S(5)
#define DEFAULT_WATCH   CLOCK_S(2)
#define SHORTEST_WATCH  CLOCK_MS(100)
#define WATCH_COUNT_MAX 1000000000

/* What getopt returns for a row: past every letter. */
#define ROW_VALUE 1000

enum to {
	OWN,
	SENT,
};

/* gwctl's own options, then the flags of commands. */
static const struct row {
	const char *name;
	int letter; /* 0: none */
	const char *argument;
	bool flag;
	enum to to;
} rows[] = {
#define OPTION_ROW(name, letter, argument, help) {name, letter, argument, false, OWN},
    OPTIONS_TABLE(OPTION_ROW)
#undef OPTION_ROW
#define FLAG_ROW(name, letter, argument, to, help) {name, letter, argument, true, to},
	OPTIONS_FLAGS_TABLE(FLAG_ROW)
#undef FLAG_ROW
};

#define ROWS (sizeof rows / sizeof rows[0])

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

bool
options_duration(const char *name, const char *text, mono_ns *out,
    struct failure *failure)
{
	if (duration_parse(text, out) == GW_OK) {
		return true;
	}
	(void)failure_set(failure, EXIT_USAGE, "usage",
	    "--%s wants a duration such as 2, 500ms or 1min, not \"%s\"", name, text);
	return false;
}

/* ---- getopt's view of the rows ---- */

/* "" no argument, "[X]" an optional one, "X" a required one. */
static int
argument_kind(const char *argument)
{
	if (argument[0] == '\0') {
		return no_argument;
	}
	return argument[0] == '[' ? optional_argument : required_argument;
}

/* ":s:jw::", with the colon in front that tells a missing argument apart. */
static void
list_letters(char *out)
{
	*out++ = ':';
	for (size_t i = 0; i < ROWS; i++) {
		if (rows[i].letter == 0) {
			continue;
		}
		int kind = argument_kind(rows[i].argument);

		*out++ = (char)rows[i].letter;
		if (kind != no_argument) {
			*out++ = ':';
		}
		if (kind == optional_argument) {
			*out++ = ':';
		}
	}
	*out = '\0';
}

static const struct row *
find_row(int value)
{
	if (value >= ROW_VALUE) {
		return &rows[value - ROW_VALUE];
	}
	for (size_t i = 0; i < ROWS; i++) {
		if (rows[i].letter == value) {
			return &rows[i];
		}
	}
	return NULL;
}

/* ---- what stands on the line ---- */

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
	if (!options_duration("timeout", optarg, &out->timeout, failure)) {
		return false;
	}
	out->timeout = out->timeout == 0 ? CLOCK_NEVER : out->timeout;
	out->has_timeout = true;
	return true;
}

static bool
take_watch(struct options *out, struct failure *failure)
{
	out->watch = true;
	if (optarg && !options_duration("watch", optarg, &out->watch_period, failure)) {
		return false;
	}
	if (out->watch_period < SHORTEST_WATCH) {
		out->watch_period = SHORTEST_WATCH;
	}
	return true;
}

static bool
take_count(struct options *out, struct failure *failure)
{
	char *end = NULL;

	out->watch_count = strtoul(optarg, &end, 10);
	if (optarg[0] >= '0' && optarg[0] <= '9' && *end == '\0' &&
	    out->watch_count > 0 && out->watch_count <= WATCH_COUNT_MAX) {
		return true;
	}
	return failure_set(failure, EXIT_USAGE, "usage",
	    "--count wants a number from 1 to %d, not \"%s\"", WATCH_COUNT_MAX, optarg);
}

static bool
take_line(struct options *out, struct failure *failure)
{
	if (out->line_count == OPTIONS_LINES_MAX) {
		return failure_set(failure, EXIT_USAGE, "usage",
		    "--command is there more than %d times; write a script",
		    OPTIONS_LINES_MAX);
	}
	out->lines[out->line_count++] = optarg;
	return true;
}

static bool
take_form(struct options *out, struct failure *failure)
{
	static const char *const words[] = {
	    [OPTIONS_HUMAN] = "human",
	    [OPTIONS_PLAIN] = "plain",
	    [OPTIONS_CSV] = "csv",
	};

	out->json = strcmp(optarg, "json") == 0;
	for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
		if (strcmp(words[i], optarg) == 0) {
			out->form = (enum options_form)i;
			return true;
		}
	}
	return out->json ||
	    failure_set(failure, EXIT_USAGE, "usage",
		"--output wants human, plain, csv or json, not \"%s\"", optarg);
}

/* The last one of a name counts. */
static bool
take_flag(const struct row *row, struct options *out, struct failure *failure)
{
	struct options_flag flag = {row->name, optarg ? optarg : "", row->to == SENT};
	bool duration = strstr(row->argument, "DURATION") != NULL;
	mono_ns span;

	if (duration && optarg &&
	    !options_duration(row->name, optarg, &span, failure)) {
		return false;
	}
	for (size_t i = 0; i < out->flag_count; i++) {
		if (strcmp(out->flags[i].name, row->name) == 0) {
			out->flags[i] = flag;
			return true;
		}
	}
	if (out->flag_count == OPTIONS_FLAGS_MAX) {
		return failure_set(failure, EXIT_USAGE, "usage", "too many flags");
	}
	out->flags[out->flag_count++] = flag;
	return true;
}

static bool
take_color(struct options *out, struct failure *failure)
{
	static const char *const words[] = {
	    [OPTIONS_AUTO] = "auto",
	    [OPTIONS_ALWAYS] = "always",
	    [OPTIONS_NEVER] = "never",
	};

	for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
		if (strcmp(words[i], optarg) == 0) {
			out->color = (enum options_when)i;
			return true;
		}
	}
	return failure_set(failure, EXIT_USAGE, "usage",
	    "--color wants auto, always or never, not \"%s\"", optarg);
}

static bool
take_own(const struct row *row, struct options *out, struct failure *failure)
{
	switch (row->letter) {
	case 0:
		return take_color(out, failure);
	case 'c':
		return take_line(out, failure);
	case 'k':
		out->keep_going = true;
		return true;
	case 's':
		return take_socket(optarg, out, failure);
	case 't':
		return take_timeout(out, failure);
	case 'w':
		return take_watch(out, failure);
	case 'N':
		return take_count(out, failure);
	case 'o':
		return take_form(out, failure);
	case 'P':
		out->no_pager = true;
		return true;
	case 'H':
		return failure_set(failure, EXIT_USAGE, "usage",
		    "--host stands first on gwctl's line: gwctl --host %.100s ...",
		    optarg);
	case 'r':
		out->read_only = true;
		return true;
	case 'v':
		out->verbose = true;
		return true;
	case 'j':
		out->json = true;
		return true;
	case 'y':
		out->yes = true;
		return true;
	case 'h':
		out->help = true;
		return true;
	default:
		out->version = true;
		return true;
	}
}

static bool
take_option(int value, char **argv, struct options *out, struct failure *failure)
{
	const struct row *row = find_row(value);

	if (row) {
		return row->flag ? take_flag(row, out, failure) :
				   take_own(row, out, failure);
	}
	(void)failure_set(failure, EXIT_USAGE, "usage",
	    value == ':' ? "%s wants an argument" : "there is no option %s",
	    argv[optind - 1]);
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

/* ---- the command ---- */

static bool
unknown_command(const char *name, struct failure *failure)
{
	char text[256];

	commands_explain_unknown(name, text, sizeof text);
	(void)failure_set(failure, EXIT_USAGE, "unknown_command", "%s", text);
	failure_hint(failure, "all commands: gwctl help");
	return false;
}

/* The names of the commands that have a flag: "reconnect, events". */
static void
list_owners(const char *flag, struct buf *out)
{
	for (size_t i = 0; i < commands_count(); i++) {
		if (commands_has_flag(commands_at(i), flag)) {
			(void)buf_printf(out, "%s%s", out->size > 0 ? ", " : "",
			    commands_at(i)->name);
		}
	}
	(void)buf_append(out, "", 1);
}

static bool
flags_fit(const struct options *out, struct failure *failure)
{
	for (size_t i = 0; i < out->flag_count; i++) {
		char flag[32];
		struct buf owners;

		(void)snprintf(flag, sizeof flag, "--%s", out->flags[i].name);
		if (commands_has_flag(out->command, flag)) {
			continue;
		}
		buf_init(&owners, 512);
		list_owners(flag, &owners);
		(void)failure_set(failure, EXIT_USAGE, "usage",
		    "%s is for %s, not for %s", flag, owners.data, out->command->name);
		buf_fini(&owners);
		return false;
	}
	return true;
}

static bool
words_fit(const struct options *out)
{
	struct slice words[OPTIONS_WORDS_MAX];
	struct slice flags[OPTIONS_FLAGS_MAX];
	char names[OPTIONS_FLAGS_MAX][32];

	if (out->arg_count > OPTIONS_WORDS_MAX) {
		return false;
	}
	for (size_t i = 0; i < out->arg_count; i++) {
		words[i] = slice_of(out->args[i]);
	}
	for (size_t i = 0; i < out->flag_count; i++) {
		(void)snprintf(names[i], sizeof names[i], "--%s", out->flags[i].name);
		flags[i] = slice_of(names[i]);
	}
	return commands_fit(out->command, words, out->arg_count, flags,
	    out->flag_count);
}

/* The command behind the options, and whether what stands with it fits. */
static bool
take_command(struct options *out, struct failure *failure)
{
	const struct command *command = out->command;
	bool screen = command->id != COMMAND_help && command->id != COMMAND_wait &&
	    !commands_changes(command, out->arg_count);

	if (!flags_fit(out, failure)) {
		return false;
	}
	if (!out->help && !words_fit(out)) {
		return failure_set(failure, EXIT_USAGE, "usage", "usage: gwctl %s%s%s",
		    command->name, command->synopsis[0] ? " " : "", command->synopsis);
	}
	if (out->line_count > 0) {
		return failure_set(failure, EXIT_USAGE, "usage",
		    "--command stands in place of a command, and there is \"%.40s\"",
		    command->name);
	}
	if (out->watch_count > 0 && !out->watch) {
		return failure_set(failure, EXIT_USAGE, "usage",
		    "--count is for --watch, which is not on the line");
	}
	if (out->watch && !screen) {
		return failure_set(failure, EXIT_USAGE, "usage",
		    "--watch is for commands that show something, not for %s",
		    command->name);
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

void
options_init(struct options *out)
{
	*out = (struct options){
	    .timeout = DEFAULT_TIMEOUT,
	    .watch_period = DEFAULT_WATCH,
	};
}

bool
options_dumb_terminal(void)
{
	const char *term = getenv("TERM");

	return !term || !term[0] || strcmp(term, "dumb") == 0;
}

/* no-color.org: NO_COLOR counts when it is set and not empty. */
bool
options_colours(const struct options *options)
{
	const char *no_colour = getenv("NO_COLOR");

	switch (options->color) {
	case OPTIONS_ALWAYS:
		return true;
	case OPTIONS_NEVER:
		return false;
	case OPTIONS_AUTO:
		break;
	}
	return isatty(STDOUT_FILENO) && !(no_colour && no_colour[0]) &&
	    !options_dumb_terminal();
}

bool
options_parse(int argc, char **argv, const struct options *base, struct options *out,
    struct failure *failure)
{
	struct option longs[ROWS + 1] = {0};
	char letters[3 * ROWS + 2];
	int value;

	for (size_t i = 0; i < ROWS; i++) {
		longs[i] = (struct option){.name = rows[i].name,
		    .has_arg = argument_kind(rows[i].argument),
		    .val = ROW_VALUE + (int)i};
	}
	list_letters(letters);
	*out = *base;
	out->json = base->json || wants_json(argc, argv);
	opterr = 0;
	optind = 0; /* begin anew: getopt keeps its place */
	while ((value = getopt_long(argc, argv, letters, longs, NULL)) != -1) {
		if (!take_option(value, argv, out, failure)) {
			return false;
		}
	}
	return take_rest(argc, argv, out, failure);
}

const char *
options_flag(const struct options *options, const char *name)
{
	for (size_t i = 0; i < options->flag_count; i++) {
		if (strcmp(options->flags[i].name, name) == 0) {
			return options->flags[i].value;
		}
	}
	return NULL;
}
