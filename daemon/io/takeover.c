#include "takeover.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "log.h"
#include "store_file.h"
#include "xalloc.h"

#define NAME_LOCK    "takeover.lock"
#define NAME_REQUEST "takeover"
#define NAME_FRESH   "takeover.tmp"

#define HOST_ROOM    65 /* HOST_NAME_MAX and the NUL */

static int
open_folder(const char *dir)
{
	return open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
}

/* True where somebody else has a lock of that file, or nobody can tell. */
static bool
is_held(int dir_fd, const char *name)
{
	int fd = openat(dir_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);

	if (fd < 0) {
		return errno != ENOENT;
	}
	bool held = flock(fd, LOCK_SH | LOCK_NB) != 0;

	(void)close(fd);
	return held;
}

bool
takeover_is_held(const char *dir)
{
	int dir_fd = open_folder(dir);

	if (dir_fd < 0) {
		return true;
	}
	bool held = is_held(dir_fd, STORE_LOCK_NAME);

	(void)close(dir_fd);
	return held;
}

/* ---- the newer ---- */

struct takeover_plea {
	int dir_fd;  /* -1: not open */
	int lock_fd; /* -1: it does not ask */
	char text[TAKEOVER_BY_ROOM];
};

struct takeover_plea *
takeover_plea_new(const char *dir, const char *version)
{
	struct takeover_plea *plea = xzalloc(sizeof *plea);
	char host[HOST_ROOM] = "";

	(void)gethostname(host, sizeof host - 1);
	(void)snprintf(plea->text, sizeof plea->text, "gwbotd %.32s, pid %ld on %s\n",
	    version, (long)getpid(), host);
	plea->dir_fd = open_folder(dir);
	plea->lock_fd = -1;
	return plea;
}

/* Whole under its name, or not there. */
static enum gw_err
write_request(const struct takeover_plea *plea)
{
	size_t size = strlen(plea->text);
	int fd = openat(plea->dir_fd, NAME_FRESH,
	    O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (fd < 0) {
		return err_from_errno(errno);
	}
	bool whole = write(fd, plea->text, size) == (ssize_t)size;

	whole = close(fd) == 0 && whole;
	return whole &&
		renameat(plea->dir_fd, NAME_FRESH, plea->dir_fd, NAME_REQUEST) == 0 ?
	    GW_OK :
	    GW_ERR_IO;
}

enum gw_err
takeover_plea_ask(struct takeover_plea *plea)
{
	int fd = openat(plea->dir_fd, NAME_LOCK,
	    O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (fd < 0) {
		return err_from_errno(errno);
	}
	if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
		(void)close(fd);
		return GW_ERR_BUSY;
	}
	/* First the lock: whoever finds the request finds us alive. */
	enum gw_err err = write_request(plea);

	if (err != GW_OK) {
		(void)close(fd);
		return err;
	}
	plea->lock_fd = fd;
	return GW_OK;
}

void
takeover_plea_free(struct takeover_plea *owned_plea)
{
	if (!owned_plea) {
		return;
	}
	if (owned_plea->lock_fd >= 0) {
		(void)unlinkat(owned_plea->dir_fd, NAME_REQUEST, 0);
		(void)close(owned_plea->lock_fd);
	}
	if (owned_plea->dir_fd >= 0) {
		(void)close(owned_plea->dir_fd);
	}
	free(owned_plea);
}

/* ---- the older ---- */

struct takeover_ear {
	struct loop_fd *fd; /* NULL: nothing is told, only looked for */
	int inotify;
	int dir_fd;
	void (*asked)(void *ctx, const char *by, mono_ns now); /* NULL: freed */
	void *ctx;
};

static void
free_ear(struct takeover_ear *ear)
{
	if (ear->dir_fd >= 0) {
		(void)close(ear->dir_fd);
	}
	free(ear);
}

static void
read_request(int dir_fd, char by[TAKEOVER_BY_ROOM])
{
	int fd = openat(dir_fd, NAME_REQUEST,
	    O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	ssize_t size = fd >= 0 ? read(fd, by, TAKEOVER_BY_ROOM - 1) : 0;

	by[size > 0 ? size : 0] = '\0';
	by[strcspn(by, "\n")] = '\0';
	if (fd >= 0) {
		(void)close(fd);
	}
}

void
takeover_ear_look(struct takeover_ear *ear, mono_ns now)
{
	char by[TAKEOVER_BY_ROOM];

	/* Who died while waiting holds no lock: nobody yields to nobody. */
	if (ear->dir_fd < 0 || !ear->asked || !is_held(ear->dir_fd, NAME_LOCK)) {
		return;
	}
	read_request(ear->dir_fd, by);
	/* The lock comes first: without a request it is about to be written. */
	if (by[0] != '\0') {
		ear->asked(ear->ctx, by, now);
	}
}

static void
on_ready(void *ctx, mono_ns now)
{
	struct takeover_ear *ear = ctx;
	_Alignas(struct inotify_event) char events[4096];
	bool some = false;

	/* What they say does not matter: the folder does. */
	while (read(ear->inotify, events, sizeof events) > 0) {
		some = true;
	}
	if (some) {
		takeover_ear_look(ear, now);
	}
}

static void
on_gone(void *ctx)
{
	struct takeover_ear *ear = ctx;

	ear->fd = NULL;
	if (!ear->asked) {
		free_ear(ear);
	}
}

static void
watch(struct takeover_ear *ear, struct loop *loop, const char *dir)
{
	static const struct loop_fd_events events = {
	    .ready = on_ready,
	    .gone = on_gone,
	};
	int fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	int error = 0;

	/* A request is renamed to its name; nothing else in the folder is, so that
	 * nothing else wakes the loop. */
	if (fd < 0 || inotify_add_watch(fd, dir, IN_MOVED_TO | IN_ONLYDIR) < 0) {
		error = errno;
	}
	if (error != 0 && fd >= 0) {
		(void)close(fd);
	}
	if (error != 0) {
		log_debug("takeover_not_watched",
		    KV("reason", (const char *)strerror(error)),
		    KV("effect", "it is looked for at the watchdog's checks"));
		return;
	}
	ear->inotify = fd;
	ear->fd = loop_fd_add_seldom(loop, fd, &events, ear);
}

struct takeover_ear *
takeover_ear_new(struct loop *loop, const char *dir,
    void (*asked)(void *ctx, const char *by, mono_ns now), void *ctx)
{
	struct takeover_ear *ear = xzalloc(sizeof *ear);

	ear->asked = asked;
	ear->ctx = ctx;
	ear->dir_fd = open_folder(dir);
	if (ear->dir_fd >= 0) {
		watch(ear, loop, dir);
	}
	return ear;
}

void
takeover_ear_free(struct takeover_ear *owned_ear)
{
	if (!owned_ear) {
		return;
	}
	owned_ear->asked = NULL;
	if (owned_ear->fd) {
		loop_fd_close(owned_ear->fd);
	} else {
		free_ear(owned_ear);
	}
}
