#include "conn.h"

#include <errno.h>
#include <openssl/err.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "sim.h"
#include "xalloc.h"

#define IN_MAX_BYTES  ((size_t)2 << 20)
#define OUT_MAX_BYTES ((size_t)192 << 20)
#define READ_BYTES    ((size_t)32 << 10)

/* Written in one turn of the loop, so that one fast reader does not starve the rest. */
#define TURN_BYTES ((size_t)4 << 20)

/* The same in time: for those whose bytes are dear, because they are compressed. */
#define TURN_TIME        CLOCK_MS(10)

#define HANDSHAKE_WITHIN CLOCK_S(10)
#define FINISH_WITHIN    CLOCK_S(5)
#define DRAIN_WITHIN     CLOCK_S(1)
#define DRIP_EVERY       CLOCK_MS(20)

static void on_ready(struct loop_watch *watch, uint32_t events);

static const struct fault *
fault_of(const struct conn *conn)
{
	return sim_fault(conn->sim, conn->shard);
}

struct conn *
conn_new(struct sim *sim, struct conn **list, int owned_fd, SSL *owned_ssl,
    const struct conn_user *user)
{
	struct conn *conn = xzalloc(sizeof *conn);

	*conn = (struct conn){.next = *list,
	    .sim = sim,
	    .watch = {.fd = owned_fd, .ready = on_ready, .owner = conn},
	    .ssl = owned_ssl,
	    .phase = owned_ssl ? CONN_HANDSHAKE : CONN_OPEN,
	    .user = user,
	    .shard = FAULT_NO_SHARD,
	    .cut_left = UINT64_MAX,
	    .slow_at = sim->now,
	    .opened_at = sim->now,
	    .deadline = owned_ssl ? sim->now + HANDSHAKE_WITHIN : CLOCK_NEVER};
	buf_init(&conn->in, IN_MAX_BYTES);
	buf_init(&conn->out, OUT_MAX_BYTES);
	*list = conn;
	sim->stats.connections++;
	conn_rearm(conn);
	return conn;
}

size_t
conn_queued(const struct conn *conn)
{
	return conn->out.size - conn->out_at;
}

static void
die(struct conn *conn)
{
	if (conn->phase == CONN_DEAD) {
		return;
	}
	conn->phase = CONN_DEAD;
	loop_arm(&conn->sim->loop, &conn->watch, 0);
	conn->user->gone(conn);
	SSL_free(conn->ssl);
	conn->ssl = NULL;
	(void)close(conn->watch.fd);
	buf_fini(&conn->in);
	buf_fini(&conn->out);
	conn->out_at = 0;
}

void
conn_rearm(struct conn *conn)
{
	const struct fault *fault = fault_of(conn);
	uint32_t events = EPOLLIN;

	if (conn->phase == CONN_DEAD) {
		return;
	}
	if (fault->freeze) {
		/* Out of the loop: an error or a FIN would wake it again and again. */
		loop_arm(&conn->sim->loop, &conn->watch, 0);
		return;
	}
	if (conn->peer_fin || conn->in.size >= IN_MAX_BYTES - READ_BYTES ||
	    (conn->phase == CONN_OPEN && conn_queued(conn) > 4 * CONN_HIGH_WATER &&
		conn->shard == FAULT_NO_SHARD)) {
		events = 0;
	}
	if (conn->blocked && !fault->blackhole) {
		events |= EPOLLOUT;
	}
	/* Something must be asked for, or a reset would go unnoticed. */
	loop_arm(&conn->sim->loop, &conn->watch, events ? events : EPOLLERR);
}

/* -1: would block, -2: broken. */
static ssize_t
write_some(struct conn *conn, const char *data, size_t size)
{
	if (!conn->ssl) {
		ssize_t done = send(conn->watch.fd, data, size, MSG_NOSIGNAL);

		return done >= 0 ? done : errno == EAGAIN || errno == EINTR ? -1 : -2;
	}
	size_t done = 0;

	ERR_clear_error();
	if (SSL_write_ex(conn->ssl, data, size, &done) == 1) {
		return (ssize_t)done;
	}
	int error = SSL_get_error(conn->ssl, 0);

	return error == SSL_ERROR_WANT_WRITE || error == SSL_ERROR_WANT_READ ? -1 : -2;
}

