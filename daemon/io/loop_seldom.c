/*
 * Descriptors at which seldom something happens: timers, signals, wake-ups by helper
 * threads, listeners.
 *
 * poll looks at each of its descriptors whenever it goes to sleep and when it wakes up,
 * which with eight of these takes 1 us to 3 us of each turn.  So they wait in a set of
 * their own, and poll has that one instead.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "log.h"
#include "loop_private.h"
#include "xalloc.h"

/* Taken in one turn; what is left is there in the next one. */
#define BATCH 16

static void
on_seldom(void *ctx, mono_ns now)
{
	struct loop *loop = ctx;
	struct epoll_event events[BATCH];
	int count = epoll_wait(loop->seldom_fd, events, BATCH, 0);

	(void)now;
	/* They go only in loop_fds_run_late(), so none vanishes meanwhile. */
	for (int i = 0; i < count; i++) {
		loop_fd_call(events[i].data.ptr);
	}
}

static void
forget(void *ctx)
{
	struct loop *loop = ctx;

	loop->seldom_fd = -1;
}

bool
loop_seldom_init(struct loop *loop)
{
	static const struct loop_fd_events seldom_events = {.ready = on_seldom,
	    .gone = forget};

	loop->seldom_fd = epoll_create1(EPOLL_CLOEXEC);
	if (loop->seldom_fd < 0 ||
	    !loop_fd_add(loop, loop->seldom_fd, &seldom_events, loop)) {
		log_error("loop_failed", KV("reason", "no descriptor for the loop"),
		    KV("error", strerror(errno)));
		loop->seldom_fd = -1;
		return false;
	}
	return true;
}

void
loop_seldom_fini(struct loop *loop)
{
	struct loop_fd *fd;

	while ((fd = TAILQ_FIRST(&loop->seldom)) != NULL) {
		loop_seldom_close(fd);
	}
}

struct loop_fd *
loop_fd_make_seldom(struct loop *loop, int fd, const struct loop_fd_events *events,
    void *ctx, const char *name)
{
	if (!loop_fd_fits(loop, fd)) {
		return NULL;
	}
	struct loop_fd *handle = xzalloc(sizeof *handle);
	struct epoll_event event = {.events = EPOLLIN, .data.ptr = handle};

	*handle = (struct loop_fd){
	    .loop = loop,
	    .seldom = fd,
	    .events = events,
	    .ctx = ctx,
	    .name = name + (name[0] == '&'),
	};
	if (epoll_ctl(loop->seldom_fd, EPOLL_CTL_ADD, fd, &event) != 0) {
		int error = errno;

		(void)close(fd);
		free(handle);
		errno = error;
		return NULL;
	}
	TAILQ_INSERT_TAIL(&loop->seldom, handle, seldom_link);
	loop->fds++;
	return handle;
}

bool
loop_seldom_adopt(struct loop *loop, int fd, const struct loop_fd_events *events,
    const char *name)
{
	if (fd < 0 || !loop_fd_make_seldom(loop, fd, events, loop, name)) {
		log_error("loop_failed", KV("reason", "no descriptor for the loop"),
		    KV("error", strerror(errno)));
		return false;
	}
	return true;
}

void
loop_seldom_want_read(struct loop_fd *fd, bool on)
{
	struct epoll_event event = {.events = on ? EPOLLIN : 0, .data.ptr = fd};

	(void)epoll_ctl(fd->loop->seldom_fd, EPOLL_CTL_MOD, fd->seldom, &event);
}

void
loop_seldom_close(struct loop_fd *owned_fd)
{
	struct loop *loop = owned_fd->loop;
	int number = owned_fd->seldom;

	/* By itself it would leave the set with its last copy, in whatever process. */
	(void)epoll_ctl(loop->seldom_fd, EPOLL_CTL_DEL, number, NULL);
	TAILQ_REMOVE(&loop->seldom, owned_fd, seldom_link);
	loop_fd_end(owned_fd);
	(void)close(number);
}
