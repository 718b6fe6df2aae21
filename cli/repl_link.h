/*
 * The prompt's own connection: is the daemon there, and in which state?
 *
 * It never waits.  It asks hello once and status once a second, connects again by
 * itself after a loss, and says what changed as notices.
 */
#ifndef GWCTL_REPL_LINK_H
#define GWCTL_REPL_LINK_H

#include <stdbool.h>

#include "client.h"
#include "clock.h"
#include "failure.h"
#include "feed_reader.h"
#include "notices.h"

enum repl_phase {
	REPL_AWAY,     /* not connected; the next try is at wake_at */
	REPL_GREETING, /* waits for the answer to hello, until wake_at */
	REPL_ASKING,   /* for that to status */
	REPL_RESTING,  /* asks again at wake_at */
};

struct repl_link {
	struct client client;
	struct feed_reader
	    feed; /* a connection of its own, while the other one is up */
	enum repl_phase phase;
	mono_ns wake_at;
	mono_ns asked_at;
	mono_ns pause; /* before the next try */
	/* Why it is away: what a command would say. */
	struct failure failure;
	/* What status said last on this connection; known: it did. */
	bool known;
	char profile[64];
	char state[32];
	char verdict[32];
	double away_seconds; /* without a session; negative: none is missing */
	/* Of the connection before. */
	bool lost; /* and nothing said yet about the return */
	mono_ns lost_at;
	int64_t lost_pid;
	char lost_start[40];
};

/** At rest, and due; path is borrowed. */
void repl_link_init(struct repl_link *link, const char *path);
void repl_link_fini(struct repl_link *link);

/** Does what is due at now, and what its descriptor has. */
void repl_link_step(struct repl_link *link, mono_ns now, struct notices *notices);

/** Have it ask or try at once, since something has happened. */
void repl_link_hurry(struct repl_link *link, mono_ns now);

/** What to poll for it, of both connections; -1 where there is none. */
void repl_link_fds(const struct repl_link *link, int fds[2]);

/** True where the state is known, or that there is none to know. */
bool repl_link_settled(const struct repl_link *link);

#endif
