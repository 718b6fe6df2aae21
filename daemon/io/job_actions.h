/*
 * What a job can do; one row an action, in the order of the words in lists.def.
 *
 * For jobs.c and the actions' own file.
 */
#ifndef GWBOTD_JOB_ACTIONS_H
#define GWBOTD_JOB_ACTIONS_H

#include "child.h"
#include "config.h"
#include "probes.h"
#include "rest.h"

#define JOB_RESULT_ROOM 256

/* What the actions work with. */
struct job_tools {
	struct children *children;
	struct probes *probes;
	struct rest *rest; /* NULL: nothing is sent to Discord */
};

/* How one run ended; all is borrowed. */
struct job_outcome {
	bool good;
	const char *result; /* in a line: "3 probes up", "exit status 2" */
	const char *output; /* of a program; empty: none */
};

/* One run.  It copies what it needs from the configuration when it starts. */
struct job_task {
	const struct job_tools *tools;
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
	/** Ends it without done. */
	void (*cancel)(struct job_task *task);
};

extern const struct job_action job_probe;
extern const struct job_action job_exec;

#endif
