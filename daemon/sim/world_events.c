/* What happens in the world, and what a guild looks like. */
#include <inttypes.h>
#include <string.h>

#include "clock.h"
#include "world.h"

#define COUNT_OF(array) (sizeof(array) / sizeof(array)[0])

static const char *const guild_names[] = {"Werkstatt 🔧", "Les Échecs ♟️",
    "Night \"Owls\"", "ゲーム部", "C:\\retro\\club", "Café Ω", "Kraków Go",
    "<b>bold</b> & co", "tab\there", "👩‍👩‍👧‍👦 family"};

static const char *
channel_name(uint64_t number)
{
	static const char *const names[WORLD_CHANNELS] = {"Texte", "allgemein",
	    "bücher-📚", "dev", "off-topic", "Sprechzimmer", "ankündigungen"};

	return names[number - 1];
}

int
world_channel_type(uint64_t channel_id)
{
	static const int types[WORLD_CHANNELS] = {4, 0, 0, 0, 0, 2, 5};

	return types[(channel_id & WORLD_LOW_MASK) - 1];
}

static void
put_channel(struct jsonw *out, uint64_t guild, uint64_t number)
{
	int type = world_channel_type(number);

	jsonw_fmt(out, "{\"version\":17,\"type\":%d,", type);
	if (type == 2) {
		jsonw_raw(out,
		    "\"user_limit\":0,\"rtc_region\":null,\"bitrate\":64000,");
	} else if (type != 4) {
		jsonw_raw(out,
		    "\"topic\":\"all about \\\"it\\\" \\ud83d\\ude80\","
		    "\"last_message_id\":null,\"icon_emoji\":{\"name\":\"📚\","
		    "\"id\":null},\"theme_color\":null,");
	}
	jsonw_fmt(out,
	    "\"rate_limit_per_user\":0,\"position\":%" PRIu64
	    ",\"permission_overwrites\":[],\"parent_id\":",
	    number - 1);
	if (type == 4) {
		jsonw_raw(out, "null");
	} else {
		jsonw_id(out, world_guild_id(guild) | 1);
	}
	jsonw_raw(out, ",\"nsfw\":false,\"name\":");
	jsonw_string(out, slice_of(channel_name(number)), false);
	jsonw_raw(out, ",\"id\":");
	jsonw_id(out, world_guild_id(guild) | number);
	jsonw_raw(out, ",\"flags\":0");
}

void
world_put_channel(const struct world *world, struct jsonw *out, uint64_t channel_id)
{
	uint64_t guild = world_guild_of(channel_id);

	(void)world;
	put_channel(out, guild, channel_id & WORLD_LOW_MASK);
	jsonw_raw(out, ",\"guild_id\":");
	jsonw_id(out, world_guild_id(guild));
	jsonw_raw(out, "}");
}

static void
put_role(struct jsonw *out, uint64_t id, int position, const char *name)
{
	/* Only the last one may do everything. */
	const char *permissions =
	    position == WORLD_ROLE_ADMIN + 1 ? "8" : "2248473465835073";

	jsonw_fmt(out,
	    "{\"version\":3,\"unicode_emoji\":null,\"tags\":{},\"position\":%d,"
	    "\"permissions\":\"%s\",\"name\":",
	    position, permissions);
	jsonw_string(out, slice_of(name), false);
	jsonw_raw(out, ",\"mentionable\":false,\"managed\":false,\"id\":");
	jsonw_id(out, id);
	jsonw_raw(out,
	    ",\"icon\":null,\"hoist\":false,\"flags\":0,\"colors\":{"
	    "\"primary_color\":3447003,\"secondary_color\":null,"
	    "\"tertiary_color\":null},\"color\":3447003}");
}

