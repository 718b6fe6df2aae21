#include "flat.h"

#include <stdio.h>
#include <string.h>

#include "text.h"

#define PATH_BYTES 512
#define CSV_MAX    ((size_t)64 * 1024)

/* Appends a value's text, one line of it: control characters are replaced. */
static void
put_scalar(const struct json *value, const char *null, struct buf *out)
{
	const char *text = json_text(value);
	struct buf printed;

	if (text) {
		(void)text_clean(slice_of(text), true, out);
		return;
	}
	if (json_kind(value) == JSON_NULL) {
		(void)buf_printf(out, "%s", null);
		return;
	}
	buf_init(&printed, CSV_MAX);
	(void)json_print(value, &printed);
	(void)buf_append(out, printed.data, printed.size);
	buf_fini(&printed);
}

static bool
is_container(const struct json *value)
{
	return json_kind(value) == JSON_OBJECT || json_kind(value) == JSON_ARRAY;
}

/* True for an array without containers: one line, parted by blanks. */
static bool
is_words(const struct json *value)
{
	if (json_kind(value) != JSON_ARRAY) {
		return false;
	}
	for (const struct json *at = json_first(value); at; at = json_next(at)) {
		if (is_container(at)) {
			return false;
		}
	}
	return true;
}

static void
put_words(const struct json *value, const char *null, struct buf *out)
{
	if (!is_words(value)) {
		put_scalar(value, null, out);
		return;
	}
	for (const struct json *at = json_first(value); at; at = json_next(at)) {
		put_scalar(at, null, out);
		(void)buf_printf(out, "%s", json_next(at) ? " " : "");
	}
}

/* ---- a value a line ---- */

/* The parser bounds the depth: JSON_MAX_DEPTH. */
static void
put_lines(const struct json *value, const char *path, struct buf *out)
{
	size_t index = 0;

	if (!is_container(value) || is_words(value)) {
		(void)text_clean(slice_of(path), true, out);
		(void)buf_printf(out, "\t");
		put_words(value, "-", out);
		(void)buf_printf(out, "\n");
		return;
	}
	for (const struct json *at = json_first(value); at; at = json_next(at)) {
		const char *dot = path[0] ? "." : "";
		char below[PATH_BYTES];

		if (json_name(at)) {
			(void)snprintf(below, sizeof below, "%s%s%s", path, dot,
			    json_name(at));
		} else {
			(void)snprintf(below, sizeof below, "%s%s%zu", path, dot,
			    index++);
		}
		put_lines(at, below, out);
	}
}

void
flat_plain(const struct json *result, struct buf *out)
{
	put_lines(result, "", out);
}

/* ---- a table ---- */

/* Quoted where it has to be. */
static void
put_field(struct slice text, struct buf *out)
{
	bool quoted = false;

	for (size_t i = 0; i < text.size; i++) {
		quoted = quoted || text.data[i] == '"' || text.data[i] == ',' ||
		    text.data[i] == ' ';
	}
	if (!quoted) {
		(void)buf_append(out, text.data, text.size);
		return;
	}
	(void)buf_printf(out, "\"");
	for (size_t i = 0; i < text.size; i++) {
		(void)buf_printf(out, text.data[i] == '"' ? "\"\"" : "%c",
		    text.data[i]);
	}
	(void)buf_printf(out, "\"");
}

struct row {
	struct buf *out;
	bool header; /* names in place of values */
	bool begun;
};

static void
put_cell(struct row *row, const struct json *value, const char *path)
{
	struct buf text;

	buf_init(&text, CSV_MAX);
	if (row->header) {
		(void)text_clean(slice_of(path), true, &text);
	} else {
		put_words(value, "", &text);
	}
	(void)buf_printf(row->out, "%s", row->begun ? "," : "");
	put_field(buf_slice(&text), row->out);
	row->begun = true;
	buf_fini(&text);
}

static void
put_cells(struct row *row, const struct json *object, const char *path)
{
	for (const struct json *at = json_first(object); at; at = json_next(at)) {
		char below[PATH_BYTES];

		(void)snprintf(below, sizeof below, "%s%s%s", path, path[0] ? "." : "",
		    json_name(at));
		if (json_kind(at) == JSON_OBJECT) {
			put_cells(row, at, below);
		} else if (!is_container(at) || is_words(at)) {
			put_cell(row, at, below);
		}
	}
}

static void
put_row(const struct json *object, bool header, struct buf *out)
{
	struct row row = {out, header, false};

	put_cells(&row, object, "");
	(void)buf_printf(out, "\n");
}

static const struct json *
find_list(const struct json *result)
{
	for (const struct json *at = json_first(result); at; at = json_next(at)) {
		if (json_kind(at) == JSON_ARRAY &&
		    json_kind(json_first(at)) == JSON_OBJECT) {
			return at;
		}
	}
	return NULL;
}

void
flat_csv(const struct json *result, struct buf *out)
{
	const struct json *list = find_list(result);
	const struct json *at = list ? json_first(list) : result;

	put_row(at, true, out);
	for (; at; at = list ? json_next(at) : NULL) {
		put_row(at, false, out);
	}
}
