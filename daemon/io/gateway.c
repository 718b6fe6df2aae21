#include "gateway.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "closecode.h"
#include "gateway_private.h"
#include "log.h"
#include "ranges.h"
#include "xalloc.h"

/* BOOTTIME running away from MONOTONIC by more than this: the host slept. */
#define SLEPT_AFTER CLOCK_S(2)

/* Hundreds of shards that look up, connect and encrypt in one turn would hold up the
 * probes: so many begin at a time. */
#define START_BATCH 8
#define START_PAUSE CLOCK_MS(20)

struct gateway_member *
gateway_member_of(struct gateway *gateway, const struct shard *shard)
{
	return &gateway->members[shard_id(shard) - gateway->shards.first];
}

/* ---- what shards say ---- */

static void
on_fatal(void *ctx, struct shard *shard, const char *reason)
{
	struct gateway *gateway = ctx;

	struct snapshot snap;

	shard_snapshot(shard, clock_now(), &snap);
	if (snap.last_close_code == CLOSECODE_TOO_FEW_SHARDS) {
		gateway_forget_count(gateway);
	}
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
	gateway->options.turned(gateway->options.ctx);
}

static uint32_t
on_crowd(void *ctx)
{
	const struct gateway *gateway = ctx;

	return gateway->shards.count - gateway->ready;
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
	for (uint32_t i = 0; i < gateway->shards.count; i++) {
		shard_slept(gateway->members[i].shard, now);
	}
}

static void
on_tick(void *ctx, mono_ns now)
{
	look_for_sleep(ctx, now);
}

static const struct shard_hooks hooks = {
    .want_general = gateway_on_want_general,
    .want_slot = gateway_on_want_slot,
    .drop_slot = gateway_on_drop_slot,
    .identifying = gateway_on_identifying,
    .unreachable = gateway_on_unreachable,
    .fatal = on_fatal,
    .turned = on_turned,
    .crowd = on_crowd,
    .tick = on_tick,
};

/* ---- the shards ---- */

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

static struct shard_settings
shard_settings_of(const struct gateway_options *options)
{
	const struct gateway_settings *settings = &options->settings;

	return (struct shard_settings){
	    .intents = settings->intents,
	    .compress = settings->compress,
	    .connect_timeout = settings->connect_timeout,
	    .hello_timeout = settings->hello_timeout,
	    .ready_timeout = settings->ready_timeout,
	};
}

static void
start_some(void *ctx, mono_ns now)
{
	struct gateway *gateway = ctx;
	uint32_t left = gateway->shards.count - gateway->started;

	if (gateway->stopping) {
		return;
	}
	for (uint32_t i = 0; i < left && i < START_BATCH; i++) {
		shard_start(gateway->members[gateway->started++].shard, now);
	}
	if (gateway->started < gateway->shards.count) {
		loop_timer_arm(gateway->start_timer, now + START_PAUSE);
	}
}

/* Which shards have a session on disk. */
struct stored {
	uint32_t shards;
	uint32_t count;
	struct ranges without;
};

static void
note_stored(struct stored *stored, const struct shard *shard)
{
	const struct session *session = shard_session(shard);

	stored->shards++;
	if (session->saved.id[0] != '\0') {
		stored->count++;
	} else {
		ranges_add(&stored->without, session->config.shard_id);
	}
}

static void
tell_stored(struct stored *stored)
{
	const char *effect = "those stored are resumed, the others begin anew";

	if (stored->count == stored->shards) {
		effect = "all are resumed";
	} else if (stored->count == 0) {
		effect = "all begin anew";
	}
	log_info("sessions", KV("shards", stored->shards), KV("stored", stored->count),
	    KV("without", ranges_text(&stored->without)), KV("effect", effect));
}

