/*
 * The identify ledger: what must be remembered over restarts, so that a crash loop
 * never passes Discord's limit of a day; and the clock that it is kept by.
 *
 * Pure; store maps and syncs the bytes.
 */
#ifndef GWBOTD_LEDGER_H
#define GWBOTD_LEDGER_H

#include <stdint.h>

/* Discord counts the identifies of the last 24 h. */
#define LEDGER_WINDOW_MS (INT64_C(24) * 3600 * 1000)

/* Minutes of a day, and one for the minute that has begun. */
#define LEDGER_SLOTS 1441

/*
 * The identifies of the last 24 h, by minutes: how many they are costs no room.
 *
 * A slot says which minute of the ledger's time it is (upper 32 bits) and how many
 * there were (lower): one word, changed by one store, so that neither kill -9 nor a
 * torn page leaves half of it.  Each minute has its place, minute % LEDGER_SLOTS; what
 * a place held before is a day old when it is needed again.  Zeroes: none.
 */
struct identify_ledger {
	int64_t youngest_ms; /* the last one; 0: none */
	uint64_t slots[LEDGER_SLOTS];
	/* The clock.  Each word is true without the others. */
	uint64_t boot_id;    /* the boot that boot_lag_ms is of; 0: none */
	int64_t boot_lag_ms; /* time since that boot, less the ledger's time */
	int64_t wall_lag_ms; /* wall time, less the ledger's time */
};

/* What the host's clocks say at one instant. */
struct ledger_time {
	uint64_t boot_id; /* of this boot, as clock_boot_id(); never 0 */
	int64_t boot_ms;  /* since then, suspend included */
	int64_t wall_ms;  /* since 1970 */
};

/* The clocks of a host drift apart by less than this between two looks; a step of the
 * wall clock that is smaller may stay unnoticed. */
#define LEDGER_LAG_STEP_MS 1000

/**
 * The present time of the ledger, in ms; every other time here is one of these.
 *
 * Within a boot it runs as the time since boot does, whatever is done to the wall
 * clock: a clock that is set forward would else age a day's identifies away, and the
 * next ones make Discord reset the token.  Over a reboot it goes on as the wall clock
 * did.  It begins as wall time and stays it on a host whose clock nobody sets.
 */
int64_t identify_ledger_now(struct identify_ledger *ledger,
    const struct ledger_time *at);

/** The minute of a time: which slot counts it. */
int64_t identify_ledger_minute(int64_t at_ms);

/**
 * How many identifies the ledger has within the 24 h before now_ms; up to a minute
 * longer, since an entry is as young as the end of its minute.
 *
 * Entries of the future (the clock went back) are moved to now: they count for a day
 * and no longer.  Slots that cannot be true (damage) are emptied.
 */
int64_t identify_ledger_count(struct identify_ledger *ledger, int64_t now_ms);

/** Writes one identify down. */
void identify_ledger_add(struct identify_ledger *ledger, int64_t at_ms);

/** Takes one back that was written down for this time and was not sent. */
void identify_ledger_take_back(struct identify_ledger *ledger, int64_t at_ms);

/** When so many of the oldest have left that at most `most` count. */
int64_t identify_ledger_falls_to(struct identify_ledger *ledger, int64_t most,
    int64_t now_ms);

#endif
