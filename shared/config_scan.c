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

#include "xalloc.h"

#define DEPTH_MAX  10 /* of included files, as in libconfig */
#define PATH_ROOM  1024
#define WHERE_ROOM 512

static void
where_of(const struct config_scan *scan, size_t file, unsigned line, char *out)
{
	(void)snprintf(out, WHERE_ROOM, "%s:%u", scan->files[file].path, line);
}

void
config_scan_complain(struct config_scan *scan, const struct config_cursor *cursor,
    unsigned line, const char *format, ...)
{
	char where[WHERE_ROOM];
	char text[CONFIG_REASON_ROOM];
	va_list args;

	va_start(args, format);
	(void)vsnprintf(text, sizeof text, format, args);
	va_end(args);
	where_of(scan, cursor->file, line, where);
	config_report_add(scan->report, CONFIG_ERROR, where, "%s", text);
}

void
config_scan_put(struct config_scan *scan, const char *data, size_t size)
{
	if (buf_append(&scan->text, data, size) != GW_OK) {
		scan->failed = true;
	}
	for (size_t i = 0; i < size; i++) {
		scan->out_line += data[i] == '\n' ? 1 : 0;
	}
}

static void
start_segment(struct config_scan *scan, size_t file, unsigned line)
{
	if (scan->segment_count == sizeof scan->segments / sizeof scan->segments[0]) {
		config_report_add(scan->report, CONFIG_ERROR, scan->files[file].path,
		    "has more than %d @include lines", CONFIG_FILES_MAX);
		scan->failed = true;
		return;
	}
	scan->segments[scan->segment_count++] = (struct config_segment){
	    .out_line = scan->out_line,
	    .file_line = line,
	    .file = file,
	};
}

/* ---- includes ---- */

static void scan_file(struct config_scan *scan, const char *path,
    const struct config_cursor *parent, enum gw_err *err);

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
    const char *name)
{
	char path[PATH_ROOM];
	enum gw_err err = GW_OK;

	if (!resolve(scan, cursor, name, path, sizeof path)) {
		config_scan_complain(scan, cursor, cursor->line,
		    "the name of the file is too long");
		return;
	}
	scan_file(scan, path, cursor, &err);
	if (err == GW_ERR_NOT_FOUND) {
		char shown[CONFIG_SHOWN_ROOM * 2];

		config_printable(path, shown, sizeof shown);
		config_scan_complain(scan, cursor, cursor->line,
		    "@include \"%s\": there is no "
		    "such file",
		    shown);
	}
	config_scan_put(scan, "\n", 1);
	if (!scan->failed) {
		start_segment(scan, cursor->file, cursor->line);
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
refuse_file(struct config_scan *scan, const struct config_cursor *parent,
    const char *path, const char *reason)
{
	char shown[CONFIG_SHOWN_ROOM * 2];

	config_printable(path, shown, sizeof shown);
	if (parent) {
		config_scan_complain(scan, parent, parent->line, "@include \"%s\": %s",
		    shown, reason);
	} else {
		config_report_add(scan->report, CONFIG_ERROR, path, "%s", reason);
		scan->failed = true;
	}
}

static void
scan_content(struct config_scan *scan, struct slice content, size_t file,
    const struct config_cursor *parent)
{
	static const char mark[] = "\xEF\xBB\xBF"; /* some editors write it in front */
	bool marked = content.size >= 3 && memcmp(content.data, mark, 3) == 0;
	size_t skip = marked ? 3 : 0;
	struct config_cursor cursor = {
	    .at = content.data + skip,
	    .end = content.data + content.size,
	    .file = file,
	    .line = 1,
	    .depth = parent ? parent->depth + 1 : 0,
	    .line_start = true,
	    .parent = parent,
	};
	const char *nul = memchr(content.data, '\0', content.size);

	if (nul) {
		unsigned line = 1;

		for (const char *at = content.data; at < nul; at++) {
			line += *at == '\n' ? 1 : 0;
		}
		config_scan_complain(scan, &cursor, line,
		    "a NUL byte: this is no text file");
		scan->failed = true;
		return;
	}
	start_segment(scan, file, 1);
	config_lex_text(scan, &cursor);
	/* libconfig 1.5 takes a comment for one only with a line end behind it. */
	config_scan_put(scan, "\n", 1);
}

static void
scan_file(struct config_scan *scan, const char *path,
    const struct config_cursor *parent, enum gw_err *err)
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
		refuse_file(scan, parent, path, reason);
		goto out;
	}
	if (is_loop(scan, parent, &status)) {
		refuse_file(scan, parent, path, "includes itself");
		goto out;
	}
	if (scan->file_count == CONFIG_FILES_MAX ||
	    (parent && parent->depth == DEPTH_MAX)) {
		refuse_file(scan, parent, path, "too many included files");
		goto out;
	}
	scan->files[scan->file_count] = (struct config_scan_file){
	    .path = xstrdup(path),
	    .open = (status.st_mode & (S_IWGRP | S_IRWXO)) != 0,
	    .device = status.st_dev,
	    .inode = status.st_ino,
	};
	scan->file_count++;
	if (content.size > 0) {
		scan_content(scan, buf_slice(&content), scan->file_count - 1, parent);
	}
out:
	/* A token may stand in it. */
	if (content.data) {
		explicit_bzero(content.data, content.size);
	}
	buf_fini(&content);
}

struct config_scan *
config_scan_read(const char *path, struct config_report *report, enum gw_err *err)
{
	struct config_scan *scan = xzalloc(sizeof *scan);

	/* What is mended may make the text a little longer than its files. */
	buf_init(&scan->text, 2 * CONFIG_FILE_MAX_BYTES);
	scan->out_line = 1;
	scan->report = report;
	scan_file(scan, path, NULL, err);
	if (!scan->failed && scan->text.size > CONFIG_FILE_MAX_BYTES) {
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
	}
	if (owned_scan->text.data) {
		explicit_bzero(owned_scan->text.data, owned_scan->text.size);
	}
	buf_fini(&owned_scan->text);
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
config_scan_place(const struct config_scan *scan, unsigned line, unsigned *file_line)
{
	size_t found = 0;

	for (size_t i = 0; i < scan->segment_count; i++) {
		if (scan->segments[i].out_line <= line) {
			found = i;
		}
	}
	*file_line = line;
	if (scan->segment_count > 0) {
		const struct config_segment *segment = &scan->segments[found];

		*file_line = segment->file_line + (line - segment->out_line);
		return scan->files[segment->file].path;
	}
	return scan->files[0].path;
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
