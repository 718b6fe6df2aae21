/*
 * Mentions: whom a message notifies, as far as allowed_mentions lets it.
 */
#ifndef GWSIM_MENTIONS_H
#define GWSIM_MENTIONS_H

#include <cjson/cJSON.h>
#include <stdbool.h>

#include "calls.h"
#include "world.h"

struct message;

/** Refuses an allowed_mentions that contradicts itself; false after an error. */
bool mentions_check(struct call *call, const cJSON *allowed);

/**
 * Adds whom the text names.
 *
 * allowed may be NULL: then users, and with all roles and everyone too.
 */
void mentions_find(struct world_mentions *mentions, const char *content,
    const cJSON *allowed, bool all);

/** Adds the author of the message that is replied to (NULL: none), where allowed. */
void mentions_add_replied(struct world_mentions *mentions, const struct message *target,
    const cJSON *allowed);

#endif
