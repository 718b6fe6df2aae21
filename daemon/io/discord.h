/*
 * The calls of Discord's API that the bot's own surface makes, one function each.
 *
 * Thin: route, path and body for rest.  fn is called exactly once, later, on the loop;
 * each returns what rest_call() does (0: refused at once, fn is not called).
 */
#ifndef GWBOTD_DISCORD_H
#define GWBOTD_DISCORD_H

#include "message.h"
#include "rest.h"

/* From the call to its answer, waits for limits and repeats included. */
#define DISCORD_TIMEOUT CLOCK_S(60)

/** Posts a message; its nonce keeps a repeat from doubling it, and where the draft has
 * one another instance of the bot, too. */
uint64_t discord_send(struct rest *rest, uint64_t channel,
    const struct message_draft *draft, rest_fn *fn, void *ctx);

/** Adds a reaction: emoji is the character itself, or name:id. */
uint64_t discord_react(struct rest *rest, uint64_t channel, uint64_t message,
    const char *emoji, rest_fn *fn, void *ctx);

uint64_t discord_delete(struct rest *rest, uint64_t channel, uint64_t message,
    rest_fn *fn, void *ctx);

/** Deletes 2 to 100 messages that are younger than 14 days. */
uint64_t discord_bulk_delete(struct rest *rest, uint64_t channel,
    const uint64_t *messages, size_t count, rest_fn *fn, void *ctx);

/** Up to 100 messages that are older than the id before, newest first. */
uint64_t discord_messages(struct rest *rest, uint64_t channel, uint64_t before,
    rest_fn *fn, void *ctx);

/** One message. */
uint64_t discord_message(struct rest *rest, uint64_t channel, uint64_t message,
    rest_fn *fn, void *ctx);

/** A channel or thread. */
uint64_t discord_channel(struct rest *rest, uint64_t channel, rest_fn *fn, void *ctx);

/** All active threads of a server. */
uint64_t discord_threads_active(struct rest *rest, uint64_t server, rest_fn *fn,
    void *ctx);

/** Up to 100 public threads that were archived before an instant, as Discord wrote it;
 * empty: the last ones. */
uint64_t discord_threads_archived(struct rest *rest, uint64_t channel,
    const char *before, rest_fn *fn, void *ctx);

/** Takes a thread out of the archive. */
uint64_t discord_open_thread(struct rest *rest, uint64_t thread, rest_fn *fn,
    void *ctx);

/** Asks for a server with its roles and the count of its members. */
uint64_t discord_guild(struct rest *rest, uint64_t guild, rest_fn *fn, void *ctx);

#endif
