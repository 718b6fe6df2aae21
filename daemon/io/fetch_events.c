#include "fetch_job.h"

#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "xalloc.h"

/*
 * How libwebsockets 4.1.6 is kept in hand here:
 * - An end may be told in eight ways, some of them several times, some never (204, 304,
 *   a body that stalls).  So the first one cuts the connection loose from its request,
 *   every request has a timer of its own, and that timer also tells the owner: outside
 *   of the library, so that the owner may do anything.
 * - A chunked body that is cut off counts as complete there: see was_cut_off().
 * - It takes 100 Continue for the answer: an error here.
 * - It gives up 5 s after the request without an answer.  So its timeout is put off.
 */

#define VALUE_BYTES 1024
#define READ_BYTES  4096

/* Why TLS came to nothing; NULL where it is not to blame. */
static const char *
certificate_error(struct lws *wsi)
{
	const SSL *ssl = lws_get_ssl(wsi);
	long result = ssl ? SSL_get_verify_result(ssl) : X509_V_OK;

	return result == X509_V_OK ? NULL : X509_verify_cert_error_string(result);
}

/* The connection ended without a whole answer. */
static void
on_lost(struct fetch_job *job, struct lws *wsi, struct slice why)
{
	const char *refused = certificate_error(wsi);

	if (job->status != 0) {
		FETCH_JOB_FAIL(job, "closed before the whole answer");
	} else if (job->sent) {
		FETCH_JOB_FAIL(job, "closed before an answer%s%.*s",
		    why.size ? ": " : "", (int)why.size, why.data ? why.data : "");
	} else if (refused) {
		FETCH_JOB_FAIL(job, "certificate of %s refused: %s", job->url.host,
		    refused);
	} else {
		fetch_job_note(job, "cannot connect to %s: %.*s",
		    job->addresses.addresses[job->tried - 1], (int)why.size,
		    why.data ? why.data : "");
		fetch_job_cut_loose(job);
		if (!job->connecting) {
			loop_timer_arm(job->timer, 0); /* the next address */
		}
	}
}

static int
on_append(struct fetch_job *job, struct lws *wsi, char **at, size_t room)
{
	if (job->head.size > room) {
		FETCH_JOB_FAIL(job, "request headers larger than allowed");
		return -1;
	}
	job->sent = true;
	job->step = FETCH_STEP_ANSWER;
	memcpy(*at, job->head.data, job->head.size);
	*at += job->head.size;
	if (job->body.size > LWS_PRE) {
		job->body_waits = true;
		lws_client_http_body_pending(wsi, 1);
		lws_callback_on_writable(wsi);
	}
	fetch_job_arm(job, clock_now());
	return 0;
}

static int
on_writable(struct fetch_job *job, struct lws *wsi)
{
	size_t size = job->body.size - LWS_PRE;

	if (!job->body_waits) {
		return 0;
	}
	job->body_waits = false;
	lws_client_http_body_pending(wsi, 0);
	if (lws_write(wsi, (unsigned char *)job->body.data + LWS_PRE, size,
		LWS_WRITE_HTTP_FINAL) < (int)size) {
		FETCH_JOB_FAIL(job, "cannot send the request body");
		return -1;
	}
	return 0;
}

/* The library knows some headers by number and keeps the others by name. */
static int
copy_header(struct lws *wsi, const char *name, char *out, size_t room)
{
	char with_colon[64];
	int size = snprintf(with_colon, sizeof with_colon, "%s:", name);

	if (size < 0 || (size_t)size >= sizeof with_colon) {
		return -1;
	}
	for (int token = 0; token < WSI_TOKEN_COUNT; token++) {
		const unsigned char *known =
		    lws_token_to_string((enum lws_token_indexes)token);

		if (known && strcmp((const char *)known, with_colon) == 0) {
			int copied = lws_hdr_copy(wsi, out, (int)room,
			    (enum lws_token_indexes)token);

			return copied > 0 ? copied : -1; /* 0: absent */
		}
	}
	return lws_hdr_custom_copy(wsi, out, (int)room, with_colon, size);
}

