#include "methods_arguments.h"

#include <stdio.h>
#include <string.h>

#define NAME_ROOM 32

/* ---- what was said ---- */

static bool
refuse(const struct command *command, const char *name, char *why, size_t room)
{
	(void)snprintf(why, room, "%s takes no argument \"%.60s\"", command->name,
	    name);
	return false;
}

static bool
refuse_usage(const struct command *command, char *why, size_t room)
{
	(void)snprintf(why, room, "usage: %s%s%s", command->name,
	    command->synopsis[0] ? " " : "", command->synopsis);
	return false;
}

static bool
add_word(struct methods_arguments *out, const struct json *word)
{
	if (out->count == METHODS_WORDS_MAX) {
		return false;
	}
	out->words[out->count++] = word;
	return true;
}

static bool
add_flag(struct methods_arguments *out, struct slice name, const char *value)
{
	if (out->flag_count == METHODS_FLAGS_MAX) {
		return false;
	}
	out->flags[out->flag_count++] = (struct methods_flag){name, value};
	return true;
}

/* A text that lives as long as the arguments. */
static const struct json *
keep_text(struct methods_arguments *out, const char *text)
{
	struct json *kept = json_new_text(text);

	if (!out->made) {
		out->made = json_new_array();
	}
	json_append(out->made, kept);
	return kept;
}

/* A text as it is; a number as if it had been typed. */
static const char *
text_of(struct methods_arguments *out, const struct json *value)
{
	char typed[NAME_ROOM];
	double number;

	if (!json_number(value, &number)) {
		return json_text(value);
	}
	(void)snprintf(typed, sizeof typed, "%.17g", number);
	return json_text(keep_text(out, typed));
}

/* ---- an array: as on a line ---- */

/* Flags stand anywhere among the arguments. */
static bool
is_flag(const struct json *value)
{
	const char *text = json_text(value);

	return text && strncmp(text, "--", 2) == 0;
}

/* "--for=1h", or "--for" with its value in the next element; *at moves on then. */
static bool
read_flag(const struct command *command, const struct synopsis *forms,
    const struct json **at, struct methods_arguments *out, char *why, size_t room)
{
	const char *text = json_text(*at);
	size_t size = strcspn(text, "=");
	const struct synopsis_item *item =
	    commands_find_flag(forms, (struct slice){text, size});
	const char *value = text[size] == '=' ? text + size + 1 : NULL;

	if (!item || (value && item->value.size == 0)) {
		return refuse(command, text, why, room);
	}
	if (!value && item->value.size > 0 && !item->attached) {
		const struct json *next = json_next(*at);

		value = text_of(out, next);
		if (!value) {
			(void)snprintf(why, room, "%.40s wants a value behind it",
			    text);
			return false;
		}
		*at = next;
	}
	return add_flag(out, item->name, value) || refuse_usage(command, why, room);
}

static bool
read_array(const struct command *command, const struct synopsis *forms,
    const struct json *params, struct methods_arguments *out, char *why, size_t room)
{
	for (const struct json *at = json_first(params); at; at = json_next(at)) {
		if (is_flag(at)) {
			if (!read_flag(command, forms, &at, out, why, room)) {
				return false;
			}
		} else if (!add_word(out, at)) {
			return refuse_usage(command, why, room);
		}
	}
	return true;
}

/* ---- an object: by name ---- */

/* False for what counts as not given: null, and a flag that is false. */
static bool
is_given(const struct json *value)
{
	bool set = true;

	return value && json_kind(value) != JSON_NULL &&
	    (!json_bool(value, &set) || set);
}

static const struct json *
member_of(const struct json *params, const struct synopsis_item *item)
{
	char name[NAME_ROOM];

	commands_item_name(item, name, sizeof name);
	const struct json *value = json_get(params, name);

	return is_given(value) ? value : NULL;
}

static bool
names_item(const struct synopsis_form *form, const char *wanted)
{
	char name[NAME_ROOM];

	for (size_t i = 0; i < form->count; i++) {
		commands_item_name(&form->items[i], name, sizeof name);
		if (strcmp(name, wanted) == 0) {
			return true;
		}
	}
	return false;
}

