/*
 * The text of one log event, in room that the caller gives; log.c sends it.
 *
 * Works without memory to allocate.  What does not fit is left out in whole pairs, and
 * a long text ends in "...", so a cut line is still well formed.
 */
#ifndef GWBOT_LOG_LINE_H
#define GWBOT_LOG_LINE_H

#include "log.h"

struct log_line {
	char *text;
	size_t room;
	size_t size;
	bool full;                   /* something did not fit since this was false */
	const struct secret *secret; /* never appears in text; may be NULL */
};

/** An empty line in room bytes (at least 256) at text; both pointers are borrowed. */
struct log_line log_line_of(char *text, size_t room, const struct secret *secret);

/** Appends ts=... level=... event=NAME KEY=VALUE ..., and a newline. */
void log_line_put_logfmt(struct log_line *line, const struct log_event *event);

/** Appends the event as one JSON object, and a newline. */
void log_line_put_json(struct log_line *line, const struct log_event *event);

/**
 * Appends the event in systemd's journal protocol: MESSAGE is the logfmt text without
 * stamp and level, and each pair is a field GWBOT_KEY besides.
 */
void log_line_put_journal(struct log_line *line, const struct log_event *event);

/** Appends the level as "<3>", as sd-daemon(3) wants it in front of a line. */
void log_line_put_priority(struct log_line *line, enum log_level level);

/** Appends a newline and nothing else: ends a line that the target took in part. */
void log_line_put_newline(struct log_line *line);

#endif
