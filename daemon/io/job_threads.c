/* Action keepalive-threads: opens and touches threads; core/keepalive.c says which. */
#include "job_actions.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "discord.h"
#include "keepalive.h"
#include "post.h"
#include "xalloc.h"

#define ANSWER_MAX_BYTES ((size_t)4 * 1024 * 1024)

#define TEXT             "This thread is kept open."

struct run {
	struct job_task *task;
	struct keepalive keepalive;
	enum keepalive_step step;
	uint64_t call;
	mono_ns begun_at;
	struct buf template;
	bool bad;
	char refusal[JOB_RESULT_ROOM]; /* the first; empty: none */
};

static void
free_run(struct run *run)
{
	buf_fini(&run->template);
	free(run);
}

static void
end(struct run *run, mono_ns now)
{
	struct job_task *task = run->task;
	char words[JOB_RESULT_ROOM];
	/* jobs.c cuts it; with what stands between them */
	char text[sizeof words + sizeof run->refusal + sizeof JOB_OVER + 4];
	const struct job_outcome outcome = {
	    .good = !run->bad && keepalive_is_good(&run->keepalive),
	    .cut = task->over,
	    .result = text,
	    .output = "",
	};

	keepalive_words(&run->keepalive, words, sizeof words);
	(void)snprintf(text, sizeof text, "%s%s%s%s", words,
	    run->refusal[0] ? ": " : "", run->refusal, task->over ? "; " JOB_OVER : "");

	task->work = NULL;
	free_run(run);
	task->done(task, &outcome, now);
}

static enum refusal_deed
deed_of(enum keepalive_step step)
{
	if (step == KEEPALIVE_POST) {
		return REFUSAL_SEND;
	}
	return step == KEEPALIVE_OPEN ? REFUSAL_THREADS : REFUSAL_READ;
}

static bool go_on(struct run *run);

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
		job_note_refusal(run->refusal, deed_of(run->step), answer);
		keepalive_take_refusal(&run->keepalive, answer->status);
	} else {
		struct json *body = NULL;

		(void)json_parse(answer->body, ANSWER_MAX_BYTES, &body);
		keepalive_take(&run->keepalive, body);
		json_free(body);
	}
	if (answer->unauthorized || run->task->over || !go_on(run)) {
		end(run, now);
	}
}

static uint64_t
post(struct run *run, uint64_t thread)
{
	const struct job_task *task = run->task;
	const struct post_facts facts = {
	    .bot = task->tools->bot,
	    .version = task->tools->version,
	    .uptime = run->begun_at - task->tools->started_at,
	    .wall_s = task->wall_ms / 1000,
	    .zone = task->zone,
	};
	struct post_values values;
	struct buf text;
	char id[24];
	uint64_t call = 0;

	(void)snprintf(id, sizeof id, "%" PRIu64, thread);
	post_values_fill(&facts, id, &values);
	buf_init(&text, POST_TEXT_MAX_BYTES);
	if (post_add_template(buf_slice(&run->template), &values.values, &text) ==
	    GW_OK) {
		const struct nonce nonce = job_nonce(task, thread, 0);
		const struct message_draft draft = {
		    .content = buf_slice(&text),
		    .nonce = nonce.text,
		};

		call = discord_send(task->tools->rest, thread, &draft, on_answer, run);
	}
	buf_fini(&text);
	return call;
}

/* Makes the next call; false where there is none. */
static bool
go_on(struct run *run)
{
	struct rest *rest = run->task->tools->rest;
	struct keepalive_call call = keepalive_next(&run->keepalive);

	run->step = call.step;
	switch (call.step) {
	case KEEPALIVE_LOOK:
	case KEEPALIVE_SERVER:
		run->call = discord_channel(rest, call.id, on_answer, run);
		break;
	case KEEPALIVE_ACTIVE:
		run->call = discord_threads_active(rest, call.id, on_answer, run);
		break;
	case KEEPALIVE_ARCHIVED:
		run->call = discord_threads_archived(rest, call.id, call.before,
		    on_answer, run);
		break;
	case KEEPALIVE_OPEN:
		run->call = discord_open_thread(rest, call.id, on_answer, run);
		break;
	case KEEPALIVE_POST:
		run->call = post(run, call.id);
		break;
	case KEEPALIVE_DONE:
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
	const char *text = config->text[0] != '\0' ? config->text : TEXT;
	uint64_t threads[KEEPALIVE_PLACES_MAX];
	uint64_t channels[KEEPALIVE_PLACES_MAX];
	size_t thread_count = job_ids(&config->threads, threads, KEEPALIVE_PLACES_MAX);
	size_t channel_count =
	    job_ids(&config->channels, channels, KEEPALIVE_PLACES_MAX);

	run->task = task;
	run->begun_at = now;
	buf_init(&run->template, POST_TEXT_MAX_BYTES);
	(void)buf_append(&run->template, text, slice_of(text).size);
	keepalive_begin(&run->keepalive, threads, thread_count, channels, channel_count,
	    task->wall_ms, config->idle);
	if (!go_on(run)) {
		free_run(run);
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
	free_run(run);
}

const struct job_action job_threads = {.start = start, .stop = stop, .cancel = cancel};
