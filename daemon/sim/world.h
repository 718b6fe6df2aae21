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

/* Threads of each guild, and the number of the first one. */
#define WORLD_THREADS      6
#define WORLD_THREAD_FIRST 64
#define WORLD_TYPE_THREAD  11

/* The first channel for text, by its number. */
#define WORLD_MAIN_NUMBER 2

/* The bits of a channel's id that tell its number in the guild. */
#define WORLD_LOW_MASK ((UINT64_C(1) << 22) - 1)

/* The author index of the bot itself. */
#define WORLD_BOT (-1)

/* Roles of each guild: the fifth one has the administrator right. */
#define WORLD_ROLES      5
#define WORLD_ROLE_ADMIN 4

/* Roles that a message can name as its author's, and people that it can notify. */
#define WORLD_ROLES_MAX    8
#define WORLD_MENTIONS_MAX 100

/* Types and flags of messages, as Discord numbers them. */
#define WORLD_TYPE_JOIN      7
#define WORLD_TYPE_REPLY     19
#define WORLD_TYPE_SLASH     20
#define WORLD_FLAG_EPHEMERAL 64U
#define WORLD_FLAG_LOADING   128U

/* Intents, as Discord numbers them. */
#define INTENT_GUILDS      (UINT32_C(1) << 0)
#define INTENT_MEMBERS     (UINT32_C(1) << 1)
#define INTENT_PRESENCES   (UINT32_C(1) << 8)
#define INTENT_MESSAGES    (UINT32_C(1) << 9)
#define INTENT_REACTIONS   (UINT32_C(1) << 10)
#define INTENT_TYPING      (UINT32_C(1) << 11)
#define INTENT_DIRECT      (UINT32_C(1) << 12)
#define INTENT_CONTENT     (UINT32_C(1) << 15)
#define INTENTS_ALL        UINT32_C(53608447)
#define INTENTS_PRIVILEGED (INTENT_MEMBERS | INTENT_PRESENCES | INTENT_CONTENT)

struct world {
	uint64_t seed;
	uint64_t guilds;
	uint64_t big_guild_bytes; /* of the first guild's GUILD_CREATE; 0: as others */
	uint64_t last_id;
	uint64_t old_ids; /* made of instants in the past */
	struct threads *threads;
};

/* A stream of pseudo-random numbers. */
struct world_rng {
	uint64_t state;
};

/* Whom a message notifies. */
struct world_mentions {
	uint64_t users[WORLD_MENTIONS_MAX];
	int user_count;
	uint64_t roles[WORLD_MENTIONS_MAX];
	int role_count;
	bool everyone;
};

/* Roles that are told of an author instead of the usual ones. */
struct world_roles {
	bool given;
	int count;
	uint64_t ids[WORLD_ROLES_MAX];
};

struct world_message {
	uint64_t id;
	uint64_t channel_id;
	int author;     /* of the users, or WORLD_BOT */
	bool other_bot; /* the author is a bot, not this one */
	int type;       /* Discord's; 0 with reply_to_id is told as a reply */
	unsigned flags;
	uint64_t webhook_id; /* it wrote this, not a user; 0: none */
	struct world_roles roles;
	const struct world_mentions *mentions; /* NULL: the bot where content has it */
	uint64_t interaction_id;               /* that this answers; 0: none */
	int invoker;                           /* the user of that interaction */
	int64_t pinned_ms;                     /* 0: not pinned */
	const char *content;
	const char *embeds; /* JSON text; NULL: none */
	const char *nonce;  /* JSON text; NULL: none */
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

/** The guild of the channel or thread with this id; false: no such channel. */
bool world_find_channel(const struct world *world, uint64_t id, uint64_t *guild);

/** The guild of a channel that is known to exist. */
uint64_t world_guild_of(uint64_t channel_id);

/** A snowflake of an instant (ms since 1970) in the past, unlike all before. */
uint64_t world_old_id(struct world *world, int64_t wall_ms);

/** The user that owns a guild. */
int world_owner(const struct world *world, uint64_t guild);

/** A role of a guild, 0 to WORLD_ROLES - 1. */
uint64_t world_role_id(uint64_t guild, uint64_t role);

/** A number that is always the same for a thing of this world. */
uint64_t world_trait(const struct world *world, uint64_t thing, uint64_t which);

/** Discord's number for the kind of a channel that is known to exist. */
int world_channel_type(uint64_t channel_id);

/** True for the id of a thread. */
bool world_is_thread(uint64_t channel_id);

/** The channel of a thread; of a channel the id itself. */
uint64_t world_parent(uint64_t channel_id);

/** Remembers the newest message, if the channel is a thread. */
void world_touch_thread(struct world *world, uint64_t channel_id, uint64_t message_id);

/** A thread of a guild, 0 to WORLD_THREADS - 1. */
uint64_t world_thread_id(uint64_t guild, uint64_t nth);

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

/** The fields of a member, without braces and user; roles may be NULL: the usual ones.
 */
void world_put_member_fields(const struct world *world, struct jsonw *out,
    uint64_t guild, int user, const struct world_roles *roles);

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

/** A channel or thread that is known to exist. */
void world_put_channel(const struct world *world, struct jsonw *out,
    uint64_t channel_id);

/** The same with the id of its last message (0: none), which threads know themselves.
 */
void world_put_channel_last(const struct world *world, struct jsonw *out,
    uint64_t channel_id, uint64_t last_message_id);

/** The roles of a guild, as a list. */
void world_put_roles(struct jsonw *out, uint64_t guild);

/** All channels of a guild, as a list. */
void world_put_channels(const struct world *world, struct jsonw *out, uint64_t guild);

/** A guild as it is asked for. */
void world_put_guild(const struct world *world, struct jsonw *out, uint64_t guild);

/** GUILD_MEMBER_ADD. */
struct event *world_member_add(const struct world *world, uint64_t guild, int user,
    const struct world_roles *roles);

/** Writes a random sentence to out, cut at room. */
void world_sentence(struct world_rng *rng, char *out, size_t room);

/* Events that something causes; NULL without memory. */
struct event *world_reaction(const struct world *world, const char *name,
    uint64_t channel_id, uint64_t message_id, int user, const char *emoji);
struct event *world_typing(const struct world *world, uint64_t channel_id, int user,
    int64_t at_ms);
struct event *world_presence(const struct world *world, struct world_rng *rng,
    uint64_t guild, int user);
struct event *world_thread_update(const struct world *world, uint64_t thread_id);
struct event *world_channel_update(const struct world *world, uint64_t channel_id);

#endif
