#include "appcommands.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "calls.h"
#include "command_check.h"
#include "xalloc.h"

#define TYPE_SLASH 1

struct set {
	uint64_t guild_id; /* 0: for all guilds */
	cJSON *list;       /* as Discord tells them; NULL: the place is free */
};

struct appcommands {
	struct set sets[APPCOMMANDS_SETS];
};

struct appcommands *
appcommands_new(void)
{
	return xzalloc(sizeof(struct appcommands));
}

void
appcommands_free(struct appcommands *owned_commands)
{
	if (!owned_commands) {
		return;
	}
	for (int i = 0; i < APPCOMMANDS_SETS; i++) {
		cJSON_Delete(owned_commands->sets[i].list);
	}
	free(owned_commands);
}

static const cJSON *
member(const cJSON *object, const char *name)
{
	return cJSON_GetObjectItemCaseSensitive(object, name);
}

static int
type_of(const cJSON *command)
{
	const cJSON *type = member(command, "type");

	return cJSON_IsNumber(type) ? type->valueint : TYPE_SLASH;
}

static const cJSON *
find(const cJSON *list, int type, const char *name)
{
	const cJSON *at = NULL;

	cJSON_ArrayForEach(at, list)
	{
		if (type_of(at) == type &&
		    strcmp(member(at, "name")->valuestring, name) == 0) {
			return at;
		}
	}
	return NULL;
}

/* The set of a guild, or a free place for it; NULL: all are taken. */
static struct set *
find_set(struct appcommands *commands, uint64_t guild_id)
{
	struct set *free_one = NULL;

	for (int i = 0; i < APPCOMMANDS_SETS; i++) {
		struct set *set = &commands->sets[i];

		if (set->list && set->guild_id == guild_id) {
			return set;
		}
		free_one = !set->list && !free_one ? set : free_one;
	}
	return free_one;
}

const cJSON *
appcommands_find(const struct appcommands *commands, uint64_t guild_id,
    const char *name)
{
	const cJSON *found = NULL;

	for (int i = 0; i < APPCOMMANDS_SETS && !found; i++) {
		if (commands->sets[i].guild_id == guild_id) {
			found = find(commands->sets[i].list, TYPE_SLASH, name);
		}
	}
	return found || guild_id == 0 ? found : appcommands_find(commands, 0, name);
}

static void
add_id(cJSON *object, const char *name, uint64_t id)
{
	char text[24];

	(void)snprintf(text, sizeof text, "%" PRIu64, id);
	(void)cJSON_AddStringToObject(object, name, text);
}

static void
add_copy(cJSON *to, const cJSON *from, const char *name)
{
	const cJSON *value = member(from, name);

	if (value) {
		(void)cJSON_AddItemToObject(to, name, cJSON_Duplicate(value, true));
	} else {
		(void)cJSON_AddNullToObject(to, name);
	}
}

/* Discord leaves out what is not required. */
static void
tidy_options(cJSON *holder)
{
	cJSON *options = cJSON_GetObjectItemCaseSensitive(holder, "options");
	cJSON *option = NULL;

	if (options && cJSON_GetArraySize(options) == 0) {
		cJSON_DeleteItemFromObjectCaseSensitive(holder, "options");
		return;
	}
	cJSON_ArrayForEach(option, options)
	{
		if (cJSON_IsFalse(member(option, "required"))) {
			cJSON_DeleteItemFromObjectCaseSensitive(option, "required");
		}
		tidy_options(option);
	}
}

/* As Discord tells a command: with all that the bot left out. */
static cJSON *
make_command(struct call *call, const cJSON *asked)
{
	cJSON *made = cJSON_CreateObject();
	const cJSON *options = member(asked, "options");
	const cJSON *description = member(asked, "description");
	const cJSON *contexts = member(asked, "contexts");

	(void)cJSON_AddNumberToObject(made, "type", type_of(asked));
	add_id(made, "application_id", call->application_id);
	if (call->guild_id != 0) {
		add_id(made, "guild_id", call->guild_id);
	} else {
		(void)cJSON_AddBoolToObject(made, "dm_permission",
		    !cJSON_IsFalse(member(asked, "dm_permission")));
		(void)cJSON_AddItemToObject(made, "contexts",
		    contexts ? cJSON_Duplicate(contexts, true) : cJSON_CreateNull());
		(void)cJSON_AddRawToObject(made, "integration_types", "[0]");
	}
	add_copy(made, asked, "name");
	add_copy(made, asked, "name_localizations");
	(void)cJSON_AddStringToObject(made, "description",
	    cJSON_IsString(description) ? description->valuestring : "");
	add_copy(made, asked, "description_localizations");
	add_copy(made, asked, "default_member_permissions");
	(void)cJSON_AddBoolToObject(made, "nsfw", cJSON_IsTrue(member(asked, "nsfw")));
	if (options && !cJSON_IsNull(options)) {
		(void)cJSON_AddItemToObject(made, "options",
		    cJSON_Duplicate(options, true));
		tidy_options(made);
	}
	return made;
}

/* A command that was there keeps its id, and its version where nothing changed. */
static void
number(struct call *call, cJSON *made, const cJSON *old_list)
{
	const cJSON *old =
	    find(old_list, type_of(made), member(made, "name")->valuestring);
	cJSON *plain = old ? cJSON_Duplicate(old, true) : NULL;

	cJSON_DeleteItemFromObjectCaseSensitive(plain, "id");
	cJSON_DeleteItemFromObjectCaseSensitive(plain, "version");
	bool same = plain && cJSON_Compare(plain, made, true);

	cJSON_Delete(plain);
	if (old) {
		add_copy(made, old, "id");
	} else {
		add_id(made, "id", world_new_id(&call->sim->world));
	}
	if (same) {
		add_copy(made, old, "version");
	} else {
		add_id(made, "version", world_new_id(&call->sim->world));
	}
}

static bool
is_own(struct call *call)
{
	if (call->application_id != world_bot_id()) {
		call_error(call, 403, 20012,
		    "You are not authorized to perform this action on this "
		    "application");
		return false;
	}
	return true;
}

static void
answer_list(struct call *call, const cJSON *list)
{
	char *text = list ? cJSON_PrintUnformatted(list) : NULL;

	call->answer->status = 200;
	jsonw_raw(&call->answer->body, text ? text : "[]");
	cJSON_free(text);
}

void
call_commands_list(struct call *call)
{
	if (is_own(call)) {
		const struct set *set =
		    find_set(call->sim->appcommands, call->guild_id);

		answer_list(call, set ? set->list : NULL);
	}
}

void
call_commands_set(struct call *call)
{
	const cJSON *asked = NULL;

	if (!is_own(call) || !command_check_list(call, call->body)) {
		return;
	}
	struct set *set = find_set(call->sim->appcommands, call->guild_id);

	if (!set) {
		call_error(call, 500, 0, "gwsim keeps the commands of 63 guilds");
		return;
	}
	cJSON *list = cJSON_CreateArray();

	cJSON_ArrayForEach(asked, call->body)
	{
		cJSON *made = make_command(call, asked);

		number(call, made, set->list);
		(void)cJSON_AddItemToArray(list, made);
	}
	cJSON_Delete(set->list);
	*set = (struct set){.guild_id = call->guild_id, .list = list};
	answer_list(call, list);
}
