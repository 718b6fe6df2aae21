#include "ratelimit.h"

#include <stddef.h>
#include <string.h>

#define TOP_SEGMENTS_MAX 3
#define INVALID_SLOT     (RATELIMIT_INVALID_WINDOW / RATELIMIT_INVALID_SLOTS)

/* A ban that names next to no time. */
#define BAN_LEAST   CLOCK_S(1)

#define SEED_ROUTE  UINT64_C(0x726f757465)
#define SEED_BUCKET UINT64_C(0x6275636b6574)
#define SEED_TOP    UINT64_C(0x746f70)

static mono_ns
later(mono_ns a, mono_ns b)
{
	return a > b ? a : b;
}

/* ---- what a call belongs to ---- */

/* The bytes of the first `count` segments of a path; of all where it has fewer. */
static size_t
segments_size(const char *path, unsigned count)
{
	size_t size = path[0] == '/';

	while (path[size] != '\0' && path[size] != '?') {
		if (path[size] == '/' && --count == 0) {
			break;
		}
		size++;
	}
	return size;
}

static bool
begins_with(const char *path, const char *start)
{
	return strncmp(path, start, strlen(start)) == 0;
}

/* How many segments name the top-level thing whose limits are apart. */
static unsigned
top_segments(const char *path)
{
	if (begins_with(path, "/channels/") || begins_with(path, "/guilds/")) {
		return 2;
	}
	if (begins_with(path, "/webhooks/") || begins_with(path, "/interactions/")) {
		return TOP_SEGMENTS_MAX;
	}
	return 0;
}

struct ratelimit_call
ratelimit_call_of(const char *method, const char *route, const char *path)
{
	unsigned segments = top_segments(path);
	size_t top = segments ? segments_size(path, segments) : 0;
	size_t two = segments_size(path, 2);
	struct ratelimit_call call = {
	    .route = ratelimit_hash(ratelimit_hash(SEED_ROUTE, slice_of(method)),
		slice_of(route)),
	    .top = ratelimit_hash(SEED_TOP, (struct slice){path, top}),
	    .interaction = begins_with(path, "/interactions/"),
	};

	/* A third segment of a webhook or an interaction is its token. */
	call.with_token = segments != TOP_SEGMENTS_MAX || top <= two + 1;
	return call;
}

/* ---- buckets ---- */

static struct ratelimit_route *
route_find(struct ratelimit *limits, uint64_t route)
{
	for (unsigned i = 0; i < RATELIMIT_ROUTES; i++) {
		if (limits->routes[i].used != 0 && limits->routes[i].route == route) {
			return &limits->routes[i];
		}
	}
	return NULL;
}

static void
route_learn(struct ratelimit *limits, uint64_t route, uint64_t bucket)
{
	struct ratelimit_route *entry = route_find(limits, route);

	if (!entry) {
		entry = &limits->routes[0];
		for (unsigned i = 1; i < RATELIMIT_ROUTES; i++) {
			if (limits->routes[i].used < entry->used) {
				entry = &limits->routes[i];
			}
		}
	}
	*entry = (struct ratelimit_route){route, bucket, ++limits->routes_used};
}

static uint64_t
key_of(uint64_t seed, uint64_t top)
{
	char bytes[sizeof top];

	memcpy(bytes, &top, sizeof top);
	return ratelimit_hash(seed, (struct slice){bytes, sizeof bytes});
}

static uint64_t
call_key(struct ratelimit *limits, const struct ratelimit_call *call)
{
	struct ratelimit_route *known = route_find(limits, call->route);

	if (!known) {
		return key_of(call->route, call->top);
	}
	known->used = ++limits->routes_used;
	return key_of(known->bucket ^ SEED_BUCKET, call->top);
}

static struct ratelimit_bucket *
bucket_find(struct ratelimit *limits, uint64_t key)
{
	for (unsigned i = 0; i < RATELIMIT_BUCKETS; i++) {
		if (limits->buckets[i].key == key) {
			return &limits->buckets[i];
		}
	}
	return NULL;
}

/* The bucket that is free soonest, first of those with nothing on their way; NULL: all
 * have. */
