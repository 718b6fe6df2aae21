/*
 * Traps of the loop and the worker, one a run: loop_client NAME exits with 0 where the
 * trap does not close.  test_loop.py runs them all, each with a time limit.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <libwebsockets.h>

#include "log.h"
#include "loop.h"
#include "worker.h"
#include "xalloc.h"

#define CHECK(condition)                                                               \
	do {                                                                           \
		if (!(condition)) {                                                    \
			(void)fprintf(stderr, "line %d: %s does not hold\n", __LINE__, \
			    #condition);                                               \
			exit(1);                                                       \
		}                                                                      \
	} while (0)

static struct loop *loop;

static void
stop(void *ctx, mono_ns now)
{
	(void)ctx;
	(void)now;
	loop_stop(loop, 0);
}

/* Runs the loop for so long, or until something stops it; how long that was. */
static mono_ns
run_for(mono_ns time)
{
	struct loop_timer *timer = loop_timer_new(loop, stop, NULL);
	mono_ns began = clock_now();

	loop_timer_arm(timer, began + time);
	CHECK(loop_run(loop) == 0);
	loop_timer_free(timer);
	return clock_now() - began;
}

/* ---- timers ---- */

#define TIMERS 10000

static struct entry {
	struct loop_timer *timer;
	mono_ns at;
	unsigned fired;
} timers[TIMERS];
static mono_ns last_at;
static unsigned fired;

static void
on_timer(void *ctx, mono_ns now)
{
	struct entry *entry = ctx;

	CHECK(now >= entry->at);
	CHECK(entry->at >= last_at);
	last_at = entry->at;
	entry->fired++;
	loop_timer_free(entry->timer);
	entry->timer = NULL;
	if (++fired == TIMERS - TIMERS / 10) {
		loop_stop(loop, 0);
	}
}

static void
ten_thousand_timers(void)
{
	mono_ns began = clock_now();

	for (size_t i = 0; i < TIMERS; i++) {
		mono_ns at = began + CLOCK_US(i * 7919 % 300000);

		timers[i].timer = loop_timer_new(loop, on_timer, &timers[i]);
		timers[i].at = at;
		loop_timer_arm(timers[i].timer, CLOCK_NEVER);
		loop_timer_arm(timers[i].timer, 1);
		loop_timer_arm(timers[i].timer, at);
	}
	for (size_t i = 0; i < TIMERS; i += 10) {
		loop_timer_arm(timers[i].timer, CLOCK_NEVER);
	}
	CHECK(loop_run(loop) == 0);
	CHECK(fired == TIMERS - TIMERS / 10);
	CHECK(clock_now() - began < CLOCK_S(3));
	for (size_t i = 0; i < TIMERS; i++) {
		CHECK(timers[i].fired == (i % 10 == 0 ? 0 : 1));
		loop_timer_free(timers[i].timer);
	}
}

static mono_ns beat_late;

static void
on_beat(void *ctx, mono_ns now)
{
	(void)now;
	beat_late = clock_now() - *(const mono_ns *)ctx;
	loop_stop(loop, 0);
}

static void
count_timer(void *ctx, mono_ns now)
{
	(void)ctx;
	(void)now;
	fired++;
}

/* All due at one instant, and the beat the last that was armed for it. */
static void
beats_among_ten_thousand_timers(void)
{
	mono_ns at = clock_now() + CLOCK_MS(200);
	struct loop_timer *beat = loop_timer_new(loop, on_beat, &at);

	for (size_t i = 0; i < TIMERS; i++) {
		timers[i].timer = loop_timer_new(loop, count_timer, NULL);
		loop_timer_arm(timers[i].timer, at);
	}
	loop_timer_arm(beat, at);
	CHECK(loop_run(loop) == 0);
	CHECK(beat_late < CLOCK_MS(100));
	(void)printf("the beat came %.2f ms late, the last of %u timers %.2f ms\n",
	    clock_seconds(beat_late) * 1000, fired,
	    clock_seconds(loop_stats(loop).timer_lags->max) * 1000);
	loop_timer_free(beat);
	for (size_t i = 0; i < TIMERS; i++) {
		loop_timer_free(timers[i].timer);
	}
}

static struct loop_timer *busy_timer;
static unsigned busy_fired;

static void
on_busy_timer(void *ctx, mono_ns now)
{
	(void)ctx;
	busy_fired++;
	loop_timer_arm(busy_timer, now); /* due again at once, always */
}

/* ---- descriptors ---- */

