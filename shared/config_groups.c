/* Lists of groups: the rows of lists.def as data, and what is done with groups. */
#include "config_private.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "xalloc.h"

#define COMMENT_COLUMN 48
#define PATH_ROOM      128
#define SHORT_ROOM     1024

/* Rows that every list begins with. */
#define ROW_NAME 0
#define ROW_KIND 1

#define ITEM(owner, key_, type_, unit_, def_, min_, max_, when_, help_) \
	{                                                               \
	    .option =                                                   \
		{                                                       \
		    .path = #key_,                                      \
		    .type = CONFIG_##type_,                             \
		    .reload = CONFIG_LIVE,                              \
		    .unit = (unit_),                                    \
		    .def = (def_),                                      \
		    .min = (min_),                                      \
		    .max = (max_),                                      \
		    .env = "",                                          \
		    .legacy = "",                                       \
		    .help = (help_),                                    \
		},                                                      \
	    .when = (when_),                                            \
	    .needed = (const char *)(def_) == NULL,                     \
	    .offset = offsetof(struct owner, key_),                     \
	},

static const struct config_item probe_items[] = {
#define PROBE(...) ITEM(config_probe, __VA_ARGS__)
#include "lists.def"
};

static const struct config_item job_items[] = {
#define JOB(...) ITEM(config_job, __VA_ARGS__)
#include "lists.def"
};

static const struct config_item command_items[] = {
#define COMMAND(...) ITEM(config_command, __VA_ARGS__)
#include "lists.def"
};

#define COUNT(items) (sizeof(items) / sizeof(items)[0])

_Static_assert(COUNT(probe_items) <= CONFIG_ITEMS_MAX, "raise CONFIG_ITEMS_MAX");
_Static_assert(COUNT(job_items) <= CONFIG_ITEMS_MAX, "raise CONFIG_ITEMS_MAX");
_Static_assert(COUNT(command_items) <= CONFIG_ITEMS_MAX, "raise CONFIG_ITEMS_MAX");

static const struct config_rows lists[] = {
    {"probe", probe_items, COUNT(probe_items), sizeof(struct config_probe)},
    {"job", job_items, COUNT(job_items), sizeof(struct config_job)},
    {"command", command_items, COUNT(command_items), sizeof(struct config_command)},
};

const struct config_rows *
config_rows(const struct config_option *option)
{
	for (size_t i = 0; i < COUNT(lists); i++) {
		if (strcmp(lists[i].noun, option->unit) == 0) {
			return &lists[i];
		}
	}
	return NULL;
}

const struct config_probe *
config_probe(const struct config *config, size_t index)
{
	return (const struct config_probe *)config->probes.at[index];
}

const struct config_job *
config_job(const struct config *config, size_t index)
{
	return (const struct config_job *)config->jobs.at[index];
}

const struct config_command *
config_command(const struct config *config, size_t index)
{
	return (const struct config_command *)config->commands.at[index];
}

/* ---- one group ---- */

void *
config_item_field(const struct config_rows *rows, size_t item,
    struct config_group *group)
{
	return (char *)group + rows->items[item].offset;
}

static const void *
field_at(const struct config_rows *rows, size_t item, const struct config_group *group)
{
	return (const char *)group + rows->items[item].offset;
}

static bool
is_number(enum config_type type)
{
	return type == CONFIG_INTEGER || type == CONFIG_DURATION;
}

/* Nothing to set: a field of zeroes says the same. */
static bool
has_default(const struct config_item *item)
{
	const char *def = item->option.def;

	return def && item->option.type != CONFIG_WORDS &&
	    !(is_number(item->option.type) && def[0] == '\0');
}

struct config_group *
config_group_new(const struct config_rows *rows)
{
	struct config_group *group = xzalloc(rows->bytes);
	char reason[CONFIG_REASON_ROOM];

	for (size_t i = 0; i < rows->count; i++) {
		const struct config_item *item = &rows->items[i];
		void *field = config_item_field(rows, i, group);

		if (has_default(item)) {
			/* The unit test tries every default of every row. */
			(void)config_field_set(&item->option, field, item->option.def,
			    reason);
		}
		/* Texts are never NULL, also where there is no default. */
		if (item->option.type == CONFIG_TEXT && !*(char **)field) {
			*(char **)field = xstrdup("");
		}
	}
	return group;
}

