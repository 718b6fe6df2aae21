/*
 * Files -> one text that libconfig 1.5 may read.
 *
 * libconfig would open what an @include names, a fifo too, and wait; read 4294967356 as
 * 60; take a minute for a megabyte of settings; and say "syntax error" for 90s.  So
 * this scan resolves @include itself, with bounds, and knows just enough of the syntax
 * to name the usual slips, all at once.  A slip is mended in the text, so that what
 * stands behind it is still looked at.
 */
#include "config_scan.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "text.h"
#include "xalloc.h"

#define DEPTH_MAX      10 /* of included files, as in libconfig */
#define PATH_ROOM      1024
#define WHERE_ROOM     512
#define WINDOW_COLUMNS 68 /* of a line in a message, which has 80 with all before */
#define EXCERPT_BYTES  1024
#define MARK_BYTES     3
#define COUNT(items)   (sizeof(items) / sizeof(items)[0])

/* Some editors write a mark in front of UTF-8. */
static bool
begins_marked(const char *data, size_t size)
{
	return size >= MARK_BYTES && memcmp(data, "\xEF\xBB\xBF", MARK_BYTES) == 0;
}

/* Settings whose values may be secrets, at least by mistake. */
static const char *const secret_words[] = {"token", "api_key", "credentials"};

bool
config_scan_is_secret(const struct config_place *name)
{
	for (size_t i = 0; i < COUNT(secret_words); i++) {
		if (config_place_holds(name, secret_words[i])) {
			return true;
		}
	}
	return false;
}

/* ---- messages ---- */

/* The line of the file that holds the place. */
static struct slice
line_of(const struct config_scan *scan, const struct config_place *place)
{
	const struct buf *content = &scan->files[place->file].content;
	const char *start = place->at;
	const char *end = place->at;

	while (start > content->data && start[-1] != '\n') {
		start--;
	}
	while (end < content->data + content->size && *end != '\n') {
		end++;
	}
	if (begins_marked(content->data, content->size) && start == content->data) {
		start += MARK_BYTES;
	}
	return (struct slice){start, (size_t)(end - start)};
}

/* How many characters the bytes are; what is no UTF-8 counts one each. */
static unsigned
characters(const char *at, size_t size)
{
	struct slice rest = {at, size};
	unsigned count = 0;

	while (rest.size > 0) {
		uint32_t code;
		size_t step = text_read(rest, &code);

		step = step > 0 ? step : 1;
		rest.data += step;
		rest.size -= step;
		count++;
	}
	return count;
}

static unsigned
column_of(const struct config_scan *scan, const struct config_place *place)
{
	struct slice line = line_of(scan, place);

	return place->at > line.data ?
	    characters(line.data, (size_t)(place->at - line.data)) + 1 :
	    1;
}

void
config_scan_where(const struct config_scan *scan, const struct config_place *place,
    bool base, char *out, size_t room)
{
	const char *path = scan->files[place->file].path;
	const char *slash = strrchr(path, '/');

	if (base) {
		(void)snprintf(out, room, "%s:%u", slash ? slash + 1 : path,
		    place->line);
	} else {
		(void)snprintf(out, room, "%s:%u:%u", path, place->line,
		    column_of(scan, place));
	}
}

static unsigned
lines_in(const struct config_place *place)
{
	unsigned lines = 0;

	for (size_t i = 0; i < place->size; i++) {
		lines += place->at[i] == '\n' ? 1 : 0;
	}
	return lines;
}

/* A line with the token's name, or with a part of its value. */
static bool
may_show(const struct config_scan *scan, const struct config_place *place)
{
	struct slice line = line_of(scan, place);

	for (size_t i = 0; i < COUNT(secret_words); i++) {
		if (memmem(line.data, line.size, secret_words[i],
			strlen(secret_words[i]))) {
			return false;
		}
	}
	for (size_t i = 0; i < scan->setting_count; i++) {
		const struct config_scan_setting *setting = &scan->settings[i];
		const struct config_place *value = &setting->value;

		if (setting->has_secret && value->file == place->file &&
		    place->line >= setting->name.line &&
		    place->line <= value->line + lines_in(value)) {
			return false;
		}
	}
	return true;
}

/* The characters of a line from column first on (from 0), as a terminal may be shown
 * them: one column each. */
static void
put_window(const char *line, unsigned first, struct buf *out)
{
	struct slice rest = slice_of(line);

	for (unsigned column = 0; rest.size > 0 && column < first + WINDOW_COLUMNS;
	     column++) {
		uint32_t code = '?';
		size_t step = text_read(rest, &code);
		bool plain = step > 0 && !text_is_control(code);

		step = step > 0 ? step : 1;
		if (column >= first) {
			(void)buf_append(out,
			    plain            ? rest.data :
				code == '\t' ? " " :
					       "?",
			    plain ? step : 1);
		}
		rest.data += step;
		rest.size -= step;
	}
	if (rest.size > 0) {
		(void)buf_append(out, "...", 3);
	}
}

