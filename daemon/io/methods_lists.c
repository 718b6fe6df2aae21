#include "methods_lists.h"

#include <stdio.h>
#include <string.h>

#define PATH_ROOM  128
#define TEXT_BYTES ((size_t)64 * 1024)

/* ---- one key ---- */

/* What holds a list's rows and the place of one group in it. */
struct place {
	const struct config_option *list;
	const struct config_rows *rows;
	const struct config_group *group;
};

static void
name_item(const struct place *place, size_t item, char out[PATH_ROOM])
{
	(void)snprintf(out, PATH_ROOM, "%s.%s.%s", place->list->path,
	    config_group_name(place->rows, place->group),
	    place->rows->items[item].option.path);
}

static void
add_text(struct json *object, const char *name, struct buf *text)
{
	(void)buf_append(text, "", 1);
	json_add_text(object, name, text->data);
	buf_clear(text);
}

static void
add_value(struct json *object, const char *name, const struct place *place, size_t item)
{
	struct buf text;

	buf_init(&text, TEXT_BYTES);
	(void)config_item_text(place->rows, item, place->group, &text);
	add_text(object, name, &text);
	buf_fini(&text);
	if (place->rows->items[item].option.type == CONFIG_DURATION) {
		char seconds[PATH_ROOM];

		(void)snprintf(seconds, sizeof seconds, "%s_seconds", name);
		json_add_seconds(object, seconds,
		    config_item_duration(place->rows, item, place->group));
	}
}

static struct json *
describe_item(const struct place *place, size_t item, const char *path)
{
	const struct config_option *option = &place->rows->items[item].option;
	struct json *object = json_new_object();
	struct buf allowed;

	buf_init(&allowed, TEXT_BYTES);
	json_add_text(object, "path", path);
	add_value(object, "value", place, item);
	json_add_text(object, "source", config_item_source(place->group, item));
	json_add_null(object, "override");
	json_add_bool(object, "secret", false);
	json_add_bool(object, "set", true);
	json_add_text(object, "acts", config_reload_word(place->list->reload));
	(void)config_allowed(option, &allowed);
	add_text(object, "allowed", &allowed);
	json_add_text(object, "default", option->def ? option->def : "");
	json_add_null(object, "environment");
	json_add_text(object, "help", option->help);
	buf_fini(&allowed);
	return object;
}

void
methods_lists_items(struct json *options, const struct config *config, size_t index,
    const char *wanted)
{
	struct place place = {.list = config_option(index)};
	char path[PATH_ROOM];

	if (place.list->type != CONFIG_GROUPS) {
		return;
	}
	const struct config_groups *groups = config_groups_of(config, index);

	place.rows = config_rows(place.list);
	for (size_t i = 0; i < groups->count; i++) {
		place.group = groups->at[i];
		for (size_t j = 0; j < place.rows->count; j++) {
			name_item(&place, j, path);
			if (config_item_applies(place.rows, j, place.group) &&
			    (!wanted || config_path_fits(path, wanted))) {
				json_append(options, describe_item(&place, j, path));
			}
		}
	}
}

/* ---- what differs ---- */

/* A group that is in one of them only: all that it says, against nothing. */
static void
append_whole(struct json *changes, const struct place *place, bool is_new,
    const char *acts)
{
	const char *texts[] = {"old", "new"};
	const char *sources[] = {"old_source", "new_source"};
	int side = is_new ? 1 : 0;
	struct json *object = json_new_object();
	char path[PATH_ROOM];
	struct buf text;

	buf_init(&text, TEXT_BYTES);
	(void)snprintf(path, sizeof path, "%s.%s", place->list->path,
	    config_group_name(place->rows, place->group));
	json_add_text(object, "path", path);
	json_add_text(object, "acts", acts);
	json_add_bool(object, "secret", false);
	(void)config_group_text(place->rows, place->group, &text);
	add_text(object, texts[side], &text);
	json_add_text(object, sources[side], place->group->source);
	json_add_null(object, texts[1 - side]);
	json_add_null(object, sources[1 - side]);
	json_append(changes, object);
	buf_fini(&text);
}

static bool
same_item(const struct place *a, const struct place *b, size_t item)
{
	struct buf texts[2];

	for (int i = 0; i < 2; i++) {
		const struct place *place = i == 0 ? a : b;

		buf_init(&texts[i], TEXT_BYTES);
		if (config_item_applies(place->rows, item, place->group)) {
			(void)config_item_text(place->rows, item, place->group,
			    &texts[i]);
		}
	}
	bool same = slice_equal(buf_slice(&texts[0]), buf_slice(&texts[1]));

	buf_fini(&texts[0]);
	buf_fini(&texts[1]);
	return same;
}

static void
append_items(struct json *changes, const struct place *old, const struct place *fresh,
    const char *acts)
{
	char path[PATH_ROOM];

	for (size_t i = 0; i < fresh->rows->count; i++) {
		if (same_item(old, fresh, i)) {
			continue;
		}
		struct json *object = json_new_object();

		name_item(fresh, i, path);
		json_add_text(object, "path", path);
		json_add_text(object, "acts", acts);
		json_add_bool(object, "secret", false);
		add_value(object, "old", old, i);
		json_add_text(object, "old_source", config_item_source(old->group, i));
		add_value(object, "new", fresh, i);
		json_add_text(object, "new_source",
		    config_item_source(fresh->group, i));
		json_append(changes, object);
	}
}

bool
methods_lists_changes(struct json *changes, const struct config *old,
    const struct config *fresh, size_t index, const char *acts)
{
	const struct config_option *list = config_option(index);

	if (list->type != CONFIG_GROUPS) {
		return false;
	}
	const struct config_rows *rows = config_rows(list);
	const struct config_groups *before = config_groups_of(old, index);
	const struct config_groups *after = config_groups_of(fresh, index);
	size_t count = json_count(changes);

	for (size_t i = 0; i < before->count; i++) {
		const struct place gone = {list, rows, before->at[i]};

		if (!config_groups_find(rows, after,
			config_group_name(rows, gone.group))) {
			append_whole(changes, &gone, false, acts);
		}
	}
	for (size_t i = 0; i < after->count; i++) {
		const struct place now = {list, rows, after->at[i]};
		const struct place then = {list, rows,
		    config_groups_find(rows, before,
			config_group_name(rows, now.group))};

		if (then.group) {
			append_items(changes, &then, &now, acts);
		} else {
			append_whole(changes, &now, true, acts);
		}
	}
	return json_count(changes) > count;
}
