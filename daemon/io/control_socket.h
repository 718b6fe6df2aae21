/*
 * The file side of the control socket: lock, folder, stale files, mode, removal.
 *
 * One daemon a path: a lock file beside the socket, and a connect to what is there
 * already; whoever answers keeps the path.
 */
#ifndef GWBOTD_CONTROL_SOCKET_H
#define GWBOTD_CONTROL_SOCKET_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "err.h"

#define CONTROL_PATH_MAX_BYTES 107 /* unix(7): sun_path, less its NUL */

struct control_socket {
	char path[CONTROL_PATH_MAX_BYTES + 1];
	int lock;     /* descriptor of the lock file */
	dev_t device; /* of the socket file that we made */
	ino_t inode;
};

/** At rest, so that control_socket_fini() may be called. */
void control_socket_init(struct control_socket *socket);

/**
 * Makes the socket file at path, mode 0660, and listens on *fd (non-blocking, the
 * caller's).  Its folder is made (0755) where only that is missing.
 *
 * Also for making it again, with the same path, after the file was removed.
 * GW_ERR_BUSY: another daemon answers there.  GW_ERR_RANGE: path is empty or over
 * CONTROL_PATH_MAX_BYTES.  GW_ERR_PERMISSION, GW_ERR_EXISTS (no socket), GW_ERR_IO,
 * and what err_is_lack() knows.  why (room bytes) says each of them in a line for a
 * person.
 */
enum gw_err control_socket_open(struct control_socket *socket, const char *path,
    int *fd, char *why, size_t room);

/** The folder that path leads into, "." where it names none.  False: longer than out.
 */
bool control_socket_folder(const char *path, char out[CONTROL_PATH_MAX_BYTES + 1]);

/** True while the path leads to the file that we made. */
bool control_socket_is_ours(const struct control_socket *socket);

/** Removes the file where it is still ours, and gives up the lock. */
void control_socket_fini(struct control_socket *socket);

#endif