struct end {
	struct loop_fd *fd;
	int raw;
	unsigned ready;
	unsigned gone;
	unsigned limit;
};

static void
on_gone(void *ctx)
{
	((struct end *)ctx)->gone++;
}

static void
write_again(void *ctx, mono_ns now)
{
	struct end *end = ctx;

	(void)now;
	if (++end->ready == end->limit) {
		loop_stop(loop, 0);
	} else {
		loop_fd_want_write(end->fd);
	}
}

static void
kick_again(void *ctx, mono_ns now)
{
	struct end *end = ctx;

	(void)now;
	if (++end->ready == end->limit) {
		loop_stop(loop, 0);
	} else {
		loop_fd_kick(end->fd);
	}
}

static void
read_all(void *ctx, mono_ns now)
{
	struct end *end = ctx;
	char bytes[256];

	(void)now;
	end->ready++;
	while (read(end->raw, bytes, sizeof bytes) > 0) {
	}
	if (end->ready == end->limit) {
		loop_stop(loop, 0);
	}
}

static const struct loop_fd_events write_events = {write_again, on_gone};
static const struct loop_fd_events kick_events = {kick_again, on_gone};
static const struct loop_fd_events read_events = {read_all, on_gone};

/* One end of a socket pair in the loop; the other is returned. */
static int
add_end(struct end *end, const struct loop_fd_events *events)
{
	int pair[2];

	CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair) == 0);
	end->raw = pair[0];
	end->fd = loop_fd_add(loop, pair[0], events, end);
	CHECK(end->fd);
	return pair[1];
}

static void
timer_due_again_at_once_starves_nobody(void)
{
	static struct end end = {0};
	int peer = add_end(&end, &read_events);

	busy_timer = loop_timer_new(loop, on_busy_timer, NULL);
	loop_timer_arm(busy_timer, 0);
	CHECK(write(peer, "x", 1) == 1);
	CHECK(run_for(CLOCK_MS(100)) < CLOCK_S(2));
	CHECK(end.ready >= 1);
	CHECK(busy_fired > 10);
	loop_timer_free(busy_timer);
	(void)close(peer);
	loop_free(loop);
	CHECK(end.gone == 1);
	loop = NULL;
}

/* The library forgets a wish to write made inside its writable callback. */
static void
wish_to_write_inside_the_callback(void)
{
	static struct end end = {.limit = 100};
	int peer = add_end(&end, &write_events);

	loop_fd_want_write(end.fd);
	CHECK(run_for(CLOCK_S(5)) < CLOCK_S(4));
	CHECK(end.ready == 100);
	(void)close(peer);
}

static void
kicks_need_no_event(void)
{
	static struct end end = {.limit = 1000};
	int peer = add_end(&end, &kick_events);

	loop_fd_kick(end.fd);
	CHECK(run_for(CLOCK_S(5)) < CLOCK_S(4));
	CHECK(end.ready == 1000);
	(void)close(peer);
}

static void
reading_stops_and_resumes(void)
{
	static struct end end = {0};
	int peer = add_end(&end, &read_events);

	loop_fd_want_read(end.fd, false);
	CHECK(write(peer, "x", 1) == 1);
	(void)run_for(CLOCK_MS(50));
	CHECK(end.ready == 0);
	loop_free(loop);
	CHECK(end.gone == 1);
	loop = loop_new();
	(void)close(peer);

	static struct end other = {0};

	peer = add_end(&other, &read_events);
	loop_fd_want_read(other.fd, false);
	CHECK(write(peer, "x", 1) == 1);
	loop_fd_want_read(other.fd, true);
	(void)run_for(CLOCK_MS(50));
	CHECK(other.ready >= 1);
	(void)close(peer);
}

static void
closed_descriptors_are_gone(void)
{
	static struct end end = {0};
	int peer = add_end(&end, &read_events);
	char byte;

	CHECK(write(peer, "x", 1) == 1);
	loop_fd_kick(end.fd);
	loop_fd_want_write(end.fd);
	loop_fd_close(end.fd);
	loop_fd_close(end.fd);
	loop_fd_kick(end.fd);
	(void)run_for(CLOCK_MS(50));
	CHECK(end.ready == 0);
	CHECK(end.gone == 1);
	CHECK(fcntl(end.raw, F_GETFD) == -1);
	CHECK(recv(peer, &byte, 1, 0) <= 0);
	(void)close(peer);
}

