#include "complete.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "complete_values.h"
#include "options.h"
#include "shell.h"
#include "synopsis.h"

/* The command on the line and what stands behind it, up to the cursor. */
struct place {
	const char *command;
	const char *synopsis;
	char *const *words;
	size_t count;
	const struct complete_source *source;
};

/* ---- the list ---- */

static struct complete_entry *
grow(struct complete_list *list)
{
	if (list->count == COMPLETE_MAX) {
		return NULL;
	}
	if (list->count == list->room) {
		size_t room = list->room ? 2 * list->room : 32;
		struct complete_entry *entries =
		    realloc(list->entries, room * sizeof *entries);

		if (!entries) {
			return NULL;
		}
		list->entries = entries;
		list->room = room;
	}
	return &list->entries[list->count++];
}

static const struct complete_entry *
find(const struct complete_list *list, const char *text)
{
	for (size_t i = 0; i < list->count; i++) {
		if (strcmp(list->entries[i].text, text) == 0) {
			return &list->entries[i];
		}
	}
	return NULL;
}

static void
add(struct complete_list *list, const char *text, const char *help, bool typed)
{
	if (strlen(text) >= COMPLETE_TEXT_BYTES || find(list, text)) {
		return;
	}
	struct complete_entry *entry = grow(list);

	if (entry) {
		entry->typed = typed;
		(void)slice_copy(slice_of(text), entry->text, sizeof entry->text);
		(void)slice_copy(slice_of(help), entry->help, sizeof entry->help);
	}
}

void
complete_add(struct complete_list *list, const char *text, const char *help)
{
	if (strncmp(text, list->prefix, strlen(list->prefix)) == 0) {
		add(list, text, help, true);
	}
}

void
complete_name(struct complete_list *list, const char *name, const char *help)
{
	add(list, name, help, false);
}

void
complete_fini(struct complete_list *list)
{
	free(list->entries);
	*list = (struct complete_list){.prefix = ""};
}

const char *
complete_help(const struct complete_list *list, const char *text)
{
	const struct complete_entry *entry = find(list, text);

	return entry ? entry->help : NULL;
}

bool
complete_offers(const struct complete_list *list, const struct complete_entry *entry)
{
	if (!entry->typed || entry->text[0] != '-' || list->prefix[0] != '\0') {
		return entry->typed;
	}
	for (size_t i = 0; i < list->count; i++) {
		if (list->entries[i].text[0] != '-') {
			return false;
		}
	}
	return true;
}

size_t
complete_common(const struct complete_list *list, char *out, size_t room)
{
	size_t found = 0;
	size_t size = 0;

	out[0] = '\0';
	for (size_t i = 0; i < list->count; i++) {
		const char *text = list->entries[i].text;

		if (!complete_offers(list, &list->entries[i])) {
			continue;
		}
		if (found++ == 0) {
			(void)slice_copy(slice_of(text), out, room);
			size = strlen(out);
		}
		for (size_t j = 0; j < size; j++) {
			if (out[j] != text[j]) {
				size = j;
			}
		}
		out[size] = '\0';
	}
	return found;
}

/* ---- flags ---- */

static void
add_flag(struct complete_list *list, struct slice name)
{
	char text[COMPLETE_TEXT_BYTES];

	(void)slice_copy(name, text, sizeof text);
	complete_add(list, text,
	    complete_flag_help((struct slice){name.data + 2, name.size - 2}));
}

/* Options of gwctl itself, which may stand on every line. */
static void
add_own_options(struct complete_list *list)
{
#define OPTION_ROW(name, letter, argument, help) complete_add(list, "--" name, help);
	OPTIONS_TABLE(OPTION_ROW)
#undef OPTION_ROW
}

/* ---- walking along a form ---- */

struct walk {
	size_t next;                       /* item that the next word may be */
	size_t repeats;                    /* words that went into it already */
	bool used[SYNOPSIS_ITEMS_MAX];     /* flags */
	const struct synopsis_item *wants; /* the flag whose value comes next */
};

static const struct synopsis_item *
find_flag(const struct synopsis_form *form, struct slice name, struct walk *walk)
{
	for (size_t i = 0; i < form->count; i++) {
		const struct synopsis_item *item = &form->items[i];

		if (item->kind == SYNOPSIS_FLAG && slice_equal(item->name, name)) {
			walk->used[i] = true;
			return item;
		}
	}
	return NULL;
}

static bool
take_flag(const struct synopsis_form *form, const char *word, struct walk *walk)
{
	const char *equals = strchr(word, '=');
	struct slice name = {word, equals ? (size_t)(equals - word) : strlen(word)};
	const struct synopsis_item *flag = find_flag(form, name, walk);

	if (flag && flag->value.size > 0 && !flag->attached && !equals) {
		walk->wants = flag;
	}
	/* An option of gwctl fits everywhere; what is neither will be refused later. */
	return true;
}

static bool
take_positional(const struct synopsis_form *form, const char *word, struct walk *walk)
{
	for (; walk->next < form->count; walk->next++, walk->repeats = 0) {
		const struct synopsis_item *item = &form->items[walk->next];
		bool fits = item->kind == SYNOPSIS_VALUE ||
		    synopsis_is_word(item, slice_of(word));

		if (item->kind == SYNOPSIS_FLAG || (!fits && item->optional) ||
		    (!fits && walk->repeats > 0)) {
			continue;
		}
		if (!fits) {
			return false;
		}
		if (item->many) {
			walk->repeats++;
		} else {
			walk->next++;
		}
		return true;
	}
	return false;
}

