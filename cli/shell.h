/*
 * What the prompt and scripts understand besides the commands of commands.def: words of
 * their own, and other names of commands.
 */
#ifndef GWCTL_SHELL_H
#define GWCTL_SHELL_H

#include <stdbool.h>
#include <stddef.h>

#include "failure.h"
#include "options.h"
#include "words.h"

/* X(id, name, synopsis, help) */
#define SHELL_TABLE(X)                                                            \
	X(HELP, "help", "[COMMAND]", "what the commands are, or what one does")   \
	X(HISTORY, "history", "[N]", "the lines that were typed, or the last N")  \
	X(WATCH, "watch", "COMMAND [ARG...]", "COMMAND --watch: again and again") \
	X(CLEAR, "clear", "", "an empty screen")                                  \
	X(QUIT, "quit", "", "leave, as Ctrl-D does")                              \
	X(EXIT, "exit", "", "the same")                                           \
	X(WHAT, "?", "", "help; typed anywhere on a line: what can follow there")

enum shell_id {
#define SHELL_ENUM(id, name, synopsis, help) SHELL_##id,
	SHELL_TABLE(SHELL_ENUM)
#undef SHELL_ENUM
	    SHELL_NONE, /* no word of the shell */
};

struct shell_word {
	enum shell_id id;
	const char *name;
	const char *synopsis;
	const char *help;
};

/** The row at index; NULL past the last one. */
const struct shell_word *shell_at(size_t index);

/** The row of that exact name; NULL where there is none. */
const struct shell_word *shell_find(const char *name);

/** The command that another name stands for ("ls": "shards"); NULL: name is none. */
char *shell_alias(const char *name);

/** The index of the command among words, which is behind options of gwctl; count where
 * there is none. */
size_t shell_command_index(char *const *words, size_t count);

/**
 * Reads the words of one command on top of what holds for all lines.
 *
 * "watch X" becomes "X --watch", other names become commands; words is changed, and
 * borrowed by out.  False with failure filled.
 */
bool shell_parse(struct words *words, const struct options *session,
    struct options *out, struct failure *failure);

#endif
