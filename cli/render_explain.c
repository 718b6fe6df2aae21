#include "render_explain.h"

#include <stdio.h>
#include <string.h>

#include "format.h"
#include "render_config.h"
#include "render_status.h"

#define TEXT_OF(value) format_json_scalar(value).text

/* Where "in 3.2 s" and what it says stand. */
#define LABEL_COLUMN 12
#define ACT_COLUMN   28

/* Shards that are told one by one on a terminal's screen. */
#define SHARDS_MAX 4

/* ---- what acts ---- */

struct render_explain_when
render_explain_when(const struct json *act)
{
	struct render_explain_when when;
	double seconds;

	if (!json_number(json_get(act, "in_seconds"), &seconds)) {
		(void)snprintf(when.text, sizeof when.text, "not known");
	} else if (seconds <= 0) {
		(void)snprintf(when.text, sizeof when.text, "now");
	} else {
		(void)snprintf(when.text, sizeof when.text, "in %s",
		    format_seconds(seconds).text);
	}
	return when;
}

static enum writer_style
act_style(const struct json *act)
{
	const char *action = json_text_or(json_get(act, "action"), "");

	if (strcmp(action, "watchdog_exit") == 0 ||
	    strcmp(action, "refused_exit") == 0) {
		return STYLE_RED;
	}
	return strstr(action, "close") || strstr(action, "warning") ? STYLE_YELLOW :
								      STYLE_PLAIN;
}

/* A label, when it acts, what it does, and below what would keep it from that. */
static void
put_act(struct writer *writer, const char *label, const struct json *act)
{
	const char *follows = json_text(json_get(act, "follows"));
	const char *doubt = json_text(json_get(act, "doubt"));
	char text[512];

	(void)snprintf(text, sizeof text, "%s%s%s%s%s%s",
	    json_text_or(json_get(act, "text"), "-"), follows ? "; " : "",
	    follows ? follows : "", doubt ? " (" : "", doubt ? doubt : "",
	    doubt ? ")" : "");
	writer_label(writer, label);
	writer_put(writer, STYLE_BOLD, render_explain_when(act).text);
	writer_tab(writer, ACT_COLUMN);
	writer_text(writer, act_style(act), text);
	writer_newline(writer);
	writer_tab(writer, LABEL_COLUMN);
	writer_put(writer, STYLE_DIM, "prevented by");
	writer_tab(writer, ACT_COLUMN);
	writer_text(writer, STYLE_DIM,
	    json_text_or(json_get(act, "prevented_by"), "-"));
	writer_newline(writer);
}

/* The first one comes whatever else does; those behind it where nothing else comes. */
static void
put_acts(struct writer *writer, const struct json *shard)
{
	const struct json *act = json_first(json_get(shard, "acts"));
	const char *label = "Then";

	if (act) {
		put_act(writer, "Next", act);
		act = json_next(act);
	}
	if (act && json_is_true(json_get(shard, "connected"))) {
		writer_label(writer, "Then");
		writer_text(writer, STYLE_PLAIN,
		    "only if nothing comes from the gateway any more:");
		writer_newline(writer);
		label = "";
	}
	for (; act; act = json_next(act)) {
		put_act(writer, label, act);
		label = "";
	}
}

/* ---- a shard ---- */

static void
put_state(struct writer *writer, const struct json *shard)
{
	bool up = json_is_true(json_get(shard, "connected"));
	char text[256];

	if (json_int_or(json_get(shard, "shard_count"), 1) == 1) {
		(void)snprintf(text, sizeof text, "the bot %.200s",
		    json_text_or(json_get(shard, "says"), "-"));
	} else {
		(void)snprintf(text, sizeof text, "shard %s %.200s",
		    TEXT_OF(json_get(shard, "shard")),
		    json_text_or(json_get(shard, "says"), "-"));
	}
	writer_label(writer, "State");
	writer_text(writer, up ? STYLE_GREEN : STYLE_YELLOW, text);
	writer_newline(writer);
}

