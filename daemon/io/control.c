#include "control.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "control_peer.h"
#include "control_socket.h"
#include "control_watch.h"
#include "log.h"
#include "xalloc.h"

#define ACCEPTS_A_TURN 32

/* Outlives struct control until the loop has closed the descriptor. */
struct listener {
	struct control *control;
	struct loop_fd *handle;
	int fd;
};

struct control {
	struct loop *loop;
	char *path;
	struct control_peer_host host;
	struct control_socket file;
	struct listener *listener;
	struct loop_timer *timer;
	struct control_watch *watch; /* NULL: there is none to have */
	bool watched;                /* the file that is there is */
	struct control_peer *
	    *peers; /* in the order in which they came; dead ones too */
	unsigned count;
	unsigned room;
	int spare;   /* given up to accept and refuse when descriptors run out */
	bool paused; /* not even the spare one is left */
	bool told;   /* that the socket cannot be made again */
	uint64_t refused;
	mono_ns checked_at;
	mono_ns check_at; /* or before, while there is trouble */
};

/* ---- peers ---- */

/* Is there something to look after every few seconds? */
static bool
is_troubled(const struct control *control)
{
	return !control->watched || control->told || control->paused ||
	    control->spare < 0 || control->refused > 0;
}

static void
arm(void *ctx)
{
	struct control *control = ctx;
	mono_ns soon = control->checked_at + CONTROL_CHECK_PERIOD;
	bool early = is_troubled(control) && soon < control->check_at;
	mono_ns at = early ? soon : control->check_at;

	for (unsigned i = 0; i < control->count; i++) {
		mono_ns deadline = control_peer_deadline(control->peers[i]);

		at = deadline < at ? deadline : at;
	}
	loop_timer_arm(control->timer, at);
}

static void
peer_gone(void *ctx, const struct control_peer *peer)
{
	struct control *control = ctx;
	unsigned kept = 0;

	for (unsigned i = 0; i < control->count; i++) {
		if (control->peers[i] != peer) {
			control->peers[kept++] = control->peers[i];
		}
	}
	control->count = kept;
}

static unsigned
count_followers(void *ctx)
{
	const struct control *control = ctx;
	unsigned followers = 0;

	for (unsigned i = 0; i < control->count; i++) {
		followers += control_peer_follows(control->peers[i]) ? 1 : 0;
	}
	return followers;
}

/* Followers are served all the time, so that no new client makes them go: there may be
 * only so many. */
static bool
may_follow(void *ctx, mono_ns now)
{
	struct control *control = ctx;
	struct control_peer *slowest = NULL;
	mono_ns since = CLOCK_NEVER;

	for (unsigned i = 0; i < control->count; i++) {
		struct control_peer *peer = control->peers[i];
		mono_ns stalled_since = control_peer_stalled_since(peer);

		if (stalled_since < since) {
			slowest = peer;
			since = stalled_since;
		}
	}
	if (count_followers(control) < CONTROL_FOLLOWERS_MAX) {
		return true;
	}
	if (!slowest || now - since < CONTROL_STALL_TIME) {
		return false;
	}
	control_peer_kill(slowest);
	return true;
}

static void
append_peer(struct control *control, struct control_peer *peer)
{
	if (control->count == control->room) {
		unsigned room = control->room + CONTROL_PEERS_MAX;
		struct control_peer **peers =
		    xzalloc(room * sizeof(struct control_peer *));

		for (unsigned i = 0; i < control->count; i++) {
			peers[i] = control->peers[i];
		}
		free(control->peers);
		control->peers = peers;
		control->room = room;
	}
	control->peers[control->count++] = peer;
}

unsigned
control_peers(const struct control *control)
{
	unsigned alive = 0;

	for (unsigned i = 0; i < control->count; i++) {
		alive += control_peer_is_dead(control->peers[i]) ? 0 : 1;
	}
	return alive;
}

/* ---- new ones ---- */

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
	struct control_peer *idlest = NULL;
	mono_ns since = CLOCK_NEVER;

	for (unsigned i = 0; i < control->count; i++) {
		mono_ns idle_since = control_peer_idle_since(control->peers[i]);

		if (idle_since < since) {
			idlest = control->peers[i];
			since = idle_since;
		}
	}
	if (idlest) {
		control_peer_kill(idlest);
	}
	return idlest != NULL;
}

