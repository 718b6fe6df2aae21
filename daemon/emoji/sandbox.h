/*
 * What gwbot-emoji gives up before it reads a byte of an image.
 */
#ifndef GWBOT_SANDBOX_H
#define GWBOT_SANDBOX_H

#include <stdbool.h>

/**
 * From here on the process may read standard input, write standard output and error,
 * have some memory and cpu_s seconds of CPU time, and end.  Any other system call kills
 * it.
 *
 * False where the system does not allow it: the process must end then.
 */
bool sandbox_enter(unsigned cpu_s);

#endif
