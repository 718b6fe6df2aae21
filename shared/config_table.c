/* The rows of options.def as data, and the search among their names. */
#include "config_private.h"

#include <fnmatch.h>
#include <string.h>
#include <strings.h>

static const struct config_option options[] = {
#define OPTION(id_, path_, type_, unit_, def_, other_, min_, max_, env_, legacy_, \
    reload_, help_)                                                               \
	[CONFIG_ID_##id_] = {                                                     \
	    .path = (path_),                                                      \
	    .type = CONFIG_##type_,                                               \
	    .unit = (unit_),                                                      \
	    .def = (def_),                                                        \
	    .def_other = (other_),                                                \
	    .min = (min_),                                                        \
	    .max = (max_),                                                        \
	    .env = (env_),                                                        \
	    .legacy = (legacy_),                                                  \
	    .reload = CONFIG_##reload_,                                           \
	    .help = (help_),                                                      \
	},
#include "options.def"
#undef OPTION
};

static const size_t offsets[] = {
#define OPTION(id_, ...) [CONFIG_ID_##id_] = offsetof(struct config, id_),
#include "options.def"
#undef OPTION
};

static const struct {
	const char *path;
	enum config_id id;
} renamed[] = {
#define OPTION(...)
#define RENAMED(path_, id_) {(path_), CONFIG_ID_##id_},
#include "options.def"
#undef OPTION
};

size_t
config_option_count(void)
{
	return CONFIG_ID_COUNT;
}

const struct config_option *
config_option(size_t index)
{
	return &options[index];
}

bool
config_option_find(const char *path, size_t *index)
{
	for (size_t i = 0; i < CONFIG_ID_COUNT; i++) {
		if (strcmp(options[i].path, path) == 0) {
			*index = i;
			return true;
		}
	}
	return false;
}

bool
config_option_renamed(const char *old_path, size_t *index)
{
	for (size_t i = 0; i < sizeof renamed / sizeof renamed[0]; i++) {
		if (strcmp(renamed[i].path, old_path) == 0) {
			*index = renamed[i].id;
			return true;
		}
	}
	return false;
}

const char *
config_option_old_path(size_t index)
{
	for (size_t i = 0; i < sizeof renamed / sizeof renamed[0]; i++) {
		if (renamed[i].id == index) {
			return renamed[i].path;
		}
	}
	return NULL;
}

size_t
config_field_offset(enum config_id id)
{
	return offsets[id];
}

/* Longer words than this are no slip of the finger of any name here. */
#define WORD_MAX 64

static size_t
least(size_t a, size_t b, size_t c)
{
	size_t smaller = a < b ? a : b;

	return smaller < c ? smaller : c;
}

/* Levenshtein's distance without regard to case; WORD_MAX where a word is too long. */
static size_t
distance(const char *a, const char *b)
{
	size_t a_size = strlen(a);
	size_t b_size = strlen(b);
	size_t row[WORD_MAX + 1];

	if (a_size > WORD_MAX || b_size > WORD_MAX) {
		return WORD_MAX;
	}
	for (size_t j = 0; j <= b_size; j++) {
		row[j] = j;
	}
	for (size_t i = 1; i <= a_size; i++) {
		size_t corner = row[0];

		row[0] = i;
		for (size_t j = 1; j <= b_size; j++) {
			bool same = strncasecmp(&a[i - 1], &b[j - 1], 1) == 0;
			size_t above = row[j];

			row[j] =
			    least(row[j - 1] + 1, above + 1, corner + (same ? 0 : 1));
			corner = above;
		}
	}
	return row[b_size];
}

void
config_nearest_init(struct config_nearest *nearest, const char *text)
{
	size_t size = strlen(text);

	/* Half of the letters, and two of a short word, may be wrong. */
	*nearest = (struct config_nearest){
	    .text = text,
	    .distance = (size < 4 ? 2 : size / 2) + 1,
	};
}

