/* reconnect: with --fresh it spends an IDENTIFY, and asks. */
#include "command.h"
#include "confirm.h"

static bool
confirm_fresh(const struct options *options, struct failure *failure)
{
	if (!confirm_possible(options, "reconnect --fresh",
		"without --fresh the session is resumed: nothing is lost or spent",
		failure)) {
		return false;
	}
	if (options->arg_count > 0) {
		return confirm_ask(options, failure,
		    "Give up the session of shard %.20s and spend an IDENTIFY?",
		    options->args[0]);
	}
	return confirm_ask(options, failure,
	    "Give up the sessions of all shards and spend an IDENTIFY each?");
}

int
command_run_reconnect(const struct options *options, bool colour,
    struct failure *failure)
{
	if (options_flag(options, "fresh") && !confirm_fresh(options, failure)) {
		return failure_print(failure, options->json);
	}
	return command_run_plain(options, colour, failure);
}
