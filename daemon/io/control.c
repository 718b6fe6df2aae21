#include "control.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "control_socket.h"
#include "log.h"
#include "xalloc.h"

#define ACCEPTS_A_TURN  32
#define REQUESTS_A_TURN 16 /* then the other descriptors have their turn */

/* A peer is open, or lingers (its last answer is written, what it still sends is thrown
 * away until it hangs up), or is dead (the loop closes it in its next turn). */
enum peer_state {
	PEER_OPEN,
	PEER_LINGERING,
	PEER_DEAD,
};

struct peer {
	struct control *control; /* NULL once that is freed */
	struct peer *next;
	struct loop_fd *handle;
	int fd;
	enum peer_state state;
	struct control_peer who;
	struct rpc_lines lines;
	struct buf out;
	size_t sent;               /* bytes of out that the kernel has */
	struct control_call *call; /* the request that waits for its answer */
	bool stepping;             /* inside peer_step() */
	bool ended;                /* it will send no more */
	mono_ns active_at;
	mono_ns deadline; /* of its present wait; CLOCK_NEVER while idle */
};

struct control_call {
	struct peer *peer; /* NULL once it is gone */
	struct control_peer who;
	struct rpc_request request;
};

/* Outlives struct control until the loop has closed the descriptor. */
struct listener {
	struct control *control;
	struct loop_fd *handle;
	int fd;
};

struct control {
	struct control_options options;
	char *path;
	struct control_socket file;
	struct listener *listener;
	struct loop_timer *timer;
	struct peer *peers;
	unsigned count; /* of peers that are not dead */
	int spare;      /* given up to accept and refuse when descriptors run out */
	bool paused;    /* not even the spare one is left */
	bool told;      /* that the socket cannot be made again */
	uint64_t refused;
	mono_ns check_at;
};

static void peer_step(struct peer *peer, mono_ns now);

/* ---- deadlines ---- */

static void
arm(struct control *control)
{
	mono_ns at = control->check_at;

	for (const struct peer *peer = control->peers; peer; peer = peer->next) {
		if (peer->state != PEER_DEAD && peer->deadline < at) {
			at = peer->deadline;
		}
	}
	loop_timer_arm(control->timer, at);
}

/* ---- peers ---- */

static bool
has_unsent(const struct peer *peer)
{
	return peer->out.size > peer->sent;
}

static void
kill_peer(struct peer *peer)
{
	if (peer->state == PEER_DEAD) {
		return;
	}
	peer->state = PEER_DEAD;
	if (peer->call) {
		peer->call->peer = NULL;
		peer->call = NULL;
	}
	if (peer->control) {
		peer->control->count--;
	}
	if (peer->handle) {
		loop_fd_close(peer->handle);
	}
}

static void
peer_gone(void *ctx)
{
	struct peer *peer = ctx;
	struct peer **link = peer->control ? &peer->control->peers : NULL;

	peer->handle = NULL;
	kill_peer(peer);
	while (link && *link && *link != peer) {
		link = &(*link)->next;
	}
	if (link && *link) {
		*link = peer->next;
	}
	rpc_lines_fini(&peer->lines);
	buf_fini(&peer->out);
	free(peer);
}

/* Hands the kernel what it takes.  False when the peer is gone. */
static bool
flush(struct peer *peer, mono_ns now)
{
	while (has_unsent(peer)) {
		ssize_t sent = send(peer->fd, peer->out.data + peer->sent,
		    peer->out.size - peer->sent, MSG_NOSIGNAL | MSG_DONTWAIT);

		if (sent < 0 && errno == EINTR) {
			continue;
		}
		if (sent < 0 && errno == EAGAIN) {
			loop_fd_want_write(peer->handle);
			return true;
		}
		if (sent < 0) {
			return false;
		}
		peer->sent += (size_t)sent;
		peer->active_at = now;
		peer->deadline = now + CONTROL_STALL_TIME;
	}
	peer->sent = 0;
	buf_clear(&peer->out);
	buf_shrink(&peer->out, RPC_FEED_MAX_BYTES);
	return true;
}

