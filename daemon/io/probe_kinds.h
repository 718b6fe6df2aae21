/*
 * What a probe can try; one row a kind, in the order of the words in lists.def.
 *
 * For probes.c and the kinds' own files.
 */
#ifndef GWBOTD_PROBE_KINDS_H
#define GWBOTD_PROBE_KINDS_H

#include "child.h"
#include "config.h"
#include "fetch.h"
#include "loop.h"
#include "probe.h"
#include "resolver.h"
#include "worker.h"

/* What the kinds work with. */
struct probe_tools {
	struct loop *loop;
	struct resolver *resolver;
	struct children *children;
	struct worker *worker; /* for what takes long, such as a signature */
	/** A variable of the environment, borrowed until the next call; NULL: none. */
	const char *(*variable)(void *variables, const char *name);
	void *variables;
	/** The client for http, made when it is first needed; NULL where it cannot be.
	 */
	struct fetch *(*fetch)(void *ctx);
	void *ctx;
};

/* One run. */
struct probe_task {
	const struct probe_tools *tools;
	const struct config_probe *config; /* may move to an equal one between calls */
	/** Ends the run; reason (borrowed) says why it is bad, or what it found. */
	void (*done)(struct probe_task *task, enum probe_verdict verdict,
	    const char *reason, mono_ns now);
	void *work; /* of the kind; NULL between two runs */
	void *kept; /* of the kind, from run to run; NULL at first */
};

struct probe_kind {
	/** Begins a run: done is called once, never from inside, within the timeout. */
	void (*start)(struct probe_task *task, mono_ns now);
	/** Ends it without done. */
	void (*cancel)(struct probe_task *task);
	/** Frees what it kept, where that is not NULL; no run is under way. */
	void (*forget)(struct probe_task *task);
};

extern const struct probe_kind probe_tcp;
extern const struct probe_kind probe_http;
extern const struct probe_kind probe_command;
extern const struct probe_kind probe_sheet;

#endif
