/*
 * One text -> libconfig's tree -> options.
 *
 * libconfig accepts every name and type in silence, so both are checked here, and all
 * problems are told at once.
 */
#include "config_tree.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config_scan.h"
#include "xalloc.h"

#define PATH_ROOM     128
#define ALLOWED_BYTES 512

struct config_file {
	config_t tree;
	bool parsed;
	struct config_scan *scan;
};

/* Of none of the file (its root) all zeroes. */
const struct config_scan_setting *
config_tree_scanned(const struct config_target *target, const config_setting_t *setting)
{
	static const struct config_scan_setting none;
	const struct config_scan_setting *found =
	    config_scan_setting(target->file->scan,
		config_setting_source_line(setting));

	return found ? found : &none;
}

void
config_tree_complain(const struct config_target *target,
    const struct config_place *place, const char *format, ...)
{
	char text[CONFIG_VALUE_BYTES / 16];
	va_list args;

	va_start(args, format);
	(void)vsnprintf(text, sizeof text, format, args);
	va_end(args);
	config_scan_tell(target->file->scan, target->report, CONFIG_ERROR, place, text);
}

/* ---- libconfig's types -> text ---- */

static bool
put_scalar(const config_setting_t *setting, struct buf *out)
{
	switch (config_setting_type(setting)) {
	case CONFIG_TYPE_INT:
	case CONFIG_TYPE_INT64:
		return buf_printf(out, "%lld", config_setting_get_int64(setting)) ==
		    GW_OK;
	case CONFIG_TYPE_FLOAT:
		return buf_printf(out, "%.9f", config_setting_get_float(setting)) ==
		    GW_OK;
	case CONFIG_TYPE_BOOL:
		return buf_printf(out, "%s",
			   config_setting_get_bool(setting) ? "true" : "false") ==
		    GW_OK;
	case CONFIG_TYPE_STRING:
		return buf_printf(out, "%s", config_setting_get_string(setting)) ==
		    GW_OK;
	default: /* libconfig's types are plain numbers */
		return false;
	}
}

static bool
is_word(const config_setting_t *item)
{
	const char *text = config_setting_get_string(item);

	for (const char *at = text; *at != '\0'; at++) {
		if ((unsigned char)*at < 0x20 || *at == 0x7F) {
			return false;
		}
	}
	return true;
}

/* Words may have blanks and commas in them, and no line end: one is their mark. */
static bool
put_items(enum config_type type, const config_setting_t *setting, struct buf *out)
{
	static const char words_mark[] = {CONFIG_WORDS_MARK, '\0'};
	const char *mark = type == CONFIG_WORDS ? words_mark : ", ";
	int count = config_setting_length(setting);

	for (int i = 0; i < count; i++) {
		const config_setting_t *item =
		    config_setting_get_elem(setting, (unsigned)i);

		if (config_setting_type(item) != CONFIG_TYPE_STRING ||
		    (type == CONFIG_WORDS && !is_word(item)) ||
		    buf_printf(out, "%s", i > 0 ? mark : "") != GW_OK ||
		    !put_scalar(item, out)) {
			return false;
		}
	}
	return true;
}

/* True where a setting of libconfig's type may stand for an option of this type. */
static bool
fits(enum config_type type, int found)
{
	bool integer = found == CONFIG_TYPE_INT || found == CONFIG_TYPE_INT64;
	bool string = found == CONFIG_TYPE_STRING;
	bool array = found == CONFIG_TYPE_ARRAY || found == CONFIG_TYPE_LIST;

	switch (type) {
	case CONFIG_BOOL:
		return found == CONFIG_TYPE_BOOL;
	case CONFIG_INTEGER:
		return integer;
	case CONFIG_DURATION:
		return integer || string || found == CONFIG_TYPE_FLOAT;
	case CONFIG_TEXT:
	case CONFIG_SECRET:
	case CONFIG_PATH:
	case CONFIG_URL:
	case CONFIG_JSON:
	case CONFIG_CHOICE:
		return string;
	case CONFIG_LIST:
		return string || array;
	case CONFIG_INTENTS:
		return integer || string || array;
	case CONFIG_SHARDS:
		return integer || string;
	case CONFIG_WORDS:
		return array;
	case CONFIG_GROUPS:
		return false; /* config_list.c takes them */
	}
	return false;
}

