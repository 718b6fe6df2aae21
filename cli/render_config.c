#include "render_config.h"

#include <string.h>

#include "origin.h"

#define COLUMN_GAP        2
#define OTHER_COLUMNS     62 /* of a line, for its path and its source */
#define VALUE_COLUMNS_MIN 18
#define LABEL_COLUMN      17
#define TEXT_BYTES        ((size_t)64 * 1024)

/* What stands for a value: its own text, or that there is a secret. */
static const char *
value_of(const struct json *option)
{
	const char *text = json_text(json_get(option, "value"));

	if (json_is_true(json_get(option, "secret"))) {
		return json_is_true(json_get(option, "set")) ? "(set)" : "(not set)";
	}
	return text && text[0] == '\0' ? "\"\"" :
					 json_text_or(json_get(option, "value"), "-");
}

static size_t
widest_path(const struct json *list)
{
	size_t widest = 0;

	for (const struct json *item = json_first(list); item; item = json_next(item)) {
		size_t width = writer_width(json_text_or(json_get(item, "path"), "-"));

		widest = width > widest ? width : widest;
	}
	return widest;
}

/* A longer value has its source on the next line. */
static size_t
widest_value(const struct writer *writer, const struct json *list)
{
	size_t columns = writer->columns;
	size_t most = columns < OTHER_COLUMNS + VALUE_COLUMNS_MIN ?
	    VALUE_COLUMNS_MIN :
	    columns - OTHER_COLUMNS;
	size_t widest = 0;

	for (const struct json *item = json_first(list); item; item = json_next(item)) {
		size_t width = writer_width(value_of(item));

		widest = width > widest && width <= most ? width : widest;
	}
	return widest;
}

static bool
starts(const char *text, const char *begin)
{
	return strncmp(text, begin, strlen(begin)) == 0;
}

/* Where an option's value came from, and when one that gwctl set reverts. */
static void
put_source(struct writer *writer, const struct json *option)
{
	const struct json *override = json_get(option, "override");
	const char *source = json_text_or(json_get(option, "source"), "-");
	enum writer_style style = STYLE_PLAIN;
	struct buf text;

	if (starts(source, "default") || starts(source, "profile:")) {
		style = STYLE_DIM;
	} else if (starts(source, "control")) {
		style = STYLE_YELLOW;
	}
	buf_init(&text, TEXT_BYTES);
	origin_put(json_get(option, "source"), override, &text);
	if (json_kind(override) == JSON_OBJECT) {
		(void)buf_printf(&text, ", reverts %s", origin_reverts(override).text);
	}
	(void)buf_append(&text, "", 1);
	writer_text(writer, style, text.data);
	writer_newline(writer);
	buf_fini(&text);
}

static void
render_list(struct writer *writer, const struct json *options)
{
	size_t values = widest_path(options) + COLUMN_GAP;
	size_t sources = values + widest_value(writer, options) + COLUMN_GAP;

	for (const struct json *option = json_first(options); option;
	     option = json_next(option)) {
		writer_put(writer, STYLE_PLAIN,
		    json_text_or(json_get(option, "path"), "-"));
		writer_tab(writer, values);
		writer_text(writer, STYLE_BOLD, value_of(option));
		if (writer->column + COLUMN_GAP > sources) {
			writer_newline(writer);
		}
		writer_tab(writer, sources);
		put_source(writer, option);
	}
}

/* ---- one setting in full ---- */

void
render_config_row(struct writer *writer, const char *label, const char *text)
{
	writer_tab(writer, COLUMN_GAP);
	writer_put(writer, STYLE_DIM, label);
	writer_tab(writer, LABEL_COLUMN);
	writer_text(writer, STYLE_PLAIN, text);
	writer_newline(writer);
}

