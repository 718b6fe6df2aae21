#include "confirm.h"

#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include "buf.h"
#include "text.h"

#define QUESTION_BYTES 2048

bool
confirm_possible(const struct options *options, const char *what, const char *hint,
    struct failure *failure)
{
	if (options->yes || isatty(STDIN_FILENO)) {
		return true;
	}
	(void)failure_set(failure, EXIT_NOT_CONFIRMED, "not_confirmed",
	    "\"%s\" needs a confirmation and standard input is not a terminal; add "
	    "--yes",
	    what);
	if (hint) {
		failure_hint(failure, "%s", hint);
	}
	return false;
}

/* A line of the answer; false at the end of input. */
static bool
read_answer(char *first)
{
	int c = getchar();

	*first = (char)c;
	for (; c != EOF && c != '\n'; c = getchar()) {
	}
	return c != EOF;
}

bool
confirm_ask(const struct options *options, struct failure *failure, const char *format,
    ...)
{
	char question[QUESTION_BYTES];
	char first = 'n';
	struct buf clean;
	va_list args;

	if (options->yes) {
		return true;
	}
	va_start(args, format);
	(void)vsnprintf(question, sizeof question, format, args);
	va_end(args);
	/* The bot's name is the daemon's to say: nothing in it may move the cursor. */
	buf_init(&clean, sizeof question * 4);
	(void)text_clean(slice_of(question), true, &clean);
	(void)fprintf(stderr, "%.*s [y/N] ", (int)clean.size,
	    clean.data ? clean.data : "");
	(void)fflush(stderr);
	buf_fini(&clean);
	if (read_answer(&first) && (first == 'y' || first == 'Y')) {
		return true;
	}
	return failure_set(failure, EXIT_NOT_CONFIRMED, "not_confirmed",
	    "not confirmed: nothing was done");
}
