#include "shell.h"

#include <string.h>

static const struct shell_word table[] = {
#define SHELL_ROW(id, name, synopsis, help) {SHELL_##id, name, synopsis, help},
    SHELL_TABLE(SHELL_ROW)
#undef SHELL_ROW
};

/* Other names that operators' fingers know.  Not const: an argv is not. */
static struct {
	const char *alias;
	char name[16];
} aliases[] = {
    {"ls", "shards"},
    {"restart", "reboot"},
};

const struct shell_word *
shell_at(size_t index)
{
	return index < sizeof table / sizeof table[0] ? &table[index] : NULL;
}

const struct shell_word *
shell_find(const char *name)
{
	for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
		if (strcmp(table[i].name, name) == 0) {
			return &table[i];
		}
	}
	return NULL;
}

char *
shell_alias(const char *name)
{
	for (size_t i = 0; i < sizeof aliases / sizeof aliases[0]; i++) {
		if (strcmp(aliases[i].alias, name) == 0) {
			return aliases[i].name;
		}
	}
	return NULL;
}

/* True where the argument of the option stands in a word of its own. */
static bool
takes_next_word(const char *option)
{
	static const struct {
		const char *name;
		char letter;
		const char *argument;
	} rows[] = {
#define OPTION_ROW(name, letter, argument, help) {"--" name, letter, argument},
	    OPTIONS_TABLE(OPTION_ROW)
#undef OPTION_ROW
	};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		bool named = strcmp(option, rows[i].name) == 0 ||
		    (rows[i].letter && option[1] == rows[i].letter &&
			option[2] == '\0');

		if (named) {
			return rows[i].argument[0] && rows[i].argument[0] != '[';
		}
	}
	return false;
}

size_t
shell_command_index(char *const *words, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (words[i][0] != '-' || words[i][1] == '\0') {
			return i;
		}
		if (takes_next_word(words[i])) {
			i++;
		}
	}
	return count;
}

/* "watch X" is "X --watch"; getopt finds the option wherever it stands. */
static void
turn_watch(struct words *words)
{
	static char option[] = "--watch";
	size_t index = shell_command_index(words->list, words->count);

	if (index + 1 < words->count && strcmp(words->list[index], "watch") == 0 &&
	    !commands_find("watch")) {
		words->list[index] = option;
	}
}

bool
shell_parse(struct words *words, const struct options *session, struct options *out,
    struct failure *failure)
{
	static char program[] = "gwctl";

	turn_watch(words);
	size_t index = shell_command_index(words->list, words->count);

	memmove(words->list + 1, words->list, (words->count + 1) * sizeof(char *));
	words->list[0] = program;
	words->count++;
	index++;
	char *command = index < words->count ? shell_alias(words->list[index]) : NULL;

	if (command) {
		words->list[index] = command;
	}
	if (!options_parse((int)words->count, words->list, session, out, failure)) {
		return false;
	}
	if (!out->command && !out->version && !out->help) {
		(void)failure_set(failure, EXIT_USAGE, "usage",
		    "there is no command on the line");
		failure_hint(failure, "all commands: help");
		return false;
	}
	return true;
}
