#include "host.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#define GROUP_ROOM 1024 /* deeper ones are nobody's */
#define PATH_ROOM  2304

/* ---- memory ---- */

/* "max", or a number of bytes; 0 where there is none. */
static uint64_t
read_limit(const char *root, const char *group)
{
	char path[PATH_ROOM];
	char line[32] = "";

	(void)snprintf(path, sizeof path, "%.1000s/sys/fs/cgroup%.1100s/memory.max",
	    root, group);
	FILE *file = fopen(path, "re");

	if (!file) {
		return 0;
	}
	if (!fgets(line, sizeof line, file)) {
		line[0] = '\0';
	}
	(void)fclose(file);
	return strtoull(line, NULL, 10); /* 0 of "max" */
}

/* The path of the process's group, "" for the root; version 2 has one line "0::PATH".
 */
static bool
read_group(const char *root, char *group, size_t room)
{
	char path[PATH_ROOM];
	char line[GROUP_ROOM];
	bool found = false;

	(void)snprintf(path, sizeof path, "%.1000s/proc/self/cgroup", root);
	FILE *file = fopen(path, "re");

	while (file && !found && fgets(line, sizeof line, file)) {
		size_t size = strcspn(line, "\n");

		/* Without its end it was cut. */
		found = strncmp(line, "0::/", 4) == 0 && line[size] == '\n' &&
		    size - 3 < room;
		line[size] = '\0';
	}
	if (file) {
		(void)fclose(file);
	}
	if (found) {
		const char *name = line + 3;

		(void)snprintf(group, room, "%s", strcmp(name, "/") == 0 ? "" : name);
	}
	return found;
}

uint64_t
host_memory_limit(const char *root)
{
	char group[GROUP_ROOM];
	uint64_t least = 0;

	if (!read_group(root, group, sizeof group)) {
		return 0;
	}
	for (;;) {
		uint64_t limit = read_limit(root, group);
		char *slash = strrchr(group, '/');

		if (limit > 0 && (least == 0 || limit < least)) {
			least = limit;
		}
		if (!slash) {
			return least;
		}
		*slash = '\0'; /* a limit of the group around counts as well */
	}
}

/* ---- the rest ---- */

bool
host_writes_core(void)
{
	struct rlimit limit = {0, 0};

	(void)getrlimit(RLIMIT_CORE, &limit);
	return limit.rlim_cur > 1 && prctl(PR_GET_DUMPABLE) == 1;
}

static bool
is_set(const char *name)
{
	const char *value = getenv(name);

	return value && value[0] != '\0';
}

/* INVOCATION_ID alone may come from the service that a terminal belongs to. */
static bool
is_service(void)
{
	const char *pid = getenv("SYSTEMD_EXEC_PID");

	return (pid && strtol(pid, NULL, 10) == getpid()) || is_set("NOTIFY_SOCKET") ||
	    (is_set("INVOCATION_ID") && getppid() == 1);
}

/* Process 1 of a container, or the child of that, see init.h. */
static bool
is_container(void)
{
	char first[PATH_ROOM];
	char own[PATH_ROOM];

	if (getppid() > 1) {
		return false;
	}
	ssize_t size = readlink("/proc/1/exe", first, sizeof first);

	return size > 0 && readlink("/proc/self/exe", own, sizeof own) == size &&
	    memcmp(first, own, (size_t)size) == 0;
}

const char *
host_supervisor(void)
{
	if (is_service()) {
		return "systemd";
	}
	if (is_set("KUBERNETES_SERVICE_HOST")) {
		return "Kubernetes";
	}
	if (is_set("RENDER")) {
		return "Render";
	}
	if (is_set("FLY_APP_NAME")) {
		return "Fly";
	}
	if (is_set("SUPERVISOR_ENABLED")) {
		return "supervisord";
	}
	return is_container() ? "a container, which is to be restarted" : NULL;
}
