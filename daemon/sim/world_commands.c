/* Commands that make something happen in the world. */
#include <cjson/cJSON.h>
#include <string.h>

#include "commands.h"
#include "gateway.h"
#include "rest.h"

#define FLOOD_MAX UINT64_C(1000000000)
#define BIG_MAX   ((uint64_t)128 << 20)

/* Of an event, with its escapes. */
#define NAME_MAX_BYTES ((size_t)1024 * 1024)

static void
flood(struct command *command, struct session *session, void *context)
{
	(void)command;
	session->flood_left += *(const uint64_t *)context;
	if (session->gate) {
		gateway_wake(session->gate);
	}
}

void
command_flood(struct command *command)
{
	uint64_t count = 0;

	if (command->word_count != 1 ||
	    !command_number(command->words[0], 1, FLOOD_MAX, &count)) {
		command->error = "a number of events is wanted";
		return;
	}
	command_each_session(command, flood, &count);
}

/* The event goes to the session, and to its client if there is one. */
static void
push(struct command *command, struct session *session, void *context)
{
	session_push(command->sim, session, event_ref(context), 0);
	if (session->gate) {
		gateway_wake(session->gate);
	}
}

static void
push_to_all(struct command *command, struct event *owned_event)
{
	if (!owned_event) {
		command->error = "no memory for it";
		return;
	}
	command_each_session(command, push, owned_event);
	event_unref(owned_event);
}

static void
push_big(struct command *command, struct session *session, void *context)
{
	const uint64_t *size = context;
	uint64_t guilds = world_shard_guilds(&command->sim->world, &session->view);

	if (guilds > 0) {
		session_push(command->sim, session,
		    world_guild_create(&command->sim->world,
			world_shard_guild(&session->view, 0), session->view.intents,
			*size),
		    0);
	}
	if (session->gate) {
		gateway_wake(session->gate);
	}
}

void
command_big(struct command *command)
{
	uint64_t size = 0;

	if (command->word_count != 1 ||
	    !command_number(command->words[0], 1, BIG_MAX, &size)) {
		command->error = "a number of bytes up to 128 MiB is wanted";
		return;
	}
	command_each_session(command, push_big, &size);
}

static void
push_outage(struct command *command, struct session *session, void *context)
{
	const bool *on = context;
	uint64_t guilds = world_shard_guilds(&command->sim->world, &session->view);

	if ((session->view.intents & INTENT_GUILDS) == 0) {
		return;
	}
	if (!*on) {
		session->guilds_left = guilds;
	}
	for (uint64_t i = 0; *on && i < guilds; i++) {
		struct jsonw out;

		jsonw_init(&out, EVENT_MAX_BYTES);
		jsonw_raw(&out, "{\"unavailable\":true,\"id\":");
		jsonw_id(&out, world_guild_id(world_shard_guild(&session->view, i)));
		jsonw_raw(&out, "}");
		session_push(command->sim, session, event_take("GUILD_DELETE", &out, 0),
		    0);
	}
	if (session->gate) {
		gateway_wake(session->gate);
	}
}

void
command_outage(struct command *command)
{
	bool on = command->word_count == 1 && strcmp(command->words[0], "on") == 0;

	if (!on &&
	    (command->word_count != 1 || strcmp(command->words[0], "off") != 0)) {
		command->error = "on or off is wanted";
		return;
	}
	command_each_session(command, push_outage, &on);
}

/* The text of the value of "d" in an object known to be JSON: what goes through cJSON
 * loses NULs and large numbers. */
static struct slice
find_d(const char *text)
{
	int depth = 0;

	for (const char *at = text; *at != '\0'; at++) {
		depth += *at == '{' || *at == '[' ? 1 :
		    *at == '}' || *at == ']'      ? -1 :
						    0;
		if (*at != '"') {
			continue;
		}
		const char *end = at + 1;

		while (*end != '"') {
			end += *end == '\\' ? 2 : 1;
		}
		const char *after = end + 1 + strspn(end + 1, " \t\r\n");

		if (depth == 1 && *after == ':' && end - at == 2 && at[1] == 'd') {
			const char *value = after + 1 + strspn(after + 1, " \t\r\n");

			cJSON_Delete(cJSON_ParseWithOpts(value, &after, false));
			return (struct slice){value, (size_t)(after - value)};
		}
		at = end;
	}
	return (struct slice){NULL, 0};
}

/* An event with a name of any characters, which stands in its frame between quotes. */
static struct event *
new_event(const char *name, struct slice d)
{
	struct event *event = NULL;
	struct jsonw quoted;

	jsonw_init(&quoted, NAME_MAX_BYTES);
	jsonw_string(&quoted, slice_of(name), false);
	if (quoted.err == GW_OK && buf_append(&quoted.buf, "", 1) == GW_OK) {
		quoted.buf.data[quoted.buf.size - 2] = '\0';
		event = event_new(quoted.buf.data + 1, d, 0);
	}
	jsonw_fini(&quoted);
	return event;
}

void
command_send(struct command *command)
{
	cJSON *payload = cJSON_ParseWithOpts(command->text, NULL, true);
	const cJSON *name = cJSON_GetObjectItemCaseSensitive(payload, "t");
	struct slice d =
	    cJSON_IsObject(payload) ? find_d(command->text) : (struct slice){NULL, 0};

	if (d.size == 0 || !cJSON_IsString(name) || name->valuestring[0] == '\0') {
		command->error = "{\"t\":NAME,\"d\":..} is wanted";
	} else {
		push_to_all(command, new_event(name->valuestring, d));
	}
	cJSON_Delete(payload);
}

/* A last word @NAME names the author and is taken off; a mention is no name. */
static int
take_author(struct command *command)
{
	char *space = strrchr(command->text, ' ');
	int user = 7;

	if (space && space[1] == '@' &&
	    world_find_user(&command->sim->world, space + 2, &user)) {
		*space = '\0';
	}
	return user;
}

void
command_message(struct command *command)
{
	struct sim *sim = command->sim;
	int author = take_author(command);
	uint64_t guild = 0;

	if (command->text[0] == '\0' || sim->world.guilds == 0) {
		command->error = "a text is wanted, and a guild to write it in";
		return;
	}
	if (command->shard != FAULT_NO_SHARD && sim->sessions) {
		/* A guild of that shard, as the first session with it counts. */
		for (const struct session *at = sim->sessions; at; at = at->next) {
			if (at->view.shard == (uint64_t)command->shard &&
			    world_shard_guilds(&sim->world, &at->view) > 0) {
				guild = world_shard_guild(&at->view, 0);
				break;
			}
		}
	}
	uint64_t channel = world_main_channel(guild);

	rest_write_message(sim, channel, author, command->text);
	command->answered = true;
	jsonw_raw(command->answer, "{\"ok\":true,\"channel_id\":");
	jsonw_id(command->answer, channel);
	jsonw_raw(command->answer, ",\"message_id\":");
	jsonw_id(command->answer, sim->world.last_id);
	jsonw_raw(command->answer, ",\"author_id\":");
	jsonw_id(command->answer, world_user_id(author));
	jsonw_raw(command->answer, "}");
}

static void
kill_session(struct command *command, struct session *session, void *context)
{
	(void)command;
	(void)context;
	session->killed = true;
}

void
command_kill_session(struct command *command)
{
	command_each_session(command, kill_session, NULL);
}
