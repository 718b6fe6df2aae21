/*
 * Default places of the control socket and the state folder.
 *
 * The system's (/run/gwbot, /var/lib/gwbot) for root and for the user who may write
 * /run/gwbot, else the user's own below $XDG_RUNTIME_DIR and $XDG_STATE_HOME.
 */
#ifndef GWBOT_PATHS_H
#define GWBOT_PATHS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "err.h"

#define PATHS_SOCKET_MAX_BYTES 107 /* sun_path of unix(7) without its NUL */

/** The value of an environment variable, borrowed until the next call; NULL: not set.
 */
typedef const char *(*paths_getenv)(void *context, const char *name);

/* What the answers depend on, so that tests can say it. */
struct paths_source {
	paths_getenv get;
	void *context;
	uid_t uid;
	const char *run_dir; /* "/run/gwbot"; tests name another */
};

/** The process's own uid and the system's folder, with the environment given. */
struct paths_source paths_source_own(paths_getenv get, void *context);

/** getenv(3) as a paths_getenv. */
const char *paths_getenv_process(void *context, const char *name);

/** Where a daemon puts its socket.  GW_ERR_TOO_LARGE past room or 107 bytes. */
enum gw_err paths_control_socket(const struct paths_source *source, char *out,
    size_t room);

/**
 * Where a client looks for it: $GWBOT_CONTROL_SOCKET, else the daemon's place for this
 * user, else the system's where only that exists (an operator in the group gwbot).
 */
enum gw_err paths_find_socket(const struct paths_source *source, char *out,
    size_t room);

/** Where a daemon keeps its state.  GW_ERR_TOO_LARGE past room. */
enum gw_err paths_state_dir(const struct paths_source *source, char *out, size_t room);

/**
 * Makes a folder and its missing parents with mode 0700.
 *
 * One that exists must be a real folder (no link at its end) of this user or root that
 * others cannot write: GW_ERR_PERMISSION otherwise.  Else the error of mkdir(2).
 */
enum gw_err paths_make_private(const char *dir);

#endif
