#include "drain.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <unistd.h>

#include "xalloc.h"

#define SOCKETS_MAX 32
#define BYTES_MAX   (1U << 20)
#define DEADLINE    CLOCK_S(2)

struct kept {
	TAILQ_ENTRY(kept) link;
	struct drain *drain; /* NULL: the pool is gone */
	struct loop_fd *handle;
	int fd;
	mono_ns deadline;
	size_t bytes;
};

struct drain {
	struct loop *loop;
	TAILQ_HEAD(kept_list, kept) sockets; /* the earliest deadline first */
	unsigned count;
	struct loop_timer *timer;
};

static void
kept_detach(struct kept *kept)
{
	struct drain *drain = kept->drain;

	if (drain) {
		TAILQ_REMOVE(&drain->sockets, kept, link);
		drain->count--;
		kept->drain = NULL;
	}
}

static void
kept_ready(void *ctx, mono_ns now)
{
	struct kept *kept = ctx;
	char scratch[16384];
	ssize_t got = recv(kept->fd, scratch, sizeof scratch, MSG_DONTWAIT);

	(void)now;
	if (got < 0 && (errno == EAGAIN || errno == EINTR)) {
		return;
	}
	kept->bytes += got > 0 ? (size_t)got : 0;
	if (got <= 0 || kept->bytes > BYTES_MAX) {
		kept_detach(kept);
		loop_fd_close(kept->handle);
	}
}

static void
kept_gone(void *ctx)
{
	struct kept *kept = ctx;

	kept_detach(kept);
	free(kept);
}

static void
on_deadline(void *ctx, mono_ns now)
{
	struct drain *drain = ctx;
	struct kept *kept;

	while ((kept = TAILQ_FIRST(&drain->sockets)) && kept->deadline <= now) {
		kept_detach(kept);
		loop_fd_close(kept->handle);
	}
	loop_timer_arm(drain->timer, kept ? kept->deadline : CLOCK_NEVER);
}

struct drain *
drain_new(struct loop *loop)
{
	struct drain *drain = xzalloc(sizeof *drain);

	drain->loop = loop;
	drain->timer = loop_timer_new(loop, on_deadline, drain);
	TAILQ_INIT(&drain->sockets);
	return drain;
}

void
drain_free(struct drain *owned_drain)
{
	struct kept *kept;

	if (!owned_drain) {
		return;
	}
	while ((kept = TAILQ_FIRST(&owned_drain->sockets))) {
		kept_detach(kept);
		loop_fd_close(kept->handle);
	}
	loop_timer_free(owned_drain->timer);
	free(owned_drain);
}

void
drain_keep(struct drain *drain, int fd, mono_ns now)
{
	static const struct loop_fd_events drain_events = {kept_ready, kept_gone};
	int copy = drain->count < SOCKETS_MAX ? fcntl(fd, F_DUPFD_CLOEXEC, 3) : -1;

	if (copy < 0) {
		return;
	}
	struct kept *kept = xzalloc(sizeof *kept);

	(void)shutdown(copy, SHUT_WR);
	kept->fd = copy;
	kept->deadline = now + DEADLINE;
	kept->handle = loop_fd_add(drain->loop, copy, &drain_events, kept);
	if (!kept->handle) {
		free(kept);
		return;
	}
	kept->drain = drain;
	TAILQ_INSERT_TAIL(&drain->sockets, kept, link);
	if (drain->count++ == 0) {
		loop_timer_arm(drain->timer, kept->deadline);
	}
}
