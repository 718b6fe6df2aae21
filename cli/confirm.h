/*
 * Questions before what cannot be undone: asked on a terminal, answered by --yes
 * anywhere else.
 */
#ifndef GWCTL_CONFIRM_H
#define GWCTL_CONFIRM_H

#include <stdbool.h>

#include "failure.h"
#include "options.h"

/**
 * True where a question may be asked, or --yes has answered it.
 *
 * what is the command in words ("stop"); hint is what to type instead, or NULL.  False
 * with failure filled (exit 7).
 */
bool confirm_possible(const struct options *options, const char *what, const char *hint,
    struct failure *failure);

/** Asks, unless --yes has answered: "QUESTION [y/N] ".  False with failure filled where
 * the answer is no. */
bool confirm_ask(const struct options *options, struct failure *failure,
    const char *format, ...) __attribute__((format(printf, 3, 4)));

#endif
