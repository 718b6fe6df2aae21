#include "emoji_cache.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "xalloc.h"

#define BUCKETS 1024 /* a power of two */

struct entry {
	TAILQ_ENTRY(entry) order; /* asked for last in front */
	LIST_ENTRY(entry) same;   /* of its bucket */
	struct emoji_ask ask;
	struct emoji_image image;
	char bytes[]; /* of the image */
};

struct emoji_cache {
	size_t max_bytes;
	size_t bytes;
	TAILQ_HEAD(entry_list, entry) order;
	LIST_HEAD(bucket, entry) buckets[BUCKETS];
};

/* FNV-1a: nothing is gained by a collision but a slower search. */
static uint64_t
hash(uint64_t seed, const void *data, size_t size)
{
	const unsigned char *bytes = data;

	for (size_t i = 0; i < size; i++) {
		seed = (seed ^ bytes[i]) * 0x100000001B3U;
	}
	return seed;
}

#define HASH_SEED 0xCBF29CE484222325U

static struct bucket *
bucket_of(struct emoji_cache *cache, const struct emoji_ask *ask)
{
	uint64_t value = hash(HASH_SEED, ask->url, strlen(ask->url));

	value = hash(value, ask->version, strlen(ask->version));
	value = hash(value, &ask->side, sizeof ask->side);
	value = hash(value, &ask->box, sizeof ask->box);
	return &cache->buckets[value % BUCKETS];
}

static struct entry *
find_in(const struct bucket *bucket, const struct emoji_ask *ask)
{
	struct entry *entry = NULL;

	LIST_FOREACH(entry, bucket, same)
	{
		if (emoji_ask_same(&entry->ask, ask)) {
			return entry;
		}
	}
	return NULL;
}

static void
drop(struct emoji_cache *cache, struct entry *owned_entry)
{
	TAILQ_REMOVE(&cache->order, owned_entry, order);
	LIST_REMOVE(owned_entry, same);
	cache->bytes -= sizeof *owned_entry + owned_entry->image.png.size;
	free(owned_entry);
}

/* Drops until no more than this is left. */
static void
shrink_to(struct emoji_cache *cache, size_t max_bytes)
{
	struct entry *entry = TAILQ_LAST(&cache->order, entry_list);

	while (entry && cache->bytes > max_bytes) {
		struct entry *younger = TAILQ_PREV(entry, entry_list, order);

		drop(cache, entry);
		entry = younger;
	}
}

struct emoji_cache *
emoji_cache_new(size_t max_bytes)
{
	struct emoji_cache *cache = xzalloc(sizeof *cache);

	cache->max_bytes = max_bytes;
	TAILQ_INIT(&cache->order);
	return cache;
}

void
emoji_cache_free(struct emoji_cache *owned_cache)
{
	if (owned_cache) {
		emoji_cache_limit(owned_cache, 0);
		free(owned_cache);
	}
}

void
emoji_cache_limit(struct emoji_cache *cache, size_t max_bytes)
{
	cache->max_bytes = max_bytes;
	shrink_to(cache, max_bytes);
}

const struct emoji_image *
emoji_cache_find(struct emoji_cache *cache, const struct emoji_ask *ask)
{
	struct entry *entry = find_in(bucket_of(cache, ask), ask);

	if (!entry) {
		return NULL;
	}
	TAILQ_REMOVE(&cache->order, entry, order);
	TAILQ_INSERT_HEAD(&cache->order, entry, order);
	return &entry->image;
}

void
emoji_cache_put(struct emoji_cache *cache, const struct emoji_ask *ask,
    const struct emoji_image *image)
{
	struct bucket *bucket = bucket_of(cache, ask);
	size_t size = sizeof(struct entry) + image->png.size;
	struct entry *entry = NULL;

	if (size > cache->max_bytes || find_in(bucket, ask)) {
		return;
	}
	shrink_to(cache, cache->max_bytes - size);
	entry = malloc(size);
	if (!entry) {
		return; /* it is made again when somebody asks */
	}
	entry->ask = *ask;
	entry->image = *image;
	memcpy(entry->bytes, image->png.data, image->png.size);
	entry->image.png.data = entry->bytes;
	cache->bytes += size;
	TAILQ_INSERT_HEAD(&cache->order, entry, order);
	LIST_INSERT_HEAD(bucket, entry, same);
}

size_t
emoji_cache_bytes(const struct emoji_cache *cache)
{
	return cache->bytes;
}

void
emoji_etag(struct slice png, char out[EMOJI_ETAG_BYTES])
{
	(void)snprintf(out, EMOJI_ETAG_BYTES, "\"%016" PRIx64 "\"",
	    hash(HASH_SEED, png.data, png.size));
}
