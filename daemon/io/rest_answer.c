/*
 * What rest learns from an answer: limits, how many were refused, and why in words.
 */
#include <stdio.h>
#include <string.h>

#include "json.h"
#include "log.h"
#include "rest_job.h"

#define STATUS_FORBIDDEN 403
#define STATUS_LIMITED   429

/* Below this many refused requests the next rise to the alarm is told again. */
#define ALARM_AGAIN (RATELIMIT_INVALID_ALARM / 2)

static void
read_answer(const struct fetch_response *response, struct ratelimit_told *told)
{
	const struct ratelimit_head head = {
	    .bucket = response->header(response, "x-ratelimit-bucket"),
	    .remaining = response->header(response, "x-ratelimit-remaining"),
	    .reset_after = response->header(response, "x-ratelimit-reset-after"),
	    .global = response->header(response, "x-ratelimit-global"),
	    .scope = response->header(response, "x-ratelimit-scope"),
	    .retry_after = response->header(response, "retry-after"),
	    .via = response->header(response, "via"),
	    .date = response->header(response, "date"),
	};

	ratelimit_told_read(response->status, &head, response->body, !response->error,
	    clock_wall_ms(), told);
}

static void
watch_invalid(struct rest *rest, mono_ns now)
{
	uint32_t invalid = ratelimit_invalid(&rest->limits, now);

	if (invalid >= RATELIMIT_INVALID_ALARM && !rest->alarmed) {
		log_error("rest_refused_often", KV("count_10min", invalid),
		    KV("remedy",
			"find the calls that Discord refuses (401, 403, 429): at "
			"10000 it bans this address"));
	}
	if (invalid >= RATELIMIT_INVALID_BRAKE && !rest->braked) {
		log_error("rest_braked", KV("count_10min", invalid),
		    KV("reason", "so many calls were refused that only vital ones go"));
	}
	rest->alarmed = invalid >= RATELIMIT_INVALID_ALARM ||
	    (rest->alarmed && invalid > ALARM_AGAIN);
	rest->braked = invalid >= RATELIMIT_INVALID_BRAKE;
}

static void
tell_limit(const struct rest_job *job, const struct ratelimit_told *told, mono_ns wait)
{
	const char *scope = told->shared ? "shared" : "bucket";

	if (told->edge) {
		scope = "Cloudflare ban of this address";
	} else if (told->global) {
		scope = "global";
	}
	log_warning("rest_limited", KV("method", (const char *)job->method),
	    KV("route", (const char *)job->route), KV("scope", scope),
	    KV("wait_s", clock_seconds(wait)));
}

/* What is further off than this is as wrong as this. */
#define CLOCK_OFF_MAX_MS (INT64_C(1000) * 86400 * 365)

/* Its Date is from some moment of a second, and some time ago: half a second is taken
 * for both. */
static void
compare_clocks(struct rest *rest, const struct fetch_response *response, mono_ns now)
{
	const char *date = response->header(response, "date");
	int64_t seconds;

	if (!date || !ratelimit_date(date, &seconds)) {
		return;
	}
	int64_t ahead_ms = clock_wall_ms() - seconds * 1000 - 500;

	ahead_ms = ahead_ms < CLOCK_OFF_MAX_MS ? ahead_ms : CLOCK_OFF_MAX_MS;
	ahead_ms = ahead_ms > -CLOCK_OFF_MAX_MS ? ahead_ms : -CLOCK_OFF_MAX_MS;
	rest->counts.clock_ahead = CLOCK_MS(ahead_ms);
	rest->counts.clock_at = now;
}

mono_ns
rest_job_take_limits(struct rest_job *job, const struct fetch_response *response,
    mono_ns now)
{
	struct rest *rest = job->rest;
	struct ratelimit_told told;

	if (response->status == 0) {
		ratelimit_dropped(&rest->limits, job->slot);
		return 0;
	}
	read_answer(response, &told);
	compare_clocks(rest, response, now);
	mono_ns wait = ratelimit_answered(&rest->limits, &job->call, job->slot, &told,
	    job->tries, now);

	if (told.status == STATUS_LIMITED) {
		rest->counts.limited++;
		rest->scopes[ratelimit_scope_of(&told)]++;
		tell_limit(job, &told, wait);
	} else if (told.retry_after != RATELIMIT_UNTOLD) {
		wait = told.retry_after; /* of a 503 */
	}
	watch_invalid(rest, now);
	return wait;
}

/* A ban or a block of this address, which says nothing about the token. */
static bool
was_cloudflare(unsigned status, const struct json *document)
{
	return json_kind(document) != JSON_OBJECT &&
	    (status == STATUS_FORBIDDEN || status == STATUS_LIMITED);
}

void
rest_job_explain(struct rest_job *job, const struct fetch_response *response,
    int64_t *code)
{
	struct json *document = NULL;

	*code = 0;
	if (response->error) {
		(void)snprintf(job->error, sizeof job->error, "%s", response->error);
		return;
	}
	(void)json_parse(response->body, job->answer_max_bytes, &document);
	const char *message = json_text(json_get(document, "message"));

	(void)json_int(json_get(document, "code"), code);
	if (!message && was_cloudflare(response->status, document)) {
		message = "refused by Cloudflare, not by Discord's API";
	}
	(void)snprintf(job->error, sizeof job->error, "HTTP status %u%s%.160s",
	    response->status, message ? ": " : "", message ? message : "");
	json_free(document);
	secret_scrub(job->rest->token, job->error, strlen(job->error));
}
