/*
 * One turn of the loop is: lws_service() polls and hands out what poll saw; then,
 * outside of it, posted functions, late descriptors and timers run; then the next turn
 * begins.
 *
 * Running our own things outside the library avoids two of its traps (4.1.6): its
 * timers run just before poll, so that whatever they changed is looked at only after
 * the next event; and it forgets a wish to write that was made inside the writable
 * callback.
 *
 * What the library itself does before poll (its own timeouts, closing) may still call
 * us there: whoever then wants another turn must wake poll: loop_wake_if_before_poll().
 */
#include "loop.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "log.h"
#include "loop_private.h"
#include "xalloc.h"

#define EXIT_INTERNAL 70 /* contract, section 4 */

/* Descriptors kept out of the library's table: log, state, helpers, resolver.  A huge
 * limit would cost memory; so many are enough for the shards and probes of one process.
 */
#define FDS_RESERVED 32
#define FDS_MAX      4096
#define FDS_MIN      16

/* The largest block of HTTP headers; its default, 4096, is below what Discord sends. */
#define HTTP_HEADER_BYTES 16384

/* So many turns in a row without any of our code, each shorter than SPIN_TURN, are the
 * library spinning (4.1.6: pipelined requests, EMFILE); each further one then sleeps.
 */
#define SPIN_TURNS    50
#define SPIN_TURN     CLOCK_MS(1)
#define SPIN_SLEEP_US 1000

/* The library's log lines: at most so many in one period. */
#define LOG_LINES  10
#define LOG_PERIOD CLOCK_S(10)

struct loop_post {
	struct loop_post *next;
	void (*fn)(void *ctx);
	void *ctx;
	const char *name;
};

/* ---- the library's log ---- */

static struct {
	mono_ns period_began;
	unsigned lines;
	uint64_t suppressed;
} library_log;

static void
pass_library_log(int level, const char *line)
{
	mono_ns now = clock_now();
	size_t size = strcspn(line, "\r\n");

	(void)level;
	if (now - library_log.period_began >= LOG_PERIOD) {
		library_log.period_began = now;
		library_log.lines = 0;
	}
	if (++library_log.lines > LOG_LINES) {
		library_log.suppressed++;
		return;
	}
	log_warning("library", KV("text", ((struct slice){line, size})),
	    KV("suppressed", library_log.suppressed));
	library_log.suppressed = 0;
}

/* ---- accounts of a turn ---- */

/* The library's timer that is always due: it runs behind the others that are, and then
 * comes poll.  So the turn ends here. */
static void
end_turn(lws_sorted_usec_list_t *fence)
{
	struct loop *loop = (struct loop *)fence;
	mono_ns began = atomic_load_explicit(&loop->turn_began, memory_order_relaxed);

	if (began != 0) {
		mono_ns took = clock_awake() - began;

		histogram_add(&loop->turn_times, took);
		if (took >
		    atomic_load_explicit(&loop->turn_max, memory_order_relaxed)) {
			atomic_store(&loop->turn_max, took);
		}
		atomic_store(&loop->turn_began, 0);
	}
	atomic_fetch_add(&loop->turns, 1);
}

/* Has end_turn() called just before poll.  Timers of the same microsecond run in
 * reverse order (4.1.6), and a callback behind the fence would begin a turn that lasts
 * as long as poll: so the fence moves on to a microsecond of its own. */
static void
put_fence(struct loop *loop)
{
	const lws_sorted_usec_list_t *behind;

	do {
		lws_sul_schedule(loop->context, 0, &loop->fence, end_turn, 0);
		behind = (const lws_sorted_usec_list_t *)loop->fence.list.next;
	} while (behind && behind->us == loop->fence.us);
}

/* With loop_await_turn(): each side writes its own word and then reads the other's, so
 * that one of them at least sees the other. */
static void
begin_turn(struct loop *loop)
{
	/* The library does not say whether it is before poll or past it; behind the
	 * fence the turn would last as long as poll. */
	if (loop->in_service && !loop->polled && !loop->fence.list.owner) {
		put_fence(loop);
	}
	atomic_store(&loop->turn_began, clock_awake());
	if (atomic_load(&loop->awaited) && atomic_exchange(&loop->awaited, false)) {
		loop->turn_begins(loop->turn_begins_ctx);
	}
}

void
loop_enter(struct loop *loop, const char *name)
{
	loop->work++;
	atomic_store_explicit(&loop->doing, name, memory_order_relaxed);
	if (atomic_load_explicit(&loop->turn_began, memory_order_relaxed) == 0) {
		begin_turn(loop);
	}
}

/* The clock is read only behind an empty turn: the first of a row counts however long
 * it took. */
static void
govern(struct loop *loop, mono_ns began)
{
	bool empty = loop->work == loop->work_seen &&
	    (loop->empty_turns == 0 || clock_awake() - began < SPIN_TURN);

	loop->work_before = loop->work_seen;
	loop->work_seen = loop->work;
	loop->empty_turns = empty ? loop->empty_turns + 1 : 0;
	if (loop->empty_turns > SPIN_TURNS) {
		atomic_fetch_add(&loop->spins, 1);
		(void)usleep(SPIN_SLEEP_US);
	}
}

