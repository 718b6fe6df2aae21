#include "render_runtime.h"

#include <string.h>

#include "format.h"
#include "origin.h"

#define TEXT_OF(value) format_json_scalar(value).text
#define TEXT_BYTES     ((size_t)64 * 1024)
#define COLUMN_GAP     2
#define KEEP_INDENT    2

static bool
starts(const char *text, const char *begin)
{
	return strncmp(text, begin, strlen(begin)) == 0;
}

/* ---- the limits ---- */

/* A limit by the name that `thresholds set` takes: without its group. */
static const char *
short_name(const struct json *limit)
{
	const char *name = json_text_or(json_get(limit, "name"), "-");
	const char *dot = strchr(name, '.');

	return dot ? dot + 1 : name;
}

/* "derived from watchdog.keepalive": that it is the default stands beside it. */
static void
put_origin(const struct json *limit, struct buf *out)
{
	static const char derived[] = "default, derived";
	const char *source = json_text_or(json_get(limit, "source"), "-");

	if (starts(source, derived)) {
		(void)buf_printf(out, "%s", source + strlen("default, "));
	} else {
		origin_put(json_get(limit, "source"), json_get(limit, "override"), out);
	}
	(void)buf_append(out, "", 1);
}

static size_t
widest(const struct json *limits, const char *name, const char *title)
{
	size_t most = writer_width(title);

	for (const struct json *limit = json_first(limits); limit;
	     limit = json_next(limit)) {
		const char *text = strcmp(name, "name") == 0 ?
		    short_name(limit) :
		    json_text_or(json_get(limit, name), "-");
		size_t width = writer_width(text);

		most = width > most ? width : most;
	}
	return most + COLUMN_GAP;
}

static size_t
widest_reverts(const struct json *limits)
{
	size_t most = writer_width("REVERTS");

	for (const struct json *limit = json_first(limits); limit;
	     limit = json_next(limit)) {
		size_t width =
		    writer_width(origin_reverts(json_get(limit, "override")).text);

		most = width > most ? width : most;
	}
	return most + COLUMN_GAP;
}

/* Who set it goes to a line of its own where there is no room for it. */
static void
origin_cells(struct writer_table *table, const struct json *limit, size_t room)
{
	bool set = json_kind(json_get(limit, "override")) == JSON_OBJECT;
	struct buf origin;

	buf_init(&origin, TEXT_BYTES);
	put_origin(limit, &origin);
	if (set && writer_width(origin.data) > room) {
		writer_table_cell(table, STYLE_YELLOW, "%s",
		    json_text_or(json_get(limit, "source"), "-"));
		writer_table_note(table, STYLE_YELLOW, "%s", origin.data);
	} else {
		writer_table_cell(table, set ? STYLE_YELLOW : STYLE_PLAIN, "%s",
		    origin.data);
	}
	buf_fini(&origin);
}

static void
render_limits(struct writer *writer, const struct json *limits)
{
	static const struct writer_column columns[] = {{"LIMIT", false},
	    {"VALUE", false}, {"DEFAULT", false}, {"REVERTS", false},
	    {"SOURCE", false}};
	size_t used = widest(limits, "name", "LIMIT") +
	    widest(limits, "value", "VALUE") + widest(limits, "default", "DEFAULT") +
	    widest_reverts(limits);
	struct writer_table table;

	writer_table_begin(&table, columns, sizeof columns / sizeof columns[0]);
	for (const struct json *limit = json_first(limits); limit;
	     limit = json_next(limit)) {
		writer_table_cell(&table, STYLE_PLAIN, "%s", short_name(limit));
		writer_table_cell(&table, STYLE_BOLD, "%s",
		    json_text_or(json_get(limit, "value"), "-"));
		writer_table_cell(&table, STYLE_DIM, "%s",
		    json_text_or(json_get(limit, "default"), "-"));
		writer_table_cell(&table, STYLE_PLAIN, "%s",
		    origin_reverts(json_get(limit, "override")).text);
		origin_cells(&table, limit,
		    used < WRITER_COLUMNS ? WRITER_COLUMNS - used : 0);
	}
	writer_table_end(&table, writer);
}

