/* stop: ends the service, and asks, with the name of what would end. */
#include "command.h"
#include "confirm.h"

/* Names are the daemon's: they are cut where they are shown. */
#define NAME_ROOM 80

struct target {
	char name[NAME_ROOM];
	char profile[NAME_ROOM];
	int64_t pid;
};

static bool
find_target(const struct options *options, struct target *out, struct failure *failure)
{
	struct client client;
	struct rpc_answer answer;

	client_init(&client, options->socket);
	bool found = client_connect(&client, options->timeout, failure) &&
	    client_hello(&client, failure) &&
	    client_request(&client, "status", NULL, &answer, failure);

	if (found) {
		const struct json *daemon = json_get(answer.result, "daemon");

		(void)slice_copy(slice_of(json_text(json_get(daemon, "name"))),
		    out->name, sizeof out->name);
		(void)slice_copy(slice_of(json_text(json_get(daemon, "profile"))),
		    out->profile, sizeof out->profile);
		out->pid = client.pid;
		rpc_answer_fini(&answer);
	}
	client_fini(&client);
	return found;
}

static bool
confirm_stop(const struct options *options, struct failure *failure)
{
	struct target target;

	if (!confirm_possible(options, "stop",
		"to restart it with the sessions resumed: gwctl reboot", failure)) {
		return false;
	}
	return options->yes ||
	    (find_target(options, &target, failure) &&
		confirm_ask(options, failure,
		    "Stop gwbotd of %s (%s, pid %lld)?  With Restart=always systemd "
		    "starts it again; to keep it down: systemctl stop gwbotd.",
		    target.name, target.profile, (long long)target.pid));
}

int
command_run_stop(const struct options *options, bool colour, struct failure *failure)
{
	if (!confirm_stop(options, failure)) {
		return failure_print(failure, options->json);
	}
	return command_run_plain(options, colour, failure);
}
