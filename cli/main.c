/* gwctl: the operator's tool for gwbotd. */
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "command.h"
#include "options.h"
#include "remote.h"
#include "repl.h"
#include "run.h"
#include "script.h"

/* True where the line is one of check, also where it cannot be read. */
static bool
is_check(int argc, char **argv, const struct options *options)
{
	bool found = options->command && options->command->id == COMMAND_check;

	for (int i = 1; i < argc && !options->command && !found; i++) {
		found = strcmp(argv[i], "check") == 0;
	}
	return found;
}

/* Without a command: the prompt, where both ends are a terminal; readline would write
 * into a pipe.  Else a script. */
static int
run_lines(const struct options *session)
{
	if (session->watch || session->flag_count > 0) {
		struct failure failure = {.exit = EXIT_DONE};

		(void)failure_set(&failure, EXIT_USAGE, "usage",
		    "that option wants a command on the line");
		failure_hint(&failure, "all commands: gwctl help");
		return failure_print(&failure, session->json);
	}
	if (session->line_count > 0) {
		return script_run_lines(session);
	}
	return isatty(STDIN_FILENO) && isatty(STDOUT_FILENO) ? repl_run(session) :
							       script_run(session);
}

int
main(int argc, char **argv)
{
	struct options base;
	struct options options;
	struct failure failure = {.exit = EXIT_DONE};
	int status = EXIT_DONE;

	/* Only for the width of characters: figures keep their point. */
	if (!setlocale(LC_CTYPE, "C.UTF-8")) {
		(void)setlocale(LC_CTYPE, "");
	}
	(void)signal(SIGPIPE, SIG_DFL);
	int words = 0;
	const char *host = remote_host(argc, argv, &words);

	if (host) {
		return remote_run(host, argc - 1 - words, argv + 1 + words);
	}
	options_init(&base);
	if (!options_parse(argc, argv, &base, &options, &failure)) {
		return is_check(argc, argv, &options) ?
		    command_check_usage(options.json, &failure) :
		    failure_print(&failure, options.json);
	}
	run_settle(&options);
	if (options.version) {
		(void)printf("gwctl %s\n", GWBOT_VERSION);
	} else if (options.command) {
		status = run_command(&options, options_colours(&options));
	} else if (options.help) {
		run_help(options_colours(&options));
	} else {
		status = run_lines(&options);
	}
	if (fflush(stdout) != 0 || ferror(stdout)) {
		(void)fprintf(stderr, "gwctl: cannot write the output\n");
		return EXIT_REFUSED;
	}
	return status;
}
