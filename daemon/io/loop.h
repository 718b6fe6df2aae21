/*
 * The event loop: timers, foreign descriptors, signals, wake-ups from helper threads.
 *
 * The only file that knows how libwebsockets treats raw descriptors; http, fetch and
 * control use the context for what the library does well.  One thread runs it, and
 * every callback below comes on that thread.
 */
#ifndef GWBOTD_LOOP_H
#define GWBOTD_LOOP_H

#include <stdbool.h>
#include <stdint.h>

#include "clock.h"
#include "err.h"
#include "histogram.h"

struct loop;
struct loop_fd;
struct lws_context;

/** A new loop, or NULL with the reason logged.  Free it with loop_free(). */
struct loop *loop_new(void);

/** Frees the loop; NULL is allowed.  Descriptors still adopted get their gone callback.
 */
void loop_free(struct loop *owned_loop);

/** Runs until loop_stop(); returns the exit status given there. */
int loop_run(struct loop *loop);

/** Ends loop_run() after the present turn.  The first call's status counts. */
void loop_stop(struct loop *loop, int exit_status);

/** The library's context, for http, fetch and control. */
struct lws_context *loop_context(struct loop *loop);

/* ---- timers ---- */

struct loop_timer;

/** A timer at rest.  fn gets ctx and the present instant.  Free it before ctx dies. */
#define loop_timer_new(loop, fn, ctx) loop_timer_make((loop), (fn), (ctx), #fn)
struct loop_timer *loop_timer_make(struct loop *loop,
    void (*fn)(void *ctx, mono_ns now), void *ctx, const char *name);

/** Cancels and frees; NULL is allowed; allowed inside its own callback. */
void loop_timer_free(struct loop_timer *owned_timer);

/**
 * Fires once, at the instant at or soon after; CLOCK_NEVER cancels.  Arming again moves
 * it.
 *
 * Never from inside this call.  Timers due while the host slept fire when it wakes:
 * compare with now.
 */
void loop_timer_arm(struct loop_timer *timer, mono_ns at);

/* ---- descriptors ---- */

struct loop_fd_events {
	/** Bytes to read, room to write, or hung up: try whatever you want to do. */
	void (*ready)(void *ctx, mono_ns now);
	/** The descriptor is about to be closed by the loop: forget the handle, free
	 * ctx. */
	void (*gone)(void *ctx);
};

/**
 * Adopts a non-blocking descriptor; the loop closes it from then on, also on an error.
 *
 * A socket must have been given to connect() or listen() before.  NULL on an error,
 * with errno, and gone is not called.
 */
#define loop_fd_add(loop, fd, events, ctx) \
	loop_fd_make((loop), (fd), (events), (ctx), #events)
struct loop_fd *loop_fd_make(struct loop *loop, int fd,
    const struct loop_fd_events *events, void *ctx, const char *name);

/**
 * The same for one at which seldom something happens, and that is only read from (a
 * listener, say): it costs the turns that are not for it nothing.
 */
#define loop_fd_add_seldom(loop, fd, events, ctx) \
	loop_fd_make_seldom((loop), (fd), (events), (ctx), #events)
struct loop_fd *loop_fd_make_seldom(struct loop *loop, int fd,
    const struct loop_fd_events *events, void *ctx, const char *name);

/** Asks for one ready callback when the descriptor can be written. */
void loop_fd_want_write(struct loop_fd *fd);

/** Asks for one ready callback in the next turn, whatever poll says. */
void loop_fd_kick(struct loop_fd *fd);

/**
 * True inside its ready callback where nobody else had one in this turn so far, nor in
 * the one before: it may take its time.  Else others may well wait for the next turn.
 */
bool loop_fd_is_alone(const struct loop_fd *fd);

/** Stops (false) or resumes (true) waiting for bytes to read. */
void loop_fd_want_read(struct loop_fd *fd, bool on);

/** Closes in the next turn; gone is called then, ready never again. */
void loop_fd_close(struct loop_fd *fd);

/* ---- signals and other threads ---- */

/**
 * Calls fn with each of the signals in the list (ended by 0) instead of its default.
 *
 * Call it before any thread exists: the signals are blocked in all threads.
 */
enum gw_err loop_watch_signals(struct loop *loop, const int *signals,
    void (*fn)(void *ctx, int signal, mono_ns now), void *ctx);

/** From any thread: has fn(ctx) called on the loop's thread soon, in order. */
#define loop_post(loop, fn, ctx) loop_post_named((loop), (fn), (ctx), #fn)
void loop_post_named(struct loop *loop, void (*fn)(void *ctx), void *ctx,
    const char *name);

/* ---- for the sentinel ---- */

/** What loop_await_turn() has called, on the loop's thread.  Set it before loop_run();
 * NULL: no more. */
void loop_on_turn(struct loop *loop, void (*begins)(void *ctx), void *ctx);

/**
 * From any thread: has what loop_on_turn() named called, once, when next a turn with
 * our code in it begins.  False, and nothing is called, where one runs already.
 *
 * So whoever watches turns may sleep while there is none.  It costs a turn one load.
 */
bool loop_await_turn(struct loop *loop);

/** From any thread: has the library take a turn with no code of ours in it, to see
 * whether it still can. */
void loop_nudge(struct loop *loop);

/* No other function of the loop but loop_stats() may be called by another thread. */

/* ---- how it turns ---- */

struct loop_stats {
	uint64_t turns; /* turns since the start */
	uint64_t spins; /* turns in which nothing reached us, slowed by the governor */
	mono_ns turn_max;   /* longest time between two polls since the start */
	mono_ns turn_began; /* the running turn's begin by clock_awake(); 0: in poll */
	const char *doing;  /* the function that runs or ran last; static text */
	const char *state;  /* as last given to loop_note_state(); static text */
	uint32_t state_of;  /* the shard that it was given for */
	/* For the loop's thread only: how long turns with our code in them took, and
	 * how much later than armed for the timers ran. */
	const struct histogram *turn_times;
	const struct histogram *timer_lags;
};

/** How it turns; from any thread, but for what the histograms hold. */
struct loop_stats loop_stats(const struct loop *loop);

/**
 * Says that the library called `who` (static text, e.g. __func__) back.
 *
 * http, fetch and control begin each of their callbacks of the library with it, except
 * for LWS_CALLBACK_GET_THREAD_ID and _EVENT_WAIT_CANCELLED: a turn without any of our
 * code in it is taken for a spin, and the sentinel names who hangs.
 */
void loop_note(struct loop *loop, const char *who);

/** Leaves the state (static text) that a shard has come to, for the sentinel to tell.
 */
void loop_note_state(struct loop *loop, uint32_t shard_id, const char *state);

#endif
