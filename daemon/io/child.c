#include "child.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/queue.h>
#include <sys/wait.h>
#include <unistd.h>

#include "duration.h"
#include "utf8.h"
#include "worker.h"
#include "xalloc.h"

/* Programs at a time; more of them wait, and that counts towards their time. */
#define THREADS_MAX 16

/* How often a program is looked at that has not ended yet: no descriptor tells of it on
 * every kernel that we run on. */
#define LOOK_EVERY_MS 20

struct child {
	TAILQ_ENTRY(child) link;
	struct children *children;
	struct config_list argv;
	mono_ns started_at;
	mono_ns deadline;
	mono_ns timeout;
	void (*fn)(void *ctx, const struct child_result *result, mono_ns now);
	void *ctx;
	bool cancelled;      /* of the loop's thread */
	int cancel_fd;       /* an eventfd: the helper shall kill it */
	atomic_bool at_work; /* the helper has it */

	/* Of the helper, until it is done. */
	int exit_signal;
	int exit_status;
	char reason[CHILD_REASON_ROOM];
	mono_ns ended_at;
	size_t output_size;
	char output[CHILD_OUTPUT_BYTES + 1];
};

struct children {
	struct loop *loop;
	const struct spawner *spawner;
	struct worker *worker;
	unsigned count;
	bool stopping;
	TAILQ_HEAD(child_list, child) list;
};

/* ---- on the helper's thread ---- */

static void
note(struct child *child, const char *what, const char *detail)
{
	(void)snprintf(child->reason, sizeof child->reason, "%s%s", what, detail);
}

static pid_t
spawn(struct child *child, int out)
{
	const int fds[] = {out, out};
	pid_t pid = spawner_start(child->children->spawner, SPAWNER_PROGRAM,
	    child->argv.items, fds, child->deadline);

	if (pid < 0 && errno == EACCES) {
		note(child, "cannot be started: ",
		    "it may not be executed, or the configuration does not name it");
	} else if (pid < 0 && errno == EPIPE) {
		note(child, "cannot be started: ",
		    "the process that starts programs was ended: gwctl reboot");
	} else if (pid < 0) {
		note(child, "cannot be started: ", strerror(errno));
	}
	return pid;
}

/* Keeps the last bytes. */
static void
keep(struct child *child, const char *data, size_t size)
{
	size_t room = CHILD_OUTPUT_BYTES;

	if (size > room) {
		data += size - room;
		size = room;
	}
	if (child->output_size + size > room) {
		size_t drop = child->output_size + size - room;

		memmove(child->output, child->output + drop, child->output_size - drop);
		child->output_size -= drop;
	}
	memcpy(child->output + child->output_size, data, size);
	child->output_size += size;
}

/* Reads what is there; false at the end. */
static bool
drain(struct child *child, int fd)
{
	char chunk[4096];

	/* A program that prints without pause must not keep us from the clock. */
	for (int i = 0; i < 16; i++) {
		ssize_t size = read(fd, chunk, sizeof chunk);

		if (size <= 0) {
			return size < 0 && (errno == EAGAIN || errno == EINTR);
		}
		keep(child, chunk, (size_t)size);
	}
	return true;
}

/* True once it has ended; it stays a zombie, so that its group's number stays taken. */
static bool
has_ended(pid_t pid)
{
	siginfo_t info = {.si_pid = 0};

	return waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) != 0 ||
	    info.si_pid == pid;
}

/* Until it ends, its time is over, or nobody wants it any more. */
static void
watch(struct child *child, pid_t pid, int fd)
{
	struct pollfd fds[] = {
	    {.fd = child->cancel_fd, .events = POLLIN},
	    {.fd = fd, .events = POLLIN},
	};

	while (!has_ended(pid)) {
		mono_ns left = child->deadline - clock_now();

		if (left <= 0) {
			char text[DURATION_TEXT_ROOM];

			duration_format(child->timeout, text, sizeof text);
			note(child, "killed: not done after ", text);
			return;
		}
		int wait_ms = left < CLOCK_MS(LOOK_EVERY_MS) ?
		    (int)(left / CLOCK_MS(1)) + 1 :
		    LOOK_EVERY_MS;

		(void)poll(fds, 2, wait_ms);
		if (fds[0].revents != 0) {
			note(child, "killed", "");
			return;
		}
		if (fds[1].revents != 0 && !drain(child, fd)) {
			fds[1].fd = -1; /* it may go on without an output */
		}
	}
	(void)drain(child, fd);
}

static void
reap(struct child *child, pid_t pid)
{
	int status = 0;

	(void)kill(-pid, SIGKILL);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
	}
	if (child->reason[0] != '\0') {
		return;
	}
	char text[32];

	if (WIFSIGNALED(status)) {
		(void)snprintf(text, sizeof text, "%d", WTERMSIG(status));
		note(child, "ended by signal ", text);
	} else if (WEXITSTATUS(status) != 0) {
		(void)snprintf(text, sizeof text, "%d", WEXITSTATUS(status));
		note(child, "exit status ", text);
	}
}

