/* The command interact: someone uses a slash command. */
#include <cjson/cJSON.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "appcommands.h"
#include "commands.h"
#include "interactions.h"
#include "rights.h"
#include "who.h"

#define OPTION_STRING  3
#define OPTION_INTEGER 4
#define OPTION_BOOLEAN 5
#define OPTION_NUMBER  10

/* What people may do: an ordinary one, and one with the administrator right. */
#define RIGHTS_MEMBER UINT64_C(2248473465835073)
#define RIGHTS_ALL    (RIGHTS_MEMBER | UINT64_C(8))

struct interact {
	struct who who;
	int64_t age_ms;
	const char *name;
	const cJSON *registered;
	cJSON *options;
};

static const cJSON *
member(const cJSON *object, const char *name)
{
	return cJSON_GetObjectItemCaseSensitive(object, name);
}

/* The option that "name=..." at the front of text is for, or NULL. */
static const cJSON *
find_option(const struct interact *interact, const char *text)
{
	const cJSON *at = NULL;

	cJSON_ArrayForEach(at, member(interact->registered, "options"))
	{
		const char *name = member(at, "name")->valuestring;
		size_t size = strlen(name);

		if (strncmp(text, name, size) == 0 && text[size] == '=') {
			return at;
		}
	}
	return NULL;
}

/* Where the next "option=" begins, behind a space; the end where there is none. */
static size_t
value_size(const struct interact *interact, const char *text)
{
	size_t at = 0;

	while (text[at] != '\0' &&
	    !(text[at] == ' ' && find_option(interact, text + at + 1))) {
		at++;
	}
	return at;
}

static cJSON *
make_value(struct command *command, int type, const char *text)
{
	char *end = NULL;
	double number = strtod(text, &end);

	switch (type) {
	case OPTION_STRING:
		return cJSON_CreateString(text);
	case OPTION_BOOLEAN:
		return cJSON_CreateBool(strcmp(text, "true") == 0);
	case OPTION_INTEGER:
	case OPTION_NUMBER:
		if (*text != '\0' && *end == '\0') {
			return cJSON_CreateNumber(number);
		}
		command->error = "a number is wanted";
		return NULL;
	default:
		command->error = "options of that type are not imitated";
		return NULL;
	}
}

static void
add_option(struct command *command, struct interact *interact, const cJSON *option,
    const char *text)
{
	int type = member(option, "type")->valueint;
	cJSON *value = make_value(command, type, text);
	cJSON *made = cJSON_CreateObject();

	(void)cJSON_AddItemToObject(made, "value", value);
	(void)cJSON_AddNumberToObject(made, "type", type);
	(void)cJSON_AddStringToObject(made, "name",
	    member(option, "name")->valuestring);
	(void)cJSON_AddItemToArray(interact->options, made);
}

/* "text=two words other=x" */
static void
take_options(struct command *command, struct interact *interact, char *text)
{
	while (*text != '\0' && !command->error) {
		const cJSON *option = find_option(interact, text);

		if (!option) {
			command->error = "the command has no such option";
			return;
		}
		char *value = strchr(text, '=') + 1;
		size_t size = value_size(interact, value);
		bool more = value[size] != '\0';

		value[size] = '\0';
		add_option(command, interact, option, value);
		text = value + size + (more ? 1 : 0);
	}
}

/* What Discord's own client would not send. */
static void
check_required(struct command *command, const struct interact *interact)
{
	const cJSON *at = NULL;

	cJSON_ArrayForEach(at, member(interact->registered, "options"))
	{
		const cJSON *given = NULL;
		bool found = !cJSON_IsTrue(member(at, "required"));

		cJSON_ArrayForEach(given, interact->options)
		{
			found = found ||
			    strcmp(member(given, "name")->valuestring,
				member(at, "name")->valuestring) == 0;
		}
		if (!found) {
			command->error = "a required option is missing";
		}
	}
}

static void
put_data(struct jsonw *out, const struct interact *interact)
{
	char *options = cJSON_PrintUnformatted(interact->options);
	const cJSON *guild_id = member(interact->registered, "guild_id");

	jsonw_raw(out, ",\"data\":{\"type\":1");
	if (options && cJSON_GetArraySize(interact->options) > 0) {
		jsonw_raw(out, ",\"options\":");
		jsonw_raw(out, options);
	}
	jsonw_raw(out, ",\"name\":");
	jsonw_string(out, slice_of(interact->name), false);
	jsonw_raw(out, ",\"id\":");
	jsonw_string(out, slice_of(member(interact->registered, "id")->valuestring),
	    false);
	if (guild_id) {
		jsonw_raw(out, ",\"guild_id\":");
		jsonw_string(out, slice_of(guild_id->valuestring), false);
	}
	jsonw_raw(out, "}");
	cJSON_free(options);
}

