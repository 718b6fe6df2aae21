/* host_client ROOT: the memory limit of a process whose /proc and /sys are below ROOT.
 */
#include <inttypes.h>
#include <stdio.h>

#include "host.h"

int
main(int argc, char **argv)
{
	(void)printf("%" PRIu64 "\n", host_memory_limit(argc > 1 ? argv[1] : ""));
	return 0;
}
