/*
 * MESSAGE_CREATE and GUILD_MEMBER_ADD: what gwbotd reads of them.
 *
 * Pure.  One pass over the text, nothing is built: a message that is no command costs
 * that pass and no more.
 */
#ifndef GWBOTD_INCOMING_H
#define GWBOTD_INCOMING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bot.h"
#include "buf.h"
#include "clock.h"

/* A larger one is none of Discord's: 4000 characters, ten embeds and a reply fit. */
#define INCOMING_MAX_BYTES ((size_t)1 << 20)

/* 4000 characters of 3 bytes each, or two for one of 4. */
#define INCOMING_TEXT_ROOM 12004

/* Discord: 32 characters of 4 bytes. */
#define INCOMING_NAME_ROOM 136

/* Discord: a server has 250 roles. */
#define INCOMING_ROLES_MAX 256

enum incoming_kind {
	INCOMING_COMMAND, /* text that begins with the prefix */
	INCOMING_JOINED,  /* Discord's own message about who joined (type 7) */
};

struct incoming {
	enum incoming_kind kind;
	uint64_t id; /* of the message; 0 of a member */
	uint64_t guild;
	uint64_t channel;
	uint64_t user;
	char user_name[INCOMING_NAME_ROOM]; /* as others see it */
	uint64_t roles[INCOMING_ROLES_MAX]; /* past that many they are left out */
	size_t role_count;
	char text[INCOMING_TEXT_ROOM]; /* whole, with the prefix */
	struct slice name;             /* in text: the command's, without prefix */
	struct slice arguments;        /* in text: what follows, trimmed */
};

/**
 * Reads d of MESSAGE_CREATE; false where it is neither a command nor about who joined:
 * by a bot or a webhook, of another type, without the prefix.
 */
bool incoming_message(struct slice data, const char *prefix, struct incoming *out);

/** Reads d of GUILD_MEMBER_ADD; false for bots, and where an id is missing. */
bool incoming_member(struct slice data, struct incoming *out);

/** As a request; borrows incoming.  What the server is like is the caller's to add. */
struct bot_request incoming_request(const struct incoming *incoming);

/** When the thing of an id was made, in ms since 1970. */
int64_t incoming_made_ms(uint64_t id);

/* ---- those that came already ---- */

#define INCOMING_SEEN_MAX 512

/* Discord may send an event twice, after a resume above all. */
struct incoming_seen {
	struct {
		uint64_t key; /* 0: none */
		mono_ns at;
	} at[INCOMING_SEEN_MAX];
	size_t next;
};

/** True where this key (not 0) did not come within that time; it has then. */
bool incoming_is_new(struct incoming_seen *seen, uint64_t key, mono_ns now,
    mono_ns within);

#endif
