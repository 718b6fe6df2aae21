/*
 * What metrics there are, for programs that only speak of them: the manual, gwctl.
 *
 * gwbotd makes their values from the same rows, in metrics_text.c.
 */
#ifndef GWBOT_METRICS_H
#define GWBOT_METRICS_H

#include <stdbool.h>
#include <stddef.h>

struct metric {
	const char *name;
	const char *type; /* gauge, counter, histogram */
	const char *unit; /* empty: none */
	const char *help;
	const char *labels; /* "shard, state"; empty: none */
};

size_t metrics_count(void);

/** The metric at index, in the order of the table; index < metrics_count(). */
const struct metric *metrics_at(size_t index);

/** NULL where there is none of that name. */
const struct metric *metrics_find(const char *name);

/** True where glob ("*" and "?" as in a shell) fits the name, with or without gwbotd_.
 */
bool metrics_fit(size_t index, const char *glob);

#endif
