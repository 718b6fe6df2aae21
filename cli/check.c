#include "check.h"

#include <stdio.h>
#include <string.h>

#include "format.h"

#define NUMBER_ROOM 40

/* Of more reasons than this the line names only how many. */
#define REASONS_TOLD   2

#define LINE_MAX_BYTES ((size_t)4096)

#define HTTP_OK        200
#define HTTP_DEGRADED  206

static const char *const words[] = {
#define STATUS_WORD(name, status, word) [CHECK_##name] = (word),
    CHECK_STATUS_TABLE(STATUS_WORD)
#undef STATUS_WORD
};

/* One judgement under way. */
struct judgement {
	const struct json *health;
	enum check_status status;
	struct json *reasons;  /* of the status, worst or not */
	struct json *perfdata; /* one object a figure */
};

/* ---- pieces ---- */

static int64_t
int_of(const struct judgement *judgement, const char *name)
{
	int64_t number = 0;

	(void)json_int(json_get(judgement->health, name), &number);
	return number;
}

static void
worsen(struct judgement *judgement, enum check_status status)
{
	judgement->status = status > judgement->status ? status : judgement->status;
}

/* A limit of the line, or part of one of the daemon's; below 0: there is none. */
static double
limit_of(const struct judgement *judgement, mono_ns said, const char *name)
{
	double seconds = -1;

	if (said != CHECK_UNSET) {
		return clock_seconds(said);
	}
	(void)json_number(json_get(judgement->health, name), &seconds);
	return seconds;
}

/* ---- figures ---- */

/* A figure with its limits; limits below 0 are none. */
struct figure {
	const char *label;
	const char *what; /* for people */
	const char *member;
	double warn;
	double crit;
};

static void
add_figure(struct judgement *judgement, const struct figure *figure)
{
	const struct json *value = json_get(judgement->health, figure->member);
	struct json *object = json_new_object();
	double seconds;

	json_add_text(object, "label", figure->label);
	if (json_number(value, &seconds)) {
		json_add_number(object, "value", seconds);
	} else {
		json_add_null(object, "value");
	}
	json_add_text(object, "unit", "s");
	json_add_text(object, "warn",
	    figure->warn >= 0 ? format_decimal(figure->warn).text : NULL);
	json_add_text(object, "crit",
	    figure->crit >= 0 ? format_decimal(figure->crit).text : NULL);
	json_add_number(object, "min", 0);
	json_add_null(object, "max");
	json_append(judgement->perfdata, object);
}

static void
judge_figure(struct judgement *judgement, const struct figure *figure)
{
	double seconds;
	bool known = json_number(json_get(judgement->health, figure->member), &seconds);
	bool critical = known && figure->crit >= 0 && seconds > figure->crit;
	bool warning = known && figure->warn >= 0 && seconds > figure->warn;
	char text[160];

	add_figure(judgement, figure);
	if (!critical && !warning) {
		return;
	}
	(void)snprintf(text, sizeof text, "%s %s, limit %s", figure->what,
	    format_latency(seconds).text,
	    format_latency(critical ? figure->crit : figure->warn).text);
	json_append(judgement->reasons, json_new_text(text));
	worsen(judgement, critical ? CHECK_CRITICAL : CHECK_WARNING);
}

static void
judge_shards(struct judgement *judgement)
{
	int64_t total = int_of(judgement, "shards_total");
	int64_t ready = int_of(judgement, "shards_connected");
	struct json *object = json_new_object();
	char warn[NUMBER_ROOM];

	(void)snprintf(warn, sizeof warn, "%lld:", (long long)total);
	json_add_text(object, "label", "shards_ready");
	json_add_int(object, "value", ready);
	json_add_text(object, "unit", "");
	json_add_text(object, "warn", warn);
	json_add_text(object, "crit", "1:");
	json_add_int(object, "min", 0);
	json_add_int(object, "max", total);
	json_append(judgement->perfdata, object);
	if (ready < total) {
		worsen(judgement, ready < 1 ? CHECK_CRITICAL : CHECK_WARNING);
	}
}

/* What the probes are told: a loss of some seconds is a reconnect like any other. */
static void
judge_state(struct judgement *judgement)
{
	const char *state = json_text(json_get(judgement->health, "state"));
	int64_t status = int_of(judgement, "http_status");
	bool lasting =
	    state && (strcmp(state, "down") == 0 || strcmp(state, "fatal") == 0);

	for (const struct json *reason =
		 json_first(json_get(judgement->health, "reasons"));
	     reason; reason = json_next(reason)) {
		json_append(judgement->reasons, json_copy(reason));
	}
	if (!state || status == 0) {
		worsen(judgement, CHECK_UNKNOWN);
	} else if (lasting) {
		worsen(judgement, CHECK_CRITICAL);
	} else if (status != HTTP_OK) {
		worsen(judgement, CHECK_WARNING);
	}
}

