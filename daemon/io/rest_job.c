#include "rest_job.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "json.h"
#include "retry.h"
#include "url.h"
#include "xalloc.h"

/* Discord: 25 MiB with files, which we do not send; fetch sends 16 MiB. */
#define BODY_MAX_BYTES   ((size_t)8 << 20)
#define ANSWER_MAX_BYTES ((size_t)1 << 20)

/* Templates are names in our own source, and the caller's. */
#define ROUTE_MAX_BYTES 256

/* ---- nonce ---- */

/* POST /channels/ID/messages */
static bool
creates_message(const struct rest_request *request)
{
	static const char start[] = "/channels/";
	const char *path = request->path;

	if (strcmp(request->method, "POST") != 0 ||
	    strncmp(path, start, sizeof start - 1) != 0) {
		return false;
	}
	path += sizeof start - 1;
	path += strcspn(path, "/?");
	size_t size = strcspn(path, "?");

	return slice_equal((struct slice){path, size}, SLICE_LITERAL("/messages"));
}

/* Discord: with enforce_nonce a second message with the same nonce within minutes
 * returns the first instead of making another. */
static enum gw_err
write_with_nonce(struct rest_job *job, struct slice body, const struct json *document)
{
	const struct json *nonce = json_get(document, "nonce");
	const char *brace = memchr(body.data, '{', body.size);
	bool known = nonce && json_kind(nonce) != JSON_NULL;
	enum gw_err err = GW_OK;

	if (!brace || (nonce && !known)) {
		return GW_ERR_TYPE;
	}
	if (!known) {
		/* At most 25 characters. */
		err = buf_printf(&job->body, "{\"nonce\":\"%016" PRIx64 "\"",
		    rng_next(&job->rest->rng));
	} else {
		err = buf_append(&job->body, "{", 1);
	}
	if (err == GW_OK) {
		err = buf_printf(&job->body, "%s\"enforce_nonce\":true%s",
		    known ? "" : ",", json_count(document) > 0 ? "," : "");
	}
	if (err == GW_OK) {
		size_t left = body.size - (size_t)(brace + 1 - body.data);

		err = buf_append(&job->body, brace + 1, left);
	}
	return err;
}

/* The body of a new message, made repeatable where it can be; else as it is. */
static bool
take_message(struct rest_job *job, struct slice body)
{
	struct json *document = NULL;
	bool enforced = false;

	(void)json_parse(body, BODY_MAX_BYTES, &document);
	const struct json *enforce = json_get(document, "enforce_nonce");

	if (json_kind(document) == JSON_OBJECT && !enforce &&
	    write_with_nonce(job, body, document) == GW_OK) {
		json_free(document);
		job->repeatable = true;
		return true;
	}
	job->repeatable =
	    json_bool(enforce, &enforced) && enforced && json_get(document, "nonce");
	json_free(document);
	buf_clear(&job->body);
	return buf_append(&job->body, body.data, body.size) == GW_OK;
}

/* ---- the whole ---- */

static bool
take_body(struct rest_job *job, const struct rest_request *request)
{
	if (creates_message(request) && request->body.size > 0) {
		return take_message(job, request->body);
	}
	return buf_append(&job->body, request->body.data, request->body.size) == GW_OK;
}

static char *
join_url(const char *base, const char *path)
{
	char *url = xzalloc(strlen(base) + strlen(path) + 1);

	(void)stpcpy(stpcpy(url, base), path);
	return url;
}

static bool
is_path(const char *path)
{
	size_t size = strlen(path);

	if (path[0] != '/' || size >= URL_PATH_BYTES) {
		return false;
	}
	for (size_t i = 0; i < size; i++) {
		if ((unsigned char)path[i] <= ' ' || (unsigned char)path[i] > '~' ||
		    path[i] == '#') {
			return false;
		}
	}
	return true;
}

struct rest_job *
rest_job_new(struct rest *rest, const struct rest_request *request, mono_ns now)
{
	if (!is_path(request->path) || strlen(request->route) > ROUTE_MAX_BYTES) {
		return NULL;
	}
	struct rest_job *job = xzalloc(sizeof *job);

	job->rest = rest;
	job->route = xstrdup(request->route);
	job->place = tally_routes_place(&rest->routes, request->route);
	job->url = join_url(rest->api_base, request->path);
	job->repeatable = request->repeatable;
	job->impatient = request->impatient;
	job->tries_max = request->tries_max ? request->tries_max : RETRY_TRIES_MAX;
	job->answer_max_bytes =
	    request->answer_max_bytes ? request->answer_max_bytes : ANSWER_MAX_BYTES;
	job->call = ratelimit_call_of(request->method, request->route, request->path);
	job->call.vital = request->vital;
	job->deadline = clock_add(now, request->timeout);
	buf_init(&job->body, BODY_MAX_BYTES);
	if (!slice_copy(slice_of(request->method), job->method, sizeof job->method) ||
	    !take_body(job, request)) {
		rest_job_free(job);
		return NULL;
	}
	return job;
}

void
rest_job_free(struct rest_job *owned_job)
{
	buf_fini(&owned_job->body);
	free(owned_job->route);
	if (owned_job->url) {
		/* The path may hold the token of an interaction. */
		explicit_bzero(owned_job->url, strlen(owned_job->url));
	}
	free(owned_job->url);
	free(owned_job);
}
