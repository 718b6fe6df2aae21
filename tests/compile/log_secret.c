/* A secret as a value of a log line must not compile; all else here must.  CMake runs
 * the compiler over this file with and without LOG_THE_SECRET. */
#include "log.h"

void log_it(const struct secret *secret);

void
log_it(const struct secret *secret)
{
	log_info("secret_loaded", KV("bytes", secret_size(secret)));
#ifdef LOG_THE_SECRET
	log_info("secret_loaded", KV("secret", secret));
#endif
}
