/*
 * A dependency's state out of the results of its runs: a few bad ones in a row, and it
 * is down; a few good ones, and it is up.  Pure.
 */
#ifndef GWBOTD_PROBE_H
#define GWBOTD_PROBE_H

#include <stdbool.h>
#include <stdint.h>

#include "clock.h"

#define PROBE_REASON_ROOM 256

enum probe_state {
	PROBE_UNKNOWN, /* too few runs to say */
	PROBE_UP,
	PROBE_DOWN,
};

struct probe_limits {
	unsigned fail_after; /* runs in a row */
	unsigned pass_after;
};

enum probe_verdict {
	PROBE_BAD,
	PROBE_GOOD,
	PROBE_UNSETTLED, /* nothing was learnt: state and streak stay as they are */
};

/* How one run ended. */
struct probe_result {
	enum probe_verdict verdict;
	const char *reason; /* why it is not good; else what there is to say, or "" */
	mono_ns took;
};

struct probe {
	enum probe_state state;
	mono_ns since;   /* the state; meaningless while unknown */
	unsigned streak; /* settled runs in a row that ended as the last one did */
	uint64_t runs;
	uint64_t failures;
	mono_ns last_at; /* the end of the last run */
	mono_ns last_took;
	bool last_good;                 /* the last settled run */
	char reason[PROBE_REASON_ROOM]; /* of the last run */
};

/* One probe for readers. */
struct probe_view {
	const char *name;
	char kind[16];
	bool required;
	bool running;
	mono_ns interval;
	struct probe probe;
};

/** "unknown", "up", "down". */
const char *probe_state_text(enum probe_state state);

/** Takes the result of a run that ended at now; true where the state changed. */
bool probe_note(struct probe *probe, const struct probe_limits *limits,
    const struct probe_result *result, mono_ns now);

#endif
