/*
 * What the files of chat share: its state, calls of the API, servers that are asked
 * for.
 */
#ifndef GWBOTD_CHAT_PARTS_H
#define GWBOTD_CHAT_PARTS_H

#include "chat.h"
#include "discord.h"
#include "guilds.h"
#include "incoming.h"
#include "nonce.h"
#include "refusal.h"
#include "throttle.h"

/* An event that comes again within this is the same one. */
#define CHAT_SEEN_WITHIN CLOCK_S(900)

/* A server or channel that could not be asked for is asked for again after this. */
#define CHAT_ASK_AGAIN CLOCK_S(60)

/* Greetings have channels; as many as groups in a list. */
#define CHAT_PLACES_MAX 64

/* What a call is for. */
struct chat_deed {
	struct chat *chat;
	uint64_t call; /* of rest; 0: the place is free */
	enum refusal_deed kind;
	bool greeting;
	enum bot_command command;
	uint64_t channel;
	uint64_t message;   /* that asked; 0: none */
	bool remove;        /* delete that message once this is done */
	struct nonce nonce; /* of what is posted */
};

/* A dispatch that waits for a server or a channel. */
struct chat_waiting {
	struct chat *chat;
	uint64_t call;   /* of rest; 0: another one waits for the same already */
	uint64_t target; /* what is asked for; 0: the place is free */
	bool channel;    /* it is a channel */
	bool member;     /* GUILD_MEMBER_ADD, else MESSAGE_CREATE */
	char *data;
	size_t size;
};

/* Which server a greeting's channel is of. */
struct chat_place {
	uint64_t channel; /* 0: none */
	uint64_t guild;   /* 0: it could not be asked for */
	mono_ns at;
};

struct chat {
	struct chat_options options;
	const struct config *config;
	struct dispatch_consumer consumer;
	bool docked;
	bool hears;  /* commands are read */
	bool greets; /* there are greetings */
	struct guilds *guilds;
	struct throttle throttle;
	struct incoming_seen seen;
	struct incoming_seen joined;
	struct refusals refusals;
	struct chat_deed deeds[CHAT_CALLS_MAX];
	struct chat_waiting waiting[CHAT_WAITING_MAX];
	struct chat_place places[CHAT_PLACES_MAX];
	struct incoming incoming; /* the one that is looked at */
	struct chat_stats stats;
	uint64_t drops; /* not told yet */
	mono_ns drops_told_at;
};

/* ---- chat_calls.c ---- */

/** "answered". */
const char *chat_result_word(enum chat_result result);

/** Counts how a command, or a greeting, ended. */
void chat_count(struct chat *chat, enum bot_command command, bool greeting,
    enum chat_result result);

/** Notes a command that is over the bounds, and says so once in a while. */
void chat_count_drop(struct chat *chat, mono_ns now);

/** Tells what Discord refused, each cause once. */
void chat_tell_refusal(struct chat *chat, enum refusal_deed kind, uint64_t channel,
    const struct rest_answer *answer, mono_ns now);

/** Posts the answer's text to the model's channel, as a reply to its message if it has
 * one; false where it cannot go. */
bool chat_post(struct chat *chat, const struct chat_deed *model,
    const struct bot_answer *answer, uint64_t user);

/** Reacts to the model's message. */
bool chat_react(struct chat *chat, const struct chat_deed *model, const char *reaction);

/** All that the answer says; the request goes when the last of it is done. */
bool chat_act(struct chat *chat, struct chat_deed model,
    const struct bot_answer *answer, uint64_t user);

/* ---- chat.c ---- */

/** Keeps a dispatch (member: GUILD_MEMBER_ADD) until its server or channel is known;
 * false where it cannot wait. */
bool chat_wait_for(struct chat *chat, uint64_t target, bool channel, bool member,
    struct slice data);

/** The server; NULL where it is not known, and with *ask where it can be asked for. */
const struct guild *chat_find_guild(struct chat *chat, uint64_t id, mono_ns now,
    bool *ask);

/** What the request gains from it; NULL is allowed. */
void chat_add_guild(const struct guild *guild, struct bot_request *request);

/* ---- chat_greet.c ---- */

/** Greets who joined, as chat->incoming has it; last: it waited already. */
void chat_take_joined(struct chat *chat, struct slice data, mono_ns now, bool last);

/** Notes which server a greeting's channel is of; 0: it could not be asked for. */
void chat_note_place(struct chat *chat, uint64_t channel, uint64_t guild, mono_ns now);

#endif
