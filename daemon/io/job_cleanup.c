/* Action cleanup: deletes old messages; core/cleanup.c says in which calls. */
#include "job_actions.h"

#include <stdio.h>
#include <stdlib.h>

#include "cleanup.h"
#include "discord.h"
#include "xalloc.h"

#define PAGE_MAX_BYTES ((size_t)4 * 1024 * 1024)

struct run {
	struct job_task *task;
	struct cleanup cleanup;
	enum cleanup_step step;
	uint64_t call;
	bool bad;
	char refusal[JOB_RESULT_ROOM]; /* the first; empty: none */
};

static void
end(struct run *run, mono_ns now)
{
	struct job_task *task = run->task;
	char words[JOB_RESULT_ROOM];
	/* jobs.c cuts it; with what stands between them */
	char text[sizeof words + sizeof run->refusal + sizeof JOB_OVER + 4];
	const struct job_outcome outcome = {
	    .good = !run->bad,
	    .cut = task->over,
	    .result = text,
	    .output = "",
	};

	cleanup_words(&run->cleanup, words, sizeof words);
	(void)snprintf(text, sizeof text, "%s%s%s%s", words,
	    run->refusal[0] ? ": " : "", run->refusal, task->over ? "; " JOB_OVER : "");

	task->work = NULL;
	free(run);
	task->done(task, &outcome, now);
}

static bool go_on(struct run *run);

static void
take_page(struct run *run, struct slice body)
{
	struct json *page = NULL;

	(void)json_parse(body, PAGE_MAX_BYTES, &page);
	if (!cleanup_take_page(&run->cleanup, page)) {
		run->bad = true;
		(void)snprintf(run->refusal, sizeof run->refusal,
		    "the answer is no list of messages");
	}
	json_free(page);
}

static void
take_channel(struct run *run, struct slice body)
{
	struct json *channel = NULL;

	(void)json_parse(body, PAGE_MAX_BYTES, &channel);
	cleanup_take_channel(&run->cleanup, channel);
	json_free(channel);
}

static void
take(struct run *run, struct slice body)
{
	switch (run->step) {
	case CLEANUP_LIST:
		take_page(run, body);
		return;
	case CLEANUP_LOOK:
		take_channel(run, body);
		return;
	case CLEANUP_TRY:
		cleanup_take_message(&run->cleanup);
		return;
	case CLEANUP_BULK:
	case CLEANUP_DELETE:
	case CLEANUP_DONE:
		cleanup_take_deleted(&run->cleanup);
		return;
	}
}

static enum refusal_deed
deed_of(enum cleanup_step step)
{
	switch (step) {
	case CLEANUP_LIST:
	case CLEANUP_LOOK:
		return REFUSAL_READ;
	case CLEANUP_TRY:
		return REFUSAL_HISTORY;
	case CLEANUP_BULK:
	case CLEANUP_DELETE:
	case CLEANUP_DONE:
		return REFUSAL_DELETE;
	}
	return REFUSAL_DELETE;
}

static void
on_answer(void *ctx, const struct rest_answer *answer, mono_ns now)
{
	struct run *run = ctx;

	run->call = 0;
	if (job_was_put_off(run->task, answer)) {
		end(run, now);
		return;
	}
	if (answer->error) {
		if (cleanup_take_refusal(&run->cleanup, answer->status, answer->code)) {
			run->bad = true;
			job_note_refusal(run->refusal, deed_of(run->step), answer);
		}
	} else {
		take(run, answer->body);
	}
	if (answer->unauthorized || run->task->over || !go_on(run)) {
		end(run, now);
	}
}

/* Makes the next call; false where there is none. */
static bool
go_on(struct run *run)
{
	struct rest *rest = run->task->tools->rest;
	struct cleanup_call call = cleanup_next(&run->cleanup, clock_wall_ms());

	run->step = call.step;
	switch (call.step) {
	case CLEANUP_LIST:
		run->call =
		    discord_messages(rest, call.channel, call.before, on_answer, run);
		break;
	case CLEANUP_BULK:
		run->call = discord_bulk_delete(rest, call.channel, call.ids,
		    call.count, on_answer, run);
		break;
	case CLEANUP_DELETE:
		run->call =
		    discord_delete(rest, call.channel, call.ids[0], on_answer, run);
		break;
	case CLEANUP_LOOK:
		run->call = discord_channel(rest, call.channel, on_answer, run);
		break;
	case CLEANUP_TRY:
		run->call =
		    discord_message(rest, call.channel, call.ids[0], on_answer, run);
		break;
	case CLEANUP_DONE:
		return false;
	}
	if (run->call == 0) {
		run->bad = true;
		(void)snprintf(run->refusal, sizeof run->refusal,
		    "too many calls of the API wait already");
	}
	return run->call != 0;
}

static const char *
start(struct job_task *task, const struct config_job *config, mono_ns now)
{
	struct run *run = xzalloc(sizeof *run);
	uint64_t channels[CLEANUP_CHANNELS_MAX];
	size_t count = job_ids(&config->channels, channels, CLEANUP_CHANNELS_MAX);

	(void)now;
	run->task = task;
	cleanup_begin(&run->cleanup, channels, count, task->wall_ms,
	    config->older_than);
	if (!go_on(run)) {
		free(run);
		return "no call of the API can be made";
	}
	task->work = run;
	return NULL;
}

static void
stop(struct job_task *task, mono_ns now)
{
	struct run *run = task->work;

	if (job_withdraw(task, run->call)) {
		end(run, now);
	}
}

static void
cancel(struct job_task *task)
{
	struct run *run = task->work;

	rest_cancel(task->tools->rest, run->call);
	task->work = NULL;
	free(run);
}

const struct job_action job_cleanup = {.start = start, .stop = stop, .cancel = cancel};