static struct ratelimit_bucket *
bucket_soonest(struct ratelimit *limits)
{
	struct ratelimit_bucket *soonest = NULL;

	for (unsigned i = 0; i < RATELIMIT_BUCKETS; i++) {
		struct ratelimit_bucket *bucket = &limits->buckets[i];

		if (!bucket->in_flight &&
		    (!soonest || bucket->wait_until < soonest->wait_until)) {
			soonest = bucket;
		}
	}
	return soonest;
}

/* The bucket of a key before a request, made where there is none; NULL: it must wait
 * for one, at *retry_at. */
static struct ratelimit_bucket *
bucket_open(struct ratelimit *limits, uint64_t key, mono_ns now, mono_ns *retry_at)
{
	struct ratelimit_bucket *bucket = bucket_find(limits, key);

	if (bucket) {
		*retry_at = bucket->in_flight ? CLOCK_NEVER : bucket->wait_until;
		return *retry_at <= now ? bucket : NULL;
	}
	bucket = bucket_soonest(limits);
	*retry_at = bucket ? bucket->wait_until : CLOCK_NEVER;
	if (*retry_at > now) {
		return NULL;
	}
	*bucket = (struct ratelimit_bucket){.key = key};
	return bucket;
}

/* Has the bucket of a key wait; a wait is never made shorter, since answers may
 * overtake each other. */
static void
bucket_hold(struct ratelimit *limits, uint64_t key, mono_ns until)
{
	struct ratelimit_bucket *bucket = bucket_find(limits, key);

	if (!bucket) {
		bucket = bucket_soonest(limits);
		if (!bucket) {
			return;
		}
		*bucket = (struct ratelimit_bucket){.key = key};
	}
	bucket->wait_until = later(bucket->wait_until, until);
}

/* ---- the global limit ---- */

static mono_ns
window_free_at(const struct ratelimit *limits)
{
	if (limits->sent_count < RATELIMIT_GLOBAL) {
		return 0;
	}
	return limits->sent[limits->sent_next] + RATELIMIT_SECOND;
}

static void
window_take(struct ratelimit *limits, mono_ns now)
{
	limits->sent[limits->sent_next] = now;
	limits->sent_next = (limits->sent_next + 1) % RATELIMIT_GLOBAL;
	if (limits->sent_count < RATELIMIT_GLOBAL) {
		limits->sent_count++;
	}
}

/* ---- refused requests ---- */

/* Slots hold 10 s each; one more than the window needs, so that none is forgotten
 * early. */
static void
invalid_move(struct ratelimit *limits, mono_ns now)
{
	int64_t slot = now / INVALID_SLOT;
	int64_t steps = slot - limits->invalid_slot;

	if (steps <= 0) {
		return;
	}
	if (steps > RATELIMIT_INVALID_SLOTS + 1) {
		steps = RATELIMIT_INVALID_SLOTS + 1;
	}
	for (int64_t i = 0; i < steps; i++) {
		limits->invalid[(slot - i) % (RATELIMIT_INVALID_SLOTS + 1)] = 0;
	}
	limits->invalid_slot = slot;
}

uint32_t
ratelimit_invalid(struct ratelimit *limits, mono_ns now)
{
	uint32_t sum = 0;

	invalid_move(limits, now);
	for (unsigned i = 0; i <= RATELIMIT_INVALID_SLOTS; i++) {
		sum += limits->invalid[i];
	}
	return sum;
}

static void
invalid_count(struct ratelimit *limits, const struct ratelimit_told *told, mono_ns now)
{
	bool invalid = told->status == 401 || told->status == 403 ||
	    (told->status == 429 && !told->shared);

	if (invalid) {
		invalid_move(limits, now);
		limits->invalid[limits->invalid_slot % (RATELIMIT_INVALID_SLOTS + 1)]++;
	}
}

/* ---- asking ---- */