/* True where the loop took it; it must have closed it otherwise. */
static bool
add_pipe(struct end *end)
{
	int pair[2];

	CHECK(pipe2(pair, O_NONBLOCK | O_CLOEXEC) == 0);
	(void)close(pair[1]);
	if (loop_fd_add(loop, pair[0], &read_events, end)) {
		return true;
	}
	CHECK(errno == EMFILE);
	CHECK(fcntl(pair[0], F_GETFD) == -1);
	CHECK(end->gone == 0);
	return false;
}

static void
more_descriptors_than_the_table_holds(void)
{
	enum { MANY = 40 };
	static struct end ends[MANY];
	struct rlimit limit = {64, 64};
	unsigned taken = 0;

	loop_free(loop);
	CHECK(setrlimit(RLIMIT_NOFILE, &limit) == 0);
	loop = loop_new();
	CHECK(loop);
	for (unsigned i = 0; i < MANY; i++) {
		taken += add_pipe(&ends[i]);
	}
	CHECK(taken > 10 && taken < MANY);
	(void)run_for(CLOCK_MS(20));
}

/* One that poll reports and that was kicked, too, has one turn and not two: else a
 * flood takes twice its share from all others. */
static void
a_kick_and_news_of_poll_are_one_call(void)
{
	static struct end end = {.limit = 200};
	int peer = add_end(&end, &kick_events); /* which reads nothing */
	uint64_t before = loop_stats(loop).turns;

	CHECK(write(peer, "x", 1) == 1);
	CHECK(run_for(CLOCK_S(5)) < CLOCK_S(4));
	CHECK(end.ready == 200);
	CHECK(loop_stats(loop).turns - before >= 199);
	(void)close(peer);
}

enum { WATCHED = 16, OTHER_AT = 8 };
static bool was_alone[WATCHED + 1];
static int other_peer;

static void
watch_alone(void *ctx, mono_ns now)
{
	struct end *end = ctx;

	was_alone[end->ready] = loop_fd_is_alone(end->fd);
	if (end->ready == OTHER_AT) {
		CHECK(write(other_peer, "x", 1) == 1);
	}
	kick_again(ctx, now);
}

static void
one_is_alone_where_nobody_else_was_called(void)
{
	static const struct loop_fd_events events = {watch_alone, on_gone};
	static struct end end = {.limit = WATCHED};
	static struct end other;
	int peer = add_end(&end, &events);

	other_peer = add_end(&other, &read_events);
	loop_fd_kick(end.fd);
	CHECK(run_for(CLOCK_S(5)) < CLOCK_S(4));
	CHECK(other.ready == 1);
	for (unsigned i = 2; i < WATCHED; i++) {
		/* In the turn of the other's call, and in the one behind it. */
		bool shared = i == OTHER_AT + 1 || i == OTHER_AT + 2;

		CHECK(was_alone[i] == !shared);
	}
	(void)close(peer);
	(void)close(other_peer);
}

/* ---- descriptors at which seldom something happens ---- */

static int
add_seldom(struct end *end, const struct loop_fd_events *events)
{
	int pair[2];

	CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair) == 0);
	end->raw = pair[0];
	end->fd = loop_fd_add_seldom(loop, pair[0], events, end);
	CHECK(end->fd);
	return pair[1];
}

enum { MANY_SELDOM = 40 };

/* True where each was called back so often, and is gone or not. */
static bool
all_are(const struct end *ends, unsigned ready, unsigned gone)
{
	for (unsigned i = 0; i < MANY_SELDOM; i++) {
		if (ends[i].ready != ready || ends[i].gone != gone) {
			return false;
		}
	}
	return true;
}

static unsigned all_ready;

static void
count_ready(void *ctx, mono_ns now)
{
	read_all(ctx, now);
	if (++all_ready == MANY_SELDOM) {
		loop_stop(loop, 0);
	}
}

/* More of them at once than are taken in one turn. */
static void
seldom_descriptors_are_ready(void)
{
	static const struct loop_fd_events events = {count_ready, on_gone};
	static struct end ends[MANY_SELDOM];
	int peers[MANY_SELDOM];

	for (unsigned i = 0; i < MANY_SELDOM; i++) {
		peers[i] = add_seldom(&ends[i], &events);
		CHECK(write(peers[i], "x", 1) == 1);
	}
	CHECK(run_for(CLOCK_S(5)) < CLOCK_S(4));
	CHECK(all_are(ends, 1, 0));
	loop_free(loop);
	loop = NULL;
	CHECK(all_are(ends, 1, 1));
	for (unsigned i = 0; i < MANY_SELDOM; i++) {
		CHECK(fcntl(ends[i].raw, F_GETFD) == -1);
		(void)close(peers[i]);
	}
}

