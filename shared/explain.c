#include "explain.h"

#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "closecode.h"
#include "commands.h"
#include "config_private.h"
#include "exits.h"
#include "metrics.h"

#define ALLOWED_BYTES 4096

/* Where a number is looked for. */
enum place {
	PLACE_GWBOTD = 1,
	PLACE_GWCTL = 2,
	PLACE_EXITS = PLACE_GWBOTD | PLACE_GWCTL,
	PLACE_CODES = 4,
	PLACE_ALL = PLACE_EXITS | PLACE_CODES,
};

static const char *
text_or_null(const char *text)
{
	return text && text[0] ? text : NULL;
}

/* ---- options ---- */

static void
add_allowed(struct json *object, const struct config_option *option)
{
	struct buf text;

	buf_init(&text, ALLOWED_BYTES);
	(void)config_allowed(option, &text);
	(void)buf_append(&text, "", 1);
	json_add_text(object, "allowed", text.data);
	buf_fini(&text);
}

static const char *
unit_of(const struct config_option *option)
{
	switch ((int)option->type) {
	case CONFIG_DURATION:
		return "seconds";
	case CONFIG_INTEGER:
		return text_or_null(option->unit);
	default:
		return NULL;
	}
}

static struct json *
describe_option(const struct config_option *option)
{
	struct json *object = json_new_object();

	json_add_text(object, "path", option->path);
	json_add_text(object, "help", option->help);
	json_add_text(object, "type", config_type_word(option->type));
	json_add_text(object, "unit", unit_of(option));
	add_allowed(object, option);
	json_add_text(object, "default", option->def);
	json_add_text(object, "default_other", option->def_other);
	json_add_text(object, "environment", text_or_null(option->env));
	json_add_text(object, "environment_deprecated", text_or_null(option->legacy));
	json_add_text(object, "acts", config_reload_word(option->reload));
	return object;
}

static bool
is_variable(const struct config_option *option, const char *name)
{
	return (option->env[0] && strcasecmp(option->env, name) == 0) ||
	    (option->legacy[0] && strcasecmp(option->legacy, name) == 0);
}

static struct json *
find_options(const char *name)
{
	struct json *array = json_new_array();

	for (size_t i = 0; i < config_option_count(); i++) {
		const struct config_option *option = config_option(i);

		if (config_option_fits(i, name) || is_variable(option, name)) {
			json_append(array, describe_option(option));
		}
	}
	return array;
}

/* ---- metrics, commands ---- */

static struct json *
find_metrics(const char *name)
{
	struct json *array = json_new_array();

	for (size_t i = 0; i < metrics_count(); i++) {
		const struct metric *metric = metrics_at(i);

		if (fnmatch(name, metric->name, 0) != 0) {
			continue;
		}
		struct json *object = json_new_object();

		json_add_text(object, "name", metric->name);
		json_add_text(object, "help", metric->help);
		json_add_text(object, "type", metric->type);
		json_add_text(object, "unit", text_or_null(metric->unit));
		json_add_text(object, "labels", text_or_null(metric->labels));
		json_append(array, object);
	}
	return array;
}

static struct json *
find_commands(const char *name)
{
	struct json *array = json_new_array();
	const struct command *command = commands_find(name);

	if (command) {
		struct json *object = json_new_object();

		json_add_text(object, "name", command->name);
		json_add_text(object, "synopsis", command->synopsis);
		json_add_text(object, "access", commands_access_word(command->access));
		json_add_text(object, "help", command->help);
		json_append(array, object);
	}
	return array;
}

/* ---- numbers ---- */

/* Takes the words off the front that say what kind of number follows. */
static const char *
take_places(const char *name, unsigned *places)
{
	static const struct {
		const char *word;
		unsigned places;
	} words[] = {
	    {"exit ", PLACE_EXITS},
	    {"status ", PLACE_EXITS},
	    {"gwbotd ", PLACE_GWBOTD},
	    {"gwctl ", PLACE_GWCTL},
	    {"close ", PLACE_CODES},
	    {"code ", PLACE_CODES},
	};

	const size_t count = sizeof words / sizeof words[0];
	size_t i = 0;

	*places = PLACE_ALL;
	while (i < count) {
		size_t size = strlen(words[i].word);

		if (strncasecmp(name, words[i].word, size) == 0) {
			*places &= words[i].places;
			name += size;
			i = 0;
		} else {
			i++;
		}
	}
	return name;
}

