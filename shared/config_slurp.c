/* Reading a small regular file that may turn out to be anything else. */
#include "config_private.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static enum gw_err
refuse(enum gw_err err, char *reason, const char *text)
{
	(void)snprintf(reason, CONFIG_REASON_ROOM, "%s", text);
	return err;
}

static enum gw_err
check_kind(const struct stat *status, size_t max_bytes, char reason[CONFIG_REASON_ROOM])
{
	if (S_ISDIR(status->st_mode)) {
		return refuse(GW_ERR_TYPE, reason, "is a folder, not a file");
	}
	if (!S_ISREG(status->st_mode)) {
		return refuse(GW_ERR_TYPE, reason, "is not a regular file");
	}
	if (status->st_size > (off_t)max_bytes) {
		(void)snprintf(reason, CONFIG_REASON_ROOM,
		    "has %lld bytes, %zu are allowed", (long long)status->st_size,
		    max_bytes);
		return GW_ERR_TOO_LARGE;
	}
	return GW_OK;
}

static enum gw_err
read_all(int fd, struct buf *out, char reason[CONFIG_REASON_ROOM])
{
	for (;;) {
		char chunk[8192];
		ssize_t size = read(fd, chunk, sizeof chunk);

		if (size == 0) {
			return GW_OK;
		}
		if (size < 0 && errno == EINTR) {
			continue;
		}
		if (size < 0) {
			return refuse(GW_ERR_IO, reason, strerror(errno));
		}
		/* It may have grown since fstat(). */
		enum gw_err err = buf_append(out, chunk, (size_t)size);

		explicit_bzero(chunk, (size_t)size);
		if (err != GW_OK) {
			return refuse(err, reason, err_text(err));
		}
	}
}

enum gw_err
config_slurp(const char *path, size_t max_bytes, struct buf *out, struct stat *status,
    char reason[CONFIG_REASON_ROOM])
{
	/* O_NONBLOCK: opening a fifo without a writer would wait for one. */
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);

	if (fd < 0) {
		(void)snprintf(reason, CONFIG_REASON_ROOM, "cannot be read: %s",
		    strerror(errno));
		return err_from_errno(errno);
	}
	enum gw_err err = GW_OK;

	if (fstat(fd, status) != 0) {
		err = refuse(err_from_errno(errno), reason, strerror(errno));
	}
	if (err == GW_OK) {
		err = check_kind(status, max_bytes, reason);
	}
	if (err == GW_OK) {
		err = read_all(fd, out, reason);
	}
	(void)close(fd);
	return err;
}
