/*
 * Dispatches by their names: a closed list, and "other" for what is not on it.
 *
 * Pure.  Counted for each dispatch: one hash of some of its bytes and one comparison.
 */
#ifndef GWBOTD_DISPATCHES_H
#define GWBOTD_DISPATCHES_H

#include <stdint.h>

#include "buf.h"

enum dispatch_name {
#define EVENT(name) DISPATCH_NAME_##name,
#include "dispatches.def"
#undef EVENT
	DISPATCH_NAME_OTHER,
};

#define DISPATCH_NAMES (DISPATCH_NAME_OTHER + 1)
#define DISPATCH_SLOTS 512

/* Each name has a slot of its own: see dispatches_init(). */
struct dispatch_counts {
	uint64_t counts[DISPATCH_NAMES];
	uint8_t slots[DISPATCH_SLOTS]; /* an enum dispatch_name */
};

/** Begins at 0. */
void dispatches_init(struct dispatch_counts *counts);

/** Counts one dispatch of that name. */
void dispatches_count(struct dispatch_counts *counts, struct slice name);

/** "MESSAGE_CREATE", or "other". */
const char *dispatches_name(enum dispatch_name name);

#endif
