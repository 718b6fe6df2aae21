#include "render_jobs.h"

#include <stdio.h>
#include <string.h>

#include "format.h"

#define TEXT_OF(value) format_json_scalar(value).text

static bool
is_null(const struct json *object, const char *name)
{
	enum json_kind kind = json_kind(json_get(object, name));

	return kind != JSON_STRING && kind != JSON_NUMBER && kind != JSON_BOOL;
}

static void
put_line(struct writer *writer, enum writer_style style, const char *text)
{
	writer_text(writer, style, text);
	writer_newline(writer);
}

/* ---- probes ---- */

static enum writer_style
state_style(const struct json *probe)
{
	const char *state = json_text_or(json_get(probe, "state"), "-");

	if (strcmp(state, "up") == 0) {
		return STYLE_GREEN;
	}
	if (strcmp(state, "down") == 0) {
		return json_is_true(json_get(probe, "required")) ? STYLE_RED :
								   STYLE_YELLOW;
	}
	return STYLE_DIM;
}

/* The last run differs from the state: that is on its way, or by chance. */
static bool
is_doubtful(const struct json *probe)
{
	return strcmp(json_text_or(json_get(probe, "state"), "-"), "up") != 0 ||
	    !json_is_true(json_get(probe, "last_good"));
}

static void
probe_row(struct writer_table *table, const struct json *probe)
{
	writer_table_cell(table, STYLE_BOLD, "%s",
	    json_text_or(json_get(probe, "name"), "-"));
	writer_table_cell(table, STYLE_PLAIN, "%s",
	    json_text_or(json_get(probe, "kind"), "-"));
	writer_table_cell(table, state_style(probe), "%s",
	    json_text_or(json_get(probe, "state"), "-"));
	writer_table_cell(table, STYLE_PLAIN, "%s",
	    format_json_seconds(json_get(probe, "state_age_seconds")).text);
	writer_table_cell(table, STYLE_PLAIN, "%s",
	    format_json_seconds(json_get(probe, "last_run_age_seconds")).text);
	writer_table_cell(table, STYLE_PLAIN, "%s",
	    format_json_latency(json_get(probe, "last_duration_seconds")).text);
	writer_table_cell(table, STYLE_PLAIN, "%s",
	    json_is_true(json_get(probe, "required")) ? "yes" : "no");
	if (is_doubtful(probe) && !is_null(probe, "reason")) {
		writer_table_note(table, state_style(probe), "%s",
		    json_text_or(json_get(probe, "reason"), "-"));
	}
}

static void
put_fact(struct writer *writer, const char *label, const char *text)
{
	writer_tab(writer, 2);
	writer_put(writer, STYLE_DIM, label);
	writer_tab(writer, 14);
	writer_text(writer, STYLE_PLAIN, text);
	writer_newline(writer);
}

static void
render_one_probe(struct writer *writer, const struct json *probe)
{
	char text[160];

	writer_put(writer, STYLE_BOLD, json_text_or(json_get(probe, "name"), "-"));
	writer_put(writer, STYLE_PLAIN, " is ");
	writer_put(writer, state_style(probe),
	    json_text_or(json_get(probe, "state"), "-"));
	if (!is_null(probe, "state_age_seconds")) {
		writer_printf(writer, STYLE_PLAIN, ", for %s",
		    format_json_seconds(json_get(probe, "state_age_seconds")).text);
	}
	writer_newline(writer);
	put_fact(writer, "kind", json_text_or(json_get(probe, "kind"), "-"));
	(void)snprintf(text, sizeof text, "every %s%s",
	    format_json_seconds(json_get(probe, "interval_seconds")).text,
	    json_is_true(json_get(probe, "running")) ? ", one is under way" : "");
	put_fact(writer, "runs", text);
	put_fact(writer, "required",
	    json_is_true(json_get(probe, "required")) ?
		"yes: health is degraded while it is down" :
		"no");
	if (is_null(probe, "last_good")) {
		put_fact(writer, "last run", "none yet");
		return;
	}
	(void)snprintf(text, sizeof text, "%s %s ago, took %s; %s in a row",
	    json_is_true(json_get(probe, "last_good")) ? "good," : "failed",
	    format_json_seconds(json_get(probe, "last_run_age_seconds")).text,
	    format_json_latency(json_get(probe, "last_duration_seconds")).text,
	    TEXT_OF(json_get(probe, "streak")));
	put_fact(writer, "last run", text);
	put_fact(writer, "reason", json_text_or(json_get(probe, "reason"), "-"));
	(void)snprintf(text, sizeof text, "%s of %s runs",
	    TEXT_OF(json_get(probe, "failures")), TEXT_OF(json_get(probe, "runs")));
	put_fact(writer, "failed", text);
}

