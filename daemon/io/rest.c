#include "rest.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "log.h"
#include "rest_job.h"
#include "retry.h"
#include "xalloc.h"

/* One try never takes the whole time of a request that may be tried again. */
#define TRY_TIMEOUT         CLOCK_S(15)

#define STATUS_NOT_MODIFIED 304

/* ---- the end of a request ---- */

static void job_fail(struct rest_job *job, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void
job_land(struct rest_job *job)
{
	struct rest *rest = job->rest;

	job->fetch_id = 0;
	if (job->call.interaction) {
		rest->flights_interactions--;
	} else {
		rest->flights--;
	}
}

/* Out of the queue; whoever holds it now frees it. */
static void
job_leave(struct rest_job *job)
{
	TAILQ_REMOVE(&job->rest->waiting, job, link);
	job->rest->queued--;
}

static void
note_error(struct rest *rest, const struct rest_job *job, mono_ns now)
{
	(void)snprintf(rest->last_error, sizeof rest->last_error, "%s %.60s: %.160s",
	    job->method, job->route, job->error);
	rest->counts.last_error_at = now;
}

/* It ends without an answer; told in the turn's end, when nobody walks the queue. */
static void
job_fail(struct rest_job *job, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	/* NOLINTNEXTLINE(clang-analyzer-valist.Uninitialized): a line above */
	(void)vsnprintf(job->error, sizeof job->error, format, args);
	va_end(args);
	job_leave(job);
	TAILQ_INSERT_TAIL(&job->rest->ended, job, link);
}

static void
tell(struct rest_job *job, const struct rest_answer *answer, mono_ns now)
{
	if (answer->error) {
		note_error(job->rest, job, now);
		log_debug("rest_failed", KV("method", (const char *)job->method),
		    KV("route", (const char *)job->route), KV("tries", job->tries),
		    KV("status", answer->status), KV("reason", answer->error));
	}
	job->fn(job->ctx, answer, now);
	rest_job_free(job);
}

static void
tell_ended(struct rest *rest, mono_ns now)
{
	struct rest_job *job = NULL;

	while ((job = TAILQ_FIRST(&rest->ended))) {
		const struct rest_answer answer = {
		    .error = job->error,
		    .maybe_done = job->maybe_done,
		    .unauthorized = rest->limits.stopped,
		    .status = job->status,
		    .retry_after = job->retry_after,
		};

		TAILQ_REMOVE(&rest->ended, job, link);
		tell(job, &answer, now);
	}
	if (rest->limits.stopped && !rest->unauthorized_told) {
		rest->unauthorized_told = true;
		if (rest->unauthorized) {
			rest->unauthorized(rest->ctx,
			    "Discord's API refused the token (401): set a new "
			    "discord.token");
		}
	}
}

/* The token is no good: nothing waits any more and nothing is waited for. */
static void
stop_all(struct rest *rest)
{
	struct rest_job *job = NULL;

	while ((job = TAILQ_FIRST(&rest->waiting))) {
		if (job->fetch_id != 0) {
			fetch_cancel(rest->fetch, job->fetch_id);
			job->maybe_done = true;
			job_land(job);
		}
		job_fail(job, "not sent: the API refused the token (401)");
	}
}

/* ---- answers ---- */

static bool
is_good(const struct fetch_response *response)
{
	return !response->error &&
	    (response->status / 100 == 2 || response->status == STATUS_NOT_MODIFIED);
}

static void
finish(struct rest_job *job, const struct fetch_response *response, mono_ns wait,
    mono_ns now)
{
	struct rest_answer answer = {
	    .status = response->status,
	    .body = response->body,
	};

	if (!is_good(response)) {
		rest_job_explain(job, response, &answer.code);
		answer.error = job->error;
		answer.maybe_done = job->maybe_done;
		answer.unauthorized = job->rest->limits.stopped;
		answer.retry_after = wait;
	}
	job_leave(job);
	tell(job, &answer, now);
}

/* Puts it back into the queue, unless its time would be over before its turn or it is
 * not wanted any more. */
static bool
try_again(struct rest_job *job, mono_ns wait, mono_ns now)
{
	mono_ns at = clock_add(now, wait);

	if (at >= job->deadline || job->last_try) {
		return false;
	}
	job->not_before = at;
	log_info("rest_retry", KV("method", (const char *)job->method),
	    KV("route", (const char *)job->route), KV("status", job->status),
	    KV("tries", job->tries), KV("wait_s", clock_seconds(wait)));
	return true;
}

static void
on_answer(void *ctx, const struct fetch_response *response, mono_ns now)
{
	struct rest_job *job = ctx;
	struct rest *rest = job->rest;

	job_land(job);
	tally_routes_add(&rest->routes, job->place, response->status,
	    now - job->sent_at);
	job->status = response->status;
	if (response->error ? response->maybe_done :
			      retry_maybe_done(response->status)) {
		job->maybe_done = true;
	}
	mono_ns wait = rest_job_take_limits(job, response, now);
	const struct retry_case one = {
	    .method = job->method,
	    .repeatable = job->repeatable,
	    .status = response->status,
	    .whole = !response->error,
	    .maybe_done = response->maybe_done,
	    .tries = job->tries,
	    .tries_max = job->tries_max,
	};
	bool again = false;

	switch (retry_judge(&one)) {
	case RETRY_LIMITED:
		again = !job->impatient && try_again(job, wait, now);
		break;
	case RETRY_LATER: {
		mono_ns backoff = retry_backoff(job->tries, &rest->rng);

		again = try_again(job, wait > backoff ? wait : backoff, now);
		break;
	}
	case RETRY_DONE:
	case RETRY_GIVE_UP:
		break;
	}
	loop_timer_arm(rest->timer, now);
	if (!again) {
		finish(job, response, wait, now);
	}
}

/* ---- sending ---- */

static void
send_job(struct rest_job *job, mono_ns now)
{
	static const char *const wanted[] = {"x-ratelimit-bucket",
	    "x-ratelimit-remaining", "x-ratelimit-reset-after", "x-ratelimit-global",
	    "x-ratelimit-scope", "retry-after", "via", "date", NULL};
	struct rest *rest = job->rest;
	mono_ns left = job->deadline - now;
	struct fetch_request request = {
	    .method = job->method,
	    .url = job->url,
	    .body = buf_slice(&job->body),
	    .timeout = left < TRY_TIMEOUT ? left : TRY_TIMEOUT,
	    .max_body_bytes = job->answer_max_bytes,
	    .want_headers = wanted,
	};
	unsigned headers = 0;

	if (job->call.with_token) {
		request.headers[headers++] =
		    (struct fetch_header){"authorization", secret_reveal(rest->header)};
	}
	if (job->body.size > 0) {
		request.headers[headers++] =
		    (struct fetch_header){"content-type", "application/json"};
	}
	job->tries++;
	job->sent_at = now;
	rest->counts.requests++;
	rest->counts.retries += job->tries > 1;
	if (job->call.interaction) {
		rest->flights_interactions++;
	} else {
		rest->flights++;
	}
	job->fetch_id = fetch_start(rest->fetch, &request, on_answer, job);
}

static bool
has_connection(const struct rest *rest, const struct rest_job *job)
{
	return (job->call.interaction ? rest->flights_interactions : rest->flights) <
	    REST_FLIGHTS_MAX;
}

/* It must wait until `at`; failing at once is kinder than waiting for nothing. */
static mono_ns
wait_for_limit(struct rest_job *job, mono_ns at, mono_ns now)
{
	if (at == CLOCK_NEVER || (at < job->deadline && !job->impatient)) {
		return at < job->deadline ? at : job->deadline;
	}
	job->retry_after = at - now;
	job_fail(job, "rate limited for %.1f s more", clock_seconds(at - now));
	return CLOCK_NEVER;
}

/* One request's turn; when it wants the next. */
static mono_ns
advance(struct rest_job *job, mono_ns now)
{
	struct rest *rest = job->rest;
	mono_ns retry_at = CLOCK_NEVER;

	if (job->fetch_id != 0) {
		return CLOCK_NEVER;
	}
	if (now >= job->deadline) {
		job_fail(job, "timed out while waiting to be sent");
		return CLOCK_NEVER;
	}
	if (now < job->not_before) {
		return job->not_before;
	}
	if (!has_connection(rest, job)) {
		return job->deadline;
	}
	switch (ratelimit_ask(&rest->limits, &job->call, now, &job->slot, &retry_at)) {
	case RATELIMIT_GO:
		send_job(job, now);
		return CLOCK_NEVER;
	case RATELIMIT_WAIT:
		return wait_for_limit(job, retry_at, now);
	case RATELIMIT_BRAKED:
		job_fail(job, "not sent: too many calls were refused lately");
		return CLOCK_NEVER;
	case RATELIMIT_STOPPED:
		job_fail(job, "not sent: the API refused the token (401)");
		return CLOCK_NEVER;
	}
	return CLOCK_NEVER;
}

/* Everybody's turn, oldest first; then those that ended are told. */
static void
on_timer(void *ctx, mono_ns now)
{
	struct rest *rest = ctx;
	struct rest_job *job = TAILQ_FIRST(&rest->waiting);
	mono_ns next = CLOCK_NEVER;

	if (rest->limits.stopped) {
		stop_all(rest);
		job = NULL;
	}
	while (job) {
		struct rest_job *behind = TAILQ_NEXT(job, link);
		mono_ns at = advance(job, now);

		next = at < next ? at : next;
		job = behind;
	}
	loop_timer_arm(rest->timer, next);
	tell_ended(rest, now);
}

/* ---- the interface ---- */

static struct secret *
authorization(const struct secret *token)
{
	static const char scheme[] = "Bot ";
	size_t size = sizeof scheme - 1 + secret_size(token);
	char *text = xzalloc(size + 1);

	memcpy(text, scheme, sizeof scheme - 1);
	memcpy(text + sizeof scheme - 1, secret_reveal(token), secret_size(token));
	struct secret *header = secret_new(text, size);

	explicit_bzero(text, size);
	free(text);
	return header;
}

static void
seed(struct rng *rng)
{
	if (getrandom(&rng->state, sizeof rng->state, 0) != sizeof rng->state) {
		rng->state = (uint64_t)clock_now();
	}
}

struct rest *
rest_new(const struct rest_options *options)
{
	struct rest *rest = xzalloc(sizeof *rest);
	size_t base = strlen(options->api_base);

	while (base > 0 && options->api_base[base - 1] == '/') {
		base--;
	}
	rest->loop = options->loop;
	rest->fetch = options->fetch;
	rest->api_base = xstrndup(options->api_base, base);
	rest->token = options->token;
	rest->header = authorization(options->token);
	rest->queue_max = options->queue_max ? options->queue_max : REST_QUEUE_DEFAULT;
	rest->unauthorized = options->unauthorized;
	rest->ctx = options->ctx;
	rest->timer = loop_timer_new(options->loop, on_timer, rest);
	seed(&rest->rng);
	TAILQ_INIT(&rest->waiting);
	TAILQ_INIT(&rest->ended);
	tally_routes_init(&rest->routes);
	return rest;
}

static void
free_jobs(struct rest *rest, struct rest_jobs *jobs)
{
	struct rest_job *job = NULL;

	while ((job = TAILQ_FIRST(jobs))) {
		if (job->fetch_id != 0) {
			fetch_cancel(rest->fetch, job->fetch_id);
		}
		TAILQ_REMOVE(jobs, job, link);
		rest_job_free(job);
	}
}

void
rest_free(struct rest *owned_rest)
{
	if (!owned_rest) {
		return;
	}
	free_jobs(owned_rest, &owned_rest->waiting);
	free_jobs(owned_rest, &owned_rest->ended);
	loop_timer_free(owned_rest->timer);
	secret_free(owned_rest->header);
	free(owned_rest->api_base);
	free(owned_rest);
}

/* Who answers an interaction has 3 s, and does not stand behind a flood of others. */
static unsigned
places_for(const struct rest *rest, const struct rest_request *request)
{
	static const char interactions[] = "/interactions/";
	bool hurried =
	    strncmp(request->path, interactions, sizeof interactions - 1) == 0;

	return hurried ? 2 * rest->queue_max : rest->queue_max;
}

uint64_t
rest_enqueue(struct rest *rest, const struct rest_request *request, rest_fn *fn,
    void *ctx, bool urgent)
{
	mono_ns now = clock_now();

	if (rest->queued >= places_for(rest, request) && !urgent) {
		rest->counts.refused++;
		return 0;
	}
	struct rest_job *job = rest_job_new(rest, request, now);

	if (!job) {
		return 0;
	}
	job->id = ++rest->last_id;
	job->fn = fn;
	job->ctx = ctx;
	TAILQ_INSERT_TAIL(&rest->waiting, job, link);
	rest->queued++;
	loop_timer_arm(rest->timer, now);
	return job->id;
}

uint64_t
rest_call(struct rest *rest, const struct rest_request *request, rest_fn *fn, void *ctx)
{
	return rest_enqueue(rest, request, fn, ctx, false);
}

static struct rest_job *
find(struct rest_jobs *jobs, uint64_t id)
{
	struct rest_job *job = NULL;

	TAILQ_FOREACH(job, jobs, link)
	{
		if (job->id == id) {
			return job;
		}
	}
	return NULL;
}

void
rest_cancel(struct rest *rest, uint64_t id)
{
	struct rest_job *job = find(&rest->waiting, id);

	if (job) {
		if (job->fetch_id != 0) {
			fetch_cancel(rest->fetch, job->fetch_id);
			ratelimit_dropped(&rest->limits, job->slot);
			job_land(job);
		}
		job_leave(job);
		rest_job_free(job);
		loop_timer_arm(rest->timer, clock_now());
		return;
	}
	job = find(&rest->ended, id);
	if (job) {
		TAILQ_REMOVE(&rest->ended, job, link);
		rest_job_free(job);
	}
}

bool
rest_withdraw(struct rest *rest, uint64_t id, bool *maybe_done)
{
	struct rest_job *job = find(&rest->waiting, id);

	*maybe_done = false;
	if (!job) {
		return false;
	}
	if (job->fetch_id != 0) {
		job->last_try = true;
		return false;
	}
	*maybe_done = job->maybe_done;
	rest_cancel(rest, id);
	return true;
}

struct rest_stats
rest_stats(struct rest *rest, mono_ns now)
{
	struct rest_stats stats = rest->counts;
	mono_ns all = ratelimit_all_until(&rest->limits);
	mono_ns any = ratelimit_until(&rest->limits);

	stats.queued = rest->queued;
	stats.in_flight = rest->flights + rest->flights_interactions;
	stats.invalid_10min = ratelimit_invalid(&rest->limits, now);
	stats.invalid = rest->limits.invalid_total;
	stats.scopes = rest->scopes;
	stats.routes = &rest->routes;
	stats.braked = stats.invalid_10min >= RATELIMIT_INVALID_BRAKE;
	stats.unauthorized = rest->limits.stopped;
	stats.global_wait = all > now ? all - now : 0;
	stats.limited_until = any > now ? any : 0;
	stats.last_error = rest->last_error[0] != '\0' ? rest->last_error : NULL;
	return stats;
}
