/*
 * What a job posts: its text out of templates and a program's output, in messages that
 * Discord takes.  Pure.
 */
#ifndef GWBOTD_POST_H
#define GWBOTD_POST_H

#include <stdbool.h>
#include <stddef.h>

#include "buf.h"
#include "clock.h"
#include "template.h"
#include "zone.h"

/* Messages of one run; what is longer is cut. */
#define POST_MESSAGES_MAX    5

#define POST_TEXT_MAX_BYTES  ((size_t)64 * 1024)
#define POST_EMBED_MAX_BYTES ((size_t)32 * 1024)
#define POST_VALUE_ROOM      32

/* What the placeholders stand for. */
struct post_facts {
	const char *bot;
	const char *version;
	mono_ns uptime;
	int64_t wall_s;
	const struct zone *zone; /* NULL: UTC */
};

/* The same as texts; values borrow from it and from the facts. */
struct post_values {
	struct template_values values;
	char channel[POST_VALUE_ROOM];
	char uptime[POST_VALUE_ROOM];
	char date[POST_VALUE_ROOM];
	char time[POST_VALUE_ROOM];
};

/** Fills out for a channel's id as text. */
void post_values_fill(const struct post_facts *facts, const char *channel,
    struct post_values *out);

/** Appends a template with its placeholders replaced, behind a line end where something
 * is there.  Errors as template_expand(). */
enum gw_err post_add_template(struct slice text, const struct template_values *values,
    struct buf *out);

/** Appends a program's output in the same way: as it is, but no mention in it notifies
 * anybody. */
enum gw_err post_add_output(struct slice output, struct buf *out);

/** Appends the JSON of an embed with the placeholders in its texts replaced. */
enum gw_err post_expand_embed(const char *embed, const struct template_values *values,
    struct buf *out);

/**
 * Takes the next message of sent so far off the front of rest; false where none is
 * left.  The last one that is allowed is all of the rest, which message_write() cuts:
 * *cut tells.
 */
bool post_take(struct slice *rest, unsigned sent, struct slice *piece, bool *cut);

#endif
