/*
 * Commands in messages, and greetings: reads them off the dispatches, asks core/bot
 * what they get, and does that through the API.
 *
 * Bounded whoever asks and however often: answers a person and answers of all, calls
 * under way, servers that are asked for.  What is over a bound is dropped and counted.
 */
#ifndef GWBOTD_CHAT_H
#define GWBOTD_CHAT_H

#include "bot.h"
#include "chat_stats.h"
#include "dispatch.h"
#include "guilds.h"
#include "loop.h"
#include "rest.h"

/* Calls of the API under way: an eighth of rest's queue. */
#define CHAT_CALLS_MAX 64

/* Requests that wait until their server is known. */
#define CHAT_WAITING_MAX 16

/* Intents without which nothing of it comes (discord-protocol, 8). */
#define CHAT_INTENT_MEMBERS UINT32_C(0x2)
#define CHAT_INTENT_GUILD   UINT32_C(0x200)
#define CHAT_INTENT_DIRECT  UINT32_C(0x1000)
#define CHAT_INTENT_CONTENT UINT32_C(0x8000)

struct chat;

struct chat_options {
	struct rest *rest;
	struct dispatch *dispatch;
	struct bot *bot; /* configured before chat_configure() */
	void (*facts)(void *ctx, mono_ns now, struct bot_facts *out);
	/** The process is to end a second later. */
	void (*reboot)(void *ctx, mono_ns now);
	void *ctx;
	/* A reboot that was asked for before is not done once more. */
	int64_t started_wall_ms;
};

struct chat *chat_new(const struct chat_options *options);

/** Ends its calls without a word.  NULL is allowed. */
void chat_free(struct chat *owned_chat);

/** Takes over a configuration, which must live until the next call; docks only where
 * something of it can come. */
void chat_configure(struct chat *chat, const struct config *config);

/** A server as the events told of it, borrowed until the next call; NULL: none did. */
const struct guild *chat_guild(struct chat *chat, uint64_t id);

struct chat_stats chat_stats(const struct chat *chat);

/** True where commands in messages can come with these intents. */
bool chat_can_hear(uint32_t intents);

#endif
