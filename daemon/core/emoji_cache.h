/*
 * Padded emoji that were made before: the one that was asked for longest ago goes first
 * when there is no more room.
 *
 * Pure, but for the memory that it holds.
 */
#ifndef GWBOTD_EMOJI_CACHE_H
#define GWBOTD_EMOJI_CACHE_H

#include <stddef.h>
#include <stdint.h>

#include "emoji_ask.h"

struct emoji_cache;

#define EMOJI_ETAG_BYTES 20

struct emoji_image {
	struct slice png;
	char etag[EMOJI_ETAG_BYTES]; /* with its quotes; the same bytes have the same */
};

/** An empty cache for max_bytes, its own records included. */
struct emoji_cache *emoji_cache_new(size_t max_bytes);
void emoji_cache_free(struct emoji_cache *owned_cache);

/** Another limit; what is over it goes. */
void emoji_cache_limit(struct emoji_cache *cache, size_t max_bytes);

/** The image, borrowed until the cache changes; NULL where it is not there. */
const struct emoji_image *emoji_cache_find(struct emoji_cache *cache,
    const struct emoji_ask *ask);

/** Keeps a copy, unless it alone is over the limit; one that is there stays. */
void emoji_cache_put(struct emoji_cache *cache, const struct emoji_ask *ask,
    const struct emoji_image *image);

/** Bytes that it holds. */
size_t emoji_cache_bytes(const struct emoji_cache *cache);

/** Names the bytes: an ETag. */
void emoji_etag(struct slice png, char out[EMOJI_ETAG_BYTES]);

#endif
