/*
 * gwbotd's command line.
 */
#ifndef GWBOTD_ARGS_H
#define GWBOTD_ARGS_H

#include <stdbool.h>
#include <stddef.h>

#include "config.h"

#define ARGS_OVERRIDES_MAX 64

enum args_action {
	ARGS_RUN,
	ARGS_CHECK,
	ARGS_PRINT_CONFIG,
	ARGS_HELP,
	ARGS_VERSION,
	ARGS_BAD, /* a message is in args.problem: exit 64 */
};

struct args {
	enum args_action action;
	bool sim;
	const char *file;    /* --config */
	const char *profile; /* --profile */
	const char *user;    /* --user */
	struct config_override overrides[ARGS_OVERRIDES_MAX];
	size_t override_count;
	char problem[160];
};

/** Reads argv; texts in out borrow from it. */
void args_parse(int argc, char **argv, struct args *out);

/** What --help prints. */
const char *args_help(void);

#endif