static void
work(void *job)
{
	struct child *child = job;
	int ends[2] = {-1, -1};

	atomic_store(&child->at_work, true);
	if (clock_now() >= child->deadline) {
		note(child, "no thread was free for it in time", "");
	} else if (pipe2(ends, O_CLOEXEC) != 0) {
		note(child, "cannot be started: ", strerror(errno));
	} else {
		(void)fcntl(ends[0], F_SETFL, O_NONBLOCK);
		pid_t pid = spawn(child, ends[1]);

		(void)close(ends[1]);
		if (pid > 0) {
			watch(child, pid, ends[0]);
			reap(child, pid);
		}
		(void)close(ends[0]);
	}
	child->ended_at = clock_now();
	atomic_store(&child->at_work, false);
}

/* ---- on the loop ---- */

/* Lines stay lines; what a terminal or a log would take amiss becomes a mark. */
static void
make_printable(struct child *child)
{
	char *text = child->output;

	text[child->output_size] = '\0';
	for (size_t i = 0; i < child->output_size;) {
		const unsigned char *at = (const unsigned char *)text + i;
		size_t size = utf8_length(at, child->output_size - i);
		bool control = (*at < 0x20 && *at != '\n') || *at == 0x7F;

		if (size == 0 || control) {
			text[i] = *at == '\t' ? ' ' : '?';
		}
		i += size > 0 ? size : 1;
	}
}

static void
free_child(struct child *child)
{
	TAILQ_REMOVE(&child->children->list, child, link);
	child->children->count--;
	for (size_t i = 0; i < child->argv.count; i++) {
		free(child->argv.items[i]);
	}
	free(child->argv.items);
	if (child->cancel_fd >= 0) {
		(void)close(child->cancel_fd);
	}
	free(child);
}

static void
done(void *job)
{
	struct child *child = job;

	if (!child->cancelled) {
		struct child_result result = {
		    .good = child->reason[0] == '\0',
		    .output = child->output,
		    .took = child->ended_at - child->started_at,
		};

		make_printable(child);
		(void)slice_copy(slice_of(child->reason), result.reason,
		    sizeof result.reason);
		child->fn(child->ctx, &result, clock_now());
	}
	free_child(child);
}

struct children *
children_new(struct loop *loop, const struct spawner *spawner)
{
	struct children *children = xzalloc(sizeof *children);

	children->loop = loop;
	children->spawner = spawner;
	children->worker = worker_new(loop, THREADS_MAX);
	TAILQ_INIT(&children->list);
	return children;
}

void
children_free(struct children *owned_children)
{
	if (!owned_children) {
		return;
	}
	struct child *child = NULL;
	struct child *next = NULL;

	worker_free(owned_children->worker);
	for (child = TAILQ_FIRST(&owned_children->list); child; child = next) {
		next = TAILQ_NEXT(child, link);
		/* A thread at work needs its child; the process ends soon. */
		if (!atomic_load(&child->at_work)) {
			free_child(child);
		}
	}
	free(owned_children);
}

unsigned
children_count(const struct children *children)
{
	return children->count;
}

static void
ask_to_kill(const struct child *child)
{
	static const uint64_t one = 1;

	(void)!write(child->cancel_fd, &one, sizeof one);
}

void
child_cancel(struct child *owned_child)
{
	owned_child->cancelled = true;
	ask_to_kill(owned_child);
}

void
children_stop(struct children *children)
{
	struct child *child = NULL;

	children->stopping = true;
	TAILQ_FOREACH(child, &children->list, link)
	{
		ask_to_kill(child);
	}
}

static void
copy_argv(struct config_list *out, const struct config_list *from)
{
	/* exec wants a NULL at the end. */
	out->items = xzalloc((from->count + 1) * sizeof *out->items);
	for (size_t i = 0; i < from->count; i++) {
		out->items[i] = xstrdup(from->items[i]);
	}
	out->count = from->count;
}

/* What cannot even wait for a thread is told as every other end. */
static void
fail_soon(void *ctx)
{
	struct child *child = ctx;

	child->ended_at = clock_now();
	done(child);
}

struct child *
child_start(struct children *children, const struct config_list *argv, mono_ns timeout,
    void (*fn)(void *ctx, const struct child_result *result, mono_ns now), void *ctx)
{
	struct child *child = xzalloc(sizeof *child);
	mono_ns now = clock_now();

	child->children = children;
	copy_argv(&child->argv, argv);
	child->started_at = now;
	child->deadline = clock_add(now, timeout);
	child->timeout = timeout;
	child->fn = fn;
	child->ctx = ctx;
	child->cancel_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	TAILQ_INSERT_TAIL(&children->list, child, link);
	children->count++;
	if (child->cancel_fd < 0 || children->stopping ||
	    worker_submit(children->worker, work, done, child) != GW_OK) {
		note(child, "cannot be started: ",
		    children->stopping ? "gwbotd stops" :
					 "too many programs run already");
		loop_post(children->loop, fail_soon, child);
	}
	return child;
}
