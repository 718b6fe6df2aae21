#include "emoji_job.h"

#include <stdio.h>
#include <stdlib.h>

#include "http_head.h"
#include "log.h"
#include "xalloc.h"

#define FETCH_TIMEOUT    CLOCK_S(8) /* contract, section 5 */
#define FETCH_MAX_BYTES  ((size_t)2000000)
#define RENDER_TIMEOUT   CLOCK_S(8)
#define WARN_EVERY       CLOCK_S(60)
#define ERROR_BODY_BYTES 512

/* ---- answers ---- */

void
emoji_refuse(struct emoji *emoji, struct http_reply *reply, unsigned status,
    enum emoji_reject reason, const char *why)
{
	emoji->rejects[reason]++;
	reply->status = status;
	reply->type = "text/plain; charset=utf-8";
	(void)buf_printf(reply->body, "%u %s: %s\n", status, http_status_text(status),
	    why);
}

/* Tells all who wait for this picture, and forgets it. */
static void
want_answer(struct emoji_want *owned_want, const struct http_reply *reply)
{
	struct emoji_waiter *waiter = SLIST_FIRST(&owned_want->waiters);

	while (waiter) {
		struct emoji_waiter *next = SLIST_NEXT(waiter, link);

		if (reply) {
			http_later_answer(waiter->later, reply);
		} else {
			http_later_drop(waiter->later);
		}
		free(waiter);
		waiter = next;
	}
	LIST_REMOVE(owned_want, link);
	owned_want->job->want_count--;
	free(owned_want);
}

static void
want_refuse(struct emoji_want *owned_want, unsigned status, enum emoji_reject reason,
    const char *why)
{
	struct http_reply reply = {.status = status};
	struct buf body;
	struct emoji *emoji = owned_want->job->emoji;
	const struct emoji_waiter *waiter = NULL;
	uint64_t count = 0;

	SLIST_FOREACH(waiter, &owned_want->waiters, link)
	{
		count++;
	}
	buf_init(&body, ERROR_BODY_BYTES);
	reply.body = &body;
	emoji_refuse(emoji, &reply, status, reason, why);
	emoji->rejects[reason] += count - 1;
	want_answer(owned_want, &reply);
	buf_fini(&body);
}

void
emoji_job_free(struct emoji_job *owned_job)
{
	struct emoji *emoji = owned_job->emoji;
	struct emoji_want *want = LIST_FIRST(&owned_job->wants);

	while (want) {
		struct emoji_want *next = LIST_NEXT(want, link);

		want_answer(want, NULL);
		want = next;
	}
	if (owned_job->fetch_id != 0) {
		fetch_cancel(emoji->fetch, owned_job->fetch_id);
	}
	if (owned_job->step == EMOJI_STEP_WAITING) {
		TAILQ_REMOVE(&emoji->waiting, owned_job, link);
		emoji->stats.waiting--;
	} else {
		TAILQ_REMOVE(&emoji->active, owned_job, link);
		emoji->stats.active--;
	}
	buf_fini(&owned_job->image);
	free(owned_job);
}

void
emoji_job_fail(struct emoji_job *owned_job, unsigned status, enum emoji_reject reason,
    const char *why)
{
	struct emoji_want *want = LIST_FIRST(&owned_job->wants);

	log_debug("emoji_failed", KV("url", (const char *)owned_job->url),
	    KV("status", status), KV("reason", why));
	while (want) {
		struct emoji_want *next = LIST_NEXT(want, link);

		want_refuse(want, status, reason, why);
		want = next;
	}
	emoji_job_free(owned_job);
}

/* ---- padding ---- */

void
emoji_run_free(struct emoji_run *owned_run)
{
	LIST_REMOVE(owned_run, link);
	buf_fini(&owned_run->render.png);
	buf_fini(&owned_run->image);
	free(owned_run);
}

static void
work_run(void *job)
{
	struct emoji_run *run = job;

	emoji_render_run(&run->render);
	atomic_store(&run->over, true);
}

static void
warn_of_helper(struct emoji *emoji, const char *why, mono_ns now)
{
	if (emoji->warned_at == 0 || now - emoji->warned_at >= WARN_EVERY) {
		emoji->warned_at = now;
		log_warning("emoji_helper_failed", KV("reason", why));
	}
}

static void
give_picture(struct emoji *emoji, struct emoji_want *owned_want, struct buf *png)
{
	struct emoji_image image = {.png = buf_slice(png)};

	emoji_etag(image.png, image.etag);
	emoji_cache_put(emoji->cache, &owned_want->ask, &image);
	struct http_reply reply = {
	    .status = 200,
	    .type = EMOJI_TYPE,
	    .cache = EMOJI_CACHE_CONTROL,
	    .etag = image.etag,
	    .body = png,
	};

	want_answer(owned_want, &reply);
}

