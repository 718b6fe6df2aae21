/* What a guild looks like: its channels, threads and roles. */
#include <inttypes.h>

#include "threads.h"
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

static const struct {
	const char *name;
	uint64_t parent; /* a channel's number */
} thread_looks[WORLD_THREADS] = {{"Hilfe 🆘", 2}, {"build-log", 4}, {"Sommerfest", 2},
    {"alte Fragen", 2}, {"Regeln 🔒", 2}, {"Wahl", 4}};

bool
world_is_thread(uint64_t channel_id)
{
	uint64_t number = channel_id & WORLD_LOW_MASK;

	return number >= WORLD_THREAD_FIRST &&
	    number < WORLD_THREAD_FIRST + WORLD_THREADS;
}

uint64_t
world_thread_id(uint64_t guild, uint64_t nth)
{
	return world_guild_id(guild) | (WORLD_THREAD_FIRST + nth);
}

void
world_touch_thread(struct world *world, uint64_t channel_id, uint64_t message_id)
{
	if (world_is_thread(channel_id)) {
		struct thread_state state = threads_get(world->threads, channel_id);

		state.last_message_id = message_id;
		(void)threads_set(world->threads, &state);
	}
}

uint64_t
world_parent(uint64_t channel_id)
{
	if (!world_is_thread(channel_id)) {
		return channel_id;
	}
	uint64_t nth = (channel_id & WORLD_LOW_MASK) - WORLD_THREAD_FIRST;

	return world_guild_id(world_guild_of(channel_id)) | thread_looks[nth].parent;
}

int
world_channel_type(uint64_t channel_id)
{
	static const int types[WORLD_CHANNELS] = {4, 0, 0, 0, 0, 2, 5};

	return world_is_thread(channel_id) ? WORLD_TYPE_THREAD :
					     types[(channel_id & WORLD_LOW_MASK) - 1];
}

static void
put_id_or_null(struct jsonw *out, uint64_t id)
{
	if (id != 0) {
		jsonw_id(out, id);
	} else {
		jsonw_raw(out, "null");
	}
}