void
config_group_free(const struct config_rows *rows, struct config_group *owned_group)
{
	for (size_t i = 0; i < rows->count; i++) {
		config_field_clear(&rows->items[i].option,
		    config_item_field(rows, i, owned_group));
		free(owned_group->sources[i]);
	}
	free(owned_group->source);
	free(owned_group);
}

const char *
config_group_name(const struct config_rows *rows, const struct config_group *group)
{
	return *(char *const *)field_at(rows, ROW_NAME, group);
}

struct slice
config_group_kind(const struct config_rows *rows, const struct config_group *group)
{
	return config_word_at(rows->items[ROW_KIND].option.unit,
	    *(const int *)field_at(rows, ROW_KIND, group));
}

bool
config_word_is_among(const char *words, const char *word)
{
	size_t size = strlen(word);

	for (; *words != '\0'; words += *words == '|' ? 1 : 0) {
		size_t next = strcspn(words, "|");

		if (next == size && strncmp(words, word, size) == 0) {
			return true;
		}
		words += next;
	}
	return false;
}

bool
config_item_applies(const struct config_rows *rows, size_t item,
    const struct config_group *group)
{
	char kind[CONFIG_SHOWN_ROOM];

	(void)slice_copy(config_group_kind(rows, group), kind, sizeof kind);
	return rows->items[item].when[0] == '\0' ||
	    config_word_is_among(rows->items[item].when, kind);
}

const char *
config_item_source(const struct config_group *group, size_t item)
{
	return group->sources[item] ? group->sources[item] : "default";
}

mono_ns
config_item_duration(const struct config_rows *rows, size_t item,
    const struct config_group *group)
{
	return *(const mono_ns *)field_at(rows, item, group);
}

/* What neither is set nor has a default is not shown. */
static bool
is_unset(const struct config_rows *rows, size_t item, const struct config_group *group)
{
	const char *def = rows->items[item].option.def;

	return !group->sources[item] && (!def || def[0] == '\0');
}

enum gw_err
config_item_text(const struct config_rows *rows, size_t item,
    const struct config_group *group, struct buf *out)
{
	if (is_unset(rows, item, group)) {
		return GW_OK;
	}
	return config_field_text(&rows->items[item].option, field_at(rows, item, group),
	    false, out);
}

bool
config_group_same(const struct config_rows *rows, const struct config_group *a,
    const struct config_group *b)
{
	for (size_t i = 0; i < rows->count; i++) {
		if (!config_field_same(&rows->items[i].option, field_at(rows, i, a),
			field_at(rows, i, b))) {
			return false;
		}
	}
	return true;
}

struct config_group *
config_group_copy(const struct config_rows *rows, const struct config_group *from)
{
	struct config_group *copy = xzalloc(rows->bytes);

	for (size_t i = 0; i < rows->count; i++) {
		config_field_copy(&rows->items[i].option,
		    config_item_field(rows, i, copy), field_at(rows, i, from));
		copy->sources[i] = from->sources[i] ? xstrdup(from->sources[i]) : NULL;
	}
	copy->source = from->source ? xstrdup(from->source) : NULL;
	return copy;
}

/* ---- all of a list ---- */

void
config_groups_add(struct config_groups *groups, struct config_group *owned_group)
{
	struct config_group **at =
	    xzalloc((groups->count + 1) * sizeof(struct config_group *));

	if (groups->count > 0) {
		memcpy(at, groups->at, groups->count * sizeof(struct config_group *));
	}
	free(groups->at);
	at[groups->count] = owned_group;
	groups->at = at;
	groups->count++;
}

void
config_groups_clear(const struct config_rows *rows, struct config_groups *groups)
{
	for (size_t i = 0; i < groups->count; i++) {
		config_group_free(rows, groups->at[i]);
	}
	free(groups->at);
	*groups = (struct config_groups){NULL, 0};
}

bool
config_groups_same(const struct config_rows *rows, const struct config_groups *a,
    const struct config_groups *b)
{
	if (a->count != b->count) {
		return false;
	}
	for (size_t i = 0; i < a->count; i++) {
		if (!config_group_same(rows, a->at[i], b->at[i])) {
			return false;
		}
	}
	return true;
}

struct config_groups
config_groups_copy(const struct config_rows *rows, const struct config_groups *from)
{
	struct config_groups copy = {NULL, from->count};

	if (from->count > 0) {
		copy.at = xzalloc(from->count * sizeof(struct config_group *));
	}
	for (size_t i = 0; i < from->count; i++) {
		copy.at[i] = config_group_copy(rows, from->at[i]);
	}
	return copy;
}

