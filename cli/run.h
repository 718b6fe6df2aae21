/*
 * gwctl's commands, each from the request to the exit status.
 */
#ifndef GWCTL_RUN_H
#define GWCTL_RUN_H

#include "options.h"

/** Shows the general help on stdout. */
void run_help(bool colour);

/** Runs options->command; returns the exit status, with all output written. */
int run_command(const struct options *options, bool colour);

#endif