void
render_probes_screen(struct writer *writer, const struct json *result)
{
	static const struct writer_column columns[] = {{"PROBE", false},
	    {"KIND", false}, {"STATE", false}, {"FOR", true}, {"LAST RUN", true},
	    {"TOOK", true}, {"REQUIRED", false}};
	const struct json *probes = json_get(result, "probes");
	struct writer_table table;

	if (json_count(probes) == 0) {
		put_line(writer, STYLE_PLAIN,
		    "no probes; what one is: man gwbot.conf, \"probes\"");
		return;
	}
	if (json_count(probes) == 1) {
		render_one_probe(writer, json_first(probes));
		return;
	}
	writer_table_begin(&table, columns, sizeof columns / sizeof columns[0]);
	for (const struct json *probe = json_first(probes); probe;
	     probe = json_next(probe)) {
		probe_row(&table, probe);
	}
	writer_table_end(&table, writer);
}

/* ---- jobs ---- */

/* "2026-11-28 18:00" of "2026-11-28 18:00:00 +01:00" */
static void
short_local(const struct json *job, char out[32])
{
	const char *text = json_text_or(json_get(job, "next_local"), "-");
	size_t size = strlen(text);

	(void)snprintf(out, 32, "%.*s", size > 16 ? 16 : (int)size, text);
}

static void
result_cell(struct writer_table *table, const struct json *job)
{
	if (json_is_true(json_get(job, "running"))) {
		writer_table_cell(table, STYLE_BOLD, "running");
	} else if (is_null(job, "last_good")) {
		writer_table_cell(table, STYLE_DIM, "-");
	} else if (json_is_true(json_get(job, "last_good"))) {
		writer_table_cell(table, STYLE_GREEN, "good");
	} else {
		writer_table_cell(table, STYLE_RED, "failed");
	}
}

static void
job_row(struct writer_table *table, const struct json *job)
{
	char next[32];
	bool good = json_is_true(json_get(job, "last_good"));
	bool some = !is_null(job, "last_result");
	bool zone = !is_null(job, "zone");

	short_local(job, next);
	writer_table_cell(table, STYLE_BOLD, "%s",
	    json_text_or(json_get(job, "name"), "-"));
	writer_table_cell(table, STYLE_PLAIN, "%s",
	    json_text_or(json_get(job, "action"), "-"));
	writer_table_cell(table, STYLE_PLAIN, "%s", next);
	writer_table_cell(table, STYLE_PLAIN, "%s",
	    format_json_seconds(json_get(job, "last_age_seconds")).text);
	writer_table_cell(table, STYLE_PLAIN, "%s",
	    format_json_latency(json_get(job, "last_duration_seconds")).text);
	result_cell(table, job);
	writer_table_note(table, some && !good ? STYLE_YELLOW : STYLE_DIM, "%s%s%s%s%s",
	    json_text_or(json_get(job, "schedule"), "-"), zone ? " " : "",
	    zone ? json_text_or(json_get(job, "zone"), "-") : "", some ? "; " : "",
	    some ? json_text_or(json_get(job, "last_result"), "-") : "");
}

void
render_jobs_screen(struct writer *writer, const struct json *result)
{
	static const struct writer_column columns[] = {{"JOB", false},
	    {"ACTION", false}, {"NEXT", false}, {"LAST RUN", true}, {"TOOK", true},
	    {"RESULT", false}};
	const struct json *jobs = json_get(result, "jobs");
	struct writer_table table;

	if (json_count(jobs) == 0) {
		put_line(writer, STYLE_PLAIN,
		    "no jobs; what one is: man gwbot.conf, \"jobs\"");
		return;
	}
	writer_table_begin(&table, columns, sizeof columns / sizeof columns[0]);
	for (const struct json *job = json_first(jobs); job; job = json_next(job)) {
		job_row(&table, job);
	}
	writer_table_end(&table, writer);
	put_line(writer, STYLE_DIM, "NEXT is by the clock of the job's zone, else UTC");
}

static void
put_output(struct writer *writer, const char *text)
{
	while (*text != '\0') {
		size_t size = strcspn(text, "\n");

		writer_tab(writer, 2);
		writer_printf(writer, STYLE_PLAIN, "%.*s", (int)size, text);
		writer_newline(writer);
		text += size + (text[size] == '\0' ? 0 : 1);
	}
}

void
render_job_screen(struct writer *writer, const struct json *result)
{
	const struct json *ended = json_get(result, "ended");
	const struct json *job = ended ? ended : json_get(result, "job");
	bool good = json_is_true(json_get(job, "last_good"));

	writer_printf(writer, STYLE_BOLD, "%s ",
	    json_text_or(json_get(job, "name"), "-"));
	if (!ended && json_is_true(json_get(job, "running"))) {
		put_line(writer, STYLE_PLAIN, "started; what comes of it: gwctl jobs");
		return;
	}
	if (!ended) {
		put_line(writer, STYLE_PLAIN, "was started");
		return;
	}
	writer_put(writer, good ? STYLE_GREEN : STYLE_RED, good ? "is done" : "failed");
	writer_printf(writer, STYLE_PLAIN, " after %s: ",
	    format_json_latency(json_get(job, "last_duration_seconds")).text);
	writer_text(writer, STYLE_PLAIN,
	    json_text_or(json_get(job, "last_result"), "-"));
	writer_newline(writer);
	if (!is_null(job, "last_output")) {
		put_output(writer, json_text_or(json_get(job, "last_output"), "-"));
	}
}
