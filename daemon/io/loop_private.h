/*
 * What the parts of the loop share: loop.c turns, loop_fd.c, loop_seldom.c and
 * loop_timer.c hang things in.  For these four files only.
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
TAILQ_HEAD(loop_seldom_list, loop_fd);

struct loop_fd {
	TAILQ_ENTRY(loop_fd) link; /* in loop->late */
	TAILQ_ENTRY(loop_fd) seldom_link;
	struct loop *loop;
	struct lws *wsi; /* NULL: a seldom one */
	int seldom;      /* its number, where it is one */
	const struct loop_fd_events *events;
	void *ctx;
	const char *name;
	uint64_t called_in; /* the turn of its last ready callback */
	bool late;          /* is in loop->late */
	bool kicked;        /* there for a ready callback */
	bool want_write;    /* there to ask poll for room */
	bool in_writable;
	bool closing;
};

struct loop {
	lws_sorted_usec_list_t fence; /* first: its address is the loop's */
	struct lws_context *context;
	struct lws_vhost *vhost;
	struct loop_late_list late;
	struct loop_seldom_list seldom;
	struct heap timers;
	mono_ns pass_at;  /* now of the running pass over the timers; -1: none runs */
	mono_ns armed_at; /* what the timerfd waits for */
	unsigned fds;     /* adopted ones, the seldom among them */
	unsigned fds_max; /* rows of the library's table */
	int timer_fd;
	int wake_fd;
	int seldom_fd;                     /* the epoll set of the seldom ones */
	_Atomic(struct loop_post *) posts; /* newest first */

	bool freeing;
	bool stopping;
	int exit_status;
	bool in_service;
	bool polled; /* lws_service() is past its poll for certain */
	uint64_t present_turn;

	uint64_t work;        /* callbacks of ours */
	uint64_t work_seen;   /* of them up to the last turn's end */
	uint64_t work_before; /* and up to its begin */
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

/** Room for one more in the library's table; false, and fd is closed, where not. */
bool loop_fd_fits(struct loop *loop, int fd);

/** Calls it back, unless it is closing. */
void loop_fd_call(struct loop_fd *fd);

/** Has loop_fds_run_late() look at it. */
void loop_fd_add_late(struct loop_fd *fd);

/** Tells its owner that it goes, and frees it. */
void loop_fd_end(struct loop_fd *owned_fd);

/** Calls the kicked ones, renews wishes to write, closes the seldom ones. */
void loop_fds_run_late(struct loop *loop);

/* ---- loop_seldom.c ---- */

/** Makes the set and adopts it; false with the reason logged. */
bool loop_seldom_init(struct loop *loop);

/** Ends all that are left. */
void loop_seldom_fini(struct loop *loop);

/** Adopts a descriptor of the loop's own; false with the reason logged. */
bool loop_seldom_adopt(struct loop *loop, int fd, const struct loop_fd_events *events,
    const char *name);

/** Stops or resumes waiting for one of them. */
void loop_seldom_want_read(struct loop_fd *fd, bool on);

/** Closes it. */
void loop_seldom_close(struct loop_fd *owned_fd);

#endif
