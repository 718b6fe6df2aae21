#include "jsonw.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

void
jsonw_init(struct jsonw *out, size_t max_bytes)
{
	buf_init(&out->buf, max_bytes);
	out->err = GW_OK;
}

void
jsonw_fini(struct jsonw *out)
{
	buf_fini(&out->buf);
}

static void
put(struct jsonw *out, const char *data, size_t size)
{
	if (out->err == GW_OK) {
		out->err = buf_append(&out->buf, data, size);
	}
}

void
jsonw_raw(struct jsonw *out, const char *text)
{
	put(out, text, strlen(text));
}

void
jsonw_fmt(struct jsonw *out, const char *format, ...)
{
	char text[512];
	va_list args;

	va_start(args, format);
	int size = vsnprintf(text, sizeof text, format, args);
	va_end(args);
	if (size < 0 || (size_t)size >= sizeof text) {
		out->err = GW_ERR_TOO_LARGE;
		return;
	}
	put(out, text, (size_t)size);
}

size_t
jsonw_utf8_length(struct slice text)
{
	if (text.size == 0) {
		return 0;
	}
	const unsigned char *at = (const unsigned char *)text.data;

	if (at[0] < 0x80) {
		return 1;
	}
	if (at[0] < 0xC2 || at[0] > 0xF4) {
		return 0;
	}
	size_t need = at[0] < 0xE0 ? 2 : at[0] < 0xF0 ? 3 : 4;

	if (text.size < need) {
		return 0;
	}
	for (size_t i = 1; i < need; i++) {
		if ((at[i] & 0xC0) != 0x80) {
			return 0;
		}
	}
	/* Overlong forms, surrogates and what lies beyond U+10FFFF. */
	bool bad = (at[0] == 0xE0 && at[1] < 0xA0) || (at[0] == 0xED && at[1] > 0x9F) ||
	    (at[0] == 0xF0 && at[1] < 0x90) || (at[0] == 0xF4 && at[1] > 0x8F);

	return bad ? 0 : need;
}

static void
put_code_point(struct jsonw *out, struct slice sequence)
{
	unsigned code = (unsigned char)sequence.data[0] & (0x7FU >> sequence.size);

	for (size_t i = 1; i < sequence.size; i++) {
		code = code << 6 | ((unsigned char)sequence.data[i] & 0x3FU);
	}
	if (code > 0xFFFF) {
		code -= 0x10000;
		jsonw_fmt(out, "\\u%04x\\u%04x", 0xD800 | code >> 10,
		    0xDC00 | (code & 0x3FF));
	} else {
		jsonw_fmt(out, "\\u%04x", code);
	}
}

static void
put_ascii(struct jsonw *out, char c)
{
	switch (c) {
	case '"':
		put(out, "\\\"", 2);
		return;
	case '\\':
		put(out, "\\\\", 2);
		return;
	case '\n':
		put(out, "\\n", 2);
		return;
	case '\t':
		put(out, "\\t", 2);
		return;
	default:
		break;
	}
	if ((unsigned char)c < 0x20) {
		jsonw_fmt(out, "\\u%04x", (unsigned)(unsigned char)c);
	} else {
		put(out, &c, 1);
	}
}

void
jsonw_string(struct jsonw *out, struct slice text, bool ascii)
{
	put(out, "\"", 1);
	while (text.size > 0) {
		size_t length = jsonw_utf8_length(text);

		if (length == 0) {
			put(out, "\\ufffd", 6);
			length = 1;
		} else if (length == 1) {
			put_ascii(out, text.data[0]);
		} else if (ascii) {
			put_code_point(out, (struct slice){text.data, length});
		} else {
			put(out, text.data, length);
		}
		text.data += length;
		text.size -= length;
	}
	put(out, "\"", 1);
}

void
jsonw_id(struct jsonw *out, uint64_t id)
{
	jsonw_fmt(out, "\"%" PRIu64 "\"", id);
}

void
jsonw_time(struct jsonw *out, int64_t wall_ms)
{
	time_t seconds = (time_t)(wall_ms / 1000);
	struct tm parts;
	char text[40];

	(void)gmtime_r(&seconds, &parts);
	(void)strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &parts);
	jsonw_fmt(out, "\"%s.%03d000+00:00\"", text, (int)(wall_ms % 1000));
}
