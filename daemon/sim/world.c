#include "world.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "clock.h"

/* A snowflake is milliseconds since this instant, shifted by 22 bits. */
#define DISCORD_EPOCH_MS INT64_C(1420070400000)
#define ID_SHIFT         22

/* Instants (ms since Discord's epoch) of the first guild, the users and the bot.  The
 * guilds follow each other by 1 ms, so that they spread evenly over any shard count. */
#define GUILD_MS   UINT64_C(193000000000)
#define USER_MS    UINT64_C(161000000000)
#define USER_STEP  UINT64_C(86400123)
#define BOT_MS     UINT64_C(240000000000)
#define LOW_MASK   ((UINT64_C(1) << ID_SHIFT) - 1)
#define USER_MASK  UINT64_C(0xFFF)
#define CHANNELS   7
#define TEXT_FIRST 2
#define TEXT_COUNT 4

static const char *const first_names[] = {"Mara", "Jörg", "Zoë", "Łukasz", "Ирина",
    "さくら", "Chloé", "Mehmet", "Γιάννης", "小明", "Óscar", "Ångström", "नेहा",
    "Fatima", "Đorđe", "Noor", "🦊 Fuchs", "Tom \"T\"", "back\\slash", "q̈uïnn"};

static const char *const guild_names[] = {"Werkstatt 🔧", "Les Échecs ♟️",
    "Night \"Owls\"", "ゲーム部", "C:\\retro\\club", "Café Ω", "Kraków Go",
    "<b>bold</b> & co", "tab\there", "👩‍👩‍👧‍👦 family"};

static const char *const words[] = {"the", "server", "läuft", "wieder", "gut", "see",
    "build", "42", "naïve", "résumé", "tomorrow", "👍", "ok", "maybe", "\"quoted\"",
    "back\\slash", "line\nbreak", "日本語", "release", "graph", "latency", "пора",
    "домой", "coffee ☕", "and", "then", "we", "found", "it", "again", "`code`",
    "https://example.org/?a=1&b=2", "😀😃", "ffi", "über", "ñandú", "tab\tbed", "end.",
    "question?", "🏳️‍🌈"};

#define COUNT_OF(array) (sizeof(array) / sizeof(array)[0])

