#include "gateway.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "log.h"
#include "payload.h"
#include "quota.h"
#include "rng.h"
#include "shard.h"
#include "url.h"
#include "xalloc.h"

/* What the API said of limits is asked for again before an IDENTIFY when it is older.
 */
#define LIMITS_MAX_AGE CLOCK_S(300)

#define REST_TIMEOUT   CLOCK_S(8)

/* An API that failed is not asked again before this, and not before its Retry-After;
 * where the gateway is known without it, there is even less of a hurry. */
#define ASK_AGAIN_LEAST CLOCK_S(1)
#define ASK_AGAIN_KNOWN CLOCK_S(20)

/* Why the API failed: a sentence. */
#define FAILURE_BYTES 160

/* BOOTTIME running away from MONOTONIC by more than this: the host slept. */
#define SLEPT_AFTER CLOCK_S(2)

/* A shard and what it waits for. */
struct member {
	struct shard *shard;
	bool wants_general;
	bool wants_slot;
	bool slot_spent; /* it waits for the day's budget, and that was logged */
};

struct gateway {
	struct gateway_options options;
	struct member *members;
	struct rng rng;
	struct identify_gate gate;
	uint32_t ready; /* shards that are */
	struct histogram lateness;
	char presence[PAYLOAD_PRESENCE_BYTES];
	struct loop_timer *slot_timer;
	mono_ns asleep; /* BOOTTIME minus MONOTONIC when last looked at */

	struct url trusted; /* the general gateway once it is known, the API before */
	bool have_general;
	bool general_doubtful; /* a connection to it never opened: ask again */
	struct url general;
	bool asking;          /* the API is being asked */
	mono_ns ask_again_at; /* it failed: not asked before this */
	char failure[FAILURE_BYTES];
	mono_ns told_at; /* when the API last answered; CLOCK_NEVER: never */
};

static void serve_slots(struct gateway *gateway, mono_ns now);

static struct member *
member_of(struct gateway *gateway, const struct shard *shard)
{
	return &gateway->members[shard_id(shard)];
}

/* ---- where the general gateway is ---- */

static bool
set_general(struct gateway *gateway, const char *text)
{
	struct url url;

	if (url_parse(text, &url) != GW_OK || !url.websocket) {
		return false;
	}
	gateway->general = url;
	gateway->trusted = url;
	gateway->have_general = true;
	gateway->general_doubtful = false;
	return true;
}

/* With what is known; where nothing is, the shard backs off until the API may be asked
 * again. */
static void
send_to_general(struct gateway *gateway, struct shard *shard, mono_ns now)
{
	if (gateway->have_general) {
		shard_connect(shard, &gateway->general, now);
	} else {
		shard_fail(shard, gateway->failure, gateway->ask_again_at - now);
	}
}

static void
serve_general(struct gateway *gateway, mono_ns now)
{
	for (uint32_t i = 0; i < gateway->options.shard_count; i++) {
		struct member *member = &gateway->members[i];

		if (member->wants_general) {
			member->wants_general = false;
			send_to_general(gateway, member->shard, now);
		}
	}
}

static void
refuse_all(struct gateway *gateway, const char *why, mono_ns now)
{
	for (uint32_t i = 0; i < gateway->options.shard_count; i++) {
		shard_refuse(gateway->members[i].shard, why, now);
	}
}

static void
take_failure(struct gateway *gateway, const char *why, mono_ns retry_after, mono_ns now)
{
	mono_ns least = gateway->have_general ? ASK_AGAIN_KNOWN : ASK_AGAIN_LEAST;

	gateway->ask_again_at = now + (retry_after > least ? retry_after : least);
	(void)snprintf(gateway->failure, sizeof gateway->failure, "%s", why);
	log_warning("gateway_not_found", KV("reason", (const char *)gateway->failure));
}

static void
take_answer(struct gateway *gateway, const struct rest_gateway *answer, mono_ns now)
{
	if (!set_general(gateway, answer->url)) {
		take_failure(gateway, "GET /gateway/bot named no ws or wss URL", 0,
		    now);
		return;
	}
	gateway->told_at = now;
	identify_gate_told(&gateway->gate, answer->max_concurrency, answer->remaining,
	    answer->reset_after_ms, clock_wall_ms());
	log_info("gateway_found", KV("host", (const char *)gateway->general.host),
	    KV("shards_recommended", answer->shards),
	    KV("identifies_remaining", answer->remaining),
	    KV("identifies_total", answer->total),
	    KV("max_concurrency", answer->max_concurrency));
	if (answer->shards > gateway->options.shard_count) {
		log_warning("more_shards_recommended",
		    KV("have", gateway->options.shard_count),
		    KV("recommended", answer->shards),
		    KV("remedy", "raise discord.shards"));
	}
}

