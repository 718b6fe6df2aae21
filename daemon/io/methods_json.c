#include "methods_json.h"

#include <ctype.h>

#define STATES (sizeof state_names / sizeof state_names[0])

static const char *const state_names[] = {
#define STATE_NAME(name, text) [SNAPSHOT_##name] = #name,
    SNAPSHOT_STATE_TABLE(STATE_NAME)
#undef STATE_NAME
};

static const char *const cure_names[] = {
#define CURE_NAME(name, text) [SNAPSHOT_CURE_##name] = #name,
    SNAPSHOT_CURE_TABLE(CURE_NAME)
#undef CURE_NAME
};

/* The stable word for scripts: a name of a table, in lower case. */
struct word {
	char text[24];
};

static struct word
lower(const char *name)
{
	struct word word = {""};

	for (size_t i = 0; name[i] && i + 1 < sizeof word.text; i++) {
		word.text[i] = (char)tolower((unsigned char)name[i]);
	}
	return word;
}

static void
add_state(struct json *object, enum snapshot_state state)
{
	json_add_text(object, "state", lower(state_names[state]).text);
	json_add_text(object, "state_text", snapshot_state_text(state));
}

static void
add_count(struct json *object, const char *name, uint64_t value)
{
	json_add_int(object, name, value > INT64_MAX ? INT64_MAX : (int64_t)value);
}

/* Empty means unknown in struct snapshot. */
static void
add_known_text(struct json *object, const char *name, const char *text)
{
	json_add_text(object, name, text[0] ? text : NULL);
}

static void
add_verdict(struct json *object, const struct snapshot *shard,
    const struct watchdog_limits *limits)
{
	json_add_text(object, "verdict",
	    watchdog_verdict_name(watchdog_decide(shard, limits)));
}

static void
add_cure(struct json *object, const struct snapshot *shard)
{
	json_add_text(object, "cure", lower(cure_names[shard->cure]).text);
	json_add_text(object, "cure_text", snapshot_cure_text(shard->cure));
	json_add_int(object, "cure_tries", shard->cure_tries);
}

static void
add_seq(struct json *object, const struct snapshot *shard)
{
	if (shard->seq < 0) {
		json_add_null(object, "seq");
	} else {
		json_add_int(object, "seq", shard->seq);
	}
}

/* Who it is, how it is, and what is done about it. */
static void
add_condition(struct json *object, const struct snapshot *shard,
    const struct watchdog_limits *limits)
{
	json_add_int(object, "shard", shard->shard_id);
	json_add_int(object, "shard_count", shard->shard_count);
	add_state(object, shard->state);
	json_add_bool(object, "connected", shard->connected);
	json_add_bool(object, "ready", shard->ready);
	add_verdict(object, shard, limits);
	add_known_text(object, "reason", shard->reason);
	add_cure(object, shard);
}

static void
add_times(struct json *object, const struct snapshot *shard)
{
	json_add_seconds(object, "uptime_seconds", shard->uptime);
	json_add_seconds(object, "last_event_age_seconds", shard->last_event_age);
	json_add_seconds(object, "last_dispatch_age_seconds", shard->last_dispatch_age);
	json_add_seconds(object, "last_ready_age_seconds", shard->last_ready_age);
	json_add_seconds(object, "disconnect_age_seconds", shard->disconnect_age);
	json_add_seconds(object, "latency_seconds", shard->latency);
	json_add_seconds(object, "heartbeat_interval_seconds",
	    shard->heartbeat_interval);
	json_add_seconds(object, "next_try_in_seconds", shard->next_try_in);
}

/* Of the last answers; null where the latency is not known or stale. */
static void
add_latency_stats(struct json *object, const struct snapshot *shard)
{
	const struct latency_stats *stats = &shard->latency_stats;

	json_add_int(object, "latency_samples", stats->samples);
	json_add_seconds(object, "latency_min_seconds", stats->min);
	json_add_seconds(object, "latency_mean_seconds", stats->mean);
	json_add_seconds(object, "latency_p50_seconds", stats->p50);
	json_add_seconds(object, "latency_p90_seconds", stats->p90);
	json_add_seconds(object, "latency_p95_seconds", stats->p95);
	json_add_seconds(object, "latency_p99_seconds", stats->p99);
	json_add_seconds(object, "latency_max_seconds", stats->max);
}