void
gateway_make_shards(struct gateway *gateway, const struct store_shards *shards,
    mono_ns now)
{
	const struct gateway_options *options = &gateway->options;
	const struct gateway_settings *settings = &options->settings;
	struct shard_options shard = {
	    .loop = options->loop,
	    .resolver = options->resolver,
	    .store = options->store,
	    .tls = options->tls,
	    .trusted = &gateway->trusted,
	    .token = options->token,
	    .intents = settings->intents,
	    .presence = settings->presence[0] != '\0' ? gateway->presence : NULL,
	    .compress = settings->compress,
	    .inflated = &gateway->inflated,
	    .user_agent = options->user_agent,
	    .dispatch = options->dispatch,
	    .counts = &gateway->dispatched,
	    .lateness = &gateway->lateness,
	    .session =
		{
		    .shard_count = shards->total,
		    .connect_timeout = settings->connect_timeout,
		    .hello_timeout = settings->hello_timeout,
		    .ready_timeout = settings->ready_timeout,
		    .probe_after = settings->probe_after,
		},
	    .rng = &gateway->rng,
	    .hooks = &hooks,
	    .ctx = gateway,
	};
	mono_ns down_since = gateway->waiting.down_since;
	struct stored stored = {.shards = 0};

	if (gateway->stopping) {
		return; /* the folder may be another process's by now */
	}
	store_use_shards(options->store, shards);
	gateway->shards = *shards;
	gateway->members = xzalloc(shards->count * sizeof *gateway->members);
	for (uint32_t i = 0; i < shards->count; i++) {
		shard.session.shard_id = shards->first + i;
		gateway->members[i].shard = shard_new(&shard);
		note_stored(&stored, gateway->members[i].shard);
		if (down_since != CLOCK_NEVER) {
			/* The wait for their count was theirs. */
			shard_note_check(gateway->members[i].shard, down_since);
		}
	}
	tell_stored(&stored);
	start_some(gateway, now);
}

static void
seed(struct rng *rng)
{
	if (getrandom(&rng->state, sizeof rng->state, 0) != sizeof rng->state) {
		rng->state = (uint64_t)clock_now();
	}
}

/* ---- interface ---- */

struct gateway *
gateway_new(const struct gateway_options *options)
{
	struct gateway *gateway = xzalloc(sizeof *gateway);
	mono_ns now = clock_now();

	gateway->options = *options;
	gateway->asleep = now - clock_awake();
	seed(&gateway->rng);
	dispatches_init(&gateway->dispatched);
	set_presence(gateway, options->settings.presence);
	gateway->start_timer = loop_timer_new(options->loop, start_some, gateway);
	gateway_find_init(gateway, now);
	gateway_slots_init(gateway, now);
	return gateway;
}

void
gateway_free(struct gateway *owned_gateway)
{
	if (!owned_gateway) {
		return;
	}
	for (uint32_t i = 0; i < owned_gateway->shards.count; i++) {
		shard_free(owned_gateway->members[i].shard);
	}
	gateway_slots_fini(owned_gateway);
	gateway_find_fini(owned_gateway);
	loop_timer_free(owned_gateway->start_timer);
	buf_fini(&owned_gateway->inflated);
	free(owned_gateway->members);
	free(owned_gateway);
}

void
gateway_start(struct gateway *gateway, mono_ns now)
{
	gateway_find_start(gateway, now);
}

void
gateway_stop(struct gateway *gateway, mono_ns now)
{
	gateway->stopping = true;
	for (uint32_t i = 0; i < gateway->shards.count; i++) {
		shard_stop(gateway->members[i].shard, now);
	}
}

void
gateway_configure(struct gateway *gateway, const struct gateway_settings *settings,
    mono_ns now)
{
	char before[PAYLOAD_PRESENCE_BYTES];

	memcpy(before, gateway->presence, sizeof before);
	gateway->options.settings = *settings;
	set_presence(gateway, settings->presence);
	struct shard_settings fresh = shard_settings_of(&gateway->options);

	gateway_find_configure(gateway);
	for (uint32_t i = 0; i < gateway->shards.count; i++) {
		struct shard *shard = gateway->members[i].shard;

		shard_configure(shard, &fresh);
		shard_set_probe_after(shard, settings->probe_after, now);
		if (strcmp(before, gateway->presence) != 0) {
			shard_presence(shard, gateway->presence, now);
		}
	}
}