uint64_t
world_random(struct world_rng *rng)
{
	/* splitmix64 by Sebastiano Vigna, public domain. */
	rng->state += UINT64_C(0x9E3779B97F4A7C15);
	uint64_t z = rng->state;

	z = (z ^ z >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
	z = (z ^ z >> 27) * UINT64_C(0x94D049BB133111EB);
	return z ^ z >> 31;
}

uint64_t
world_random_below(struct world_rng *rng, uint64_t bound)
{
	return world_random(rng) % bound;
}

/* A number that is always the same for a thing of this world. */
static uint64_t
trait(const struct world *world, uint64_t thing, uint64_t which)
{
	struct world_rng rng = {
	    world->seed ^ thing * UINT64_C(0xD1342543DE82EF95) ^ which << 56};

	return world_random(&rng);
}

uint64_t
world_new_id(struct world *world)
{
	uint64_t id = (uint64_t)(clock_wall_ms() - DISCORD_EPOCH_MS) << ID_SHIFT;

	world->last_id = id > world->last_id ? id : world->last_id + 1;
	return world->last_id;
}

uint64_t
world_bot_id(void)
{
	return BOT_MS << ID_SHIFT;
}

uint64_t
world_user_id(int user)
{
	if (user == WORLD_BOT) {
		return world_bot_id();
	}
	uint64_t index = (uint64_t)user;

	return (USER_MS + index * USER_STEP) << ID_SHIFT | index;
}

uint64_t
world_guild_id(uint64_t guild)
{
	return (GUILD_MS + guild) << ID_SHIFT;
}

static bool
find_owner(const struct world *world, uint64_t id, uint64_t *guild)
{
	uint64_t ms = id >> ID_SHIFT;

	if (ms < GUILD_MS || ms - GUILD_MS >= world->guilds) {
		return false;
	}
	*guild = ms - GUILD_MS;
	return true;
}

bool
world_find_guild(const struct world *world, uint64_t id, uint64_t *guild)
{
	return (id & LOW_MASK) == 0 && find_owner(world, id, guild);
}

bool
world_find_channel(const struct world *world, uint64_t id, uint64_t *guild)
{
	uint64_t number = id & LOW_MASK;

	return number >= 1 && number <= CHANNELS && find_owner(world, id, guild);
}

uint64_t
world_main_channel(uint64_t guild)
{
	return world_guild_id(guild) | TEXT_FIRST;
}

uint64_t
world_shard_of(uint64_t guild, uint64_t shard_count)
{
	return (GUILD_MS + guild) % shard_count;
}

/* The first guild on the shard. */
static uint64_t
shard_first(const struct world_view *view)
{
	uint64_t base = GUILD_MS % view->shard_count;

	return (view->shard + view->shard_count - base) % view->shard_count;
}

uint64_t
world_shard_guilds(const struct world *world, const struct world_view *view)
{
	uint64_t first = shard_first(view);

	if (first >= world->guilds) {
		return 0;
	}
	return (world->guilds - first - 1) / view->shard_count + 1;
}

uint64_t
world_shard_guild(const struct world_view *view, uint64_t nth)
{
	return shard_first(view) + nth * view->shard_count;
}

static void
user_name(int user, char *out, size_t room)
{
	(void)snprintf(out, room, "%s%d", user % 3 == 0 ? "quiet.fox" : "moss_", user);
}

bool
world_find_user(const struct world *world, const char *text, int *user)
{
	(void)world;
	char *end = NULL;
	uint64_t id = strtoull(text, &end, 10);

	for (int i = 0; i < WORLD_USERS; i++) {
		char name[32];

		user_name(i, name, sizeof name);
		if (strcasecmp(name, text) == 0 ||
		    (*end == '\0' && world_user_id(i) == id)) {
			*user = i;
			return true;
		}
	}
	return false;
}

static void
put_bot(struct jsonw *out, bool full)
{
	jsonw_raw(out,
	    "{\"username\":\"gwsim\",\"public_flags\":0,\"primary_guild\":null,"
	    "\"id\":");
	jsonw_id(out, world_bot_id());
	jsonw_raw(out,
	    ",\"global_name\":null,\"display_name_styles\":null,"
	    "\"discriminator\":\"0042\",\"collectibles\":null,\"bot\":true,"
	    "\"avatar_decoration_data\":null,\"avatar\":null");
	if (full) {
		jsonw_raw(out,
		    ",\"verified\":true,\"mfa_enabled\":true,\"flags\":0,"
		    "\"email\":null,\"clan\":null,\"locale\":\"en-US\","
		    "\"bio\":\"\",\"accent_color\":null,\"banner\":null");
	}
	jsonw_raw(out, "}");
}

void
world_put_user(const struct world *world, struct jsonw *out, int user, bool full)
{
	if (user == WORLD_BOT) {
		put_bot(out, full);
		return;
	}
	uint64_t id = world_user_id(user);
	uint64_t look = trait(world, id, 1);
	const char *name = first_names[look % COUNT_OF(first_names)];
	char login[32];

	user_name(user, login, sizeof login);
	jsonw_fmt(out,
	    "{\"username\":\"%s\",\"public_flags\":%u,\"primary_guild\":null,", login,
	    look & 0x40 ? 4194304U : 0U);
	jsonw_raw(out, "\"id\":");
	jsonw_id(out, id);
	jsonw_raw(out, ",\"global_name\":");
	/* Some servers escape what others send as UTF-8: both must be understood. */
	jsonw_string(out, slice_of(name), look & 0x100);
	jsonw_raw(out, ",\"display_name_styles\":null,\"discriminator\":\"0\",");
	jsonw_raw(out, "\"collectibles\":null,\"avatar_decoration_data\":null,");
	if (look & 0x200) {
		jsonw_fmt(out, "\"avatar\":\"%016" PRIx64 "%016" PRIx64 "\"}", look,
		    trait(world, id, 2));
	} else {
		jsonw_raw(out, "\"avatar\":null}");
	}
}

static uint64_t
role_id(uint64_t guild, uint64_t role)
{
	return world_guild_id(guild) | (32 + role);
}

void
world_put_member(const struct world *world, struct jsonw *out, uint64_t guild, int user,
    bool with_user)
{
	uint64_t look = trait(world, world_user_id(user) ^ guild, 3);

	jsonw_raw(out, "{\"roles\":[");
	if (look & 1) {
		jsonw_id(out, role_id(guild, 0));
		jsonw_raw(out, ",");
	}
	jsonw_id(out, role_id(guild, 1 + look % 3));
	jsonw_raw(out, "],\"premium_since\":null,\"pending\":false,\"nick\":");
	if (look & 8) {
		jsonw_string(out,
		    slice_of(first_names[(look >> 8) % COUNT_OF(first_names)]), false);
	} else {
		jsonw_raw(out, "null");
	}
	jsonw_raw(out, ",\"mute\":false,\"joined_at\":");
	jsonw_time(out, INT64_C(1577836800000) + (int64_t)(look >> 32) * 40);
	jsonw_raw(out,
	    ",\"flags\":0,\"deaf\":false,\"communication_disabled_until\":null,"
	    "\"banner\":null,\"avatar\":null");
	if (with_user) {
		jsonw_raw(out, ",\"user\":");
		world_put_user(world, out, user, false);
	}
	jsonw_raw(out, "}");
}

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

static void
put_reference(const struct world *world, struct jsonw *out,
    const struct world_message *message, bool content)
{
	if (message->reply_to_id == 0) {
		return;
	}
	jsonw_raw(out, ",\"message_reference\":{\"type\":0,\"message_id\":");
	jsonw_id(out, message->reply_to_id);
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

size_t
world_put_message(const struct world *world, struct jsonw *out,
    const struct world_message *message, bool gateway, bool content)
{
	bool concerns = message->author == WORLD_BOT || mentions_bot(message->content);
	uint64_t guild = (message->channel_id >> ID_SHIFT) - GUILD_MS;

	jsonw_fmt(out,
	    "{\"type\":%d,\"tts\":false,\"timestamp\":", message->reply_to_id ? 19 : 0);
	jsonw_time(out, message->at_ms);
	jsonw_raw(out, ",\"pinned\":false,\"mentions\":[");
	if (mentions_bot(message->content)) {
		world_put_user(world, out, WORLD_BOT, false);
	}
	jsonw_raw(out, "],\"mention_roles\":[],\"mention_everyone\":false,\"id\":");
	size_t id_at = out->buf.size + 1;

	jsonw_id(out, message->id);
	jsonw_raw(out, ",\"flags\":0,\"embeds\":[],\"edited_timestamp\":");
	put_time_or_null(out, message->edited_ms);
	jsonw_raw(out, ",\"content\":");
	jsonw_string(out, slice_of(content || concerns ? message->content : ""),
	    message->id & 1);
	jsonw_raw(out, ",\"components\":[],\"channel_id\":");
	jsonw_id(out, message->channel_id);
	jsonw_raw(out, ",\"author\":");
	world_put_user(world, out, message->author, false);
	jsonw_raw(out, ",\"attachments\":[]");
	if (message->nonce) {
		jsonw_raw(out, ",\"nonce\":");
		jsonw_raw(out, message->nonce);
	}
	put_reference(world, out, message, content);
	if (gateway) {
		jsonw_raw(out, ",\"channel_type\":0,\"member\":");
		world_put_member(world, out, guild, message->author, false);
		jsonw_raw(out, ",\"guild_id\":");
		jsonw_id(out, world_guild_id(guild));
	}
	jsonw_raw(out, "}");
	return id_at;
}

static const char *
channel_name(uint64_t number)
{
	static const char *const names[CHANNELS] = {"Texte", "allgemein", "bücher-📚",
	    "dev", "off-topic", "Sprechzimmer", "ankündigungen"};

	return names[number - 1];
}

static void
put_channel(struct jsonw *out, uint64_t guild, uint64_t number)
{
	static const int types[CHANNELS] = {4, 0, 0, 0, 0, 2, 5};
	int type = types[number - 1];

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

static void
put_role(struct jsonw *out, uint64_t id, int position, const char *name)
{
	jsonw_fmt(out,
	    "{\"version\":3,\"unicode_emoji\":null,\"tags\":{},\"position\":%d,"
	    "\"permissions\":\"2248473465835073\",\"name\":",
	    position);
	jsonw_string(out, slice_of(name), false);
	jsonw_raw(out, ",\"mentionable\":false,\"managed\":false,\"id\":");
	jsonw_id(out, id);
	jsonw_raw(out,
	    ",\"icon\":null,\"hoist\":false,\"flags\":0,\"colors\":{"
	    "\"primary_color\":3447003,\"secondary_color\":null,"
	    "\"tertiary_color\":null},\"color\":3447003}");
}

static void
put_guild_lists(struct jsonw *out, uint64_t guild)
{
	static const char *const roles[] = {"Mod ⚔️", "Bücherwurm", "\"Gast\"",
	    "bots"};

	jsonw_raw(out, ",\"roles\":[");
	put_role(out, world_guild_id(guild), 0, "@everyone");
	for (size_t i = 0; i < COUNT_OF(roles); i++) {
		jsonw_raw(out, ",");
		put_role(out, role_id(guild, i), (int)i + 1, roles[i]);
	}
	jsonw_raw(out, "],\"channels\":[");
	for (uint64_t number = 1; number <= CHANNELS; number++) {
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
	uint64_t look = trait(world, id, 4);
	int members = intents & INTENT_PRESENCES ? 20 : 3;

	jsonw_init(&out, EVENT_MAX_BYTES);
	jsonw_raw(&out, "{\"unavailable\":false,\"id\":");
	jsonw_id(&out, id);
	jsonw_raw(&out, ",\"name\":");
	jsonw_string(&out, slice_of(guild_names[look % COUNT_OF(guild_names)]),
	    look & 0x10000);
	jsonw_raw(&out, ",\"owner_id\":");
	jsonw_id(&out, world_user_id((int)(look % WORLD_USERS)));
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

void
world_sentence(struct world_rng *rng, char *out, size_t room)
{
	size_t count = 6 + world_random_below(rng, 40);
	size_t size = 0;

	out[0] = '\0';
	for (size_t i = 0; i < count; i++) {
		const char *word = words[world_random_below(rng, COUNT_OF(words))];
		size_t need = strlen(word) + 1;

		if (size + need >= room) {
			return;
		}
		(void)snprintf(out + size, room - size, "%s ", word);
		size += need;
	}
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
	uint64_t guild = (channel_id >> ID_SHIFT) - GUILD_MS;
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
world_typing(const struct world *world, uint64_t channel_id, int user, int64_t at_ms)
{
	struct jsonw out;
	uint64_t guild = (channel_id >> ID_SHIFT) - GUILD_MS;

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
	put_channel(&out, guild, channel_id & LOW_MASK);
	jsonw_raw(&out, ",\"guild_id\":");
	jsonw_id(&out, world_guild_id(guild));
	jsonw_raw(&out, "}");
	return event_take("CHANNEL_UPDATE", &out, 0);
}
