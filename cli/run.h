/*
 * gwctl's commands, each from the request to the exit status.
 */
#ifndef GWCTL_RUN_H
#define GWCTL_RUN_H

#include "options.h"

/** Shows the general help on stdout. */
void run_help(bool colour);

/** What options say about all that follows: the protocol shown, only reading, a pager.
 */
void run_settle(const struct options *options);

/** Runs options->command; returns the exit status, with all output written. */
int run_command(const struct options *options, bool colour);

#endif
