/* A list of groups in libconfig's tree -> struct config_groups. */
#include "config_tree.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "xalloc.h"

#define WORDS_ROOM 128
#define ROW_KIND   1

/* One group on its way in. */
struct entry {
	const struct config_target *target;
	const struct config_rows *rows;
	const struct config_place *place; /* of its first key */
	struct config_group *group;
	bool seen[CONFIG_ITEMS_MAX]; /* keys that stand there, well formed or not */
	bool broken;                 /* something was said of one of them */
};

static bool
find_row(const struct config_rows *rows, const char *key, size_t *out)
{
	for (size_t i = 0; i < rows->count; i++) {
		if (strcmp(rows->items[i].option.path, key) == 0) {
			*out = i;
			return true;
		}
	}
	return false;
}

static void
refuse_key(struct entry *entry, const config_setting_t *setting, const char *key)
{
	struct config_nearest nearest;
	char shown[CONFIG_SHOWN_ROOM];

	config_nearest_init(&nearest, key);
	for (size_t i = 0; i < entry->rows->count; i++) {
		config_nearest_offer(&nearest, entry->rows->items[i].option.path);
	}
	config_shown(key, shown);
	config_tree_complain(entry->target,
	    &config_tree_scanned(entry->target, setting)->name,
	    "a %s has no \"%s\"%s%s", entry->rows->noun, shown,
	    nearest.best ? "; nearest: " : "", nearest.best ? nearest.best : "");
	entry->broken = true;
}

static void
take_key(struct entry *entry, const config_setting_t *setting)
{
	const struct config_rows *rows = entry->rows;
	const char *key = config_setting_name(setting);
	const struct config_scan_setting *scanned =
	    config_tree_scanned(entry->target, setting);
	char path[WORDS_ROOM];
	char place[CONFIG_PLACE_ROOM];
	size_t row = 0;

	if (scanned->passed) {
		entry->broken = true; /* the scan has told why */
		return;
	}
	if (!find_row(rows, key, &row)) {
		refuse_key(entry, setting, key);
		return;
	}
	entry->seen[row] = true;
	if (scanned->mended) {
		entry->broken = true;
		return;
	}
	(void)snprintf(path, sizeof path, "%s of a %s", key, rows->noun);
	if (!config_tree_take(entry->target, setting, &rows->items[row].option, path,
		config_item_field(rows, row, entry->group))) {
		entry->broken = true;
		return;
	}
	config_scan_where(config_file_scan(entry->target->file), &scanned->name, true,
	    place, sizeof place);
	entry->group->sources[row] = xstrdup(place);
}

/* "tcp" or "http" out of "tcp|http". */
static void
join_words(const char *words, char out[WORDS_ROOM])
{
	struct buf text;

	buf_init(&text, WORDS_ROOM);
	for (; *words != '\0'; words += *words == '|' ? 1 : 0) {
		size_t size = strcspn(words, "|");

		(void)buf_printf(&text, "%s%.*s", text.size > 0 ? " or " : "",
		    (int)size, words);
		words += size;
	}
	(void)slice_copy(buf_slice(&text), out, WORDS_ROOM);
	buf_fini(&text);
}

/* Whether a row must, may or must not be there depends on the kind of the group. */
static void
check_row(struct entry *entry, size_t row)
{
	const struct config_rows *rows = entry->rows;
	const struct config_item *item = &rows->items[row];
	const char *kind_key = rows->items[ROW_KIND].option.path;
	struct slice kind = config_group_kind(rows, entry->group);
	bool kind_known =
	    entry->group->sources[ROW_KIND] != NULL || !rows->items[ROW_KIND].needed;

	if (item->when[0] != '\0' && !kind_known) {
		return;
	}
	bool applies = config_item_applies(rows, row, entry->group);

	if (applies && item->needed && !entry->seen[row]) {
		config_tree_complain(entry->target, entry->place,
		    "%s \"%s\" needs %s: %s", rows->noun,
		    config_group_name(rows, entry->group), item->option.path,
		    item->option.help);
		entry->broken = true;
	}
	if (!applies && entry->seen[row]) {
		char words[WORDS_ROOM];

		join_words(item->when, words);
		config_tree_complain(entry->target, entry->place,
		    "%s \"%s\": %s belongs to %s %s, and this one is %.*s", rows->noun,
		    config_group_name(rows, entry->group), item->option.path, kind_key,
		    words, (int)kind.size, kind.data);
		entry->broken = true;
	}
}

/* How many of these keys (ended by NULL) say something. */
static unsigned
count_said(const struct entry *entry, const char *const *keys)
{
	unsigned count = 0;
	size_t row = 0;

	for (; *keys; keys++) {
		if (find_row(entry->rows, *keys, &row)) {
			const char *text =
			    entry->rows->items[row].option.type == CONFIG_TEXT ?
			    *(char **)config_item_field(entry->rows, row,
				entry->group) :
			    "set";

			count += entry->seen[row] && text[0] != '\0' ? 1 : 0;
		}
	}
	return count;
}

