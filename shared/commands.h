/*
 * The commands that gwbotd answers and gwctl offers: one row each in commands.def.
 */
#ifndef GWBOT_COMMANDS_H
#define GWBOT_COMMANDS_H

#include <stdbool.h>
#include <stddef.h>

enum command_id {
#define COMMAND(id, name, synopsis, access, help) COMMAND_##id,
#include "commands.def"
#undef COMMAND
};

enum command_access {
	COMMAND_READ,
	COMMAND_WRITE, /* changes something: logged with the caller's uid and pid */
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

/**
 * The lower-case name of argument index ("shard" for "[SHARD]", "fresh" for
 * "[--fresh]") of the longest form, cut to room bytes.
 *
 * False past the last one.
 */
bool commands_arg_name(const struct command *command, size_t index, char *out,
    size_t room);

/** True where text is "--NAME" or "-N" and the synopsis has that flag. */
bool commands_has_flag(const struct command *command, const char *text);

/**
 * The names nearest to a mistyped one, best first: at most room of them, and none
 * that would take more than a third of the letters to get to.  Returns how many.
 */
size_t commands_nearest(const char *name, const char **out, size_t room);

/** Writes 'no command "staus"; nearest: status' into out. */
void commands_explain_unknown(const char *name, char *out, size_t room);

#endif
