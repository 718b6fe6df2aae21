/*
 * Who and where: the key=value words in front of a command's text.
 */
#ifndef GWSIM_WHO_H
#define GWSIM_WHO_H

#include "commands.h"
#include "world.h"

/* The largest age: ten years. */
#define WHO_AGE_MAX_MS (INT64_C(315360000) * 1000)

/* The user of WHO that is the guild's owner, until who_settle(). */
#define WHO_OWNER (-2)

struct who {
	uint64_t guild; /* its index */
	uint64_t channel_id;
	int user;
	struct world_roles roles;
	bool admin; /* the administrator right, by whichever way */
};

/** One word; value is NULL where it has no "=". */
struct who_word {
	const char *key;
	const char *value;
};

/**
 * Takes the next word off the front of the command's text, if it is one of keys.
 *
 * keys ends with NULL; those with a value are listed as "key=".  "--" ends the words
 * and is taken off.  False where text begins.
 */
bool who_take_word(struct command *command, const char *const *keys,
    struct who_word *out);

/**
 * Takes guild=, channel=, user=, roles= and admin; false where the word is another one.
 *
 * A wrong value sets the command's error.
 */
bool who_take(struct command *command, const struct who_word *word, struct who *who);

/** The one that speaks where no word says who, in the first channel for text. */
struct who who_default(void);

/** Makes channel numbers and role names ids, once the guild is known. */
void who_settle(struct command *command, struct who *who);

/** An age like 90, 90s, 5m, 3h or 14d in milliseconds; false where it is none. */
bool who_read_age(const char *text, int64_t *out_ms);

/** The keys that who_take() knows. */
#define WHO_KEYS  "guild=", "channel=", "user=", "roles=", "admin"

#define WHO_USAGE "[guild=N] [channel=N|ID] [user=NAME|ID|owner|me] [roles=NAME,..]"

#endif
