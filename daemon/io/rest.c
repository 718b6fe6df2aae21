#include "rest.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "json.h"
#include "xalloc.h"

/* /gateway/bot answers with some 200 bytes. */
#define ANSWER_MAX_BYTES  ((size_t)64 * 1024)

#define HTTP_UNAUTHORIZED 401
#define RETRY_AFTER_MAX_S 900

struct rest {
	struct fetch *fetch;
	char *gateway_url;     /* of the call */
	struct secret *header; /* "Bot TOKEN" */
	uint64_t id;           /* of the request on its way; 0: none */
	void (*fn)(void *ctx, const struct rest_gateway *answer, mono_ns now);
	void *ctx;
};

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

struct rest *
rest_new(const struct rest_options *options)
{
	static const char path[] = "/gateway/bot";
	struct rest *rest = xzalloc(sizeof *rest);
	size_t base = strlen(options->api_base);

	rest->fetch = options->fetch;
	rest->header = authorization(options->token);
	rest->gateway_url = xzalloc(base + sizeof path);
	memcpy(rest->gateway_url, options->api_base, base);
	memcpy(rest->gateway_url + base, path, sizeof path);
	return rest;
}

void
rest_free(struct rest *owned_rest)
{
	if (!owned_rest) {
		return;
	}
	if (owned_rest->id != 0) {
		fetch_cancel(owned_rest->fetch, owned_rest->id);
	}
	secret_free(owned_rest->header);
	free(owned_rest->gateway_url);
	free(owned_rest);
}

static int64_t
int_or(const struct json *value, int64_t otherwise)
{
	int64_t number = otherwise;

	(void)json_int(value, &number);
	return number;
}

/* Retry-After in seconds; the body of a 429 is more exact, but seconds will do here. */
static mono_ns
retry_after(const struct fetch_response *response)
{
	const char *text = response->header(response, "retry-after");
	char *end = NULL;

	if (!text) {
		return 0;
	}
	long seconds = strtol(text, &end, 10);

	if (end == text || seconds < 0) {
		return 0;
	}
	if (*end == '.' && seconds < RETRY_AFTER_MAX_S) {
		seconds++; /* a part of a second is waited for as a whole one */
	}
	return CLOCK_S(seconds < RETRY_AFTER_MAX_S ? seconds : RETRY_AFTER_MAX_S);
}

static void
read_limits(const struct json *document, struct rest_gateway *answer)
{
	const struct json *limit = json_get(document, "session_start_limit");
	int64_t concurrency = int_or(json_get(limit, "max_concurrency"), 1);
	int64_t shards = int_or(json_get(document, "shards"), 1);

	answer->shards = shards > 0 && shards < INT32_MAX ? (uint32_t)shards : 1;
	answer->total = int_or(json_get(limit, "total"), -1);
	answer->remaining = int_or(json_get(limit, "remaining"), -1);
	answer->reset_after_ms = int_or(json_get(limit, "reset_after"), 0);
	answer->max_concurrency =
	    concurrency > 0 && concurrency < INT32_MAX ? (uint32_t)concurrency : 1;
}

static void
finish(struct rest *rest, const struct rest_gateway *answer, mono_ns now)
{
	rest->id = 0;
	rest->fn(rest->ctx, answer, now);
}

static void
on_gateway(void *ctx, const struct fetch_response *response, mono_ns now)
{
	struct rest *rest = ctx;
	struct rest_gateway answer = {.total = -1, .remaining = -1};
	struct json *document = NULL;
	char text[96];

	if (response->error) {
		(void)snprintf(text, sizeof text, "%s", response->error);
		answer.error = text;
	} else if (response->status != 200) {
		answer.unauthorized = response->status == HTTP_UNAUTHORIZED;
		answer.retry_after = retry_after(response);
		(void)snprintf(text, sizeof text, "HTTP status %u", response->status);
		answer.error = text;
	} else if (json_parse(response->body, ANSWER_MAX_BYTES, &document) != GW_OK ||
	    !json_text(json_get(document, "url"))) {
		answer.error = "the answer is not the JSON that it should be";
	} else {
		answer.url = json_text(json_get(document, "url"));
		read_limits(document, &answer);
	}
	finish(rest, &answer, now);
	json_free(document);
}

void
rest_get_gateway(struct rest *rest, mono_ns timeout,
    void (*fn)(void *ctx, const struct rest_gateway *answer, mono_ns now), void *ctx)
{
	static const char *const wanted[] = {"retry-after", NULL};
	struct fetch_request request = {
	    .method = "GET",
	    .url = rest->gateway_url,
	    .headers = {{"authorization", secret_reveal(rest->header)}},
	    .timeout = timeout,
	    .max_body_bytes = ANSWER_MAX_BYTES,
	    .want_headers = wanted,
	};

	rest->fn = fn;
	rest->ctx = ctx;
	if (rest->id == 0) {
		rest->id = fetch_start(rest->fetch, &request, on_gateway, rest);
	}
}