uint32_t
gateway_shard_count(const struct gateway *gateway)
{
	return gateway->shards.count > 0 ? gateway->shards.count : 1;
}

/* Nobody knows yet how many there are: one stands for them. */
static void
show_waiting(const struct gateway *gateway, mono_ns now, struct snapshot *out)
{
	session_snapshot(&gateway->waiting, now, out);
	out->hold = SNAPSHOT_HOLD_COUNT;
	if (gateway->waiting.retry_at != CLOCK_NEVER) {
		mono_ns wait = gateway->waiting.retry_at - now;

		out->next_try_in = wait > 0 ? wait : 0;
	}
}

void
gateway_snapshots(struct gateway *gateway, mono_ns now, struct snapshot *out)
{
	if (gateway->shards.count == 0) {
		show_waiting(gateway, now, out);
		return;
	}
	for (uint32_t i = 0; i < gateway->shards.count; i++) {
		shard_snapshot(gateway->members[i].shard, now, &out[i]);
	}
	gateway_show_slots(gateway, now, out);
}

const struct session *
gateway_session(const struct gateway *gateway, uint32_t index)
{
	return gateway->shards.count == 0 ?
	    &gateway->waiting :
	    shard_session(gateway->members[index].shard);
}

void
gateway_note_check(struct gateway *gateway, mono_ns now)
{
	/* Before the verdict: nobody is a zombie for what came while the host slept. */
	look_for_sleep(gateway, now);
	/* So that the ledger has seen each step of the wall clock before a reboot. */
	(void)gateway_ledger_ms(gateway);
	if (gateway->shards.count == 0) {
		session_note_check(&gateway->waiting, now);
	}
	for (uint32_t i = 0; i < gateway->shards.count; i++) {
		shard_note_check(gateway->members[i].shard, now);
	}
}

/* True where the day has room for a new session of each of count shards. */
static bool
has_room_for(struct gateway *gateway, uint32_t count)
{
	return identify_gate_left(&gateway->gate, gateway_ledger_ms(gateway)) >= count;
}

uint32_t
gateway_reconnect(struct gateway *gateway, int64_t shard_id, bool fresh, mono_ns now)
{
	int64_t index = shard_id - gateway->shards.first;
	uint32_t first = 0;
	uint32_t count = gateway->shards.count;

	if (shard_id >= 0) {
		if (index < 0 || index >= count) {
			return 0;
		}
		first = (uint32_t)index;
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

/* The ledger's milliseconds are not quite those of the wall. */
static int64_t
nearest_second(int64_t ms)
{
	return (ms + 500) / 1000 * 1000;
}

void
gateway_identify_budget(struct gateway *gateway, struct gateway_budget *out)
{
	struct identify_gate *gate = &gateway->gate;
	int64_t now_ms = gateway_ledger_ms(gateway);
	int64_t left = identify_gate_left(gate, now_ms);
	int64_t wait_ms = left > 0 ? 0 : identify_gate_release(gate, now_ms) - now_ms;

	*out = (struct gateway_budget){
	    .total = gate->total,
	    .used_today = identify_gate_used(gate, now_ms),
	    .left = left,
	    .reserve = identify_gate_reserve(gate),
	    .told_remaining = gate->remaining,
	    .release_at_wall_ms =
		left > 0 ? 0 : nearest_second(clock_wall_ms() + wait_ms),
	    .low = identify_gate_is_low(gate, now_ms),
	};
}

const struct histogram *
gateway_beat_lateness(const struct gateway *gateway)
{
	return &gateway->lateness;
}

const struct dispatch_counts *
gateway_dispatched(const struct gateway *gateway)
{
	return &gateway->dispatched;
}
