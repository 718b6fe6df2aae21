#include "render_status.h"

#include <string.h>

#include "format.h"
#include "origin.h"
#include "render_shards.h"
#include "skew.h"

#define UP_COLUMN       48 /* where the right half of the first line begins */
#define NAME_COLUMNS    24
#define PROFILE_COLUMNS 12
#define REASONS_MAX     3 /* shards whose trouble is told one by one */
#define ROWS_MAX        8 /* shards in the table; with more only those in trouble */
#define TEXT_OF(value)  format_json_scalar(value).text

/* ---- first line ---- */

static enum writer_style
state_style(const char *state)
{
	if (strcmp(state, "ready") == 0) {
		return STYLE_GREEN;
	}
	if (strcmp(state, "down") == 0 || strcmp(state, "fatal") == 0) {
		return STYLE_RED;
	}
	return STYLE_YELLOW;
}

/* On the right, or where no room is, below. */
static void
render_up(struct writer *writer, const struct json *daemon)
{
	struct format_text up = format_json_seconds(json_get(daemon, "uptime_seconds"));
	struct format_text pid = format_json_scalar(json_get(daemon, "pid"));
	size_t width = strlen("  up   pid ") + strlen(up.text) + strlen(pid.text);
	size_t begin = writer->column < UP_COLUMN ? UP_COLUMN - 2 : writer->column;

	if (begin + width > writer->columns) {
		writer_newline(writer);
	} else {
		writer_tab(writer, begin);
	}
	writer_printf(writer, STYLE_PLAIN, "  up %s  pid %s", up.text, pid.text);
	writer_newline(writer);
}

void
render_status_title(struct writer *writer, const struct json *daemon)
{
	const char *state = json_text_or(json_get(daemon, "state"), "unknown");
	enum writer_style style = state_style(state);

	writer_put(writer, style, "● ");
	writer_put_cut(writer, STYLE_BOLD, json_text_or(json_get(daemon, "name"), "-"),
	    NAME_COLUMNS);
	writer_put(writer, STYLE_PLAIN, "  ");
	writer_put_cut(writer, STYLE_PLAIN,
	    json_text_or(json_get(daemon, "profile"), "-"), PROFILE_COLUMNS);
	writer_printf(writer, style, "  %s", state);
	render_up(writer, daemon);
}

/* ---- the lines below ---- */

static void
render_gateway(struct writer *writer, const struct json *gateway,
    const struct json *daemon)
{
	int64_t shards = json_int_or(json_get(gateway, "shards"), 0);
	int64_t connected = json_int_or(json_get(gateway, "connected"), 0);
	const struct json *down = json_get(gateway, "disconnect_age_seconds");

	writer_label(writer, "Gateway");
	writer_fact(writer, connected == shards ? STYLE_GREEN : STYLE_YELLOW,
	    "%lld of %lld %s ready", (long long)connected, (long long)shards,
	    shards == 1 ? "shard" : "shards");
	if (json_int_or(json_get(gateway, "shard_count"), shards) != shards) {
		writer_fact(writer, STYLE_PLAIN, "shards %s-%s of %s",
		    TEXT_OF(json_get(gateway, "first_shard")),
		    TEXT_OF(json_get(gateway, "last_shard")),
		    TEXT_OF(json_get(gateway, "shard_count")));
	}
	if (connected > 0) {
		writer_fact(writer, STYLE_PLAIN, "last event %s ago",
		    format_json_seconds(json_get(gateway, "last_event_age_seconds"))
			.text);
		writer_fact(writer, STYLE_PLAIN, "latency %s",
		    format_json_latency(json_get(gateway, "latency_seconds")).text);
	}
	if (json_kind(down) == JSON_NUMBER) {
		writer_fact(writer, STYLE_RED, "down for %s",
		    format_json_seconds(down).text);
	}
	if (json_kind(json_get(gateway, "last_ready_age_seconds")) == JSON_NULL) {
		writer_fact(writer, STYLE_YELLOW, "not connected since the start");
	}
	if (json_is_true(json_get(daemon, "simulated"))) {
		writer_fact(writer, STYLE_DIM, "built-in gateway (--sim)");
	}
	writer_newline(writer);
}