/* ---- as text ---- */

static bool
is_shown(const struct config_rows *rows, size_t item, const struct config_group *group)
{
	return config_item_applies(rows, item, group) && !is_unset(rows, item, group);
}

enum gw_err
config_group_text(const struct config_rows *rows, const struct config_group *group,
    struct buf *out)
{
	enum gw_err err = buf_printf(out, "{ ");

	for (size_t i = 0; i < rows->count && err == GW_OK; i++) {
		if (!group->sources[i] || !is_shown(rows, i, group)) {
			continue;
		}
		err = buf_printf(out, "%s = ", rows->items[i].option.path);
		if (err == GW_OK) {
			err = config_field_text(&rows->items[i].option,
			    field_at(rows, i, group), true, out);
		}
		if (err == GW_OK) {
			err = buf_printf(out, "; ");
		}
	}
	return err == GW_OK ? buf_printf(out, "}") : err;
}

enum gw_err
config_groups_text(const struct config_rows *rows, const struct config_groups *groups,
    struct buf *out)
{
	enum gw_err err = GW_OK;

	for (size_t i = 0; i < groups->count && err == GW_OK; i++) {
		err = buf_printf(out, "%s%s", i > 0 ? ", " : "",
		    config_group_name(rows, groups->at[i]));
	}
	return err;
}

const struct config_groups *
config_groups_of(const struct config *config, size_t index)
{
	return config_field_at(config, (enum config_id)index);
}

const struct config_group *
config_groups_find(const struct config_rows *rows, const struct config_groups *groups,
    const char *name)
{
	for (size_t i = 0; i < groups->count; i++) {
		if (strcmp(config_group_name(rows, groups->at[i]), name) == 0) {
			return groups->at[i];
		}
	}
	return NULL;
}

/* "    # probes.db.host: gwbot.conf:12" behind so many columns. */
static enum gw_err
put_source(struct buf *out, size_t used, const char *path, const char *source)
{
	char shown[SHORT_ROOM];
	int gap = used < COMMENT_COLUMN ? (int)(COMMENT_COLUMN - used) : 1;

	/* The name of a file may hold a line end. */
	config_printable(source, shown, sizeof shown);
	return buf_printf(out, "%*s# %s: %s", gap, "", path, shown);
}

static enum gw_err
print_item(const struct config_option *list, const struct config_rows *rows,
    size_t item, const struct config_group *group, bool provenance, struct buf *out)
{
	const struct config_option *option = &rows->items[item].option;
	size_t start = out->size;
	enum gw_err err = buf_printf(out, "\t\t%s = ", option->path);

	if (err == GW_OK) {
		err = config_field_text(option, field_at(rows, item, group), true, out);
	}
	if (err == GW_OK) {
		err = buf_append(out, ";", 1);
	}
	if (err == GW_OK && provenance) {
		char path[PATH_ROOM];

		(void)snprintf(path, sizeof path, "%s.%s.%s", list->path,
		    config_group_name(rows, group), option->path);
		/* Two tabs of 8 columns. */
		err = put_source(out, out->size - start + 14, path,
		    config_item_source(group, item));
	}
	return err == GW_OK ? buf_append(out, "\n", 1) : err;
}

enum gw_err
config_groups_print(const struct config_option *option,
    const struct config_groups *groups, const char *source, bool provenance,
    struct buf *out)
{
	const struct config_rows *rows = config_rows(option);
	size_t start = out->size;
	enum gw_err err =
	    buf_printf(out, "%s = (%s", option->path, groups->count > 0 ? "" : ");");

	if (err == GW_OK && provenance) {
		err = put_source(out, out->size - start, option->path, source);
	}
	if (err == GW_OK) {
		err = buf_append(out, "\n", 1);
	}

	for (size_t i = 0; i < groups->count && err == GW_OK; i++) {
		err = buf_printf(out, "\t{\n");
		for (size_t j = 0; j < rows->count && err == GW_OK; j++) {
			if (is_shown(rows, j, groups->at[i])) {
				err = print_item(option, rows, j, groups->at[i],
				    provenance, out);
			}
		}
		if (err == GW_OK) {
			err = buf_printf(out, "\t}%s\n",
			    i + 1 < groups->count ? "," : "");
		}
	}
	return err == GW_OK && groups->count > 0 ? buf_printf(out, ");\n") : err;
}
