/*
 * The commands that gwbotd answers and gwctl offers: one row each in commands.def.
 */
#ifndef GWBOT_COMMANDS_H
#define GWBOT_COMMANDS_H

#include <stdbool.h>
#include <stddef.h>

#include "synopsis.h"

enum command_id {
#define COMMAND(id, name, synopsis, access, help) COMMAND_##id,
#include "commands.def"
#undef COMMAND
};

/* Number of rows, for arrays.  Not in the enum above: switches name all of it. */
enum {
	COMMAND_COUNT = 0
/* NOLINTNEXTLINE(bugprone-macro-parentheses): a summand */
#define COMMAND(id, name, synopsis, access, help) +1
#include "commands.def"
#undef COMMAND
};

enum command_access {
	COMMAND_READ,
	COMMAND_WRITE,  /* changes something: logged with the caller's uid and pid */
	COMMAND_EITHER, /* reads without arguments, changes something with them */
	COMMAND_CLIENT, /* gwctl does it itself; the daemon knows only the name */
};

struct command {
	enum command_id id;
	enum command_access access;
	const char *name;
	/* Arguments, in the grammar of synopsis.h. */
	const char *synopsis;
	const char *help;
};

/* As many arguments as one wants. */
#define COMMAND_ARGS_ANY ((size_t)-1)

/** Number of rows. */
size_t commands_count(void);

/** The row at index (below commands_count()), in the order of the table. */
const struct command *commands_at(size_t index);

/** The row of that exact name; NULL where there is none. */
const struct command *commands_find(const char *name);

/** How many arguments the forms of the synopsis ask for and allow, flags left out. */
void commands_arity(const struct command *command, size_t *min, size_t *max);

/** True where the command changes something with that many arguments. */
bool commands_changes(const struct command *command, size_t arg_count);

/** "read", "write", "either" or "client", as documents have it. */
const char *commands_access_word(enum command_access access);

/** True where a form of the synopsis takes these words and flags ("--fresh"). */
bool commands_fit(const struct command *command, const struct slice *words,
    size_t word_count, const struct slice *flags, size_t flag_count);

/** The lower-case name of an item, "shard" for "SHARD", "fresh" for "--fresh"; cut to
 * room bytes. */
void commands_item_name(const struct synopsis_item *item, char *out, size_t room);

/** The synopsis as forms; one empty form where the row breaks the grammar. */
void commands_forms(const struct command *command, struct synopsis *out);

/**
 * The name of argument index, as commands_item_name(); those of the first form come
 * first, then what the others have besides.
 *
 * False past the last one.
 */
bool commands_arg_name(const struct command *command, size_t index, char *out,
    size_t room);

/** The flag of the synopsis whose name ("--for") that is, borrowed from forms; or NULL.
 */
const struct synopsis_item *commands_find_flag(const struct synopsis *forms,
    struct slice name);

/** True where text is the whole name of a flag of the synopsis: "--fresh". */
bool commands_has_flag(const struct command *command, const char *text);

/**
 * The names nearest to a mistyped one, best first: at most room of them, and none
 * that would take more than a third of the letters to get to.  Returns how many.
 */
size_t commands_nearest(const char *name, const char **out, size_t room);

/** Writes 'no command "staus"; nearest: status' into out. */
void commands_explain_unknown(const char *name, char *out, size_t room);

#endif