/* X(word, when, heading): when a change acts, and what a group of changes is called. */
#define ACTS_TABLE(X)                                                  \
	X("now", "at once", "at once")                                 \
	X("reconnect", "with the next connection: gwctl reconnect",    \
	    "with the next connection (gwctl reconnect)")              \
	X("session", "with the next session: gwctl reconnect --fresh", \
	    "with the next session (gwctl reconnect --fresh)")         \
	X("restart", "at the next start: gwctl reboot",                \
	    "at the next start (gwctl "                                \
	    "reboot)")                                                 \
	X("override", "when gwctl's own value is gone",                \
	    "held by a value that gwctl set: a reload leaves it")

static const struct {
	const char *word;
	const char *when;
	const char *heading;
} acts[] = {
#define ACTS_ROW(word, when, heading) {word, when, heading},
    ACTS_TABLE(ACTS_ROW)
#undef ACTS_ROW
};

#define ACTS_COUNT (sizeof acts / sizeof acts[0])

const char *
render_config_when(const char *word)
{
	for (size_t i = 0; i < ACTS_COUNT; i++) {
		if (strcmp(acts[i].word, word) == 0) {
			return acts[i].when;
		}
	}
	return word; /* of a newer gwbotd */
}

static void
render_one(struct writer *writer, const struct json *option)
{
	writer_printf(writer, STYLE_BOLD,
	    "%s = ", json_text_or(json_get(option, "path"), "-"));
	writer_text(writer, STYLE_BOLD, value_of(option));
	writer_newline(writer);
	writer_tab(writer, COLUMN_GAP);
	writer_text(writer, STYLE_PLAIN, json_text_or(json_get(option, "help"), "-"));
	writer_newline(writer);
	writer_tab(writer, COLUMN_GAP);
	writer_put(writer, STYLE_DIM, "source");
	writer_tab(writer, LABEL_COLUMN);
	put_source(writer, option);
	render_config_row(writer, "allowed",
	    json_text_or(json_get(option, "allowed"), "-"));
	if (json_text(json_get(option, "environment"))) {
		render_config_row(writer, "environment",
		    json_text_or(json_get(option, "environment"), "-"));
	}
	render_config_row(writer, "a change acts",
	    render_config_when(json_text_or(json_get(option, "acts"), "-")));
}

/* ---- changes ---- */

/* "7min -> 8min", and of a secret only that it is another. */
static void
put_change(struct writer *writer, const struct json *change, size_t column)
{
	const char *old = json_text_or(json_get(change, "old"), "-");
	const char *fresh = json_text_or(json_get(change, "new"), "-");

	writer_tab(writer, COLUMN_GAP);
	writer_put(writer, STYLE_PLAIN, json_text_or(json_get(change, "path"), "-"));
	writer_tab(writer, column);
	if (json_is_true(json_get(change, "secret"))) {
		writer_put(writer, STYLE_BOLD, "differs");
	} else {
		struct buf text;

		buf_init(&text, (size_t)1024 * 1024);
		(void)buf_printf(&text, "%s -> %s", old[0] ? old : "\"\"",
		    fresh[0] ? fresh : "\"\"");
		(void)buf_append(&text, "", 1);
		writer_text(writer, STYLE_BOLD, text.data);
		buf_fini(&text);
	}
	const char *source = json_text_or(json_get(change, "new_source"), "-");

	if (writer->column + COLUMN_GAP + writer_width(source) > writer->columns) {
		writer_newline(writer);
		writer_tab(writer, column);
	} else {
		writer_tab(writer, writer->column + COLUMN_GAP);
	}
	writer_put(writer, STYLE_DIM, source);
	writer_newline(writer);
}

static void
put_group(struct writer *writer, const struct json *changes, size_t group)
{
	size_t column = COLUMN_GAP + widest_path(changes) + COLUMN_GAP;
	bool first = true;

	for (const struct json *change = json_first(changes); change;
	     change = json_next(change)) {
		if (strcmp(json_text_or(json_get(change, "acts"), "-"),
			acts[group].word) != 0) {
			continue;
		}
		if (first) {
			writer_put(writer, STYLE_PLAIN, acts[group].heading);
			writer_newline(writer);
		}
		first = false;
		put_change(writer, change, column);
	}
}

