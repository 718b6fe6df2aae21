/*
 * INTERACTION_CREATE: what gwbotd reads of it, and whether it may still be answered.
 *
 * Pure.  Nothing is built of what the gateway sent: a few members are copied into
 * places of fixed size.
 */
#ifndef GWBOTD_INCOMING_INTERACTION_H
#define GWBOTD_INCOMING_INTERACTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "clock.h"

/* Discord: an interaction must be answered within 3 s, and its token lives 15 min. */
#define INTERACTION_ANSWER_WITHIN CLOCK_S(3)
#define INTERACTION_TOKEN_LIFE    CLOCK_S(900)

/* One with all that Discord may put in has some 20 KiB; it is read more than once. */
#define INTERACTION_MAX_BYTES ((size_t)1 << 20)

/* Tokens of some 200 bytes were seen; Discord states no limit. */
#define INTERACTION_TOKEN_ROOM 1024

/* Discord: a name has 32 characters; ours are of one byte each. */
#define INTERACTION_NAME_ROOM 136

/* MENU_OPTION_MAX_CHARACTERS, of 3 bytes each or two for one of 4. */
#define INTERACTION_TEXT_ROOM 6004

/* Discord: a server has 250 roles. */
#define INTERACTION_ROLES_MAX 256

struct incoming_interaction {
	uint64_t id;
	uint64_t application;
	uint64_t guild; /* 0: a direct message */
	uint64_t channel;
	uint64_t user;
	char user_name[INTERACTION_NAME_ROOM]; /* as others see it, else "" */
	char token[INTERACTION_TOKEN_ROOM];    /* secret: it may answer in our name */
	char name[INTERACTION_NAME_ROOM]; /* of the command; "": not a slash command */
	char text[INTERACTION_TEXT_ROOM]; /* of its option */
	uint64_t roles[INTERACTION_ROLES_MAX];
	size_t role_count;
	bool administrator; /* of the guild, by right or as its owner */
};

/**
 * Reads d of INTERACTION_CREATE; false where it is no use of a command (or one of
 * another kind than application commands), or cannot be answered for want of a member.
 *
 * Roles past INTERACTION_ROLES_MAX are left out, and so is a text that does not fit.
 */
bool incoming_interaction_read(struct slice data, struct incoming_interaction *out);

/** How old the thing of a snowflake is at that wall time; negative: the clock is slow.
 */
mono_ns incoming_interaction_age(uint64_t id, int64_t wall_ms);

/* ---- those that came already ---- */

/* Discord sends some twice; more than come within INTERACTION_ANSWER_WITHIN, since
 * older ones are not answered. */
#define INTERACTIONS_SEEN_MAX 1024

struct interactions_seen {
	uint64_t ids[INTERACTIONS_SEEN_MAX];
	size_t next;
};

/** True where this id did not come yet; it has then. */
bool interactions_are_new(struct interactions_seen *seen, uint64_t id);

#endif
