#include "render_health.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "format.h"
#include "local_time.h"
#include "render_status.h"
#include "xalloc.h"

#define FINDING_MAX_BYTES ((size_t)4096)
#define LEVEL_COLUMN      6 /* of a finding: "warn  clock     1.8 s ahead" */

#define TEXT_OF(value)    format_json_scalar(value).text

/* ---- health ---- */

static void
render_reasons(struct writer *writer, const struct json *reasons)
{
	const char *label = json_count(reasons) == 1 ? "Reason" : "Reasons";

	for (const struct json *reason = json_first(reasons); reason;
	     reason = json_next(reason)) {
		writer_label(writer, label);
		writer_text(writer, STYLE_YELLOW, json_text_or(reason, "-"));
		writer_newline(writer);
		label = "";
	}
}

static void
render_gateway(struct writer *writer, const struct json *health)
{
	int64_t shards = json_int_or(json_get(health, "shards_total"), -1);
	int64_t ready = json_int_or(json_get(health, "shards_connected"), -1);
	const struct json *down = json_get(health, "disconnect_age_seconds");

	writer_label(writer, "Gateway");
	writer_fact(writer, ready == shards ? STYLE_GREEN : STYLE_YELLOW,
	    "%s of %s %s ready", TEXT_OF(json_get(health, "shards_connected")),
	    TEXT_OF(json_get(health, "shards_total")),
	    shards == 1 ? "shard" : "shards");
	writer_fact(writer, STYLE_PLAIN, "last event %s ago",
	    format_json_seconds(json_get(health, "last_event_age_seconds")).text);
	writer_fact(writer, STYLE_PLAIN, "latency %s",
	    format_json_latency(json_get(health, "latency_seconds")).text);
	if (json_kind(down) == JSON_NUMBER) {
		writer_fact(writer, STYLE_RED, "down for %s",
		    format_json_seconds(down).text);
	}
	writer_newline(writer);
}

static enum writer_style
status_style(int64_t status)
{
	if (status == 200) {
		return STYLE_GREEN;
	}
	return status == 206 ? STYLE_YELLOW : STYLE_RED;
}

static void
render_paths(struct writer *writer, const struct json *paths)
{
	if (json_count(paths) == 0) {
		return; /* a daemon that does not tell them */
	}
	writer_label(writer, "Probes");
	for (const struct json *path = json_first(paths); path;
	     path = json_next(path)) {
		const struct json *status = json_get(path, "status");

		writer_fact(writer, status_style(json_int_or(status, 0)), "%.40s %s",
		    json_text_or(json_get(path, "path"), "-"), TEXT_OF(status));
	}
	writer_newline(writer);
}

void
render_health_screen(struct writer *writer, const struct json *result)
{
	render_status_title(writer, result);
	render_reasons(writer, json_get(result, "reasons"));
	render_gateway(writer, result);
	render_paths(writer, json_get(result, "paths"));
}

/* ---- check ---- */

static void
put_limit(struct buf *line, const struct json *limit)
{
	double number;

	if (json_number(limit, &number)) {
		(void)buf_printf(line, ";%s", format_decimal(number).text);
	} else {
		(void)buf_printf(line, ";%.40s", json_text_or(limit, ""));
	}
}

/* label=value[unit];warn;crit;min;max, without the semicolons at the end; U: unknown */
static void
put_figure(struct buf *line, const struct json *figure)
{
	const struct json *value = json_get(figure, "value");
	double number;

	(void)buf_printf(line, " %.40s=", json_text_or(json_get(figure, "label"), "-"));
	if (json_number(value, &number)) {
		(void)buf_printf(line, "%s%.8s", format_decimal(number).text,
		    json_text_or(json_get(figure, "unit"), ""));
	} else {
		(void)buf_printf(line, "U");
	}
	put_limit(line, json_get(figure, "warn"));
	put_limit(line, json_get(figure, "crit"));
	put_limit(line, json_get(figure, "min"));
	put_limit(line, json_get(figure, "max"));
	while (line->size > 0 && line->data[line->size - 1] == ';') {
		line->size--;
	}
}

