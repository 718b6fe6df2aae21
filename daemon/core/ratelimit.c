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

static uint64_t
key_of(uint64_t seed, uint64_t top)
{
	char bytes[sizeof top];

	memcpy(bytes, &top, sizeof top);
	return ratelimit_hash(seed, (struct slice){bytes, sizeof bytes});
}

static uint64_t
current_key(struct ratelimit *limits, uint64_t route, uint64_t top)
{
	struct ratelimit_route *known = route_find(limits, route);

	if (!known) {
		return key_of(route, top);
	}
	known->used = ++limits->routes_used;
	return key_of(known->bucket ^ SEED_BUCKET, top);
}

/* What is on its way moves with its route, so that it still counts as one. */
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
	for (unsigned i = 0; i < RATELIMIT_FLIGHTS; i++) {
		struct ratelimit_flight *flight = &limits->flights[i];

		if (flight->route == route) {
			flight->key = current_key(limits, route, flight->top);
		}
	}
}

/* When a bucket's wait is over, as far as one is known.  A wait that an answer may
 * bring has a place kept for it: where there is none left, the first that ends is
 * waited for.
 */
static mono_ns
bucket_free_at(const struct ratelimit *limits, uint64_t key, unsigned flights,
    mono_ns now)
{
	mono_ns soonest = CLOCK_NEVER;
	unsigned places = 0;

	for (unsigned i = 0; i < RATELIMIT_BUCKETS; i++) {
		const struct ratelimit_bucket *bucket = &limits->buckets[i];

		if (bucket->wait_until <= now) {
			places++;
		} else if (bucket->key == key) {
			return bucket->wait_until;
		} else if (bucket->wait_until < soonest) {
			soonest = bucket->wait_until;
		}
	}
	return places > flights ? now : soonest;
}

/* Has the bucket of a key wait; a wait is never made shorter, since answers may
 * overtake each other. */
static void
bucket_hold(struct ratelimit *limits, uint64_t key, mono_ns until)
{
	struct ratelimit_bucket *place = &limits->buckets[0];

	for (unsigned i = 0; i < RATELIMIT_BUCKETS; i++) {
		struct ratelimit_bucket *bucket = &limits->buckets[i];

		if (bucket->key == key) {
			bucket->wait_until = later(bucket->wait_until, until);
			return;
		}
		if (bucket->wait_until < place->wait_until) {
			place = bucket;
		}
	}
	*place = (struct ratelimit_bucket){key, until};
}

/* ---- what is on its way ---- */

/* How many are; *slot is a free one, and *busy says if one is in the bucket of key. */
static unsigned
flights_count(const struct ratelimit *limits, uint64_t key, unsigned *slot, bool *busy)
{
	unsigned count = 0;

	*busy = false;
	for (unsigned i = 0; i < RATELIMIT_FLIGHTS; i++) {
		const struct ratelimit_flight *flight = &limits->flights[i];

		if (flight->route == 0) {
			*slot = i;
			continue;
		}
		count++;
		*busy = *busy || flight->key == key;
	}
	return count;
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
		limits->invalid_total++;
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
	uint64_t key = current_key(limits, call->route, call->top);
	mono_ns at = limits->ban_until;
	bool busy;
	unsigned flights = flights_count(limits, key, slot, &busy);

	if (busy || flights == RATELIMIT_FLIGHTS) {
		return RATELIMIT_WAIT;
	}
	if (!call->interaction) {
		at = later(at, later(limits->global_until, window_free_at(limits)));
	}
	at = later(at, bucket_free_at(limits, key, flights, now));
	if (at > now) {
		*retry_at = at;
		return RATELIMIT_WAIT;
	}
	limits->flights[*slot] = (struct ratelimit_flight){call->route, call->top, key};
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
	return current_key(limits, call->route, call->top);
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
	limits->flights[slot].route = 0;
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
