#include "command_check.h"

#include <stdio.h>
#include <string.h>

#define PATH_BYTES        160
#define NAME_MAX_CHARS    32
#define TEXT_MAX_CHARS    100
#define LIST_MAX          25
#define SLASH_MAX         100
#define MENU_MAX          15
#define WHOLE_MAX_CHARS   8000
#define TYPE_SLASH        1
#define TYPE_MESSAGE_MENU 3
#define OPTION_SUBCOMMAND 1
#define OPTION_GROUP      2
#define OPTION_LAST       11

/* Where the check is; depth of options: a group holds sub-commands with options. */
struct check {
	struct call *call;
	char path[PATH_BYTES];
	size_t characters; /* of this command, all texts together */
};

static const cJSON *
member(const cJSON *object, const char *name)
{
	return cJSON_GetObjectItemCaseSensitive(object, name);
}

static bool
fail(const struct check *check, const char *field, const char *code, const char *text)
{
	char path[PATH_BYTES + 32];

	(void)snprintf(path, sizeof path, "%s%s%s", check->path,
	    field[0] != '\0' ? "." : "", field);
	call_form_error(check->call, path, code, text);
	return false;
}

static size_t
characters_of(const char *text)
{
	size_t count = 0;

	for (; *text != '\0'; text++) {
		count += ((unsigned char)*text & 0xC0) != 0x80 ? 1 : 0;
	}
	return count;
}

/* A text of 1 to max characters, counted for the whole. */
static bool
check_text(struct check *check, const cJSON *object, const char *field, size_t max)
{
	const cJSON *text = member(object, field);

	if (!text || cJSON_IsNull(text)) {
		return fail(check, field, "BASE_TYPE_REQUIRED",
		    "This field is required");
	}
	if (!cJSON_IsString(text)) {
		return fail(check, field, "STRING_TYPE_CONVERT",
		    "Could not interpret value as string.");
	}
	size_t count = characters_of(text->valuestring);

	check->characters += count;
	if (count < 1 || count > max) {
		char problem[64];

		(void)snprintf(problem, sizeof problem,
		    "Must be between 1 and %zu in length.", max);
		return fail(check, field, "BASE_TYPE_BAD_LENGTH", problem);
	}
	return true;
}

