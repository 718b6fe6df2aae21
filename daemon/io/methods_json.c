#include "methods_json.h"

#include <ctype.h>

/* The stable word of a state: its name in the table, in lower case. */
static void
add_state(struct json *object, enum snapshot_state state)
{
	static const char *const names[] = {
#define STATE_NAME(name, text) [SNAPSHOT_##name] = #name,
	    SNAPSHOT_STATE_TABLE(STATE_NAME)
#undef STATE_NAME
	};
	char word[24];
	size_t size = 0;

	for (const char *at = names[state]; *at && size + 1 < sizeof word; at++) {
		word[size++] = (char)tolower((unsigned char)*at);
	}
	word[size] = '\0';
	json_add_text(object, "state", word);
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
	add_count(object, "guilds", shard->guilds);
}

struct json *
methods_json_shard(const struct snapshot *shard, const struct watchdog_limits *limits)
{
	struct json *object = json_new_object();

	json_add_int(object, "shard", shard->shard_id);
	json_add_int(object, "shard_count", shard->shard_count);
	add_state(object, shard->state);
	json_add_bool(object, "connected", shard->connected);
	json_add_bool(object, "ready", shard->ready);
	add_verdict(object, shard, limits);
	add_known_text(object, "reason", shard->reason);
	add_times(object, shard);
	add_known_text(object, "session_id", shard->session_id);
	if (shard->seq < 0) {
		json_add_null(object, "seq");
	} else {
		json_add_int(object, "seq", shard->seq);
	}
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

struct json *
methods_json_latency(const struct snapshot *shard)
{
	struct json *object = json_new_object();

	json_add_int(object, "shard", shard->shard_id);
	json_add_bool(object, "connected", shard->connected);
	json_add_seconds(object, "latency_seconds", shard->latency);
	json_add_seconds(object, "heartbeat_interval_seconds",
	    shard->heartbeat_interval);
	add_count(object, "heartbeats", shard->heartbeats);
	add_count(object, "acks", shard->acks);
	return object;
}
