/* Programs of ours that gwbotd starts. */
#ifndef GWBOTD_HELPER_H
#define GWBOTD_HELPER_H

#include <stdbool.h>
#include <stddef.h>

/** Where helper programs are installed. */
const char *helper_dir(void);

/**
 * Finds the program beside gwbotd (a build folder), else where it is installed.
 *
 * False where it is in neither place; out (room bytes) holds the latter then.
 */
bool helper_find(const char *name, char *out, size_t room);

#endif
