#include "fetch_job.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "xalloc.h"

#define HEAD_BYTES         3000 /* of our headers: the library has a page for all */
#define SMALL_ANSWER_BYTES ((size_t)4096)
#define PUT_OFF_EVERY      CLOCK_S(2)

/* The library keeps a host name in 128 bytes, and cuts without a word. */
#define HOST_MAX_BYTES 119

#define PORT_HTTP      80
#define PORT_HTTPS     443

/* ---- what is asked ---- */

static bool
put_header(struct buf *head, const char *name, const char *value)
{
	/* Whoever could smuggle a line end in could add a request. */
	return strpbrk(name, "\r\n: ") == NULL && strpbrk(value, "\r\n") == NULL &&
	    buf_printf(head, "%s: %s\r\n", name, value) == GW_OK;
}

static bool
put_headers(struct fetch_job *job, const struct fetch_request *from,
    const char *user_agent)
{
	struct buf *head = &job->head;
	const char *method = job->method;
	bool sized = from->body.size > 0 || strcmp(method, "POST") == 0 ||
	    strcmp(method, "PUT") == 0 || strcmp(method, "PATCH") == 0;
	bool ok = !user_agent || put_header(head, "User-Agent", user_agent);

	for (unsigned i = 0; ok && i < FETCH_HEADERS_MAX && from->headers[i].name;
	     i++) {
		ok = put_header(head, from->headers[i].name, from->headers[i].value);
	}
	if (ok && sized) {
		ok = buf_printf(head, "Content-Length: %zu\r\n", from->body.size) ==
		    GW_OK;
	}
	return ok;
}

static bool
put_body(struct fetch_job *job, struct slice body)
{
	static const char room[LWS_PRE];

	return buf_append(&job->body, room, sizeof room) == GW_OK &&
	    buf_append(&job->body, body.data, body.size) == GW_OK;
}

static bool
method_is_known(const char *method)
{
	static const char *const methods[] = {"GET", "HEAD", "POST", "PUT", "PATCH",
	    "DELETE", "OPTIONS"};

	for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++) {
		if (strcmp(methods[i], method) == 0) {
			return true;
		}
	}
	return false;
}

static void
put_authority(struct fetch_job *job)
{
	const struct url *url = &job->url;
	bool literal = strchr(url->host, ':') != NULL;
	char port[8] = "";

	if (url->port != (url->tls ? PORT_HTTPS : PORT_HTTP)) {
		(void)snprintf(port, sizeof port, ":%u", url->port);
	}
	(void)snprintf(job->authority, sizeof job->authority, "%s%s%s%s",
	    literal ? "[" : "", url->host, literal ? "]" : "", port);
}

/* Secrets are in headers, bodies and answers: without growing, no copy of one stays
 * behind.  A buffer that cannot be made says so when it is filled. */
static void
reserve(struct fetch_job *job, const struct fetch_request *from)
{
	size_t answer = from->max_body_bytes < SMALL_ANSWER_BYTES ?
	    from->max_body_bytes :
	    SMALL_ANSWER_BYTES;

	(void)buf_reserve(&job->head, HEAD_BYTES);
	(void)buf_reserve(&job->body, LWS_PRE + from->body.size);
	(void)buf_reserve(&job->answer, answer);
}

const char *
fetch_job_take(struct fetch_job *job, const struct fetch_request *from,
    const char *user_agent)
{
	buf_init(&job->head, HEAD_BYTES);
	buf_init(&job->body, LWS_PRE + FETCH_REQUEST_MAX_BYTES);
	buf_init(&job->answer, from->max_body_bytes);
	reserve(job, from);
	if (url_parse(from->url, &job->url) != GW_OK || job->url.websocket ||
	    strlen(job->url.host) > HOST_MAX_BYTES) {
		return "not a URL that can be fetched";
	}
	put_authority(job);
	job->allows_address = from->allows_address;
	if (!method_is_known(from->method)) {
		return "a method that cannot be sent";
	}
	(void)slice_copy(slice_of(from->method), job->method, sizeof job->method);
	if (!put_headers(job, from, user_agent) || !put_body(job, from->body)) {
		return "headers or body larger than allowed, or not well formed";
	}
	for (unsigned i = 0; from->want_headers && from->want_headers[i]; i++) {
		if (i == FETCH_WANTED_MAX) {
			return "too many headers wanted";
		}
		job->wanted[job->wanted_count++].name = xstrdup(from->want_headers[i]);
	}
	return NULL;
}

/* ---- its end ---- */

void
fetch_job_cut_loose(struct fetch_job *job)
{
	if (job->wsi) {
		lws_set_opaque_user_data(job->wsi, NULL);
		job->wsi = NULL;
	}
}

void
fetch_job_abandon(struct fetch_job *job)
{
	struct lws *wsi = job->wsi;

	fetch_job_cut_loose(job);
	if (wsi) {
		lws_set_timeout(wsi, PENDING_TIMEOUT_USER_OK, LWS_TO_KILL_ASYNC);
	}
}

void
fetch_job_end(struct fetch_job *job)
{
	fetch_job_cut_loose(job);
	job->step = FETCH_STEP_ENDED;
	loop_timer_arm(job->timer, 0);
}

void
fetch_job_note(struct fetch_job *job, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	/* NOLINTNEXTLINE(clang-analyzer-valist.Uninitialized): a line above */
	(void)vsnprintf(job->error, sizeof job->error, format, args);
	va_end(args);
}

void
fetch_job_fail_as_noted(struct fetch_job *job)
{
	job->failed = true;
	fetch_job_end(job);
}

void
fetch_job_free(struct fetch_job *owned_job)
{
	loop_timer_free(owned_job->timer);
	for (unsigned i = 0; i < owned_job->wanted_count; i++) {
		free(owned_job->wanted[i].name);
		free(owned_job->wanted[i].value);
	}
	buf_wipe(&owned_job->head);
	buf_wipe(&owned_job->body);
	buf_wipe(&owned_job->answer);
	explicit_bzero(&owned_job->url, sizeof owned_job->url);
	free(owned_job);
}

void
fetch_job_arm(struct fetch_job *job, mono_ns now)
{
	mono_ns at = job->deadline;

	if (job->step == FETCH_STEP_CONNECT && job->attempt_until < at) {
		at = job->attempt_until;
	} else if (job->step == FETCH_STEP_ANSWER && now + PUT_OFF_EVERY < at) {
		at = now + PUT_OFF_EVERY;
	}
	loop_timer_arm(job->timer, at);
}
