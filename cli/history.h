/*
 * The lines that were typed, kept over the runs of the prompt.
 *
 * One line an entry in a file of the user's own, mode 0600: $GWCTL_HISTFILE, else
 * gwctl/history below $XDG_STATE_HOME or ~/.local/state.  Each line is appended under a
 * lock as soon as it was typed, so that two prompts lose nothing to each other; when it
 * is read, duplicates but for the newest and all past HISTORY_LINES go.  Whatever lies
 * there that is not a plain file of this user is left alone.
 */
#ifndef GWCTL_HISTORY_H
#define GWCTL_HISTORY_H

#include <stdbool.h>
#include <stddef.h>

#define HISTORY_LINES          1000
#define HISTORY_LINE_MAX_BYTES 4096
#define HISTORY_PATH_MAX_BYTES 4096

struct history {
	char path[HISTORY_PATH_MAX_BYTES]; /* empty: nothing is kept */
	char *lines[HISTORY_LINES];        /* oldest first, no two the same */
	size_t count;
	char problem[HISTORY_PATH_MAX_BYTES +
	    128]; /* why nothing is kept; empty: none */
};

/** Finds the file ($GWCTL_HISTFILE empty: none) and reads it; problem says what is
 * wrong with it. */
void history_open(struct history *history);
void history_close(struct history *history);

/**
 * Takes a line that was typed, and appends it to the file.
 *
 * Lines that begin with a blank, hold "token" or a control character, or are empty or
 * longer than HISTORY_LINE_MAX_BYTES are passed over: false.  A file that cannot be
 * written sets problem, and is not tried again.
 */
bool history_add(struct history *history, const char *line);

#endif