static void
add_counts(struct json *object, const struct snapshot *shard)
{
	add_count(object, "dispatches", shard->dispatches);
	add_count(object, "events", shard->events);
	add_count(object, "seq_gaps", shard->seq_gaps);
	add_count(object, "heartbeats", shard->heartbeats);
	add_count(object, "acks", shard->acks);
	add_count(object, "zombies", shard->zombies);
	add_count(object, "attempts", shard->attempts);
	add_count(object, "reconnects", shard->reconnects);
	add_count(object, "resumes", shard->resumes);
	add_count(object, "resumed", shard->resumed);
	add_count(object, "identifies", shard->identifies);
	add_count(object, "probes", shard->probes);
	add_count(object, "guilds", shard->guilds);
}

struct json *
methods_json_shard(const struct snapshot *shard, const struct watchdog_limits *limits)
{
	struct json *object = json_new_object();

	add_condition(object, shard, limits);
	add_times(object, shard);
	add_latency_stats(object, shard);
	add_known_text(object, "session_id", shard->session_id);
	add_seq(object, shard);
	add_counts(object, shard);
	if (shard->last_close_code == 0) {
		json_add_null(object, "last_close_code");
	} else {
		json_add_int(object, "last_close_code", shard->last_close_code);
	}
	add_known_text(object, "host", shard->host);
	add_known_text(object, "user_id", shard->user_id);
	add_known_text(object, "user_name", shard->user_name);
	return object;
}

struct json *
methods_json_row(const struct snapshot *shard, const struct watchdog_limits *limits)
{
	struct json *object = json_new_object();

	add_condition(object, shard, limits);
	json_add_seconds(object, "uptime_seconds", shard->uptime);
	json_add_seconds(object, "disconnect_age_seconds", shard->disconnect_age);
	json_add_seconds(object, "next_try_in_seconds", shard->next_try_in);
	json_add_seconds(object, "last_event_age_seconds", shard->last_event_age);
	json_add_seconds(object, "latency_seconds", shard->latency);
	add_seq(object, shard);
	add_count(object, "reconnects", shard->reconnects);
	add_count(object, "resumes", shard->resumes);
	add_count(object, "identifies", shard->identifies);
	add_known_text(object, "host", shard->host);
	return object;
}

/* How many shards are in each state. */
static struct json *
count_states(const struct snapshot *shards, uint32_t count)
{
	uint32_t counts[STATES] = {0};
	struct json *object = json_new_object();

	for (uint32_t i = 0; i < count; i++) {
		counts[shards[i].state]++;
	}
	for (size_t i = 0; i < STATES; i++) {
		json_add_int(object, lower(state_names[i]).text, counts[i]);
	}
	return object;
}

/* Which of the bot's shards this process has. */
static void
add_range(struct json *object, const struct snapshot *shards, uint32_t count)
{
	if (count == 0) {
		json_add_null(object, "first_shard");
		json_add_null(object, "last_shard");
		json_add_null(object, "shard_count");
		return;
	}
	json_add_int(object, "first_shard", shards[0].shard_id);
	json_add_int(object, "last_shard", shards[count - 1].shard_id);
	json_add_int(object, "shard_count", shards[0].shard_count);
}

