/*
 * The terminal that the screens are shown on: how wide and how high it is.
 */
#ifndef GWCTL_TERMINAL_H
#define GWCTL_TERMINAL_H

#include <stdbool.h>
#include <stddef.h>

#define TERMINAL_COLUMNS_MIN 40 /* below it lines are wrapped by the terminal */
#define TERMINAL_COLUMNS_MAX 500

/**
 * Columns of standard output: $COLUMNS, which whoever runs us in a pipe may set, else
 * those of the terminal; 0 where neither says anything.
 */
size_t terminal_columns(void);

/** Lines of the terminal on standard output; 0 where it is none. */
size_t terminal_lines(void);

#endif
