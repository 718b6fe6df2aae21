/* help: from the tables, without the daemon. */
#include <string.h>

#include "command.h"
#include "render.h"
#include "run.h"

#define OPTION_COLUMN 31

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
		json_add_text(object, "access", commands_access_word(command->access));
		json_add_text(object, "help", command->help);
		json_append(commands, object);
	}
	return commands;
}

struct option_text {
	const char *name;
	char letter; /* 0: none */
	const char *argument;
	const char *help;
};

static void
put_option(struct writer *writer, const struct option_text *row)
{
	bool optional = row->argument[0] == '[';
	size_t size = strlen(row->argument);

	if (row->letter != 0) {
		writer_printf(writer, STYLE_PLAIN, "  -%c, ", row->letter);
	} else {
		writer_put(writer, STYLE_PLAIN, "      ");
	}
	writer_printf(writer, STYLE_PLAIN, "--%s%s", row->name,
	    size == 0 ? "" : (optional ? "[=" : " "));
	writer_put(writer, STYLE_PLAIN, row->argument + (optional ? 1 : 0));
	writer_tab(writer, OPTION_COLUMN);
	writer_text(writer, STYLE_PLAIN, row->help);
	writer_newline(writer);
}

static void
put_options(struct writer *writer)
{
	static const struct option_text rows[] = {
#define OPTION_ROW(name, letter, argument, help) {name, letter, argument, help},
	    OPTIONS_TABLE(OPTION_ROW)
#undef OPTION_ROW
#define FLAG_ROW(name, letter, argument, to, help) {name, letter, argument, help},
		OPTIONS_FLAGS_TABLE(FLAG_ROW)
#undef FLAG_ROW
	};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		put_option(writer, &rows[i]);
	}
}

void
run_help(bool colour)
{
	struct writer writer;
	struct json *document = command_document("help");

	json_add(document, "commands", describe_commands(NULL));
	writer_init(&writer, colour);
	writer_text(&writer, STYLE_PLAIN,
	    "usage: gwctl [OPTION...] [COMMAND [ARG...]]");
	writer_newline(&writer);
	writer_newline(&writer);
	render_result(&writer, COMMAND_help, document);
	writer_newline(&writer);
	put_options(&writer);
	writer_newline(&writer);
	writer_text(&writer, STYLE_PLAIN,
	    "without a command: a prompt; from a pipe, a script");
	writer_newline(&writer);
	writer_text(&writer, STYLE_PLAIN,
	    "more: man gwctl; what a command does: gwctl help COMMAND");
	writer_newline(&writer);
	command_flush(&writer);
	writer_fini(&writer);
	json_free(document);
}

int
command_help_of(const struct options *options, const struct command *only, bool colour)
{
	struct options shown = *options;
	struct json *document = command_document("help");

	shown.command = commands_at(COMMAND_help);
	json_add(document, "commands", describe_commands(only));
	if (only || options->json) {
		command_show(&shown, colour, document);
	} else {
		run_help(colour);
	}
	json_free(document);
	return EXIT_DONE;
}

int
command_run_help(const struct options *options, bool colour, struct failure *failure)
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
	return command_help_of(options, only, colour);
}
