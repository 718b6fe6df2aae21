#include "process.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

static mono_ns
time_of(const struct timeval *time)
{
	return CLOCK_S(time->tv_sec) + CLOCK_US(time->tv_usec);
}

static uint64_t
count_fds(void)
{
	DIR *dir = opendir("/proc/self/fd");
	uint64_t count = 0;

	if (!dir) {
		return 0;
	}
	while (readdir(dir)) {
		count++;
	}
	(void)closedir(dir);
	/* Without ".", ".." and the descriptor of this look. */
	return count > 3 ? count - 3 : 0;
}

/* The number behind "NAME:" of /proc/self/status. */
static uint64_t
field_of(const char *status, const char *name)
{
	const char *at = strstr(status, name);

	return at ? strtoull(at + strlen(name), NULL, 10) : 0;
}

struct process_figures
process_figures_read(void)
{
	char status[4096] = "";
	struct process_figures figures = {0};
	struct rusage usage;
	struct rlimit limit;
	FILE *file = fopen("/proc/self/status", "re");

	if (file) {
		status[fread(status, 1, sizeof status - 1, file)] = '\0';
		(void)fclose(file);
	}
	figures.virtual_bytes = field_of(status, "\nVmSize:") * 1024;
	figures.resident_bytes = field_of(status, "\nVmRSS:") * 1024;
	figures.threads = field_of(status, "\nThreads:");
	if (getrusage(RUSAGE_SELF, &usage) == 0) {
		figures.cpu = time_of(&usage.ru_utime) + time_of(&usage.ru_stime);
	}
	if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		figures.max_fds = limit.rlim_cur;
	}
	figures.open_fds = count_fds();
	return figures;
}