/* 0: the peer's FIN, -1: would block, -2: broken. */
static ssize_t
read_some(struct conn *conn, char *data, size_t size)
{
	if (!conn->ssl || fault_of(conn)->blackhole || conn->phase == CONN_DRAINING) {
		ssize_t done = recv(conn->watch.fd, data, size, 0);

		return done >= 0 ? done : errno == EAGAIN || errno == EINTR ? -1 : -2;
	}
	size_t done = 0;

	ERR_clear_error();
	if (SSL_read_ex(conn->ssl, data, size, &done) == 1) {
		return (ssize_t)done;
	}
	switch (SSL_get_error(conn->ssl, 0)) {
	case SSL_ERROR_WANT_READ:
	case SSL_ERROR_WANT_WRITE:
		return -1;
	case SSL_ERROR_ZERO_RETURN:
		return 0;
	default:
		return -2;
	}
}

/* How many bytes the faults let through now. */
static size_t
allowance(struct conn *conn)
{
	uint64_t speed = fault_of(conn)->slow_bytes_per_s;
	size_t allowed = SIZE_MAX;

	if (speed > 0) {
		double passed = clock_seconds(conn->sim->now - conn->slow_at);
		double most = (double)speed / 10 < 1 ? 1 : (double)speed / 10;

		conn->slow_tokens += passed * (double)speed;
		if (conn->slow_tokens > most) {
			conn->slow_tokens = most;
		}
		allowed = (size_t)conn->slow_tokens;
	}
	conn->slow_at = conn->sim->now;
	return conn->cut_left < allowed ? (size_t)conn->cut_left : allowed;
}

static void
wrote(struct conn *conn, size_t size)
{
	conn->out_at += size;
	conn->slow_tokens -= fault_of(conn)->slow_bytes_per_s > 0 ? (double)size : 0;
	if (conn->cut_left != UINT64_MAX) {
		conn->cut_left -= size;
	}
	if (conn->out_at == conn->out.size) {
		buf_clear(&conn->out);
		buf_shrink(&conn->out, 4 * CONN_HIGH_WATER);
		conn->out_at = 0;
	} else if (conn->out_at > CONN_HIGH_WATER &&
	    conn->out_at > conn->out.size / 2) {
		buf_consume(&conn->out, conn->out_at);
		conn->out_at = 0;
	}
}

static void
refill(struct conn *conn)
{
	if (conn->phase == CONN_OPEN && conn_queued(conn) < CONN_HIGH_WATER) {
		conn->user->refill(conn);
	}
}

static bool
can_write(const struct conn *conn)
{
	const struct fault *fault = fault_of(conn);

	return (conn->phase == CONN_OPEN || conn->phase == CONN_FINISHING) &&
	    !fault->freeze && !fault->blackhole;
}

static void
send_fin(struct conn *conn)
{
	(void)shutdown(conn->watch.fd, SHUT_WR);
	conn->phase = CONN_DRAINING;
	conn->deadline = conn->sim->now + DRAIN_WITHIN;
	if (conn->peer_fin) {
		die(conn);
	}
}

/* Returns false where there is no use in going on now. */
static bool
flush_step(struct conn *conn, size_t *budget)
{
	size_t size = conn_queued(conn);
	size_t allowed = allowance(conn);

	if (conn->cut_left == 0) {
		conn_drop(conn);
		return false;
	}
	size = size < allowed ? size : allowed;
	size = size < *budget ? size : *budget;
	if (size == 0) {
		return false;
	}
	ssize_t done = write_some(conn, conn->out.data + conn->out_at, size);

	if (done == -2) {
		die(conn);
		return false;
	}
	if (done < 0) {
		conn->blocked = true;
		return false;
	}
	wrote(conn, (size_t)done);
	*budget -= (size_t)done;
	refill(conn);
	return true;
}

void
conn_flush(struct conn *conn)
{
	size_t budget = TURN_BYTES;
	mono_ns turn_ends = clock_now() + TURN_TIME;

	if (conn->flushing || !can_write(conn)) {
		return;
	}
	conn->flushing = true;
	conn->blocked = false;
	refill(conn);
	while (can_write(conn) && conn_queued(conn) > 0 && flush_step(conn, &budget)) {
		budget = clock_now() < turn_ends ? budget : 0;
	}
	conn->flushing = false;
	if (conn->phase == CONN_FINISHING && conn_queued(conn) == 0) {
		if (conn->ssl) {
			(void)SSL_shutdown(conn->ssl);
		}
		send_fin(conn);
	}
	if (conn->phase != CONN_DEAD) {
		conn->blocked = conn->blocked || budget == 0;
		conn_rearm(conn);
	}
}

