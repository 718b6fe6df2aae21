/*
 * Helper threads.  Jobs wait in a bounded queue, finished ones in a list of their own
 * that one posted function empties on the loop.  Threads are detached, since a lookup
 * that hangs in the resolver cannot be cancelled or joined; the pool is counted, and
 * the last who leaves it frees it.
 */
#include "worker.h"

#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/queue.h>
#include <time.h>
#include <unistd.h>

#include "log.h"
#include "xalloc.h"

#define QUEUE_MAX   64
#define STACK_BYTES ((size_t)256 * 1024)

/* How long worker_free() waits for threads that have nothing to do. */
#define LEAVE_TIMEOUT CLOCK_MS(500)

/* The sentinel looks so often while a turn may last until warn; and at a loop that
 * sleeps so often while one may last until limit. */
#define LOOKS_PER_WARN  4
#define DOZES_PER_LIMIT 2

/* With so many turns from look to look, to be roused by the next one is no gain. */
#define TURNS_BUSY    8

#define EXIT_WATCHDOG 1 /* contract, section 4 */

struct job {
	STAILQ_ENTRY(job) link;
	void (*work)(void *job);
	void (*done)(void *job);
	void *job;
};

STAILQ_HEAD(job_list, job);

struct worker {
	struct loop *loop;
	unsigned threads_max;

	/* Under lock. */
	pthread_mutex_t lock;
	pthread_cond_t work_there; /* or stopping: for helpers */
	pthread_cond_t ending;     /* stopping, or a thread left */
	struct job_list waiting;
	struct job_list finished;
	unsigned waiting_count;
	unsigned threads; /* helpers and the sentinel: whoever may touch the pool */
	unsigned helpers;
	unsigned idle;
	unsigned busy;
	bool stopping;
	bool watches;

	/* The sentinel waits here and takes no lock: a loop that hangs may have it. */
	sem_t roused;
	_Atomic bool over;

	/* Set before the sentinel starts. */
	mono_ns warn;
	mono_ns limit;
	void (*stuck)(void *ctx, const char *handler,
	    mono_ns stuck); /* NULL: nobody is told */
	void *stuck_ctx;
};

/* Pools whose owner is gone while a job still hangs: kept in sight of leak checkers. */
static struct worker *volatile left_behind;

/* ---- the pool's end ---- */

static void
drop_jobs(struct job_list *jobs)
{
	struct job *job;

	while ((job = STAILQ_FIRST(jobs)) != NULL) {
		STAILQ_REMOVE_HEAD(jobs, link);
		free(job);
	}
}

static void
destroy(struct worker *worker)
{
	drop_jobs(&worker->waiting);
	drop_jobs(&worker->finished);
	(void)pthread_cond_destroy(&worker->work_there);
	(void)pthread_cond_destroy(&worker->ending);
	(void)sem_destroy(&worker->roused);
	(void)pthread_mutex_destroy(&worker->lock);
	free(worker);
}

/* A thread leaves the pool; the lock is held and is given up. */
static void
leave(struct worker *worker)
{
	worker->threads--;
	(void)pthread_cond_broadcast(&worker->ending);
	(void)pthread_mutex_unlock(&worker->lock);
}

/* ---- threads ---- */

/* A detached thread with a small stack that no signal reaches. */
static enum gw_err
start_thread(void *(*run)(void *arg), void *arg)
{
	pthread_attr_t attributes;
	pthread_t thread;
	sigset_t all;
	sigset_t before;

	if (pthread_attr_init(&attributes) != 0) {
		return GW_ERR_IO;
	}
	(void)pthread_attr_setstacksize(&attributes, STACK_BYTES);
	(void)pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &before);
	int error = pthread_create(&thread, &attributes, run, arg);

	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	(void)pthread_attr_destroy(&attributes);
	return error == 0 ? GW_OK : GW_ERR_IO;
}

static void
deliver(void *ctx)
{
	struct worker *worker = ctx;
	struct job_list batch = STAILQ_HEAD_INITIALIZER(batch);
	struct job *job;

	(void)pthread_mutex_lock(&worker->lock);
	STAILQ_CONCAT(&batch, &worker->finished);
	(void)pthread_mutex_unlock(&worker->lock);
	while ((job = STAILQ_FIRST(&batch)) != NULL) {
		STAILQ_REMOVE_HEAD(&batch, link);
		job->done(job->job);
		free(job);
	}
}

/* Takes the next job with the lock held, waiting for one; NULL when the pool ends. */
static struct job *
wait_for_job(struct worker *worker)
{
	while (!worker->stopping && STAILQ_EMPTY(&worker->waiting)) {
		worker->idle++;
		(void)pthread_cond_wait(&worker->work_there, &worker->lock);
		worker->idle--;
	}
	if (worker->stopping) {
		return NULL;
	}
	struct job *job = STAILQ_FIRST(&worker->waiting);

	STAILQ_REMOVE_HEAD(&worker->waiting, link);
	worker->waiting_count--;
	return job;
}

