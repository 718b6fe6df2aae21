/*
 * How often an event may be logged: pure, the clock is an argument.
 *
 * Each event has an allowance of its own, by its level: so many lines at once, and from
 * then on one each so often.  What is over is counted, and told as one line each 30 s
 * for as long as it goes on.  Memory is fixed: where more events than rows are under
 * way at once, those that found none share the last row.
 */
#ifndef GWBOT_LOG_RATE_H
#define GWBOT_LOG_RATE_H

#include <stdbool.h>
#include <stdint.h>

#include "clock.h"
#include "log.h"

/* More than there are events in the programs. */
#define LOG_RATE_ROWS 160

struct log_rate_row {
	const char *event; /* borrowed for good, as names of events are literals; NULL:
	                      a free row, or the shared one */
	mono_ns even_at;   /* when what was let through is made up for */
	mono_ns since;     /* the first of the suppressed lines */
	uint64_t suppressed;
	enum log_level level; /* of the last of those */
};

/* Zeroes before the first use. */
struct log_rate {
	struct log_rate_row rows[LOG_RATE_ROWS];
	uint64_t suppressed; /* since the start, of all events */
};

/* What was suppressed of one event. */
struct log_rate_summary {
	const char *event; /* "other events": of those without a row */
	enum log_level level;
	uint64_t lines;
	mono_ns span; /* since the first of them */
};

/** True where this line may go out; else it is counted.  Debug lines always may. */
bool log_rate_admit(struct log_rate *rate, enum log_level level, const char *event,
    mono_ns now);

/** Takes the next summary that is due, or, with all, of any that is under way; false
 * where there is none. */
bool log_rate_take(struct log_rate *rate, mono_ns now, bool all,
    struct log_rate_summary *out);

/** When the next summary is due; CLOCK_NEVER where none is under way. */
mono_ns log_rate_wake(const struct log_rate *rate);

#endif