static bool
put_setting(enum config_type type, const config_setting_t *setting, struct buf *out)
{
	int found = config_setting_type(setting);

	if (!fits(type, found)) {
		return false;
	}
	if (found == CONFIG_TYPE_ARRAY || found == CONFIG_TYPE_LIST) {
		return put_items(type, setting, out);
	}
	return put_scalar(setting, out);
}

/* ---- settings -> options ---- */

static void
refuse(const struct config_target *target, const struct config_place *place,
    const struct config_option *option, const char *path, const char *shown,
    const char *reason)
{
	struct buf allowed;

	buf_init(&allowed, ALLOWED_BYTES);
	(void)config_allowed(option, &allowed);
	config_tree_complain(target, place, "%s%s: %s; allowed: %.*s", path, shown,
	    reason, (int)allowed.size, allowed.data);
	buf_fini(&allowed);
}

bool
config_tree_take(const struct config_target *target, const config_setting_t *setting,
    const struct config_option *option, const char *path, void *field)
{
	const struct config_place *place = &config_tree_scanned(target, setting)->value;
	char reason[CONFIG_REASON_ROOM] = "";
	struct buf text;
	bool done = false;

	buf_init(&text, CONFIG_VALUE_BYTES);
	if (!put_setting(option->type, setting, &text) ||
	    buf_append(&text, "", 1) != GW_OK) {
		refuse(target, place, option, path, "", "wrong type of value");
	} else if (config_field_set(option, field, text.data, reason) != GW_OK) {
		char value[CONFIG_SHOWN_ROOM];
		char shown[CONFIG_SHOWN_ROOM + 8];

		config_shown(text.data, value);
		(void)snprintf(shown, sizeof shown, " = \"%s\"", value);
		refuse(target, place, option, path,
		    option->type == CONFIG_SECRET ||
			    strcmp(option->unit, "secret-place") == 0 ?
			"" :
			shown,
		    reason);
	} else {
		done = true;
	}
	if (text.data) {
		explicit_bzero(text.data, text.size);
	}
	buf_fini(&text);
	return done;
}

/* A drop-in goes over the file's top level, yet not over a section in that file: who
 * wrote the drop-in may not expect it. */
static void
note_setter(const struct config_target *target, const struct config_place *place,
    enum config_id id)
{
	struct config_setters *setters = target->setters;
	const struct config_origins *origins = target->config->origins;
	char text[CONFIG_PLACE_ROOM * 2];

	if (target->layer == LAYER_FILE) {
		setters->file[id] = setters->now;
		return;
	}
	if (!origins || origins->at[id].layer != LAYER_FILE ||
	    setters->file[id] <= setters->now) {
		return;
	}
	(void)snprintf(text, sizeof text,
	    "%s at %s has no effect: this section of the profile goes over it",
	    config_option(id)->path, origins->at[id].source);
	config_scan_tell(target->file->scan, target->report, CONFIG_WARNING, place,
	    text);
}

static void
take_option(const struct config_target *target, const config_setting_t *setting,
    enum config_id id)
{
	const struct config_option *option = config_option(id);
	const struct config_place *place = &config_tree_scanned(target, setting)->name;
	bool taken = option->type == CONFIG_GROUPS ?
	    config_tree_take_list(target, setting, id) :
	    config_tree_take(target, setting, option, option->path,
		config_field_of(target->config, id));

	if (taken) {
		char source[CONFIG_PLACE_ROOM];

		config_scan_where(config_file_scan(target->file), place, true, source,
		    sizeof source);
		note_setter(target, place, id);
		config_note(target->config, id, target->layer, source);
	}
}