static void
put_why_up(struct writer *writer, const struct json *shard)
{
	const struct json *latency = json_get(shard, "latency_seconds");

	writer_fact(writer, STYLE_PLAIN, "ready for %s",
	    format_json_seconds(json_get(shard, "uptime_seconds")).text);
	writer_fact(writer, STYLE_PLAIN, "last event %s ago",
	    format_json_seconds(json_get(shard, "last_event_age_seconds")).text);
	if (json_kind(latency) == JSON_NUMBER) {
		writer_fact(writer, STYLE_PLAIN, "latency %s",
		    format_json_latency(latency).text);
	} else {
		writer_fact(writer, STYLE_YELLOW, "latency not known");
	}
	writer_newline(writer);
}

static void
put_why_down(struct writer *writer, const struct json *shard)
{
	const struct json *down = json_get(shard, "disconnect_age_seconds");
	int64_t tries = json_int_or(json_get(shard, "cure_tries"), 0);

	writer_text(writer, STYLE_YELLOW,
	    json_text_or(json_get(shard, "reason"), "not connected yet"));
	writer_newline(writer);
	if (json_kind(down) != JSON_NUMBER && tries == 0) {
		return;
	}
	writer_label(writer, "");
	if (json_kind(down) == JSON_NUMBER) {
		writer_fact(writer, STYLE_PLAIN, "down for %s",
		    format_json_seconds(down).text);
	}
	if (tries > 0) {
		writer_fact(writer, STYLE_PLAIN, "%lld %s failed", (long long)tries,
		    tries == 1 ? "try" : "tries");
	}
	writer_newline(writer);
}

static void
put_shard(struct writer *writer, const struct json *shard)
{
	put_state(writer, shard);
	writer_label(writer, "Why");
	if (json_is_true(json_get(shard, "connected"))) {
		put_why_up(writer, shard);
	} else {
		put_why_down(writer, shard);
	}
	put_acts(writer, shard);
}

/* ---- all shards ---- */

static void
put_watchdog(struct writer *writer, const struct json *watchdog)
{
	const char *verdict = json_text_or(json_get(watchdog, "verdict"), "-");
	bool ok = strcmp(verdict, "ok") == 0;

	writer_label(writer, "Watchdog");
	writer_fact(writer, ok ? STYLE_GREEN : STYLE_RED, "%s", verdict);
	writer_fact(writer, STYLE_PLAIN, "looks in %s, then every %s",
	    format_json_seconds(json_get(watchdog, "next_check_seconds")).text,
	    format_json_seconds(json_get(watchdog, "keepalive_seconds")).text);
	writer_newline(writer);
}

/* True where the shard is told: those in trouble stand first; where there are none, the
 * one that is nearest to it. */
static bool
is_told(const struct json *shard, size_t told)
{
	return told == 0 ||
	    (!json_is_true(json_get(shard, "connected")) && told < SHARDS_MAX);
}

static void
put_rest(struct writer *writer, int64_t down, int64_t ready)
{
	if (down > 0) {
		writer_printf(writer, STYLE_YELLOW,
		    "%lld more %s not ready: gwctl shards down", (long long)down,
		    down == 1 ? "shard is" : "shards are");
		writer_newline(writer);
	}
	if (ready > 0) {
		writer_printf(writer, STYLE_DIM, "%lld more %s ready", (long long)ready,
		    ready == 1 ? "shard is" : "shards are");
		writer_newline(writer);
	}
}

static void
render_outlook(struct writer *writer, const struct json *result)
{
	const struct json *shards = json_get(result, "shards");
	int64_t ready = json_int_or(json_get(result, "shards_ready"), 0);
	size_t count = json_count(shards);
	int64_t down = (int64_t)count +
	    json_int_or(json_get(result, "shards_left_out"), 0) - ready;
	size_t told = 0;

	render_status_title(writer, json_get(result, "daemon"));
	for (const struct json *shard = json_first(shards); shard;
	     shard = json_next(shard)) {
		if (!is_told(shard, told)) {
			continue;
		}
		if (told++ > 0) {
			writer_newline(writer);
		}
		put_shard(writer, shard);
		if (json_is_true(json_get(shard, "connected"))) {
			ready--;
		} else {
			down--;
		}
	}
	put_watchdog(writer, json_get(result, "watchdog"));
	put_rest(writer, down, ready);
}