/* The last answer stands in out: the peer may read it, then it has to go. */
static void
begin_linger(struct peer *peer, mono_ns now)
{
	peer->state = PEER_LINGERING;
	peer->deadline = now + CONTROL_LINGER_TIME;
}

static void
refuse(struct peer *peer, enum rpc_error error, mono_ns now)
{
	const struct rpc_failure failure = {.error = error};

	(void)rpc_write_error(&peer->out, NULL, &failure);
	begin_linger(peer, now);
}

/* Gives a call its answer: result, or else failure. */
static void
finish(struct control_call *owned_call, struct json *owned_result,
    const struct rpc_failure *failure)
{
	struct peer *peer = owned_call->peer;
	const struct rpc_request *request = &owned_call->request;

	if (!peer) {
		json_free(owned_result);
	} else if (owned_result) {
		static const struct rpc_failure too_large = {RPC_ERR_INTERNAL,
		    "the answer is too large", NULL};

		if (rpc_write_result(&peer->out, request, owned_result) != GW_OK) {
			(void)rpc_write_error(&peer->out, request, &too_large);
		}
	} else {
		(void)rpc_write_error(&peer->out, request, failure);
	}
	rpc_request_fini(&owned_call->request);
	free(owned_call);
	if (!peer) {
		return;
	}
	peer->call = NULL;
	mono_ns now = clock_now();

	peer->active_at = now;
	peer->deadline = now + CONTROL_STALL_TIME;
	if (!flush(peer, now)) {
		kill_peer(peer);
	} else if (!peer->stepping) {
		loop_fd_kick(peer->handle); /* for what it sent in the meantime */
	}
}

static bool
is_blank(struct slice line)
{
	for (size_t i = 0; i < line.size; i++) {
		if (line.data[i] != ' ' && line.data[i] != '\t') {
			return false;
		}
	}
	return true;
}

static void
serve_line(struct peer *peer, struct slice line, mono_ns now)
{
	struct control *control = peer->control;
	struct rpc_request request;

	peer->active_at = now;
	peer->deadline = CLOCK_NEVER;
	if (is_blank(line)) {
		return;
	}
	enum rpc_error error = rpc_request_parse(line, &request);

	if (error != RPC_OK) {
		const struct rpc_failure failure = {.error = error,
		    .text = request.problem};

		(void)rpc_write_error(&peer->out, &request, &failure);
		rpc_request_fini(&request);
		/* A peer that sends no JSON is not worth listening on. */
		if (error == RPC_ERR_PARSE) {
			begin_linger(peer, now);
		}
		return;
	}
	struct control_call *call = xzalloc(sizeof *call);

	*call = (struct control_call){peer, peer->who, request};
	peer->call = call;
	control->options.request(control->options.ctx, call, now);
}

/* Reads once.  False when there is nothing more to read now. */
static bool
receive(struct peer *peer, char *room, size_t *size)
{
	ssize_t got;

	*size = 0;
	if (peer->ended) {
		return false;
	}
	do {
		got = recv(peer->fd, room, RPC_FEED_MAX_BYTES, MSG_DONTWAIT);
	} while (got < 0 && errno == EINTR);
	if (got < 0 && errno == EAGAIN) {
		return false;
	}
	if (got <= 0) {
		peer->ended = true;
		if (got < 0) {
			kill_peer(peer); /* reset: what it began is void */
		}
		return got == 0;
	}
	*size = (size_t)got;
	return true;
}

