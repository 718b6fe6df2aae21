#include "http_head.h"

#include <time.h>

const char *
http_status_text(unsigned status)
{
	static const struct {
		unsigned status;
		const char *text;
	} texts[] = {
	    {200, "OK"},
	    {206, "Partial Content"},
	    {301, "Moved Permanently"},
	    {302, "Found"},
	    {304, "Not Modified"},
	    {307, "Temporary Redirect"},
	    {308, "Permanent Redirect"},
	    {400, "Bad Request"},
	    {401, "Unauthorized"},
	    {403, "Forbidden"},
	    {404, "Not Found"},
	    {405, "Method Not Allowed"},
	    {410, "Gone"},
	    {413, "Content Too Large"},
	    {415, "Unsupported Media Type"},
	    {429, "Too Many Requests"},
	    {500, "Internal Server Error"},
	    {502, "Bad Gateway"},
	    {503, "Service Unavailable"},
	    {504, "Gateway Timeout"},
	};

	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
		if (texts[i].status == status) {
			return texts[i].text;
		}
	}
	return "Unknown";
}

static enum gw_err
put_field(struct buf *out, enum gw_err err, const char *name, const char *value)
{
	if (err != GW_OK || !value) {
		return err;
	}
	return buf_printf(out, "%s: %s\r\n", name, value);
}

enum gw_err
http_head_put(struct buf *out, const struct http_head *head, int64_t wall_ms)
{
	char date[64];
	time_t seconds = (time_t)(wall_ms / 1000);
	struct tm utc;

	if (!gmtime_r(&seconds, &utc) ||
	    strftime(date, sizeof date, "%a, %d %b %Y %H:%M:%S GMT", &utc) == 0) {
		return GW_ERR_RANGE;
	}
	enum gw_err err = buf_printf(out, "HTTP/1.1 %u %s\r\nContent-Length: %zu\r\n",
	    head->status, http_status_text(head->status), head->size_bytes);

	err = put_field(out, err, "Content-Type", head->type);
	err = put_field(out, err, "Cache-Control",
	    head->cache ? head->cache : "no-store");
	err = put_field(out, err, "Date", date);
	err = put_field(out, err, "X-Content-Type-Options", "nosniff");
	err = put_field(out, err, "X-Gwbot-State", head->state);
	err = put_field(out, err, "Allow", head->allow);
	err = put_field(out, err, "Content-Security-Policy", head->policy);
	err =
	    put_field(out, err, "Referrer-Policy", head->policy ? "no-referrer" : NULL);
	err = put_field(out, err, "ETag", head->etag);
	err = put_field(out, err, "Retry-After", head->status == 503 ? "5" : NULL);
	return put_field(out, err, "Connection", "close\r\n");
}
