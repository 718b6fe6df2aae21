/* Kind http: does a request get the answer that it should? */
#include "probe_kinds.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "probe.h"
#include "xalloc.h"

#define BODY_MAX_BYTES ((size_t)1024 * 1024)

struct run {
	struct probe_task *task;
	struct fetch *fetch; /* NULL: there is none */
	uint64_t id;
	struct loop_timer *timer; /* only to say that there is none */
};

static void
free_run(struct run *run)
{
	loop_timer_free(run->timer);
	run->task->work = NULL;
	free(run);
}

static void
end(struct run *run, bool good, const char *reason, mono_ns now)
{
	struct probe_task *task = run->task;

	free_run(run);
	task->done(task, good ? PROBE_GOOD : PROBE_BAD, reason, now);
}

static bool
judge(const struct config_probe *config, const struct fetch_response *response,
    char reason[PROBE_REASON_ROOM])
{
	int64_t status = response->status;
	bool good = config->status != 0 ? status == config->status :
					  status >= 200 && status <= 299;
	size_t size = strlen(config->body);

	if (response->error) {
		(void)snprintf(reason, PROBE_REASON_ROOM, "%s", response->error);
		return false;
	}
	if (!good && config->status != 0) {
		(void)snprintf(reason, PROBE_REASON_ROOM,
		    "status %" PRId64 ", not %" PRId64, status, config->status);
		return false;
	}
	if (!good) {
		(void)snprintf(reason, PROBE_REASON_ROOM,
		    "status %" PRId64 ", none of 200 to 299", status);
		return false;
	}
	if (size > 0 &&
	    (response->body.size < size ||
		!memmem(response->body.data, response->body.size, config->body,
		    size))) {
		(void)snprintf(reason, PROBE_REASON_ROOM,
		    "status %" PRId64 ", and the body has no \"%.100s\"", status,
		    config->body);
		return false;
	}
	(void)snprintf(reason, PROBE_REASON_ROOM, "status %" PRId64, status);
	return true;
}

static void
on_response(void *ctx, const struct fetch_response *response, mono_ns now)
{
	struct run *run = ctx;
	char reason[PROBE_REASON_ROOM];
	bool good = judge(run->task->config, response, reason);

	end(run, good, reason, now);
}

static void
on_no_client(void *ctx, mono_ns now)
{
	end(ctx, false, "no certificates could be loaded (discord.ca_file)", now);
}

static void
start(struct probe_task *task, mono_ns now)
{
	struct run *run = xzalloc(sizeof *run);
	const struct fetch_request request = {
	    .method = "GET",
	    .url = task->config->url,
	    .plain_anywhere = true,
	    .timeout = task->config->timeout,
	    .max_body_bytes = BODY_MAX_BYTES,
	};

	run->task = task;
	run->fetch = task->tools->fetch(task->tools->ctx);
	task->work = run;
	if (run->fetch) {
		run->id = fetch_start(run->fetch, &request, on_response, run);
		return;
	}
	run->timer = loop_timer_new(task->tools->loop, on_no_client, run);
	loop_timer_arm(run->timer, now);
}

static void
cancel(struct probe_task *task)
{
	struct run *run = task->work;

	if (run->fetch) {
		fetch_cancel(run->fetch, run->id);
	}
	free_run(run);
}

const struct probe_kind probe_http = {.start = start, .cancel = cancel};
