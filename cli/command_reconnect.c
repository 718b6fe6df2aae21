/* reconnect: with --fresh it spends an IDENTIFY, and asks. */
#include <stdio.h>
#include <unistd.h>

#include "command.h"

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

int
command_run_reconnect(const struct options *options, bool colour,
    struct failure *failure)
{
	if (options_flag(options, "fresh") && !confirm_fresh(options, failure)) {
		return failure_print(failure, options->json);
	}
	return command_run_plain(options, colour, failure);
}