static void
render_watchdog(struct writer *writer, const struct json *watchdog,
    const struct json *gateway)
{
	const char *verdict = json_text_or(json_get(watchdog, "verdict"), "-");
	const struct json *down = json_get(gateway, "disconnect_age_seconds");
	const struct json *silence = json_get(gateway, "last_event_age_seconds");
	bool ok = strcmp(verdict, "ok") == 0;

	writer_label(writer, "Watchdog");
	writer_fact(writer, ok ? STYLE_GREEN : STYLE_RED, "%s", verdict);
	if (json_kind(silence) == JSON_NUMBER) {
		writer_fact(writer, STYLE_PLAIN, "silence %s of %s",
		    format_json_seconds(silence).text,
		    format_json_seconds(json_get(watchdog, "stall_seconds")).text);
		writer_fact(writer, STYLE_PLAIN, "latency %s of %s",
		    format_json_latency(json_get(gateway, "latency_seconds")).text,
		    format_json_seconds(json_get(watchdog, "max_latency_seconds"))
			.text);
	}
	if (json_kind(down) == JSON_NUMBER) {
		writer_fact(writer, STYLE_PLAIN, "down %s of %s",
		    format_json_seconds(down).text,
		    format_json_seconds(json_get(watchdog, "disconnect_grace_seconds"))
			.text);
	}
	writer_fact(writer, STYLE_PLAIN, "checks every %s",
	    format_json_seconds(json_get(watchdog, "keepalive_seconds")).text);
	writer_newline(writer);
}

static void
render_session(struct writer *writer, const struct json *gateway,
    const struct json *shards)
{
	const struct json *only = json_count(shards) == 1 ? json_first(shards) : NULL;

	writer_label(writer, only ? "Session" : "Sessions");
	if (only) {
		writer_fact(writer, STYLE_PLAIN, "%s",
		    TEXT_OF(json_get(only, "session_id")));
		writer_fact(writer, STYLE_PLAIN, "seq %s",
		    TEXT_OF(json_get(only, "seq")));
	}
	writer_fact(writer, STYLE_PLAIN, "resumes %s",
	    TEXT_OF(json_get(gateway, "resumes")));
	writer_fact(writer, STYLE_PLAIN, "identifies %s",
	    TEXT_OF(json_get(gateway, "identifies")));
	writer_fact(writer, STYLE_PLAIN, "reconnects %s",
	    TEXT_OF(json_get(gateway, "reconnects")));
	writer_newline(writer);
}

static void
render_process(struct writer *writer, const struct json *daemon,
    const struct json *loop)
{
	writer_label(writer, "Process");
	writer_fact(writer, STYLE_PLAIN, "gwbotd %.40s",
	    json_text_or(json_get(daemon, "version"), "-"));
	writer_fact(writer, STYLE_PLAIN, "memory %s",
	    format_json_bytes(json_get(daemon, "rss_bytes")).text);
	if (json_kind(json_get(loop, "turn_times")) != JSON_OBJECT) {
		writer_fact(writer, STYLE_PLAIN, "longest turn of the loop %s",
		    format_json_latency(json_get(loop, "turn_max_seconds")).text);
	}
	writer_newline(writer);
}

/* After an upgrade of the package, until the daemon is started again. */
static void
render_skew(struct writer *writer, const struct json *daemon)
{
	char text[256];

	if (skew_explain(json_text(json_get(daemon, "version")), text, sizeof text)) {
		writer_label(writer, "Version");
		writer_text(writer, STYLE_YELLOW, text);
		writer_newline(writer);
	}
}

