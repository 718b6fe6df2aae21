/*
 * Buckets: Discord's rate limits, one for each kind of route and channel.
 */
#ifndef GWSIM_BUCKET_H
#define GWSIM_BUCKET_H

#include <stdbool.h>
#include <stdint.h>

#include "clock.h"
#include "jsonw.h"

enum bucket_class {
	BUCKET_NONE,     /* only the global limit */
	BUCKET_MESSAGES, /* write and edit */
	BUCKET_DELETE,
	BUCKET_READ,
	BUCKET_REACTION,
	BUCKET_TYPING,
	BUCKET_CHANNEL, /* what a channel is like */
	BUCKET_PINS,
};

struct buckets;

struct buckets *buckets_new(void);

void buckets_free(struct buckets *owned_buckets);

/** Counts against the 50 a second of a bot; else how long to wait. */
bool buckets_take_global(struct buckets *buckets, mono_ns now, mono_ns *wait);

/**
 * Takes one call out of a bucket and writes the X-RateLimit headers of the state after.
 *
 * False where it is empty: wait tells how long.
 */
bool buckets_take(struct buckets *buckets, enum bucket_class class_of,
    uint64_t channel_id, mono_ns now, struct jsonw *headers, mono_ns *wait);

#endif
