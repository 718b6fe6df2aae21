#include "helper.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#ifndef GWBOT_LIBEXECDIR
#define GWBOT_LIBEXECDIR "/usr/libexec/gwbot"
#endif

const char *
helper_dir(void)
{
	return GWBOT_LIBEXECDIR;
}

bool
helper_find(const char *name, char *out, size_t room)
{
	ssize_t size = readlink("/proc/self/exe", out, room - 1);

	if (size > 0) {
		out[size] = '\0';
		char *slash = strrchr(out, '/');
		size_t dir = slash ? (size_t)(slash - out) + 1 : 0;

		(void)snprintf(out + dir, room - dir, "%s", name);
		if (access(out, X_OK) == 0) {
			return true;
		}
	}
	(void)snprintf(out, room, "%s/%s", GWBOT_LIBEXECDIR, name);
	return access(out, X_OK) == 0;
}
