#include "emoji.h"

#include <stdlib.h>
#include <string.h>

#include "emoji_job.h"
#include "xalloc.h"

#define ACTIVE_MAX  4  /* URLs at a time: 2 MB each at most */
#define WAITING_MAX 64 /* URLs that wait for their turn */
#define WANTS_MAX   16 /* pictures of one URL at a time */
#define THREADS     2  /* programs at a time: some 100 MB each at the very most */
#define PATIENCE    CLOCK_S(8)
#define HOSTS_MAX   17

static const char too_many[] = "too many emoji at once";

/* ---- settings ---- */

static void
hosts_free(struct emoji *emoji)
{
	for (size_t i = 0; i < emoji->hosts.count; i++) {
		free(emoji->hosts.items[i]);
	}
	free(emoji->hosts.items);
	emoji->hosts = (struct config_list){NULL, 0};
}

static void
hosts_add(struct config_list *hosts, const char *host)
{
	if (hosts->count < HOSTS_MAX) {
		hosts->items[hosts->count++] = xstrdup(host);
	}
}

void
emoji_configure(struct emoji *emoji, const struct emoji_settings *settings)
{
	hosts_free(emoji);
	emoji->hosts.items = xzalloc(HOSTS_MAX * sizeof *emoji->hosts.items);
	for (size_t i = 0; i < settings->hosts->count; i++) {
		hosts_add(&emoji->hosts, settings->hosts->items[i]);
	}
	if (settings->extra_host) {
		hosts_add(&emoji->hosts, settings->extra_host);
	}
	emoji_cache_limit(emoji->cache, settings->cache_bytes);
}

/* ---- whose turn it is ---- */

static bool
is_wanted(const struct emoji_job *job)
{
	const struct emoji_want *want = NULL;
	const struct emoji_waiter *waiter = NULL;

	LIST_FOREACH(want, &job->wants, link)
	{
		SLIST_FOREACH(waiter, &want->waiters, link)
		{
			if (http_later_is_wanted(waiter->later)) {
				return true;
			}
		}
	}
	return false;
}

void
emoji_turn(struct emoji *emoji, mono_ns now)
{
	struct emoji_job *job = NULL;

	while ((job = TAILQ_FIRST(&emoji->waiting)) &&
	    (emoji->stats.active < ACTIVE_MAX || job->patience <= now)) {
		if (!is_wanted(job)) {
			emoji_job_free(job);
		} else if (job->patience <= now) {
			emoji_job_fail(job, 503, EMOJI_REJECT_BUSY, too_many);
		} else {
			emoji_job_begin(job);
		}
	}
	loop_timer_arm(emoji->timer, job ? job->patience : CLOCK_NEVER);
}

static void
on_timer(void *ctx, mono_ns now)
{
	emoji_turn(ctx, now);
}

/* ---- requests ---- */

static struct emoji_job *
find_in(struct emoji_jobs *jobs, const char *url)
{
	struct emoji_job *job = NULL;

	TAILQ_FOREACH(job, jobs, link)
	{
		if (strcmp(job->url, url) == 0) {
			return job;
		}
	}
	return NULL;
}

/* The job of this URL, a new one where there is none; NULL where too many wait. */
static struct emoji_job *
job_of(struct emoji *emoji, const struct emoji_ask *ask, mono_ns now)
{
	struct emoji_job *job = find_in(&emoji->active, ask->url);

	job = job ? job : find_in(&emoji->waiting, ask->url);
	if (job || emoji->stats.waiting >= WAITING_MAX) {
		return job;
	}
	job = xzalloc(sizeof *job);
	job->emoji = emoji;
	memcpy(job->url, ask->url, sizeof job->url);
	job->loopback = ask->loopback;
	job->patience = now + PATIENCE;
	LIST_INIT(&job->wants);
	TAILQ_INSERT_TAIL(&emoji->waiting, job, link);
	emoji->stats.waiting++;
	loop_timer_arm(emoji->timer, 0); /* not from inside the request */
	return job;
}

