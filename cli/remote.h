/*
 * gwctl on another host, by ssh: --host.
 *
 * There is no control socket over TCP.  ssh has keys, encryption, logs and the accounts
 * of those who may do this already; what is asked runs there, with that host's gwctl,
 * as if it had been typed there.
 */
#ifndef GWCTL_REMOTE_H
#define GWCTL_REMOTE_H

#include <stdbool.h>

#include "buf.h"

/** The host that the line begins with, "--host X" or so, in *words words; else NULL. */
const char *remote_host(int argc, char **argv, int *words);

/**
 * Appends the command line for the shell of the other host, with its NUL: gwctl and
 * argv, each word quoted; with COLUMNS in front (0: without).
 *
 * False where it does not fit.
 */
bool remote_command(int argc, char **argv, size_t columns, struct buf *out);

/** Becomes ssh; returns only where that fails, with the failure printed: the exit
 * status. */
int remote_run(const char *host, int argc, char **argv);

#endif
