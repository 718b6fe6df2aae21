/*
 * What the system says about the place where the process runs: small files that the
 * kernel makes, and the environment.
 */
#ifndef GWBOTD_HOST_H
#define GWBOTD_HOST_H

#include <stdbool.h>
#include <stdint.h>

/** The least memory limit of the cgroups around the process in bytes; 0: none is known.
 *
 * root is "" but in tests, where /proc and /sys stand below it.
 */
uint64_t host_memory_limit(const char *root);

/** True where a crash would leave a core file. */
bool host_writes_core(void);

/** Who starts the process again, as far as can be seen; static text, NULL: nobody. */
const char *host_supervisor(void);

#endif