static void
quantile_fact(struct writer *writer, const char *what, const struct json *quantiles)
{
	if (json_int_or(json_get(quantiles, "count"), 0) > 0) {
		writer_fact(writer, STYLE_PLAIN, "%s p99.9 %s, max %s", what,
		    format_json_latency(json_get(quantiles, "p999_seconds")).text,
		    format_json_latency(json_get(quantiles, "max_seconds")).text);
	}
}

/* What would delay a heartbeat, and whether it did. */
static void
render_loop(struct writer *writer, const struct json *loop, const struct json *beats)
{
	const struct json *turns = json_get(loop, "turn_times");

	if (json_kind(turns) != JSON_OBJECT) {
		return; /* a daemon without these figures */
	}
	writer_label(writer, "Loop");
	quantile_fact(writer, "turns", turns);
	quantile_fact(writer, "heartbeats late", beats);
	writer_newline(writer);
}

static void
render_budget(struct writer *writer, const struct json *identify)
{
	int64_t left = json_int_or(json_get(identify, "left"), 0);
	double held;

	if (json_kind(identify) != JSON_OBJECT) {
		return;
	}
	writer_label(writer, "Identify");
	writer_fact(writer, left > 0 ? STYLE_PLAIN : STYLE_RED, "%lld of %s left today",
	    (long long)left, TEXT_OF(json_get(identify, "total")));
	writer_fact(writer, STYLE_PLAIN, "%s in reserve",
	    TEXT_OF(json_get(identify, "reserve")));
	if (json_number(json_get(identify, "held_for_seconds"), &held)) {
		writer_fact(writer, STYLE_RED, "held until %s (in %s)",
		    origin_instant(held).text, format_seconds(held).text);
	}
	writer_newline(writer);
}

/* While what runs is not to stay, or not what was read last. */
static void
render_config(struct writer *writer, const struct json *config)
{
	const struct json *trial = json_get(config, "trial");
	const struct json *back = json_get(config, "set_back_age_seconds");
	double left;

	if (json_number(json_get(trial, "reverts_in_seconds"), &left)) {
		writer_label(writer, "Config");
		writer_fact(writer, STYLE_YELLOW, "on trial for %s",
		    format_json_seconds(json_get(trial, "set_age_seconds")).text);
		writer_fact(writer, STYLE_YELLOW, "goes back at %s (in %s)",
		    origin_instant(left).text, format_seconds(left).text);
		writer_fact(writer, STYLE_PLAIN, "to keep it: gwctl reload --keep");
		writer_newline(writer);
	} else if (json_kind(back) == JSON_NUMBER) {
		writer_label(writer, "Config");
		writer_fact(writer, STYLE_YELLOW,
		    "went back %s ago to what ran before the reload",
		    format_json_seconds(back).text);
		writer_fact(writer, STYLE_PLAIN, "what differs: gwctl config diff");
		writer_newline(writer);
	}
}

static void
render_rest(struct writer *writer, const struct json *rest)
{
	const struct json *wait = json_get(rest, "global_wait_seconds");
	double seconds = 0;

	if (json_kind(rest) != JSON_OBJECT) {
		return;
	}
	writer_label(writer, "REST");
	writer_fact(writer, STYLE_PLAIN, "requests %s",
	    TEXT_OF(json_get(rest, "requests")));
	writer_fact(writer, STYLE_PLAIN, "retries %s",
	    TEXT_OF(json_get(rest, "retries")));
	writer_fact(writer, STYLE_PLAIN, "limited %s",
	    TEXT_OF(json_get(rest, "limited")));
	writer_fact(writer, STYLE_PLAIN, "queued %s",
	    TEXT_OF(json_get(rest, "queued")));
	if (json_is_true(json_get(rest, "unauthorized"))) {
		writer_fact(writer, STYLE_RED, "the token is refused");
	}
	if (json_is_true(json_get(rest, "braked"))) {
		writer_fact(writer, STYLE_RED, "braked: %s invalid requests in 10 min",
		    TEXT_OF(json_get(rest, "invalid_10min")));
	}
	if (json_number(wait, &seconds) && seconds > 0) {
		writer_fact(writer, STYLE_YELLOW, "waits %s for the global limit",
		    format_seconds(seconds).text);
	}
	writer_newline(writer);
}

