/*
 * Dispatches by their names: a closed list, and "other" for what is not on it.
 *
 * Pure.  Found and counted for each dispatch: one hash of some of its bytes and one
 * comparison.  A set of names says which ones somebody reads.
 */
#ifndef GWBOTD_DISPATCHES_H
#define GWBOTD_DISPATCHES_H

#include <stdbool.h>
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

/** Which of them it is; DISPATCH_NAME_OTHER where it is on the list under no name. */
enum dispatch_name dispatches_find(const struct dispatch_counts *counts,
    struct slice name);

/** Counts one dispatch of that name. */
void dispatches_count(struct dispatch_counts *counts, enum dispatch_name name);

/** "MESSAGE_CREATE", or "other". */
const char *dispatches_name(enum dispatch_name name);

/* ---- sets of names ---- */

#define DISPATCH_SET_WORDS ((DISPATCH_NAMES + 63) / 64)

/* All zero: none. */
struct dispatch_set {
	uint64_t words[DISPATCH_SET_WORDS];
};

static inline void
dispatch_set_add(struct dispatch_set *set, enum dispatch_name name)
{
	set->words[name / 64] |= UINT64_C(1) << (name % 64);
}

static inline bool
dispatch_set_has(const struct dispatch_set *set, enum dispatch_name name)
{
	return (set->words[name / 64] >> (name % 64) & 1U) != 0;
}

/** Adds all that other has. */
static inline void
dispatch_set_merge(struct dispatch_set *set, const struct dispatch_set *other)
{
	for (unsigned i = 0; i < DISPATCH_SET_WORDS; i++) {
		set->words[i] |= other->words[i];
	}
}

/** The set of every name, those that are not on the list included. */
static inline struct dispatch_set
dispatch_set_all(void)
{
	struct dispatch_set set = {{0}};

	for (unsigned i = 0; i < DISPATCH_SET_WORDS; i++) {
		set.words[i] = UINT64_MAX;
	}
	return set;
}

#endif
