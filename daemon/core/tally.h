/*
 * Counters with labels for /metrics: of closed sets, so that what a peer sends never
 * makes a series.
 *
 * Pure.  Zero a struct for an empty one; tally_routes_init() where that is said.
 */
#ifndef GWBOTD_TALLY_H
#define GWBOTD_TALLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "clock.h"
#include "latency.h"

/* How long things took, in the classes of latency.h. */
struct tally_times {
	uint64_t classes[LATENCY_CLASSES];
	mono_ns sum; /* held at CLOCK_NEVER */
};

/** Counts one; a negative one counts as 0. */
void tally_times_add(struct tally_times *times, mono_ns took);

/* Status codes of HTTP that are counted apart.  X(code) */
/* clang-format off */
#define TALLY_CODE_TABLE(X) \
	X(200) X(201) X(204) X(206) X(304) \
	X(400) X(401) X(403) X(404) X(405) X(413) X(415) X(429) \
	X(500) X(502) X(503) X(504)
/* clang-format on */
#define TALLY_CODE_COUNT(code) +1 /* NOLINT(bugprone-macro-parentheses): a summand */
/* One more is for all other codes, the last for requests without an answer. */
#define TALLY_CODES (0 TALLY_CODE_TABLE(TALLY_CODE_COUNT) + 2)

/** The label of a class: "200", "other", "none". */
const char *tally_code_text(size_t index);

/* Requests of one route, or one handler. */
struct tally_route {
	char name[96];
	uint64_t codes[TALLY_CODES];
	struct tally_times times;
};

/* The first has all those that have no place of their own. */
#define TALLY_ROUTES_MAX 32

struct tally_routes {
	size_t count;
	struct tally_route routes[TALLY_ROUTES_MAX];
};

/** With the one route "other". */
void tally_routes_init(struct tally_routes *routes);

/** The place of a route, new where it has none yet; 0 ("other") for NULL, a name that
 * is too long, and all beyond TALLY_ROUTES_MAX. */
size_t tally_routes_place(struct tally_routes *routes, const char *name);

/** Counts a request there; status 0: no answer came. */
void tally_routes_add(struct tally_routes *routes, size_t place, unsigned status,
    mono_ns took);

/** All requests of all routes. */
uint64_t tally_routes_total(const struct tally_routes *routes);

#endif