/* True where the form has all that is given, and is given all that it needs. */
static bool
form_takes(const struct synopsis_form *form, const struct json *params)
{
	for (size_t i = 0; i < form->count; i++) {
		const struct synopsis_item *item = &form->items[i];

		if (item->kind == SYNOPSIS_VALUE && !item->optional &&
		    !member_of(params, item)) {
			return false;
		}
	}
	for (const struct json *member = json_first(params); member;
	     member = json_next(member)) {
		if (is_given(member) && !names_item(form, json_name(member))) {
			return false;
		}
	}
	return true;
}

static bool
take_item(const struct synopsis_item *item, const struct json *params,
    struct methods_arguments *out)
{
	const struct json *value = member_of(params, item);
	char word[NAME_ROOM];

	switch (item->kind) {
	case SYNOPSIS_WORD:
		commands_item_name(item, word, sizeof word);
		return add_word(out, keep_text(out, word));
	case SYNOPSIS_VALUE:
		return !value || add_word(out, value);
	case SYNOPSIS_FLAG:
		return !value || add_flag(out, item->name, text_of(out, value));
	}
	return false;
}

static bool
knows_name(const struct command *command, const char *wanted)
{
	char name[NAME_ROOM];

	for (size_t i = 0; commands_arg_name(command, i, name, sizeof name); i++) {
		if (strcmp(name, wanted) == 0) {
			return true;
		}
	}
	return false;
}

static bool
read_object(const struct command *command, const struct synopsis *forms,
    const struct json *params, struct methods_arguments *out, char *why, size_t room)
{
	for (const struct json *member = json_first(params); member;
	     member = json_next(member)) {
		if (!knows_name(command, json_name(member))) {
			return refuse(command, json_name(member), why, room);
		}
	}
	for (size_t i = 0; i < forms->count; i++) {
		const struct synopsis_form *form = &forms->forms[i];
		bool taken = form_takes(form, params);

		for (size_t j = 0; taken && j < form->count; j++) {
			taken = take_item(&form->items[j], params, out);
		}
		if (taken) {
			return true;
		}
	}
	return refuse_usage(command, why, room);
}

/* ---- both ---- */

static bool
fits(const struct command *command, const struct methods_arguments *arguments)
{
	struct slice words[METHODS_WORDS_MAX];
	struct slice flags[METHODS_FLAGS_MAX];

	for (size_t i = 0; i < arguments->count; i++) {
		const char *text = json_text(arguments->words[i]);

		words[i] = slice_of(text ? text : "");
	}
	for (size_t i = 0; i < arguments->flag_count; i++) {
		flags[i] = arguments->flags[i].name;
	}
	return commands_fit(command, words, arguments->count, flags,
	    arguments->flag_count);
}

bool
methods_arguments_read(const struct command *command, const struct json *params,
    struct methods_arguments *out, char *why, size_t room)
{
	struct synopsis forms;
	bool by_name = json_kind(params) == JSON_OBJECT;

	*out = (struct methods_arguments){.count = 0};
	commands_forms(command, &forms);
	if (by_name ? !read_object(command, &forms, params, out, why, room) :
		      !read_array(command, &forms, params, out, why, room)) {
		return false;
	}
	/* Synopses are borrowed texts of the table, so that forms may go. */
	return fits(command, out) || refuse_usage(command, why, room);
}

void
methods_arguments_fini(struct methods_arguments *arguments)
{
	json_free(arguments->made);
	arguments->made = NULL;
}

const struct methods_flag *
methods_arguments_flag(const struct methods_arguments *arguments, const char *name)
{
	const struct methods_flag *found = NULL;

	/* The last one counts, as on a command line. */
	for (size_t i = 0; i < arguments->flag_count; i++) {
		struct slice flag = arguments->flags[i].name;

		if (flag.size > 2 &&
		    slice_equal((struct slice){flag.data + 2, flag.size - 2},
			slice_of(name))) {
			found = &arguments->flags[i];
		}
	}
	return found;
}