static void
on_answer(void *ctx, const struct rest_gateway *answer, mono_ns now)
{
	struct gateway *gateway = ctx;

	gateway->asking = false;
	if (answer->unauthorized) {
		refuse_all(gateway,
		    "Discord's API refused the token (401): set a new discord.token",
		    now);
		return;
	}
	if (!answer->error) {
		take_answer(gateway, answer, now);
	} else {
		char why[FAILURE_BYTES];

		(void)snprintf(why, sizeof why, "GET /gateway/bot failed: %s",
		    answer->error);
		take_failure(gateway, why, answer->retry_after, now);
	}
	if (!gateway->have_general && gateway->options.fallback) {
		(void)set_general(gateway, gateway->options.fallback);
	}
	serve_general(gateway, now);
	serve_slots(gateway, now);
}

static bool
may_ask(const struct gateway *gateway, mono_ns now)
{
	return gateway->asking || now >= gateway->ask_again_at;
}

static void
ask_api(struct gateway *gateway)
{
	if (gateway->asking) {
		return;
	}
	gateway->asking = true;
	rest_get_gateway(gateway->options.rest, REST_TIMEOUT, on_answer, gateway);
}

static bool
is_configured(const struct gateway *gateway)
{
	return gateway->options.url[0] != '\0';
}

static void
on_want_general(void *ctx, struct shard *shard, mono_ns now)
{
	struct gateway *gateway = ctx;

	if (gateway->have_general && !gateway->general_doubtful) {
		shard_connect(shard, &gateway->general, now);
		return;
	}
	if (!may_ask(gateway, now)) {
		send_to_general(gateway, shard, now);
		return;
	}
	member_of(gateway, shard)->wants_general = true;
	ask_api(gateway);
}

static void
on_unreachable(void *ctx, const char *host)
{
	struct gateway *gateway = ctx;

	if (!is_configured(gateway) && strcmp(host, gateway->general.host) == 0) {
		gateway->general_doubtful = true;
	}
}

/* ---- who may identify ---- */

static void
tell_spent(struct member *member, mono_ns wait)
{
	if (member->slot_spent) {
		return;
	}
	member->slot_spent = true;
	log_error("identify_budget_spent", KV("shard", shard_id(member->shard)),
	    KV("next_in_s", clock_seconds(wait)),
	    KV("reason", "more identifies today would make Discord reset the token"));
}

static mono_ns
serve_slot(struct gateway *gateway, struct member *member, mono_ns now)
{
	mono_ns retry_at = CLOCK_NEVER;
	enum identify_answer answer = identify_gate_ask(&gateway->gate,
	    shard_id(member->shard), now, clock_wall_ms(), &retry_at);

	if (answer == IDENTIFY_GRANTED) {
		member->wants_slot = false;
		member->slot_spent = false;
		shard_slot(member->shard, now);
		return CLOCK_NEVER;
	}
	if (answer == IDENTIFY_SPENT) {
		tell_spent(member, retry_at - now);
	}
	return retry_at;
}

static void
serve_slots(struct gateway *gateway, mono_ns now)
{
	mono_ns next = CLOCK_NEVER;

	for (uint32_t i = 0; i < gateway->options.shard_count; i++) {
		if (gateway->members[i].wants_slot) {
			mono_ns at = serve_slot(gateway, &gateway->members[i], now);

			next = at < next ? at : next;
		}
	}
	loop_timer_arm(gateway->slot_timer, next);
}

static void
on_slot_timer(void *ctx, mono_ns now)
{
	struct gateway *gateway = ctx;
	bool stale =
	    gateway->told_at == CLOCK_NEVER || now - gateway->told_at > LIMITS_MAX_AGE;

	if (stale && !is_configured(gateway) && may_ask(gateway, now)) {
		ask_api(gateway); /* its answer serves the slots */
		return;
	}
	serve_slots(gateway, now);
}

static void
on_want_slot(void *ctx, struct shard *shard, mono_ns now)
{
	struct gateway *gateway = ctx;

	member_of(gateway, shard)->wants_slot = true;
	/* The shard is in the middle of its actions: answer in a turn of its own. */
	loop_timer_arm(gateway->slot_timer, now);
}

