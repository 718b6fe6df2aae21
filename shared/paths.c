#include "paths.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SYSTEM_RUN_DIR   "/run/gwbot"
#define SYSTEM_STATE_DIR "/var/lib/gwbot"
#define SOCKET_NAME      "control.sock"
#define PATH_ROOM        4096

const char *
paths_getenv_process(void *context, const char *name)
{
	(void)context;
	return getenv(name);
}

struct paths_source
paths_source_own(paths_getenv get, void *context)
{
	return (struct paths_source){
	    .get = get,
	    .context = context,
	    .uid = geteuid(),
	    .run_dir = SYSTEM_RUN_DIR,
	};
}

/* Root, or the service's own user: systemd made /run/gwbot for it. */
static bool
is_system(const struct paths_source *source)
{
	struct stat status;

	if (source->uid == 0) {
		return true;
	}
	if (stat(source->run_dir, &status) != 0 || !S_ISDIR(status.st_mode)) {
		return false;
	}
	bool own = source->uid == geteuid();

	return status.st_uid == source->uid ||
	    (own && access(source->run_dir, W_OK) == 0);
}

/* An absolute path from the environment; XDG says that others count as not set. */
static const char *
env_folder(const struct paths_source *source, const char *name)
{
	const char *value = source->get(source->context, name);

	return value && value[0] == '/' ? value : NULL;
}

__attribute__((format(printf, 3, 4))) static enum gw_err
join(char *out, size_t room, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	int size = vsnprintf(out, room, format, args);
	va_end(args);
	return size >= 0 && (size_t)size < room ? GW_OK : GW_ERR_TOO_LARGE;
}

static enum gw_err
own_socket(const struct paths_source *source, char *out, size_t room)
{
	const char *runtime = env_folder(source, "XDG_RUNTIME_DIR");

	if (runtime) {
		return join(out, room, "%s/gwbot/%s", runtime, SOCKET_NAME);
	}
	return join(out, room, "/tmp/gwbot-%lu/%s", (unsigned long)source->uid,
	    SOCKET_NAME);
}

static size_t
socket_room(size_t room)
{
	return room < PATHS_SOCKET_MAX_BYTES + 1 ? room : PATHS_SOCKET_MAX_BYTES + 1;
}

enum gw_err
paths_control_socket(const struct paths_source *source, char *out, size_t room)
{
	room = socket_room(room);
	if (is_system(source)) {
		return join(out, room, "%s/%s", source->run_dir, SOCKET_NAME);
	}
	return own_socket(source, out, room);
}

enum gw_err
paths_find_socket(const struct paths_source *source, char *out, size_t room)
{
	const char *named = source->get(source->context, "GWBOT_CONTROL_SOCKET");
	char system[PATH_ROOM];

	room = socket_room(room);
	if (named && named[0] != '\0') {
		return join(out, room, "%s", named);
	}
	enum gw_err err = paths_control_socket(source, out, room);

	if (err != GW_OK || access(out, F_OK) == 0) {
		return err;
	}
	err = join(system, sizeof system, "%s/%s", source->run_dir, SOCKET_NAME);
	/* EACCES: there is something, and the caller's error will say so. */
	if (err == GW_OK && (access(system, F_OK) == 0 || errno == EACCES)) {
		return join(out, room, "%s", system);
	}
	return GW_OK;
}

enum gw_err
paths_state_dir(const struct paths_source *source, char *out, size_t room)
{
	if (is_system(source)) {
		return join(out, room, "%s", SYSTEM_STATE_DIR);
	}
	const char *state = env_folder(source, "XDG_STATE_HOME");

	if (state) {
		return join(out, room, "%s/gwbot", state);
	}
	const char *home = env_folder(source, "HOME");

	if (home) {
		return join(out, room, "%s/.local/state/gwbot", home);
	}
	return join(out, room, "/tmp/gwbot-%lu/state", (unsigned long)source->uid);
}

static bool
is_trusted(const struct stat *status)
{
	return status->st_uid == 0 || status->st_uid == geteuid();
}

/*
 * Makes one component, or judges the one that is there.  Another user's folder, or one
 * in which others may rename what we make, could be swapped under us.
 */
static enum gw_err
make_one(const char *dir, bool last)
{
	struct stat status;

	if (mkdir(dir, 0700) == 0) {
		return GW_OK;
	}
	if (errno != EEXIST) {
		return err_from_errno(errno);
	}
	if (lstat(dir, &status) != 0) {
		return err_from_errno(errno);
	}
	if (!is_trusted(&status) || (last && !S_ISDIR(status.st_mode))) {
		return GW_ERR_PERMISSION;
	}
	if (S_ISLNK(status.st_mode) && stat(dir, &status) != 0) {
		return err_from_errno(errno);
	}
	bool others_write = (status.st_mode & S_IWOTH) != 0;
	bool sticky = (status.st_mode & S_ISVTX) != 0;

	if (others_write && (last || !sticky)) {
		return GW_ERR_PERMISSION;
	}
	return GW_OK;
}

enum gw_err
paths_make_private(const char *dir)
{
	char path[PATH_ROOM];
	size_t size = strlen(dir);

	while (size > 1 && dir[size - 1] == '/') {
		size--;
	}
	if (size == 0 || size >= sizeof path) {
		return size == 0 ? GW_ERR_NOT_FOUND : GW_ERR_TOO_LARGE;
	}
	memcpy(path, dir, size);
	path[size] = '\0';
	for (char *at = strchr(path + 1, '/'); at; at = strchr(at + 1, '/')) {
		*at = '\0';
		enum gw_err err = make_one(path, false);

		*at = '/';
		if (err != GW_OK) {
			return err;
		}
	}
	return make_one(path, true);
}
