/* Kind tcp: can a connection be made? */
#include "probe_kinds.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "dial.h"
#include "probe.h"
#include "xalloc.h"

#define CONNECT_TIMEOUT CLOCK_S(3) /* of one address while there are others */

struct run;

/* A socket outlives its run by a turn of the loop. */
struct attempt {
	struct run *run; /* NULL: nobody wants it any more */
	struct loop_fd *fd;
	int number;
};

struct run {
	struct probe_task *task;
	struct loop_timer *timer;
	uint64_t lookup;
	mono_ns deadline;
	mono_ns attempt_until;
	struct resolver_answer addresses;
	unsigned tried;
	struct attempt *attempt;
	char reason[PROBE_REASON_ROOM];
};

static void
drop_attempt(struct run *run)
{
	if (run->attempt) {
		run->attempt->run = NULL;
		loop_fd_close(run->attempt->fd);
		run->attempt = NULL;
	}
}

static void
free_run(struct run *run)
{
	drop_attempt(run);
	if (run->lookup != 0) {
		resolver_cancel(run->task->tools->resolver, run->lookup);
	}
	loop_timer_free(run->timer);
	run->task->work = NULL;
	free(run);
}

static void
end(struct run *run, bool good, mono_ns now)
{
	struct probe_task *task = run->task;
	char reason[PROBE_REASON_ROOM];

	memcpy(reason, run->reason, sizeof reason);
	free_run(run);
	task->done(task, good ? PROBE_GOOD : PROBE_BAD, reason, now);
}

static void
note(struct run *run, const char *address, const char *what)
{
	(void)snprintf(run->reason, sizeof run->reason, "%s port %d: %s", address,
	    (int)run->task->config->port, what);
}

/* ---- one address after the other ---- */

static void on_ready(void *ctx, mono_ns now);

static void
on_gone(void *ctx)
{
	struct attempt *attempt = ctx;

	if (attempt->run) {
		attempt->run->attempt = NULL;
	}
	free(attempt);
}

static const struct loop_fd_events events = {.ready = on_ready, .gone = on_gone};

/* False where not even an attempt could be made; the reason is noted. */
static bool
dial(struct run *run, const char *address)
{
	int number = dial_tcp(address, (uint16_t)run->task->config->port);

	if (number < 0) {
		note(run, address, strerror(errno));
		return false;
	}
	struct attempt *attempt = xzalloc(sizeof *attempt);

	*attempt = (struct attempt){.run = run, .number = number};
	attempt->fd = loop_fd_add(run->task->tools->loop, number, &events, attempt);
	if (!attempt->fd) {
		note(run, address, "no descriptor is left");
		free(attempt);
		return false;
	}
	run->attempt = attempt;
	loop_fd_want_write(attempt->fd);
	return true;
}

static void
try_next(struct run *run, mono_ns now)
{
	while (run->tried < run->addresses.count) {
		const char *address = run->addresses.addresses[run->tried++];
		unsigned left = run->addresses.count - run->tried;
		mono_ns share = (run->deadline - now) / (left + 1);

		if (left > 0 && share > CONNECT_TIMEOUT) {
			share = CONNECT_TIMEOUT;
		}
		run->attempt_until = now + share;
		if (dial(run, address)) {
			loop_timer_arm(run->timer, run->attempt_until);
			return;
		}
	}
	end(run, false, now);
}

static void
on_ready(void *ctx, mono_ns now)
{
	struct attempt *attempt = ctx;
	struct run *run = attempt->run;
	struct sockaddr_storage peer;
	socklen_t size = sizeof peer;
	int error = 0;
	socklen_t error_size = sizeof error;

	if (!run) {
		return;
	}
	const char *address = run->addresses.addresses[run->tried - 1];

	(void)getsockopt(attempt->number, SOL_SOCKET, SO_ERROR, &error, &error_size);
	if (error == 0 &&
	    getpeername(attempt->number, (struct sockaddr *)&peer, &size) == 0) {
		run->reason[0] = '\0';
		end(run, true, now);
		return;
	}
	if (error == 0) {
		loop_fd_want_write(attempt->fd); /* not yet */
		return;
	}
	note(run, address, strerror(error));
	drop_attempt(run);
	try_next(run, now);
}

static void
on_timer(void *ctx, mono_ns now)
{
	struct run *run = ctx;

	if (run->tried == 0) {
		(void)snprintf(run->reason, sizeof run->reason,
		    "timed out while looking %s up", run->task->config->host);
		end(run, false, now);
		return;
	}
	note(run, run->addresses.addresses[run->tried - 1], "no answer in time");
	drop_attempt(run);
	try_next(run, now);
}

static void
on_addresses(void *ctx, const struct resolver_answer *answer, mono_ns now)
{
	struct run *run = ctx;

	run->lookup = 0;
	if (answer->error) {
		(void)snprintf(run->reason, sizeof run->reason, "no address for %s: %s",
		    run->task->config->host, answer->error);
		end(run, false, now);
		return;
	}
	run->addresses = *answer;
	try_next(run, now);
}

/* ---- the kind ---- */

static void
start(struct probe_task *task, mono_ns now)
{
	struct run *run = xzalloc(sizeof *run);

	run->task = task;
	run->timer = loop_timer_new(task->tools->loop, on_timer, run);
	run->deadline = now + task->config->timeout;
	task->work = run;
	loop_timer_arm(run->timer, run->deadline);
	run->lookup = resolver_lookup(task->tools->resolver, task->config->host,
	    task->config->timeout, on_addresses, run);
}

static void
cancel(struct probe_task *task)
{
	free_run(task->work);
}

const struct probe_kind probe_tcp = {.start = start, .cancel = cancel};