/* The picture that is asked for; NULL where too many are being made. */
static struct emoji_want *
want_of(struct emoji_job *job, const struct emoji_ask *ask)
{
	struct emoji_want *want = NULL;

	LIST_FOREACH(want, &job->wants, link)
	{
		if (emoji_ask_same(&want->ask, ask)) {
			return want;
		}
	}
	if (job->want_count >= WANTS_MAX) {
		return NULL;
	}
	want = xzalloc(sizeof *want);
	want->job = job;
	want->ask = *ask;
	if (job->step == EMOJI_STEP_PADDING && !emoji_job_pad(want)) {
		free(want);
		return NULL;
	}
	LIST_INSERT_HEAD(&job->wants, want, link);
	job->want_count++;
	return want;
}

/* The answer comes later; false where it does not. */
static bool
wait_for(struct emoji *emoji, const struct emoji_ask *ask,
    const struct http_request *request)
{
	struct emoji_job *job = job_of(emoji, ask, request->now);
	struct emoji_want *want = job ? want_of(job, ask) : NULL;
	/* A job that nobody waits for goes when its turn comes. */
	struct http_later *later = want ? http_answer_later(request) : NULL;

	if (!later) {
		return false;
	}
	struct emoji_waiter *waiter = xzalloc(sizeof *waiter);

	waiter->later = later;
	SLIST_INSERT_HEAD(&want->waiters, waiter, link);
	return true;
}

void
emoji_answer(struct emoji *emoji, const struct http_request *request,
    struct http_reply *reply)
{
	struct emoji_ask ask;
	const char *why = emoji_ask_read(request->query, &emoji->hosts, &ask);

	emoji->stats.requests++;
	if (why) {
		emoji_refuse(emoji, reply, 400, EMOJI_REJECT_REQUEST, why);
		return;
	}
	const struct emoji_image *image = emoji_cache_find(emoji->cache, &ask);

	if (!image) {
		if (!wait_for(emoji, &ask, request)) {
			emoji_refuse(emoji, reply, 503, EMOJI_REJECT_BUSY, too_many);
		}
		return;
	}
	emoji->stats.hits++;
	if (buf_append(reply->body, image->png.data, image->png.size) == GW_OK) {
		reply->status = 200;
		reply->type = EMOJI_TYPE;
		reply->cache = EMOJI_CACHE_CONTROL;
		reply->etag = image->etag;
	}
}

/* ---- life ---- */

struct emoji *
emoji_new(struct loop *loop, struct fetch *fetch, const struct spawner *spawner,
    const struct emoji_settings *settings)
{
	struct emoji *emoji = xzalloc(sizeof *emoji);

	emoji->loop = loop;
	emoji->fetch = fetch;
	emoji->spawner = spawner;
	emoji->worker = worker_new(loop, THREADS);
	emoji->cache = emoji_cache_new(0);
	emoji->timer = loop_timer_new(loop, on_timer, emoji);
	TAILQ_INIT(&emoji->waiting);
	TAILQ_INIT(&emoji->active);
	LIST_INIT(&emoji->runs);
	emoji_configure(emoji, settings);
	return emoji;
}

static void
free_jobs(struct emoji_jobs *jobs)
{
	struct emoji_job *job = TAILQ_FIRST(jobs);

	while (job) {
		struct emoji_job *next = TAILQ_NEXT(job, link);

		emoji_job_free(job);
		job = next;
	}
}

/* Those that a thread still works on are left to it: the process ends. */
static void
free_runs(struct emoji *emoji)
{
	struct emoji_run *run = NULL;
	struct emoji_run *next = NULL;

	for (run = LIST_FIRST(&emoji->runs); run; run = next) {
		next = LIST_NEXT(run, link);
		if (atomic_load(&run->over)) {
			emoji_run_free(run);
		}
	}
}

void
emoji_free(struct emoji *owned_emoji)
{
	if (!owned_emoji) {
		return;
	}
	free_jobs(&owned_emoji->waiting);
	free_jobs(&owned_emoji->active);
	worker_free(owned_emoji->worker);
	free_runs(owned_emoji);
	loop_timer_free(owned_emoji->timer);
	emoji_cache_free(owned_emoji->cache);
	hosts_free(owned_emoji);
	free(owned_emoji);
}

struct emoji_stats
emoji_stats(const struct emoji *emoji)
{
	struct emoji_stats stats = emoji->stats;

	stats.cache_bytes = emoji_cache_bytes(emoji->cache);
	stats.renders = &emoji->renders;
	stats.rejects = emoji->rejects;
	return stats;
}