static void
done_run(void *job)
{
	struct emoji_run *run = job;
	struct emoji *emoji = run->emoji;
	struct emoji_want *want = run->want;
	struct emoji_job *of = want->job;
	mono_ns now = clock_now();

	histogram_add(&emoji->renders, run->render.took);
	switch (run->render.end) {
	case EMOJI_RENDER_DONE:
		give_picture(emoji, want, &run->render.png);
		break;
	case EMOJI_RENDER_NO_IMAGE:
		want_refuse(want, 415, EMOJI_REJECT_TYPE,
		    "no PNG, GIF or WebP that can be read");
		break;
	case EMOJI_RENDER_LOST:
		warn_of_helper(emoji, run->render.why, now);
		want_refuse(want, 502, EMOJI_REJECT_HELPER,
		    "gwbot-emoji does not work");
		break;
	}
	emoji_run_free(run);
	if (of->want_count == 0) {
		emoji_job_free(of);
		emoji_turn(emoji, now);
	}
}

bool
emoji_job_pad(struct emoji_want *want)
{
	struct emoji_job *job = want->job;
	struct emoji_run *run = xzalloc(sizeof *run);

	LIST_INSERT_HEAD(&job->emoji->runs, run, link);
	run->emoji = job->emoji;
	run->want = want;
	buf_init(&run->image, FETCH_MAX_BYTES);
	bool begun = buf_append(&run->image, job->image.data, job->image.size) == GW_OK;

	run->render = (struct emoji_render){
	    .spawner = job->emoji->spawner,
	    .image = buf_slice(&run->image),
	    .side = want->ask.side,
	    .box = want->ask.box,
	    .timeout = RENDER_TIMEOUT,
	};
	begun = begun &&
	    worker_submit(job->emoji->worker, work_run, done_run, run) == GW_OK;
	if (!begun) {
		emoji_run_free(run);
	}
	return begun;
}

/* ---- fetching ---- */

/* What the answer is refused with; status 0: it is an image, as far as it says. */
struct verdict {
	unsigned status;
	enum emoji_reject reason;
	const char *why;
};

static struct verdict
judge_answer(const struct fetch_response *response)
{
	const char *type = NULL;
	const char *coding = NULL;

	switch (response->end) {
	case FETCH_TIMED_OUT:
		return (struct verdict){504, EMOJI_REJECT_TIMEOUT,
		    "the host of u did not answer within 8 s"};
	case FETCH_TOO_LARGE:
		return (struct verdict){413, EMOJI_REJECT_SIZE,
		    "the image is larger than 2000000 bytes"};
	case FETCH_FAILED:
		return (struct verdict){502, EMOJI_REJECT_UPSTREAM,
		    "the host of u gave no whole answer"};
	case FETCH_WHOLE:
		break;
	}
	if (response->status != 200) {
		return (struct verdict){emoji_status_of(response->status),
		    EMOJI_REJECT_UPSTREAM, "the host of u answered so"};
	}
	type = response->header(response, "content-type");
	coding = response->header(response, "content-encoding");
	if (!type || !emoji_type_is_image(type) || coding) {
		return (struct verdict){415, EMOJI_REJECT_TYPE,
		    "the host of u sent no image"};
	}
	return (struct verdict){0, EMOJI_REJECT_TYPE, NULL};
}

/* The bytes are there. */
static void
pad_all(struct emoji_job *job, mono_ns now)
{
	struct emoji *emoji = job->emoji;
	struct emoji_want *want = LIST_FIRST(&job->wants);

	job->step = EMOJI_STEP_PADDING;
	while (want) {
		struct emoji_want *next = LIST_NEXT(want, link);

		if (!emoji_job_pad(want)) {
			want_refuse(want, 503, EMOJI_REJECT_BUSY,
			    "too many emoji at once");
		}
		want = next;
	}
	if (job->want_count == 0) {
		emoji_job_free(job);
		emoji_turn(emoji, now);
	}
}

static void
on_fetched(void *ctx, const struct fetch_response *response, mono_ns now)
{
	struct emoji_job *job = ctx;
	struct emoji *emoji = job->emoji;
	struct verdict verdict = judge_answer(response);

	job->fetch_id = 0;
	log_debug("emoji_fetch", KV("url", (const char *)job->url),
	    KV("status", response->status),
	    KV("error", response->error ? response->error : ""));
	if (verdict.status == 0 &&
	    buf_append(&job->image, response->body.data, response->body.size) !=
		GW_OK) {
		verdict = (struct verdict){503, EMOJI_REJECT_BUSY, "out of memory"};
	}
	if (verdict.status == 0) {
		pad_all(job, now);
		return;
	}
	emoji_job_fail(job, verdict.status, verdict.reason, verdict.why);
	emoji_turn(emoji, now);
}

void
emoji_job_begin(struct emoji_job *job)
{
	static const char *const wanted[] = {"content-type", "content-encoding", NULL};
	struct emoji *emoji = job->emoji;
	struct fetch_request request = {
	    .method = "GET",
	    .url = job->url,
	    .headers = {{"Accept", "image/png, image/webp, image/gif"}},
	    .timeout = FETCH_TIMEOUT,
	    .max_body_bytes = FETCH_MAX_BYTES,
	    .allows_address = job->loopback ? NULL : emoji_address_is_public,
	    .want_headers = wanted,
	};

	TAILQ_REMOVE(&emoji->waiting, job, link);
	emoji->stats.waiting--;
	TAILQ_INSERT_TAIL(&emoji->active, job, link);
	emoji->stats.active++;
	emoji->stats.fetches++;
	job->step = EMOJI_STEP_FETCHING;
	buf_init(&job->image, FETCH_MAX_BYTES);
	job->fetch_id = fetch_start(emoji->fetch, &request, on_fetched, job);
}
