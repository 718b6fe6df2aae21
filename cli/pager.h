/*
 * A pager for screens that are longer than the terminal.
 */
#ifndef GWCTL_PAGER_H
#define GWCTL_PAGER_H

#include <stdbool.h>

#include "buf.h"

/** Whether there is to be a pager at all; there is, until it is said otherwise. */
void pager_use(bool wanted);

/**
 * Writes text to standard output; where that is a terminal with fewer lines, through
 * $GWCTL_PAGER, else $PAGER, else less, and returns when that has ended.
 *
 * Empty or "cat" means none.  Under sudo it is always less in its secure mode, since
 * the variables and less's own commands are another user's.
 */
void pager_write(struct slice text);

#endif
