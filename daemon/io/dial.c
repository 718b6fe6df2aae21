#include "dial.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

/* A peer that vanished is given up after 90 s even where nobody sends: 45 s of silence,
 * then 3 probes.  The gateway's heartbeat is faster; this is the net below it. */
#define KEEPALIVE_IDLE_S     45
#define KEEPALIVE_INTERVAL_S 15
#define KEEPALIVE_PROBES     3
#define USER_TIMEOUT_MS      90000

static void
set_options(int fd)
{
	static const struct {
		int level;
		int name;
		int value;
	} options[] = {
	    {IPPROTO_TCP, TCP_NODELAY, 1},
	    {SOL_SOCKET, SO_KEEPALIVE, 1},
	    {IPPROTO_TCP, TCP_KEEPIDLE, KEEPALIVE_IDLE_S},
	    {IPPROTO_TCP, TCP_KEEPINTVL, KEEPALIVE_INTERVAL_S},
	    {IPPROTO_TCP, TCP_KEEPCNT, KEEPALIVE_PROBES},
	    {IPPROTO_TCP, TCP_USER_TIMEOUT, USER_TIMEOUT_MS},
	};

	/* All are extras: a system without one still connects. */
	for (size_t i = 0; i < sizeof options / sizeof options[0]; i++) {
		(void)setsockopt(fd, options[i].level, options[i].name,
		    &options[i].value, sizeof options[i].value);
	}
}

int
dial_tcp(const char *address, uint16_t port)
{
	struct addrinfo hints = {
	    .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV,
	    .ai_socktype = SOCK_STREAM,
	};
	struct addrinfo *found = NULL;
	char service[8];

	(void)snprintf(service, sizeof service, "%u", (unsigned)port);
	/* Numeric only: asks nobody, so it does not block. */
	if (getaddrinfo(address, service, &hints, &found) != 0) {
		errno = EINVAL;
		return -1;
	}
	int fd = socket(found->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC,
	    IPPROTO_TCP);
	int error = fd < 0 ? errno : 0;

	if (fd >= 0) {
		set_options(fd);
		if (connect(fd, found->ai_addr, found->ai_addrlen) != 0 &&
		    errno != EINPROGRESS) {
			error = errno;
			(void)close(fd);
			fd = -1;
		}
	}
	freeaddrinfo(found);
	errno = error;
	return fd;
}
