/*
 * Control socket: one command a line in, one JSON line out.
 */
#ifndef GWSIM_CONTROL_H
#define GWSIM_CONTROL_H

#include "sim.h"

/**
 * Listens at path (mode 0600), in the place of a socket that nobody serves any more.
 *
 * NULL where another gwsim lives there or the path cannot be used: told on stderr.
 */
struct control *control_new(struct sim *sim, const char *path);

/** Closes all and unlinks the socket. */
void control_free(struct control *owned_control);

/** Frees the peers that ended in this turn. */
void control_sweep(struct control *control);

#endif