static void
seldom_kicks_need_no_event(void)
{
	static struct end end = {.limit = 1000};
	int peer = add_seldom(&end, &kick_events);

	loop_fd_kick(end.fd);
	CHECK(run_for(CLOCK_S(5)) < CLOCK_S(4));
	CHECK(end.ready == 1000);
	(void)close(peer);
}

static void
resume_reading(void *ctx, mono_ns now)
{
	struct end *end = ctx;

	(void)now;
	CHECK(end->ready == 0);
	loop_fd_want_read(end->fd, true);
}

static void
seldom_reading_stops_and_resumes(void)
{
	static struct end end = {.limit = 1};
	struct loop_timer *timer = loop_timer_new(loop, resume_reading, &end);
	int peer = add_seldom(&end, &read_events);

	loop_fd_want_read(end.fd, false);
	CHECK(write(peer, "x", 1) == 1);
	loop_timer_arm(timer, clock_now() + CLOCK_MS(50));
	CHECK(run_for(CLOCK_S(5)) < CLOCK_S(4));
	CHECK(end.ready == 1);
	loop_timer_free(timer);
	(void)close(peer);
}

/* A copy of it elsewhere, as a program that is started may have, must not call it. */
static void
seldom_closed_descriptors_are_gone(void)
{
	static struct end end = {0};
	int peer = add_seldom(&end, &read_events);
	int copy = dup(end.raw);

	CHECK(copy >= 0);
	CHECK(write(peer, "x", 1) == 1);
	loop_fd_kick(end.fd);
	loop_fd_close(end.fd);
	loop_fd_close(end.fd);
	loop_fd_kick(end.fd);
	CHECK(end.gone == 0);
	(void)run_for(CLOCK_MS(50));
	CHECK(end.ready == 0);
	CHECK(end.gone == 1);
	CHECK(fcntl(end.raw, F_GETFD) == -1);
	(void)close(copy);
	(void)close(peer);
}

/* As it refuses a file, it would where the host has no room for more of them. */
static void
seldom_descriptor_that_the_set_refuses(void)
{
	static struct end end = {0};
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

	CHECK(fd >= 0);
	CHECK(!loop_fd_add_seldom(loop, fd, &read_events, &end));
	CHECK(errno == EPERM);
	CHECK(fcntl(fd, F_GETFD) == -1);
	CHECK(end.gone == 0);
}

static struct end fellows[2];

/* The first of both that is called closes itself and the other. */
static void
close_both(void *ctx, mono_ns now)
{
	(void)now;
	((struct end *)ctx)->ready++;
	loop_fd_close(fellows[0].fd);
	loop_fd_close(fellows[1].fd);
}

static void
seldom_descriptors_close_each_other(void)
{
	static const struct loop_fd_events events = {close_both, on_gone};
	int peers[2] = {add_seldom(&fellows[0], &events),
	    add_seldom(&fellows[1], &events)};

	CHECK(write(peers[0], "x", 1) == 1);
	CHECK(write(peers[1], "x", 1) == 1);
	(void)run_for(CLOCK_MS(50));
	CHECK(fellows[0].ready + fellows[1].ready == 1);
	CHECK(fellows[0].gone == 1 && fellows[1].gone == 1);
	(void)close(peers[0]);
	(void)close(peers[1]);
}

/* Closed, and the loop ends without another turn. */
static void
seldom_descriptor_closed_at_the_end(void)
{
	static struct end end = {0};
	static struct end other = {.limit = 1};
	int peers[2] = {add_seldom(&end, &read_events), add_end(&other, &kick_events)};

	loop_fd_kick(other.fd);
	loop_fd_close(end.fd);
	loop_fd_kick(other.fd);
	loop_free(loop);
	loop = NULL;
	CHECK(end.gone == 1 && other.gone == 1);
	(void)close(peers[0]);
	(void)close(peers[1]);
}

/* ---- before poll ---- */

static lws_sorted_usec_list_t sul;
static struct end late_end;
static struct loop_timer *late_timer;

static void
stop_before_poll(lws_sorted_usec_list_t *list)
{
	(void)list;
	loop_stop(loop, 0);
}

static void
arm_before_poll(lws_sorted_usec_list_t *list)
{
	(void)list;
	loop_timer_arm(late_timer, clock_now());
}