void
config_nearest_offer(struct config_nearest *nearest, const char *candidate)
{
	size_t far = distance(nearest->text, candidate);

	if (far < nearest->distance) {
		nearest->distance = far;
		nearest->best = candidate;
	}
}

/* The first part of a path, as a word of its own. */
static void
copy_group(const char *path, char *out, size_t room)
{
	size_t size = strcspn(path, ".");

	(void)slice_copy((struct slice){path, path[size] == '.' ? size : 0}, out, room);
}

bool
config_is_group(const char *name)
{
	char group[WORD_MAX];

	for (size_t i = 0; i < CONFIG_ID_COUNT; i++) {
		copy_group(options[i].path, group, sizeof group);
		if (group[0] != '\0' && strcmp(group, name) == 0) {
			return true;
		}
	}
	return false;
}

bool
config_nearest_path(const char *path, bool group, char *out, size_t room)
{
	struct config_nearest nearest;
	char name[WORD_MAX];

	config_nearest_init(&nearest, path);
	out[0] = '\0';
	for (size_t i = 0; i < CONFIG_ID_COUNT; i++) {
		if (group) {
			copy_group(options[i].path, name, sizeof name);
		} else {
			(void)slice_copy(slice_of(options[i].path), name, sizeof name);
		}
		size_t before = nearest.distance;

		config_nearest_offer(&nearest, name);
		if (nearest.distance < before) {
			(void)slice_copy(slice_of(name), out, room);
		}
	}
	return out[0] != '\0';
}

bool
config_option_fits(size_t index, const char *wanted)
{
	return config_path_fits(options[index].path, wanted);
}

bool
config_path_fits(const char *path, const char *wanted)
{
	size_t size = strlen(wanted);

	return (strncmp(path, wanted, size) == 0 &&
		   (path[size] == '\0' || path[size] == '.')) ||
	    fnmatch(wanted, path, 0) == 0;
}

bool
config_nearest(const char *wanted, char *out, size_t room)
{
	struct config_nearest nearest;
	const char *path = NULL;

	/* "stall", or a slip of it, without its group. */
	config_nearest_init(&nearest, wanted);
	for (size_t i = 0; i < CONFIG_ID_COUNT && !strchr(wanted, '.'); i++) {
		const char *dot = strchr(options[i].path, '.');
		size_t before = nearest.distance;

		config_nearest_offer(&nearest, dot ? dot + 1 : options[i].path);
		path = nearest.distance < before ? options[i].path : path;
	}
	char group[WORD_MAX];

	if (!strchr(wanted, '.') &&
	    config_nearest_path(wanted, true, group, sizeof group)) {
		size_t before = nearest.distance;

		config_nearest_offer(&nearest, group);
		if (nearest.distance < before) {
			return slice_copy(slice_of(group), out, room);
		}
	}
	return path ? slice_copy(slice_of(path), out, room) :
		      config_nearest_path(wanted, false, out, room);
}

const char *
config_reload_word(enum config_reload reload)
{
	switch (reload) {
	case CONFIG_LIVE:
		return "now";
	case CONFIG_RECONNECT:
		return "reconnect";
	case CONFIG_IDENTIFY:
		return "session";
	case CONFIG_RESTART:
		return "restart";
	}
	return "restart";
}

const char *
config_type_word(enum config_type type)
{
	switch (type) {
	case CONFIG_BOOL:
		return "true or false";
	case CONFIG_INTEGER:
		return "number";
	case CONFIG_DURATION:
		return "duration";
	case CONFIG_TEXT:
	case CONFIG_SECRET:
		return "text";
	case CONFIG_PATH:
		return "path";
	case CONFIG_URL:
		return "URL";
	case CONFIG_JSON:
		return "JSON";
	case CONFIG_CHOICE:
		return "word";
	case CONFIG_LIST:
		return "list";
	case CONFIG_INTENTS:
		return "intents";
	case CONFIG_SHARDS:
		return "shards";
	case CONFIG_WORDS:
		return "array of texts";
	case CONFIG_GROUPS:
		return "list of groups";
	}
	return "";
}