enum ratelimit_say
ratelimit_ask(struct ratelimit *limits, const struct ratelimit_call *call, mono_ns now,
    unsigned *slot, mono_ns *retry_at)
{
	*retry_at = CLOCK_NEVER;
	if (limits->stopped) {
		return RATELIMIT_STOPPED;
	}
	if (!call->vital && !call->interaction &&
	    ratelimit_invalid(limits, now) >= RATELIMIT_INVALID_BRAKE) {
		return RATELIMIT_BRAKED;
	}
	mono_ns all = limits->ban_until;

	if (!call->interaction) {
		all = later(all, later(limits->global_until, window_free_at(limits)));
	}
	struct ratelimit_bucket *bucket =
	    bucket_open(limits, call_key(limits, call), now, retry_at);

	if (all > now || !bucket) {
		*retry_at = later(*retry_at, all);
		return RATELIMIT_WAIT;
	}
	bucket->in_flight = true;
	*slot = (unsigned)(bucket - limits->buckets);
	if (!call->interaction) {
		window_take(limits, now);
	}
	return RATELIMIT_GO;
}

/* ---- answers ---- */

static mono_ns
ban_length(struct ratelimit *limits, mono_ns told)
{
	mono_ns wait = RATELIMIT_BAN_FIRST;

	if (told != RATELIMIT_UNTOLD) {
		return later(told, BAN_LEAST);
	}
	for (unsigned i = 0; i < limits->bans && wait < RATELIMIT_BAN_MOST; i++) {
		wait *= 2;
	}
	limits->bans++;
	return wait < RATELIMIT_BAN_MOST ? wait : RATELIMIT_BAN_MOST;
}

static mono_ns
limited_length(mono_ns told, unsigned tries)
{
	mono_ns wait = RATELIMIT_WAIT_DEFAULT;

	if (told != RATELIMIT_UNTOLD) {
		return told + RATELIMIT_MARGIN;
	}
	for (unsigned i = 1; i < tries && wait < RATELIMIT_BAN_FIRST; i++) {
		wait *= 2;
	}
	return wait;
}

/* A 429: who has to wait, and how long. */
static mono_ns
take_limited(struct ratelimit *limits, uint64_t key, const struct ratelimit_told *told,
    unsigned tries, mono_ns now)
{
	if (told->edge) {
		mono_ns ban = ban_length(limits, told->retry_after);

		limits->ban_until = later(limits->ban_until, now + ban);
		return ban;
	}
	mono_ns wait = limited_length(told->retry_after, tries);

	if (told->global) {
		limits->global_until = later(limits->global_until, now + wait);
	} else if (told->remaining <= 0) {
		bucket_hold(limits, key, now + wait);
	} /* else a limit below the bucket's, of this request alone */
	return wait;
}

/* The key under which the answer's limits count: that of the bucket it names. */
static uint64_t
told_key(struct ratelimit *limits, const struct ratelimit_call *call,
    const struct ratelimit_told *told)
{
	if (told->bucket != 0) {
		route_learn(limits, call->route, told->bucket);
	}
	return call_key(limits, call);
}

mono_ns
ratelimit_answered(struct ratelimit *limits, const struct ratelimit_call *call,
    unsigned slot, const struct ratelimit_told *told, unsigned tries, mono_ns now)
{
	ratelimit_dropped(limits, slot);
	invalid_count(limits, told, now);
	if (told->status == 401 && call->with_token) {
		limits->stopped = true;
	}
	uint64_t key = told_key(limits, call, told);

	if (told->status == 429) {
		return take_limited(limits, key, told, tries, now);
	}
	limits->bans = 0;
	if (told->remaining == 0) {
		mono_ns wait = told->reset_after != RATELIMIT_UNTOLD ?
		    told->reset_after :
		    RATELIMIT_WAIT_DEFAULT;

		bucket_hold(limits, key, now + wait + RATELIMIT_MARGIN);
	}
	return 0;
}

void
ratelimit_dropped(struct ratelimit *limits, unsigned slot)
{
	limits->buckets[slot].in_flight = false;
}

mono_ns
ratelimit_all_until(const struct ratelimit *limits)
{
	return later(limits->global_until, limits->ban_until);
}

mono_ns
ratelimit_until(const struct ratelimit *limits)
{
	mono_ns until = ratelimit_all_until(limits);

	for (unsigned i = 0; i < RATELIMIT_BUCKETS; i++) {
		until = later(until, limits->buckets[i].wait_until);
	}
	return until;
}