static void
kick_before_poll(lws_sorted_usec_list_t *list)
{
	(void)list;
	loop_fd_kick(late_end.fd);
}

/* The library's timers run just before poll, which then waits: in each of these cases
 * for the 5 s of run_for(). */
static void
stop_from_a_timer_of_the_library(void)
{
	lws_sul_schedule(loop_context(loop), 0, &sul, stop_before_poll, 50000);
	CHECK(run_for(CLOCK_S(5)) < CLOCK_S(2));
}

static void
timer_from_a_timer_of_the_library(void)
{
	late_timer = loop_timer_new(loop, stop, NULL);
	lws_sul_schedule(loop_context(loop), 0, &sul, arm_before_poll, 50000);
	CHECK(run_for(CLOCK_S(5)) < CLOCK_S(2));
	loop_timer_free(late_timer);
}

static void
kick_from_a_timer_of_the_library(void)
{
	int peer = add_end(&late_end, &kick_events);

	late_end.limit = 1;
	lws_sul_schedule(loop_context(loop), 0, &sul, kick_before_poll, 50000);
	CHECK(run_for(CLOCK_S(5)) < CLOCK_S(2));
	(void)close(peer);
}

static void
arm_when_gone(void *ctx)
{
	(void)ctx;
	loop_timer_arm(late_timer, clock_now());
}

/* A descriptor goes before poll too. */
static void
timer_armed_when_a_descriptor_goes(void)
{
	static const struct loop_fd_events events = {read_all, arm_when_gone};
	static struct end end = {0};
	int peer = add_end(&end, &events);

	late_timer = loop_timer_new(loop, stop, NULL);
	loop_fd_close(end.fd);
	CHECK(run_for(CLOCK_S(5)) < CLOCK_S(2));
	loop_timer_free(late_timer);
	late_timer = NULL;
	(void)close(peer);
}

/* ---- how it turns ---- */

static void
spin(lws_sorted_usec_list_t *list)
{
	lws_sul_schedule(loop_context(loop), 0, list, spin, 0);
}

static void
governor_slows_a_spin(void)
{
	lws_sul_schedule(loop_context(loop), 0, &sul, spin, 0);
	(void)run_for(CLOCK_MS(300));
	lws_sul_cancel(&sul);
	CHECK(loop_stats(loop).spins > 10);
	CHECK(loop_stats(loop).turns < 1000);
}

static void
sleep_40_ms(void *ctx, mono_ns now)
{
	(void)ctx;
	(void)now;
	(void)usleep(40000);
}

static void
poll_is_no_part_of_a_turn(void)
{
	struct loop_timer *timer = loop_timer_new(loop, sleep_40_ms, NULL);
	mono_ns idle_max;

	loop_timer_arm(timer, clock_now() + CLOCK_MS(400));
	(void)run_for(CLOCK_MS(300));
	idle_max = loop_stats(loop).turn_max;
	CHECK(idle_max < CLOCK_MS(100));
	loop_free(loop);
	loop = loop_new();
	loop_timer_free(timer);
	timer = loop_timer_new(loop, sleep_40_ms, NULL);
	loop_timer_arm(timer, clock_now());
	(void)run_for(CLOCK_MS(300));
	CHECK(loop_stats(loop).turn_max >= CLOCK_MS(40));
	CHECK(loop_stats(loop).turn_max < CLOCK_MS(250));
	CHECK(strcmp(loop_stats(loop).doing, "stop") == 0);
	loop_timer_free(timer);
}

/* One turn of 40 ms among short ones; and a timer behind it that it made late. */
static void
long_turns_and_late_timers_are_counted(void)
{
	struct loop_timer *slow = loop_timer_new(loop, sleep_40_ms, NULL);
	struct loop_timer *late = loop_timer_new(loop, on_busy_timer, NULL);
	struct loop_timer *past = loop_timer_new(loop, on_busy_timer, NULL);
	mono_ns now = clock_now();

	busy_timer = past;
	loop_timer_arm(slow, now + CLOCK_MS(20));
	loop_timer_arm(late, now + CLOCK_MS(30));
	loop_timer_arm(past, 1); /* long ago: due now, and not late for that */
	(void)run_for(CLOCK_MS(100));
	struct loop_stats stats = loop_stats(loop);

	CHECK(stats.turn_times->count > 3);
	CHECK(stats.turn_times->max == stats.turn_max);
	CHECK(stats.turn_max >= CLOCK_MS(40));
	CHECK(histogram_quantile(stats.turn_times, 10000) < CLOCK_MS(40));
	CHECK(stats.timer_lags->max >= CLOCK_MS(29));
	CHECK(stats.timer_lags->max < CLOCK_MS(1000));
	CHECK(histogram_quantile(stats.timer_lags, 10000) < CLOCK_MS(29));
	loop_timer_free(slow);
	loop_timer_free(late);
	loop_timer_free(past);
}