static void
margin_cell(struct writer_table *table, const struct json *value, bool latency)
{
	double left;
	bool over = json_number(value, &left) && left <= 0;

	writer_table_cell(table, over ? STYLE_RED : STYLE_PLAIN, "%s",
	    latency ? format_json_latency(value).text :
		      format_json_seconds(value).text);
}

static void
render_margins(struct writer *writer, const struct json *shards)
{
	static const struct writer_column columns[] = {{"SHARD", true},
	    {"VERDICT", false}, {"SILENCE", true}, {"LEFT", true}, {"DOWN", true},
	    {"LEFT", true}, {"LATENCY", true}, {"LEFT", true}};
	struct writer_table table;

	writer_table_begin(&table, columns, sizeof columns / sizeof columns[0]);
	for (const struct json *shard = json_first(shards); shard;
	     shard = json_next(shard)) {
		writer_table_cell(&table, STYLE_PLAIN, "%s",
		    TEXT_OF(json_get(shard, "shard")));
		writer_table_cell(&table, STYLE_PLAIN, "%s",
		    TEXT_OF(json_get(shard, "verdict")));
		writer_table_cell(&table, STYLE_PLAIN, "%s",
		    format_json_seconds(json_get(shard, "last_event_age_seconds"))
			.text);
		margin_cell(&table, json_get(shard, "stall_left_seconds"), false);
		writer_table_cell(&table, STYLE_PLAIN, "%s",
		    format_json_seconds(json_get(shard, "disconnect_age_seconds"))
			.text);
		margin_cell(&table, json_get(shard, "disconnect_grace_left_seconds"),
		    false);
		writer_table_cell(&table, STYLE_PLAIN, "%s",
		    format_json_latency(json_get(shard, "latency_seconds")).text);
		margin_cell(&table, json_get(shard, "max_latency_left_seconds"), true);
	}
	writer_table_end(&table, writer);
}

/* ---- what a change did ---- */

static const struct json *
find_change(const struct json *changes, const char *path)
{
	for (const struct json *change = json_first(changes); change;
	     change = json_next(change)) {
		if (strcmp(json_text_or(json_get(change, "path"), "-"), path) == 0) {
			return change;
		}
	}
	return NULL;
}

/* "watchdog.stall: 7min -> 20min" */
static void
put_change(struct writer *writer, const struct json *change)
{
	writer_printf(writer, STYLE_PLAIN, "%s: %s -> ",
	    json_text_or(json_get(change, "path"), "-"),
	    json_text_or(json_get(change, "old"), "-"));
	writer_put(writer, STYLE_BOLD, json_text_or(json_get(change, "new"), "-"));
}

/* The changes but that of path, each with where its value comes from by now. */
static void
put_others(struct writer *writer, const struct json *changes, const char *path)
{
	for (const struct json *change = json_first(changes); change;
	     change = json_next(change)) {
		const char *source = json_text_or(json_get(change, "new_source"), "-");

		if (strcmp(json_text_or(json_get(change, "path"), "-"), path) == 0) {
			continue;
		}
		put_change(writer, change);
		writer_printf(writer, STYLE_DIM, "  %s", source);
		writer_newline(writer);
	}
}

static void
put_end(struct writer *writer, const struct json *override)
{
	double seconds;

	if (json_number(json_get(override, "reverts_in_seconds"), &seconds)) {
		writer_printf(writer, STYLE_PLAIN, ", reverts at %s (in %s)",
		    origin_instant(seconds).text, format_seconds(seconds).text);
	} else {
		writer_put(writer, STYLE_PLAIN, ", until it is reset or a restart");
	}
	writer_newline(writer);
}

