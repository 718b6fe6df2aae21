/*
 * Prepared: a stream of events that is compressed and framed beforehand, in the
 * connection's own context, and then sent as fast as it is read, or at an even rate.
 *
 * For benchmarks: making events and compressing them costs several times what reading
 * them does.  What is sent after `prepare` in a compressed connection goes behind the
 * prepared events, since the decompressor reads in that order: the answers to
 * heartbeats too.
 */
#ifndef GWSIM_PREPARED_H
#define GWSIM_PREPARED_H

#include <stdbool.h>
#include <stdint.h>

#include "buf.h"
#include "clock.h"

struct gate;
struct prepared;

enum prepared_mix {
	PREPARED_MIXED, /* what happens in the world: about 0.8 KB each */
	PREPARED_TINY,  /* events of 30 bytes */
	PREPARED_DEEP,  /* nested as deep as gwbotd reads */
	PREPARED_LATE,  /* 64 KB, with s and op behind the large d */
	PREPARED_GUILD, /* a GUILD_CREATE of 5 MB */
};

/** The mix with this name; false: no such. */
bool prepared_find(const char *name, enum prepared_mix *mix);

struct prepared_size {
	uint64_t wire_bytes;    /* compressed and framed */
	uint64_t payload_bytes; /* JSON */
	uint64_t last_seq;
};

/**
 * Prepares count events for a connection that has a session and has read all of its
 * events.  NULL, or why not; then nothing has changed.
 *
 * The events are in no ring: a RESUME from among them fails as one from too far back.
 */
const char *prepared_make(struct gate *gate, enum prepared_mix mix, uint64_t count,
    struct prepared_size *size);

/** Lets it go: rate events a second, 0 as fast as they are read.  Does not send. */
void prepared_release(struct gate *gate, uint64_t rate);

/** Queues what is to go now; true while some of it is left, so that nothing else goes.
 */
bool prepared_refill(struct gate *gate);

/** Takes the payload behind the prepared ones; false where it may go at once. */
bool prepared_takes(struct gate *gate, struct slice payload);

/** When prepared_refill() has something next. */
mono_ns prepared_wake_at(const struct gate *gate);

/** NULL is allowed. */
void prepared_free(struct prepared *owned_prepared);

#endif
