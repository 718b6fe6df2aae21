#include "remote.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "failure.h"
#include "terminal.h"

#define COMMAND_MAX_BYTES ((size_t)128 * 1024)

/* 'it'\''s': nothing in it means anything to a shell. */
static void
put_quoted(const char *text, struct buf *out)
{
	(void)buf_printf(out, "'");
	for (; *text != '\0'; text++) {
		(void)buf_printf(out, *text == '\'' ? "'\\''" : "%c", *text);
	}
	(void)buf_printf(out, "'");
}

const char *
remote_host(int argc, char **argv, int *words)
{
	const char *first = argc > 1 ? argv[1] : "";

	*words = 1;
	if (strncmp(first, "--host=", 7) == 0) {
		return first + 7;
	}
	if (strncmp(first, "-H", 2) == 0 && first[2] != '\0') {
		return first + 2;
	}
	*words = 2;
	return argc > 2 && (strcmp(first, "-H") == 0 || strcmp(first, "--host") == 0) ?
	    argv[2] :
	    NULL;
}

bool
remote_command(int argc, char **argv, size_t columns, struct buf *out)
{
	if (columns > 0) {
		(void)buf_printf(out, "COLUMNS=%zu ", columns);
	}
	(void)buf_printf(out, "gwctl");
	for (int i = 0; i < argc; i++) {
		(void)buf_printf(out, " ");
		put_quoted(argv[i], out);
	}
	return buf_append(out, "", 1) == GW_OK;
}

int
remote_run(const char *host, int argc, char **argv)
{
	struct failure failure = {0};
	bool terminal = isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);
	struct buf command;

	buf_init(&command, COMMAND_MAX_BYTES);
	if (!remote_command(argc, argv, terminal ? 0 : terminal_columns(), &command)) {
		buf_fini(&command);
		(void)failure_set(&failure, EXIT_USAGE, "usage",
		    "the command line is too long for ssh");
		return failure_print(&failure, false);
	}
	/* A terminal there as here: screens of its width, colours, confirmations. */
	(void)execlp("ssh", "ssh", terminal ? "-t" : "-T", "--", host, command.data,
	    (char *)NULL);
	buf_fini(&command);
	(void)failure_set(&failure, EXIT_REFUSED, "no_ssh",
	    "cannot run ssh, which --host needs");
	failure_hint(&failure, "install it: apt install openssh-client");
	return failure_print(&failure, false);
}
