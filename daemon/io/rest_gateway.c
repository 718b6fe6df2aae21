#include <stdio.h>

#include "json.h"
#include "rest_job.h"

/* /gateway/bot answers with some 200 bytes. */
#define ANSWER_MAX_BYTES ((size_t)64 * 1024)

/* Whoever asks asks again, and shows why it has to. */
#define TRIES_MAX 3

static void
read_limits(const struct json *document, struct rest_gateway *answer)
{
	const struct json *limit = json_get(document, "session_start_limit");
	int64_t concurrency = json_int_or(json_get(limit, "max_concurrency"), 1);
	int64_t shards = json_int_or(json_get(document, "shards"), 1);

	answer->shards = shards > 0 && shards < INT32_MAX ? (uint32_t)shards : 1;
	answer->total = json_int_or(json_get(limit, "total"), -1);
	answer->remaining = json_int_or(json_get(limit, "remaining"), -1);
	answer->reset_after_ms = json_int_or(json_get(limit, "reset_after"), 0);
	answer->max_concurrency =
	    concurrency > 0 && concurrency < INT32_MAX ? (uint32_t)concurrency : 1;
}

static void
on_gateway(void *ctx, const struct rest_answer *from, mono_ns now)
{
	struct rest *rest = ctx;
	struct rest_gateway answer = {.total = -1, .remaining = -1};
	struct json *document = NULL;

	if (from->error) {
		answer.error = from->error;
		answer.unauthorized = from->unauthorized;
		answer.retry_after = from->retry_after;
	} else if (json_parse(from->body, ANSWER_MAX_BYTES, &document) != GW_OK ||
	    !json_text(json_get(document, "url"))) {
		answer.error = "the answer is not the JSON that it should be";
	} else {
		answer.url = json_text(json_get(document, "url"));
		read_limits(document, &answer);
	}
	rest->asker.id = 0;
	rest->asker.fn(rest->asker.ctx, &answer, now);
	json_free(document);
}

void
rest_get_gateway(struct rest *rest, mono_ns timeout,
    void (*fn)(void *ctx, const struct rest_gateway *answer, mono_ns now), void *ctx)
{
	static const char path[] = "/gateway/bot";
	const struct rest_request request = {
	    .method = "GET",
	    .route = path,
	    .path = path,
	    .timeout = timeout,
	    .vital = true,
	    .impatient = true,
	    .tries_max = TRIES_MAX,
	    .answer_max_bytes = ANSWER_MAX_BYTES,
	};

	rest->asker.fn = fn;
	rest->asker.ctx = ctx;
	if (rest->asker.id == 0) {
		rest->asker.id = rest_enqueue(rest, &request, on_gateway, rest, true);
	}
}
