#include "incoming_interaction.h"

#include <string.h>

#include "bot.h"
#include "menu.h"
#include "message.h"
#include "payload_scan.h"

/* Of an interaction; the others are no commands. */
#define TYPE_COMMAND 2

/* Of a command: those of the menus of people and messages have other numbers. */
#define TYPE_SLASH 1

/* Of an option. */
#define TYPE_STRING 3

/* Snowflakes count milliseconds from the first of 2015 in their upper 42 bits. */
#define SNOWFLAKE_EPOCH_MS  INT64_C(1420070400000)
#define SNOWFLAKE_TIME_BITS 22

static uint64_t
id_of(struct slice object, const char *name)
{
	uint64_t id = 0;

	(void)message_id(payload_scan_find(object, name), &id);
	return id;
}

static bool
number_is(struct slice object, const char *name, int64_t number)
{
	int64_t found = -1;

	return payload_scan_natural(payload_scan_find(object, name), &found) &&
	    found == number;
}

/* A token goes into a path: what could mean something there is none. */
static bool
read_token(struct slice data, struct incoming_interaction *out)
{
	static const char plain[] =
	    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
	    "0123456789-._~=:";

	return payload_scan_text(payload_scan_find(data, "token"), out->token,
		   sizeof out->token) &&
	    out->token[0] != '\0' && out->token[strspn(out->token, plain)] == '\0' &&
	    strcmp(out->token, ".") != 0 && strcmp(out->token, "..") != 0;
}

static void
read_name(struct slice member, struct slice user, struct incoming_interaction *out)
{
	const struct slice names[] = {
	    payload_scan_find(member, "nick"),
	    payload_scan_find(user, "global_name"),
	    payload_scan_find(user, "username"),
	};

	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		if (payload_scan_text(names[i], out->user_name,
			sizeof out->user_name) &&
		    out->user_name[0] != '\0') {
			return;
		}
	}
}

static void
read_roles(struct slice member, struct incoming_interaction *out)
{
	struct payload_scan scan;
	struct slice key;
	struct slice value;

	payload_scan_begin(&scan, payload_scan_find(member, "roles"),
	    PAYLOAD_SCAN_ARRAY);
	while (out->role_count < INTERACTION_ROLES_MAX &&
	    payload_scan_next(&scan, &key, &value)) {
		if (message_id(value, &out->roles[out->role_count])) {
			out->role_count++;
		}
	}
}

/* In a server the person stands in member, in a direct message alone. */
static bool
read_person(struct slice data, struct incoming_interaction *out)
{
	struct slice member = payload_scan_find(data, "member");
	struct slice inner = payload_scan_find(member, "user");
	struct slice user = inner.size > 0 ? inner : payload_scan_find(data, "user");
	uint64_t rights = 0;

	(void)message_id(payload_scan_find(member, "permissions"), &rights);
	out->administrator = out->guild != 0 && (rights & BOT_RIGHT_ADMINISTRATOR) != 0;
	out->user = id_of(user, "id");
	read_name(member, user, out);
	read_roles(member, out);
	return out->user != 0;
}

static void
read_text(struct slice command, struct incoming_interaction *out)
{
	struct payload_scan scan;
	struct slice key;
	struct slice option;
	char name[sizeof MENU_OPTION];

	payload_scan_begin(&scan, payload_scan_find(command, "options"),
	    PAYLOAD_SCAN_ARRAY);
	while (payload_scan_next(&scan, &key, &option)) {
		bool ours = payload_scan_text(payload_scan_find(option, "name"), name,
				sizeof name) &&
		    strcmp(name, MENU_OPTION) == 0 &&
		    number_is(option, "type", TYPE_STRING);

		if (ours) {
			(void)payload_scan_text(payload_scan_find(option, "value"),
			    out->text, sizeof out->text);
			return;
		}
	}
}

bool
incoming_interaction_read(struct slice data, struct incoming_interaction *out)
{
	*out = (struct incoming_interaction){.id = 0};
	if (data.size > INTERACTION_MAX_BYTES) {
		return false;
	}
	out->id = id_of(data, "id");
	out->application = id_of(data, "application_id");
	out->guild = id_of(data, "guild_id");
	out->channel = id_of(data, "channel_id");
	if (out->id == 0 || out->application == 0 ||
	    !number_is(data, "type", TYPE_COMMAND) || !read_token(data, out) ||
	    !read_person(data, out)) {
		return false;
	}
	struct slice command = payload_scan_find(data, "data");

	if (number_is(command, "type", TYPE_SLASH)) {
		(void)payload_scan_text(payload_scan_find(command, "name"), out->name,
		    sizeof out->name);
		read_text(command, out);
	}
	return true;
}

mono_ns
incoming_interaction_age(uint64_t id, int64_t wall_ms)
{
	int64_t made_ms = (int64_t)(id >> SNOWFLAKE_TIME_BITS) + SNOWFLAKE_EPOCH_MS;

	return CLOCK_MS(wall_ms - made_ms);
}

bool
interactions_are_new(struct interactions_seen *seen, uint64_t id)
{
	for (size_t i = 0; i < INTERACTIONS_SEEN_MAX; i++) {
		if (seen->ids[i] == id) {
			return false;
		}
	}
	seen->ids[seen->next] = id;
	seen->next = (seen->next + 1) % INTERACTIONS_SEEN_MAX;
	return true;
}
