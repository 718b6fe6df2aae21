/*
 * What a service manager is told, as text: the state line that `systemctl status`
 * shows, and the datagrams of sd_notify(3).  Pure.
 */
#ifndef GWBOTD_NOTIFY_TEXT_H
#define GWBOTD_NOTIFY_TEXT_H

#include <stddef.h>

#include "health.h"

/* With their NUL: a state line, and a whole datagram. */
#define NOTIFY_LINE_ROOM 160
#define NOTIFY_TEXT_ROOM 320

enum notify_phase {
	NOTIFY_SAME, /* nothing new */
	NOTIFY_READY,
	NOTIFY_RELOADING,
	NOTIFY_STOPPING,
};

struct notify_news {
	enum notify_phase phase;
	mono_ns awake;    /* by clock_awake(): when the reload began */
	bool alive;       /* the watchdog is to be fed */
	const char *line; /* a new state line; NULL: none */
};

/**
 * Writes the state line: "2/2 ready, latency 41 ms", or with what is wrong "1/2 ready;
 * reconnecting: shard 1 backing off".  No ages: it changes when the state does.
 */
void notify_line(const struct health_input *input, char out[NOTIFY_LINE_ROOM]);

/** Writes the datagram, one assignment a line; returns its bytes, 0 for no news. */
size_t notify_text(const struct notify_news *news, char out[NOTIFY_TEXT_ROOM]);

#endif
