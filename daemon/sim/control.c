#include "control.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "commands.h"
#include "xalloc.h"

#define LINE_MAX_BYTES ((size_t)8 << 20)
#define OUT_MAX_BYTES  ((size_t)16 << 20)
#define READ_BYTES     ((size_t)16 << 10)
#define PEERS_MAX      32

struct peer {
	struct peer *next;
	struct control *control;
	struct loop_watch watch;
	struct buf in;
	struct buf out;
	bool fin;
	bool dead;
};

struct control {
	struct sim *sim;
	struct loop_watch listener;
	struct sockaddr_un address;
	struct peer *peers;
	int peer_count;
};

static void
die(struct peer *peer)
{
	if (!peer->dead) {
		peer->dead = true;
		loop_arm(&peer->control->sim->loop, &peer->watch, 0);
		(void)close(peer->watch.fd);
		peer->control->peer_count--;
	}
}

static void
flush(struct peer *peer)
{
	while (!peer->dead && peer->out.size > 0) {
		ssize_t done =
		    send(peer->watch.fd, peer->out.data, peer->out.size, MSG_NOSIGNAL);

		if (done < 0 && errno == EAGAIN) {
			break;
		}
		if (done < 0) {
			die(peer);
			return;
		}
		buf_consume(&peer->out, (size_t)done);
	}
	if (peer->dead) {
		return;
	}
	if (peer->fin && peer->out.size == 0) {
		die(peer);
		return;
	}
	uint32_t in = peer->fin || peer->out.size > 0 ? 0 : EPOLLIN;

	loop_arm(&peer->control->sim->loop, &peer->watch,
	    in | (peer->out.size > 0 ? EPOLLOUT : 0));
}

static void
run_line(struct peer *peer, const char *line)
{
	struct jsonw answer;

	jsonw_init(&answer, OUT_MAX_BYTES);
	commands_run(peer->control->sim, line, &answer);
	jsonw_raw(&answer, "\n");
	if (answer.err != GW_OK ||
	    buf_append(&peer->out, answer.buf.data, answer.buf.size) != GW_OK) {
		die(peer);
	}
	jsonw_fini(&answer);
}

static void
run_lines(struct peer *peer)
{
	char *end = NULL;

	while (!peer->dead && peer->in.size > 0 &&
	    (end = memchr(peer->in.data, '\n', peer->in.size))) {
		size_t size = (size_t)(end - peer->in.data);
		char *line = xstrndup(peer->in.data, size);

		buf_consume(&peer->in, size + 1);
		if (size > 0 && line[size - 1] == '\r') {
			line[size - 1] = '\0';
		}
		run_line(peer, line);
		free(line);
	}
}

static void
on_peer(struct loop_watch *watch, uint32_t events)
{
	struct peer *peer = watch->owner;

	if (events & EPOLLOUT) {
		flush(peer);
	}
	while (!peer->dead && !peer->fin && peer->out.size == 0) {
		if (buf_reserve(&peer->in, READ_BYTES) != GW_OK) {
			die(peer);
			return;
		}
		ssize_t size =
		    recv(watch->fd, peer->in.data + peer->in.size, READ_BYTES, 0);

		if (size < 0 && errno != EAGAIN) {
			die(peer);
			return;
		}
		if (size < 0) {
			break;
		}
		peer->fin = size == 0;
		peer->in.size += (size_t)size;
		peer->control->sim->active_at = peer->control->sim->now;
		run_lines(peer);
	}
	if (!peer->dead) {
		flush(peer);
	}
}

static void
on_accept(struct loop_watch *watch, uint32_t events)
{
	struct control *control = watch->owner;
	int fd = accept4(watch->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

	(void)events;
	if (fd < 0) {
		return;
	}
	if (control->peer_count == PEERS_MAX) {
		(void)close(fd);
		return;
	}
	struct peer *peer = xzalloc(sizeof *peer);

	*peer = (struct peer){.next = control->peers,
	    .control = control,
	    .watch = {.fd = fd, .ready = on_peer, .owner = peer}};
	buf_init(&peer->in, LINE_MAX_BYTES);
	buf_init(&peer->out, OUT_MAX_BYTES);
	control->peers = peer;
	control->peer_count++;
	loop_arm(&control->sim->loop, &peer->watch, EPOLLIN);
}

/* True where somebody answers at the address. */
static bool
is_served(const struct sockaddr_un *address)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0) {
		return false;
	}
	bool served =
	    connect(fd, (const struct sockaddr *)address, sizeof *address) == 0;

	(void)close(fd);
	return served;
}

static int
bind_socket(const struct sockaddr_un *address)
{
	struct stat there;

	if (lstat(address->sun_path, &there) == 0) {
		if (!S_ISSOCK(there.st_mode)) {
			errno = EEXIST;
			return -1;
		}
		if (is_served(address)) {
			errno = EADDRINUSE;
			return -1;
		}
		(void)unlink(address->sun_path);
	}
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	mode_t before = umask(0177);
	bool good =
	    fd >= 0 && bind(fd, (const struct sockaddr *)address, sizeof *address) == 0;
	int saved = errno;

	(void)umask(before);
	if (good && listen(fd, 16) == 0) {
		return fd;
	}
	if (fd >= 0) {
		(void)close(fd);
	}
	errno = saved;
	return -1;
}

struct control *
control_new(struct sim *sim, const char *path)
{
	struct control *control = xzalloc(sizeof *control);

	control->sim = sim;
	control->address.sun_family = AF_UNIX;
	if (!slice_copy(slice_of(path), control->address.sun_path,
		sizeof control->address.sun_path)) {
		(void)fprintf(stderr, "gwsim: --control: path over %zu characters\n",
		    sizeof control->address.sun_path - 1);
		free(control);
		return NULL;
	}
	int fd = bind_socket(&control->address);

	if (fd < 0) {
		(void)fprintf(stderr, "gwsim: --control: %s: %s\n", path,
		    errno == EADDRINUSE ? "another gwsim lives there" :
					  strerror(errno));
		free(control);
		return NULL;
	}
	control->listener =
	    (struct loop_watch){.fd = fd, .ready = on_accept, .owner = control};
	loop_arm(&sim->loop, &control->listener, EPOLLIN);
	return control;
}

void
control_sweep(struct control *control)
{
	struct peer **link = control ? &control->peers : NULL;

	while (link && *link) {
		struct peer *peer = *link;

		if (peer->dead) {
			*link = peer->next;
			buf_fini(&peer->in);
			buf_fini(&peer->out);
			free(peer);
		} else {
			link = &peer->next;
		}
	}
}

void
control_free(struct control *owned_control)
{
	if (!owned_control) {
		return;
	}
	for (struct peer *peer = owned_control->peers; peer; peer = peer->next) {
		die(peer);
	}
	control_sweep(owned_control);
	loop_arm(&owned_control->sim->loop, &owned_control->listener, 0);
	(void)close(owned_control->listener.fd);
	(void)unlink(owned_control->address.sun_path);
	free(owned_control);
}
