/*
 * Looking at a daemon again and again until something holds: over one connection, which
 * is made again whenever the daemon goes.
 */
#ifndef GWCTL_AWAIT_H
#define GWCTL_AWAIT_H

#include <stdbool.h>

#include "client.h"
#include "clock.h"
#include "failure.h"
#include "json.h"

#define AWAIT_TIME CLOCK_S(30) /* where nothing else was asked for */

enum await_end {
	AWAIT_HOLDS,
	AWAIT_AGAIN,    /* not yet; as an end: the time is up */
	AWAIT_HOPELESS, /* failure says why */
};

struct await {
	struct client client;
	bool connected;
	unsigned looks; /* at the daemon, so far */
	mono_ns end;    /* CLOCK_NEVER: none */
	char seen[256]; /* by the last look */
	struct failure failure;

	void *ctx;
	/** What to ask: the method, and *params, which are given away. */
	const char *(
	    *ask)(void *ctx, const struct client *client, struct json **params);
	/** True where the answer is what is waited for; notes in seen what is there. */
	bool (*holds)(void *ctx, const struct await *await, const struct json *result,
	    char *seen, size_t room);
	bool gone_holds; /* a daemon that is not there is what is waited for */
	/* These do not end it, where the process is to go or to be replaced. */
	bool any_version;
	bool any_right;
};

/** At rest, with time from now on; the functions are for the caller to fill in. */
void await_init(struct await *await, const char *socket, mono_ns time);
void await_fini(struct await *await);

/** Looks until it holds, the time is up or nothing can help; at least once. */
enum await_end await_run(struct await *await);

#endif