struct json *
methods_json_total(const struct snapshot *shards, uint32_t count)
{
	struct snapshot_total total = snapshot_aggregate(shards, count);
	struct json *object = json_new_object();

	json_add_int(object, "shards", total.shards);
	json_add_int(object, "connected", total.connected);
	json_add_seconds(object, "last_event_age_seconds", total.last_event_age);
	json_add_seconds(object, "last_ready_age_seconds", total.last_ready_age);
	json_add_seconds(object, "disconnect_age_seconds", total.disconnect_age);
	json_add_seconds(object, "latency_seconds", total.latency);
	add_count(object, "reconnects", total.reconnects);
	add_count(object, "resumes", total.resumes);
	add_count(object, "identifies", total.identifies);
	add_count(object, "dispatches", total.dispatches);
	add_range(object, shards, count);
	json_add(object, "states", count_states(shards, count));
	return object;
}

/* What is left of a limit; 0 where it is passed, null where the age does not count. */
static void
add_left(struct json *object, const char *name, mono_ns limit, mono_ns age)
{
	if (age == SNAPSHOT_NONE) {
		json_add_null(object, name);
	} else {
		json_add_seconds(object, name, age < limit ? limit - age : 0);
	}
}

struct json *
methods_json_margin(const struct snapshot *shard, const struct watchdog_limits *limits)
{
	bool connected = shard->connected;
	mono_ns silence = connected ? shard->last_event_age : SNAPSHOT_NONE;
	mono_ns down = connected ? SNAPSHOT_NONE : shard->disconnect_age;
	struct json *object = json_new_object();

	json_add_int(object, "shard", shard->shard_id);
	json_add_bool(object, "connected", connected);
	add_verdict(object, shard, limits);
	json_add_seconds(object, "last_event_age_seconds", shard->last_event_age);
	add_left(object, "stall_left_seconds", limits->stall, silence);
	json_add_seconds(object, "disconnect_age_seconds", shard->disconnect_age);
	add_left(object, "disconnect_grace_left_seconds", limits->disconnect_grace,
	    down);
	json_add_seconds(object, "latency_seconds", shard->latency);
	add_left(object, "max_latency_left_seconds", limits->max_latency,
	    shard->latency);
	return object;
}

/* All answers since the start, by how long they took. */
static struct json *
describe_classes(const struct snapshot *shard)
{
	struct json *array = json_new_array();

	for (uint32_t i = 0; i < LATENCY_CLASSES; i++) {
		mono_ns bound = latency_bound(i);
		struct json *object = json_new_object();

		json_add_seconds(object, "up_to_seconds",
		    bound == CLOCK_NEVER ? SNAPSHOT_NONE : bound);
		add_count(object, "count", shard->latency_classes[i]);
		json_append(array, object);
	}
	return array;
}

/* A latency that is missing was never measured, or is too old to say anything. */
static const char *
latency_state(const struct snapshot *shard)
{
	if (shard->latency != SNAPSHOT_NONE) {
		return "known";
	}
	return shard->acks > 0 ? "stale" : "none";
}

struct json *
methods_json_latency(const struct snapshot *shard, const struct watchdog_limits *limits)
{
	struct json *object = json_new_object();

	(void)limits;
	json_add_int(object, "shard", shard->shard_id);
	json_add_int(object, "shard_count", shard->shard_count);
	json_add_bool(object, "connected", shard->connected);
	json_add_text(object, "latency_state", latency_state(shard));
	json_add_seconds(object, "latency_seconds", shard->latency);
	add_latency_stats(object, shard);
	json_add_seconds(object, "heartbeat_interval_seconds",
	    shard->heartbeat_interval);
	add_count(object, "heartbeats", shard->heartbeats);
	add_count(object, "acks", shard->acks);
	json_add(object, "classes", describe_classes(shard));
	return object;
}

struct json *
methods_json_quantiles(const struct histogram *histogram)
{
	struct json *object = json_new_object();

	add_count(object, "count", histogram->count);
	json_add_seconds(object, "p50_seconds", histogram_quantile(histogram, 50000));
	json_add_seconds(object, "p99_seconds", histogram_quantile(histogram, 99000));
	json_add_seconds(object, "p999_seconds", histogram_quantile(histogram, 99900));
	json_add_seconds(object, "max_seconds",
	    histogram->count > 0 ? histogram->max : SNAPSHOT_NONE);
	return object;
}
