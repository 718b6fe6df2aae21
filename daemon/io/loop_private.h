/*
 * What the parts of the loop share: loop.c turns, loop_fd.c and loop_timer.c hang
 * things in.  For these three files only.
 */
#ifndef GWBOTD_LOOP_PRIVATE_H
#define GWBOTD_LOOP_PRIVATE_H

#include <stdatomic.h>
#include <sys/queue.h>

#include <libwebsockets.h>

#include "heap.h"
#include "loop.h"

struct loop_post;

TAILQ_HEAD(loop_late_list, loop_fd);

struct loop {
	lws_sorted_usec_list_t fence; /* first: its address is the loop's */
	struct lws_context *context;
	struct lws_vhost *vhost;
	struct loop_late_list late;
	struct heap timers;
	mono_ns pass_at;  /* now of the running pass over the timers; -1: none runs */
	mono_ns armed_at; /* what the timerfd waits for */
	unsigned fds;     /* adopted ones */
	unsigned fds_max; /* rows of the library's table */
	int timer_fd;
	int wake_fd;
	_Atomic(struct loop_post *) posts; /* newest first */

	bool freeing;
	bool stopping;
	int exit_status;
	bool in_service;
	bool polled; /* lws_service() is past its poll for certain */

	uint64_t work; /* callbacks of ours */
	uint64_t work_seen;
	unsigned empty_turns;
	struct histogram turn_times;
	struct histogram timer_lags;
	/* Also read by the sentinel. */
	_Atomic uint64_t turns;
	_Atomic uint64_t spins;
	_Atomic mono_ns turn_max;
	_Atomic mono_ns turn_began;
	_Atomic(const char *) doing;
	_Atomic(const char *) state;
	_Atomic uint32_t state_of;
	_Atomic bool awaited; /* whoever watches sleeps until a turn begins */
	void (*turn_begins)(void *ctx);
	void *turn_begins_ctx;
};

/** A function of ours is about to run: begins the turn's account, names it. */
void loop_enter(struct loop *loop, const char *name);

/**
 * The library may be between its timers and poll: what was just asked for would wait
 * for the next event without this.
 */
void loop_wake_if_before_poll(struct loop *loop);

/* ---- loop_timer.c ---- */

/** Adopts the timerfd; false with the reason logged. */
bool loop_timers_init(struct loop *loop);

/** Has poll end at the first timer. */
void loop_timers_before_poll(struct loop *loop);

/** Runs the timers that are due. */
void loop_timers_run(struct loop *loop);

/* ---- loop_fd.c ---- */

/** The library's callback for descriptors that we gave it. */
int loop_fd_on_library(struct lws *wsi, enum lws_callback_reasons reason, void *user,
    void *in, size_t size);

/** Calls the kicked ones, renews wishes to write. */
void loop_fds_run_late(struct loop *loop);

/** Adopts a descriptor of the loop's own; false with the reason logged. */
bool loop_fd_adopt(struct loop *loop, int fd, const struct loop_fd_events *events,
    const char *name);

#endif
