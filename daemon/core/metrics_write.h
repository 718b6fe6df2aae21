/*
 * The lines of Prometheus' text format: for metrics_text.c and the files of its
 * families, and nobody else.
 *
 * Some thousand lines with many shards, in one turn of the loop: numbers are put
 * together by hand, since printf would take most of the time.
 */
#ifndef GWBOTD_METRICS_WRITE_H
#define GWBOTD_METRICS_WRITE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "clock.h"
#include "histogram.h"
#include "latency.h"

struct metrics_input;

/* Where the document goes; the first error stays, and ends the writing. */
struct metrics_writer {
	struct buf *out;
	enum gw_err err;
};

/* A sample.  Seconds are exact to the nanosecond as decimals, not doubles. */
struct metrics_value {
	bool is_seconds;
	bool is_negative;
	uint64_t number; /* or nanoseconds */
};

struct metrics_value metrics_integer(int64_t number);
struct metrics_value metrics_natural(uint64_t number);
struct metrics_value metrics_seconds(mono_ns distance);

/* A label and its value, which is escaped. */
struct metrics_label {
	const char *name; /* NULL: none */
	const char *value;
};

/* NAME{LABELS}; the labels end with the first that has no name. */
#define METRICS_LABELS_MAX 3

struct metrics_series {
	const char *name;
	struct metrics_label labels[METRICS_LABELS_MAX];
};

/** Text as it is. */
void metrics_put(struct metrics_writer *to, const char *text);
void metrics_put_uint(struct metrics_writer *to, uint64_t number);

/** The lines that begin a family. */
void metrics_put_family(struct metrics_writer *to, const char *name, const char *type,
    const char *help);

/** " VALUE" and the end of the line. */
void metrics_put_sample(struct metrics_writer *to, struct metrics_value value);

/** One whole line. */
void metrics_put_series(struct metrics_writer *to, const struct metrics_series *series,
    struct metrics_value value);

/** The lines of a histogram in the classes of latency.h; of the labels the first two
 * may be there. */
void metrics_put_classes(struct metrics_writer *to, const struct metrics_series *series,
    const uint64_t classes[LATENCY_CLASSES], mono_ns sum);

/** The same of the loop's histograms, in classes of their own. */
void metrics_put_histogram(struct metrics_writer *to, const char *name,
    const struct histogram *histogram);

/* ---- families of several samples: one function for each OWN of metrics.def ---- */

#define ONE(name, type, unit, help, value)
#define SHARD(name, type, unit, help, value)
#define PROBE(name, type, unit, help, value)
#define JOB(name, type, unit, help, value)
#define OWN(name, type, unit, help, labels, fn)                              \
	void metrics_put_##fn(struct metrics_writer *to, const char *family, \
	    const struct metrics_input *in);
#include "metrics.def"
#undef ONE
#undef SHARD
#undef PROBE
#undef JOB
#undef OWN

#endif