static void
note(lws_sorted_usec_list_t *list)
{
	(void)list;
	loop_note(loop, __func__);
}

static void
have_library_note(void *ctx, mono_ns now)
{
	lws_sul_schedule(loop_context(loop), 0, &sul, note, 0);
	loop_timer_arm(*(struct loop_timer **)ctx, now + CLOCK_MS(150));
}

/* What the library calls just before poll ends with it, as a turn. */
static void
poll_is_no_part_of_a_turn_of_the_library(void)
{
	struct loop_timer *timer = loop_timer_new(loop, have_library_note, &timer);

	loop_timer_arm(timer, clock_now());
	(void)run_for(CLOCK_MS(1500));
	CHECK(loop_stats(loop).turn_max < CLOCK_MS(120));
	lws_sul_cancel(&sul);
	loop_timer_free(timer);
}

#define CHAINS      400
#define CHAIN_EVERY CLOCK_MS(5)

static unsigned chains;

/* Due in the very microsecond up to which the library looks, or in the next one. */
static void
begin_chain(lws_sorted_usec_list_t *list)
{
	static lws_sorted_usec_list_t next;

	lws_sul_schedule(loop_context(loop), 0, &next, note, 0);
	lws_sul_schedule(loop_context(loop), 0, list, begin_chain,
	    CHAIN_EVERY / CLOCK_US(1));
	if (++chains == CHAINS) {
		loop_stop(loop, 0);
	}
}

/* Nor is it where one of the library's timers has just armed the next one. */
static void
poll_is_no_part_of_a_turn_behind_another(void)
{
	lws_sul_schedule(loop_context(loop), 0, &sul, begin_chain, 0);
	CHECK(loop_run(loop) == 0);
	lws_sul_cancel(&sul);
	const struct histogram *turns = loop_stats(loop).turn_times;
	uint64_t longer = turns->count - histogram_count_to(turns, CHAIN_EVERY * 4 / 5);

	(void)printf("%u of %u turns lasted as long as poll\n", (unsigned)longer,
	    (unsigned)turns->count);
	CHECK(longer <= CHAINS / 100); /* a busy machine may hold one up */
}

static unsigned signals_seen;

static void
on_signal(void *ctx, int number, mono_ns now)
{
	(void)ctx;
	(void)now;
	CHECK(number == SIGUSR1 || number == SIGTERM);
	if (++signals_seen == 2) {
		loop_stop(loop, 0);
	}
}

static void
signals_come_on_the_loop(void)
{
	static const int numbers[] = {SIGUSR1, SIGTERM, 0};

	CHECK(loop_watch_signals(loop, numbers, on_signal, NULL) == GW_OK);
	CHECK(raise(SIGUSR1) == 0 && raise(SIGTERM) == 0);
	CHECK(signals_seen == 0);
	CHECK(run_for(CLOCK_S(5)) < CLOCK_S(2));
	CHECK(signals_seen == 2);
}

/* ---- other threads ---- */

enum { POSTERS = 4, POSTS = 5000 };

struct poster {
	unsigned posted;
	unsigned seen;
};

struct numbered {
	struct poster *poster;
	unsigned number;
};

static unsigned posts_seen;
static unsigned jobs_done;

/* done() of a job may come before the last of its posts. */
static void
stop_when_all_came(void)
{
	if (jobs_done == POSTERS && posts_seen == POSTERS * POSTS) {
		loop_stop(loop, 0);
	}
}

static void
on_post(void *ctx)
{
	struct numbered *numbered = ctx;

	CHECK(numbered->number == numbered->poster->seen++);
	free(numbered);
	posts_seen++;
	stop_when_all_came();
}

static void
post_many(void *job)
{
	struct poster *poster = job;

	while (poster->posted < POSTS) {
		struct numbered *numbered = xzalloc(sizeof *numbered);

		*numbered = (struct numbered){poster, poster->posted++};
		loop_post(loop, on_post, numbered);
	}
}

static void
count_done(void *job)
{
	(void)job;
	jobs_done++;
	stop_when_all_came();
}