void
loop_note(struct loop *loop, const char *who)
{
	loop_enter(loop, who);
}

void
loop_note_state(struct loop *loop, uint32_t shard_id, const char *state)
{
	atomic_store_explicit(&loop->state_of, shard_id, memory_order_relaxed);
	atomic_store_explicit(&loop->state, state, memory_order_relaxed);
}

struct loop_stats
loop_stats(const struct loop *loop)
{
	return (struct loop_stats){
	    .turns = atomic_load(&loop->turns),
	    .spins = atomic_load(&loop->spins),
	    .turn_max = atomic_load(&loop->turn_max),
	    .turn_began = atomic_load(&loop->turn_began),
	    .doing = atomic_load(&loop->doing),
	    .state = atomic_load(&loop->state),
	    .state_of = atomic_load(&loop->state_of),
	    .turn_times = &loop->turn_times,
	    .timer_lags = &loop->timer_lags,
	};
}

void
loop_on_turn(struct loop *loop, void (*begins)(void *ctx), void *ctx)
{
	atomic_store(&loop->awaited, false);
	loop->turn_begins = begins;
	loop->turn_begins_ctx = ctx;
}

bool
loop_await_turn(struct loop *loop)
{
	atomic_store(&loop->awaited, true);
	/* Where the loop has taken it back already, it calls. */
	return atomic_load(&loop->turn_began) == 0 ||
	    !atomic_exchange(&loop->awaited, false);
}

void
loop_nudge(struct loop *loop)
{
	lws_cancel_service(loop->context);
}

void
loop_wake_if_before_poll(struct loop *loop)
{
	if (loop->in_service && !loop->polled) {
		lws_cancel_service(loop->context);
	}
}

/* ---- other threads ---- */

static void
wake(struct loop *loop)
{
	uint64_t one = 1;
	ssize_t done;

	/* EAGAIN, the counter at its end, is a wake-up that is under way. */
	do {
		done = write(loop->wake_fd, &one, sizeof one);
	} while (done < 0 && errno == EINTR);
}

void
loop_post_named(struct loop *loop, void (*fn)(void *ctx), void *ctx, const char *name)
{
	struct loop_post *post = xzalloc(sizeof *post);
	struct loop_post *head = atomic_load(&loop->posts);

	*post = (struct loop_post){.fn = fn, .ctx = ctx, .name = name};
	do {
		post->next = head;
	} while (!atomic_compare_exchange_weak(&loop->posts, &head, post));
	/* Where others wait, whoever posted the first of them wakes the loop. */
	if (!head) {
		wake(loop);
	}
}

static struct loop_post *
take_posts(struct loop *loop)
{
	struct loop_post *newest = atomic_exchange(&loop->posts, NULL);
	struct loop_post *oldest = NULL;

	while (newest) {
		struct loop_post *next = newest->next;

		newest->next = oldest;
		oldest = newest;
		newest = next;
	}
	return oldest;
}

static void
run_posts(struct loop *loop)
{
	if (!atomic_load_explicit(&loop->posts, memory_order_relaxed)) {
		return;
	}
	for (struct loop_post *post = take_posts(loop); post;) {
		struct loop_post *next = post->next;

		loop_enter(loop, post->name);
		post->fn(post->ctx);
		free(post);
		post = next;
	}
}

static void
on_wake_fd(void *ctx, mono_ns now)
{
	struct loop *loop = ctx;
	uint64_t count;
	ssize_t done = read(loop->wake_fd, &count, sizeof count);

	/* Nothing else to do: posts are looked at in every turn. */
	(void)done;
	(void)now;
}

/* ---- signals ---- */

struct signal_watch {
	int fd;
	void (*fn)(void *ctx, int signal, mono_ns now);
	void *ctx;
};

static void
on_signal_fd(void *ctx, mono_ns now)
{
	const struct signal_watch *watch = ctx;
	struct signalfd_siginfo info;

	while (read(watch->fd, &info, sizeof info) == (ssize_t)sizeof info) {
		watch->fn(watch->ctx, (int)info.ssi_signo, now);
	}
}

static const struct loop_fd_events signal_events = {
    .ready = on_signal_fd,
    .gone = free,
};

enum gw_err
loop_watch_signals(struct loop *loop, const int *signals,
    void (*fn)(void *ctx, int signal, mono_ns now), void *ctx)
{
	sigset_t set;

	(void)sigemptyset(&set);
	for (; *signals != 0; signals++) {
		if (sigaddset(&set, *signals) != 0) {
			return GW_ERR_RANGE;
		}
	}
	if (sigprocmask(SIG_BLOCK, &set, NULL) != 0) {
		return err_from_errno(errno);
	}
	int fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);

	if (fd < 0) {
		return err_from_errno(errno);
	}
	struct signal_watch *watch = xzalloc(sizeof *watch);

	*watch = (struct signal_watch){.fd = fd, .fn = fn, .ctx = ctx};
	if (!loop_fd_add_seldom(loop, fd, &signal_events, watch)) {
		free(watch);
		return GW_ERR_FULL;
	}
	return GW_OK;
}

