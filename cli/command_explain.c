/* explain: of the daemon's state with the daemon, of a name from the tables. */
#include "command.h"
#include "explain.h"

static int
explain_words(const struct options *options, bool colour, const char *name,
    struct failure *failure)
{
	struct json *document = command_document("explain");
	bool found = explain_name(name, document);

	if (found) {
		command_show(options, colour, document);
	}
	json_free(document);
	if (found) {
		return EXIT_DONE;
	}
	char text[320];

	explain_unknown(name, text, sizeof text);
	(void)failure_set(failure, EXIT_USAGE, "unknown_name", "%s", text);
	failure_hint(failure,
	    "what there is: gwctl config; gwctl explain 'gwbotd_*'; gwctl help");
	return failure_print(failure, options->json);
}

int
command_run_explain(const struct options *options, bool colour, struct failure *failure)
{
	struct buf name;
	int status;

	if (options->arg_count == 0) {
		return command_run_plain(options, colour, failure);
	}
	buf_init(&name, EXPLAIN_NAME_MAX);
	for (size_t i = 0; i < options->arg_count; i++) {
		(void)buf_printf(&name, "%s%s", i > 0 ? " " : "", options->args[i]);
	}
	if (buf_append(&name, "", 1) == GW_OK) {
		status = explain_words(options, colour, name.data, failure);
	} else {
		(void)failure_set(failure, EXIT_USAGE, "unknown_name",
		    "NAME is too long: no option, metric or command is called so");
		status = failure_print(failure, options->json);
	}
	buf_fini(&name);
	return status;
}
