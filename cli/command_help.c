/* help: from the tables, without the daemon. */
#include <string.h>

#include "command.h"
#include "render.h"
#include "run.h"

#define OPTION_COLUMN 28

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
	struct json *document = command_document("help");

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
