/*
 * Helper threads: a job out, its result back on the loop.  The only file that knows
 * pthread.
 */
#ifndef GWBOTD_WORKER_H
#define GWBOTD_WORKER_H

#include "clock.h"
#include "err.h"
#include "loop.h"

struct worker;

/**
 * A pool of `threads` helper threads, started when first needed.  NULL never.
 *
 * Free it after the loop has ended; jobs that hang are left behind (their threads die
 * with the process), finished ones that were not delivered are dropped.
 */
struct worker *worker_new(struct loop *loop, unsigned threads);
void worker_free(struct worker *owned_worker);

/**
 * Runs work(job) on a helper thread, then done(job) on the loop.
 *
 * job belongs to the worker until done gets it back.  GW_ERR_FULL with 64 jobs waiting,
 * GW_ERR_IO when no thread can be made: neither function is called then.  What the job
 * itself gave to loop_post() may run after done.
 */
enum gw_err worker_submit(struct worker *worker, void (*work)(void *job),
    void (*done)(void *job), void *job);

/**
 * The sentinel: a thread that watches the loop.
 *
 * A turn that has not ended for warn is logged with what it is doing; one that
 * has not ended for limit ends the process with status 1.  It sleeps while the loop
 * does: where the library hangs before it calls us, the end comes up to half a limit
 * later.  A process that was stopped
 * (SIGSTOP) or slept is not blamed for it.  stuck (NULL: nothing) is called right
 * before that end, on the sentinel's thread: it must not wait for anything.
 */
void worker_start_sentinel(struct worker *worker, mono_ns warn, mono_ns limit,
    void (*stuck)(void *ctx, const char *handler, mono_ns stuck), void *ctx);

#endif