static void
put_warnings(struct writer *writer, const struct json *warnings)
{
	for (const struct json *warning = json_first(warnings); warning;
	     warning = json_next(warning)) {
		writer_text(writer, STYLE_YELLOW,
		    json_text_or(json_get(warning, "summary"), "-"));
		writer_newline(writer);
	}
}

static void
render_changes(struct writer *writer, const struct json *result)
{
	const struct json *changes = json_get(result, "changes");

	for (size_t i = 0; i < ACTS_COUNT; i++) {
		put_group(writer, changes, i);
	}
	put_warnings(writer, json_get(result, "warnings"));
}

static void
put_count(struct writer *writer, const char *begin, size_t count, const char *end)
{
	writer_printf(writer, STYLE_PLAIN, "%s%zu setting%s %s", begin, count,
	    count == 1 ? "" : "s", end);
	writer_newline(writer);
}

/* True where a reload would do something: what waits for a restart has been read. */
static bool
reload_helps(const struct json *changes)
{
	for (const struct json *change = json_first(changes); change;
	     change = json_next(change)) {
		const char *word = json_text_or(json_get(change, "acts"), "-");

		if (strcmp(word, "restart") != 0 && strcmp(word, "override") != 0) {
			return true;
		}
	}
	return false;
}

/* "on trial, goes back at 12:06 (in 5 min); to keep it: gwctl reload --keep" */
static void
put_trial(struct writer *writer, const struct json *trial)
{
	double seconds;

	if (json_number(json_get(trial, "reverts_in_seconds"), &seconds)) {
		writer_textf(writer, STYLE_YELLOW,
		    "on trial, goes back at %s (in %s); to keep it: gwctl reload "
		    "--keep",
		    origin_instant(seconds).text, format_seconds(seconds).text);
		writer_newline(writer);
	}
}

static void
render_diff(struct writer *writer, const struct json *result)
{
	const struct json *changes = json_get(result, "changes");
	size_t count = json_count(changes);

	if (count == 0) {
		writer_put(writer, STYLE_PLAIN,
		    "no difference: what the files say runs");
		writer_newline(writer);
	} else {
		put_count(writer, "", count,
		    count == 1 ? "differs from what runs" : "differ from what runs");
	}
	render_changes(writer, result);
	if (reload_helps(changes)) {
		writer_put(writer, STYLE_DIM,
		    "to take what the files say: gwctl reload");
		writer_newline(writer);
	}
	put_trial(writer, json_get(result, "trial"));
}

bool
render_config_differs(const struct json *result)
{
	return json_is_true(json_get(result, "differs"));
}

void
render_config_screen(struct writer *writer, const struct json *result)
{
	const struct json *options = json_get(result, "options");

	if (!options) {
		render_diff(writer, result);
	} else if (json_count(options) == 1) {
		render_one(writer, json_first(options));
	} else {
		render_list(writer, options);
	}
}

void
render_reload_screen(struct writer *writer, const struct json *result)
{
	size_t count = json_count(json_get(result, "changes"));
	const char *action = json_text_or(json_get(result, "action"), "-");
	bool undo = strcmp(action, "undo") == 0;
	const char *done = undo ? "back to what ran before the reload: " : "reloaded: ";

	if (strcmp(action, "keep") == 0) {
		writer_put(writer, STYLE_PLAIN, "kept: what was reloaded stays");
		writer_newline(writer);
	} else if (count == 0) {
		writer_printf(writer, STYLE_PLAIN, "%snothing changed", done);
		writer_newline(writer);
	} else {
		put_count(writer, done, count, "changed");
	}
	render_changes(writer, result);
	put_trial(writer, json_get(result, "trial"));
	if (strcmp(action, "trial") == 0 &&
	    json_kind(json_get(result, "trial")) != JSON_OBJECT) {
		writer_put(writer, STYLE_DIM,
		    "so nothing is on trial: what runs stays");
		writer_newline(writer);
	}
	if (undo) {
		writer_text(writer, STYLE_DIM,
		    "a restart takes what the files say; how they differ: gwctl config "
		    "diff");
		writer_newline(writer);
	}
}
