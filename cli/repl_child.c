/*
 * One command of the prompt, in a process of its own.
 *
 * So Ctrl-C ends whatever it is at, as it does in a shell: a request, a pause, a
 * question; and nothing that a command does can take the prompt with it.  The child is
 * in our process group, where the terminal sends its SIGINT; we have that blocked and
 * read it from the signalfd.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "repl_private.h"
#include "run.h"

struct child {
	struct repl *repl;
	pid_t pid;
	bool keys;            /* "q" ends it: keys come one by one */
	struct termios modes; /* of the terminal before that */
	bool ended;
	int status; /* of waitpid(2) */
};

/* What goes on until someone has seen enough. */
static bool
is_endless(const struct options *options)
{
	return options->watch || options_flag(options, "follow") != NULL;
}

static void
begin_keys(struct child *child)
{
	struct termios modes;

	if (!child->keys || tcgetattr(STDIN_FILENO, &child->modes) != 0) {
		child->keys = false;
		return;
	}
	modes = child->modes;
	modes.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
	modes.c_cc[VMIN] = 1;
	modes.c_cc[VTIME] = 0;
	(void)tcsetattr(STDIN_FILENO, TCSADRAIN, &modes);
}

static void
end_keys(const struct child *child)
{
	if (child->keys) {
		(void)tcsetattr(STDIN_FILENO, TCSADRAIN, &child->modes);
	}
}

static void
take_key(struct child *child)
{
	char key;
	ssize_t got = read(STDIN_FILENO, &key, 1);

	if (got < 0 && errno == EINTR) {
		return;
	}
	/* Ctrl-D ends what one looks at, too; no terminal any more ends everything. */
	if (got <= 0 || key == 'q' || key == 'Q' || key == '\004') {
		(void)kill(child->pid, SIGINT);
	}
	if (got <= 0) {
		child->keys = false;
	}
}

static void
take_signal(struct child *child, int number)
{
	switch (number) {
	case SIGINT:
		/* Not from the terminal, perhaps, but from someone who means us. */
		(void)kill(child->pid, SIGINT);
		break;
	case SIGCHLD:
		child->ended = waitpid(child->pid, &child->status, WNOHANG) != 0;
		break;
	case SIGTERM:
	case SIGHUP:
		(void)kill(child->pid, SIGTERM);
		repl_take_signal(child->repl, number);
		break;
	case SIGTSTP:
		/* Ctrl-Z stops both of us; the shell has the terminal meanwhile. */
		end_keys(child);
		repl_take_signal(child->repl, number);
		begin_keys(child);
		break;
	default:
		repl_take_signal(child->repl, number);
		break;
	}
}

static void
take_signals(struct child *child)
{
	struct signalfd_siginfo info;

	while (read(child->repl->signals, &info, sizeof info) == (ssize_t)sizeof info) {
		take_signal(child, (int)info.ssi_signo);
	}
}

static void
attend(struct child *child)
{
	struct repl *repl = child->repl;

	while (!child->ended) {
		mono_ns left = repl->link.wake_at - clock_now();
		int link[2];

		repl_link_fds(&repl->link, link);
		struct pollfd fds[] = {
		    {.fd = repl->signals, .events = POLLIN},
		    {.fd = child->keys ? STDIN_FILENO : -1, .events = POLLIN},
		    {.fd = link[0], .events = POLLIN},
		    {.fd = link[1], .events = POLLIN},
		};
		int ready = poll(fds, sizeof fds / sizeof fds[0],
		    left <= 0 ? 0 : (int)(left / CLOCK_MS(1)) + 1);

		take_signals(child);
		if (ready > 0 && fds[1].revents != 0 && !child->ended) {
			take_key(child);
		}
		repl_link_step(&repl->link, clock_now(), &repl->notices);
	}
}

__attribute__((noreturn)) static void
be_child(const struct options *options)
{
	sigset_t none;

	/* Nobody is there to end it, should the prompt be killed. */
	(void)prctl(PR_SET_PDEATHSIG, SIGTERM);
	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	int status = run_command(options, options_colours(options));

	(void)fflush(stdout);
	_exit(status); /* what stands open belongs to the prompt */
}

void
repl_child_run(struct repl *repl, const struct options *options)
{
	struct child child = {.repl = repl, .keys = is_endless(options)};

	(void)fflush(stdout);
	child.pid = fork();
	if (child.pid < 0) {
		(void)fprintf(stderr, "gwctl: %s\n", strerror(errno));
		return;
	}
	if (child.pid == 0) {
		be_child(options);
	}
	begin_keys(&child);
	attend(&child);
	end_keys(&child);
	if (WIFSIGNALED(child.status)) {
		/* The terminal wrote "^C" where the cursor stood; where keys were read
		 * it did not, and what was half drawn gives its line to the prompt. */
		(void)fputs(child.keys && !options_dumb_terminal() ? "\r\033[K" : "\n",
		    stdout);
		(void)fflush(stdout);
	}
}
