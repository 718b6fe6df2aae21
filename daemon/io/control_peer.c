#include "control_parts.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "xalloc.h"

#define REQUESTS_A_TURN 16 /* then the other descriptors have their turn */

void
control_peer_kill(struct control_peer *peer)
{
	if (peer->state == PEER_DEAD) {
		return;
	}
	peer->state = PEER_DEAD;
	if (peer->call) {
		peer->call->peer = NULL;
		if (peer->call->series.done) {
			control_call_free(peer->call);
		}
		peer->call = NULL;
	}
	if (peer->handle) {
		loop_fd_close(peer->handle);
	}
}

static void
peer_gone(void *ctx)
{
	struct control_peer *peer = ctx;

	peer->handle = NULL;
	control_peer_kill(peer);
	if (peer->host) {
		peer->host->gone(peer->host->ctx, peer);
	}
	rpc_lines_fini(&peer->lines);
	buf_fini(&peer->out);
	free(peer);
}

/* Hands the kernel what it takes.  False when the peer is gone. */
bool
control_peer_flush(struct control_peer *peer, mono_ns now)
{
	bool owed = control_peer_has_unsent(peer);

	while (control_peer_has_unsent(peer)) {
		ssize_t sent = send(peer->fd, peer->out.data + peer->sent,
		    peer->out.size - peer->sent, MSG_NOSIGNAL | MSG_DONTWAIT);

		if (sent >= 0) {
			peer->sent += (size_t)sent;
			peer->active_at = now;
		} else if (errno == EAGAIN) {
			loop_fd_want_write(peer->handle);
			if (peer->state == PEER_OPEN) {
				peer->deadline = peer->active_at +
				    (control_peer_follows(peer) ?
					    peer->host->follow_time :
					    CONTROL_STALL_TIME);
			}
			return true;
		} else if (errno != EINTR) {
			return false;
		}
	}
	if (owed && peer->state == PEER_OPEN) {
		peer->deadline = CLOCK_NEVER;
	}
	peer->sent = 0;
	buf_clear(&peer->out);
	buf_shrink(&peer->out, RPC_FEED_MAX_BYTES);
	return true;
}

/* The last answer stands in out: the peer may read it, then it has to go. */
static void
begin_linger(struct control_peer *peer, mono_ns now)
{
	peer->state = PEER_LINGERING;
	peer->deadline = now + CONTROL_LINGER_TIME;
}

static void
refuse(struct control_peer *peer, enum rpc_error error, mono_ns now)
{
	const struct rpc_failure failure = {.error = error};

	(void)rpc_write_error(&peer->out, NULL, &failure);
	begin_linger(peer, now);
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
serve_line(struct control_peer *peer, struct slice line, mono_ns now)
{
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

	*call = (struct control_call){.peer = peer,
	    .who = peer->who,
	    .restricted = peer->restricted,
	    .request = request};
	peer->call = call;
	peer->host->request(peer->host->request_ctx, call, now);
}

/* Reads once.  False when there is nothing more to read now. */
static bool
receive(struct control_peer *peer, char *room, size_t *size)
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
			control_peer_kill(peer); /* reset: what it began is void */
		}
		return got == 0;
	}
	*size = (size_t)got;
	return true;
}

/* Does one thing for an open peer.  False when it has to wait. */
static bool
advance(struct control_peer *peer, mono_ns now)
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
discard(struct control_peer *peer)
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
serve(struct control_peer *peer, mono_ns now)
{
	for (int i = 0; i < REQUESTS_A_TURN; i++) {
		if (peer->state != PEER_OPEN || peer->call ||
		    control_peer_has_unsent(peer)) {
			return;
		}
		if (!advance(peer, now)) {
			return;
		}
		if (!control_peer_flush(peer, now)) {
			control_peer_kill(peer);
			return;
		}
	}
	loop_fd_kick(peer->handle);
}

/* True when the peer closed both directions: nobody is left to read an answer. */
static bool
has_hung_up(const struct control_peer *peer)
{
	struct pollfd pfd = {.fd = peer->fd};

	return poll(&pfd, 1, 0) > 0 && (pfd.revents & (POLLHUP | POLLERR | POLLNVAL));
}

