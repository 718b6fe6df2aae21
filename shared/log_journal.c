#include "log_journal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

int
log_journal_open(void)
{
	return socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
}

/* The journal takes no file that could still change under its eyes. */
static int
sealed_copy(const char *entry, size_t size)
{
	int fd = memfd_create("gwbot-log", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd >= 0 &&
	    (write(fd, entry, size) != (ssize_t)size ||
		fcntl(fd, F_ADD_SEALS,
		    F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL) != 0)) {
		(void)close(fd);
		fd = -1;
	}
	return fd;
}

/* As "Native Journal Protocol" asks: the descriptor alone, without a byte beside it. */
static bool
send_file(int fd, struct sockaddr_un *address, int file)
{
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof file)] = {0};
	struct msghdr message = {
	    .msg_name = address,
	    .msg_namelen = sizeof *address,
	    .msg_control = control,
	    .msg_controllen = sizeof control,
	};
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);

	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(sizeof file);
	memcpy(CMSG_DATA(header), &file, sizeof file);
	return sendmsg(fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0;
}

/* The socket is never connected, so that a journal that was restarted is found again.
 */
bool
log_journal_send(int fd, const char *path, const char *entry, size_t size)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	(void)snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
	if (sendto(fd, entry, size, MSG_DONTWAIT | MSG_NOSIGNAL,
		(const struct sockaddr *)&address, sizeof address) == (ssize_t)size) {
		return true;
	}
	/* ENOBUFS: the kernel has no such piece of memory at hand. */
	if (errno != EMSGSIZE && errno != ENOBUFS) {
		return false;
	}
	int file = sealed_copy(entry, size);

	if (file < 0) {
		return false;
	}
	bool sent = send_file(fd, &address, file);

	(void)close(file);
	return sent;
}

bool
log_journal_reads(int fd, const char *stream)
{
	char own[48];
	struct stat status;

	if (!stream || fstat(fd, &status) != 0) {
		return false;
	}
	(void)snprintf(own, sizeof own, "%llu:%llu", (unsigned long long)status.st_dev,
	    (unsigned long long)status.st_ino);
	return strcmp(own, stream) == 0;
}
