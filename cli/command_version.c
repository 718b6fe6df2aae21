/* version: of gwctl, and of the daemon where it can be had. */
#include "command.h"
#include "skew.h"

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

/* Whether the two differ, and what to type then. */
static void
add_skew(struct json *document)
{
	const char *version =
	    json_text(json_get(json_get(document, "gwbotd"), "version"));
	char text[256];
	bool differs = skew_explain(version, text, sizeof text);

	json_add_bool(document, "differs", differs);
	json_add_text(document, "hint", differs ? text : NULL);
}

/* gwctl's own version is worth knowing even where the daemon's cannot be had. */
int
command_run_version(const struct options *options, bool colour, struct failure *failure)
{
	struct client client;

	client_init(&client, options->socket);
	struct json *answer = command_ask(options, &client, failure);
	struct json *document = command_document("version");

	client_fini(&client);
	add_own_version(document);
	if (answer) {
		json_add(document, "gwbotd", json_copy(json_get(answer, "gwbotd")));
		add_skew(document);
	}
	if (answer || !options->json) {
		command_show(options, colour, document);
	}
	json_free(document);
	json_free(answer);
	return answer ? (int)EXIT_DONE : failure_print(failure, options->json);
}
