#include "pager.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "terminal.h"

#define DEFAULT_PAGER "less"

static bool is_off;

void
pager_use(bool wanted)
{
	is_off = !wanted;
}

static size_t
count_lines(struct slice text)
{
	size_t lines = 0;

	for (size_t i = 0; i < text.size; i++) {
		lines += text.data[i] == '\n' ? 1 : 0;
	}
	return lines;
}

static bool
is_sudo(void)
{
	return geteuid() == 0 && getenv("SUDO_UID") != NULL;
}

/* NULL: none. */
static const char *
pager_command(void)
{
	const char *command = getenv("GWCTL_PAGER");

	if (is_sudo()) {
		return DEFAULT_PAGER;
	}
	command = command ? command : getenv("PAGER");
	command = command ? command : DEFAULT_PAGER;
	return command[0] == '\0' || strcmp(command, "cat") == 0 ? NULL : command;
}

static bool
wants_pager(struct slice text)
{
	return !is_off && isatty(STDOUT_FILENO) && isatty(STDIN_FILENO) &&
	    terminal_lines() > 0 && count_lines(text) >= terminal_lines();
}

/* The pager, as a shell starts it; 127 where there is none. */
static _Noreturn void
become_pager(const char *command, int input)
{
	(void)signal(SIGINT, SIG_DFL);
	(void)signal(SIGPIPE, SIG_DFL);
	(void)dup2(input, STDIN_FILENO);
	(void)close(input);
	/* F: a screenful needs no pager; R: colours; X: it stays on the screen. */
	(void)setenv("LESS", "FRX", is_sudo());
	if (is_sudo()) {
		(void)setenv("LESSSECURE", "1", 1);
	}
	(void)execl("/bin/sh", "sh", "-c", command, (char *)NULL);
	_exit(127);
}

/* True where all of it was taken; false, too, where the reader has seen enough. */
static bool
write_all(int fd, struct slice text)
{
	while (text.size > 0) {
		ssize_t size = write(fd, text.data, text.size);

		if (size <= 0) {
			return false;
		}
		text.data += size;
		text.size -= (size_t)size;
	}
	return true;
}

/* False where there was no pager: nothing is shown then. */
static bool
page(const char *command, struct slice text)
{
	int ends[2];
	int status = 0;

	if (pipe(ends) != 0) {
		return false;
	}
	pid_t child = fork();

	if (child == 0) {
		(void)close(ends[1]);
		become_pager(command, ends[0]);
	}
	(void)close(ends[0]);
	if (child > 0) {
		/* Ctrl-C and an early end are the pager's business. */
		void (*on_int)(int) = signal(SIGINT, SIG_IGN);
		void (*on_pipe)(int) = signal(SIGPIPE, SIG_IGN);

		(void)write_all(ends[1], text);
		(void)close(ends[1]);
		(void)waitpid(child, &status, 0);
		(void)signal(SIGINT, on_int);
		(void)signal(SIGPIPE, on_pipe);
	} else {
		(void)close(ends[1]);
	}
	return child > 0 && WIFEXITED(status) && WEXITSTATUS(status) < 126;
}

void
pager_write(struct slice text)
{
	const char *command = wants_pager(text) ? pager_command() : NULL;

	(void)fflush(stdout);
	if (!command || !page(command, text)) {
		(void)fwrite(text.data, 1, text.size, stdout);
		(void)fflush(stdout);
	}
}
