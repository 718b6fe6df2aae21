#include "control_socket.h"

#include "buf.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define LISTEN_BACKLOG SOMAXCONN /* a burst of clients is no reason for EAGAIN */

/* Where the reason of a failure goes. */
struct reason {
	char *text;
	size_t room;
};

static enum gw_err fail(const struct reason *why, enum gw_err err, const char *format,
    ...) __attribute__((format(printf, 3, 4)));

static enum gw_err
fail(const struct reason *why, enum gw_err err, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	(void)vsnprintf(why->text, why->room, format, args);
	va_end(args);
	return err;
}

/* fail() with errno. */
static enum gw_err
fail_errno(const struct reason *why, const char *what, const char *path)
{
	int number = errno;

	return fail(why, err_from_errno(number), "%s %s: %s", what, path,
	    strerror(number));
}

void
control_socket_init(struct control_socket *socket)
{
	*socket = (struct control_socket){.lock = -1};
}

bool
control_socket_folder(const char *path, char out[CONTROL_PATH_MAX_BYTES + 1])
{
	const char *slash = strrchr(path, '/');
	size_t size = slash ? (size_t)(slash - path) : 0;
	struct slice folder =
	    slash ? (struct slice){path, size ? size : 1} : SLICE_LITERAL(".");

	return slice_copy(folder, out, CONTROL_PATH_MAX_BYTES + 1);
}

/* Whoever owns the folder can replace the socket: that must be us or root. */
static enum gw_err
check_folder(int fd, const char *folder, const struct reason *why)
{
	struct stat st;

	if (fstat(fd, &st) != 0) {
		return fail_errno(why, "cannot look at", folder);
	}
	if (st.st_uid != 0 && st.st_uid != geteuid()) {
		return fail(why, GW_ERR_PERMISSION,
		    "the folder %s belongs to uid %u, not to this user (uid %u) or "
		    "root",
		    folder, (unsigned)st.st_uid, (unsigned)geteuid());
	}
	if ((st.st_mode & S_IWOTH) && !(st.st_mode & S_ISVTX)) {
		return fail(why, GW_ERR_PERMISSION,
		    "everybody may write to the folder %s: chmod o-w it", folder);
	}
	return GW_OK;
}

static enum gw_err
prepare_folder(const char *path, const struct reason *why)
{
	char folder[CONTROL_PATH_MAX_BYTES + 1];
	const int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;

	(void)control_socket_folder(path, folder); /* a longer path was refused */
	bool made = mkdir(folder, 0755) == 0;
	int number = made ? 0 : errno;
	int fd = open(folder, flags);

	if (fd < 0 && errno == ENOENT) {
		errno = number;
		return fail_errno(why, "cannot make the folder", folder);
	}
	if (fd < 0) {
		return fail_errno(why, "cannot use the folder", folder);
	}
	/* The mode asked of mkdir() was narrowed by the umask. */
	enum gw_err err = made && fchmod(fd, 0755) != 0 ?
	    fail_errno(why, "cannot set the mode of", folder) :
	    check_folder(fd, folder, why);

	(void)close(fd);
	return err;
}

static bool
same_file(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

/* Takes the lock beside the socket, or keeps the one held where its file is there. */
static enum gw_err
take_lock(struct control_socket *socket, const char *path, const struct reason *why)
{
	char name[CONTROL_PATH_MAX_BYTES + sizeof ".lock"];
	struct stat held;
	struct stat there;

	(void)snprintf(name, sizeof name, "%s.lock", path);
	if (socket->lock >= 0 && fstat(socket->lock, &held) == 0 &&
	    lstat(name, &there) == 0 && same_file(&held, &there)) {
		return GW_OK;
	}
	int fd = open(name, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);

	if (fd < 0) {
		return fail_errno(why, "cannot open the lock file", name);
	}
	if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
		enum gw_err err = errno == EWOULDBLOCK ?
		    fail(why, GW_ERR_BUSY,
			"another gwbotd holds %s: stop it first, or give this one its "
			"own control socket and state folder",
			name) :
		    fail_errno(why, "cannot lock", name);

		(void)close(fd);
		return err;
	}
	if (socket->lock >= 0) {
		(void)close(socket->lock);
	}
	socket->lock = fd;
	return GW_OK;
}