/* ---- the loop ---- */

static void
forget(void *ctx)
{
	(void)ctx;
}

static const struct loop_fd_events wake_events = {.ready = on_wake_fd, .gone = forget};

static const struct lws_protocols protocols[] = {
    {.name = "none", .callback = lws_callback_http_dummy},
    {.name = "loop-fd", .callback = loop_fd_on_library},
    {.name = NULL},
};

static bool
make_context(struct loop *loop)
{
	struct rlimit limit = {FDS_MAX, FDS_MAX};

	(void)getrlimit(RLIMIT_NOFILE, &limit);
	if (limit.rlim_cur < FDS_RESERVED + FDS_MIN) {
		log_error("loop_failed", KV("reason", "limit of open files too low"),
		    KV("limit", (uint64_t)limit.rlim_cur),
		    KV("needed", FDS_RESERVED + FDS_MIN));
		return false;
	}
	rlim_t table = limit.rlim_cur - FDS_RESERVED;

	loop->fds_max = table < FDS_MAX ? (unsigned)table : FDS_MAX;
	struct lws_context_creation_info info = {
	    .port = CONTEXT_PORT_NO_LISTEN,
	    .options = LWS_SERVER_OPTION_EXPLICIT_VHOSTS |
		LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT,
	    .fd_limit_per_thread = loop->fds_max,
	    .max_http_header_data2 = HTTP_HEADER_BYTES,
	    .vhost_name = "loop",
	    .protocols = protocols,
	    .user = loop,
	};

	lws_set_log_level(LLL_ERR | LLL_WARN, pass_library_log);
	loop->context = lws_create_context(&info);
	/* With it the library (4.1.6) would make a TLS client for this virtual host,
	 * which needs none, and load the system's authorities for that. */
	info.options &= ~(uint64_t)LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT;
	loop->vhost = loop->context ? lws_create_vhost(loop->context, &info) : NULL;
	if (!loop->vhost) {
		log_error("loop_failed", KV("reason", "no libwebsockets context"));
		return false;
	}
	return true;
}

struct loop *
loop_new(void)
{
	struct loop *loop = xzalloc(sizeof *loop);

	TAILQ_INIT(&loop->late);
	TAILQ_INIT(&loop->seldom);
	atomic_store(&loop->doing, "nothing yet");
	atomic_store(&loop->state, "unknown");
	if (!make_context(loop)) {
		goto failed;
	}
	if (!loop_seldom_init(loop)) {
		goto failed;
	}
	loop->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (!loop_seldom_adopt(loop, loop->wake_fd, &wake_events, "wake-up") ||
	    !loop_timers_init(loop)) {
		goto failed;
	}
	return loop;
failed:
	loop_free(loop);
	return NULL;
}

void
loop_free(struct loop *owned_loop)
{
	struct loop *loop = owned_loop;

	if (!loop) {
		return;
	}
	loop->freeing = true;
	loop_seldom_fini(loop);
	if (loop->context) {
		lws_context_destroy(loop->context);
	}
	/* Timers belong to others, who may free them later. */
	for (struct heap_node *node; (node = heap_first(&loop->timers)) != NULL;) {
		heap_remove(&loop->timers, node);
	}
	for (struct loop_post *post = take_posts(loop); post;) {
		struct loop_post *next = post->next;

		free(post);
		post = next;
	}
	free(loop);
}

struct lws_context *
loop_context(struct loop *loop)
{
	return loop->context;
}

void
loop_stop(struct loop *loop, int exit_status)
{
	if (!loop->stopping) {
		loop->stopping = true;
		loop->exit_status = exit_status;
	}
	loop_wake_if_before_poll(loop);
}

static void
turn(struct loop *loop)
{
	mono_ns began = loop->empty_turns > 0 ? clock_awake() : 0;
	bool wait = TAILQ_EMPTY(&loop->late);

	loop->present_turn++;
	loop_timers_before_poll(loop);
	put_fence(loop);
	loop->polled = false;
	loop->in_service = true;
	/* To the library 0 is "until the next event", -1 "do not wait". */
	if (lws_service(loop->context, wait ? 0 : -1) < 0) {
		log_error("loop_failed", KV("reason", "libwebsockets gave up"));
		loop_stop(loop, EXIT_INTERNAL);
	}
	loop->in_service = false;
	run_posts(loop);
	loop_fds_run_late(loop);
	loop_timers_run(loop);
	govern(loop, began);
}

int
loop_run(struct loop *loop)
{
	while (!loop->stopping) {
		turn(loop);
	}
	return loop->exit_status;
}
