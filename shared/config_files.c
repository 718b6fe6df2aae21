/*
 * Which files: the one that is named, or the default one, and the drop-ins beside it.
 *
 * The drop-ins of gwbot.conf are all files .conf in gwbot.d, sorted by name.  The top
 * levels of all files come first, in that order, then the sections of the profile, so
 * that a section means the same wherever it stands.
 */
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config_private.h"
#include "xalloc.h"

#define DEFAULT_PATH "/etc/gwbot.conf"
#define SUFFIX       ".conf"
#define FOLDER       ".d"
#define PATH_ROOM    4096
#define DROP_INS_MAX 63

struct config_files {
	struct config_file *at[DROP_INS_MAX + 1];
	size_t count;
	char folder[PATH_ROOM]; /* of the drop-ins; empty: none are read */
};

static bool
ends_with(const char *text, const char *tail)
{
	size_t size = strlen(text);
	size_t tail_size = strlen(tail);

	return size > tail_size && strcmp(text + size - tail_size, tail) == 0;
}

static void
read_one(struct config_files *files, const char *path, bool needed,
    struct config_report *report)
{
	enum gw_err err;
	struct config_scan *scan = config_scan_read(path, files->count, report, &err);

	if (scan) {
		files->at[files->count++] = config_file_parse(scan, report);
	} else if (err == GW_ERR_NOT_FOUND && needed) {
		config_report_add(report, CONFIG_ERROR, path, "there is no such file");
	}
}

/* ---- drop-ins ---- */

static int
choose_name(const struct dirent *entry)
{
	return entry->d_name[0] != '.' && ends_with(entry->d_name, SUFFIX);
}

static int
compare_names(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

/* "/etc/gwbot.conf" -> "/etc/gwbot.d" */
static bool
name_folder(const char *path, char out[PATH_ROOM])
{
	size_t size = strlen(path) - (ends_with(path, SUFFIX) ? sizeof SUFFIX - 1 : 0);

	return slice_copy((struct slice){path, size}, out, PATH_ROOM - sizeof FOLDER) &&
	    slice_copy(slice_of(FOLDER), out + size, sizeof FOLDER);
}

static void
read_drop_in(struct config_files *files, const char *folder, const char *name,
    struct config_report *report)
{
	char path[PATH_ROOM + 1 + NAME_MAX + 1];

	(void)snprintf(path, sizeof path, "%s/%s", folder, name);
	read_one(files, path, true, report);
}

static void
read_drop_ins(struct config_files *files, const char *path,
    struct config_report *report)
{
	struct dirent **names = NULL;
	const char *folder = files->folder;

	if (!name_folder(path, files->folder)) {
		files->folder[0] = '\0';
		return;
	}
	int count = scandir(folder, &names, choose_name, compare_names);

	if (count < 0 && errno != ENOENT && errno != ENOTDIR) {
		config_report_add(report, CONFIG_ERROR, folder, "cannot be read: %s",
		    strerror(errno));
	}
	if (count > DROP_INS_MAX) {
		config_report_add(report, CONFIG_ERROR, folder,
		    "holds %d files, %d are allowed", count, DROP_INS_MAX);
	}
	for (int i = 0; i < count; i++) {
		if (i < DROP_INS_MAX) {
			read_drop_in(files, folder, names[i]->d_name, report);
		}
		free(names[i]);
	}
	free(names);
}

/* ---- all of them ---- */

struct config_files *
config_files_read(const struct config_sources *sources, struct config_report *report)
{
	struct config_files *files = xzalloc(sizeof *files);
	const char *env = sources->paths.get(sources->paths.context, "GWBOT_CONFIG");
	bool named = sources->file || (env && env[0] != '\0');
	const char *path = sources->file ? sources->file : named ? env : DEFAULT_PATH;
	char copy[PATH_ROOM];

	/* A getter's text lives until its next call only. */
	(void)slice_copy(slice_of(path), copy, sizeof copy);
	if (copy[0] != '\0') {
		read_one(files, copy, named, report);
		read_drop_ins(files, copy, report);
	}
	return files;
}

void
config_files_free(struct config_files *owned_files)
{
	for (size_t i = 0; i < owned_files->count; i++) {
		config_file_free(owned_files->at[i]);
	}
	free(owned_files);
}

const char *
config_files_profile(const struct config_files *files)
{
	const char *name = NULL;

	for (size_t i = 0; i < files->count; i++) {
		const char *own = config_file_profile(files->at[i]);

		name = own ? own : name;
	}
	return name;
}

void
config_files_apply(const struct config_files *files, const char *profile,
    struct config *config, struct config_report *report)
{
	struct config_setters setters = {.file = {0}};

	for (size_t i = 0; i < files->count; i++) {
		setters.now = i;
		config_file_apply_top(files->at[i], &setters, config, report);
	}
	for (size_t i = 0; i < files->count; i++) {
		setters.now = i;
		config_file_apply_sections(files->at[i], profile, &setters, config,
		    report);
	}
	config_report_sort(report);
}

void
config_files_list(const struct config_files *files, struct config *config)
{
	struct config_list *out = &config->files;
	size_t count = 0;

	for (size_t i = 0; i < files->count; i++) {
		count += config_scan_file_count(config_file_scan(files->at[i]));
	}
	config->drop_ins = files->folder[0] ? xstrdup(files->folder) : NULL;
	*out = (struct config_list){NULL, 0};
	if (count == 0) {
		return;
	}
	out->items = xzalloc(count * sizeof *out->items);
	for (size_t i = 0; i < files->count; i++) {
		const struct config_scan *scan = config_file_scan(files->at[i]);

		for (size_t j = 0; j < config_scan_file_count(scan); j++) {
			out->items[out->count++] =
			    xstrdup(config_scan_file_name(scan, j));
		}
	}
}

void
config_files_warn_open(const struct config_files *files, struct config_report *report)
{
	for (size_t i = 0; i < files->count; i++) {
		const char *path =
		    config_scan_open_file(config_file_scan(files->at[i]));

		if (path) {
			config_report_add(report, CONFIG_WARNING, path,
			    "a token stands in the configuration, and others may read "
			    "or write this file; mode 0640 is the widest that is safe");
			return;
		}
	}
}
