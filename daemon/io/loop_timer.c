#include <stdlib.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "loop_private.h"
#include "xalloc.h"

struct loop_timer {
	struct heap_node node; /* first: a node is its timer */
	struct loop *loop;
	void (*fn)(void *ctx, mono_ns now);
	void *ctx;
	const char *name;
	mono_ns due; /* at, or the instant of arming where at had passed */
};

struct loop_timer *
loop_timer_make(struct loop *loop, void (*fn)(void *ctx, mono_ns now), void *ctx,
    const char *name)
{
	struct loop_timer *timer = xzalloc(sizeof *timer);

	*timer = (struct loop_timer){.loop = loop, .fn = fn, .ctx = ctx, .name = name};
	return timer;
}

void
loop_timer_free(struct loop_timer *owned_timer)
{
	if (!owned_timer) {
		return;
	}
	if (owned_timer->node.queued) {
		heap_remove(&owned_timer->loop->timers, &owned_timer->node);
	}
	free(owned_timer);
}

void
loop_timer_arm(struct loop_timer *timer, mono_ns at)
{
	struct loop *loop = timer->loop;

	if (timer->node.queued) {
		heap_remove(&loop->timers, &timer->node);
	}
	if (at == CLOCK_NEVER) {
		return;
	}
	mono_ns now = clock_now();

	timer->due = at > now ? at : now;
	/* A timer that is due again at once waits for the next turn: descriptors come
	 * in between. */
	if (at <= loop->pass_at) {
		at = loop->pass_at + 1;
	}
	heap_insert(&loop->timers, &timer->node, at);
	if (at < loop->armed_at) {
		loop_wake_if_before_poll(loop);
	}
}

/* Has the timerfd fire at the first timer.  One that fires too early, because the timer
 * was moved or cancelled, costs an empty turn and saves a system call a move. */
void
loop_timers_before_poll(struct loop *loop)
{
	const struct heap_node *first = heap_first(&loop->timers);

	if (!first || first->at >= loop->armed_at) {
		return;
	}
	/* An instant of 0 would disarm it; one in the past fires at once. */
	mono_ns at = first->at > 0 ? first->at : 1;
	struct itimerspec spec = {
	    .it_value = {.tv_sec = at / CLOCK_S(1), .tv_nsec = at % CLOCK_S(1)}};

	if (timerfd_settime(loop->timer_fd, TFD_TIMER_ABSTIME, &spec, NULL) == 0) {
		loop->armed_at = first->at;
	}
}

static void
on_timer_fd(void *ctx, mono_ns now)
{
	struct loop *loop = ctx;
	uint64_t fired;

	(void)now;
	if (read(loop->timer_fd, &fired, sizeof fired) == (ssize_t)sizeof fired) {
		loop->armed_at = CLOCK_NEVER;
	}
}

void
loop_timers_run(struct loop *loop)
{
	struct heap_node *first = heap_first(&loop->timers);

	if (!first) {
		return;
	}
	loop->pass_at = clock_now();
	while (first && first->at <= loop->pass_at) {
		struct loop_timer *timer = (struct loop_timer *)first;

		heap_remove(&loop->timers, first);
		histogram_add(&loop->timer_lags, clock_now() - timer->due);
		loop_enter(loop, timer->name);
		timer->fn(timer->ctx, loop->pass_at);
		first = heap_first(&loop->timers);
	}
	loop->pass_at = -1;
}

static void
forget(void *ctx)
{
	(void)ctx;
}

static const struct loop_fd_events timer_events = {.ready = on_timer_fd,
    .gone = forget};

bool
loop_timers_init(struct loop *loop)
{
	loop->pass_at = -1;
	loop->armed_at = CLOCK_NEVER;
	/* BOOTTIME, so that timers due while the host slept fire when it wakes. */
	loop->timer_fd = timerfd_create(CLOCK_BOOTTIME, TFD_NONBLOCK | TFD_CLOEXEC);
	return loop_seldom_adopt(loop, loop->timer_fd, &timer_events, "timers");
}