static void
posts_of_each_thread_come_in_order(void)
{
	struct worker *worker = worker_new(loop, POSTERS);
	struct poster posters[POSTERS] = {0};

	for (unsigned i = 0; i < POSTERS; i++) {
		CHECK(
		    worker_submit(worker, post_many, count_done, &posters[i]) == GW_OK);
	}
	CHECK(run_for(CLOCK_S(20)) < CLOCK_S(19));
	CHECK(posts_seen == POSTERS * POSTS);
	worker_free(worker);
}

static void
sleep_20_ms(void *job)
{
	(void)job;
	(void)usleep(20000);
}

static void
stop_after_64(void *job)
{
	(void)job;
	if (++jobs_done == 64) {
		loop_stop(loop, 0);
	}
}

static void
queue_holds_64(void)
{
	struct worker *worker = worker_new(loop, 2);
	unsigned taken = 0;
	enum gw_err err;

	while (
	    (err = worker_submit(worker, sleep_20_ms, stop_after_64, NULL)) == GW_OK) {
		taken++;
	}
	CHECK(err == GW_ERR_FULL);
	CHECK(taken >= 64 && taken <= 66);
	CHECK(run_for(CLOCK_S(20)) < CLOCK_S(19));
	CHECK(jobs_done == 64);
	worker_free(worker);
}

static void
sleep_30_s(void *job)
{
	(void)job;
	(void)sleep(30);
}

static void
never_done(void *job)
{
	(void)job;
	CHECK(false);
}

/* A hanging job does not hold the end up. */
static void
hanging_job_is_left_behind(void)
{
	struct worker *worker = worker_new(loop, 2);
	mono_ns began = clock_now();

	CHECK(worker_submit(worker, sleep_30_s, never_done, NULL) == GW_OK);
	(void)run_for(CLOCK_MS(50));
	worker_free(worker);
	loop_free(loop);
	loop = NULL;
	CHECK(clock_now() - began < CLOCK_S(3));
}

/* A finished job that the loop does not take any more is dropped. */
static void
undelivered_result_is_dropped(void)
{
	struct worker *worker = worker_new(loop, 1);

	CHECK(worker_submit(worker, sleep_20_ms, never_done, NULL) == GW_OK);
	(void)usleep(100000);
	worker_free(worker);
}

/* ---- the sentinel ---- */

/* On the sentinel's thread, right before the end. */
static void
tell_stuck(void *ctx, const char *handler, mono_ns stuck)
{
	(void)ctx;
	(void)dprintf(STDERR_FILENO, "told before the end: %s, %lld ms\n", handler,
	    (long long)(stuck / CLOCK_MS(1)));
}

static void
start_sentinel(struct worker **worker)
{
	*worker = worker_new(loop, 1);
	worker_start_sentinel(*worker, CLOCK_MS(200), CLOCK_MS(800), tell_stuck, NULL);
}

static void
hang(void *ctx, mono_ns now)
{
	(void)ctx;
	(void)now;
	(void)sleep(20);
}

static void
sentinel_ends_a_hanging_turn(void)
{
	struct loop_timer *timer = loop_timer_new(loop, hang, NULL);
	struct worker *worker;

	start_sentinel(&worker);
	loop_note_state(loop, 3, "ready");
	loop_timer_arm(timer, clock_now());
	(void)loop_run(loop);
	CHECK(false);
}

static void
sentinel_leaves_an_idle_loop_alone(void)
{
	struct worker *worker;

	start_sentinel(&worker);
	(void)printf("ready\n");
	(void)fflush(stdout);
	(void)run_for(CLOCK_S(3));
	worker_free(worker);
}

/* The sentinel dozes by then, and the loop rouses it. */
static void
sentinel_wakes_for_a_turn_that_hangs(void)
{
	struct loop_timer *timer = loop_timer_new(loop, hang, NULL);
	struct worker *worker;

	start_sentinel(&worker);
	loop_timer_arm(timer, clock_now() + CLOCK_S(2));
	(void)loop_run(loop);
	CHECK(false);
}

/* The library runs its own timers outside of any turn of ours. */
static void
hang_in_library(lws_sorted_usec_list_t *timer)
{
	(void)timer;
	(void)sleep(20);
}

static void
sentinel_ends_a_library_that_hangs(void)
{
	static lws_sorted_usec_list_t timer;
	struct worker *worker;

	start_sentinel(&worker);
	lws_sul_schedule(loop_context(loop), 0, &timer, hang_in_library,
	    LWS_USEC_PER_SEC);
	(void)loop_run(loop);
	CHECK(false);
}

