#include "control_watch.h"

#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "buf.h"
#include "control_socket.h"
#include "xalloc.h"

/* IN_ATTRIB comes with a file's last name, and IN_DELETE_SELF not before the listening
 * socket is closed, too. */
#define FILE_EVENTS   (IN_ATTRIB | IN_MOVE_SELF | IN_DELETE_SELF)
#define FOLDER_EVENTS (IN_MOVE_SELF | IN_DELETE_SELF | IN_ONLYDIR)

/* Outlives its owner until the loop has closed the descriptor. */
struct control_watch {
	struct loop_fd *handle;
	int fd;
	int file; /* watches; -1: none */
	int folder;
	void (*changed)(void *ctx, mono_ns now);
	void *ctx; /* NULL with changed: the owner is gone */
};

static void
watch_ready(void *ctx, mono_ns now)
{
	struct control_watch *watch = ctx;
	_Alignas(struct inotify_event) char events[4096];
	bool any = false;

	while (read(watch->fd, events, sizeof events) > 0) {
		any = true;
	}
	if (any && watch->changed) {
		watch->changed(watch->ctx, now);
	}
}

static const struct loop_fd_events watch_events = {watch_ready, free};

struct control_watch *
control_watch_new(struct loop *loop, void (*changed)(void *ctx, mono_ns now), void *ctx)
{
	int fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);

	if (fd < 0) {
		return NULL;
	}
	struct control_watch *watch = xzalloc(sizeof *watch);

	*watch = (struct control_watch){.fd = fd,
	    .file = -1,
	    .folder = -1,
	    .changed = changed,
	    .ctx = ctx};
	watch->handle = loop_fd_add_seldom(loop, fd, &watch_events, watch);
	if (!watch->handle) {
		free(watch);
		return NULL;
	}
	return watch;
}

void
control_watch_free(struct control_watch *owned_watch)
{
	if (owned_watch) {
		owned_watch->changed = NULL;
		loop_fd_close(owned_watch->handle);
	}
}

static void
forget(const struct control_watch *watch, int *wanted)
{
	if (*wanted >= 0) {
		(void)inotify_rm_watch(watch->fd, *wanted); /* it may be gone already */
		*wanted = -1;
	}
}

void
control_watch_clear(struct control_watch *watch)
{
	if (watch) {
		forget(watch, &watch->file);
		forget(watch, &watch->folder);
	}
}

bool
control_watch_set(struct control_watch *watch, const char *path)
{
	char folder[CONTROL_PATH_MAX_BYTES + 1];

	if (!watch || !control_socket_folder(path, folder)) {
		return false;
	}
	control_watch_clear(watch);
	watch->file = inotify_add_watch(watch->fd, path, FILE_EVENTS);
	watch->folder = inotify_add_watch(watch->fd, folder, FOLDER_EVENTS);
	return watch->file >= 0 && watch->folder >= 0;
}