static void
add_peer(struct control *control, int fd, mono_ns now)
{
	if (control_peers(control) >= CONTROL_PEERS_MAX && !make_room(control)) {
		turn_away(control, fd);
		return;
	}
	struct control_peer *peer = control_peer_new(&control->host, fd, now);

	if (!peer) {
		control->refused++;
		return;
	}
	append_peer(control, peer);
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
	static const struct loop_fd_events control_events = {listener_ready,
	    listener_gone};
	int fd;
	enum gw_err err =
	    control_socket_open(&control->file, control->path, &fd, why, room);

	if (err != GW_OK) {
		return err;
	}
	struct listener *listener = xzalloc(sizeof *listener);

	*listener = (struct listener){.control = control, .fd = fd};
	listener->handle =
	    loop_fd_add_seldom(control->loop, fd, &control_events, listener);
	if (!listener->handle) {
		free(listener);
		(void)slice_copy(slice_of(
				     "the loop has no room for the control socket"),
		    why, room);
		return GW_ERR_FULL;
	}
	if (control->listener) {
		loop_fd_close(control->listener->handle);
	}
	control->listener = listener;
	control->watched = control_watch_set(control->watch, control->path);
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
	control->checked_at = now;
	control->check_at = now + CONTROL_CHECK_SELDOM;
	check_file(control);
	if (control->refused > 0) {
		log_warning("control_peers_refused", KV("count", control->refused),
		    KV("peers", control_peers(control)));
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

	/* The list stays as it is meanwhile: dead peers leave it in the next turn. */
	for (unsigned i = 0; i < control->count; i++) {
		if (now >= control_peer_deadline(control->peers[i])) {
			control_peer_expire(control->peers[i], now);
		}
	}
	if (now >= control->check_at ||
	    (is_troubled(control) &&
		now >= control->checked_at + CONTROL_CHECK_PERIOD)) {
		periodic(control, now);
	}
	arm(control);
}

/* Not at once: whoever removes a folder wants it empty. */
static void
on_change(void *ctx, mono_ns now)
{
	struct control *control = ctx;
	mono_ns soon = now + CONTROL_CHECK_SOON;

	control->check_at = soon < control->check_at ? soon : control->check_at;
	arm(control);
}

/* ---- life ---- */

enum gw_err
control_new(const struct control_options *options, struct control **out, char *why,
    size_t room)
{
	struct control *control = xzalloc(sizeof *control);

	*out = NULL;
	control->loop = options->loop;
	control->host = (struct control_peer_host){.loop = options->loop,
	    .request = options->request,
	    .request_ctx = options->ctx,
	    .settled = arm,
	    .gone = peer_gone,
	    .followers = count_followers,
	    .may_follow = may_follow,
	    .ctx = control,
	    .follow_time =
		options->follow_time > 0 ? options->follow_time : CONTROL_FOLLOW_TIME};
	control->path = xstrdup(options->path);
	control->spare = open("/dev/null", O_RDONLY | O_CLOEXEC);
	control->timer = loop_timer_new(options->loop, on_timer, control);
	control->watch = control_watch_new(options->loop, on_change, control);
	control_socket_init(&control->file);
	enum gw_err err = listen_here(control, why, room);

	if (err != GW_OK) {
		control_free(control);
		return err;
	}
	control->checked_at = clock_now();
	control->check_at = control->checked_at + CONTROL_CHECK_SELDOM;
	arm(control);
	*out = control;
	return GW_OK;
}

void
control_leave(struct control *control)
{
	if (control) {
		control_watch_clear(control->watch);
	}
}

void
control_free(struct control *owned_control)
{
	if (!owned_control) {
		return;
	}
	struct control *control = owned_control;

	for (unsigned i = 0; i < control->count; i++) {
		control_peer_orphan(control->peers[i]);
	}
	if (control->listener) {
		control->listener->control = NULL;
		loop_fd_close(control->listener->handle);
	}
	control_watch_free(control->watch);
	loop_timer_free(control->timer);
	control_socket_fini(&control->file);
	if (control->spare >= 0) {
		(void)close(control->spare);
	}
	free(control->peers);
	free(control->path);
	free(control);
}
