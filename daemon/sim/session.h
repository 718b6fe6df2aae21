/*
 * Sessions: what Discord remembers of a client, whether or not it is connected.
 *
 * A session makes its own events and keeps the last ones in a ring.  A connection holds
 * no events: it reads the ring at its own pace, so that a slow reader costs nothing but
 * its place in the ring.
 */
#ifndef GWSIM_SESSION_H
#define GWSIM_SESSION_H

#include <stdbool.h>
#include <stdint.h>

#include "clock.h"
#include "event.h"
#include "world.h"

#define SESSION_ID_BYTES 32
#define SESSION_MAX      4096
#define SESSION_MARKS    256
#define SESSION_POOL     64

/* What one ring may hold; the oldest events go first. */
#define SESSION_RING_BYTES ((size_t)384 << 20)

struct gate;
struct sim;

struct session_slot {
	struct event *event;
	uint64_t id; /* 0: the event's own */
};

/* A sequence number that the client told. */
struct session_mark {
	uint64_t seq;
	bool known;  /* not above the last one sent then */
	bool resume; /* by RESUME, else by a heartbeat */
};

struct session {
	struct session *next;
	char id[SESSION_ID_BYTES + 1];
	struct world_view view;
	struct gate *gate; /* its connection, or NULL */
	bool killed;       /* RESUME is to fail */

	struct session_slot *ring; /* of sim's --buffer */
	uint64_t first;            /* oldest sequence number kept */
	uint64_t seq;              /* newest one, 0: none */
	uint64_t last_sent;        /* highest one ever written to a connection */
	size_t ring_bytes;

	struct world_rng rng;
	double due;           /* events owed, with their fraction */
	mono_ns due_at;       /* due was right then */
	uint64_t flood_left;  /* events owed at once */
	uint64_t guilds_left; /* GUILD_CREATEs owed */
	struct event *pool[SESSION_POOL];
	mono_ns expires_at; /* CLOCK_NEVER while connected */

	uint64_t resumes;
	uint64_t replayed;
	uint64_t replays; /* RESUMEs that had events to replay */
	uint64_t heartbeats;
	uint64_t last_beat; /* d of the last one; UINT64_MAX: null or none yet */
	uint64_t marks_count;
	struct session_mark marks[SESSION_MARKS];
	bool resumes_all_known;
};

/** A new session, in the list; NULL where there are SESSION_MAX connected ones. */
struct session *session_new(struct sim *sim, const struct world_view *view);

/** The living session with this id, or NULL. */
struct session *session_find(struct sim *sim, struct slice id);

/** Ends a session and leaves its connection without one. */
void session_end(struct sim *sim, struct session *session);

void session_end_all(struct sim *sim);

/** Its connection is gone; it lives on for --session-ttl. */
void session_detach(struct sim *sim, struct session *session);

/**
 * Gives the event the next sequence number and takes the reference over.
 *
 * A NULL event (no memory for it) is left out.  Does not send: see gateway_pump().
 */
void session_push(struct sim *sim, struct session *session, struct event *owned_event,
    uint64_t id);

/** An event of the random ones; NULL where the intents leave nothing to happen. */
struct event *session_make_random(struct sim *sim, struct session *session);

/** Gives count sequence numbers away, and forgets the ring: they are sent elsewhere. */
void session_skip(const struct sim *sim, struct session *session, uint64_t count);

/** The slot of a sequence number; NULL where the ring no longer has it. */
const struct session_slot *session_slot_at(const struct sim *sim,
    const struct session *session, uint64_t seq);

/**
 * Makes the next events that are owed at once (guilds, flood), limit at most.
 *
 * Returns how many were made.
 */
uint64_t session_make_owed(struct sim *sim, struct session *session, uint64_t limit);

/** Makes what time brings, ends what has expired; returns when it wants to be called.
 */
mono_ns session_tick_all(struct sim *sim);

/** Remembers a sequence number the client told. */
void session_mark(struct session *session, uint64_t seq, bool resume);

/**
 * Sends an event of a guild to all sessions that see it: made with and without the
 * content that the privileged intent uncovers.  Takes both references over; without_it
 * may be NULL where there is no difference.
 */
void session_publish(struct sim *sim, uint64_t guild, uint32_t intent,
    struct event *owned_event, struct event *owned_without_it);

/** Sends an event outside of all guilds to the first shard; takes the reference over.
 */
void session_publish_direct(struct sim *sim, struct event *owned_event);

#endif
