/*
 * The interactive prompt, on a terminal only.
 *
 * readline edits the line by its callbacks; the loop waits for keys, signals and the
 * prompt's own connection at once, so that nothing holds up typing.
 */
#ifndef GWCTL_REPL_H
#define GWCTL_REPL_H

#include "options.h"

/** Runs the prompt until the user leaves it; session holds for every line.  Returns the
 * exit status. */
int repl_run(const struct options *session);

#endif
