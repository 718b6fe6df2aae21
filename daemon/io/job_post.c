/* Action post: a message out of templates, a program's output and an embed. */
#include "job_actions.h"

#include <stdio.h>
#include <stdlib.h>

#include "discord.h"
#include "post.h"
#include "xalloc.h"

#define ROLES_MAX 32

struct post {
	struct job_task *task;
	uint64_t channel;
	uint64_t roles[ROLES_MAX];
	size_t role_count;
	struct buf text;
	struct buf embed;  /* with its NUL; empty: none */
	struct slice rest; /* of text, not sent yet */
	bool cut;
	unsigned sent;
	struct child *child; /* NULL: not running */
	uint64_t call;       /* 0: none under way */
};

static void
free_post(struct post *post)
{
	buf_fini(&post->text);
	buf_fini(&post->embed);
	free(post);
}

static void
finish(struct post *owned_post, const struct job_outcome *outcome, mono_ns now)
{
	struct job_task *task = owned_post->task;

	task->work = NULL;
	free_post(owned_post);
	task->done(task, outcome, now);
}

/* A reload took the job away or changed it before the first message was there. */
static void
end_unsent(struct post *post, bool maybe_done, mono_ns now)
{
	const struct job_outcome outcome = {
	    .good = true,
	    .cut = true,
	    .result = maybe_done ? JOB_OVER ": a first message may be posted" :
				   JOB_OVER ": nothing is posted",
	    .output = "",
	};

	finish(post, &outcome, now);
}

static void
end(struct post *post, bool good, const char *why, const char *output, mono_ns now)
{
	char text[JOB_RESULT_ROOM];

	if (post->sent > 0) {
		(void)snprintf(text, sizeof text, "posted %u message%s%s%s%s",
		    post->sent, post->sent == 1 ? "" : "s",
		    post->cut ? ", the text is cut" : "", why ? "; then: " : "",
		    why ? why : "");
	} else {
		(void)snprintf(text, sizeof text, "%s", why ? why : "");
	}
	const struct job_outcome outcome = {
	    .good = good,
	    .result = text,
	    .output = output,
	};

	finish(post, &outcome, now);
}

static const char *send_next(struct post *post, bool *done);

static void
on_sent(void *ctx, const struct rest_answer *answer, mono_ns now)
{
	struct post *post = ctx;
	bool done = false;

	post->call = 0;
	if (post->sent == 0 && job_was_put_off(post->task, answer)) {
		end_unsent(post, false, now);
		return;
	}
	if (answer->error) {
		char why[JOB_RESULT_ROOM] = "";

		job_note_refusal(why, REFUSAL_SEND, answer);
		end(post, false, why, "", now);
		return;
	}
	post->sent++;
	const char *refused = send_next(post, &done);

	if (refused || done) {
		end(post, !refused, refused, "", now);
	}
}

/* Sends what comes next; NULL, or why nothing is under way. */
static const char *
send_next(struct post *post, bool *done)
{
	struct slice piece = {"", 0};
	bool cut = false;
	bool some = post->sent < POST_MESSAGES_MAX &&
	    post_take(&post->rest, post->sent, &piece, &cut);

	*done = !some && (post->sent > 0 || post->embed.size == 0);
	if (*done) {
		return post->sent > 0 ? NULL : "the text is empty: nothing is posted";
	}
	const struct nonce nonce = job_nonce(post->task, post->channel, post->sent);
	const struct message_draft draft = {
	    .nonce = nonce.text,
	    .content = piece,
	    .ping_roles = post->roles,
	    .ping_role_count = post->role_count,
	    .embed = post->sent == 0 && post->embed.size > 0 ? post->embed.data : NULL,
	};

	post->cut = post->cut || cut;
	post->call =
	    discord_send(post->task->tools->rest, post->channel, &draft, on_sent, post);
	return post->call != 0 ? NULL : "too many calls of the API wait already";
}

static const char *
begin_sending(struct post *post)
{
	bool done = false;

	post->rest = buf_slice(&post->text);
	return send_next(post, &done);
}

static void
on_output(void *ctx, const struct child_result *result, mono_ns now)
{
	struct post *post = ctx;

	post->child = NULL;
	if (!result->good) {
		end(post, false, result->reason, result->output, now);
		return;
	}
	if (post->task->over) {
		end_unsent(post, false, now);
		return;
	}
	const char *refused =
	    post_add_output(slice_of(result->output), &post->text) == GW_OK ?
	    begin_sending(post) :
	    "the text is too long";

	if (refused) {
		end(post, false, refused, result->output, now);
	}
}

static enum gw_err
put_together(struct post *post, const struct config_job *config, mono_ns now)
{
	const struct job_task *task = post->task;
	const struct post_facts facts = {
	    .bot = task->tools->bot,
	    .version = task->tools->version,
	    .uptime = now - task->tools->started_at,
	    .wall_s = task->wall_ms / 1000,
	    .zone = task->zone,
	};
	struct post_values values;

	post_values_fill(&facts, config->channel, &values);
	enum gw_err err =
	    post_add_template(slice_of(config->text), &values.values, &post->text);

	if (err == GW_OK && task->file) {
		err = post_add_template(slice_of(task->file), &values.values,
		    &post->text);
	}
	if (err == GW_OK && config->embed[0] != '\0') {
		err = post_expand_embed(config->embed, &values.values, &post->embed);
	}
	if (err == GW_OK && post->embed.size > 0) {
		err = buf_append(&post->embed, "", 1);
	}
	return err;
}

static const char *
start(struct job_task *task, const struct config_job *config, mono_ns now)
{
	struct post *post = xzalloc(sizeof *post);
	const char *refused = NULL;

	post->task = task;
	buf_init(&post->text, POST_TEXT_MAX_BYTES);
	buf_init(&post->embed, POST_EMBED_MAX_BYTES);
	(void)message_id(slice_of(config->channel), &post->channel);
	post->role_count = job_ids(&config->ping_roles, post->roles, ROLES_MAX);
	if (put_together(post, config, now) != GW_OK) {
		refused = "the text or the embed is too long";
	} else if (config->program.count > 0) {
		post->child = child_start(task->tools->children, &config->program,
		    config->timeout, on_output, post);
	} else {
		refused = begin_sending(post);
	}
	if (refused) {
		free_post(post);
		return refused;
	}
	task->work = post;
	return NULL;
}

/* A text that is half there is posted whole. */
static void
stop(struct job_task *task, mono_ns now)
{
	struct post *post = task->work;
	bool maybe_done = false;

	if (post->call != 0 && post->sent == 0 &&
	    rest_withdraw(task->tools->rest, post->call, &maybe_done)) {
		end_unsent(post, maybe_done, now);
	}
}

static void
cancel(struct job_task *task)
{
	struct post *post = task->work;

	if (post->child) {
		child_cancel(post->child);
	}
	if (post->call != 0) {
		rest_cancel(task->tools->rest, post->call);
	}
	task->work = NULL;
	free_post(post);
}

const struct job_action job_post = {.start = start, .stop = stop, .cancel = cancel};
