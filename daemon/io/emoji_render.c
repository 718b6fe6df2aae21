#include "emoji_render.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "emoji_ask.h"

#define PROGRAM         "gwbot-emoji"
#define PIECE_BYTES     16384
#define EXIT_NO_IMAGE   65
#define EXIT_LOOK_EVERY 5 /* ms */

struct child {
	pid_t pid;
	int to;   /* its standard input; -1: closed */
	int from; /* its standard output; -1: closed */
};

static void
lose(struct emoji_render *render, const char *why, int error)
{
	render->end = EMOJI_RENDER_LOST;
	(void)snprintf(render->why, sizeof render->why, "%s%s%s", why,
	    error ? ": " : "", error ? strerror(error) : "");
}

static void
close_one(int *fd)
{
	if (*fd >= 0) {
		(void)close(*fd);
		*fd = -1;
	}
}

/* ---- starting ---- */

static bool
start(struct emoji_render *render, struct child *child, mono_ns deadline)
{
	char name[] = PROGRAM;
	char side[16];
	char box[16];
	char *const arguments[] = {name, side, box, NULL};
	int in[2] = {-1, -1};
	int out[2] = {-1, -1};
	int error = 0;

	(void)snprintf(side, sizeof side, "%u", render->side);
	(void)snprintf(box, sizeof box, "%u", render->box);
	if (pipe2(in, O_CLOEXEC) != 0 || pipe2(out, O_CLOEXEC) != 0 ||
	    fcntl(in[1], F_SETFL, O_NONBLOCK) != 0 ||
	    fcntl(out[0], F_SETFL, O_NONBLOCK) != 0) {
		error = errno;
		lose(render, "no pipe to " PROGRAM, error);
	} else {
		const int fds[] = {in[0], out[1]};

		child->pid = spawner_start(render->spawner, SPAWNER_EMOJI, arguments,
		    fds, deadline);
		error = child->pid < 0 ? errno : 0;
		if (error == ENOENT) {
			lose(render, PROGRAM " is not installed", 0);
		} else if (error) {
			lose(render, "cannot start " PROGRAM, error);
		}
	}
	close_one(&in[0]);
	close_one(&out[1]);
	if (error) {
		close_one(&in[1]);
		close_one(&out[0]);
	}
	child->to = in[1];
	child->from = out[0];
	return error == 0;
}

/* ---- talking ---- */

static bool
may_try_again(int error)
{
	return error == EAGAIN || error == EINTR;
}

/* Writes what the pipe takes; closes it behind the last byte, or when nobody reads. */
static void
give(struct child *child, struct slice *left)
{
	ssize_t size = left->size > 0 ? write(child->to, left->data, left->size) : 0;

	if (size > 0) {
		left->data += size;
		left->size -= (size_t)size;
	}
	if (left->size == 0 || (size < 0 && !may_try_again(errno))) {
		close_one(&child->to);
	}
}

/* Reads what is there; false when it is more than may come. */
static bool
take(struct child *child, struct buf *png)
{
	char piece[PIECE_BYTES];
	ssize_t size = read(child->from, piece, sizeof piece);

	if (size == 0 || (size < 0 && !may_try_again(errno))) {
		close_one(&child->from);
	}
	return size <= 0 || buf_append(png, piece, (size_t)size) == GW_OK;
}

/* Until it has said all, or time is over.  Returns why it is to be ended, or NULL. */
static const char *
talk(struct emoji_render *render, struct child *child, mono_ns deadline)
{
	struct slice left = render->image;

	while (child->from >= 0) {
		struct pollfd fds[] = {
		    {.fd = child->from, .events = POLLIN},
		    {.fd = child->to, .events = POLLOUT}, /* below 0: passed over */
		};
		mono_ns patience = deadline - clock_now();

		if (patience <= 0) {
			return "took too long";
		}
		if (poll(fds, 2, (int)(patience / CLOCK_MS(1)) + 1) < 0 &&
		    errno != EINTR) {
			return "poll failed";
		}
		if (fds[1].revents && child->to >= 0) {
			give(child, &left);
		}
		if (fds[0].revents && !take(child, &render->png)) {
			return "answered more than it may";
		}
	}
	return NULL;
}

/* ---- ending ---- */

/* Its status as waitpid() says it; one that does not end by itself is killed. */
static int
reap(const struct child *child, bool kill_it, mono_ns deadline)
{
	int status = 0;

	if (kill_it) {
		(void)kill(child->pid, SIGKILL);
	}
	for (;;) {
		pid_t pid = waitpid(child->pid, &status, kill_it ? 0 : WNOHANG);

		if (pid == child->pid || (pid < 0 && errno != EINTR)) {
			return pid < 0 ? -1 : status;
		}
		if (!kill_it && clock_now() >= deadline) {
			kill_it = true;
			(void)kill(child->pid, SIGKILL);
		} else if (!kill_it) {
			(void)poll(NULL, 0, EXIT_LOOK_EVERY);
		}
	}
}

static void
judge(struct emoji_render *render, int status)
{
	bool known = status != -1;

	/* Killed by its own limits, or told so. */
	if (known && (WIFSIGNALED(status) || WEXITSTATUS(status) == EXIT_NO_IMAGE)) {
		render->end = EMOJI_RENDER_NO_IMAGE;
	} else if (status != 0) {
		lose(render, PROGRAM " failed: is the system too old for its sandbox?",
		    0);
	} else if (!emoji_is_png_of(buf_slice(&render->png), render->side)) {
		lose(render, PROGRAM " answered no PNG of the size that it was told",
		    0);
	} else {
		render->end = EMOJI_RENDER_DONE;
	}
}

void
emoji_render_run(struct emoji_render *render)
{
	struct child child = {.pid = 0, .to = -1, .from = -1};
	mono_ns began = clock_now();
	mono_ns deadline = began + render->timeout;

	buf_init(&render->png, EMOJI_RENDER_MAX_BYTES);
	if (start(render, &child, deadline)) {
		const char *why = talk(render, &child, deadline);

		close_one(&child.to);
		close_one(&child.from);
		int status = reap(&child, why != NULL, deadline);

		if (!why) {
			judge(render, status);
		} else if (clock_now() >= deadline) {
			render->end = EMOJI_RENDER_NO_IMAGE; /* too much work */
		} else {
			lose(render, why, 0);
		}
	}
	render->took = clock_now() - began;
}
