/*
 * The dependency probes: runs each on its interval, keeps what they find.
 *
 * Nothing here reaches the gateway: a probe that fails or hangs changes what is
 * reported.
 */
#ifndef GWBOTD_PROBES_H
#define GWBOTD_PROBES_H

#include "child.h"
#include "config.h"
#include "loop.h"
#include "probe.h"
#include "resolver.h"
#include "worker.h"

#define PROBES_MAX 64

struct probes;

struct probes_options {
	struct loop *loop;
	struct resolver *resolver;
	struct children *children;
	struct worker *worker;
	/** A variable of the environment, borrowed until the next call; NULL: none. */
	const char *(*variable)(void *variables, const char *name);
	void *variables;
	const char *user_agent;     /* of http probes; borrowed */
	const char *ca_file;        /* NULL: the system's store; borrowed */
	const struct ws_tls *trust; /* whom they believe, instead; borrowed */
};

struct probes *probes_new(const struct probes_options *options);

/** Ends all runs without a word.  NULL is allowed. */
void probes_free(struct probes *owned_probes);

/**
 * Takes over the list of a configuration, which must live until the next call.
 *
 * A probe that is the same goes on; every other one begins anew.
 */
void probes_configure(struct probes *probes, const struct config *config, mono_ns now);

/** How many there are; at most PROBES_MAX. */
size_t probes_count(const struct probes *probes);

/** The probe at index < probes_count(); borrowed texts. */
struct probe_view probes_view(const struct probes *probes, size_t index);

/* What a refresh found. */
struct probes_refresh {
	unsigned runs;
	unsigned bad;
	const char *first_bad; /* its name; NULL: none */
	const char *found;     /* a line each: "db: OK\n"; borrowed for the call */
};

/**
 * Runs a probe (name; NULL: all of them) at once, besides their intervals; fn is called
 * once, later, when all have ended or are gone.  A run that is under way counts.
 *
 * An id for probes_cancel(), or 0 where there is no such probe.
 */
uint64_t probes_run(struct probes *probes, const char *name,
    void (*fn)(void *ctx, const struct probes_refresh *refresh, mono_ns now), void *ctx,
    mono_ns now);

/** fn will not be called any more. */
void probes_cancel(struct probes *probes, uint64_t id);

#endif