/* "78" and nothing else; -1 where it is no number, or none that is looked for. */
static long
read_number(const char *text)
{
	size_t size = strspn(text, "0123456789");

	return size > 0 && size < 6 && text[size] == '\0' ? strtol(text, NULL, 10) : -1;
}

static struct json *
find_exits(long number, unsigned places)
{
	struct json *array = json_new_array();

	for (size_t i = 0; i < exits_count(); i++) {
		const struct exit_row *row = exits_at(i);
		unsigned place =
		    strcmp(row->program, "gwctl") == 0 ? PLACE_GWCTL : PLACE_GWBOTD;

		if (row->status != number || (place & places) == 0) {
			continue;
		}
		struct json *object = json_new_object();

		json_add_text(object, "program", row->program);
		json_add_int(object, "status", row->status);
		json_add_text(object, "help", row->help);
		json_append(array, object);
	}
	return array;
}

static struct json *
find_codes(long number, unsigned places)
{
	struct json *array = json_new_array();

	if ((places & PLACE_CODES) == 0 || number < CLOSECODE_MIN ||
	    number > CLOSECODE_MAX) {
		return array;
	}
	const struct closecode *row = closecode_find((unsigned)number);
	struct json *object = json_new_object();

	json_add_int(object, "code", number);
	json_add_text(object, "help", row->text);
	json_add_text(object, "cure", closecode_cure_word(row->cure));
	json_add_text(object, "does", closecode_cure_text(row->cure));
	json_add_text(object, "remedy", row->remedy);
	json_append(array, object);
	return array;
}

/* ---- interface ---- */

bool
explain_name(const char *name, struct json *answer)
{
	unsigned places;
	long number = read_number(take_places(name, &places));
	struct {
		const char *member;
		struct json *found;
	} finds[] = {
	    {"options", find_options(name)},
	    {"metrics", find_metrics(name)},
	    {"exits", find_exits(number, places)},
	    {"close_codes", find_codes(number, places)},
	    {"commands", find_commands(name)},
	};
	const size_t count = sizeof finds / sizeof finds[0];
	size_t found = 0;

	for (size_t i = 0; i < count; i++) {
		found += json_count(finds[i].found);
	}
	for (size_t i = 0; i < count && found == 0; i++) {
		json_free(finds[i].found);
	}
	if (found == 0) {
		return false;
	}
	json_add_text(answer, "name", name);
	for (size_t i = 0; i < count; i++) {
		json_add(answer, finds[i].member, finds[i].found);
	}
	return true;
}

/* A slip of the finger in a whole name, or in an option's without its group. */
static bool
find_nearest(const char *name, char *out, size_t room)
{
	struct config_nearest nearest;

	config_nearest_init(&nearest, name);
	for (size_t i = 0; i < config_option_count(); i++) {
		config_nearest_offer(&nearest, config_option(i)->path);
		config_nearest_offer(&nearest, config_option(i)->env);
		config_nearest_offer(&nearest, config_option(i)->legacy);
	}
	for (size_t i = 0; i < metrics_count(); i++) {
		config_nearest_offer(&nearest, metrics_at(i)->name);
	}
	for (size_t i = 0; i < commands_count(); i++) {
		config_nearest_offer(&nearest, commands_at(i)->name);
	}
	bool is_near = nearest.best && nearest.best[0] != '\0' &&
	    nearest.distance * 3 <= strlen(name) + 1;

	if (is_near) {
		(void)snprintf(out, room, "%s", nearest.best);
	}
	return is_near || config_nearest(name, out, room);
}

void
explain_unknown(const char *name, char *out, size_t room)
{
	char shown[CONFIG_SHOWN_ROOM];
	char near[EXPLAIN_NAME_MAX];
	bool is_near = read_number(name) < 0 && find_nearest(name, near, sizeof near);

	config_printable(name, shown, sizeof shown);
	(void)snprintf(out, room, "nothing is called \"%s\"%s%s", shown,
	    is_near ? "; nearest: " : "", is_near ? near : "");
}