/* One that has another name by now.  Where the new one stands in the same file, that
 * counts, whichever comes first. */
static void
take_renamed(const struct config_target *target, const config_setting_t *setting,
    const char *old_path, enum config_id id)
{
	const struct config_setters *setters = target->setters;
	const struct config_place *place = &config_tree_scanned(target, setting)->name;
	const struct config_origins *origins = target->config->origins;
	bool again = target->layer == LAYER_FILE && origins &&
	    origins->at[id].layer == LAYER_FILE && setters->file[id] == setters->now;
	char text[CONFIG_PLACE_ROOM];

	(void)snprintf(text, sizeof text, "%s is deprecated; use %s%s", old_path,
	    config_option(id)->path, again ? ", which is set as well, and counts" : "");
	config_scan_tell(target->file->scan, target->report, CONFIG_WARNING, place,
	    text);
	if (!again) {
		take_option(target, setting, id);
	}
}

static void
refuse_unknown(const struct config_target *target, const config_setting_t *setting,
    const char *path)
{
	char shown[CONFIG_SHOWN_ROOM];
	char nearest[PATH_ROOM];
	char profile[PATH_ROOM];
	bool group = config_setting_is_group(setting) == CONFIG_TRUE;
	const struct config_place *place = &config_tree_scanned(target, setting)->name;
	/* Without its group it may be one of any group. */
	bool near = group || strchr(path, '.') ?
	    config_nearest_path(path, group, nearest, sizeof nearest) :
	    config_nearest(path, nearest, sizeof nearest);

	config_shown(path, shown);
	if (group && config_profile_name(path, profile, sizeof profile) &&
	    config_is_known_profile(profile)) {
		config_tree_complain(target, place,
		    "\"%s\" is no group of settings; that of a profile is written "
		    "profiles: { %s: { ... }; };",
		    shown, profile);
		return;
	}
	config_tree_complain(target, place, "unknown setting \"%s\"%s%s", shown,
	    near ? "; nearest: " : "", near ? nearest : "");
}

static void take_group(const struct config_target *target,
    const config_setting_t *group, const char *prefix);

static void
take_setting(const struct config_target *target, const config_setting_t *setting,
    const char *prefix)
{
	const char *name = config_setting_name(setting);
	const struct config_scan_setting *place = config_tree_scanned(target, setting);
	char path[PATH_ROOM];
	size_t id;
	int size = snprintf(path, sizeof path, "%s%s%s", prefix, *prefix ? "." : "",
	    name ? name : "");
	bool fitting = size >= 0 && (size_t)size < sizeof path;

	if (place->passed) {
		return; /* the scan has told why */
	}
	if (fitting && config_option_find(path, &id)) {
		if (!place->mended) {
			take_option(target, setting, (enum config_id)id);
		}
	} else if (fitting && config_option_renamed(path, &id)) {
		if (!place->mended) {
			take_renamed(target, setting, path, (enum config_id)id);
		}
	} else if (!fitting || *prefix || !config_is_group(path)) {
		refuse_unknown(target, setting, path);
	} else if (config_setting_is_group(setting) == CONFIG_TRUE) {
		take_group(target, setting, path);
	} else if (!place->mended) {
		config_tree_complain(target, &place->name,
		    "%s is a group; write %s: { ... };", path, path);
	}
}

/* prefix is "" or the name of a group: paths have two parts at most. */
static void
take_group(const struct config_target *target, const config_setting_t *group,
    const char *prefix)
{
	int count = config_setting_length(group);

	for (int i = 0; i < count; i++) {
		const config_setting_t *setting =
		    config_setting_get_elem(group, (unsigned)i);
		const char *name = config_setting_name(setting);
		bool top = group == config_root_setting(&target->file->tree);

		if (top && strcmp(name, "profiles") == 0) {
			continue;
		}
		if (!top && !*prefix && strcmp(name, "profile") == 0) {
			config_tree_complain(target,
			    &config_tree_scanned(target, setting)->name,
			    "profile stands at the top level of the file only");
			continue;
		}
		take_setting(target, setting, prefix);
	}
}