static void
put_channel(struct jsonw *out, uint64_t guild, uint64_t number, uint64_t last)
{
	int type = world_channel_type(number);

	jsonw_fmt(out, "{\"version\":17,\"type\":%d,", type);
	if (type == 2) {
		jsonw_raw(out,
		    "\"user_limit\":0,\"rtc_region\":null,\"bitrate\":64000,");
	} else if (type != 4) {
		jsonw_raw(out,
		    "\"topic\":\"all about \\\"it\\\" \\ud83d\\ude80\","
		    "\"last_message_id\":");
		put_id_or_null(out, last);
		jsonw_raw(out,
		    ",\"icon_emoji\":{\"name\":\"📚\",\"id\":null},"
		    "\"theme_color\":null,");
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

static void
put_thread(const struct world *world, struct jsonw *out, uint64_t id)
{
	struct thread_state state = threads_get(world->threads, id);
	uint64_t guild = world_guild_of(id);
	uint64_t nth = (id & WORLD_LOW_MASK) - WORLD_THREAD_FIRST;

	jsonw_fmt(out,
	    "{\"type\":%d,\"total_message_sent\":12,\"thread_metadata\":{\"locked\":%s,"
	    "\"create_timestamp\":\"2025-11-01T12:00:00.000000+00:00\","
	    "\"auto_archive_duration\":%d,\"archived\":%s,\"archive_timestamp\":",
	    WORLD_TYPE_THREAD, state.locked ? "true" : "false",
	    state.auto_archive_minutes, state.archived ? "true" : "false");
	jsonw_time(out, state.changed_ms);
	jsonw_raw(out, "},\"rate_limit_per_user\":0,\"parent_id\":");
	jsonw_id(out, world_parent(id));
	jsonw_raw(out, ",\"owner_id\":");
	jsonw_id(out, world_user_id((int)nth));
	jsonw_raw(out, ",\"name\":");
	jsonw_string(out, slice_of(thread_looks[nth].name), false);
	jsonw_raw(out, ",\"message_count\":12,\"member_count\":3,\"last_message_id\":");
	put_id_or_null(out, state.last_message_id);
	jsonw_raw(out, ",\"id\":");
	jsonw_id(out, id);
	jsonw_raw(out, ",\"guild_id\":");
	jsonw_id(out, world_guild_id(guild));
	jsonw_raw(out, ",\"flags\":0}");
}

void
world_put_channel(const struct world *world, struct jsonw *out, uint64_t channel_id)
{
	world_put_channel_last(world, out, channel_id, 0);
}

void
world_put_channel_last(const struct world *world, struct jsonw *out,
    uint64_t channel_id, uint64_t last_message_id)
{
	uint64_t guild = world_guild_of(channel_id);

	if (world_is_thread(channel_id)) {
		put_thread(world, out, channel_id);
		return;
	}
	put_channel(out, guild, channel_id & WORLD_LOW_MASK, last_message_id);
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

/* Only active ones are told of by themselves. */
static void
put_threads(const struct world *world, struct jsonw *out, uint64_t guild)
{
	bool more = false;

	for (uint64_t i = 0; i < WORLD_THREADS; i++) {
		uint64_t id = world_thread_id(guild, i);

		if (!threads_get(world->threads, id).archived) {
			jsonw_raw(out, more ? "," : "");
			put_thread(world, out, id);
			more = true;
		}
	}
}

void
world_put_channels(const struct world *world, struct jsonw *out, uint64_t guild)
{
	jsonw_raw(out, "[");
	for (uint64_t number = 1; number <= WORLD_CHANNELS; number++) {
		jsonw_raw(out, number > 1 ? "," : "");
		world_put_channel(world, out, world_guild_id(guild) | number);
	}
	jsonw_raw(out, "]");
}

static void
put_guild_lists(const struct world *world, struct jsonw *out, uint64_t guild)
{
	jsonw_raw(out, ",\"channels\":[");
	for (uint64_t number = 1; number <= WORLD_CHANNELS; number++) {
		jsonw_raw(out, number > 1 ? "," : "");
		put_channel(out, guild, number, 0);
		jsonw_raw(out, "}");
	}
	jsonw_raw(out, "],\"threads\":[");
	put_threads(world, out, guild);
	jsonw_raw(out,
	    "],\"voice_states\":[],"
	    "\"soundboard_sounds\":[],\"guild_scheduled_events\":[],"
	    "\"stage_instances\":[],\"embedded_activities\":[],"
	    "\"presences\":[]");
}

/* What is told of a guild in every way. */
static void
put_guild_fields(const struct world *world, struct jsonw *out, uint64_t guild)
{
	uint64_t id = world_guild_id(guild);
	uint64_t look = world_trait(world, id, 4);

	jsonw_raw(out, "\"id\":");
	jsonw_id(out, id);
	jsonw_raw(out, ",\"name\":");
	jsonw_string(out, slice_of(guild_names[look % COUNT_OF(guild_names)]),
	    look & 0x10000);
	jsonw_raw(out, ",\"owner_id\":");
	jsonw_id(out, world_user_id(world_owner(world, guild)));
	jsonw_raw(out,
	    ",\"verification_level\":1,\"vanity_url_code\":null,"
	    "\"system_channel_id\":null,\"system_channel_flags\":0,\"splash\":null,"
	    "\"rules_channel_id\":null,\"region\":\"rotterdam\","
	    "\"public_updates_channel_id\":null,\"premium_tier\":0,"
	    "\"premium_subscription_count\":2,\"premium_progress_bar_enabled\":false,"
	    "\"preferred_locale\":\"de\",\"nsfw_level\":0,\"nsfw\":false,"
	    "\"mfa_level\":0,\"max_video_channel_users\":25,\"max_members\":500000,"
	    "\"icon\":null,\"home_header\":null,\"explicit_content_filter\":2,"
	    "\"discovery_splash\":null,\"description\":null,"
	    "\"default_message_notifications\":1,\"banner\":null,"
	    "\"application_id\":null,\"afk_timeout\":300,\"afk_channel_id\":null,"
	    "\"emojis\":[],\"stickers\":[],\"features\":[\"COMMUNITY\",\"NEWS\"],"
	    "\"roles\":");
	world_put_roles(out, guild);
}

void
world_put_guild(const struct world *world, struct jsonw *out, uint64_t guild)
{
	jsonw_raw(out, "{");
	put_guild_fields(world, out, guild);
	jsonw_raw(out, "}");
}

struct event *
world_guild_create(const struct world *world, uint64_t guild, uint32_t intents,
    uint64_t bytes)
{
	struct jsonw out;
	uint64_t look = world_trait(world, world_guild_id(guild), 4);
	int members = (intents & INTENT_PRESENCES) != 0 ? 20 : 3;

	jsonw_init(&out, EVENT_MAX_BYTES);
	jsonw_raw(&out, "{\"unavailable\":false,");
	put_guild_fields(world, &out, guild);
	jsonw_fmt(&out,
	    ",\"version\":1700000000,\"lazy\":true,\"member_count\":%d,\"large\":true,"
	    "\"joined_at\":",
	    WORLD_USERS + 1);
	jsonw_time(&out, INT64_C(1700000000000) + (int64_t)(look >> 40));
	put_guild_lists(world, &out, guild);
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
