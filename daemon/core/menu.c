#include "menu.h"

#include <string.h>

#include "json.h"
#include "message.h"
#include "text.h"

/* Discord: of a command's description, and not empty. */
#define DESCRIPTION_MAX_CHARACTERS 100
#define DESCRIPTION_MAX_BYTES      (4 * (size_t)DESCRIPTION_MAX_CHARACTERS)
#define DESCRIPTION_ROOM           (DESCRIPTION_MAX_BYTES + 1)

#define TYPE_SLASH                                                                    \
	1             /* of a command; the others are in menus of people and messages \
	               */
#define TYPE_STRING 3 /* of an option */

#define OPTION_HELP "what the command is about"

/* ---- writing ---- */

/* The text without blanks around it. */
static struct slice
trim(struct slice text)
{
	while (text.size > 0 && (unsigned char)text.data[0] <= ' ') {
		text = (struct slice){text.data + 1, text.size - 1};
	}
	while (text.size > 0 && (unsigned char)text.data[text.size - 1] <= ' ') {
		text.size--;
	}
	return text;
}

/* An entry's description as Discord keeps it: never empty, and no blanks around it. */
static void
describe(const struct bot_menu_entry *entry, char out[DESCRIPTION_ROOM])
{
	struct slice help = trim(slice_of(entry->help));
	struct buf text;

	buf_init(&text, DESCRIPTION_MAX_BYTES);
	help.size = message_fit(help, DESCRIPTION_MAX_CHARACTERS);
	if (text_clean(help, true, &text) != GW_OK || text.size == 0) {
		buf_clear(&text);
		(void)buf_append(&text, entry->name, strlen(entry->name));
	}
	(void)slice_copy(trim(buf_slice(&text)), out, DESCRIPTION_ROOM);
	buf_fini(&text);
}

static struct json *
write_options(void)
{
	struct json *options = json_new_array();
	struct json *option = json_new_object();

	json_add_int(option, "type", TYPE_STRING);
	json_add_text(option, "name", MENU_OPTION);
	json_add_text(option, "description", OPTION_HELP);
	json_add_bool(option, "required", false);
	json_add_int(option, "max_length", MENU_OPTION_MAX_CHARACTERS);
	json_append(options, option);
	return options;
}

/* All that is compared is said, so that what was there before does not stay. */
static struct json *
write_entry(const struct bot_menu_entry *entry)
{
	struct json *command = json_new_object();
	char description[DESCRIPTION_ROOM];

	describe(entry, description);
	json_add_int(command, "type", TYPE_SLASH);
	json_add_text(command, "name", entry->name);
	json_add_text(command, "description", description);
	json_add(command, "options",
	    entry->takes_text ? write_options() : json_new_array());
	json_add_null(command, "default_member_permissions");
	json_add_bool(command, "nsfw", false);
	return command;
}

enum gw_err
menu_write(const struct bot_menu_entry *entries, size_t count, struct buf *out)
{
	struct json *list = json_new_array();

	for (size_t i = 0; i < count; i++) {
		json_append(list, write_entry(&entries[i]));
	}
	enum gw_err err = json_print(list, out);

	json_free(list);
	return err;
}

/* ---- comparing ---- */

/* Not there, null, false or an empty list: what Discord says of what was not said. */
static bool
is_unset(const struct json *value)
{
	switch (json_kind(value)) {
	case JSON_NONE:
	case JSON_NULL:
		return true;
	case JSON_BOOL:
		return !json_is_true(value);
	case JSON_ARRAY:
	case JSON_OBJECT:
		return json_count(value) == 0;
	case JSON_NUMBER:
	case JSON_STRING:
		return false;
	}
	return false;
}

static bool
text_is(const struct json *value, const char *text)
{
	const char *found = json_text(value);

	return found && strcmp(found, text) == 0;
}

/* Everything in ours is in theirs with the same value, and what theirs has besides is
 * unset. */
static bool
same_option(const struct json *ours, const struct json *theirs)
{
	static const char *const texts[] = {"name", "description"};
	static const char *const unset[] = {"required", "choices", "options",
	    "autocomplete", "min_length", "name_localizations",
	    "description_localizations"};
	bool same = json_int_or(json_get(ours, "type"), 0) ==
		json_int_or(json_get(theirs, "type"), 0) &&
	    json_int_or(json_get(ours, "max_length"), 0) ==
		json_int_or(json_get(theirs, "max_length"), 0);

	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
		same = same &&
		    text_is(json_get(theirs, texts[i]),
			json_text(json_get(ours, texts[i])));
	}
	for (size_t i = 0; i < sizeof unset / sizeof unset[0]; i++) {
		same = same && is_unset(json_get(theirs, unset[i]));
	}
	return same;
}

static bool
same_options(const struct bot_menu_entry *entry, const struct json *theirs)
{
	if (!entry->takes_text) {
		return is_unset(theirs);
	}
	struct json *ours = write_options();
	bool same = json_count(theirs) == 1 &&
	    same_option(json_at(ours, 0), json_at(theirs, 0));

	json_free(ours);
	return same;
}

static bool
same_entry(const struct bot_menu_entry *entry, const struct json *theirs)
{
	char description[DESCRIPTION_ROOM];

	describe(entry, description);
	return json_int_or(json_get(theirs, "type"), TYPE_SLASH) == TYPE_SLASH &&
	    text_is(json_get(theirs, "description"), description) &&
	    same_options(entry, json_get(theirs, "options")) &&
	    is_unset(json_get(theirs, "default_member_permissions")) &&
	    is_unset(json_get(theirs, "nsfw"));
}

/* The entry of a registered command's name; count where there is none. */
static size_t
find(const struct bot_menu_entry *entries, size_t count, const struct json *theirs)
{
	size_t at = 0;

	while (at < count && !text_is(json_get(theirs, "name"), entries[at].name)) {
		at++;
	}
	return at;
}

static enum menu_verdict
compare(const struct bot_menu_entry *entries, size_t count, const struct json *list)
{
	bool found[MENU_MAX] = {false};
	bool same = json_count(list) == count;

	for (const struct json *theirs = json_first(list); theirs;
	     theirs = json_next(theirs)) {
		if (json_kind(theirs) != JSON_OBJECT) {
			return MENU_UNREADABLE;
		}
		size_t at = find(entries, count, theirs);

		if (at == count || found[at] || !same_entry(&entries[at], theirs)) {
			same = false;
			continue;
		}
		found[at] = true;
	}
	return same ? MENU_SAME : MENU_DIFFERS;
}

bool
menu_shares(const struct bot_menu_entry *entries, size_t count, struct slice registered)
{
	struct json *list = NULL;
	bool shared = false;

	(void)json_parse(registered, MENU_ANSWER_MAX_BYTES, &list);
	for (const struct json *theirs = json_first(list); theirs;
	     theirs = json_next(theirs)) {
		size_t at = find(entries, count, theirs);

		shared = shared || (at < count && same_entry(&entries[at], theirs));
	}
	json_free(list);
	return shared;
}

enum menu_verdict
menu_compare(const struct bot_menu_entry *entries, size_t count,
    struct slice registered)
{
	struct json *list = NULL;
	enum menu_verdict verdict = MENU_UNREADABLE;

	if (json_parse(registered, MENU_ANSWER_MAX_BYTES, &list) == GW_OK &&
	    json_kind(list) == JSON_ARRAY) {
		verdict = compare(entries, count, list);
	}
	json_free(list);
	return verdict;
}