static void
take_section(const struct config_target *target, const config_setting_t *section,
    const char *profile)
{
	char name[PATH_ROOM];
	struct config blank = {.origins = NULL};
	struct config_target check = *target;

	if (config_tree_scanned(target, section)->passed) {
		return;
	}

	if (config_setting_is_group(section) != CONFIG_TRUE ||
	    !config_profile_name(config_setting_name(section), name, sizeof name)) {
		config_tree_complain(target,
		    &config_tree_scanned(target, section)->name,
		    "a section of a profile is a group: profiles: { prod: { ... }; };");
		return;
	}
	if (strcmp(name, profile) == 0) {
		take_group(target, section, "");
		return;
	}
	check.config = &blank;
	take_group(&check, section, "");
	for (size_t i = 0; i < CONFIG_ID_COUNT; i++) {
		config_value_clear(&blank, (enum config_id)i);
	}
}

void
config_file_apply_top(const struct config_file *file, struct config_setters *setters,
    struct config *config, struct config_report *report)
{
	const struct config_target target = {file, config, LAYER_FILE, report, setters};

	if (file->parsed) {
		take_group(&target, config_root_setting(&file->tree), "");
	}
}

void
config_file_apply_sections(const struct config_file *file, const char *profile,
    struct config_setters *setters, struct config *config, struct config_report *report)
{
	const struct config_target target = {file, config, LAYER_SECTION, report,
	    setters};
	const config_setting_t *sections =
	    file->parsed ? config_lookup(&file->tree, "profiles") : NULL;

	if (!sections) {
		return;
	}
	if (config_setting_is_group(sections) != CONFIG_TRUE) {
		config_tree_complain(&target,
		    &config_tree_scanned(&target, sections)->name,
		    "profiles is a group of sections: profiles: { prod: { ... }; };");
		return;
	}
	int count = config_setting_length(sections);

	for (int i = 0; i < count; i++) {
		take_section(&target, config_setting_get_elem(sections, (unsigned)i),
		    profile);
	}
}

const struct config_scan *
config_file_scan(const struct config_file *file)
{
	return file->scan;
}

const char *
config_file_profile(const struct config_file *file)
{
	const char *name = NULL;

	if (!file->parsed ||
	    config_lookup_string(&file->tree, "profile", &name) != CONFIG_TRUE) {
		return NULL;
	}
	return name;
}

/* ---- parsing ---- */

/* The scan leaves nothing for libconfig to find; should it find something all the same,
 * the place is that of the setting. */
static void
tell_syntax(const struct config_file *file, struct config_report *report)
{
	unsigned line = (unsigned)config_error_line(&file->tree);
	const struct config_scan_setting *setting =
	    config_scan_setting(file->scan, line);
	const char *error = config_error_text(&file->tree);

	if (setting) {
		config_scan_tell(file->scan, report, CONFIG_ERROR, &setting->name,
		    error ? error : "syntax error");
	} else {
		config_report_add(report, CONFIG_ERROR,
		    config_scan_file_name(file->scan, 0), "%s",
		    error ? error : "syntax error");
	}
}

struct config_file *
config_file_parse(struct config_scan *owned_scan, struct config_report *report)
{
	struct config_file *file = xzalloc(sizeof *file);
	const char *text = config_scan_text(owned_scan);

	file->scan = owned_scan;
	config_init(&file->tree);
	file->parsed = config_read_string(&file->tree, text) == CONFIG_TRUE;
	if (!file->parsed) {
		tell_syntax(file, report);
	}
	return file;
}

void
config_file_free(struct config_file *owned_file)
{
	if (!owned_file) {
		return;
	}
	config_destroy(&owned_file->tree);
	config_scan_free(owned_file->scan);
	free(owned_file);
}