/* How to have the value after a restart too. */
static void
put_keep(struct writer *writer, const struct json *keep)
{
	const char *where = json_text_or(json_get(keep, "where"), "-");

	if (json_kind(keep) != JSON_OBJECT) {
		return;
	}
	writer_put(writer, STYLE_DIM, "to keep it past a restart, ");
	if (starts(where, "env:")) {
		writer_put(writer, STYLE_DIM, "in the environment of gwbotd:");
	} else if (strcmp(where, "cli") == 0) {
		writer_put(writer, STYLE_DIM, "on the command line of gwbotd:");
	} else {
		writer_printf(writer, STYLE_DIM, "in %s:", where);
	}
	writer_newline(writer);
	writer_tab(writer, KEEP_INDENT);
	writer_put(writer, STYLE_DIM, json_text_or(json_get(keep, "text"), "-"));
	writer_newline(writer);
}

static void
render_set(struct writer *writer, const struct json *result)
{
	const struct json *changes = json_get(result, "changes");
	const char *path = json_text_or(json_get(result, "path"), "-");
	const struct json *change = find_change(changes, path);

	if (change) {
		put_change(writer, change);
	} else {
		writer_printf(writer, STYLE_PLAIN, "%s: %s as before", path,
		    json_text_or(json_get(result, "value"), "-"));
	}
	put_end(writer, json_get(result, "override"));
	put_others(writer, changes, path);
	put_keep(writer, json_get(result, "keep"));
}

static void
render_reset(struct writer *writer, const struct json *result)
{
	const struct json *changes = json_get(result, "changes");
	int64_t count = 0;

	(void)json_int(json_get(result, "taken_back"), &count);
	if (count == 0) {
		writer_put(writer, STYLE_PLAIN,
		    "nothing to take back: gwctl has set nothing here");
		writer_newline(writer);
	} else if (json_count(changes) == 0) {
		writer_put(writer, STYLE_PLAIN,
		    "taken back: the value is the same without it");
		writer_newline(writer);
	}
	put_others(writer, changes, "");
}

static void
render_action(struct writer *writer, const struct json *result)
{
	if (strcmp(json_text_or(json_get(result, "action"), "-"), "set") == 0) {
		render_set(writer, result);
	} else {
		render_reset(writer, result);
	}
}

/* ---- the screens ---- */

void
render_thresholds_screen(struct writer *writer, const struct json *result)
{
	if (json_get(result, "action")) {
		render_action(writer, result);
		return;
	}
	render_limits(writer, json_get(result, "limits"));
	writer_newline(writer);
	render_margins(writer, json_get(result, "shards"));
}

void
render_log_screen(struct writer *writer, const struct json *result)
{
	const struct json *override = json_get(result, "override");
	struct buf origin;

	if (json_get(result, "action")) {
		render_action(writer, result);
		return;
	}
	buf_init(&origin, TEXT_BYTES);
	origin_put(json_get(result, "source"), override, &origin);
	(void)buf_append(&origin, "", 1);
	writer_printf(writer, STYLE_BOLD, "%s",
	    json_text_or(json_get(result, "value"), "-"));
	writer_printf(writer, STYLE_PLAIN, "  %s", origin.data);
	buf_fini(&origin);
	if (json_kind(override) == JSON_OBJECT) {
		put_end(writer, override);
	} else {
		writer_newline(writer);
	}
}

void
render_stop_screen(struct writer *writer, const struct json *result)
{
	bool again = false;

	(void)json_bool(json_get(result, "already_asked"), &again);
	writer_printf(writer, STYLE_PLAIN, "%s: gwbotd (pid %s) exits with status 0",
	    again ? "already stopping" : "stopping", TEXT_OF(json_get(result, "pid")));
	writer_newline(writer);
	writer_printf(writer, STYLE_PLAIN,
	    "%s of %s sessions can be resumed by the next start",
	    TEXT_OF(json_get(result, "resumable")),
	    TEXT_OF(json_get(result, "shards")));
	writer_newline(writer);
	writer_put(writer, STYLE_DIM,
	    "a supervisor may start it again; to keep it down: systemctl stop gwbotd");
	writer_newline(writer);
}