/* Letters beyond ASCII pass: whether they have a lower case is not looked up. */
static bool
is_slash_name(const char *name)
{
	for (; *name != '\0'; name++) {
		unsigned char c = (unsigned char)*name;

		if (c < 0x80 && !(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') &&
		    c != '-' && c != '_' && c != '\'') {
			return false;
		}
	}
	return true;
}

static bool
check_slash_name(struct check *check, const cJSON *object)
{
	if (!check_text(check, object, "name", NAME_MAX_CHARS)) {
		return false;
	}
	if (!is_slash_name(member(object, "name")->valuestring)) {
		return fail(check, "name", "APPLICATION_COMMAND_INVALID_NAME",
		    "Command name is invalid");
	}
	return true;
}

static bool
check_choices(struct check *check, const cJSON *option)
{
	const cJSON *choices = member(option, "choices");
	const cJSON *choice = NULL;

	if (cJSON_GetArraySize(choices) > LIST_MAX) {
		return fail(check, "choices", "BASE_TYPE_BAD_LENGTH",
		    "Must be between 0 and 25 in length.");
	}
	cJSON_ArrayForEach(choice, choices)
	{
		const cJSON *value = member(choice, "value");

		if (!check_text(check, choice, "name", TEXT_MAX_CHARS)) {
			return false;
		}
		if (!cJSON_IsString(value) && !cJSON_IsNumber(value)) {
			return fail(check, "choices", "BASE_TYPE_REQUIRED",
			    "This field is required");
		}
		check->characters +=
		    cJSON_IsString(value) ? characters_of(value->valuestring) : 0;
	}
	return true;
}

static bool check_options(struct check *check, const cJSON *holder, int depth);

static bool
check_option(struct check *check, const cJSON *option, int depth)
{
	const cJSON *type = member(option, "type");
	int number = cJSON_IsNumber(type) ? type->valueint : 0;

	if (number < OPTION_SUBCOMMAND || number > OPTION_LAST) {
		return fail(check, "type", "BASE_TYPE_CHOICES",
		    "Value must be one of {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11}.");
	}
	if (number <= OPTION_GROUP && depth + number > OPTION_GROUP + 1) {
		return fail(check, "type", "APPLICATION_COMMAND_OPTIONS_TYPE_INVALID",
		    "Sub-command and sub-command group option types are not allowed "
		    "here");
	}
	if (!check_slash_name(check, option) ||
	    !check_text(check, option, "description", TEXT_MAX_CHARS) ||
	    !check_choices(check, option)) {
		return false;
	}
	return number > OPTION_GROUP || check_options(check, option, depth + 1);
}

/* Commands of different types may share a name, options may not. */
static bool
is_named_before(const cJSON *list, const cJSON *item, bool any_type)
{
	const cJSON *at = NULL;

	cJSON_ArrayForEach(at, list)
	{
		if (at == item) {
			break;
		}
		const cJSON *type = member(at, "type");
		const cJSON *own = member(item, "type");
		bool same_type = any_type ||
		    (type ? type->valueint : TYPE_SLASH) ==
			(own ? own->valueint : TYPE_SLASH);

		if (same_type &&
		    strcmp(member(at, "name")->valuestring,
			member(item, "name")->valuestring) == 0) {
			return true;
		}
	}
	return false;
}

static bool
check_options(struct check *check, const cJSON *holder, int depth)
{
	const cJSON *options = member(holder, "options");
	const cJSON *option = NULL;
	size_t size = strlen(check->path);
	bool optional = false;
	int index = 0;

	if (options && !cJSON_IsNull(options) && !cJSON_IsArray(options)) {
		return fail(check, "options", "LIST_TYPE_CONVERT",
		    "Only iterables may be used in a ListType");
	}
	if (cJSON_GetArraySize(options) > LIST_MAX) {
		return fail(check, "options", "BASE_TYPE_MAX_LENGTH",
		    "Must be 25 or fewer in length.");
	}
	cJSON_ArrayForEach(option, options)
	{
		(void)snprintf(check->path + size, sizeof check->path - size,
		    ".options.%d", index++);
		if (!check_option(check, option, depth)) {
			return false;
		}
		bool required = cJSON_IsTrue(member(option, "required"));

		if (required && optional) {
			return fail(check, "",
			    "APPLICATION_COMMAND_OPTIONS_REQUIRED_INVALID",
			    "Required options must be placed before non-required "
			    "options");
		}
		optional = optional || !required;
		if (is_named_before(options, option, true)) {
			return fail(check, "name",
			    "APPLICATION_COMMAND_OPTIONS_NAME_ALREADY_EXISTS",
			    "Option name already exists");
		}
		check->path[size] = '\0';
	}
	return true;
}

static bool
check_slash(struct check *check, const cJSON *command)
{
	if (!check_slash_name(check, command) ||
	    !check_text(check, command, "description", TEXT_MAX_CHARS) ||
	    !check_options(check, command, 1)) {
		return false;
	}
	if (check->characters > WHOLE_MAX_CHARS) {
		return fail(check, "", "APPLICATION_COMMAND_TOO_LARGE",
		    "Command exceeds maximum size (8000)");
	}
	return true;
}

/* Commands of menus have a name of any letters and no description. */
static bool
check_menu(struct check *check, const cJSON *command)
{
	const cJSON *description = member(command, "description");

	if (cJSON_IsString(description) && description->valuestring[0] != '\0') {
		return fail(check, "description",
		    "APPLICATION_COMMAND_INVALID_DESCRIPTION",
		    "Context menu commands cannot have description");
	}
	return check_text(check, command, "name", NAME_MAX_CHARS);
}

static bool
check_command(struct check *check, const cJSON *command, int *counts)
{
	const cJSON *type = member(command, "type");
	int number = cJSON_IsNumber(type) ? type->valueint : TYPE_SLASH;

	if (!cJSON_IsObject(command)) {
		return fail(check, "", "MODEL_TYPE_CONVERT",
		    "Only dictionaries may be used in a ModelType");
	}
	if (number < TYPE_SLASH || number > TYPE_MESSAGE_MENU) {
		return fail(check, "type", "BASE_TYPE_CHOICES",
		    "Value must be one of {1, 2, 3}.");
	}
	if (number == TYPE_SLASH ? !check_slash(check, command) :
				   !check_menu(check, command)) {
		return false;
	}
	if (++counts[number] > (number == TYPE_SLASH ? SLASH_MAX : MENU_MAX)) {
		call_error(check->call, 400, 30032,
		    "Maximum number of application commands reached (100)");
		return false;
	}
	return true;
}

bool
command_check_list(struct call *call, const cJSON *list)
{
	int counts[TYPE_MESSAGE_MENU + 1] = {0};
	const cJSON *command = NULL;
	int index = 0;

	cJSON_ArrayForEach(command, list)
	{
		struct check check = {.call = call};

		(void)snprintf(check.path, sizeof check.path, "%d", index++);
		if (!check_command(&check, command, counts)) {
			return false;
		}
		if (is_named_before(list, command, false)) {
			return fail(&check, "name",
			    "APPLICATION_COMMANDS_DUPLICATE_NAME",
			    "Application command names must be unique");
		}
	}
	return true;
}
