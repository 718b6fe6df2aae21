/*
 * Application commands: what the bot has registered, for all guilds and for single
 * ones.
 */
#ifndef GWSIM_APPCOMMANDS_H
#define GWSIM_APPCOMMANDS_H

#include <cjson/cJSON.h>
#include <stdint.h>

#define APPCOMMANDS_SETS 64 /* the one for all guilds among them */

struct appcommands;

struct appcommands *appcommands_new(void);

void appcommands_free(struct appcommands *owned_commands);

/** The command of that name in a guild, or for all; NULL: there is none.  Borrowed. */
const cJSON *appcommands_find(const struct appcommands *commands, uint64_t guild_id,
    const char *name);

#endif
