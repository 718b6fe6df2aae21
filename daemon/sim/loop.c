#include "loop.h"

#include <errno.h>
#include <stddef.h>
#include <sys/epoll.h>
#include <unistd.h>

#define BATCH       64
#define MAX_WAIT_MS 1000

bool
loop_init(struct loop *loop)
{
	loop->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	return loop->epoll_fd >= 0;
}

void
loop_fini(struct loop *loop)
{
	if (loop->epoll_fd >= 0) {
		(void)close(loop->epoll_fd);
		loop->epoll_fd = -1;
	}
}

void
loop_arm(struct loop *loop, struct loop_watch *watch, uint32_t events)
{
	if (events == watch->armed) {
		return;
	}
	struct epoll_event event = {.events = events, .data.ptr = watch};
	int how = events == 0 ? EPOLL_CTL_DEL :
	    watch->armed == 0 ? EPOLL_CTL_ADD :
				EPOLL_CTL_MOD;

	/* A failing ADD leaves a silent connection: its deadline ends it. */
	if (epoll_ctl(loop->epoll_fd, how, watch->fd, &event) == 0 || events == 0) {
		watch->armed = events;
	}
}

static int
wait_ms(mono_ns wake_at, mono_ns now)
{
	if (wake_at <= now) {
		return 0;
	}
	/* Rounded up: waking early would only spin. */
	mono_ns distance = (wake_at - now + CLOCK_MS(1) - 1) / CLOCK_MS(1);

	return distance > MAX_WAIT_MS ? MAX_WAIT_MS : (int)distance;
}

void
loop_turn(struct loop *loop, mono_ns wake_at, mono_ns *now)
{
	struct epoll_event events[BATCH];
	int count =
	    epoll_wait(loop->epoll_fd, events, BATCH, wait_ms(wake_at, clock_now()));

	*now = clock_now();
	for (int i = 0; i < count; i++) {
		struct loop_watch *watch = events[i].data.ptr;

		/* Taken out earlier in this very turn. */
		if (watch->armed != 0) {
			watch->ready(watch, events[i].events);
		}
	}
}