static void *
help(void *arg)
{
	struct worker *worker = arg;
	struct job *job;

	(void)pthread_mutex_lock(&worker->lock);
	while ((job = wait_for_job(worker)) != NULL) {
		worker->busy++;
		(void)pthread_mutex_unlock(&worker->lock);
		job->work(job->job);
		(void)pthread_mutex_lock(&worker->lock);
		worker->busy--;
		STAILQ_INSERT_TAIL(&worker->finished, job, link);
		/* Under the lock: once stopping is set, the loop may be gone. */
		if (!worker->stopping && STAILQ_FIRST(&worker->finished) == job) {
			loop_post(worker->loop, deliver, worker);
		}
	}
	worker->helpers--;
	leave(worker);
	return NULL;
}

/* ---- the pool ---- */

struct worker *
worker_new(struct loop *loop, unsigned threads)
{
	struct worker *worker = xzalloc(sizeof *worker);
	pthread_condattr_t attributes;

	worker->loop = loop;
	worker->threads_max = threads;
	STAILQ_INIT(&worker->waiting);
	STAILQ_INIT(&worker->finished);
	(void)pthread_mutex_init(&worker->lock, NULL);
	(void)pthread_condattr_init(&attributes);
	(void)pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	(void)pthread_cond_init(&worker->work_there, NULL);
	(void)pthread_cond_init(&worker->ending, &attributes);
	(void)pthread_condattr_destroy(&attributes);
	(void)sem_init(&worker->roused, 0, 0);
	return worker;
}

static struct timespec
timespec_of(mono_ns at)
{
	return (struct timespec){at / CLOCK_S(1), at % CLOCK_S(1)};
}

void
worker_free(struct worker *owned_worker)
{
	struct worker *worker = owned_worker;

	if (!worker) {
		return;
	}
	struct timespec until = timespec_of(clock_awake() + LEAVE_TIMEOUT);
	int error = 0;

	(void)pthread_mutex_lock(&worker->lock);
	worker->stopping = true;
	(void)pthread_cond_broadcast(&worker->work_there);
	worker->over = true;
	(void)sem_post(&worker->roused);
	while (worker->threads > worker->busy && error == 0) {
		error = pthread_cond_timedwait(&worker->ending, &worker->lock, &until);
	}
	bool empty = worker->threads == 0 && STAILQ_EMPTY(&worker->waiting) &&
	    STAILQ_EMPTY(&worker->finished);

	(void)pthread_mutex_unlock(&worker->lock);
	if (worker->watches) {
		loop_on_turn(worker->loop, NULL, NULL);
	}
	/* What a hanging job uses stays until the process ends. */
	if (empty) {
		destroy(worker);
	} else {
		left_behind = worker;
	}
}

/* With the lock held: a thread for the waiting job, where all are busy and one more may
 * be.  False where there is none at all. */
static bool
provide_thread(struct worker *worker)
{
	if (worker->idle >= worker->waiting_count ||
	    worker->helpers >= worker->threads_max) {
		return worker->helpers > 0;
	}
	if (start_thread(help, worker) != GW_OK) {
		return worker->helpers > 0;
	}
	worker->helpers++;
	worker->threads++;
	return true;
}

/* With the lock held. */
static enum gw_err
enqueue(struct worker *worker, struct job *job)
{
	if (worker->waiting_count >= QUEUE_MAX) {
		return GW_ERR_FULL;
	}
	worker->waiting_count++;
	if (!provide_thread(worker)) {
		worker->waiting_count--;
		return GW_ERR_IO;
	}
	STAILQ_INSERT_TAIL(&worker->waiting, job, link);
	(void)pthread_cond_signal(&worker->work_there);
	return GW_OK;
}

enum gw_err
worker_submit(struct worker *worker, void (*work)(void *job), void (*done)(void *job),
    void *job)
{
	struct job *entry = xzalloc(sizeof *entry);

	*entry = (struct job){.work = work, .done = done, .job = job};
	(void)pthread_mutex_lock(&worker->lock);
	enum gw_err err = enqueue(worker, entry);

	(void)pthread_mutex_unlock(&worker->lock);
	if (err != GW_OK) {
		free(entry);
	}
	return err;
}

/* ---- the sentinel ---- */

static const char *
handler_of(const struct loop_stats *stats)
{
	return stats->turn_began != 0 ? stats->doing : "library";
}

static void
tell(enum log_level level, const char *event, const struct loop_stats *stats,
    mono_ns stuck)
{
	const struct log_kv pairs[] = {
	    KV("stuck_ms", stuck / CLOCK_MS(1)),
	    KV("handler", handler_of(stats)),
	    KV("turns", stats->turns),
	    KV("shard", stats->state_of),
	    KV("state", stats->state),
	};

	log_write_aside(level, event, pairs, sizeof pairs / sizeof pairs[0]);
}

/* What it knows of the loop from look to look. */
struct vigil {
	mono_ns period;  /* from look to look while a turn may run */
	mono_ns doze;    /* while there is none */
	uint64_t turns;  /* seen at the last look */
	mono_ns stuck;   /* for so long the present turn lasts at least */
	mono_ns unheard; /* a nudge without an answer is so old */
	bool nudged;
	bool quiet; /* the loop sleeps, or turns so seldom that it may well rouse us */
};

