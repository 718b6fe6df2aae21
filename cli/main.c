/* gwctl: the operator's tool for gwbotd. */
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "options.h"
#include "run.h"

/* no-color.org: NO_COLOR counts when it is set and not empty. */
static bool
wants_colour(void)
{
	const char *no_colour = getenv("NO_COLOR");
	const char *term = getenv("TERM");

	return isatty(STDOUT_FILENO) && !(no_colour && no_colour[0]) && term &&
	    term[0] && strcmp(term, "dumb") != 0;
}

int
main(int argc, char **argv)
{
	struct options base;
	struct options options;
	struct failure failure;
	int status = EXIT_DONE;

	/* Only for the width of characters: figures keep their point. */
	if (!setlocale(LC_CTYPE, "C.UTF-8")) {
		(void)setlocale(LC_CTYPE, "");
	}
	(void)signal(SIGPIPE, SIG_DFL);
	options_init(&base);
	if (!options_parse(argc, argv, &base, &options, &failure)) {
		return failure_print(&failure, options.json);
	}
	if (options.version) {
		(void)printf("gwctl %s\n", GWBOT_VERSION);
	} else if (options.command) {
		status = run_command(&options, wants_colour());
	} else {
		run_help(wants_colour());
		status = options.help ? EXIT_DONE : EXIT_USAGE;
	}
	if (fflush(stdout) != 0 || ferror(stdout)) {
		(void)fprintf(stderr, "gwctl: cannot write the output\n");
		return EXIT_REFUSED;
	}
	return status;
}
