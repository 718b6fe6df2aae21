#include "render_shards.h"

#include <stdio.h>
#include <string.h>

#include "format.h"

#define TEXT_OF(value) format_json_scalar(value).text

/* What a terminal shows at once; a shard in trouble takes a line or two more. */
#define TROUBLE_MAX 5
#define READY_MAX   8

#define BAR_INDENT  28 /* of a histogram's bars */

/* "wait_hello" as "wait hello". */
static struct format_text
words_of(const char *name)
{
	struct format_text words;

	(void)snprintf(words.text, sizeof words.text, "%s", name);
	for (char *at = words.text; *at; at++) {
		if (*at == '_') {
			*at = ' ';
		}
	}
	return words;
}

/* ---- shards: the summary ---- */

/* "16 of 16 ready   here: 0-15 of 64" */
static void
render_summary(struct writer *writer, const struct json *total)
{
	int64_t here = json_int_or(json_get(total, "shards"), 0);
	int64_t connected = json_int_or(json_get(total, "connected"), 0);
	int64_t of_bot = json_int_or(json_get(total, "shard_count"), here);
	const struct json *down = json_get(total, "disconnect_age_seconds");

	writer_label(writer, "Shards");
	writer_fact(writer, connected == here ? STYLE_GREEN : STYLE_YELLOW,
	    "%lld of %lld ready", (long long)connected, (long long)here);
	if (of_bot != here) {
		writer_fact(writer, STYLE_PLAIN, "here: %s-%s of %lld",
		    TEXT_OF(json_get(total, "first_shard")),
		    TEXT_OF(json_get(total, "last_shard")), (long long)of_bot);
	}
	if (json_kind(down) == JSON_NUMBER) {
		writer_fact(writer, STYLE_RED, "down for up to %s",
		    format_json_seconds(down).text);
	}
	if (connected > 0) {
		writer_fact(writer, STYLE_PLAIN, "latency up to %s",
		    format_json_latency(json_get(total, "latency_seconds")).text);
	}
	writer_newline(writer);
}

/* "4 backoff   2 identifying", where not all are ready. */
static void
render_states(struct writer *writer, const struct json *states)
{
	bool any = false;

	for (const struct json *state = json_first(states); state;
	     state = json_next(state)) {
		int64_t count = json_int_or(state, 0);

		if (count == 0 || strcmp(json_name(state), "ready") == 0) {
			continue;
		}
		if (!any) {
			writer_label(writer, "Not ready");
		}
		writer_fact(writer, STYLE_YELLOW, "%lld %s", (long long)count,
		    words_of(json_name(state)).text);
		any = true;
	}
	if (any) {
		writer_newline(writer);
	}
}

/* ---- shards: one line each ---- */

/* Discord's own names all end alike; what differs is in front. */
static struct format_text
short_host(const struct json *value)
{
	struct format_text host = format_json_scalar(value);
	char *tail = strstr(host.text, ".discord.gg");

	if (tail && tail != host.text) {
		*tail = '\0';
	}
	return host;
}

static void
shard_row(struct writer_table *table, const struct json *shard)
{
	bool up = json_is_true(json_get(shard, "ready"));

	writer_table_cell(table, STYLE_PLAIN, "%s/%s",
	    TEXT_OF(json_get(shard, "shard")), TEXT_OF(json_get(shard, "shard_count")));
	writer_table_cell(table, up ? STYLE_GREEN : STYLE_YELLOW, "%s",
	    words_of(json_text_or(json_get(shard, "state"), "-")).text);
	writer_table_cell(table, STYLE_PLAIN, "%s",
	    format_json_seconds(json_get(shard, "last_event_age_seconds")).text);
	writer_table_cell(table, STYLE_PLAIN, "%s",
	    format_json_latency(json_get(shard, "latency_seconds")).text);
	writer_table_cell(table, STYLE_PLAIN, "%s", TEXT_OF(json_get(shard, "seq")));
	writer_table_cell(table, STYLE_PLAIN, "%s/%s/%s",
	    TEXT_OF(json_get(shard, "reconnects")), TEXT_OF(json_get(shard, "resumes")),
	    TEXT_OF(json_get(shard, "identifies")));
	writer_table_cell(table, STYLE_PLAIN, "%s",
	    short_host(json_get(shard, "host")).text);
}

struct render_cure
render_cure_of(const struct json *shard)
{
	const char *cure = json_text_or(json_get(shard, "cure"), "");
	bool resumes = json_text(json_get(shard, "session_id")) != NULL;
	struct render_cure out;

	if (strcmp(cure, "identify") == 0) {
		(void)snprintf(out.text, sizeof out.text,
		    "tries to begin a new session");
	} else if (cure[0] != '\0' && strcmp(cure, "none") != 0) {
		(void)snprintf(out.text, sizeof out.text, "tries to %.48s",
		    json_text_or(json_get(shard, "cure_text"), cure));
	} else {
		(void)snprintf(out.text, sizeof out.text, "tries to %s",
		    resumes ? "resume the session" : "connect");
	}
	return out;
}

