/*
 * A line of the prompt or of a script, taken apart as a shell user expects.
 *
 *   a;b        two commands            # ...      nothing up to the end of the line
 *   'a b'      one word, as it stands  "a b"      one word; \" \\ \$ \` lose the
 * backslash a\ b       one word
 *
 * Nothing is expanded: neither variables nor file names.
 */
#ifndef GWCTL_WORDS_H
#define GWCTL_WORDS_H

#include <stdbool.h>
#include <stddef.h>

#include "buf.h"
#include "err.h"

#define WORDS_MAX 256 /* of one command */

/* Of one line: no request is longer. */
#define WORDS_LINE_MAX_BYTES ((size_t)64 * 1024)

struct words {
	char *list[WORDS_MAX + 3]; /* ends with NULL, as argv does; two to spare */
	size_t count;
	/* What was not closed at the end of the line: ' or ", or a backslash; 0:
	 * nothing. */
	char open_quote;
	bool open_word;    /* the last word reaches to the end of the line */
	bool open_comment; /* the line ended in a comment */
	struct buf text;   /* what list points into */
};

/** At rest. */
void words_init(struct words *words);
void words_fini(struct words *words);

/**
 * Takes the next command off the front of line, up to a ";" or the end.
 *
 * Nothing but blanks makes a command without words.  GW_ERR_TOO_LARGE past WORDS_MAX
 * or WORDS_LINE_MAX_BYTES, GW_ERR_SYNTAX at a NUL.  A quote left open is no error here:
 * see open_quote.
 */
enum gw_err words_take(struct words *words, struct slice *line);

/** What is wrong with the command that words_take() has just read, and it returned err;
 * NULL: nothing. */
const char *words_problem(const struct words *words, enum gw_err err);

#endif