static void
on_drop_slot(void *ctx, struct shard *shard)
{
	struct gateway *gateway = ctx;

	member_of(gateway, shard)->wants_slot = false;
	identify_gate_returned(&gateway->gate, shard_id(shard));
}

static void
on_identifying(void *ctx, struct shard *shard, mono_ns now)
{
	struct gateway *gateway = ctx;

	identify_gate_sent(&gateway->gate, shard_id(shard), now, clock_wall_ms());
	store_ledger_changed(gateway->options.store);
	int64_t left = identify_gate_left(&gateway->gate, clock_wall_ms());
	struct log_kv pairs[] = {KV("shard", shard_id(shard)), KV("left_today", left)};

	log_write(left < QUOTA_IDENTIFIES_SOFT ? LOG_LEVEL_WARNING : LOG_LEVEL_INFO,
	    "identify", pairs, sizeof pairs / sizeof pairs[0]);
}

/* ---- the rest ---- */

static void
on_fatal(void *ctx, struct shard *shard, const char *reason)
{
	struct gateway *gateway = ctx;

	(void)shard;
	gateway->options.fatal(gateway->options.ctx, reason);
}

static void
on_turned(void *ctx, bool ready)
{
	struct gateway *gateway = ctx;

	if (ready) {
		gateway->ready++;
	} else {
		gateway->ready--;
	}
}

static uint32_t
on_crowd(void *ctx)
{
	const struct gateway *gateway = ctx;

	return gateway->options.shard_count - gateway->ready;
}

static void
look_for_sleep(struct gateway *gateway, mono_ns now)
{
	mono_ns asleep = now - clock_awake();
	mono_ns slept = asleep - gateway->asleep;

	gateway->asleep = asleep;
	if (slept < SLEPT_AFTER) {
		return;
	}
	log_warning("host_slept", KV("seconds", clock_seconds(slept)));
	for (uint32_t i = 0; i < gateway->options.shard_count; i++) {
		shard_slept(gateway->members[i].shard, now);
	}
}

static void
on_tick(void *ctx, mono_ns now)
{
	look_for_sleep(ctx, now);
}

static const struct shard_hooks hooks = {
    .want_general = on_want_general,
    .want_slot = on_want_slot,
    .drop_slot = on_drop_slot,
    .identifying = on_identifying,
    .unreachable = on_unreachable,
    .fatal = on_fatal,
    .turned = on_turned,
    .crowd = on_crowd,
    .tick = on_tick,
};

static void
seed(struct rng *rng)
{
	if (getrandom(&rng->state, sizeof rng->state, 0) != sizeof rng->state) {
		rng->state = (uint64_t)clock_now();
	}
}

/* A presence that cannot be taken is replaced: Discord would end the session. */
static void
set_presence(struct gateway *gateway, const char *json)
{
	const char *wrong =
	    payload_complete_presence(slice_of(json), gateway->presence);

	if (wrong) {
		log_warning("presence_invalid", KV("reason", wrong),
		    KV("effect", "the bot is shown as online"),
		    KV("remedy", "correct discord.presence"));
	}
}

static void
make_shards(struct gateway *gateway)
{
	const struct gateway_options *options = &gateway->options;
	struct shard_options shard = {
	    .loop = options->loop,
	    .resolver = options->resolver,
	    .store = options->store,
	    .tls = options->tls,
	    .trusted = &gateway->trusted,
	    .token = options->token,
	    .intents = options->intents,
	    .presence = options->presence[0] != '\0' ? gateway->presence : NULL,
	    .compress = options->compress,
	    .user_agent = options->user_agent,
	    .lateness = &gateway->lateness,
	    .session =
		{
		    .shard_count = options->shard_count,
		    .connect_timeout = options->connect_timeout,
		    .hello_timeout = options->hello_timeout,
		    .ready_timeout = options->ready_timeout,
		    .probe_after = options->probe_after,
		},
	    .rng = &gateway->rng,
	    .hooks = &hooks,
	    .ctx = gateway,
	};

	gateway->members = xzalloc(options->shard_count * sizeof *gateway->members);
	for (uint32_t i = 0; i < options->shard_count; i++) {
		shard.session.shard_id = i;
		gateway->members[i].shard = shard_new(&shard);
	}
}

