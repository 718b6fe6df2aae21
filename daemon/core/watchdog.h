/*
 * Watchdog: can this shard still heal itself, or does only a fresh process help?
 *
 * Pure.  http and methods show the verdict; only main.c acts on it.
 */
#ifndef GWBOTD_WATCHDOG_H
#define GWBOTD_WATCHDOG_H

#include "clock.h"
#include "snapshot.h"

struct watchdog_limits {
	mono_ns keepalive;        /* between two checks */
	mono_ns stall;            /* silence that is too long */
	mono_ns disconnect_grace; /* disconnection that is too long */
	mono_ns max_latency;      /* of a heartbeat that still counts as good */
};

enum watchdog_verdict {
	WATCHDOG_OK,
	WATCHDOG_STALE,  /* silent too long, but heartbeats are answered: warn, stay */
	WATCHDOG_ZOMBIE, /* silent too long, heartbeats slow or unanswered: exit 1 */
	WATCHDOG_DOWN,   /* disconnected longer than the grace: exit 1 */
};

/**
 * Judges one shard.
 *
 * Exactly at a limit is not over it (contract, section 4).  An unknown latency counts
 * as bad.  Cannot fail; snap is borrowed for the call.
 */
enum watchdog_verdict watchdog_decide(const struct snapshot *snap,
    const struct watchdog_limits *limits);

/** "ok", "stale", "zombie", "down". */
const char *watchdog_verdict_name(enum watchdog_verdict verdict);

#endif
