#include "health.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "utf8.h"

/* A loss shorter than this is a reconnect like any other: Kubernetes shall not react.
 */
#define RECONNECT_ALLOWANCE CLOCK_S(30)

enum state {
#define STATE(id, word, startupz, readyz, healthz) STATE_##id,
#include "states.def"
#undef STATE
};

static const struct {
	const char *text;
	unsigned startupz;
	unsigned readyz;
	unsigned healthz;
} states[] = {
#define STATE(id, word, startupz, readyz, healthz) \
	[STATE_##id] = {word, startupz, readyz, healthz},
#include "states.def"
#undef STATE
};

static const char *const paths[] = {
#define HEALTH_PATH_TEXT(name, path) [HEALTH_PATH_##name] = (path),
    HEALTH_PATH_TABLE(HEALTH_PATH_TEXT)
#undef HEALTH_PATH_TEXT
};

const char *
health_path_text(enum health_path path)
{
	return paths[path];
}

bool
health_path_find(const char *path, enum health_path *out)
{
	for (unsigned i = 0; i < sizeof paths / sizeof paths[0]; i++) {
		if (strcmp(path, paths[i]) == 0) {
			*out = (enum health_path)i;
			return true;
		}
	}
	return false;
}

/* ---- the verdict ---- */

static bool
shard_is_degraded(const struct snapshot *shard, const struct watchdog_limits *limits)
{
	return shard->connected && watchdog_decide(shard, limits) == WATCHDOG_ZOMBIE;
}

static bool
is_well(const struct snapshot *shard, const struct watchdog_limits *limits)
{
	return shard->connected && !shard_is_degraded(shard, limits);
}

static enum state
shard_state(const struct snapshot *shard, const struct watchdog_limits *limits)
{
	if (shard->state == SNAPSHOT_FATAL) {
		return STATE_FATAL;
	}
	if (shard->connected) {
		return shard_is_degraded(shard, limits) ? STATE_DEGRADED : STATE_READY;
	}
	if (shard->last_ready_age == SNAPSHOT_NONE) {
		return STATE_STARTING;
	}
	return shard->disconnect_age < RECONNECT_ALLOWANCE ? STATE_RECONNECTING :
							     STATE_DOWN;
}

static bool
is_failing(const struct probe_view *view)
{
	return view->required && view->probe.state == PROBE_DOWN;
}

static bool
probes_are_failing(const struct health_input *input)
{
	for (size_t i = 0; i < input->probe_count; i++) {
		if (is_failing(&input->probes[i])) {
			return true;
		}
	}
	return false;
}

static enum state
whole_state(const struct health_input *input)
{
	enum state worst = input->count > 0 ? STATE_READY : STATE_STARTING;

	if (input->stopping) {
		return STATE_DRAINING;
	}
	if (input->role != HEALTH_ACTS) {
		return input->role == HEALTH_WAITS ? STATE_WAITING : STATE_YIELDED;
	}
	for (uint32_t i = 0; i < input->count; i++) {
		enum state state = shard_state(&input->shards[i], &input->limits);

		worst = state > worst ? state : worst;
	}
	bool degraded = input->budget_low || probes_are_failing(input);

	return worst == STATE_READY && degraded ? STATE_DEGRADED : worst;
}

static unsigned
path_status(enum health_path path, const struct health_input *input)
{
	enum state state = whole_state(input);

	switch (path) {
	case HEALTH_PATH_ROOT:
	case HEALTH_PATH_READY:
	case HEALTH_PATH_HEALTH:
		return input->strict_probe ? states[state].healthz : 200;
	case HEALTH_PATH_HEALTHZ:
		return states[state].healthz;
	case HEALTH_PATH_LIVEZ:
		return 200;
	case HEALTH_PATH_READYZ:
		return states[state].readyz;
	case HEALTH_PATH_STARTUPZ:
		return states[state].startupz;
	}
	return 503;
}

const char *
health_state(const struct health_input *input)
{
	return states[whole_state(input)].text;
}

/* ---- what it is made of, for other readers of the same truth ---- */

bool
health_lists(const struct health_input *input, const struct snapshot *shard)
{
	return input->count <= HEALTH_SHARDS_LISTED || !is_well(shard, &input->limits);
}

/* It goes on while a shard is down. */
mono_ns
health_last_event_age(const struct health_input *input)
{
	mono_ns oldest = SNAPSHOT_NONE;

	for (uint32_t i = 0; i < input->count; i++) {
		mono_ns age = input->shards[i].last_event_age;

		oldest = age > oldest ? age : oldest;
	}
	return oldest;
}

/* RFC 3339 in UTC. */
struct utc {
	char text[32];
};

static struct utc
utc_of(int64_t wall_ms)
{
	time_t seconds = (time_t)(wall_ms / 1000);
	struct utc utc = {""};
	struct tm parts;

	if (gmtime_r(&seconds, &parts)) {
		(void)strftime(utc.text, sizeof utc.text, "%Y-%m-%dT%H:%M:%SZ", &parts);
	}
	return utc;
}

static bool
explain_budget(const struct health_input *input, char *out, size_t room)
{
	if (input->release_wall_ms != 0) {
		(void)snprintf(out, room,
		    "identify budget spent: none left today before the reserve of "
		    "%" PRId64 ", new sessions wait until %s",
		    input->identify_reserve, utc_of(input->release_wall_ms).text);
		return true;
	}
	(void)snprintf(out, room,
	    "identify budget low: %" PRId64
	    " left today before the reserve of %" PRId64,
	    input->identifies_left, input->identify_reserve);
	return input->budget_low;
}

static void
explain_silence(const struct snapshot *shard, char *out, size_t room)
{
	int64_t silence = (shard->last_event_age + CLOCK_MS(500)) / CLOCK_S(1);
	int64_t latency_ms = (shard->latency + CLOCK_US(500)) / CLOCK_MS(1);

	if (shard->latency == SNAPSHOT_NONE) {
		(void)snprintf(out, room,
		    "shard %u: no event for %" PRId64 " s, latency unknown",
		    shard->shard_id, silence);
	} else {
		(void)snprintf(out, room,
		    "shard %u: no event for %" PRId64 " s, latency %" PRId64
		    ".%03" PRId64 " s",
		    shard->shard_id, silence, latency_ms / 1000, latency_ms % 1000);
	}
}

static void
explain_shard(const struct health_input *input, const struct snapshot *shard, char *out,
    size_t room)
{
	if (shard_is_degraded(shard, &input->limits)) {
		explain_silence(shard, out, room);
		return;
	}
	(void)snprintf(out, room, "shard %u: %s%s%s", shard->shard_id,
	    snapshot_state_text(shard->state), shard->reason[0] ? ": " : "",
	    shard->reason);
}

void
health_reasons(const struct health_input *input, health_reason *each, void *ctx)
{
	char text[HEALTH_REASON_ROOM];
	uint32_t named = 0;

	if (input->stopping) {
		each(ctx, "stopping");
	}
	if (input->role != HEALTH_ACTS) {
		/* The rest is the other one's. */
		each(ctx, input->role_reason ? input->role_reason : "does not act");
		return;
	}
	if (explain_budget(input, text, sizeof text)) {
		each(ctx, text);
	}
	for (size_t i = 0; i < input->probe_count; i++) {
		if (is_failing(&input->probes[i])) {
			(void)snprintf(text, sizeof text, "probe %s: %s",
			    input->probes[i].name, input->probes[i].probe.reason);
			each(ctx, text);
		}
	}
	for (uint32_t i = 0; i < input->count; i++) {
		const struct snapshot *shard = &input->shards[i];

		if (is_well(shard, &input->limits) || named++ >= HEALTH_SHARDS_LISTED) {
			continue;
		}
		explain_shard(input, shard, text, sizeof text);
		each(ctx, text);
	}
	if (named > HEALTH_SHARDS_LISTED) {
		(void)snprintf(text, sizeof text, "and %u more shards",
		    named - HEALTH_SHARDS_LISTED);
		each(ctx, text);
	}
}

/* ---- the document ---- */

/* One document under way; with an error anywhere it is taken back as a whole. */
struct document {
	struct buf *body;
	enum gw_err err;
};

static void
note(struct document *doc, enum gw_err err)
{
	doc->err = err != GW_OK ? err : doc->err;
}

#define PUT(doc, ...) note((doc), buf_printf((doc)->body, __VA_ARGS__))

static void
put_bytes(struct document *doc, const unsigned char *from, const unsigned char *to)
{
	note(doc, buf_append(doc->body, from, (size_t)(to - from)));
}

/* The inside of a JSON string.  Reasons quote peers: what is not UTF-8 is replaced. */
static void
put_text(struct document *doc, const char *text)
{
	const unsigned char *at = (const unsigned char *)text;
	const unsigned char *plain = at; /* not yet appended */

	while (*at) {
		size_t size = utf8_length(at, strnlen((const char *)at, 4));
		bool quoted = *at == '"' || *at == '\\';

		if (size > 0 && *at >= 0x20 && *at != 0x7F && !quoted) {
			at += size;
			continue;
		}
		put_bytes(doc, plain, at);
		if (size == 0) {
			PUT(doc, "\\ufffd");
		} else if (quoted) {
			PUT(doc, "\\%c", *at);
		} else {
			PUT(doc, "\\u%04x", *at);
		}
		plain = ++at;
	}
	put_bytes(doc, plain, at);
}

static void
put_string(struct document *doc, const char *key, const char *text)
{
	PUT(doc, ",\"%s\":", key);
	if (!text || !*text) {
		PUT(doc, "null");
		return;
	}
	PUT(doc, "\"");
	put_text(doc, text);
	PUT(doc, "\"");
}

static const char *
bool_text(bool value)
{
	return value ? "true" : "false";
}

static void
put_seconds(struct document *doc, const char *key, mono_ns distance, int decimals)
{
	if (distance == SNAPSHOT_NONE) {
		PUT(doc, ",\"%s\":null", key);
	} else {
		PUT(doc, ",\"%s\":%.*f", key, decimals, clock_seconds(distance));
	}
}

/* The seconds that have passed: 1.999 s are 1. */
static void
put_whole_seconds(struct document *doc, const char *key, mono_ns age)
{
	put_seconds(doc, key, age == SNAPSHOT_NONE ? age : age - age % CLOCK_S(1), 0);
}

static void
put_budget(struct document *doc, const struct health_input *input)
{
	PUT(doc, ",\"identifies_left\":%" PRId64 ",\"identify_reserve\":%" PRId64,
	    input->identifies_left, input->identify_reserve);
	if (input->release_wall_ms == 0) {
		PUT(doc, ",\"identify_release_at\":null");
		return;
	}
	put_string(doc, "identify_release_at", utc_of(input->release_wall_ms).text);
}

static void
put_limit(struct document *doc, const char *key, mono_ns limit)
{
	put_seconds(doc, key, limit, limit % CLOCK_S(1) == 0 ? 0 : 3);
}

static void
put_shard(struct document *doc, const struct snapshot *shard)
{
	PUT(doc, "{\"id\":%u,\"count\":%u", shard->shard_id, shard->shard_count);
	put_string(doc, "state", snapshot_state_text(shard->state));
	PUT(doc, ",\"connected\":%s", bool_text(shard->connected));
	put_whole_seconds(doc, "last_event_age_s", shard->last_event_age);
	put_seconds(doc, "latency_s", shard->latency, 6);
	put_string(doc, "reason", shard->reason);
	PUT(doc, "}");
}

static void
put_shards(struct document *doc, const struct health_input *input)
{
	uint32_t listed = 0;

	PUT(doc, ",\"shards\":[");
	for (uint32_t i = 0; i < input->count && listed < HEALTH_SHARDS_LISTED; i++) {
		if (health_lists(input, &input->shards[i])) {
			PUT(doc, "%s", listed++ > 0 ? "," : "");
			put_shard(doc, &input->shards[i]);
		}
	}
	PUT(doc, "]");
}

/* A reason of the document, under way. */
struct reason_list {
	struct document *doc;
	const char *comma;
};

static void
put_reason(void *ctx, const char *text)
{
	struct reason_list *list = ctx;

	PUT(list->doc, "%s\"", list->comma);
	put_text(list->doc, text);
	PUT(list->doc, "\"");
	list->comma = ",";
}

static void
put_reasons(struct document *doc, const struct health_input *input)
{
	struct reason_list list = {.doc = doc, .comma = ""};

	PUT(doc, ",\"reasons\":[");
	health_reasons(input, put_reason, &list);
	PUT(doc, "]");
}

static void
put_component(struct document *doc, const struct probe_view *view, mono_ns now)
{
	const struct probe *probe = &view->probe;
	bool known = probe->state != PROBE_UNKNOWN;
	bool ran = probe->runs > 0;

	PUT(doc, "{\"name\":\"%s\"", view->name);
	put_string(doc, "kind", view->kind);
	put_string(doc, "state", probe_state_text(probe->state));
	PUT(doc, ",\"required\":%s", bool_text(view->required));
	put_whole_seconds(doc, "state_age_s",
	    known ? now - probe->since : SNAPSHOT_NONE);
	put_whole_seconds(doc, "last_run_age_s",
	    ran ? now - probe->last_at : SNAPSHOT_NONE);
	put_seconds(doc, "duration_s", ran ? probe->last_took : SNAPSHOT_NONE, 6);
	put_string(doc, "reason", probe->reason);
	PUT(doc, "}");
}

static void
put_components(struct document *doc, const struct health_input *input)
{
	PUT(doc, ",\"components\":[");
	for (size_t i = 0; i < input->probe_count; i++) {
		PUT(doc, "%s", i > 0 ? "," : "");
		put_component(doc, &input->probes[i], input->now);
	}
	PUT(doc, "]");
}

static void
put_uptime(struct document *doc, mono_ns uptime)
{
	int64_t seconds = uptime / CLOCK_S(1);

	PUT(doc, ",\"uptime\":\"%02lld:%02lld:%02lld\"", (long long)(seconds / 3600),
	    (long long)(seconds / 60 % 60), (long long)(seconds % 60));
}

static void
put_document(struct document *doc, const struct health_input *input)
{
	struct snapshot_total total = snapshot_aggregate(input->shards, input->count);
	bool connected = total.shards > 0 && total.connected == total.shards;
	mono_ns age = health_last_event_age(input);

	/* ok is connected, also with 206: so said the bots that monitors know. */
	PUT(doc, "{\"ok\":%s,\"connected\":%s", bool_text(connected),
	    bool_text(connected));
	put_string(doc, "state", health_state(input));
	put_reasons(doc, input);
	put_uptime(doc, input->uptime);
	put_whole_seconds(doc, "last_event_age_s", age);
	put_seconds(doc, "latency_s", total.latency, 6);
	PUT(doc, ",\"strict_probe\":%s", bool_text(input->strict_probe));
	put_string(doc, "bot", input->bot);
	put_string(doc, "env", input->env);
	put_string(doc, "version", input->version);
	put_seconds(doc, "age_seconds", age, 3);
	put_limit(doc, "stall_after_sec", input->limits.stall);
	put_limit(doc, "keepalive_sec", input->limits.keepalive);
	put_limit(doc, "disconnect_grace_sec", input->limits.disconnect_grace);
	put_seconds(doc, "disconnect_age", total.disconnect_age, 3);
	put_seconds(doc, "last_ready_age", total.last_ready_age, 3);
	put_budget(doc, input);
	PUT(doc, ",\"shards_total\":%u,\"shards_connected\":%u", total.shards,
	    total.connected);
	put_shards(doc, input);
	put_components(doc, input);
	PUT(doc, "}\n");
}

unsigned
health_render(enum health_path path, const struct health_input *input, struct buf *body)
{
	if (body) {
		struct document doc = {.body = body};
		size_t before = body->size;

		put_document(&doc, input);
		if (doc.err != GW_OK) {
			body->size = before; /* half a document is none */
		}
	}
	return path_status(path, input);
}