/* Does one thing for an open peer.  False when it has to wait. */
static bool
advance(struct peer *peer, mono_ns now)
{
	struct slice line;
	enum gw_err err = peer->ended ? rpc_lines_take_last(&peer->lines, &line) :
					rpc_lines_take(&peer->lines, &line);

	if (err == GW_OK) {
		serve_line(peer, line, now);
		return true;
	}
	if (err == GW_ERR_NOT_FOUND) {
		char room[RPC_FEED_MAX_BYTES];
		size_t size;
		bool more = receive(peer, room, &size);

		if (rpc_lines_feed(&peer->lines, (struct slice){room, size}) == GW_OK) {
			return more;
		}
		err = GW_ERR_TOO_LARGE;
	}
	refuse(peer, err == GW_ERR_TOO_LARGE ? RPC_ERR_TOO_LARGE : RPC_ERR_PARSE, now);
	return true;
}

/* Throws away what a lingering peer sends.  False when it has hung up. */
static bool
discard(struct peer *peer)
{
	char room[RPC_FEED_MAX_BYTES];
	size_t size;

	for (int i = 0; i < REQUESTS_A_TURN; i++) {
		if (!receive(peer, room, &size)) {
			return !peer->ended;
		}
	}
	loop_fd_kick(peer->handle);
	return !peer->ended;
}

static void
serve(struct peer *peer, mono_ns now)
{
	for (int i = 0; i < REQUESTS_A_TURN; i++) {
		if (peer->state != PEER_OPEN || peer->call || has_unsent(peer)) {
			return;
		}
		if (!advance(peer, now)) {
			return;
		}
		if (!flush(peer, now)) {
			kill_peer(peer);
			return;
		}
	}
	loop_fd_kick(peer->handle);
}

/* True when the peer closed both directions: nobody is left to read an answer. */
static bool
has_hung_up(const struct peer *peer)
{
	struct pollfd pfd = {.fd = peer->fd};

	return poll(&pfd, 1, 0) > 0 && (pfd.revents & (POLLHUP | POLLERR | POLLNVAL));
}

/* What the peer waits for, and until when. */
static void
settle(struct peer *peer, mono_ns now)
{
	bool waits = peer->call || has_unsent(peer);

	if (peer->state == PEER_LINGERING) {
		if (!has_unsent(peer)) {
			(void)shutdown(peer->fd, SHUT_WR);
		}
		loop_fd_want_read(peer->handle, true);
		if (!discard(peer)) {
			kill_peer(peer);
		}
		return;
	}
	if (peer->ended && !waits && !rpc_lines_open(&peer->lines)) {
		kill_peer(peer);
		return;
	}
	loop_fd_want_read(peer->handle, !waits && !peer->ended);
	if (has_unsent(peer)) {
		return; /* flush() set the deadline */
	}
	if (peer->call || !rpc_lines_open(&peer->lines)) {
		peer->deadline = CLOCK_NEVER;
	} else if (peer->deadline == CLOCK_NEVER) {
		peer->deadline = now + CONTROL_LINE_TIME;
	}
}

static void
peer_step(struct peer *peer, mono_ns now)
{
	if (peer->state == PEER_DEAD || !peer->control) {
		return;
	}
	peer->stepping = true;
	if (!flush(peer, now) || (peer->call && has_hung_up(peer))) {
		kill_peer(peer);
	}
	serve(peer, now);
	if (peer->state != PEER_DEAD) {
		settle(peer, now);
	}
	peer->stepping = false;
	if (peer->control) {
		arm(peer->control);
	}
}

static void
peer_ready(void *ctx, mono_ns now)
{
	peer_step(ctx, now);
}

/* A peer whose wait is over. */
static void
expire(struct peer *peer, mono_ns now)
{
	if (peer->state == PEER_OPEN && !has_unsent(peer)) {
		refuse(peer, RPC_ERR_TIMEOUT, now);
		peer_step(peer, now);
	} else {
		kill_peer(peer);
	}
}

/* ---- new peers ---- */

static struct control_peer
credentials(int fd)
{
	struct ucred cred = {.uid = (uid_t)-1, .gid = (gid_t)-1};
	socklen_t size = sizeof cred;

	(void)getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &size);
	return (struct control_peer){cred.uid, cred.gid, cred.pid};
}