/* ---- a name ---- */

static void
put_heading(struct writer *writer, const char *kind, const char *name)
{
	if (writer->out.size > 0) {
		writer_newline(writer);
	}
	writer_text(writer, STYLE_BOLD, name);
	if (writer->column + 2 + strlen(kind) > writer->columns) {
		writer_newline(writer);
	}
	writer_printf(writer, STYLE_DIM, "  %s", kind);
	writer_newline(writer);
}

static void
put_help(struct writer *writer, const struct json *object)
{
	writer_tab(writer, 2);
	writer_text(writer, STYLE_PLAIN, json_text_or(json_get(object, "help"), "-"));
	writer_newline(writer);
}

/* A fact, where there is one. */
static void
put_fact(struct writer *writer, const struct json *object, const char *name,
    const char *label)
{
	const char *text = json_text(json_get(object, name));

	if (text) {
		render_config_row(writer, label, text[0] ? text : "nothing");
	}
}

static void
put_option(struct writer *writer, const struct json *option)
{
	const char *other = json_text(json_get(option, "default_other"));

	put_heading(writer, "option", json_text_or(json_get(option, "path"), "-"));
	put_help(writer, option);
	put_fact(writer, option, "type", "type");
	put_fact(writer, option, "unit", "unit");
	put_fact(writer, option, "allowed", "allowed");
	if (other) {
		char text[512];

		(void)snprintf(text, sizeof text,
		    "%.200s; in dev, test, qa and stage %.200s",
		    json_text_or(json_get(option, "default"), "-"), other);
		render_config_row(writer, "default", text);
	} else {
		put_fact(writer, option, "default", "default");
	}
	put_fact(writer, option, "environment", "environment");
	put_fact(writer, option, "environment_deprecated", "deprecated");
	render_config_row(writer, "a change acts",
	    render_config_when(json_text_or(json_get(option, "acts"), "-")));
}

static void
put_metric(struct writer *writer, const struct json *metric)
{
	put_heading(writer, "metric", json_text_or(json_get(metric, "name"), "-"));
	put_help(writer, metric);
	put_fact(writer, metric, "type", "type");
	put_fact(writer, metric, "unit", "unit");
	put_fact(writer, metric, "labels", "labels");
}

static void
put_exit(struct writer *writer, const struct json *status)
{
	char kind[64];

	(void)snprintf(kind, sizeof kind, "exit status of %.32s",
	    json_text_or(json_get(status, "program"), "-"));
	put_heading(writer, kind, TEXT_OF(json_get(status, "status")));
	put_help(writer, status);
}

static void
put_code(struct writer *writer, const struct json *code)
{
	put_heading(writer, "close code of the gateway",
	    TEXT_OF(json_get(code, "code")));
	put_help(writer, code);
	put_fact(writer, code, "does", "gwbotd");
	put_fact(writer, code, "remedy", "to do");
}

static void
put_command(struct writer *writer, const struct json *command)
{
	const char *synopsis = json_text_or(json_get(command, "synopsis"), "");
	char name[256];

	(void)snprintf(name, sizeof name, "%.60s%s%.180s",
	    json_text_or(json_get(command, "name"), "-"), synopsis[0] ? " " : "",
	    synopsis);
	put_heading(writer, "command", name);
	put_help(writer, command);
}

static void
render_name(struct writer *writer, const struct json *result)
{
	static const struct {
		const char *member;
		void (*put)(struct writer *writer, const struct json *object);
	} kinds[] = {
	    {"options", put_option},
	    {"metrics", put_metric},
	    {"exits", put_exit},
	    {"close_codes", put_code},
	    {"commands", put_command},
	};

	for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
		const struct json *object =
		    json_first(json_get(result, kinds[i].member));

		for (; object; object = json_next(object)) {
			kinds[i].put(writer, object);
		}
	}
}

void
render_explain_screen(struct writer *writer, const struct json *result)
{
	if (json_get(result, "name")) {
		render_name(writer, result);
	} else {
		render_outlook(writer, result);
	}
}
