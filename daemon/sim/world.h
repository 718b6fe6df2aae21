/*
 * World: the guilds, channels and people that gwsim shows, and the JSON of each.
 *
 * Nothing of it is stored: ids carry the index of what they name, and everything else
 * follows from the seed and that index.
 */
#ifndef GWSIM_WORLD_H
#define GWSIM_WORLD_H

#include <stdbool.h>
#include <stdint.h>

#include "event.h"
#include "jsonw.h"

#define WORLD_USERS    200
#define WORLD_CHANNELS 7 /* of each guild */

/* The bits of a channel's id that tell its number in the guild. */
#define WORLD_LOW_MASK ((UINT64_C(1) << 22) - 1)

/* The author index of the bot itself. */
#define WORLD_BOT (-1)

/* Intents, as Discord numbers them. */
#define INTENT_GUILDS      (UINT32_C(1) << 0)
#define INTENT_MEMBERS     (UINT32_C(1) << 1)
#define INTENT_PRESENCES   (UINT32_C(1) << 8)
#define INTENT_MESSAGES    (UINT32_C(1) << 9)
#define INTENT_REACTIONS   (UINT32_C(1) << 10)
#define INTENT_TYPING      (UINT32_C(1) << 11)
#define INTENT_CONTENT     (UINT32_C(1) << 15)
#define INTENTS_ALL        UINT32_C(53608447)
#define INTENTS_PRIVILEGED (INTENT_MEMBERS | INTENT_PRESENCES | INTENT_CONTENT)

struct world {
	uint64_t seed;
	uint64_t guilds;
	uint64_t big_guild_bytes; /* of the first guild's GUILD_CREATE; 0: as others */
	uint64_t last_id;
};

/* A stream of pseudo-random numbers. */
struct world_rng {
	uint64_t state;
};

struct world_message {
	uint64_t id;
	uint64_t channel_id;
	int author; /* of the users, or WORLD_BOT */
	const char *content;
	const char *nonce; /* JSON text; NULL: none */
	int64_t at_ms;
	int64_t edited_ms; /* 0: never */
	const struct world_message
	    *reply_to;        /* NULL: no reply, or its target is gone */
	uint64_t reply_to_id; /* 0: no reply */
};

/* Who is to see an event. */
struct world_view {
	uint64_t shard;
	uint64_t shard_count;
	uint32_t intents;
};

uint64_t world_random(struct world_rng *rng);

/** A number in [0, bound); bound > 0. */
uint64_t world_random_below(struct world_rng *rng, uint64_t bound);

/** A snowflake of now, greater than all before; never of other length than 19 digits.
 */
uint64_t world_new_id(struct world *world);

uint64_t world_bot_id(void);
uint64_t world_user_id(int user);
uint64_t world_guild_id(uint64_t guild);

/** The guild with this id; false: no such. */
bool world_find_guild(const struct world *world, uint64_t id, uint64_t *guild);

/** The guild of the channel with this id; false: no such channel. */
bool world_find_channel(const struct world *world, uint64_t id, uint64_t *guild);

/** The guild of a channel that is known to exist. */
uint64_t world_guild_of(uint64_t channel_id);

/** A role of a guild, 0 to 3. */
uint64_t world_role_id(uint64_t guild, uint64_t role);

/** A number that is always the same for a thing of this world. */
uint64_t world_trait(const struct world *world, uint64_t thing, uint64_t which);

/** The first channel for text of a guild. */
uint64_t world_main_channel(uint64_t guild);

uint64_t world_shard_of(uint64_t guild, uint64_t shard_count);

/** How many guilds fall on a shard, and the nth of them. */
uint64_t world_shard_guilds(const struct world *world, const struct world_view *view);
uint64_t world_shard_guild(const struct world_view *view, uint64_t nth);

/** The user with this name (any case) or id as text; false: no such. */
bool world_find_user(const struct world *world, const char *text, int *user);

/** A user object; of the bot with more for full (GET /users/@me, READY). */
void world_put_user(const struct world *world, struct jsonw *out, int user, bool full);

/** A guild member; without its user in messages. */
void world_put_member(const struct world *world, struct jsonw *out, uint64_t guild,
    int user, bool with_user);

/**
 * A message object.
 *
 * gateway adds what only dispatches have (guild_id, member); content is what the
 * privileged intent uncovers, and is shown anyway where the bot is concerned.  Returns
 * where the message's own id stands.
 */
size_t world_put_message(const struct world *world, struct jsonw *out,
    const struct world_message *message, bool gateway, bool content);

/** GUILD_CREATE of at least bytes bytes (0: its natural size). */
struct event *world_guild_create(const struct world *world, uint64_t guild,
    uint32_t intents, uint64_t bytes);

/** Writes a random sentence to out, cut at room. */
void world_sentence(struct world_rng *rng, char *out, size_t room);

/* Events that something causes; NULL without memory. */
struct event *world_reaction(const struct world *world, const char *name,
    uint64_t channel_id, uint64_t message_id, int user, const char *emoji);
struct event *world_typing(const struct world *world, uint64_t channel_id, int user,
    int64_t at_ms);
struct event *world_presence(const struct world *world, struct world_rng *rng,
    uint64_t guild, int user);
struct event *world_channel_update(const struct world *world, uint64_t channel_id);

#endif
