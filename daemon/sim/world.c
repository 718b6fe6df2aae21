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
#define GUILD_MS  UINT64_C(193000000000)
#define USER_MS   UINT64_C(161000000000)
#define USER_STEP UINT64_C(86400123)
#define BOT_MS    UINT64_C(240000000000)
#define USER_MASK UINT64_C(0xFFF)

static const char *const first_names[] = {"Mara", "Jörg", "Zoë", "Łukasz", "Ирина",
    "さくら", "Chloé", "Mehmet", "Γιάννης", "小明", "Óscar", "Ångström", "नेहा",
    "Fatima", "Đorđe", "Noor", "🦊 Fuchs", "Tom \"T\"", "back\\slash", "q̈uïnn"};

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

uint64_t
world_trait(const struct world *world, uint64_t thing, uint64_t which)
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
world_old_id(struct world *world, int64_t wall_ms)
{
	return (uint64_t)(wall_ms - DISCORD_EPOCH_MS) << ID_SHIFT |
	    (++world->old_ids & WORLD_LOW_MASK);
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

uint64_t
world_guild_of(uint64_t channel_id)
{
	return (channel_id >> ID_SHIFT) - GUILD_MS;
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
	return (id & WORLD_LOW_MASK) == 0 && find_owner(world, id, guild);
}

bool
world_find_channel(const struct world *world, uint64_t id, uint64_t *guild)
{
	uint64_t number = id & WORLD_LOW_MASK;

	return ((number >= 1 && number <= WORLD_CHANNELS) || world_is_thread(id)) &&
	    find_owner(world, id, guild);
}

uint64_t
world_main_channel(uint64_t guild)
{
	return world_guild_id(guild) | WORLD_MAIN_NUMBER;
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
	uint64_t look = world_trait(world, id, 1);
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
		    world_trait(world, id, 2));
	} else {
		jsonw_raw(out, "\"avatar\":null}");
	}
}

uint64_t
world_role_id(uint64_t guild, uint64_t role)
{
	return world_guild_id(guild) | (32 + role);
}

int
world_owner(const struct world *world, uint64_t guild)
{
	return (int)(world_trait(world, world_guild_id(guild), 4) % WORLD_USERS);
}

static void
put_roles(struct jsonw *out, uint64_t guild, uint64_t look,
    const struct world_roles *roles)
{
	if (roles && roles->given) {
		for (int i = 0; i < roles->count; i++) {
			jsonw_raw(out, i > 0 ? "," : "");
			jsonw_id(out, roles->ids[i]);
		}
		return;
	}
	if (look & 1) {
		jsonw_id(out, world_role_id(guild, 0));
		jsonw_raw(out, ",");
	}
	jsonw_id(out, world_role_id(guild, 1 + look % 3));
}

void
world_put_member_fields(const struct world *world, struct jsonw *out, uint64_t guild,
    int user, const struct world_roles *roles)
{
	uint64_t look = world_trait(world, world_user_id(user) ^ guild, 3);

	jsonw_raw(out, "\"roles\":[");
	put_roles(out, guild, look, roles);
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
}

void
world_put_member(const struct world *world, struct jsonw *out, uint64_t guild, int user,
    bool with_user)
{
	jsonw_raw(out, "{");
	world_put_member_fields(world, out, guild, user, NULL);
	if (with_user) {
		jsonw_raw(out, ",\"user\":");
		world_put_user(world, out, user, false);
	}
	jsonw_raw(out, "}");
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