/* ---- what is wrong, and what happens next ---- */

/* What a shard does in a state that is not ready; with names_host its host follows. */
static const struct {
	const char *state;
	const char *text;
	bool names_host;
} next_steps[] = {
    {"idle", "connects as soon as it may", false},
    {"resolving", "looks up the address of ", true},
    {"connecting", "connects to ", true},
    {"wait_hello", "waits for HELLO from ", true},
    {"wait_slot", "waits for an identify slot", false},
    {"identifying", "waits for READY of a new session", false},
    {"resuming", "waits for RESUMED: nothing is lost then", false},
    {"stopped", "nothing: it was told to stop", false},
    {"fatal", "gwbotd ends with status 77: see the reason, then start it again", false},
};

static void
render_tries(struct writer *writer, int64_t tries)
{
	if (tries > 0) {
		writer_fact(writer, STYLE_YELLOW, "%lld %s failed", (long long)tries,
		    tries == 1 ? "try" : "tries");
	}
}

static void
render_step(struct writer *writer, const struct json *shard)
{
	const char *state = json_text_or(json_get(shard, "state"), "");
	const char *host = json_text_or(json_get(shard, "host"), "the gateway");
	const struct json *wait = json_get(shard, "next_try_in_seconds");
	int64_t tries = json_int_or(json_get(shard, "cure_tries"), 0);

	if (strcmp(state, "backoff") == 0) {
		writer_fact(writer, STYLE_PLAIN, "%s in %s", render_cure_of(shard).text,
		    format_json_seconds(wait).text);
		render_tries(writer, tries);
		return;
	}
	for (size_t i = 0; i < sizeof next_steps / sizeof next_steps[0]; i++) {
		if (strcmp(state, next_steps[i].state) == 0) {
			writer_fact(writer, STYLE_PLAIN, "%s%s", next_steps[i].text,
			    next_steps[i].names_host ? host : "");
		}
	}
	if (json_kind(wait) == JSON_NUMBER) {
		writer_fact(writer, STYLE_PLAIN, "in %s",
		    format_json_seconds(wait).text);
	}
	render_tries(writer, tries);
}

/* When the watchdog would end the process because of a shard that stays down. */
static void
render_exit(struct writer *writer, const struct json *shard)
{
	const struct json *wait = json_get(shard, "watchdog_exit_in_seconds");

	if (json_kind(wait) == JSON_NUMBER) {
		writer_fact(writer, STYLE_DIM,
		    "the watchdog ends the process in %s if it stays down",
		    format_json_seconds(wait).text);
	}
}

static void
render_trouble(struct writer *writer, const struct json *shard)
{
	const char *state = json_text_or(json_get(shard, "state"), "");
	bool over = strcmp(state, "fatal") == 0 || strcmp(state, "stopped") == 0;
	bool only = json_int_or(json_get(shard, "shard_count"), 0) == 1;

	writer_label(writer, "Reason");
	if (!only) {
		writer_printf(writer, STYLE_YELLOW,
		    "shard %s: ", TEXT_OF(json_get(shard, "shard")));
	}
	writer_text(writer, STYLE_YELLOW,
	    json_text_or(json_get(shard, "reason"), "not connected yet"));
	writer_newline(writer);
	writer_label(writer, "Next");
	render_step(writer, shard);
	if (!over) {
		render_exit(writer, shard);
	}
	writer_newline(writer);
}

