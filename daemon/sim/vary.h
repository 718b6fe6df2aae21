/*
 * Vary: makes an event of the small world as different from others as real ones are.
 *
 * The world has 200 people and some forty words, so that its events compress twofold
 * better than a busy bot's.  Here each gets one of 20,000 people, with id, name and
 * avatar, and text that no other has.
 */
#ifndef GWSIM_VARY_H
#define GWSIM_VARY_H

#include "event.h"
#include "world.h"

/** The varied event for the given one, which is spent; NULL without memory. */
struct event *vary_event(struct event *owned_event, struct world_rng *rng);

#endif
