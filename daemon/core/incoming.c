#include "incoming.h"

#include <string.h>

#include "message.h"
#include "payload_scan.h"

/* Discord: message types. */
#define TYPE_DEFAULT 0
#define TYPE_JOINED  7
#define TYPE_REPLY   19

/* 2015-01-01, from which the milliseconds in an id count. */
#define DISCORD_EPOCH_MS INT64_C(1420070400000)

/* The members of a message that matter, as JSON text. */
struct parts {
	struct slice id, guild, channel, author, member, content, type, webhook;
};

static void
take_part(struct slice key, struct slice value, struct parts *parts)
{
	const struct {
		const char *name;
		struct slice *to;
	} wanted[] = {
	    {"content", &parts->content},
	    {"type", &parts->type},
	    {"author", &parts->author},
	    {"webhook_id", &parts->webhook},
	    {"id", &parts->id},
	    {"channel_id", &parts->channel},
	    {"guild_id", &parts->guild},
	    {"member", &parts->member},
	};

	for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++) {
		if (payload_scan_key_is(key, wanted[i].name)) {
			*wanted[i].to = value;
			return;
		}
	}
}

static bool
take_apart(struct slice data, struct parts *parts)
{
	struct payload_scan scan;
	struct slice key;
	struct slice value;

	*parts = (struct parts){.id = {NULL, 0}};
	if (data.size > INCOMING_MAX_BYTES) {
		return false;
	}
	payload_scan_begin(&scan, data, PAYLOAD_SCAN_OBJECT);
	while (payload_scan_next(&scan, &key, &value)) {
		take_part(key, value, parts);
	}
	return scan.err == GW_OK;
}

static bool
is_word(struct slice value, const char *word)
{
	return slice_equal(value, slice_of(word));
}

/* There and not null. */
static bool
is_given(struct slice value)
{
	return value.size > 0 && !is_word(value, "null");
}

/* ---- who ---- */

static void
read_roles(struct slice array, struct incoming *out)
{
	struct payload_scan scan;
	struct slice key;
	struct slice value;

	out->role_count = 0;
	payload_scan_begin(&scan, array, PAYLOAD_SCAN_ARRAY);
	while (out->role_count < INCOMING_ROLES_MAX &&
	    payload_scan_next(&scan, &key, &value)) {
		if (message_id(value, &out->roles[out->role_count])) {
			out->role_count++;
		}
	}
}

static bool
copy_name(struct slice value, char out[INCOMING_NAME_ROOM])
{
	return payload_scan_text(value, out, INCOMING_NAME_ROOM) && out[0] != '\0';
}

/* False for bots, and where nobody is named. */
static bool
read_person(struct slice user, struct slice member, struct incoming *out)
{
	if (is_word(payload_scan_find(user, "bot"), "true") ||
	    !message_id(payload_scan_find(user, "id"), &out->user)) {
		return false;
	}
	if (!copy_name(payload_scan_find(member, "nick"), out->user_name) &&
	    !copy_name(payload_scan_find(user, "global_name"), out->user_name)) {
		(void)copy_name(payload_scan_find(user, "username"), out->user_name);
	}
	read_roles(payload_scan_find(member, "roles"), out);
	return true;
}

/* ---- what ---- */

static bool
is_blank(char byte)
{
	return byte == ' ' || byte == '\t' || byte == '\n' || byte == '\r';
}

static void
split(const char *text, struct incoming *out)
{
	size_t name = 0;

	while (text[name] != '\0' && !is_blank(text[name])) {
		name++;
	}
	out->name = (struct slice){text, name};
	text += name;
	while (is_blank(*text)) {
		text++;
	}
	size_t size = strlen(text);

	while (size > 0 && is_blank(text[size - 1])) {
		size--;
	}
	out->arguments = (struct slice){text, size};
}

/* Most messages are told apart by their first byte. */
static bool
read_command(struct slice content, const char *prefix, struct incoming *out)
{
	size_t size = strlen(prefix);

	if (content.size < 3 || size == 0 ||
	    (content.data[1] != prefix[0] && content.data[1] != '\\')) {
		return false;
	}
	if (!payload_scan_text(content, out->text, sizeof out->text) ||
	    strncmp(out->text, prefix, size) != 0) {
		return false;
	}
	split(out->text + size, out);
	return out->name.size > 0;
}

static void
clear(struct incoming *out)
{
	out->id = 0;
	out->guild = 0;
	out->channel = 0;
	out->user = 0;
	out->user_name[0] = '\0';
	out->role_count = 0;
	out->text[0] = '\0';
	out->name = (struct slice){out->text, 0};
	out->arguments = out->name;
}

bool
incoming_message(struct slice data, const char *prefix, struct incoming *out)
{
	struct parts parts;
	int64_t type = -1;

	clear(out);
	if (!take_apart(data, &parts) || is_given(parts.webhook) ||
	    !payload_scan_natural(parts.type, &type)) {
		return false;
	}
	if (type == TYPE_JOINED) {
		out->kind = INCOMING_JOINED;
	} else if ((type == TYPE_DEFAULT || type == TYPE_REPLY) &&
	    read_command(parts.content, prefix, out)) {
		out->kind = INCOMING_COMMAND;
	} else {
		return false;
	}
	(void)message_id(parts.guild, &out->guild);
	return message_id(parts.id, &out->id) &&
	    message_id(parts.channel, &out->channel) &&
	    read_person(parts.author, parts.member, out);
}

bool
incoming_member(struct slice data, struct incoming *out)
{
	clear(out);
	out->kind = INCOMING_JOINED;
	return data.size <= INCOMING_MAX_BYTES &&
	    message_id(payload_scan_find(data, "guild_id"), &out->guild) &&
	    read_person(payload_scan_find(data, "user"), data, out);
}

struct bot_request
incoming_request(const struct incoming *incoming)
{
	return (struct bot_request){
	    .way = BOT_BY_MESSAGE,
	    .name = incoming->name,
	    .arguments = incoming->arguments,
	    .user = incoming->user,
	    .user_name = slice_of(incoming->user_name),
	    .guild = incoming->guild,
	    .channel = incoming->channel,
	    .message = incoming->id,
	    .roles = incoming->roles,
	    .role_count = incoming->role_count,
	    .members = -1,
	};
}

int64_t
incoming_made_ms(uint64_t id)
{
	return (int64_t)(id >> 22U) + DISCORD_EPOCH_MS;
}

bool
incoming_is_new(struct incoming_seen *seen, uint64_t key, mono_ns now, mono_ns within)
{
	for (size_t i = 0; i < INCOMING_SEEN_MAX; i++) {
		if (seen->at[i].key == key && now - seen->at[i].at < within) {
			return false;
		}
	}
	seen->at[seen->next].key = key;
	seen->at[seen->next].at = now;
	seen->next = (seen->next + 1) % INCOMING_SEEN_MAX;
	return true;
}