/* What is done about a shard that is not ready, and why it is not. */
static void
note_trouble(struct writer_table *table, const struct json *shard)
{
	const char *state = json_text_or(json_get(shard, "state"), "");
	const char *reason = json_text(json_get(shard, "reason"));
	const struct json *down = json_get(shard, "disconnect_age_seconds");
	const struct json *wait = json_get(shard, "next_try_in_seconds");
	int64_t tries = json_int_or(json_get(shard, "cure_tries"), 0);
	bool over = strcmp(state, "fatal") == 0 || strcmp(state, "stopped") == 0;
	bool is_down = json_kind(down) == JSON_NUMBER;
	bool waits = json_kind(wait) == JSON_NUMBER;
	char failed[40] = "";

	if (tries > 0) {
		(void)snprintf(failed, sizeof failed, " (%lld failed)",
		    (long long)tries);
	}
	writer_table_note(table, STYLE_YELLOW, "%s%s%s%s%s%s%s%s%s",
	    is_down ? "down for " : "not connected yet",
	    is_down ? format_json_seconds(down).text : "", over ? "" : "; ",
	    over ? "" : render_cure_of(shard).text, waits ? " in " : "",
	    waits ? format_json_seconds(wait).text : "", failed, reason ? ": " : "",
	    reason ? reason : "");
}

/* Adds the rows of one kind, at most limit of them; returns how many it did not. */
static size_t
add_rows(struct writer_table *table, const struct json *shards, bool ready,
    size_t limit)
{
	size_t count = 0;

	for (const struct json *shard = json_first(shards); shard;
	     shard = json_next(shard)) {
		if (json_is_true(json_get(shard, "ready")) != ready ||
		    count++ >= limit) {
			continue;
		}
		shard_row(table, shard);
		if (!ready) {
			note_trouble(table, shard);
		}
	}
	return count > limit ? count - limit : 0;
}

void
render_shards_screen(struct writer *writer, const struct json *result)
{
	static const struct writer_column columns[] = {{"SHARD", true},
	    {"STATE", false}, {"LAST EVENT", true}, {"LATENCY", true}, {"SEQ", true},
	    {"RC/RS/ID", true}, {"HOST", false}};
	const struct json *total = json_get(result, "total");
	const struct json *shards = json_get(result, "shards");
	struct writer_table table;

	render_summary(writer, total);
	render_states(writer, json_get(total, "states"));
	if (json_count(shards) == 0) {
		return;
	}
	writer_newline(writer);
	writer_table_begin(&table, columns, sizeof columns / sizeof columns[0]);
	table.cuts_last = true;
	size_t trouble_left =
	    add_rows(&table, shards, false, writer->brief ? TROUBLE_MAX : SIZE_MAX);
	size_t ready_left =
	    add_rows(&table, shards, true, writer->brief ? READY_MAX : SIZE_MAX);

	writer_table_end(&table, writer);
	writer_put(writer, STYLE_DIM, "RC reconnects, RS resumes, ID identifies");
	writer_newline(writer);
	if (trouble_left > 0) {
		writer_textf(writer, STYLE_YELLOW,
		    "and %zu more that are not ready: gwctl shards down | less",
		    trouble_left);
		writer_newline(writer);
	}
	if (ready_left > 0) {
		writer_textf(writer, STYLE_DIM,
		    "and %zu more that are ready: gwctl shards | less", ready_left);
		writer_newline(writer);
	}
}

/* ---- latency ---- */

static void
latency_cell(struct writer_table *table, const struct json *shard, const char *name)
{
	writer_table_cell(table, STYLE_PLAIN, "%s",
	    format_json_latency(json_get(shard, name)).text);
}

static void
render_table(struct writer *writer, const struct json *shards)
{
	static const struct writer_column columns[] = {{"SHARD", true}, {"LAST", true},
	    {"MEAN", true}, {"P50", true}, {"P90", true}, {"P99", true}, {"MAX", true},
	    {"OF", true}, {"STATE", false}};
	struct writer_table table;

	writer_table_begin(&table, columns, sizeof columns / sizeof columns[0]);
	for (const struct json *shard = json_first(shards); shard;
	     shard = json_next(shard)) {
		const char *state = json_text_or(json_get(shard, "latency_state"), "-");
		bool known = strcmp(state, "known") == 0;

		writer_table_cell(&table, STYLE_PLAIN, "%s",
		    TEXT_OF(json_get(shard, "shard")));
		latency_cell(&table, shard, "latency_seconds");
		latency_cell(&table, shard, "latency_mean_seconds");
		latency_cell(&table, shard, "latency_p50_seconds");
		latency_cell(&table, shard, "latency_p90_seconds");
		latency_cell(&table, shard, "latency_p99_seconds");
		latency_cell(&table, shard, "latency_max_seconds");
		writer_table_cell(&table, STYLE_PLAIN, "%s",
		    TEXT_OF(json_get(shard, "latency_samples")));
		writer_table_cell(&table, known ? STYLE_GREEN : STYLE_YELLOW, "%s",
		    known                          ? "ok" :
			strcmp(state, "none") == 0 ? "no answer yet" :
						     state);
	}
	writer_table_end(&table, writer);
}

