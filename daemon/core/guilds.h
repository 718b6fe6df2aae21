/*
 * What commands need to know of servers: who administers them, their names and sizes.
 *
 * Pure.  A cache of fixed size, filled by GUILD_* events in one pass over their text:
 * after a resume, or in the largest bots, a server may be missing, and is asked for.
 */
#ifndef GWBOTD_GUILDS_H
#define GWBOTD_GUILDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "clock.h"
#include "dispatches.h"

/* Servers that are remembered: in sets, of each the one used longest ago makes room. */
#define GUILDS_WAYS 8
#define GUILDS_SETS 512

/* Roles of one server that administer it; more are left out. */
#define GUILDS_ROLES_MAX 24

/* Discord: 100 characters, here up to 4 bytes each of 25, more are cut. */
#define GUILDS_NAME_ROOM 104

struct guild {
	uint64_t id; /* 0: nothing is here */
	uint64_t owner;
	int64_t members;   /* -1: unknown */
	uint64_t used;     /* when, as a count of uses */
	mono_ns failed_at; /* it could not be asked for; 0: not so */
	uint32_t role_count;
	uint64_t roles[GUILDS_ROLES_MAX]; /* with the right ADMINISTRATOR */
	char name[GUILDS_NAME_ROOM];
};

struct guilds;

struct guilds *guilds_new(void);
void guilds_free(struct guilds *owned_guilds);

/** Takes a dispatch; nothing where it is not about servers or their roles. */
void guilds_take(struct guilds *guilds, struct slice type, struct slice data);

/** Adds the dispatches that guilds_take() does something with. */
void guilds_add_wants(struct dispatch_set *set);

/** Takes a server as the API tells of it; false where the text is none. */
bool guilds_put(struct guilds *guilds, struct slice data);

/** Notes that the API did not tell of it, so that it is not asked again at once. */
void guilds_put_failed(struct guilds *guilds, uint64_t id, mono_ns now);

/** The server, borrowed until the next call; NULL where it is not known. */
const struct guild *guilds_find(struct guilds *guilds, uint64_t id);

/** True where the person owns the server or has a role that administers it. */
bool guild_is_administrator(const struct guild *guild, uint64_t user,
    const uint64_t *roles, size_t role_count);

#endif
