/*
 * The arguments of a call against the synopsis of its command.
 *
 * A request says them as an array in the order of a line (["20", "--fresh"],
 * ["set", "stall", "90s", "--for=1h"] or [..., "--for", "1h"]), or as an object by name
 * ({"shard": 20, "fresh": true}, {"key": "stall", "value": "90s", "for": "1h"}).  Both
 * are read into the same struct.
 */
#ifndef GWBOTD_METHODS_ARGUMENTS_H
#define GWBOTD_METHODS_ARGUMENTS_H

#include "commands.h"
#include "json.h"

#define METHODS_WORDS_MAX 16
#define METHODS_FLAGS_MAX 8

struct methods_flag {
	struct slice name; /* "--for" */
	const char *value; /* NULL: none */
};

/* Borrows the request, and owns what had to be made of it. */
struct methods_arguments {
	const struct json *words[METHODS_WORDS_MAX];
	size_t count;
	struct methods_flag flags[METHODS_FLAGS_MAX];
	size_t flag_count;
	struct json *made;
};

/**
 * Reads params (NULL: none); free *out with methods_arguments_fini(), also after false.
 *
 * False where they do not fit the synopsis: why (room bytes) says what does.
 */
bool methods_arguments_read(const struct command *command, const struct json *params,
    struct methods_arguments *out, char *why, size_t room);
void methods_arguments_fini(struct methods_arguments *arguments);

/** The flag of that name ("for"); NULL where it was not given. */
const struct methods_flag *
methods_arguments_flag(const struct methods_arguments *arguments, const char *name);

#endif