static void
put_invoker(const struct world *world, struct jsonw *out, const struct who *who)
{
	bool owner = who->user == world_owner(world, who->guild);

	jsonw_raw(out, ",\"member\":{");
	world_put_member_fields(world, out, who->guild, who->user, &who->roles);
	jsonw_raw(out, ",\"user\":");
	world_put_user(world, out, who->user, false);
	jsonw_fmt(out,
	    ",\"unusual_dm_activity_until\":null,\"permissions\":\"%" PRIu64 "\"}",
	    who->admin || owner ? RIGHTS_ALL : RIGHTS_MEMBER);
}

static struct event *
make_event(const struct world *world, const struct interact *interact,
    const struct interaction *interaction, uint64_t app_rights)
{
	uint64_t guild_id = world_guild_id(interact->who.guild);
	struct jsonw out;

	jsonw_init(&out, EVENT_MAX_BYTES);
	jsonw_raw(&out, "{\"version\":1,\"type\":2,\"token\":");
	jsonw_string(&out, slice_of(interaction->token), false);
	put_invoker(world, &out, &interact->who);
	jsonw_raw(&out, ",\"locale\":\"de\",\"id\":");
	jsonw_id(&out, interaction->id);
	jsonw_raw(&out, ",\"guild_locale\":\"de\",\"guild_id\":");
	jsonw_id(&out, guild_id);
	jsonw_raw(&out, ",\"guild\":{\"locale\":\"de\",\"features\":[],\"id\":");
	jsonw_id(&out, guild_id);
	jsonw_raw(&out, "},\"entitlements\":[],\"entitlement_sku_ids\":[]");
	put_data(&out, interact);
	jsonw_raw(&out, ",\"context\":0,\"channel_id\":");
	jsonw_id(&out, interaction->channel_id);
	jsonw_raw(&out, ",\"channel\":");
	world_put_channel(world, &out, interaction->channel_id);
	jsonw_raw(&out, ",\"authorizing_integration_owners\":{\"0\":");
	jsonw_id(&out, guild_id);
	jsonw_raw(&out, "},\"attachment_size_limit\":10485760,\"application_id\":");
	jsonw_id(&out, world_bot_id());
	jsonw_fmt(&out, ",\"app_permissions\":\"%" PRIu64 "\"}", app_rights);
	return event_take("INTERACTION_CREATE", &out, 0);
}

static void
put_interaction(struct command *command, const struct interaction *interaction)
{
	struct jsonw *answer = command->answer;

	command->answered = true;
	jsonw_raw(answer, "{\"ok\":true,\"interaction_id\":");
	jsonw_id(answer, interaction->id);
	jsonw_raw(answer, ",\"token\":");
	jsonw_string(answer, slice_of(interaction->token), false);
	jsonw_raw(answer, ",\"application_id\":");
	jsonw_id(answer, world_bot_id());
	jsonw_raw(answer, ",\"channel_id\":");
	jsonw_id(answer, interaction->channel_id);
	jsonw_raw(answer, ",\"user_id\":");
	jsonw_id(answer, world_user_id(interaction->user));
	jsonw_raw(answer, "}");
}

static void
run_interact(struct command *command, const struct interact *interact)
{
	struct sim *sim = command->sim;
	const struct interaction *interaction = interactions_add(sim->interactions,
	    &(struct interaction){.id = world_new_id(&sim->world),
		.channel_id = interact->who.channel_id,
		.user = interact->who.user,
		.at = sim->now - interact->age_ms * CLOCK_MS(1)},
	    sim->argv.seed);

	session_publish(sim, interact->who.guild, 0,
	    make_event(&sim->world, interact, interaction,
		rights_bits(sim->rights, interaction->channel_id)),
	    NULL);
	put_interaction(command, interaction);
}

/* The name, and what is behind it. */
static char *
take_name(struct command *command, struct interact *interact)
{
	size_t size = strcspn(command->text, " ");
	char *rest = command->text + size;

	interact->name = command->text;
	if (*rest != '\0') {
		*rest++ = '\0';
	}
	interact->registered = appcommands_find(command->sim->appcommands,
	    world_guild_id(interact->who.guild), interact->name);
	if (!interact->registered) {
		command->error = "the bot has registered no such command";
	}
	return rest;
}

void
command_interact(struct command *command)
{
	static const char *const keys[] = {WHO_KEYS, "age=", NULL};
	struct interact interact = {.who = who_default(),
	    .options = cJSON_CreateArray()};
	struct who_word word;

	while (!command->error && who_take_word(command, keys, &word)) {
		if (!who_take(command, &word, &interact.who) &&
		    !who_read_age(word.value, &interact.age_ms)) {
			command->error = "an age is wanted, like 4s";
		}
	}
	who_settle(command, &interact.who);
	if (!command->error) {
		char *rest = take_name(command, &interact);

		if (!command->error) {
			take_options(command, &interact, rest);
			check_required(command, &interact);
		}
	}
	if (!command->error) {
		run_interact(command, &interact);
	}
	cJSON_Delete(interact.options);
}
