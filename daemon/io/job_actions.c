#include "job_actions.h"

#include <stdio.h>

#include "message.h"

#define STATUS_LIMITED 429

struct nonce
job_nonce(const struct job_task *task, uint64_t channel, uint64_t index)
{
	const uint64_t causes[] = {task->cause, channel, index};

	return nonce_of(NONCE_JOB, causes, sizeof causes / sizeof *causes);
}

size_t
job_ids(const struct config_list *list, uint64_t *out, size_t max)
{
	size_t count = 0;

	for (size_t i = 0; i < list->count && count < max; i++) {
		count += message_id(slice_of(list->items[i]), &out[count]) ? 1 : 0;
	}
	return count;
}

void
job_note_refusal(char *first, enum refusal_deed deed, const struct rest_answer *answer)
{
	if (first[0] == '\0') {
		refusal_words(deed, answer->status, answer->code, answer->error, first,
		    JOB_RESULT_ROOM);
	}
}

bool
job_withdraw(const struct job_task *task, uint64_t call)
{
	bool maybe_done = false;

	return rest_withdraw(task->tools->rest, call, &maybe_done);
}

bool
job_was_put_off(const struct job_task *task, const struct rest_answer *answer)
{
	return task->over && answer->status == STATUS_LIMITED && !answer->maybe_done;
}

/* ---- probe ---- */

static void
on_refreshed(void *ctx, const struct probes_refresh *found, mono_ns now)
{
	struct job_task *task = ctx;
	char text[JOB_RESULT_ROOM];
	const struct job_outcome outcome = {
	    .good = found->bad == 0,
	    .result = text,
	    .output = found->found,
	};

	if (found->bad == 0) {
		(void)snprintf(text, sizeof text, "%u probe%s good", found->runs,
		    found->runs == 1 ? "" : "s");
	} else {
		(void)snprintf(text, sizeof text, "%u of %u probe%s failed: %s%s",
		    found->bad, found->runs, found->runs == 1 ? "" : "s",
		    found->first_bad, found->bad > 1 ? ", ..." : "");
	}
	task->done(task, &outcome, now);
}

static const char *
start_probe(struct job_task *task, const struct config_job *config, mono_ns now)
{
	task->id = probes_run(task->tools->probes,
	    config->probe[0] ? config->probe : NULL, on_refreshed, task, now);
	return task->id == 0 ? "there is no probe to run" : NULL;
}

static void
cancel_probe(struct job_task *task)
{
	probes_cancel(task->tools->probes, task->id);
}

const struct job_action job_probe = {.start = start_probe, .cancel = cancel_probe};

/* ---- exec ---- */

static void
on_ended(void *ctx, const struct child_result *result, mono_ns now)
{
	struct job_task *task = ctx;
	const struct job_outcome outcome = {
	    .good = result->good,
	    .result = result->good ? "exit status 0" : result->reason,
	    .output = result->output,
	};

	task->done(task, &outcome, now);
}

static const char *
start_exec(struct job_task *task, const struct config_job *config, mono_ns now)
{
	(void)now;
	task->work = child_start(task->tools->children, &config->command,
	    config->timeout, on_ended, task);
	return NULL;
}

static void
cancel_exec(struct job_task *task)
{
	child_cancel(task->work);
}

const struct job_action job_exec = {.start = start_exec, .cancel = cancel_exec};