/* How often the threads of this process went to sleep. */
static long
sleeps(void)
{
	struct rusage usage;

	CHECK(getrusage(RUSAGE_SELF, &usage) == 0);
	return usage.ru_nvcsw;
}

static void
note_sleeps(void *ctx, mono_ns now)
{
	(void)now;
	*(long *)ctx = sleeps();
}

static void
sentinel_sleeps_beside_an_idle_loop(void)
{
	long before = -1;
	struct loop_timer *timer = loop_timer_new(loop, note_sleeps, &before);
	struct worker *worker;

	start_sentinel(&worker);
	loop_timer_arm(timer, clock_now() + CLOCK_S(1));
	CHECK(run_for(CLOCK_S(4)) >= CLOCK_S(4));
	long slept = sleeps() - before;

	/* Seven dozes of 400 ms, a nudge in every other: 14, and 30 of the thread
	 * checker's own.  Looks every 50 ms would be 60. */
	(void)printf("%ld wake-ups in 3 s\n", slept);
	CHECK(before >= 0 && slept <= 50);
	worker_free(worker);
	loop_timer_free(timer);
}

static void
sleep_400_ms(void *ctx, mono_ns now)
{
	(void)ctx;
	(void)now;
	(void)usleep(400000);
}

static void
sentinel_tells_a_slow_turn(void)
{
	struct loop_timer *timer = loop_timer_new(loop, sleep_400_ms, NULL);
	struct worker *worker;

	start_sentinel(&worker);
	loop_timer_arm(timer, clock_now());
	(void)run_for(CLOCK_S(1));
	worker_free(worker);
	loop_timer_free(timer);
}

/* ---- which ---- */

#define TRAP(name)          \
	{                   \
#name, name \
	}

static const struct {
	const char *name;
	void (*run)(void);
} traps[] = {
    TRAP(ten_thousand_timers),
    TRAP(beats_among_ten_thousand_timers),
    TRAP(timer_due_again_at_once_starves_nobody),
    TRAP(wish_to_write_inside_the_callback),
    TRAP(kicks_need_no_event),
    TRAP(reading_stops_and_resumes),
    TRAP(closed_descriptors_are_gone),
    TRAP(more_descriptors_than_the_table_holds),
    TRAP(seldom_descriptors_are_ready),
    TRAP(a_kick_and_news_of_poll_are_one_call),
    TRAP(one_is_alone_where_nobody_else_was_called),
    TRAP(seldom_kicks_need_no_event),
    TRAP(seldom_reading_stops_and_resumes),
    TRAP(seldom_closed_descriptors_are_gone),
    TRAP(seldom_descriptor_that_the_set_refuses),
    TRAP(seldom_descriptors_close_each_other),
    TRAP(seldom_descriptor_closed_at_the_end),
    TRAP(stop_from_a_timer_of_the_library),
    TRAP(timer_from_a_timer_of_the_library),
    TRAP(kick_from_a_timer_of_the_library),
    TRAP(timer_armed_when_a_descriptor_goes),
    TRAP(governor_slows_a_spin),
    TRAP(poll_is_no_part_of_a_turn),
    TRAP(long_turns_and_late_timers_are_counted),
    TRAP(poll_is_no_part_of_a_turn_of_the_library),
    TRAP(poll_is_no_part_of_a_turn_behind_another),
    TRAP(signals_come_on_the_loop),
    TRAP(posts_of_each_thread_come_in_order),
    TRAP(queue_holds_64),
    TRAP(hanging_job_is_left_behind),
    TRAP(undelivered_result_is_dropped),
    TRAP(sentinel_ends_a_hanging_turn),
    TRAP(sentinel_wakes_for_a_turn_that_hangs),
    TRAP(sentinel_ends_a_library_that_hangs),
    TRAP(sentinel_leaves_an_idle_loop_alone),
    TRAP(sentinel_sleeps_beside_an_idle_loop),
    TRAP(sentinel_tells_a_slow_turn),
};

int
main(int argc, char **argv)
{
	for (size_t i = 0; i < sizeof traps / sizeof traps[0]; i++) {
		if (argc < 2) {
			(void)printf("%s\n", traps[i].name);
		} else if (strcmp(argv[1], traps[i].name) == 0) {
			loop = loop_new();
			CHECK(loop);
			traps[i].run();
			loop_free(loop);
			return 0;
		}
	}
	return argc < 2 ? 0 : 2;
}