/* ---- the line ---- */

static void
put_reasons(const struct judgement *judgement, struct buf *line)
{
	size_t count = json_count(judgement->reasons);
	size_t told = 0;

	for (const struct json *reason = json_first(judgement->reasons);
	     reason && told < REASONS_TOLD; reason = json_next(reason), told++) {
		const char *text = json_text(reason);

		(void)buf_printf(line, "%s%.200s", told == 0 ? ": " : "; ",
		    text ? text : "-");
	}
	if (count > told) {
		(void)buf_printf(line, "; and %zu more", count - told);
	}
}

/* A bar would begin the figures. */
static void
add_text(struct json *document, struct buf *line)
{
	for (size_t i = 0; i < line->size; i++) {
		if (line->data[i] == '|') {
			line->data[i] = '/';
		}
	}
	(void)buf_append(line, "", 1);
	json_add_text(document, "text", line->size > 1 ? line->data : "");
}

static enum check_status
end(struct judgement *judgement, struct buf *line, struct json *document)
{
	json_add_text(document, "status", words[judgement->status]);
	json_add_int(document, "exit", (int64_t)judgement->status);
	add_text(document, line);
	json_add(document, "perfdata", judgement->perfdata);
	json_add(document, "reasons", judgement->reasons);
	return judgement->status;
}

static void
put_summary(const struct judgement *judgement, struct buf *line)
{
	const struct json *age = json_get(judgement->health, "last_event_age_seconds");

	int64_t total = int_of(judgement, "shards_total");

	(void)buf_printf(line, "%lld of %lld shard%s ready, last event %s",
	    (long long)int_of(judgement, "shards_connected"), (long long)total,
	    total == 1 ? "" : "s",
	    json_kind(age) == JSON_NUMBER ? format_json_seconds(age).text : "unknown");
	if (judgement->status != CHECK_OK) {
		const char *state = json_text(json_get(judgement->health, "state"));

		(void)buf_printf(line, ", %.24s", state ? state : "state unknown");
		put_reasons(judgement, line);
	}
}

/* A limit that warns must come before the one that is critical. */
static bool
limits_fit(const struct figure *figure, struct buf *line)
{
	if (figure->crit < 0 || figure->warn <= figure->crit) {
		return true;
	}
	(void)buf_printf(line,
	    "%s: the warning limit, %s, is above the critical one, %s", figure->what,
	    format_seconds(figure->warn).text, format_seconds(figure->crit).text);
	return false;
}

enum check_status
check_judge(const struct json *health, const struct check_limits *limits,
    struct json *document)
{
	struct judgement judgement = {
	    .health = health,
	    .status = CHECK_OK,
	    .reasons = json_new_array(),
	    .perfdata = json_new_array(),
	};
	struct figure age = {.label = "last_event",
	    .what = "last event",
	    .member = "last_event_age_seconds",
	    .crit = limit_of(&judgement, limits->crit_age, "stall_seconds")};
	struct figure latency = {.label = "latency",
	    .what = "latency",
	    .member = "latency_seconds",
	    .crit = limit_of(&judgement, limits->crit_latency, "max_latency_seconds")};
	struct buf line;

	age.warn = limits->warn_age != CHECK_UNSET ? clock_seconds(limits->warn_age) :
						     age.crit * 0.8;
	latency.warn = limits->warn_latency != CHECK_UNSET ?
	    clock_seconds(limits->warn_latency) :
	    latency.crit * 0.1;
	buf_init(&line, LINE_MAX_BYTES);
	if (limits_fit(&age, &line) && limits_fit(&latency, &line)) {
		judge_state(&judgement);
		judge_shards(&judgement);
		judge_figure(&judgement, &age);
		judge_figure(&judgement, &latency);
		put_summary(&judgement, &line);
	} else {
		judgement.status = CHECK_UNKNOWN;
	}
	enum check_status status = end(&judgement, &line, document);

	buf_fini(&line);
	return status;
}

enum check_status
check_fail(const struct failure *failure, struct json *document)
{
	struct judgement judgement = {
	    .status = CHECK_UNKNOWN,
	    .reasons = json_new_array(),
	    .perfdata = json_new_array(),
	};
	struct json *error = json_new_object();
	struct buf line;

	buf_init(&line, LINE_MAX_BYTES);
	(void)buf_printf(&line, "%s", failure->text);
	if (failure->hint[0] != '\0') {
		char hint[sizeof failure->hint + 32];

		failure_hint_line(failure, hint, sizeof hint);
		(void)buf_printf(&line, "; %s", hint);
	}
	(void)end(&judgement, &line, document);
	buf_fini(&line);
	json_add_text(error, "code", failure->code);
	json_add_text(error, "message", failure->text);
	json_add_text(error, "hint", failure->hint[0] != '\0' ? failure->hint : NULL);
	json_add(document, "error", error);
	return CHECK_UNKNOWN;
}