/* Exactly one of the ways to say when. */
static void
check_schedule(struct entry *entry)
{
	static const char *const ways[] = {"at", "every", "cron", NULL};
	unsigned count = count_said(entry, ways);

	if (count != 1) {
		config_tree_complain(entry->target, entry->place,
		    "job \"%s\" needs one of at, every and cron, and has %s",
		    config_group_name(entry->rows, entry->group),
		    count == 0 ? "none" : "more than one");
	}
}

/* Google counts 60 reads a minute for one account, which the bot itself needs. */
#define SHEET_INTERVAL_MIN CLOCK_S(60)

static void
check_sheet(struct entry *entry)
{
	static const char *const ways[] = {"credentials", "api_key", NULL};
	const struct config_probe *probe = (const struct config_probe *)entry->group;
	struct slice kind = config_group_kind(entry->rows, entry->group);
	unsigned count = count_said(entry, ways);

	if (!slice_equal(kind, SLICE_LITERAL("google-sheet"))) {
		return;
	}
	if (count != 1) {
		config_tree_complain(entry->target, entry->place,
		    "probe \"%s\" needs one of credentials and api_key, and has %s",
		    probe->name, count == 0 ? "none" : "both");
	}
	if (probe->interval < SHEET_INTERVAL_MIN) {
		config_tree_complain(entry->target, entry->place,
		    "probe \"%s\": interval of a google-sheet is at least 1min, since "
		    "Google allows one account 60 reads a minute, the bot's own "
		    "included",
		    probe->name);
	}
}

static void
take_group(const struct config_target *target, const struct config_rows *rows,
    const config_setting_t *setting, struct config_groups *groups)
{
	int count = config_setting_length(setting);
	const config_setting_t *first =
	    count > 0 ? config_setting_get_elem(setting, 0) : setting;
	struct entry entry = {
	    .target = target,
	    .rows = rows,
	    .place = &config_tree_scanned(target, first)->name,
	    .group = config_group_new(rows),
	};
	char place[CONFIG_PLACE_ROOM];

	for (int i = 0; i < count; i++) {
		take_key(&entry, config_setting_get_elem(setting, (unsigned)i));
	}
	for (size_t i = 0; i < rows->count; i++) {
		check_row(&entry, i);
	}
	if (strcmp(rows->noun, "job") == 0 && !entry.broken) {
		check_schedule(&entry);
	}
	if (strcmp(rows->noun, "probe") == 0 && !entry.broken) {
		check_sheet(&entry);
	}
	const char *name = config_group_name(rows, entry.group);

	if (name[0] != '\0' && config_groups_find(rows, groups, name)) {
		config_tree_complain(target, entry.place,
		    "there is a %s \"%s\" already; each has a name of its own",
		    rows->noun, name);
	}
	config_scan_where(config_file_scan(target->file), entry.place, true, place,
	    sizeof place);
	entry.group->source = xstrdup(place);
	config_groups_add(groups, entry.group);
}

static bool
is_empty(const config_setting_t *setting)
{
	int type = config_setting_type(setting);

	return (type == CONFIG_TYPE_ARRAY || type == CONFIG_TYPE_LIST) &&
	    config_setting_length(setting) == 0;
}

bool
config_tree_take_list(const struct config_target *target,
    const config_setting_t *setting, enum config_id id)
{
	const struct config_option *option = config_option(id);
	const struct config_rows *rows = config_rows(option);
	struct config_groups groups = {NULL, 0};
	struct config_groups *field = config_field_of(target->config, id);
	const struct config_scan_setting *scanned =
	    config_tree_scanned(target, setting);

	if (config_setting_type(setting) != CONFIG_TYPE_LIST && !is_empty(setting)) {
		config_tree_complain(target, &scanned->value,
		    "%s is a list of groups; write %s = ( { name = \"...\"; ... }, ... "
		    ")",
		    option->path, option->path);
		return false;
	}
	int count = config_setting_length(setting);

	if (count > option->max) {
		config_tree_complain(target, &scanned->name,
		    "%s has %d groups, %" PRId64 " are allowed", option->path, count,
		    option->max);
		return false;
	}
	for (int i = 0; i < count; i++) {
		const config_setting_t *entry =
		    config_setting_get_elem(setting, (unsigned)i);

		if (config_setting_is_group(entry) != CONFIG_TRUE) {
			config_tree_complain(target,
			    &config_tree_scanned(target, entry)->value,
			    "each %s is a group: { name = \"...\"; ... }", rows->noun);
			continue;
		}
		take_group(target, rows, entry, &groups);
	}
	config_groups_clear(rows, field);
	*field = groups;
	return true;
}