static void
put_marker(unsigned column, unsigned width, struct buf *out)
{
	(void)buf_printf(out, "\n      | %*s^", (int)column, "");
	for (unsigned i = 1; i < width && column + i < WINDOW_COLUMNS; i++) {
		(void)buf_append(out, "~", 1);
	}
	(void)buf_append(out, "\n", 2);
}

/* The line with its number and a marker below the place; NULL where it is not shown. */
static char *
make_excerpt(const struct config_scan *scan, const struct config_place *place)
{
	struct slice line = line_of(scan, place);
	unsigned column = column_of(scan, place) - 1;
	unsigned first = column > WINDOW_COLUMNS / 2 ? column - WINDOW_COLUMNS / 2 : 0;
	size_t rest = (size_t)(line.data + line.size - place->at);
	struct buf out;

	if (!may_show(scan, place)) {
		return NULL;
	}
	while (line.size > 0 && line.data[line.size - 1] == '\r') {
		line.size--;
	}
	if (characters(line.data, line.size) <= WINDOW_COLUMNS) {
		first = 0;
	}
	/* A piece of a token would not be known for one, so the whole line is masked.
	 */
	char *text = xstrndup(line.data, line.size);

	config_mask(text);
	buf_init(&out, EXCERPT_BYTES);
	(void)buf_printf(&out, "%5u | ", place->line);
	put_window(text, first, &out);
	put_marker(column - first,
	    characters(place->at, place->size < rest ? place->size : rest), &out);
	free(text);
	return out.data;
}

/* A file has a mebibyte at most, and so has no line or column that does not fit. */
static uint64_t
rank_of(const struct config_scan *scan, const struct config_place *place)
{
	uint64_t file = scan->order * CONFIG_FILES_MAX + place->file;

	return (file << 42) + ((uint64_t)place->line << 21) + column_of(scan, place);
}

void
config_scan_tell(const struct config_scan *scan, struct config_report *report,
    enum config_severity severity, const struct config_place *place, const char *text)
{
	size_t index = report->count;
	char where[WHERE_ROOM];

	config_scan_where(scan, place, false, where, sizeof where);
	config_report_add(report, severity, where, "%s", text);
	char *excerpt = make_excerpt(scan, place);

	config_report_show(report, index, rank_of(scan, place), excerpt);
	free(excerpt);
}

void
config_scan_complain(struct config_scan *scan, const struct config_place *place,
    const char *format, ...)
{
	char text[CONFIG_REASON_ROOM];
	va_list args;

	va_start(args, format);
	(void)vsnprintf(text, sizeof text, format, args);
	va_end(args);
	char shown[CONFIG_REASON_ROOM];

	config_printable(text, shown, sizeof shown);
	config_scan_tell(scan, scan->report, CONFIG_ERROR, place, shown);
}

void
config_scan_put(struct config_scan *scan, const char *data, size_t size)
{
	if (buf_append(&scan->text, data, size) != GW_OK) {
		scan->failed = true;
	}
}

const struct config_scan_setting *
config_scan_setting(const struct config_scan *scan, unsigned line)
{
	return line >= 2 && line - 2 < scan->setting_count ? &scan->settings[line - 2] :
							     NULL;
}

/* ---- includes ---- */

static void scan_file(struct config_scan *scan, const char *path,
    const struct config_cursor *parent, const struct config_place *place,
    enum gw_err *err);

/* A relative name starts at the folder of the file that includes it. */
static bool
resolve(const struct config_scan *scan, const struct config_cursor *cursor,
    const char *name, char *out, size_t room)
{
	const char *path = scan->files[cursor->file].path;
	const char *slash = strrchr(path, '/');
	size_t folder = slash && name[0] != '/' ? (size_t)(slash - path) + 1 : 0;

	return slice_copy((struct slice){path, folder}, out, room) &&
	    slice_copy(slice_of(name), out + folder, room - folder);
}

void
config_scan_include(struct config_scan *scan, const struct config_cursor *cursor,
    const struct config_place *place, const char *name)
{
	char path[PATH_ROOM];
	enum gw_err err = GW_OK;

	if (++scan->include_count > CONFIG_INCLUDES_MAX) {
		config_scan_complain(scan, place, "more than %d @include lines",
		    CONFIG_INCLUDES_MAX);
		scan->failed = true;
		return;
	}
	if (!resolve(scan, cursor, name, path, sizeof path)) {
		config_scan_complain(scan, place, "the name of the file is too long");
		return;
	}
	scan_file(scan, path, cursor, place, &err);
	if (err == GW_ERR_NOT_FOUND) {
		config_scan_complain(scan, place,
		    "@include \"%.150s\": there is no such file%s", path,
		    strpbrk(name, "*?[") ? "; a pattern is taken as a name" : "");
	}
}

/* ---- files ---- */

static bool
is_loop(const struct config_scan *scan, const struct config_cursor *parent,
    const struct stat *status)
{
	for (; parent; parent = parent->parent) {
		const struct config_scan_file *file = &scan->files[parent->file];

		if (file->device == status->st_dev && file->inode == status->st_ino) {
			return true;
		}
	}
	return false;
}

/* The message for a file that cannot be taken: at the @include, or at the file itself.
 */
