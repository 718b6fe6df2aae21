/*
 * One URL of /emoji-pad on its way: shared by the two files of the module only.
 *
 * emoji.c knows who asks and what waits; emoji_job.c fetches, pads and tells.
 */
#ifndef GWBOTD_EMOJI_JOB_H
#define GWBOTD_EMOJI_JOB_H

#include <stdatomic.h>
#include <sys/queue.h>

#include "emoji.h"
#include "emoji_cache.h"
#include "emoji_render.h"
#include "worker.h"

#define EMOJI_TYPE          "image/png"
#define EMOJI_CACHE_CONTROL "public, max-age=86400" /* contract, section 5 */

struct emoji_job;

/* Somebody who waits. */
struct emoji_waiter {
	SLIST_ENTRY(emoji_waiter) link;
	struct http_later *later;
};

/* One picture that is wanted of a URL. */
struct emoji_want {
	LIST_ENTRY(emoji_want) link;
	struct emoji_job *job;
	struct emoji_ask ask;
	SLIST_HEAD(emoji_waiters, emoji_waiter) waiters;
};

/* What a helper thread works on: it shares nothing with the loop. */
struct emoji_run {
	LIST_ENTRY(emoji_run) link;
	struct emoji *emoji;
	struct emoji_want *want;
	struct emoji_render render;
	struct buf image;
	atomic_bool over; /* the thread has left it */
};

enum emoji_step {
	EMOJI_STEP_WAITING,
	EMOJI_STEP_FETCHING,
	EMOJI_STEP_PADDING, /* the bytes are there */
};

struct emoji_job {
	TAILQ_ENTRY(emoji_job) link;
	struct emoji *emoji;
	enum emoji_step step;
	char url[EMOJI_URL_BYTES];
	bool loopback;
	mono_ns patience; /* while waiting: until then */
	uint64_t fetch_id;
	struct buf image;
	unsigned want_count;
	LIST_HEAD(emoji_wants, emoji_want) wants;
};

TAILQ_HEAD(emoji_jobs, emoji_job);

struct emoji {
	struct loop *loop;
	struct fetch *fetch;
	const struct spawner *spawner;
	struct worker *worker; /* each thread runs one gwbot-emoji at a time */
	struct emoji_cache *cache;
	struct config_list hosts;
	struct loop_timer *timer; /* of those that wait */
	struct emoji_jobs waiting;
	struct emoji_jobs active;
	LIST_HEAD(emoji_runs, emoji_run) runs;
	struct histogram renders;
	mono_ns warned_at;
	uint64_t rejects[EMOJI_REJECTS];
	struct emoji_stats stats;
};

/** Takes the job from those that wait, and begins to fetch. */
void emoji_job_begin(struct emoji_job *job);

/** Has gwbot-emoji make this picture of the bytes that are there; false: too busy. */
bool emoji_job_pad(struct emoji_want *want);

void emoji_run_free(struct emoji_run *owned_run);

/** All who wait for the job get this status, in words; it is freed. */
void emoji_job_fail(struct emoji_job *owned_job, unsigned status,
    enum emoji_reject reason, const char *why);

/** Frees it; nobody is answered. */
void emoji_job_free(struct emoji_job *owned_job);

/** For a job that has ended: another may begin. */
void emoji_turn(struct emoji *emoji, mono_ns now);

/** Fills an answer with a refusal. */
void emoji_refuse(struct emoji *emoji, struct http_reply *reply, unsigned status,
    enum emoji_reject reason, const char *why);

#endif
