/* check: a plugin for monitoring systems.  Whatever happens, it says so on the standard
 * output and ends with 0 to 3. */
#include "check.h"
#include "command.h"

static mono_ns
limit_of(const struct options *options, const char *name)
{
	const char *text = options_flag(options, name);
	mono_ns limit = CHECK_UNSET;
	struct failure ignored;

	/* It was tried when the line was read. */
	if (text && !options_duration(name, text, &limit, &ignored)) {
		return CHECK_UNSET;
	}
	return limit;
}

static enum check_status
judge(const struct options *options, const struct json *health, struct json *document)
{
	const struct check_limits limits = {
	    .warn_latency = limit_of(options, "warn-latency"),
	    .crit_latency = limit_of(options, "crit-latency"),
	    .warn_age = limit_of(options, "warn-age"),
	    .crit_age = limit_of(options, "crit-age"),
	};

	return check_judge(health, &limits, document);
}

int
command_run_check(const struct options *options, bool colour, struct failure *failure)
{
	struct json *document = command_document("check");
	struct client client;

	client_init(&client, options->socket);
	struct json *health = command_ask_for(options, "health", &client, failure);
	enum check_status status =
	    health ? judge(options, health, document) : check_fail(failure, document);

	client_fini(&client);
	command_show(options, colour, document);
	json_free(failure->details);
	failure->details = NULL;
	json_free(health);
	json_free(document);
	return (int)status;
}

int
command_check_usage(bool json, struct failure *failure)
{
	struct options options = {.json = json, .command = commands_at(COMMAND_check)};
	struct json *document = command_document("check");
	enum check_status status = check_fail(failure, document);

	command_show(&options, false, document);
	json_free(document);
	return (int)status;
}