/* One line and a closed door, for a descriptor that becomes no peer. */
static void
turn_away(struct control *control, int fd)
{
	const struct rpc_failure failure = {.error = RPC_ERR_BUSY};
	struct buf out;

	buf_init(&out, 1024);
	(void)rpc_write_error(&out, NULL, &failure);
	(void)send(fd, out.data, out.size, MSG_NOSIGNAL | MSG_DONTWAIT);
	(void)close(fd);
	buf_fini(&out);
	control->refused++;
}

/* Has the longest idle peer make room.  False when all of them are being served. */
static bool
make_room(struct control *control)
{
	struct peer *idle = NULL;

	for (struct peer *peer = control->peers; peer; peer = peer->next) {
		if (peer->state == PEER_OPEN && !peer->call && !has_unsent(peer) &&
		    (!idle || peer->active_at <= idle->active_at)) {
			idle = peer; /* of equals, the one further back came first */
		}
	}
	if (idle) {
		kill_peer(idle);
	}
	return idle != NULL;
}

static void
add_peer(struct control *control, int fd, mono_ns now)
{
	static const struct loop_fd_events events = {peer_ready, peer_gone};

	if (control->count >= CONTROL_PEERS_MAX && !make_room(control)) {
		turn_away(control, fd);
		return;
	}
	struct peer *peer = xzalloc(sizeof *peer);

	peer->control = control;
	peer->fd = fd;
	peer->who = credentials(fd);
	peer->active_at = now;
	peer->deadline = CLOCK_NEVER;
	rpc_lines_init(&peer->lines, RPC_REQUEST_MAX_BYTES);
	buf_init(&peer->out, RPC_ANSWER_MAX_BYTES);
	peer->handle = loop_fd_add(control->options.loop, fd, &events, peer);
	if (!peer->handle) {
		free(peer);
		control->refused++;
		return;
	}
	peer->next = control->peers;
	control->peers = peer;
	control->count++;
	peer_step(peer, now);
}