void
render_check_line(struct writer *writer, const struct json *result)
{
	const char *status = json_text_or(json_get(result, "status"), "unknown");
	const struct json *perfdata = json_get(result, "perfdata");
	struct buf line;

	buf_init(&line, (size_t)16 * 1024);
	for (; *status != '\0'; status++) {
		(void)buf_printf(&line, "%c", toupper((unsigned char)*status));
	}
	(void)buf_printf(&line, " - %s", json_text_or(json_get(result, "text"), ""));
	if (json_count(perfdata) > 0) {
		(void)buf_printf(&line, " |");
	}
	for (const struct json *figure = json_first(perfdata); figure;
	     figure = json_next(figure)) {
		put_figure(&line, figure);
	}
	(void)buf_append(&line, "", 1);
	writer_put(writer, STYLE_PLAIN, line.data);
	writer_newline(writer);
	buf_fini(&line);
}

/* ---- wait ---- */

void
render_wait_line(struct writer *writer, const struct json *result)
{
	double waited = 0;

	(void)json_number(json_get(result, "waited_seconds"), &waited);
	writer_put(writer, STYLE_GREEN,
	    json_text_or(json_get(result, "condition"), "-"));
	if (json_is_true(json_get(result, "already"))) {
		writer_put(writer, STYLE_PLAIN, " already");
	} else {
		writer_printf(writer, STYLE_PLAIN, " after %s",
		    format_seconds(waited).text);
	}
	writer_newline(writer);
}

/* ---- metrics ---- */

/* Line by line, since a line end is a control character too. */
static void
put_lines(struct writer *writer, const char *text)
{
	while (*text != '\0') {
		size_t size = strcspn(text, "\n");
		char *line = xstrndup(text, size);

		writer_put(writer, STYLE_PLAIN, line);
		writer_newline(writer);
		free(line);
		text += size + (text[size] == '\n' ? 1 : 0);
	}
}

void
render_metrics_text(struct writer *writer, const struct json *result)
{
	for (const struct json *family = json_first(json_get(result, "metrics"));
	     family; family = json_next(family)) {
		put_lines(writer, json_text_or(json_get(family, "text"), ""));
	}
}

/* ---- doctor ---- */

static enum writer_style
level_style(const char *level)
{
	if (strcmp(level, "ok") == 0) {
		return STYLE_GREEN;
	}
	return strcmp(level, "fail") == 0 ? STYLE_RED : STYLE_YELLOW;
}

static size_t
longest_check(const struct json *findings)
{
	size_t longest = 0;

	for (const struct json *finding = json_first(findings); finding;
	     finding = json_next(finding)) {
		size_t width =
		    writer_width(json_text_or(json_get(finding, "check"), "-"));

		longest = width > longest ? width : longest;
	}
	return longest;
}

/* A text whose instants are those of this place. */
static void
put_local(struct writer *writer, const char *text)
{
	struct buf local;

	buf_init(&local, FINDING_MAX_BYTES);
	local_time_put(text, &local);
	(void)buf_append(&local, "", 1);
	writer_text(writer, STYLE_PLAIN, local.data);
	buf_fini(&local);
}

static void
render_finding(struct writer *writer, const struct json *finding, size_t column)
{
	const char *level = json_text_or(json_get(finding, "level"), "-");
	const char *fix = json_text(json_get(finding, "fix"));

	writer_put(writer, level_style(level), level);
	writer_tab(writer, LEVEL_COLUMN);
	writer_put(writer, STYLE_PLAIN, json_text_or(json_get(finding, "check"), "-"));
	writer_tab(writer, column);
	put_local(writer, json_text_or(json_get(finding, "text"), "-"));
	writer_newline(writer);
	if (fix) {
		writer_tab(writer, column);
		writer_put(writer, STYLE_BOLD, "fix: ");
		writer_text(writer, STYLE_PLAIN, fix);
		writer_newline(writer);
	}
}

void
render_doctor_screen(struct writer *writer, const struct json *result)
{
	const struct json *findings = json_get(result, "findings");
	size_t column = LEVEL_COLUMN + longest_check(findings) + 2;
	int64_t failures = json_int_or(json_get(result, "failures"), 0);
	int64_t warnings = json_int_or(json_get(result, "warnings"), 0);

	for (const struct json *finding = json_first(findings); finding;
	     finding = json_next(finding)) {
		render_finding(writer, finding, column);
	}
	if (failures == 0 && warnings == 0) {
		writer_put(writer, STYLE_GREEN, "nothing is wrong");
	} else {
		writer_printf(writer, failures > 0 ? STYLE_RED : STYLE_YELLOW,
		    "%lld failure%s, %lld warning%s", (long long)failures,
		    failures == 1 ? "" : "s", (long long)warnings,
		    warnings == 1 ? "" : "s");
	}
	writer_newline(writer);
}
