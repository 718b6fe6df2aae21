#include "run.h"

#include <stdio.h>
#include <unistd.h>

#include "command.h"
#include "pager.h"

/* Runs the command on the line, once. */
static int
run_once(const struct options *options, bool colour, struct failure *failure)
{
	switch (options->command->id) {
	case COMMAND_events:
		return command_run_events(options, colour, failure);
	case COMMAND_help:
		return command_run_help(options, colour, failure);
	case COMMAND_reboot:
		return command_run_reboot(options, colour, failure);
	case COMMAND_reconnect:
		return command_run_reconnect(options, colour, failure);
	case COMMAND_stop:
		return command_run_stop(options, colour, failure);
	case COMMAND_version:
		return command_run_version(options, colour, failure);
	case COMMAND_job:
		return command_run_job(options, colour, failure);
	case COMMAND_sim:
		return command_run_sim(options, colour, failure);
	case COMMAND_check:
		return command_run_check(options, colour, failure);
	case COMMAND_wait:
		return command_run_wait(options, colour, failure);
	case COMMAND_explain:
		return command_run_explain(options, colour, failure);
	case COMMAND_doctor:
		return command_run_doctor(options, colour, failure);
	case COMMAND_status:
	case COMMAND_health:
	case COMMAND_snapshot:
	case COMMAND_shards:
	case COMMAND_latency:
	case COMMAND_thresholds:
	case COMMAND_metrics:
	case COMMAND_probes:
	case COMMAND_jobs:
	case COMMAND_log:
	case COMMAND_config:
	case COMMAND_reload:
		break;
	}
	return command_run_plain(options, colour, failure);
}

/* True where an answer was shown, whatever its status means. */
static bool
was_shown(const struct options *options, int status)
{
	bool verdict = options->command->id == COMMAND_check ||
	    options->command->id == COMMAND_doctor;

	return status == EXIT_DONE || status == EXIT_DEGRADED || status == EXIT_DOWN ||
	    verdict;
}

/* Screens follow each other in place on a terminal, and one below the other elsewhere.
 * On a terminal a daemon that is away is waited for; a script gets the exit status. */
static int
run_watch(const struct options *options, bool colour, struct failure *failure)
{
	bool screens = !options->json && options->form == OPTIONS_HUMAN;
	bool redraw = isatty(STDOUT_FILENO) && screens && !options_dumb_terminal();
	bool first = true;
	unsigned long left = options->watch_count;

	for (;;) {
		if (redraw) {
			(void)fputs(first ? "\033[2J\033[H" : "\033[H\033[J", stdout);
		} else if (!first && screens) {
			(void)fputs("\n", stdout);
		}
		first = false;
		int status = run_once(options, colour, failure);

		if (ferror(stdout) || (!was_shown(options, status) && !redraw)) {
			return status;
		}
		if (left > 0 && --left == 0) {
			return status;
		}
		command_pause(options->watch_period);
	}
}

void
run_settle(const struct options *options)
{
	client_show_lines(options->verbose);
	client_only_read(options->read_only);
	pager_use(!options->no_pager && !options->watch);
}

int
run_command(const struct options *options, bool colour)
{
	struct failure failure = {.line = options->line};

	run_settle(options);
	if (options->help) {
		return command_help_of(options, options->command, colour);
	}
	/* Following goes on by itself. */
	bool again = options->watch && !options_flag(options, "follow");

	return again ? run_watch(options, colour, &failure) :
		       run_once(options, colour, &failure);
}
