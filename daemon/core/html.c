#include "html.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "text.h"

static void
note(struct html *html, enum gw_err err)
{
	html->err = err != GW_OK ? err : html->err;
}

bool
html_ok(const struct html *html)
{
	return html->err == GW_OK;
}

void
html_put(struct html *html, const char *format, ...)
{
	char text[512];
	va_list args;

	va_start(args, format);
	int size = vsnprintf(text, sizeof text, format, args);

	va_end(args);
	if (size < 0 || (size_t)size >= sizeof text) {
		note(html, GW_ERR_TOO_LARGE);
		return;
	}
	note(html, buf_append(html->out, text, (size_t)size));
}

/* What stands for a character; NULL: it stands for itself. */
static const char *
escape_of(size_t size, uint32_t code)
{
	if (size == 0 || text_is_control(code)) {
		return TEXT_REPLACEMENT;
	}
	switch (code) {
	case '&':
		return "&amp;";
	case '<':
		return "&lt;";
	case '>':
		return "&gt;";
	case '"':
		return "&quot;";
	case '\'':
		return "&#39;";
	default:
		return NULL;
	}
}

void
html_slice(struct html *html, struct slice rest)
{
	while (rest.size > 0) {
		uint32_t code = 0;
		size_t size = text_read(rest, &code);
		const char *escape = escape_of(size, code);

		if (escape) {
			note(html, buf_append(html->out, escape, strlen(escape)));
		} else {
			note(html, buf_append(html->out, rest.data, size));
		}
		size = size > 0 ? size : 1;
		rest = (struct slice){rest.data + size, rest.size - size};
	}
}

void
html_text(struct html *html, const char *text)
{
	html_slice(html, slice_of(text ? text : ""));
}

void
html_span(struct html *html, mono_ns span)
{
	long long seconds = span / CLOCK_S(1);

	if (span < 0) {
		html_put(html, "never");
	} else if (seconds < 10) {
		html_put(html, "%.1f s", clock_seconds(span));
	} else if (seconds < 120) {
		html_put(html, "%lld s", seconds);
	} else if (seconds < 3600) {
		html_put(html, "%lld min %lld s", seconds / 60, seconds % 60);
	} else if (seconds < 86400) {
		html_put(html, "%lld h %lld min", seconds / 3600, seconds / 60 % 60);
	} else {
		html_put(html, "%lld d %lld h", seconds / 86400, seconds / 3600 % 24);
	}
}

void
html_latency(struct html *html, mono_ns latency)
{
	double ms = (double)latency / (double)CLOCK_MS(1);

	if (latency < 0) {
		html_put(html, "unknown");
	} else if (ms < 10) {
		html_put(html, "%.1f ms", ms);
	} else if (ms < 1000) {
		html_put(html, "%.0f ms", ms);
	} else {
		html_span(html, latency);
	}
}

void
html_time(struct html *html, int64_t wall_ms)
{
	time_t seconds = (time_t)(wall_ms / 1000);
	struct tm utc;
	char text[32];

	if (gmtime_r(&seconds, &utc) &&
	    strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &utc) > 0) {
		html_put(html, "<time datetime=\"%s\">%.10s %.8s UTC</time>", text,
		    text, text + 11);
	}
}
