/*
 * The synopsis of a command as data: what may follow what on its line.
 *
 * One reading for whoever needs it: the daemon's arguments, gwctl's completion and
 * help, the shells' completions, the manual.  The grammar, of words parted by blanks:
 *
 *   KEY             a value, named in capitals
 *   set             a word to type as it stands; on|off is a choice of words
 *   X...            one or more of it
 *   --for D         a flag with a value, --fresh one without, --watch=[S] either
 *   [X Y]           X Y or nothing; what begins with a dash may also stand elsewhere
 *   A B | C         one or the other
 *
 * Every choice is spelled out, so that what comes out is flat: a few forms, each a row
 * of items.  "[set KEY VALUE [--for D] | reset [KEY]]" has the forms "", "set KEY VALUE
 * [--for D]" and "reset [KEY]".
 */
#ifndef GWBOT_SYNOPSIS_H
#define GWBOT_SYNOPSIS_H

#include <stdbool.h>
#include <stddef.h>

#include "buf.h"

#define SYNOPSIS_ITEMS_MAX 12 /* of one form */
#define SYNOPSIS_FORMS_MAX 8

enum synopsis_kind {
	SYNOPSIS_WORD,  /* "set", or a choice: "on|off" */
	SYNOPSIS_VALUE, /* "KEY" */
	SYNOPSIS_FLAG,  /* "--for" */
};

struct synopsis_item {
	enum synopsis_kind kind;
	bool optional;
	bool many;          /* it may be repeated */
	bool attached;      /* a flag's value: optional, and behind "=" */
	struct slice name;  /* as it is typed, or the name of the value */
	struct slice value; /* of a flag: the name of its value; empty: it takes none */
};

struct synopsis_form {
	struct synopsis_item items[SYNOPSIS_ITEMS_MAX];
	size_t count;
};

struct synopsis {
	struct synopsis_form forms[SYNOPSIS_FORMS_MAX]; /* at least one */
	size_t count;
};

/**
 * Reads text, which the result borrows.
 *
 * False where it breaks the grammar or has too many parts: a mistake in a table.
 */
bool synopsis_parse(const char *text, struct synopsis *out);

/** One word of a choice at index ("on|off": on, off); false past the last one. */
bool synopsis_choice(struct slice words, size_t index, struct slice *out);

/** True where the form takes exactly these words, in order, and has all these flags. */
bool synopsis_fits(const struct synopsis_form *form, const struct slice *words,
    size_t word_count, const struct slice *flags, size_t flag_count);

/** True where text is the word, or one of the choice. */
bool synopsis_is_word(const struct synopsis_item *item, struct slice text);

#endif