static struct sockaddr_un
address_of(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	(void)snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
	return address;
}

/* GW_OK: nobody listens there.  A full backlog (EAGAIN) means that somebody does. */
static enum gw_err
probe(const char *path, const struct reason *why)
{
	struct sockaddr_un address = address_of(path);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0) {
		return fail_errno(why, "cannot make a socket for", path);
	}
	bool answered = connect(fd, (struct sockaddr *)&address, sizeof address) == 0 ||
	    errno == EAGAIN;
	int number = answered ? 0 : errno;

	(void)close(fd);
	if (answered) {
		return fail(why, GW_ERR_BUSY,
		    "another gwbotd answers on %s: stop it first, or give this one its "
		    "own control socket and state folder",
		    path);
	}
	errno = number;
	return number == ECONNREFUSED || number == ENOENT ?
	    GW_OK :
	    fail_errno(why, "cannot ask who listens on", path);
}

/* Clears the path of a dead daemon's socket; leaves everything else where it is. */
static enum gw_err
clear_path(const char *path, const struct reason *why)
{
	struct stat st;

	if (lstat(path, &st) != 0) {
		return errno == ENOENT ? GW_OK :
					 fail_errno(why, "cannot look at", path);
	}
	if (!S_ISSOCK(st.st_mode)) {
		return fail(why, GW_ERR_EXISTS,
		    "%s is there and is no socket: remove it, or set another path",
		    path);
	}
	enum gw_err err = probe(path, why);

	if (err == GW_OK && unlink(path) != 0 && errno != ENOENT) {
		err = fail_errno(why, "cannot remove the stale", path);
	}
	return err;
}

static enum gw_err
listen_on(struct control_socket *socket_file, const char *path, int *out,
    const struct reason *why)
{
	struct sockaddr_un address = address_of(path);
	struct stat st;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0) {
		return fail_errno(why, "cannot make a socket for", path);
	}
	/* The mode of a socket file comes from the umask alone: 0777 less 0117. */
	mode_t before = umask(0117);
	bool bound = bind(fd, (struct sockaddr *)&address, sizeof address) == 0;
	int number = errno;

	(void)umask(before);
	errno = number;
	if (!bound || listen(fd, LISTEN_BACKLOG) != 0 || lstat(path, &st) != 0) {
		enum gw_err err = fail_errno(why, "cannot listen on", path);

		(void)close(fd);
		return err;
	}
	socket_file->device = st.st_dev;
	socket_file->inode = st.st_ino;
	*out = fd;
	return GW_OK;
}

enum gw_err
control_socket_open(struct control_socket *socket, const char *path, int *fd, char *why,
    size_t room)
{
	struct reason reason = {.room = room};
	size_t size = strlen(path);

	reason.text = why;
	if (size == 0 || size > CONTROL_PATH_MAX_BYTES) {
		return fail(&reason, GW_ERR_RANGE,
		    "the path of the control socket has %zu bytes; 1 to %d are "
		    "possible: "
		    "%s",
		    size, CONTROL_PATH_MAX_BYTES, path);
	}
	enum gw_err err = prepare_folder(path, &reason);

	if (err == GW_OK) {
		err = take_lock(socket, path, &reason);
	}
	if (err == GW_OK) {
		err = clear_path(path, &reason);
	}
	if (err == GW_OK) {
		err = listen_on(socket, path, fd, &reason);
	}
	if (err == GW_OK && path != socket->path) {
		(void)snprintf(socket->path, sizeof socket->path, "%s", path);
	}
	return err;
}

bool
control_socket_is_ours(const struct control_socket *socket)
{
	struct stat st;

	return socket->path[0] && lstat(socket->path, &st) == 0 &&
	    st.st_dev == socket->device && st.st_ino == socket->inode;
}

void
control_socket_fini(struct control_socket *socket)
{
	if (control_socket_is_ours(socket)) {
		(void)unlink(socket->path);
	}
	if (socket->lock >= 0) {
		(void)close(socket->lock); /* its file stays: removing it would race */
	}
	control_socket_init(socket);
}
