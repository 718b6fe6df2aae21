/*
 * Commands from a pipe or a file: one a line or parted by ";".
 *
 * No prompt, no escape codes, no history.  It stops at the first command that fails,
 * unless told to go on.
 */
#ifndef GWCTL_SCRIPT_H
#define GWCTL_SCRIPT_H

#include "options.h"

/** Runs what stands on the standard input; returns the exit status of the command that
 * failed (with --keep-going the last of them), else 0. */
int script_run(const struct options *session);

/** The same with the lines of --command. */
int script_run_lines(const struct options *session);

#endif