/* What the peer waits for, and until when. */
static void
settle(struct control_peer *peer, mono_ns now)
{
	bool waits = peer->call || control_peer_has_unsent(peer);

	if (peer->state == PEER_LINGERING) {
		if (!control_peer_has_unsent(peer)) {
			(void)shutdown(peer->fd, SHUT_WR);
		}
		loop_fd_want_read(peer->handle, true);
		if (!discard(peer)) {
			control_peer_kill(peer);
		}
		return;
	}
	if (peer->ended && !waits && !rpc_lines_open(&peer->lines)) {
		control_peer_kill(peer);
		return;
	}
	loop_fd_want_read(peer->handle, !waits && !peer->ended);
	if (control_peer_has_unsent(peer)) {
		return; /* flush() set the deadline */
	}
	if (peer->call || !rpc_lines_open(&peer->lines)) {
		peer->deadline = CLOCK_NEVER;
	} else if (peer->deadline == CLOCK_NEVER) {
		peer->deadline = now + CONTROL_LINE_TIME;
	}
}

static void
step(struct control_peer *peer, mono_ns now)
{
	if (peer->state == PEER_DEAD || !peer->host) {
		return;
	}
	peer->stepping = true;
	if (!control_peer_flush(peer, now) || (peer->call && has_hung_up(peer))) {
		control_peer_kill(peer);
	}
	if (peer->state != PEER_DEAD && peer->call && peer->call->series.done) {
		control_call_continue(peer->call, now);
	}
	serve(peer, now);
	if (peer->state != PEER_DEAD) {
		settle(peer, now);
	}
	peer->stepping = false;
	peer->host->settled(peer->host->ctx);
}

static void
peer_ready(void *ctx, mono_ns now)
{
	step(ctx, now);
}

void
control_peer_expire(struct control_peer *peer, mono_ns now)
{
	if (peer->state == PEER_OPEN && !control_peer_has_unsent(peer)) {
		refuse(peer, RPC_ERR_TIMEOUT, now);
		step(peer, now);
	} else {
		control_peer_kill(peer);
	}
}

/* The identity at connect time: rights are decided by it, once. */
static struct control_caller
credentials(int fd)
{
	struct ucred cred = {.uid = (uid_t)-1, .gid = (gid_t)-1};
	socklen_t size = sizeof cred;

	(void)getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &size);
	return (struct control_caller){cred.uid, cred.gid, cred.pid};
}

struct control_peer *
control_peer_new(const struct control_peer_host *host, int fd, mono_ns now)
{
	static const struct loop_fd_events control_peer_events = {peer_ready,
	    peer_gone};
	struct control_peer *peer = xzalloc(sizeof *peer);

	peer->host = host;
	peer->fd = fd;
	peer->who = credentials(fd);
	peer->active_at = now;
	peer->deadline = CLOCK_NEVER;
	rpc_lines_init(&peer->lines, RPC_REQUEST_MAX_BYTES);
	buf_init(&peer->out, RPC_ANSWER_MAX_BYTES);
	peer->handle = loop_fd_add(host->loop, fd, &control_peer_events, peer);
	if (!peer->handle) {
		free(peer);
		return NULL;
	}
	return peer;
}

void
control_peer_orphan(struct control_peer *peer)
{
	control_peer_kill(peer);
	peer->host = NULL;
}

mono_ns
control_peer_deadline(const struct control_peer *peer)
{
	return peer->state == PEER_DEAD ? CLOCK_NEVER : peer->deadline;
}

bool
control_peer_is_dead(const struct control_peer *peer)
{
	return peer->state == PEER_DEAD;
}

bool
control_peer_follows(const struct control_peer *peer)
{
	return peer->state != PEER_DEAD && peer->call &&
	    control_call_follows(peer->call);
}

mono_ns
control_peer_stalled_since(const struct control_peer *peer)
{
	bool stalls = control_peer_follows(peer) && control_peer_has_unsent(peer);

	return stalls ? peer->active_at : CLOCK_NEVER;
}

mono_ns
control_peer_idle_since(const struct control_peer *peer)
{
	bool served = peer->state == PEER_DEAD || peer->call;

	return served ? CLOCK_NEVER : peer->active_at;
}
