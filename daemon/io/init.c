#include "init.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#define SIGNALLED      128 /* as shells count */
#define EXIT_NO_MEMORY 70  /* contract, section 4 */

/* Takes all that have ended; ends with the one that counts. */
static void
reap(pid_t child)
{
	int status = 0;

	for (;;) {
		pid_t pid = waitpid(-1, &status, WNOHANG);

		if (pid == child) {
			_exit(WIFSIGNALED(status) ? SIGNALLED + WTERMSIG(status) :
						    WEXITSTATUS(status));
		}
		if (pid == 0 || (pid < 0 && errno != EINTR)) {
			return;
		}
	}
}

void
init_if_first(void)
{
	sigset_t all;
	sigset_t before;

	if (getpid() != 1) {
		return;
	}
	/* Before the child is there, so that none is lost in between. */
	(void)sigfillset(&all);
	(void)sigprocmask(SIG_BLOCK, &all, &before);
	pid_t child = fork();

	if (child == 0) {
		(void)sigprocmask(SIG_SETMASK, &before, NULL);
		return;
	}
	if (child < 0) {
		_exit(EXIT_NO_MEMORY);
	}
	for (;;) {
		int number = sigwaitinfo(&all, NULL);

		if (number == SIGCHLD) {
			reap(child);
		} else if (number > 0) {
			(void)kill(child, number);
		}
	}
}