void
conn_finish(struct conn *conn)
{
	if (conn->phase != CONN_OPEN) {
		return;
	}
	conn->phase = CONN_FINISHING;
	conn->deadline = conn->sim->now + FINISH_WITHIN;
	conn_flush(conn);
}

void
conn_drop(struct conn *conn)
{
	if (conn->phase == CONN_DEAD || conn->phase == CONN_DRAINING) {
		return;
	}
	buf_fini(&conn->out);
	conn->out_at = 0;
	send_fin(conn);
}

void
conn_reset(struct conn *conn)
{
	const struct linger now = {.l_onoff = 1, .l_linger = 0};

	if (conn->phase != CONN_DEAD) {
		(void)setsockopt(conn->watch.fd, SOL_SOCKET, SO_LINGER, &now,
		    sizeof now);
		die(conn);
	}
}

/* Reads and throws away; dies with the peer. */
static void
discard(struct conn *conn)
{
	char data[4096];

	for (int i = 0; i < 64; i++) {
		ssize_t size = read_some(conn, data, sizeof data);

		if (size == 0 || size == -2) {
			die(conn);
		}
		if (size <= 0) {
			return;
		}
		conn->lost_input = true;
	}
}

static void
receive(struct conn *conn)
{
	for (int i = 0; i < 8 && conn->in.size < IN_MAX_BYTES - READ_BYTES; i++) {
		if (buf_reserve(&conn->in, READ_BYTES) != GW_OK) {
			break;
		}
		ssize_t size =
		    read_some(conn, conn->in.data + conn->in.size, READ_BYTES);

		if (size == -1) {
			break;
		}
		if (size == -2) {
			die(conn);
			return;
		}
		if (size == 0) {
			conn->peer_fin = true;
			break;
		}
		conn->in.size += (size_t)size;
	}
	conn->user->input(conn);
	if (conn->phase != CONN_DEAD) {
		conn_flush(conn);
	}
	if (conn->phase != CONN_DEAD) {
		buf_shrink(&conn->in, READ_BYTES);
		conn_rearm(conn);
	}
}

static void
shake_hands(struct conn *conn)
{
	ERR_clear_error();
	int result = SSL_accept(conn->ssl);

	if (result == 1) {
		conn->phase = CONN_OPEN;
		conn->deadline = CLOCK_NEVER;
		conn->blocked = false;
		receive(conn);
		return;
	}
	int error = SSL_get_error(conn->ssl, result);

	conn->blocked = error == SSL_ERROR_WANT_WRITE;
	if (!conn->blocked && error != SSL_ERROR_WANT_READ) {
		stats_client_error(&conn->sim->stats, "TLS handshake failed: %s",
		    ERR_reason_error_string(ERR_peek_error()));
		die(conn);
		return;
	}
	conn_rearm(conn);
}

static void
on_ready(struct loop_watch *watch, uint32_t events)
{
	struct conn *conn = watch->owner;

	if (fault_of(conn)->blackhole || conn->phase == CONN_DRAINING) {
		discard(conn);
		return;
	}
	if (conn->phase == CONN_HANDSHAKE) {
		shake_hands(conn);
		return;
	}
	if (events & EPOLLOUT) {
		conn_flush(conn);
	}
	if (conn->phase != CONN_DEAD && (events & ~(uint32_t)EPOLLOUT) != 0) {
		receive(conn);
	}
}

mono_ns
conn_tick(struct conn *conn)
{
	const struct fault *fault = fault_of(conn);

	if (conn->phase == CONN_DEAD || fault->freeze || fault->blackhole) {
		return CLOCK_NEVER;
	}
	if (conn->sim->now >= conn->deadline) {
		die(conn);
		return CLOCK_NEVER;
	}
	mono_ns wake_at = conn->deadline;

	if (conn->phase == CONN_OPEN) {
		mono_ns user_at = conn->user->tick(conn);

		wake_at = user_at < wake_at ? user_at : wake_at;
	}
	if (fault->slow_bytes_per_s > 0 && conn_queued(conn) > 0) {
		conn_flush(conn);
		mono_ns drip_at = conn->sim->now + DRIP_EVERY;

		wake_at = drip_at < wake_at ? drip_at : wake_at;
	}
	return wake_at;
}

void
conn_sweep(struct conn **list)
{
	while (*list) {
		struct conn *conn = *list;

		if (conn->phase == CONN_DEAD) {
			*list = conn->next;
			free(conn);
		} else {
			list = &conn->next;
		}
	}
}

void
conn_free_all(struct conn **list)
{
	for (struct conn *conn = *list; conn; conn = conn->next) {
		die(conn);
	}
	conn_sweep(list);
}
