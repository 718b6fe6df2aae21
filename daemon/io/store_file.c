#include "store_file.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "paths.h"
#include "xalloc.h"

#define EXIT_INTERNAL 70 /* contract, section 4 */

/* ---- a disk that fails under the mapping ---- */

/* The file system took the page away (a truncated file, a failing disk): the stored
 * sequence cannot be kept, and going on would fault again. */
static void
on_bus_error(int number)
{
	static const char text[] = "gwbotd: a file of the state folder was cut or its "
				   "disk failed; look at the disk, the next start "
				   "resumes the sessions (exit status 70)\n";
	ssize_t ignored = write(STDERR_FILENO, text, sizeof text - 1);

	(void)number;
	(void)ignored;
	_exit(EXIT_INTERNAL);
}

static void
catch_bus_errors(void)
{
	struct sigaction action = {.sa_handler = on_bus_error};

	(void)sigaction(SIGBUS, &action, NULL);
}

/* ---- the folder ---- */

__attribute__((format(printf, 2, 3))) static void
set_problem(struct store_folder *folder, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	(void)vsnprintf(folder->problem, sizeof folder->problem, format, args);
	va_end(args);
}

static void
open_folder(struct store_folder *folder, const char *dir)
{
	enum gw_err err = paths_make_private(dir);

	if (err != GW_OK) {
		set_problem(folder, "%s cannot be used as the state folder: %s", dir,
		    err == GW_ERR_PERMISSION ?
			"no permission, or it is a link or open to others" :
			err_text(err));
		return;
	}
	folder->dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (folder->dir_fd < 0) {
		set_problem(folder, "%s cannot be opened: %s", dir, strerror(errno));
		return;
	}
}

static enum gw_err
lock_folder(struct store_folder *folder, const char *dir)
{
	if (folder->problem[0] != '\0') {
		return GW_OK;
	}
	folder->lock_fd = openat(folder->dir_fd, STORE_LOCK_NAME,
	    O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (folder->lock_fd < 0) {
		set_problem(folder, "%s/lock cannot be opened: %s", dir,
		    strerror(errno));
		return GW_OK;
	}
	if (flock(folder->lock_fd, LOCK_EX | LOCK_NB) == 0) {
		return GW_OK;
	}
	if (errno == EWOULDBLOCK) {
		return GW_ERR_BUSY;
	}
	set_problem(folder, "%s/lock cannot be locked: %s", dir, strerror(errno));
	return GW_OK;
}

enum gw_err
store_folder_open(struct store_folder *folder, const char *dir)
{
	*folder = (struct store_folder){.dir_fd = -1, .lock_fd = -1};
	open_folder(folder, dir);
	enum gw_err err = lock_folder(folder, dir);

	if (err == GW_OK) {
		catch_bus_errors();
		folder->usable = folder->problem[0] == '\0';
	}
	return err;
}

void
store_folder_release(struct store_folder *folder, const char *why)
{
	folder->usable = false;
	set_problem(folder, "%s", why);
	if (folder->lock_fd >= 0) {
		(void)close(folder->lock_fd);
		folder->lock_fd = -1;
	}
}

void
store_folder_close(struct store_folder *folder)
{
	if (folder->lock_fd >= 0) {
		(void)close(folder->lock_fd);
	}
	if (folder->dir_fd >= 0) {
		(void)close(folder->dir_fd);
	}
}

/* ---- files ---- */

/* 0, or an errno. */
static int
map_file(struct store_folder *folder, struct store_file *file)
{
	struct stat info;
	int fd = openat(folder->dir_fd, file->name,
	    O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);

	if (fd < 0) {
		return errno;
	}
	if (fstat(fd, &info) != 0 || !S_ISREG(info.st_mode) ||
	    info.st_uid != geteuid()) {
		(void)close(fd);
		return EPERM;
	}
	/* Session ids are as good as the token for some minutes. */
	(void)fchmod(fd, 0600);
	/* Blocks that exist cannot run out under the mapping. */
	int error = posix_fallocate(fd, 0, (off_t)file->size);
	void *bytes = error == 0 ?
	    mmap(NULL, file->size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) :
	    MAP_FAILED;

	if (bytes == MAP_FAILED) {
		error = error != 0 ? error : errno;
		(void)close(fd);
		return error;
	}
	file->fd = fd;
	file->bytes = bytes;
	return 0;
}

void
store_file_map(struct store_folder *folder, struct store_file *file, const char *name,
    size_t size)
{
	*file = (struct store_file){.fd = -1, .size = size};
	(void)snprintf(file->name, sizeof file->name, "%s", name);
	if (folder->usable) {
		int error = map_file(folder, file);

		if (error == 0) {
			return;
		}
		set_problem(folder, "%s cannot be used: %s", file->name,
		    error == EPERM ? "not a regular file of ours" : strerror(error));
	}
	file->bytes = xzalloc(size);
}

void
store_file_release(struct store_file *file)
{
	if (!file->bytes || file->fd < 0) {
		return;
	}
	/* At the same place, since others hold pointers into it. */
	uint8_t *kept = xzalloc(file->size);

	memcpy(kept, file->bytes, file->size);
	xpages_at(file->bytes, file->size);
	memcpy(file->bytes, kept, file->size);
	free(kept);
	(void)close(file->fd);
	file->fd = -1;
	file->released = true;
}

void
store_file_unmap(struct store_file *file)
{
	if (!file->bytes) {
		return;
	}
	if (file->released) {
		(void)munmap(file->bytes, file->size);
		return;
	}
	if (file->fd < 0) {
		free(file->bytes);
		return;
	}
	(void)munmap(file->bytes, file->size);
	(void)close(file->fd);
}

void
store_file_keep_aside(const struct store_folder *folder, const struct store_file *file)
{
	char name[sizeof file->name + 8];

	if (file->fd < 0) {
		return;
	}
	(void)snprintf(name, sizeof name, "%s.bad", file->name);
	int fd = openat(folder->dir_fd, name,
	    O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (fd >= 0) {
		ssize_t ignored = write(fd, file->bytes, file->size);

		(void)ignored;
		(void)close(fd);
	}
}

void
store_file_write_again(const struct store_file *file)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	for (size_t at = 0; at < file->size; at += page) {
		volatile uint8_t *byte = &file->bytes[at];

		/* cppcheck-suppress selfAssignment ; the store itself is what counts */
		*byte = *byte;
	}
}
