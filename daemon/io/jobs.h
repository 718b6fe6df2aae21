/*
 * Jobs: runs each when its schedule says so, one run of a job at a time, and on demand.
 */
#ifndef GWBOTD_JOBS_H
#define GWBOTD_JOBS_H

#include "job.h"
#include "job_actions.h"
#include "lastrun.h"
#include "loop.h"
#include "schedule.h"

#define JOBS_MAX 65 /* those of the configuration, and refresh */

struct jobs;

struct jobs_options {
	struct loop *loop;
	struct children *children;
	struct probes *probes;
	struct rest *rest;            /* of actions that write to Discord; NULL: none */
	mono_ns started_at;           /* of the process, for texts */
	uint64_t seed;                /* of the jitter */
	struct lastrun_file *lastrun; /* borrowed; NULL: nothing is kept */
	void (*kept)(void *ctx);      /* lastrun has changed */
	void *ctx;
	wall_us (*wall)(void); /* the wall clock; NULL: the host's */
};

struct jobs *jobs_new(const struct jobs_options *options);

/** Ends all runs without a word.  NULL is allowed. */
void jobs_free(struct jobs *owned_jobs);

/**
 * Takes over the jobs of a configuration, which may go afterwards; reads their zones.
 *
 * A run under way of a job that is gone, or does something else now, ends: cleanup and
 * keepalive-threads before their next call of Discord's API, waiting ones included, and
 * a post that has no message sent or on its way.  A post that is half sent goes on, and
 * so do probes and programs; what a program of a post then wrote is not posted.  What
 * only has another schedule or zone goes on.
 */
void jobs_configure(struct jobs *jobs, const struct config *config, mono_ns now);

/** Has nothing begin any more, whatever is configured; runs under way end by
 * themselves.
 */
void jobs_halt(struct jobs *jobs);

size_t jobs_count(const struct jobs *jobs);
void jobs_view(const struct jobs *jobs, size_t index, struct job_view *out);

/** Starts a run now.  GW_ERR_NOT_FOUND without such a job, GW_ERR_BUSY while it runs.
 */
enum gw_err jobs_run(struct jobs *jobs, const char *name, mono_ns now);

#endif
