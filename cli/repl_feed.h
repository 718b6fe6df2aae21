/*
 * The daemon's events as notices of the prompt: changes of state and warnings, as they
 * happen.
 */
#ifndef GWCTL_REPL_FEED_H
#define GWCTL_REPL_FEED_H

#include "feed_reader.h"
#include "notices.h"

/** Begins to follow; a daemon without events, or one too slow to say so, leaves the
 * reader at rest.  For a daemon that has just answered. */
void repl_feed_open(struct feed_reader *reader);

/** Takes all that has come; true where there was something.  The reader is at rest when
 * the daemon has hung up. */
bool repl_feed_step(struct feed_reader *reader, struct notices *notices);

#endif
