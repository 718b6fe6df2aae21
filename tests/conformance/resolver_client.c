/*
 * Looks names up while a 10 ms timer runs, for test_resolver.py.
 *
 *   resolver_client [-d DEADLINE_MS] [-t MS] [-c] STEP...
 *
 * A STEP is a host name, looked up once the step before was answered; "+NAME" does not
 * wait for the step before.  "sleep=MS" waits.  -c cancels each lookup at once.  Prints
 * a line of JSON for each answer and, at the end, the largest gap between two ticks.
 * -t ends after so many ms even with lookups open.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "log.h"
#include "resolver.h"
#include "worker.h"

#define TICK    CLOCK_MS(10)
#define THREADS 4

struct client {
	struct loop *loop;
	struct resolver *resolver;
	struct loop_timer *tick;
	struct loop_timer *pause;
	struct loop_timer *end;
	char **steps;
	mono_ns deadline;
	mono_ns ticked_at;
	mono_ns gap_max;
	unsigned waiting;
	bool cancel;
};

struct asked {
	struct client *client;
	const char *name;
	mono_ns at;
};

static void next_step(struct client *client, mono_ns now);

static void
on_tick(void *ctx, mono_ns now)
{
	struct client *client = ctx;
	mono_ns gap = client->ticked_at ? now - client->ticked_at : 0;

	client->gap_max = gap > client->gap_max ? gap : client->gap_max;
	client->ticked_at = now;
	loop_timer_arm(client->tick, now + TICK);
}

static void
on_end(void *ctx, mono_ns now)
{
	struct client *client = ctx;

	(void)now;
	loop_stop(client->loop, 0);
}

static void
on_answer(void *ctx, const struct resolver_answer *answer, mono_ns now)
{
	struct asked *asked = ctx;
	struct client *client = asked->client;

	printf("{\"name\":\"%s\",\"took_ms\":%.1f,\"error\":", asked->name,
	    clock_seconds(now - asked->at) * 1e3);
	if (answer->error) {
		printf("\"%s\"", answer->error);
	} else {
		printf("null");
	}
	printf(",\"addresses\":[");
	for (unsigned i = 0; i < answer->count; i++) {
		printf("%s\"%s\"", i ? "," : "", answer->addresses[i]);
	}
	printf("]}\n");
	(void)fflush(stdout);
	free(asked);
	if (--client->waiting == 0) {
		next_step(client, now);
	}
}

static void
ask(struct client *client, const char *name, mono_ns now)
{
	struct asked *asked = malloc(sizeof *asked);

	if (!asked) {
		abort();
	}
	*asked = (struct asked){client, name, now};
	uint64_t id =
	    resolver_lookup(client->resolver, name, client->deadline, on_answer, asked);

	if (client->cancel) {
		resolver_cancel(client->resolver, id);
		resolver_cancel(client->resolver, id);
		free(asked);
	} else {
		client->waiting++;
	}
}

static void
next_step(struct client *client, mono_ns now)
{
	const char *step = *client->steps;

	if (!step) {
		if (!client->cancel) {
			loop_stop(client->loop, 0);
		}
		return;
	}
	client->steps++;
	if (strncmp(step, "sleep=", 6) == 0) {
		loop_timer_arm(client->pause,
		    now + CLOCK_MS(strtol(step + 6, NULL, 10)));
		return;
	}
	ask(client, step[0] == '+' ? step + 1 : step, now);
	if (*client->steps && (*client->steps)[0] == '+') {
		next_step(client, now);
	}
}

static void
on_pause_over(void *ctx, mono_ns now)
{
	next_step(ctx, now);
}

static int
run(struct client *client, mono_ns end_after)
{
	struct worker *worker = worker_new(client->loop, THREADS);
	mono_ns now = clock_now();

	client->resolver = resolver_new(client->loop, worker);
	client->tick = loop_timer_new(client->loop, on_tick, client);
	client->pause = loop_timer_new(client->loop, on_pause_over, client);
	client->end = loop_timer_new(client->loop, on_end, client);
	loop_timer_arm(client->tick, now + TICK);
	loop_timer_arm(client->end, clock_add(now, end_after));
	next_step(client, now);

	int status = loop_run(client->loop);

	printf("{\"gap_ms\":%.3f}\n", clock_seconds(client->gap_max) * 1e3);
	loop_timer_free(client->tick);
	loop_timer_free(client->pause);
	loop_timer_free(client->end);
	resolver_free(client->resolver);
	worker_free(worker);
	return status;
}

int
main(int argc, char **argv)
{
	struct client client = {.deadline = CLOCK_S(5)};
	mono_ns end_after = CLOCK_S(60);
	int option = 0;

	while ((option = getopt(argc, argv, "d:t:c")) != -1) {
		if (option == 'd') {
			client.deadline = CLOCK_MS(strtol(optarg, NULL, 10));
		} else if (option == 't') {
			end_after = CLOCK_MS(strtol(optarg, NULL, 10));
		} else if (option == 'c') {
			client.cancel = true;
		} else {
			return 64;
		}
	}
	client.steps = argv + optind;
	log_open(STDERR_FILENO, LOG_FORMAT_LOGFMT, LOG_LEVEL_DEBUG);
	client.loop = loop_new();
	if (!client.loop) {
		return 70;
	}
	int status = run(&client, end_after);

	loop_free(client.loop);
	(void)fflush(stdout);
	/* Threads that hang in a lookup are left behind, with what they hold. */
	_exit(status);
}
