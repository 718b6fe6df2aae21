/* What happens in the world. */
#include <inttypes.h>
#include <string.h>

#include "clock.h"
#include "world.h"

#define COUNT_OF(array) (sizeof(array) / sizeof(array)[0])

/* "name:id" of a custom emoji, or a Unicode one. */
static void
put_emoji(struct jsonw *out, const char *emoji)
{
	const char *colon = strchr(emoji, ':');

	jsonw_raw(out, "{\"name\":");
	if (colon && colon != emoji) {
		jsonw_string(out, (struct slice){emoji, (size_t)(colon - emoji)},
		    false);
		jsonw_raw(out, ",\"id\":");
		jsonw_string(out, slice_of(colon + 1), false);
	} else {
		jsonw_string(out, slice_of(emoji), false);
		jsonw_raw(out, ",\"id\":null");
	}
	jsonw_raw(out, "}");
}

struct event *
world_reaction(const struct world *world, const char *name, uint64_t channel_id,
    uint64_t message_id, int user, const char *emoji)
{
	struct jsonw out;
	uint64_t guild = world_guild_of(channel_id);
	bool add = strcmp(name, "MESSAGE_REACTION_ADD") == 0;

	jsonw_init(&out, EVENT_MAX_BYTES);
	jsonw_raw(&out, "{\"user_id\":");
	jsonw_id(&out, world_user_id(user));
	jsonw_raw(&out, ",\"type\":0,\"message_id\":");
	size_t id_at = out.buf.size + 1;

	jsonw_id(&out, message_id);
	if (add) {
		jsonw_raw(&out, ",\"message_author_id\":");
		jsonw_id(&out, world_user_id((int)(message_id % WORLD_USERS)));
		jsonw_raw(&out, ",\"member\":");
		world_put_member(world, &out, guild, user, true);
	}
	jsonw_raw(&out, ",\"emoji\":");
	put_emoji(&out, emoji);
	jsonw_raw(&out, ",\"channel_id\":");
	jsonw_id(&out, channel_id);
	jsonw_raw(&out, ",\"burst\":false,\"guild_id\":");
	jsonw_id(&out, world_guild_id(guild));
	jsonw_raw(&out, "}");
	return event_take(name, &out, id_at);
}

struct event *
world_member_add(const struct world *world, uint64_t guild, int user,
    const struct world_roles *roles)
{
	struct jsonw out;

	jsonw_init(&out, EVENT_MAX_BYTES);
	jsonw_raw(&out, "{\"guild_id\":");
	jsonw_id(&out, world_guild_id(guild));
	jsonw_raw(&out, ",");
	world_put_member_fields(world, &out, guild, user, roles);
	jsonw_raw(&out, ",\"user\":");
	world_put_user(world, &out, user, false);
	jsonw_raw(&out, "}");
	return event_take("GUILD_MEMBER_ADD", &out, 0);
}

struct event *
world_typing(const struct world *world, uint64_t channel_id, int user, int64_t at_ms)
{
	struct jsonw out;
	uint64_t guild = world_guild_of(channel_id);

	jsonw_init(&out, EVENT_MAX_BYTES);
	jsonw_raw(&out, "{\"user_id\":");
	jsonw_id(&out, world_user_id(user));
	jsonw_fmt(&out, ",\"timestamp\":%" PRId64 ",\"member\":", at_ms / 1000);
	world_put_member(world, &out, guild, user, true);
	jsonw_raw(&out, ",\"channel_id\":");
	jsonw_id(&out, channel_id);
	jsonw_raw(&out, ",\"guild_id\":");
	jsonw_id(&out, world_guild_id(guild));
	jsonw_raw(&out, "}");
	return event_take("TYPING_START", &out, 0);
}

struct event *
world_presence(const struct world *world, struct world_rng *rng, uint64_t guild,
    int user)
{
	static const char *const states[] = {"online", "idle", "dnd", "offline"};
	struct jsonw out;
	const char *state = states[world_random_below(rng, COUNT_OF(states))];
	int64_t now_ms = clock_wall_ms();
	char details[160];

	world_sentence(rng, details, sizeof details);
	jsonw_init(&out, EVENT_MAX_BYTES);
	jsonw_raw(&out, "{\"user\":");
	world_put_user(world, &out, user, false);
	jsonw_fmt(&out, ",\"status\":\"%s\",\"processed_at_timestamp\":%" PRId64, state,
	    now_ms);
	jsonw_raw(&out, ",\"guild_id\":");
	jsonw_id(&out, world_guild_id(guild));
	jsonw_fmt(&out,
	    ",\"client_status\":{\"desktop\":\"%s\",\"mobile\":\"online\"},"
	    "\"broadcast\":null,\"activities\":[",
	    state);
	jsonw_fmt(&out,
	    "{\"type\":2,\"timestamps\":{\"start\":%" PRId64 ",\"end\":%" PRId64
	    "},\"sync_id\":\"%016" PRIx64 "\",",
	    now_ms - 60000, now_ms + 120000, world_random(rng));
	jsonw_raw(&out,
	    "\"state\":\"Björk; Sigur Rós\",\"session_id\":\"gwsim\",\"party\":"
	    "{\"id\":\"spotify:161000000000000000\"},\"name\":\"Spotify\","
	    "\"id\":\"spotify:1\",\"flags\":48,\"details\":");
	jsonw_string(&out, slice_of(details), false);
	jsonw_fmt(&out,
	    ",\"created_at\":%" PRId64 ",\"assets\":{\"large_text\":\"Homogenic\","
	    "\"large_image\":\"spotify:ab67616d0000b273\"}}]}",
	    now_ms);
	return event_take("PRESENCE_UPDATE", &out, 0);
}

struct event *
world_thread_update(const struct world *world, uint64_t thread_id)
{
	struct jsonw out;

	jsonw_init(&out, EVENT_MAX_BYTES);
	world_put_channel(world, &out, thread_id);
	return event_take("THREAD_UPDATE", &out, 0);
}

struct event *
world_channel_update(const struct world *world, uint64_t channel_id)
{
	struct jsonw out;
	uint64_t guild = 0;

	if (!world_find_channel(world, channel_id, &guild)) {
		return NULL;
	}
	jsonw_init(&out, EVENT_MAX_BYTES);
	world_put_channel(world, &out, channel_id);
	return event_take("CHANNEL_UPDATE", &out, 0);
}