static void
render_troubles(struct writer *writer, const struct json *shards)
{
	size_t count = 0;

	for (const struct json *shard = json_first(shards); shard;
	     shard = json_next(shard)) {
		if (!json_is_true(json_get(shard, "connected")) &&
		    count++ < REASONS_MAX) {
			render_trouble(writer, shard);
		}
	}
	if (count > REASONS_MAX) {
		writer_label(writer, "");
		writer_fact(writer, STYLE_DIM, "and %zu more shards: gwctl shards down",
		    count - REASONS_MAX);
		writer_newline(writer);
	}
}

/* ---- the shards ---- */

/* "wait_hello" as "wait hello". */
static struct format_text
state_words(const struct json *value)
{
	struct format_text words = format_json_scalar(value);

	for (char *at = words.text; *at; at++) {
		if (*at == '_') {
			*at = ' ';
		}
	}
	return words;
}

static void
render_shards(struct writer *writer, const struct json *shards, int64_t left_out)
{
	static const struct writer_column columns[] = {{"SHARD", true},
	    {"STATE", false}, {"UP", false}, {"LAST EVENT", true}, {"LATENCY", true},
	    {"SEQ", true}, {"RESUMES", true}, {"GUILDS", true}};
	bool all = left_out == 0 && json_count(shards) <= ROWS_MAX;
	struct writer_table table;
	int64_t rows = 0;

	writer_table_begin(&table, columns, sizeof columns / sizeof columns[0]);
	for (const struct json *shard = json_first(shards); shard;
	     shard = json_next(shard)) {
		bool up = json_is_true(json_get(shard, "connected"));

		if ((up && !all) || ++rows > ROWS_MAX) {
			continue;
		}

		writer_table_cell(&table, STYLE_PLAIN, "%s",
		    TEXT_OF(json_get(shard, "shard")));
		writer_table_cell(&table, up ? STYLE_GREEN : STYLE_YELLOW, "%s",
		    state_words(json_get(shard, "state")).text);
		writer_table_cell(&table, STYLE_PLAIN, "%s",
		    format_json_seconds(json_get(shard, "uptime_seconds")).text);
		writer_table_cell(&table, STYLE_PLAIN, "%s",
		    format_json_seconds(json_get(shard, "last_event_age_seconds"))
			.text);
		writer_table_cell(&table, STYLE_PLAIN, "%s",
		    format_json_latency(json_get(shard, "latency_seconds")).text);
		writer_table_cell(&table, STYLE_PLAIN, "%s",
		    TEXT_OF(json_get(shard, "seq")));
		writer_table_cell(&table, STYLE_PLAIN, "%s",
		    TEXT_OF(json_get(shard, "resumes")));
		writer_table_cell(&table, STYLE_PLAIN, "%s",
		    TEXT_OF(json_get(shard, "guilds")));
	}
	if (rows > 0) {
		writer_newline(writer);
		writer_table_end(&table, writer);
	} else {
		writer_table_drop(&table);
	}
	if (!all) {
		writer_text(writer, STYLE_DIM,
		    rows > ROWS_MAX ? "and more that are not ready: gwctl shards down" :
				      "the shards that are ready are in: gwctl shards");
		writer_newline(writer);
	}
}

void
render_status_screen(struct writer *writer, const struct json *result)
{
	const struct json *daemon = json_get(result, "daemon");
	const struct json *gateway = json_get(result, "gateway");
	const struct json *loop = json_get(result, "loop");
	const struct json *watchdog = json_get(result, "watchdog");
	const struct json *shards = json_get(result, "shards");

	render_status_title(writer, daemon);
	render_gateway(writer, gateway, daemon);
	render_troubles(writer, shards);
	render_watchdog(writer, watchdog, gateway);
	render_session(writer, gateway, shards);
	render_budget(writer, json_get(result, "identify"));
	render_config(writer, json_get(result, "config"));
	render_process(writer, daemon, loop);
	render_skew(writer, daemon);
	render_loop(writer, loop, json_get(result, "heartbeat_lateness"));
	render_rest(writer, json_get(result, "rest"));
	render_shards(writer, shards,
	    json_int_or(json_get(result, "shards_left_out"), 0));
}