/* "up to 25 ms", "above 10 s" of the last class, which has no end. */
static void
render_bound(struct writer *writer, const struct json *class_,
    const struct json *before)
{
	const struct json *bound = json_get(class_, "up_to_seconds");
	bool open = json_kind(bound) != JSON_NUMBER;

	writer_printf(writer, STYLE_PLAIN, "  %-6s%8s", open ? "above" : "up to",
	    format_json_latency(open ? json_get(before, "up_to_seconds") : bound).text);
}

/* The longest bar of a histogram: half of the screen, if that much is left. */
static int64_t
bar_columns(const struct writer *writer)
{
	size_t half = writer->columns / 2;
	size_t left = writer->columns - BAR_INDENT;

	return (int64_t)(half < left ? half : left);
}

static void
render_bar(struct writer *writer, int64_t count, int64_t most)
{
	int64_t longest = bar_columns(writer);
	int64_t columns = most > 0 ? (count * longest + most - 1) / most : 0;

	writer_printf(writer, STYLE_PLAIN, "  %8lld", (long long)count);
	if (columns > 0) {
		writer_put(writer, STYLE_PLAIN, "  ");
	}
	for (int64_t i = 0; i < columns; i++) {
		writer_put(writer, STYLE_GREEN, "▇");
	}
	writer_newline(writer);
}

static void
render_histogram(struct writer *writer, const struct json *classes)
{
	const struct json *before = NULL;
	int64_t most = 0;
	int64_t sum = 0;

	for (const struct json *at = json_first(classes); at; at = json_next(at)) {
		int64_t count = json_int_or(json_get(at, "count"), 0);

		most = count > most ? count : most;
		sum += count;
	}
	writer_newline(writer);
	writer_printf(writer, STYLE_BOLD, "%lld answers since the start",
	    (long long)sum);
	writer_newline(writer);
	for (const struct json *at = json_first(classes); at; at = json_next(at)) {
		render_bound(writer, at, before);
		render_bar(writer, json_int_or(json_get(at, "count"), 0), most);
		before = at;
	}
}

void
render_latency_screen(struct writer *writer, const struct json *result)
{
	const struct json *shards = json_get(result, "shards");

	render_table(writer, shards);
	writer_textf(writer, STYLE_PLAIN,
	    "of the last %s answers at most; limit: %s (watchdog.max_latency)",
	    TEXT_OF(json_get(result, "window")),
	    format_json_seconds(json_get(result, "max_latency_seconds")).text);
	writer_newline(writer);
	if (json_count(shards) == 1) {
		render_histogram(writer, json_get(json_first(shards), "classes"));
	} else {
		writer_printf(writer, STYLE_PLAIN, "highest now: %s",
		    format_json_latency(json_get(result, "highest_seconds")).text);
		writer_newline(writer);
	}
}

/* "shard 0 resumed after 0.4 s", "3 shards ready again after 1.2 s: 2 resumed, 1 with a
 * new session". */
void
render_shards_back(struct writer *writer, const struct json *result)
{
	const struct json *back = json_get(result, "back");
	size_t fresh = 0;
	double longest = 0;

	for (const struct json *row = json_first(back); row; row = json_next(row)) {
		const char *session = json_text(json_get(row, "session"));
		double took = 0;

		(void)json_number(json_get(row, "took_seconds"), &took);
		longest = took > longest ? took : longest;
		fresh += session && strcmp(session, "new") == 0 ? 1 : 0;
	}
	struct format_text after = format_latency(longest);
	size_t count = json_count(back);

	if (count == 1) {
		writer_printf(writer, STYLE_GREEN, "shard %s %s after %s",
		    format_json_scalar(json_get(json_first(back), "shard")).text,
		    fresh ? "ready with a new session" : "resumed", after.text);
	} else {
		writer_printf(writer, STYLE_GREEN, "%zu shards ready again after %s",
		    count, after.text);
		writer_printf(writer, STYLE_PLAIN,
		    ": %zu resumed, %zu with a new session", count - fresh, fresh);
	}
	writer_newline(writer);
}
