/*
 * What a job can do; one row an action, in the order of the words in lists.def.
 *
 * For jobs.c and the actions' own file.
 */
#ifndef GWBOTD_JOB_ACTIONS_H
#define GWBOTD_JOB_ACTIONS_H

#include "child.h"
#include "config.h"
#include "nonce.h"
#include "probes.h"
#include "refusal.h"
#include "rest.h"
#include "zone.h"

#define JOB_RESULT_ROOM 256

/* What a run that stops before its end says of it: a reload, or gwctl set with the list
 * emptied or set back, took its job away or changed it. */
#define JOB_OVER "ended by a change of the configuration"

/* What the actions work with. */
struct job_tools {
	struct children *children;
	struct probes *probes;
	struct rest *rest; /* NULL: nothing is sent to Discord */
	const char *bot;   /* bot.name and bot.version, as last configured */
	const char *version;
	mono_ns started_at;
};

/* How one run ended; all is borrowed. */
struct job_outcome {
	bool good;
	bool cut;           /* by what JOB_OVER says: even if good, it is no success */
	const char *result; /* in a line: "3 probes up", "exit status 2" */
	const char *output; /* of a program, or a line a probe; empty: none */
};

/* One run.  It copies what it needs from the configuration when it starts. */
struct job_task {
	const struct job_tools *tools;
	const struct zone *zone; /* of the clock in its texts; NULL: UTC */
	const char *file;        /* what its file says; NULL: it has none */
	int64_t wall_ms;         /* when it began */
	uint64_t cause; /* why: the job and its time; another number on demand */
	/* The configuration has lost the job, or changed what it does: what would begin
	 * something more at Discord ends instead.  See stop. */
	bool over;
	/** Ends the run. */
	void (*done)(struct job_task *task, const struct job_outcome *outcome,
	    mono_ns now);
	void *work;  /* of the action */
	uint64_t id; /* the same */
};

struct job_action {
	/**
	 * Begins a run: done is called once, never from inside.
	 *
	 * NULL, or why it cannot begin.
	 */
	const char *(*start)(struct job_task *task, const struct config_job *config,
	    mono_ns now);
	/**
	 * Told once over is set: ends the run where it waits for a call of Discord's
	 * API that is not on its way; done may come from inside.  A call that is on its
	 * way has its one answer, and the run ends with that.
	 *
	 * NULL: what it does is of the host and goes on to its end.
	 */
	void (*stop)(struct job_task *task, mono_ns now);
	/** Ends it without done. */
	void (*cancel)(struct job_task *task);
};

extern const struct job_action job_probe;
extern const struct job_action job_exec;
extern const struct job_action job_post;
extern const struct job_action job_cleanup;
extern const struct job_action job_threads;

/** The nonce of message number index of a run in a channel. */
struct nonce job_nonce(const struct job_task *task, uint64_t channel, uint64_t index);

/** Copies the ids of a list into out (room max); returns how many. */
size_t job_ids(const struct config_list *list, uint64_t *out, size_t max);

/** Writes what a refusal means into first (JOB_RESULT_ROOM bytes) where it is empty:
 * one run tells the first cause. */
void job_note_refusal(char *first, enum refusal_deed deed,
    const struct rest_answer *answer);

/** Takes back a call of a run whose calls count only if they were surely done: as
 * rest_withdraw(). */
bool job_withdraw(const struct job_task *task, uint64_t call);

/** True where a limit put off a call of a run that is over: that is no refusal, and
 * nothing was done. */
bool job_was_put_off(const struct job_task *task, const struct rest_answer *answer);

#endif