/* Out of descriptors: accepting with the spare one keeps poll() from spinning. */
static void
accept_with_spare(struct control *control)
{
	(void)make_room(control); /* for the next one */
	if (control->spare >= 0) {
		(void)close(control->spare);
		int fd = accept4(control->listener->fd, NULL, NULL,
		    SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (fd >= 0) {
			turn_away(control, fd);
		}
		control->spare = open("/dev/null", O_RDONLY | O_CLOEXEC);
	}
	if (control->spare < 0) {
		control->paused = true;
		loop_fd_want_read(control->listener->handle, false);
	}
}

static void
listener_ready(void *ctx, mono_ns now)
{
	struct control *control = ((struct listener *)ctx)->control;

	if (!control || control->listener != ctx) {
		return;
	}
	for (int i = 0; i < ACCEPTS_A_TURN && !control->paused; i++) {
		int fd = accept4(control->listener->fd, NULL, NULL,
		    SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (fd >= 0) {
			add_peer(control, fd, now);
		} else if (errno == EMFILE || errno == ENFILE || errno == ENOMEM ||
		    errno == ENOBUFS) {
			accept_with_spare(control);
		} else if (errno != EINTR && errno != ECONNABORTED) {
			break;
		}
	}
	arm(control);
}

static void
listener_gone(void *ctx)
{
	struct listener *listener = ctx;

	if (listener->control && listener->control->listener == listener) {
		listener->control->listener = NULL;
	}
	free(listener);
}

/* ---- the socket file ---- */

static enum gw_err
listen_here(struct control *control, char *why, size_t room)
{
	static const struct loop_fd_events events = {listener_ready, listener_gone};
	int fd;
	enum gw_err err =
	    control_socket_open(&control->file, control->path, &fd, why, room);

	if (err != GW_OK) {
		return err;
	}
	struct listener *listener = xzalloc(sizeof *listener);

	*listener = (struct listener){.control = control, .fd = fd};
	listener->handle = loop_fd_add(control->options.loop, fd, &events, listener);
	if (!listener->handle) {
		free(listener);
		(void)slice_copy(slice_of("the loop refuses the control socket"), why,
		    room);
		return GW_ERR_IO;
	}
	if (control->listener) {
		loop_fd_close(control->listener->handle);
	}
	control->listener = listener;
	return GW_OK;
}

/* Somebody may have removed the file: without it nobody reaches us any more. */
static void
check_file(struct control *control)
{
	char why[320];

	if (control_socket_is_ours(&control->file)) {
		control->told = false;
		return;
	}
	if (listen_here(control, why, sizeof why) == GW_OK) {
		log_warning("control_socket_recreated", KV("path", control->file.path));
		control->told = false;
	} else if (!control->told) {
		log_error("control_socket_lost", KV("path", control->file.path),
		    KV("reason", why));
		control->told = true;
	}
}

static void
periodic(struct control *control, mono_ns now)
{
	control->check_at = now + CONTROL_CHECK_PERIOD;
	check_file(control);
	if (control->refused > 0) {
		log_warning("control_peers_refused", KV("count", control->refused),
		    KV("peers", control->count));
		control->refused = 0;
	}
	if (control->spare < 0) {
		control->spare = open("/dev/null", O_RDONLY | O_CLOEXEC);
	}
	if (control->paused && control->spare >= 0 && control->listener) {
		control->paused = false;
		loop_fd_want_read(control->listener->handle, true);
	}
}

static void
on_timer(void *ctx, mono_ns now)
{
	struct control *control = ctx;

	/* A dead peer stays in the list until its gone callback. */
	for (struct peer *peer = control->peers; peer; peer = peer->next) {
		if (peer->state != PEER_DEAD && now >= peer->deadline) {
			expire(peer, now);
		}
	}
	if (now >= control->check_at) {
		periodic(control, now);
	}
	arm(control);
}

/* ---- life ---- */

enum gw_err
control_new(const struct control_options *options, struct control **out, char *why,
    size_t room)
{
	struct control *control = xzalloc(sizeof *control);

	*out = NULL;
	control->options = *options;
	control->path = xstrdup(options->path);
	control->spare = open("/dev/null", O_RDONLY | O_CLOEXEC);
	control->timer = loop_timer_new(options->loop, on_timer, control);
	control_socket_init(&control->file);
	enum gw_err err = listen_here(control, why, room);

	if (err != GW_OK) {
		control_free(control);
		return err;
	}
	control->check_at = clock_now() + CONTROL_CHECK_PERIOD;
	arm(control);
	*out = control;
	return GW_OK;
}

void
control_free(struct control *owned_control)
{
	if (!owned_control) {
		return;
	}
	struct control *control = owned_control;

	for (struct peer *peer = control->peers; peer; peer = peer->next) {
		kill_peer(peer);
		peer->control = NULL;
	}
	if (control->listener) {
		control->listener->control = NULL;
		loop_fd_close(control->listener->handle);
	}
	loop_timer_free(control->timer);
	control_socket_fini(&control->file);
	if (control->spare >= 0) {
		(void)close(control->spare);
	}
	free(control->path);
	free(control);
}

unsigned
control_peers(const struct control *control)
{
	return control->count;
}

const struct rpc_request *
control_call_request(const struct control_call *call)
{
	return &call->request;
}

struct control_peer
control_call_peer(const struct control_call *call)
{
	return call->who;
}

bool
control_call_alive(const struct control_call *call)
{
	return call->peer != NULL;
}

void
control_call_answer(struct control_call *owned_call, struct json *owned_result)
{
	finish(owned_call, owned_result, NULL);
}

void
control_call_fail(struct control_call *owned_call, const struct rpc_failure *failure)
{
	finish(owned_call, NULL, failure);
}
