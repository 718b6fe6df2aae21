/*
 * Interactions: what people asked by a slash command, until its token has expired.
 */
#ifndef GWSIM_INTERACTIONS_H
#define GWSIM_INTERACTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "buf.h"
#include "clock.h"

#define INTERACTIONS_KEPT       4096
#define INTERACTION_TOKEN_BYTES 180

/* The first answer must come in this time, or the token dies. */
#define INTERACTION_ANSWER_TIME CLOCK_S(3)
#define INTERACTION_LIFE        CLOCK_S(900)

struct interaction {
	uint64_t id; /* 0: no such */
	char token[INTERACTION_TOKEN_BYTES + 1];
	uint64_t channel_id;
	int user;
	mono_ns at;
	bool answered;
	uint64_t original_id; /* the message of the first answer */
};

struct interactions;

struct interactions *interactions_new(void);

void interactions_free(struct interactions *owned_interactions);

/** Keeps a new one, with a token made from seed; the oldest one goes. */
struct interaction *interactions_add(struct interactions *interactions,
    const struct interaction *made, uint64_t seed);

/** The one with this token, or NULL. */
struct interaction *interactions_find(struct interactions *interactions,
    struct slice token);

#endif