static void
refuse_file(struct config_scan *scan, const struct config_place *place,
    const char *path, const char *reason)
{
	if (place) {
		config_scan_complain(scan, place, "@include \"%.150s\": %s", path,
		    reason);
	} else {
		config_report_add(scan->report, CONFIG_ERROR, path, "%s", reason);
		scan->failed = true;
	}
}

/* True where the content holds a NUL byte, which is told. */
static bool
refuse_nul(struct config_scan *scan, size_t file)
{
	const struct buf *content = &scan->files[file].content;
	const char *nul = memchr(content->data, '\0', content->size);
	unsigned line = 1;

	for (const char *at = content->data; nul && at < nul; at++) {
		line += *at == '\n' ? 1 : 0;
	}
	if (nul) {
		char where[WHERE_ROOM];

		(void)snprintf(where, sizeof where, "%s:%u", scan->files[file].path,
		    line);
		config_report_add(scan->report, CONFIG_ERROR, where,
		    "a NUL byte: this is no text file");
		scan->failed = true;
	}
	return nul != NULL;
}

static void
scan_content(struct config_scan *scan, size_t file, const struct config_cursor *parent)
{
	const struct buf *content = &scan->files[file].content;
	bool marked = begins_marked(content->data, content->size);
	struct config_cursor cursor = {
	    .at = content->data + (marked ? MARK_BYTES : 0),
	    .end = content->data + content->size,
	    .file = file,
	    .line = 1,
	    .depth = parent ? parent->depth + 1 : 0,
	    .line_start = true,
	    .parent = parent,
	};

	if (!refuse_nul(scan, file)) {
		config_grammar_file(scan, &cursor);
	}
}

static void
scan_file(struct config_scan *scan, const char *path,
    const struct config_cursor *parent, const struct config_place *place,
    enum gw_err *err)
{
	char reason[CONFIG_REASON_ROOM] = "";
	struct stat status;
	struct buf content;

	buf_init(&content, CONFIG_FILE_MAX_BYTES);
	*err = config_slurp(path, CONFIG_FILE_MAX_BYTES, &content, &status, reason);
	if (*err == GW_ERR_NOT_FOUND) {
		goto out;
	}
	if (*err != GW_OK) {
		refuse_file(scan, place, path, reason);
		goto out;
	}
	if (is_loop(scan, parent, &status)) {
		refuse_file(scan, place, path, "includes itself");
		goto out;
	}
	if (scan->file_count == CONFIG_FILES_MAX ||
	    (parent && parent->depth == DEPTH_MAX)) {
		refuse_file(scan, place, path, "too many included files");
		goto out;
	}
	scan->bytes += content.size;
	scan->files[scan->file_count++] = (struct config_scan_file){
	    .path = xstrdup(path),
	    .content = content,
	    .open = (status.st_mode & (S_IWGRP | S_IRWXO)) != 0,
	    .device = status.st_dev,
	    .inode = status.st_ino,
	};
	if (content.size > 0 && scan->bytes <= CONFIG_FILE_MAX_BYTES) {
		scan_content(scan, scan->file_count - 1, parent);
	}
	return; /* the content is the scan's by now */
out:
	buf_wipe(&content);
}

struct config_scan *
config_scan_read(const char *path, size_t order, struct config_report *report,
    enum gw_err *err)
{
	struct config_scan *scan = xzalloc(sizeof *scan);

	/* What is mended may make the text a little longer than its files. */
	buf_init(&scan->text, 2 * CONFIG_FILE_MAX_BYTES);
	scan->settings = xzalloc(CONFIG_SETTINGS_MAX * sizeof *scan->settings);
	scan->report = report;
	scan->order = order;
	scan->current = CONFIG_NO_SETTING;
	scan_file(scan, path, NULL, NULL, err);
	config_grammar_end(scan);
	if (!scan->failed && scan->bytes > CONFIG_FILE_MAX_BYTES) {
		config_report_add(report, CONFIG_ERROR, path,
		    "has more than %zu bytes with what it includes",
		    CONFIG_FILE_MAX_BYTES);
		scan->failed = true;
	}
	if (*err == GW_OK && !scan->failed && buf_append(&scan->text, "", 1) == GW_OK) {
		return scan;
	}
	config_scan_free(scan);
	return NULL;
}

void
config_scan_free(struct config_scan *owned_scan)
{
	if (!owned_scan) {
		return;
	}
	for (size_t i = 0; i < owned_scan->file_count; i++) {
		free(owned_scan->files[i].path);
		buf_wipe(&owned_scan->files[i].content);
	}
	buf_wipe(&owned_scan->text);
	free(owned_scan->settings);
	free(owned_scan);
}

const char *
config_scan_text(const struct config_scan *scan)
{
	return scan->text.data;
}

size_t
config_scan_file_count(const struct config_scan *scan)
{
	return scan->file_count;
}

const char *
config_scan_file_name(const struct config_scan *scan, size_t index)
{
	return scan->files[index].path;
}

const char *
config_scan_open_file(const struct config_scan *scan)
{
	for (size_t i = 0; i < scan->file_count; i++) {
		if (scan->files[i].open) {
			return scan->files[i].path;
		}
	}
	return NULL;
}