/* False where the words do not fit the form. */
static bool
walk_form(const struct synopsis_form *form, const struct place *place,
    struct walk *walk)
{
	*walk = (struct walk){.next = 0};
	for (size_t i = 0; i < place->count; i++) {
		const char *word = place->words[i];

		if (walk->wants) {
			walk->wants = NULL;
		} else if (word[0] == '-' && word[1] != '\0') {
			(void)take_flag(form, word, walk);
		} else if (!take_positional(form, word, walk)) {
			return false;
		}
	}
	return true;
}

static void
add_item(const struct place *place, const struct synopsis_item *item,
    struct complete_list *list)
{
	char text[COMPLETE_TEXT_BYTES];
	struct slice word;

	if (item->kind == SYNOPSIS_VALUE) {
		complete_value(place->source, place->command, item->name, list);
		return;
	}
	for (size_t i = 0; synopsis_choice(item->name, i, &word); i++) {
		(void)slice_copy(word, text, sizeof text);
		complete_add(list, text, "");
	}
}

static void
add_positionals(const struct place *place, const struct synopsis_form *form,
    const struct walk *walk, struct complete_list *list)
{
	for (size_t i = walk->next; i < form->count; i++) {
		const struct synopsis_item *item = &form->items[i];

		if (item->kind == SYNOPSIS_FLAG) {
			continue;
		}
		add_item(place, item, list);
		if (!item->optional && !(i == walk->next && walk->repeats > 0)) {
			return;
		}
	}
}

static void
add_form_flags(const struct synopsis_form *form, const struct walk *walk,
    struct complete_list *list)
{
	for (size_t i = 0; i < form->count; i++) {
		const struct synopsis_item *item = &form->items[i];

		if (item->kind == SYNOPSIS_FLAG && !walk->used[i]) {
			add_flag(list, item->name);
		}
	}
}

/* ---- the line ---- */

static void
add_arguments(const struct place *place, struct complete_list *list)
{
	struct synopsis synopsis;
	bool dash = list->prefix[0] == '-';

	if (!synopsis_parse(place->synopsis, &synopsis)) {
		return;
	}
	for (size_t i = 0; i < synopsis.count; i++) {
		const struct synopsis_form *form = &synopsis.forms[i];
		struct walk walk;

		if (!walk_form(form, place, &walk)) {
			continue;
		}
		if (walk.wants) {
			complete_value(place->source, place->command, walk.wants->value,
			    list);
			continue;
		}
		if (!dash) {
			add_positionals(place, form, &walk, list);
		}
		add_form_flags(form, &walk, list);
	}
	if (dash) {
		add_own_options(list);
	}
}

static void
add_first_words(struct complete_list *list)
{
	if (list->prefix[0] == '-') {
		add_own_options(list);
		return;
	}
	for (size_t i = 0; i < commands_count(); i++) {
		complete_add(list, commands_at(i)->name, commands_at(i)->help);
	}
	for (size_t i = 0; shell_at(i); i++) {
		complete_add(list, shell_at(i)->name, shell_at(i)->help);
	}
}

/* Finds the command that the words begin with; false where there is none. */
static bool
find_place(struct place *place, const char *name)
{
	const char *alias = shell_alias(name);
	const struct command *command = commands_find(alias ? alias : name);
	const struct shell_word *word = shell_find(name);

	if (word && (!command || word->id == SHELL_HELP)) {
		place->command = word->name;
		place->synopsis = word->synopsis;
	} else if (command) {
		place->command = command->name;
		place->synopsis = command->synopsis;
	}
	return command || word;
}

/* The word before is an option of gwctl that wants its argument here. */
static bool
add_option_argument(const char *before, struct complete_list *list)
{
	static const struct {
		const char *name;
		const char letter[3];
		const char *argument;
	} rows[] = {
#define OPTION_ROW(name, letter, argument, help) {"--" name, {'-', letter}, argument},
	    OPTIONS_TABLE(OPTION_ROW)
#undef OPTION_ROW
	};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		bool named = strcmp(before, rows[i].name) == 0 ||
		    (rows[i].letter[1] && strcmp(before, rows[i].letter) == 0);

		if (named && rows[i].argument[0] && rows[i].argument[0] != '[') {
			static const struct complete_source nobody;

			complete_value(&nobody, "", slice_of(rows[i].argument), list);
			return true;
		}
	}
	return false;
}

static void
add_all(char *const *words, size_t count, const struct complete_source *source,
    struct complete_list *list)
{
	struct place place = {.source = source};

	if (count > 0 && add_option_argument(words[count - 1], list)) {
		return;
	}
	size_t index = shell_command_index(words, count);

	/* "watch shards" goes on as shards does. */
	if (index < count && strcmp(words[index], "watch") == 0) {
		index++;
		index += shell_command_index(words + index, count - index);
		if (index >= count) {
			complete_commands(list, true);
			return;
		}
	}
	if (index >= count) {
		add_first_words(list);
		return;
	}
	place.words = words + index + 1;
	place.count = count - index - 1;
	if (find_place(&place, words[index])) {
		add_arguments(&place, list);
	}
}

void
complete_words(const struct words *words, complete_live live, void *context,
    struct complete_list *list)
{
	size_t count = words->open_word ? words->count - 1 : words->count;
	const struct complete_source source = {live, context};

	*list = (struct complete_list){
	    .prefix = words->open_word ? words->list[count] : ""};
	if (!words->open_comment) {
		add_all(words->list, count, &source, list);
	}
}