/* How the body will end; false where that cannot be told or is too far away. */
static bool
understand_framing(struct fetch_job *job, struct lws *wsi)
{
	char value[64] = "";
	bool sized = lws_hdr_total_length(wsi, WSI_TOKEN_HTTP_CONTENT_LENGTH) > 0;

	job->chunked = lws_hdr_total_length(wsi, WSI_TOKEN_HTTP_TRANSFER_ENCODING) > 0;
	if (job->chunked &&
	    (sized ||
		lws_hdr_copy(wsi, value, sizeof value,
		    WSI_TOKEN_HTTP_TRANSFER_ENCODING) <= 0 ||
		strcmp(value, "chunked") != 0)) {
		FETCH_JOB_FAIL(job, "answer in a coding that is not understood");
		return false;
	}
	if (!sized) {
		return true;
	}
	char *rest = NULL;
	bool copied =
	    lws_hdr_copy(wsi, value, sizeof value, WSI_TOKEN_HTTP_CONTENT_LENGTH) > 0;
	unsigned long long size = strtoull(value, &rest, 10);

	if (!copied || value[0] < '0' || value[0] > '9' || *rest) {
		FETCH_JOB_FAIL(job, "answer with a senseless length");
		return false;
	}
	if (size > job->answer.max_bytes) {
		job->end = FETCH_TOO_LARGE;
		FETCH_JOB_FAIL(job, "answer larger than %zu bytes",
		    job->answer.max_bytes);
		return false;
	}
	return true;
}

static int
on_head(struct fetch_job *job, struct lws *wsi)
{
	char value[VALUE_BYTES];
	unsigned status = lws_http_client_http_response(wsi);

	if (status < 200 || status > 999) {
		FETCH_JOB_FAIL(job, "answer with the status %u, which ends nothing",
		    status);
		return -1;
	}
	job->status = status;
	for (unsigned i = 0; i < job->wanted_count; i++) {
		if (copy_header(wsi, job->wanted[i].name, value, sizeof value) >= 0) {
			free(job->wanted[i].value);
			job->wanted[i].value = xstrdup(value);
		}
	}
	/* These have no body, whatever their headers say; the library waits for one. */
	if (status == 204 || status == 304 || strcmp(job->method, "HEAD") == 0) {
		fetch_job_end(job);
		return -1;
	}
	return understand_framing(job, wsi) ? 0 : -1;
}

static int
on_readable(struct fetch_job *job, struct lws *wsi)
{
	char scratch[READ_BYTES];
	char *at = scratch;
	int size = sizeof scratch;

	job->read_from = scratch;
	job->read_at = &at;
	int result = lws_http_client_read(wsi, &at, &size);

	job->read_at = NULL;
	return result < 0 ? -1 : 0;
}

static int
on_body(struct fetch_job *job, const char *data, size_t size)
{
	/* A chunk size beyond 31 bits arrives as a negative one. */
	if (size > READ_BYTES) {
		FETCH_JOB_FAIL(job, "answer with a senseless chunk size");
		return -1;
	}
	if (buf_append(&job->answer, data, size) != GW_OK) {
		job->end = FETCH_TOO_LARGE;
		FETCH_JOB_FAIL(job, "answer larger than %zu bytes",
		    job->answer.max_bytes);
		return -1;
	}
	return 0;
}

/*
 * The end of the stream in the middle of chunks counts as the end of the answer to the
 * library.  It has not moved in what it read then; behind the last chunk it has.
 */
static bool
was_cut_off(const struct fetch_job *job)
{
	return job->chunked && (!job->read_at || *job->read_at == job->read_from);
}

int
fetch_on_event(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
    size_t size)
{
	struct fetch_job *job = wsi ? lws_get_opaque_user_data(wsi) : NULL;

	if (!job) {
		return lws_callback_http_dummy(wsi, reason, user, in, size);
	}
	loop_note(job->loop, __func__);
	/* NOLINTNEXTLINE(clang-diagnostic-switch-enum): the library has over 100
	 * reasons
	 */
	switch ((int)reason) {
	case LWS_CALLBACK_CLIENT_APPEND_HANDSHAKE_HEADER:
		return on_append(job, wsi, in, size);
	case LWS_CALLBACK_CLIENT_HTTP_WRITEABLE:
		return on_writable(job, wsi);
	case LWS_CALLBACK_ESTABLISHED_CLIENT_HTTP:
		return on_head(job, wsi);
	case LWS_CALLBACK_RECEIVE_CLIENT_HTTP:
		return on_readable(job, wsi);
	case LWS_CALLBACK_RECEIVE_CLIENT_HTTP_READ:
		return on_body(job, in, size);
	case LWS_CALLBACK_COMPLETED_CLIENT_HTTP:
		if (was_cut_off(job)) {
			FETCH_JOB_FAIL(job, "closed before the whole answer");
		} else {
			fetch_job_end(job);
		}
		return -1;
	case LWS_CALLBACK_CLIENT_CONNECTION_ERROR:
		on_lost(job, wsi, (struct slice){in, in ? size : 0});
		return -1;
	case LWS_CALLBACK_CLOSED_CLIENT_HTTP:
	case LWS_CALLBACK_WSI_DESTROY:
		on_lost(job, wsi, SLICE_LITERAL("closed"));
		return 0;
	default:
		return lws_callback_http_dummy(wsi, reason, user, in, size);
	}
}