struct gateway *
gateway_new(const struct gateway_options *options)
{
	struct gateway *gateway = xzalloc(sizeof *gateway);
	mono_ns now = clock_now();

	gateway->options = *options;
	gateway->told_at = CLOCK_NEVER;
	gateway->asleep = now - clock_awake();
	seed(&gateway->rng);
	identify_gate_init(&gateway->gate, store_ledger(options->store), now,
	    clock_wall_ms());
	gateway->slot_timer = loop_timer_new(options->loop, on_slot_timer, gateway);
	(void)url_parse(options->api_base, &gateway->trusted);
	if (is_configured(gateway)) {
		(void)set_general(gateway, options->url);
	}
	set_presence(gateway, options->presence);
	make_shards(gateway);
	return gateway;
}

void
gateway_free(struct gateway *owned_gateway)
{
	if (!owned_gateway) {
		return;
	}
	for (uint32_t i = 0; i < owned_gateway->options.shard_count; i++) {
		shard_free(owned_gateway->members[i].shard);
	}
	loop_timer_free(owned_gateway->slot_timer);
	free(owned_gateway->members);
	free(owned_gateway);
}

void
gateway_start(struct gateway *gateway, mono_ns now)
{
	for (uint32_t i = 0; i < gateway->options.shard_count; i++) {
		shard_start(gateway->members[i].shard, now);
	}
}

void
gateway_stop(struct gateway *gateway, mono_ns now)
{
	for (uint32_t i = 0; i < gateway->options.shard_count; i++) {
		shard_stop(gateway->members[i].shard, now);
	}
}

void
gateway_reload(struct gateway *gateway, const char *presence, mono_ns probe_after,
    mono_ns now)
{
	char before[PAYLOAD_PRESENCE_BYTES];

	memcpy(before, gateway->presence, sizeof before);
	set_presence(gateway, presence);
	for (uint32_t i = 0; i < gateway->options.shard_count; i++) {
		struct shard *shard = gateway->members[i].shard;

		shard_set_probe_after(shard, probe_after, now);
		if (strcmp(before, gateway->presence) != 0) {
			shard_presence(shard, gateway->presence, now);
		}
	}
}

uint32_t
gateway_shard_count(const struct gateway *gateway)
{
	return gateway->options.shard_count;
}

void
gateway_snapshots(struct gateway *gateway, mono_ns now, struct snapshot *out)
{
	for (uint32_t i = 0; i < gateway->options.shard_count; i++) {
		struct member *member = &gateway->members[i];

		shard_snapshot(member->shard, now, &out[i]);
		if (out[i].state == SNAPSHOT_WAIT_SLOT && member->slot_spent) {
			(void)snprintf(out[i].reason, sizeof out[i].reason,
			    "the identify budget of the day is spent; a new session "
			    "must wait");
		}
	}
}

void
gateway_note_check(struct gateway *gateway, mono_ns now)
{
	/* Before the verdict: nobody is a zombie for what came while the host slept. */
	look_for_sleep(gateway, now);
	for (uint32_t i = 0; i < gateway->options.shard_count; i++) {
		shard_note_check(gateway->members[i].shard, now);
	}
}

const struct histogram *
gateway_beat_lateness(const struct gateway *gateway)
{
	return &gateway->lateness;
}

/* True where the day has room for a new session of each of count shards. */
static bool
has_room_for(struct gateway *gateway, uint32_t count)
{
	return identify_gate_left(&gateway->gate, clock_wall_ms()) >= count;
}

uint32_t
gateway_reconnect(struct gateway *gateway, int64_t shard_id, bool fresh, mono_ns now)
{
	uint32_t first = 0;
	uint32_t count = gateway->options.shard_count;

	if (shard_id >= 0) {
		if (shard_id >= count) {
			return 0;
		}
		first = (uint32_t)shard_id;
		count = 1;
	}
	if (fresh && !has_room_for(gateway, count)) {
		return 0;
	}
	for (uint32_t i = first; i < first + count; i++) {
		shard_reconnect(gateway->members[i].shard, fresh, now);
	}
	return count;
}

void
gateway_identify_budget(struct gateway *gateway, struct gateway_budget *out)
{
	int64_t wall_ms = clock_wall_ms();
	int64_t left = identify_gate_left(&gateway->gate, wall_ms);

	*out = (struct gateway_budget){
	    .total = QUOTA_IDENTIFIES_DAY,
	    .used_today = identify_ledger_count(gateway->gate.ledger, wall_ms),
	    .left = left,
	    .reserve = QUOTA_IDENTIFIES_RESERVE,
	    .told_remaining = gateway->gate.remaining,
	    .release_at_wall_ms =
		left > 0 ? 0 : identify_gate_release(&gateway->gate, wall_ms),
	};
}
