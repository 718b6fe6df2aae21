/*
 * The calls of Discord's API for slash commands, one function each; as discord.h.
 */
#ifndef GWBOTD_DISCORD_SLASH_H
#define GWBOTD_DISCORD_SLASH_H

#include "discord.h"

/** Asks whose token this is: the answer's id is that of the application. */
uint64_t discord_get_application(struct rest *rest, rest_fn *fn, void *ctx);

/** Asks for the registered commands: those of all servers, or of one (guild). */
uint64_t discord_get_commands(struct rest *rest, uint64_t application, uint64_t guild,
    rest_fn *fn, void *ctx);

/** Replaces them all by a JSON array. */
uint64_t discord_put_commands(struct rest *rest, uint64_t application, uint64_t guild,
    struct slice commands, rest_fn *fn, void *ctx);

/* Which interaction is answered; token is secret. */
struct discord_interaction {
	uint64_t id;
	uint64_t application;
	const char *token;
};

/**
 * Answers an interaction, within so long; draft NULL: the answer follows with
 * discord_finish_interaction(), and only the asker will see it.
 */
uint64_t discord_answer_interaction(struct rest *rest,
    const struct discord_interaction *to, const struct message_draft *draft,
    mono_ns within, rest_fn *fn, void *ctx);

/** The answer that was announced; it is seen by whom the announcement said. */
uint64_t discord_finish_interaction(struct rest *rest,
    const struct discord_interaction *to, const struct message_draft *draft,
    rest_fn *fn, void *ctx);

#endif
