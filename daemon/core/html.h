/*
 * HTML under construction: text is escaped, numbers are words a person reads.  Pure.
 *
 * With an error the document stays cut; html_ok() tells.
 */
#ifndef GWBOTD_HTML_H
#define GWBOTD_HTML_H

#include <stdbool.h>
#include <stdint.h>

#include "buf.h"
#include "clock.h"

struct html {
	struct buf *out;
	enum gw_err err;
};

/** True where all of it found room. */
bool html_ok(const struct html *html);

/** Appends markup of ours as it is; what it formats must need no escape. */
void html_put(struct html *html, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/** Appends a text: what has a meaning in HTML is escaped, controls and what is not
 * UTF-8 are replaced.  NULL is nothing. */
void html_text(struct html *html, const char *text);

/** The same of a slice. */
void html_slice(struct html *html, struct slice rest);

/** "0.4 s", "3 min 20 s", "4 h 12 min", "3 d 4 h"; "never" for a negative one. */
void html_span(struct html *html, mono_ns span);

/** "41 ms", from a second on as html_span(); "unknown" for a negative one. */
void html_latency(struct html *html, mono_ns latency);

/** A <time> element in UTC, which the script puts into the reader's own zone. */
void html_time(struct html *html, int64_t wall_ms);

#endif
