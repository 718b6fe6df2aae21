#include "interactions.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "world.h"
#include "xalloc.h"

/* base64 of "interaction:", as real tokens begin. */
#define TOKEN_HEAD "aW50ZXJhY3Rpb246"

struct interactions {
	struct interaction ring[INTERACTIONS_KEPT];
	uint64_t count; /* ever added */
};

struct interactions *
interactions_new(void)
{
	return xzalloc(sizeof(struct interactions));
}

void
interactions_free(struct interactions *owned_interactions)
{
	free(owned_interactions);
}

struct interaction *
interactions_add(struct interactions *interactions, const struct interaction *made,
    uint64_t seed)
{
	struct interaction *slot =
	    &interactions->ring[interactions->count++ % INTERACTIONS_KEPT];
	struct world_rng rng = {seed ^ made->id};

	*slot = *made;
	(void)snprintf(slot->token, sizeof slot->token, "%s", TOKEN_HEAD);
	for (size_t at = strlen(TOKEN_HEAD); at + 16 <= INTERACTION_TOKEN_BYTES;
	     at += 16) {
		(void)snprintf(slot->token + at, sizeof slot->token - at, "%016" PRIx64,
		    world_random(&rng));
	}
	return slot;
}

struct interaction *
interactions_find(struct interactions *interactions, struct slice token)
{
	for (int i = 0; i < INTERACTIONS_KEPT && interactions->ring[i].id != 0; i++) {
		struct interaction *at = &interactions->ring[i];

		if (slice_equal(token, slice_of(at->token))) {
			return at;
		}
	}
	return NULL;
}