/* The turn that was begun at the last look, or soon after, still runs. */
static void
note_stuck(struct worker *worker, struct vigil *vigil, const struct loop_stats *stats)
{
	mono_ns before = vigil->stuck;

	vigil->stuck += vigil->period + vigil->unheard;
	vigil->unheard = 0;
	if (vigil->stuck >= worker->limit) {
		tell(LOG_LEVEL_ERROR, "loop_stuck_exit", stats, vigil->stuck);
		if (worker->stuck) {
			worker->stuck(worker->stuck_ctx, handler_of(stats),
			    vigil->stuck);
		}
		_exit(EXIT_WATCHDOG);
	}
	if (before < worker->warn && vigil->stuck >= worker->warn) {
		tell(LOG_LEVEL_WARNING, "loop_stuck", stats, vigil->stuck);
	}
}

/*
 * Counts its own looks, not the time between them: where the process was stopped or the
 * host slept, the sentinel did not look either.
 */
static void
look(struct worker *worker, struct vigil *vigil)
{
	struct loop_stats stats = loop_stats(worker->loop);
	uint64_t turned = stats.turns - vigil->turns;

	vigil->turns = stats.turns;
	if (turned == 0 && (stats.turn_began != 0 || vigil->nudged)) {
		note_stuck(worker, vigil, &stats);
		return;
	}
	if (vigil->stuck >= worker->warn) {
		tell(LOG_LEVEL_INFO, "loop_turns_again", &stats, vigil->stuck);
	}
	vigil->stuck = 0;
	vigil->unheard = 0;
	vigil->nudged = false;
	vigil->quiet = turned < TURNS_BUSY;
}

/*
 * Nothing of ours has run for the time of a doze.  So the loop sleeps, or the library
 * hangs before it calls us: a loop that sleeps answers a nudge before the next such
 * look.  One that does not is looked at as if in a turn of ours, which it has been in
 * for a doze at least; but not before one more look, as the process may have stood
 * still until now.
 */
static void
look_at_sleeper(struct worker *worker, struct vigil *vigil)
{
	uint64_t turns = loop_stats(worker->loop).turns;

	if (turns != vigil->turns) {
		vigil->turns = turns;
		vigil->nudged = false;
	} else if (!vigil->nudged) {
		vigil->nudged = true;
		loop_nudge(worker->loop);
	} else {
		vigil->quiet = false;
		vigil->unheard = vigil->doze;
	}
}

/* For so long, or until the pool ends, or, in a doze, a turn begins: then true. */
static bool
rest(struct worker *worker, mono_ns time, bool doze)
{
	struct timespec until = timespec_of(clock_awake() + time);

	while (!worker->over) {
		int error =
		    sem_clockwait(&worker->roused, CLOCK_MONOTONIC, &until) == 0 ?
		    0 :
		    errno;

		if (error == 0 && doze) {
			return true;
		}
		if (error != 0 && error != EINTR) {
			return false;
		}
	}
	return false;
}

/* On the loop's thread: a turn begins. */
static void
rouse(void *ctx)
{
	struct worker *worker = ctx;

	(void)sem_post(&worker->roused);
}

/*
 * A loop that sleeps is left asleep, and so is the sentinel: the loop rouses it with
 * the next turn.  That costs the loop a system call, so it is not done while there is
 * turn after turn.
 */
static void
watch_once(struct worker *worker, struct vigil *vigil)
{
	bool doze = vigil->quiet && loop_await_turn(worker->loop);
	bool roused = rest(worker, doze ? vigil->doze : vigil->period, doze);

	if (worker->over) {
		return;
	}
	if (!doze) {
		look(worker, vigil);
	} else if (roused) {
		/* The turn is young. */
		vigil->turns = loop_stats(worker->loop).turns;
		vigil->nudged = false;
		vigil->quiet = false;
	} else {
		look_at_sleeper(worker, vigil);
	}
}

static void *
watch(void *arg)
{
	struct worker *worker = arg;
	mono_ns shorter = worker->warn < worker->limit ? worker->warn : worker->limit;
	struct vigil vigil = {.period = shorter / LOOKS_PER_WARN,
	    .doze = worker->limit / DOZES_PER_LIMIT};

	while (!worker->over) {
		watch_once(worker, &vigil);
	}
	(void)pthread_mutex_lock(&worker->lock);
	leave(worker);
	return NULL;
}

void
worker_start_sentinel(struct worker *worker, mono_ns warn, mono_ns limit,
    void (*stuck)(void *ctx, const char *handler, mono_ns stuck), void *ctx)
{
	(void)pthread_mutex_lock(&worker->lock);
	worker->warn = warn;
	worker->limit = limit;
	worker->stuck = stuck;
	worker->stuck_ctx = ctx;
	loop_on_turn(worker->loop, rouse, worker);
	if (start_thread(watch, worker) == GW_OK) {
		worker->threads++;
		worker->watches = true;
	}
	(void)pthread_mutex_unlock(&worker->lock);
}
