#include "bucket.h"

#include <inttypes.h>
#include <stdlib.h>

#include "xalloc.h"

#define TABLE_SIZE 1024

/* Discord: 50 requests a second per bot. */
#define GLOBAL_LIMIT 50

struct bucket {
	uint64_t channel_id;
	enum bucket_class class_of;
	unsigned left;
	mono_ns resets_at;
};

struct buckets {
	struct bucket table[TABLE_SIZE];
	unsigned global_left;
	mono_ns global_resets_at;
};

/* Sizes as bots have seen them; the bot learns them from the headers. */
static const struct {
	unsigned limit;
	mono_ns window;
} sizes[] = {
    [BUCKET_NONE] = {0, 0},
    [BUCKET_MESSAGES] = {5, CLOCK_S(5)},
    [BUCKET_DELETE] = {5, CLOCK_S(1)},
    [BUCKET_READ] = {5, CLOCK_S(1)},
    [BUCKET_REACTION] = {1, CLOCK_MS(250)},
    [BUCKET_TYPING] = {5, CLOCK_S(5)},
    [BUCKET_CHANNEL] = {5, CLOCK_S(5)},
    [BUCKET_PINS] = {5, CLOCK_S(1)},
};

struct buckets *
buckets_new(void)
{
	return xzalloc(sizeof(struct buckets));
}

void
buckets_free(struct buckets *owned_buckets)
{
	free(owned_buckets);
}

bool
buckets_take_global(struct buckets *buckets, mono_ns now, mono_ns *wait)
{
	if (now >= buckets->global_resets_at) {
		buckets->global_left = GLOBAL_LIMIT;
		buckets->global_resets_at = now + CLOCK_S(1);
	}
	*wait = buckets->global_resets_at - now;
	if (buckets->global_left == 0) {
		return false;
	}
	buckets->global_left--;
	return true;
}

/* Two that fall on one place displace each other: a full bucket for the newcomer. */
static struct bucket *
find(struct buckets *buckets, enum bucket_class class_of, uint64_t channel_id)
{
	uint64_t hash = (channel_id ^ channel_id >> 22) * 31 + (uint64_t)class_of;
	struct bucket *bucket = &buckets->table[hash % TABLE_SIZE];

	if (bucket->class_of != class_of || bucket->channel_id != channel_id) {
		*bucket =
		    (struct bucket){.channel_id = channel_id, .class_of = class_of};
	}
	return bucket;
}

bool
buckets_take(struct buckets *buckets, enum bucket_class class_of, uint64_t channel_id,
    mono_ns now, struct jsonw *headers, mono_ns *wait)
{
	struct bucket *bucket = find(buckets, class_of, channel_id);
	bool good = true;

	if (now >= bucket->resets_at) {
		bucket->left = sizes[class_of].limit;
		bucket->resets_at = now + sizes[class_of].window;
	}
	*wait = bucket->resets_at - now;
	if (bucket->left == 0) {
		good = false;
	} else {
		bucket->left--;
	}
	double reset = (double)clock_wall_ms() / 1e3 + clock_seconds(*wait);

	jsonw_fmt(headers,
	    "X-RateLimit-Limit: %u\r\nX-RateLimit-Remaining: %u\r\n"
	    "X-RateLimit-Reset: %.3f\r\nX-RateLimit-Reset-After: %.3f\r\n"
	    "X-RateLimit-Bucket: 80c17d2f203122d936070c88c8d10f%02x\r\n",
	    sizes[class_of].limit, bucket->left, reset, clock_seconds(*wait),
	    (unsigned)class_of);
	return good;
}
