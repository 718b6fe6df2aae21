/* A message as Discord writes it. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "world.h"

static void
put_time_or_null(struct jsonw *out, int64_t wall_ms)
{
	if (wall_ms == 0) {
		jsonw_raw(out, "null");
	} else {
		jsonw_time(out, wall_ms);
	}
}

static bool
mentions_bot(const char *content)
{
	char text[32];

	(void)snprintf(text, sizeof text, "<@%" PRIu64 ">", world_bot_id());
	return strstr(content, text) != NULL;
}

/* A webhook's own id in the place of a user: nothing else of it is real. */
static bool
is_foreign_webhook(const struct world_message *message)
{
	return message->webhook_id != 0 && message->webhook_id != world_bot_id();
}

static void
put_author(const struct world *world, struct jsonw *out,
    const struct world_message *message)
{
	if (is_foreign_webhook(message)) {
		jsonw_raw(out, "{\"username\":\"News 📰\",\"public_flags\":0,\"id\":");
		jsonw_id(out, message->webhook_id);
		jsonw_raw(out,
		    ",\"global_name\":null,\"discriminator\":\"0000\",\"clan\":null,"
		    "\"bot\":true,\"avatar\":null}");
		return;
	}
	world_put_user(world, out, message->author, false);
	if (message->other_bot && out->err == GW_OK) {
		out->buf.size--;
		jsonw_raw(out, ",\"bot\":true}");
	}
}

static void
put_user_with_id(const struct world *world, struct jsonw *out, uint64_t id)
{
	int user = 0;
	char text[24];

	(void)snprintf(text, sizeof text, "%" PRIu64, id);
	if (id == world_bot_id()) {
		world_put_user(world, out, WORLD_BOT, false);
	} else if (world_find_user(world, text, &user)) {
		world_put_user(world, out, user, false);
	}
}

/* With a list of whom it notifies; else the bot is found in the text. */
static void
put_mentions(const struct world *world, struct jsonw *out,
    const struct world_message *message)
{
	const struct world_mentions *mentions = message->mentions;

	jsonw_raw(out, ",\"mentions\":[");
	if (mentions) {
		for (int i = 0; i < mentions->user_count; i++) {
			jsonw_raw(out, i > 0 ? "," : "");
			put_user_with_id(world, out, mentions->users[i]);
		}
	} else if (mentions_bot(message->content)) {
		world_put_user(world, out, WORLD_BOT, false);
	}
	jsonw_raw(out, "],\"mention_roles\":[");
	for (int i = 0; mentions && i < mentions->role_count; i++) {
		jsonw_raw(out, i > 0 ? "," : "");
		jsonw_id(out, mentions->roles[i]);
	}
	jsonw_fmt(out, "],\"mention_everyone\":%s",
	    mentions && mentions->everyone ? "true" : "false");
}

static void
put_reference(const struct world *world, struct jsonw *out,
    const struct world_message *message, bool content)
{
	if (message->reply_to_id == 0) {
		return;
	}
	jsonw_raw(out, ",\"message_reference\":{\"type\":0,\"message_id\":");
	jsonw_id(out, message->reply_to_id);
	jsonw_raw(out, ",\"guild_id\":");
	jsonw_id(out, world_guild_id(world_guild_of(message->channel_id)));
	jsonw_raw(out, ",\"channel_id\":");
	jsonw_id(out, message->channel_id);
	jsonw_raw(out, "},\"referenced_message\":");
	if (message->reply_to) {
		struct world_message target = *message->reply_to;

		/* Discord fills one level. */
		target.reply_to_id = 0;
		(void)world_put_message(world, out, &target, false, content);
	} else {
		jsonw_raw(out, "null");
	}
}

static void
put_origin(const struct world *world, struct jsonw *out,
    const struct world_message *message)
{
	if (message->webhook_id != 0) {
		jsonw_raw(out, ",\"webhook_id\":");
		jsonw_id(out, message->webhook_id);
	}
	if (message->interaction_id != 0) {
		jsonw_raw(out, ",\"application_id\":");
		jsonw_id(out, world_bot_id());
		jsonw_raw(out, ",\"interaction_metadata\":{\"id\":");
		jsonw_id(out, message->interaction_id);
		jsonw_raw(out, ",\"type\":2,\"user\":");
		world_put_user(world, out, message->invoker, false);
		jsonw_raw(out, ",\"authorizing_integration_owners\":{\"0\":");
		jsonw_id(out, world_guild_id(world_guild_of(message->channel_id)));
		jsonw_raw(out, "}}");
	}
}

/* What only dispatches have; what one person sees tells of no guild. */
static void
put_dispatched(const struct world *world, struct jsonw *out,
    const struct world_message *message)
{
	uint64_t guild = world_guild_of(message->channel_id);

	jsonw_fmt(out, ",\"channel_type\":%d", world_channel_type(message->channel_id));
	if (message->flags & WORLD_FLAG_EPHEMERAL) {
		return;
	}
	if (!is_foreign_webhook(message)) {
		jsonw_raw(out, ",\"member\":{");
		world_put_member_fields(world, out, guild, message->author,
		    &message->roles);
		jsonw_raw(out, "}");
	}
	jsonw_raw(out, ",\"guild_id\":");
	jsonw_id(out, world_guild_id(guild));
}

size_t
world_put_message(const struct world *world, struct jsonw *out,
    const struct world_message *message, bool gateway, bool content)
{
	bool concerns = message->author == WORLD_BOT || mentions_bot(message->content);
	int type = message->type == 0 && message->reply_to_id ? WORLD_TYPE_REPLY :
								message->type;

	jsonw_fmt(out, "{\"type\":%d,\"tts\":false,\"timestamp\":", type);
	jsonw_time(out, message->at_ms);
	jsonw_fmt(out, ",\"pinned\":%s", message->pinned_ms ? "true" : "false");
	put_mentions(world, out, message);
	jsonw_raw(out, ",\"id\":");
	size_t id_at = out->buf.size + 1;

	jsonw_id(out, message->id);
	jsonw_fmt(out, ",\"flags\":%u,\"embeds\":", message->flags);
	jsonw_raw(out,
	    message->embeds && (content || concerns) ? message->embeds : "[]");
	jsonw_raw(out, ",\"edited_timestamp\":");
	put_time_or_null(out, message->edited_ms);
	jsonw_raw(out, ",\"content\":");
	jsonw_string(out, slice_of(content || concerns ? message->content : ""),
	    message->id & 1);
	jsonw_raw(out, ",\"components\":[],\"channel_id\":");
	jsonw_id(out, message->channel_id);
	jsonw_raw(out, ",\"author\":");
	put_author(world, out, message);
	jsonw_raw(out, ",\"attachments\":[]");
	if (message->nonce) {
		jsonw_raw(out, ",\"nonce\":");
		jsonw_raw(out, message->nonce);
	}
	put_origin(world, out, message);
	put_reference(world, out, message, content);
	if (gateway) {
		put_dispatched(world, out, message);
	}
	jsonw_raw(out, "}");
	return id_at;
}
