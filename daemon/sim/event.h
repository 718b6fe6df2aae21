/*
 * Event: one dispatch as it will be sent, shared by all rings that hold it.
 *
 * The bytes are made once.  Sending adds the sequence number and, where the event has a
 * place for it, an id of its own, so that a flood costs a copy and no JSON building.
 */
#ifndef GWSIM_EVENT_H
#define GWSIM_EVENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "jsonw.h"

/* Ids of these years have 19 digits, so one can be written over another. */
#define EVENT_ID_DIGITS 19

/* The largest "d": what the commands big and send may ask for, with room to spare. */
#define EVENT_MAX_BYTES ((size_t)144 << 20)

struct event {
	unsigned refs;
	size_t name_size;
	size_t id_at; /* where in "d" the id stands; 0: nowhere */
	size_t size;  /* of "d" */
	char bytes[]; /* the name, then "d" */
};

/**
 * Copies name and "d"; the caller holds one reference.
 *
 * NULL without memory for it.
 */
struct event *event_new(const char *name, struct slice d, size_t id_at);

/** As event_new() from a writer that is spent by it; NULL where the writer failed. */
struct event *event_take(const char *name, struct jsonw *spent, size_t id_at);

struct event *event_ref(struct event *event);

/** Gives a reference back; NULL is allowed. */
void event_unref(struct event *event);

/** Bytes of the payload with this sequence number. */
size_t event_wire_size(const struct event *event, uint64_t seq);

/** Writes the payload to out, event_wire_size() bytes; id 0 leaves the event's own. */
void event_write(const struct event *event, uint64_t seq, uint64_t id, char *out);

#endif
