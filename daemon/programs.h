/*
 * Which programs may be started: those that the configuration names, with just the
 * words that it names.
 *
 * Kept in the spawner, which reads the configuration itself, as it was at the start and
 * whenever it was taken anew since.  What the daemon says counts for nothing there.
 */
#ifndef GWBOTD_PROGRAMS_H
#define GWBOTD_PROGRAMS_H

#include "app.h"

/** Forks the spawner; before everything else.  NULL with errno. */
struct spawner *programs_spawner(const struct app *app);

#endif
