/*
 * Values that gwctl sets while the daemon runs: over all that was read, until they are
 * taken back, their time is up, or the process ends.
 *
 * Pure.  apply.c has the one set and the timer; the methods show it.
 */
#ifndef GWBOTD_OVERRIDE_H
#define GWBOTD_OVERRIDE_H

#include <stdbool.h>
#include <stdint.h>

#include "clock.h"
#include "config.h"
#include "err.h"

#define OVERRIDE_VALUE_ROOM 64

/* What `gwctl config` shows as the origin of such a value. */
#define OVERRIDE_SOURCE "control"

/* Who set it, as the kernel said of the control socket's peer. */
struct override_caller {
	int64_t uid;
	int64_t pid;
};

/* A value that is wanted. */
struct override_ask {
	size_t index;      /* of the option */
	const char *value; /* in the syntax of the environment */
	struct override_caller by;
	mono_ns span; /* how long it lasts; CLOCK_NEVER: while the process lives */
};

struct override {
	char value[OVERRIDE_VALUE_ROOM]; /* as in the environment; empty: none is set */
	struct override_caller by;
	mono_ns set_at;
	mono_ns until; /* CLOCK_NEVER: while the process lives */
};

struct overrides {
	struct override at[CONFIG_ID_COUNT]; /* zeroes: none */
};

/** The value set for an option, borrowed; NULL where there is none. */
const struct override *override_find(const struct overrides *set, size_t index);

/**
 * Sets a value from now on; the one before is forgotten, with its time.
 *
 * GW_ERR_TOO_LARGE where the value does not fit OVERRIDE_VALUE_ROOM, GW_ERR_RANGE where
 * it is empty.  Whether the option allows it is for config_override() to say.
 */
enum gw_err override_set(struct overrides *set, const struct override_ask *ask,
    mono_ns now);

/** Takes a value back; false where there is none. */
bool override_drop(struct overrides *set, size_t index);

/** Takes back what is over at now; exactly at its end a value is over.  True where
 * there was any: which ones is noted in expired. */
bool override_expire(struct overrides *set, mono_ns now, bool expired[CONFIG_ID_COUNT]);

/** When the next one is over; CLOCK_NEVER where none will be. */
mono_ns override_next(const struct overrides *set);

/** Puts all of them over a configuration. */
void override_lay(const struct overrides *set, struct config *config);

#endif
