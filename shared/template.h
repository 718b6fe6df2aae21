/*
 * Templates: texts with {placeholders} for what is known only when they are sent.
 *
 * template.def lists the placeholders.  "{{" and "}}" are single braces.  Pure.
 */
#ifndef GWBOT_TEMPLATE_H
#define GWBOT_TEMPLATE_H

#include <stdbool.h>

#include "buf.h"
#include "err.h"

/* Where a template is used: the letters of template.def; 0: somewhere. */
#define TEMPLATE_COMMAND 'c'
#define TEMPLATE_JOIN    'j'
#define TEMPLATE_POST    'p'

enum template_id {
#define PLACEHOLDER(id, ...) TEMPLATE_##id,
#include "template.def"
#undef PLACEHOLDER
	TEMPLATE_COUNT,
};

/* What stands for each placeholder; what people wrote is cleaned when it is put in, and
 * mentions (user, channel) are the caller's to make. */
struct template_values {
	struct slice at[TEMPLATE_COUNT];
};

/**
 * Whether text is a template for that place.
 *
 * where 0 is any of them.  GW_ERR_SYNTAX for a brace without its partner,
 * GW_ERR_UNKNOWN for a placeholder that the place does not know: reason (room bytes)
 * then says which, and what it knows.
 */
enum gw_err template_check(struct slice text, char where, char *reason, size_t room);

/**
 * Appends text with its placeholders replaced.
 *
 * Values that people wrote are escaped: no mark of Discord's Markdown and no mention in
 * them has an effect.  Errors as template_check() and buf_append().
 */
enum gw_err template_expand(struct slice text, char where,
    const struct template_values *values, struct buf *out);

/**
 * Appends text that a person wrote so that it shows as it is: marks of Markdown get a
 * backslash, and an "@" or "<" that could begin a mention is followed by U+200B.
 */
enum gw_err template_escape(struct slice text, struct buf *out);

/** The row at index < TEMPLATE_COUNT, for the manual: its name, places and help. */
const char *template_name(enum template_id id);
const char *template_where(enum template_id id);
const char *template_help(enum template_id id);

#endif
