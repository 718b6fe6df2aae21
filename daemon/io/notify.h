/*
 * Tells the service manager how the daemon is, as sd_notify(3) describes: ready,
 * reloading, stopping, the state line, and that the loop turns.
 *
 * One datagram to $NOTIFY_SOCKET from the loop's own timer, so that a loop that hangs
 * feeds no watchdog.  Never waits: what the socket does not take is kept, the newest of
 * each kind, and tried again.
 */
#ifndef GWBOTD_NOTIFY_H
#define GWBOTD_NOTIFY_H

#include "loop.h"
#include "notify_text.h"

struct notify;

struct notify_options {
	struct loop *loop;
	const char *socket;        /* NOTIFY_SOCKET: a path, or @NAME; NULL: none */
	const char *watchdog_usec; /* WATCHDOG_USEC; NULL: nobody wants to be fed */
	const char *watchdog_pid;  /* WATCHDOG_PID; NULL: whoever reads it */
	/** Writes the state line. */
	void (*line)(void *ctx, mono_ns now, char out[NOTIFY_LINE_ROOM]);
	void *ctx;
};

/** A notifier at rest; NULL where there is nobody to tell, which all below allow. */
struct notify *notify_new(const struct notify_options *options);

void notify_free(struct notify *owned_notify);

/** All is set up: says so, and from now on the state line and the loop's life. */
void notify_ready(struct notify *notify);

/** A shard is ready, or no more: the state line is looked at within a second. */
void notify_turned(struct notify *notify);

/** A reload begins; notify_ready() ends it, whatever came of it. */
void notify_reloading(struct notify *notify);

/** A stop begins. */
void notify_stopping(struct notify *notify);

#endif