void
world_put_roles(struct jsonw *out, uint64_t guild)
{
	static const char *const names[WORLD_ROLES] = {"Mod ⚔️", "Bücherwurm",
	    "\"Gast\"", "bots", "Leitung"};

	jsonw_raw(out, "[");
	put_role(out, world_guild_id(guild), 0, "@everyone");
	for (size_t i = 0; i < WORLD_ROLES; i++) {
		jsonw_raw(out, ",");
		put_role(out, world_role_id(guild, i), (int)i + 1, names[i]);
	}
	jsonw_raw(out, "]");
}

static void
put_guild_lists(struct jsonw *out, uint64_t guild)
{
	jsonw_raw(out, ",\"roles\":");
	world_put_roles(out, guild);
	jsonw_raw(out, ",\"channels\":[");
	for (uint64_t number = 1; number <= WORLD_CHANNELS; number++) {
		jsonw_raw(out, number > 1 ? "," : "");
		put_channel(out, guild, number);
		jsonw_raw(out, "}");
	}
	jsonw_raw(out,
	    "],\"threads\":[],\"emojis\":[],\"stickers\":[],\"voice_states\":[],"
	    "\"soundboard_sounds\":[],\"guild_scheduled_events\":[],"
	    "\"stage_instances\":[],\"embedded_activities\":[],"
	    "\"presences\":[],\"features\":[\"COMMUNITY\",\"NEWS\"]");
}

struct event *
world_guild_create(const struct world *world, uint64_t guild, uint32_t intents,
    uint64_t bytes)
{
	struct jsonw out;
	uint64_t id = world_guild_id(guild);
	uint64_t look = world_trait(world, id, 4);
	int members = (intents & INTENT_PRESENCES) != 0 ? 20 : 3;

	jsonw_init(&out, EVENT_MAX_BYTES);
	jsonw_raw(&out, "{\"unavailable\":false,\"id\":");
	jsonw_id(&out, id);
	jsonw_raw(&out, ",\"name\":");
	jsonw_string(&out, slice_of(guild_names[look % COUNT_OF(guild_names)]),
	    look & 0x10000);
	jsonw_raw(&out, ",\"owner_id\":");
	jsonw_id(&out, world_user_id(world_owner(world, guild)));
	jsonw_fmt(&out,
	    ",\"member_count\":%d,\"large\":true,\"joined_at\":", WORLD_USERS + 1);
	jsonw_time(&out, INT64_C(1700000000000) + (int64_t)(look >> 40));
	jsonw_raw(&out,
	    ",\"verification_level\":1,\"vanity_url_code\":null,\"version\":1700000000,"
	    "\"system_channel_id\":null,\"system_channel_flags\":0,\"splash\":null,"
	    "\"rules_channel_id\":null,\"region\":\"rotterdam\",\"public_updates_"
	    "channel_id\":null,\"premium_tier\":0,\"premium_subscription_count\":2,"
	    "\"premium_progress_bar_enabled\":false,\"preferred_locale\":\"de\","
	    "\"nsfw_level\":0,\"nsfw\":false,\"mfa_level\":0,\"max_video_channel_"
	    "users\":"
	    "25,\"max_members\":500000,\"lazy\":true,\"icon\":null,\"home_header\":"
	    "null,"
	    "\"explicit_content_filter\":2,\"discovery_splash\":null,\"description\":"
	    "null,"
	    "\"default_message_notifications\":1,\"banner\":null,\"application_id\":"
	    "null,"
	    "\"afk_timeout\":300,\"afk_channel_id\":null");
	put_guild_lists(&out, guild);
	jsonw_raw(&out, ",\"members\":[");
	world_put_member(world, &out, guild, WORLD_BOT, true);
	for (int i = 0; i < members || out.buf.size + 2 < bytes; i++) {
		if (out.err != GW_OK) {
			break;
		}
		jsonw_raw(&out, ",");
		world_put_member(world, &out, guild,
		    (int)((look + (uint64_t)i) % WORLD_USERS), true);
	}
	jsonw_raw(&out, "]}");
	return event_take("GUILD_CREATE", &out, 0);
}

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
