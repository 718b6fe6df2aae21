#include "calllog.h"

#include <cjson/cJSON.h>
#include <inttypes.h>
#include <stdlib.h>

#include "clock.h"
#include "xalloc.h"

/* Of a body; what is longer is cut and told as text. */
#define BODY_KEPT 16384

struct entry {
	char *method;
	char *path; /* with its query */
	char *body; /* NULL: none */
	int status;
	int64_t at_ms;
};

struct calllog {
	struct entry ring[CALLLOG_KEPT];
	uint64_t count; /* ever added */
};

struct calllog *
calllog_new(void)
{
	return xzalloc(sizeof(struct calllog));
}

static void
clear(struct entry *entry)
{
	free(entry->method);
	free(entry->path);
	free(entry->body);
	*entry = (struct entry){.status = 0};
}

void
calllog_free(struct calllog *owned_log)
{
	if (!owned_log) {
		return;
	}
	for (int i = 0; i < CALLLOG_KEPT; i++) {
		clear(&owned_log->ring[i]);
	}
	free(owned_log);
}

static char *
copy_body(struct slice body)
{
	if (body.size == 0) {
		return NULL;
	}
	return xstrndup(body.data, body.size < BODY_KEPT ? body.size : BODY_KEPT);
}

void
calllog_add(struct calllog *log, const struct http_request *request, int status)
{
	struct entry *entry = &log->ring[log->count++ % CALLLOG_KEPT];
	size_t path_size = request->path.size;

	/* The question mark stands between path and query in the request itself. */
	if (request->query.size > 0) {
		path_size += 1 + request->query.size;
	}
	clear(entry);
	*entry = (struct entry){.method = xstrndup(request->method.data,
				    request->method.size),
	    .path = xstrndup(request->path.data, path_size),
	    .body = copy_body(request->body),
	    .status = status,
	    .at_ms = clock_wall_ms()};
}

static void
put_body(const char *body, struct jsonw *out)
{
	cJSON *json = body ? cJSON_Parse(body) : NULL;
	/* Without line ends, which end an answer. */
	char *text = json ? cJSON_PrintUnformatted(json) : NULL;

	if (!body) {
		jsonw_raw(out, "null");
	} else if (text) {
		jsonw_raw(out, text);
	} else {
		jsonw_string(out, slice_of(body), false);
	}
	cJSON_free(text);
	cJSON_Delete(json);
}

void
calllog_put(const struct calllog *log, uint64_t count, struct jsonw *out)
{
	uint64_t first = log->count > count ? log->count - count : 0;

	jsonw_fmt(out, "{\"ok\":true,\"total\":%" PRIu64 ",\"calls\":[", log->count);
	for (uint64_t i = first; i < log->count; i++) {
		const struct entry *entry = &log->ring[i % CALLLOG_KEPT];

		jsonw_raw(out, i > first ? ",{\"method\":" : "{\"method\":");
		jsonw_string(out, slice_of(entry->method), false);
		jsonw_raw(out, ",\"path\":");
		jsonw_string(out, slice_of(entry->path), false);
		jsonw_fmt(out,
		    ",\"status\":%d,\"at_ms\":%" PRId64 ",\"body\":", entry->status,
		    entry->at_ms);
		put_body(entry->body, out);
		jsonw_raw(out, "}");
	}
	jsonw_raw(out, "]}");
}
