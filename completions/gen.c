/*
 * completion_gen: gwctl's completions for a shell, out of the tables of its commands
 * and options and of the daemon's settings.
 *
 *   completion_gen bash|zsh|fish FILE.in
 *
 * FILE.in is the shell's part, with the lines @COMMANDS@, @FORMS@, @OPTIONS@ and
 * @VALUES@.  Each becomes a list of texts, quoted for the shell, their parts parted by
 * tabs:
 *
 *   command   NAME, help
 *   form      COMMAND, then each item: "word:set|reset", "value:KEY", "many:ARG", and
 *             "flag:--for=D" or, where only behind an equals sign, "flag:--watch=[S]"
 *   option    "--NAME", "-N", argument ("", "NAME" or "[NAME]"), help
 *   value     COMMAND.VALUE or *.VALUE, then what may stand there, or what finds it:
 *             "@shards", "@faults", "@files"
 */
#include <stdio.h>
#include <string.h>

#include "commands.h"
#include "config.h"
#include "options.h"
#include "synopsis.h"

#define LINE_ROOM  512
#define WORDS_ROOM 8192

enum shell {
	SHELL_BASH,
	SHELL_ZSH,
	SHELL_FISH,
};

/* What may stand for a value of a synopsis; source finds it where words has none. */
static const struct {
	const char *command; /* "*": of any */
	const char *value;
	enum {
		FROM_WORDS,
		FROM_SETTINGS,
		FROM_LIMITS,
		FROM_LEVELS,
		FROM_COMMANDS,
		FROM_EXPLAINED,
	} source;
	const char *words;
} values[] = {
    {"shards", "SHARD", FROM_WORDS, "down\t@shards"},
    {"*", "SHARD", FROM_WORDS, "@shards"},
    {"*", "FORM", FROM_WORDS, "human\tplain\tcsv\tjson"},
    {"*", "FAULT", FROM_WORDS, "@faults"},
    {"*", "FILE", FROM_WORDS, "@files"},
    {"*", "LEVEL", FROM_LEVELS, NULL},
    {"*", "COMMAND", FROM_COMMANDS, NULL},
    {"*", "PATH", FROM_SETTINGS, NULL},
    {"explain", "NAME", FROM_EXPLAINED, NULL},
    {"thresholds", "KEY", FROM_LIMITS, NULL},
    {"wait", "CONDITION", FROM_WORDS, "ready\tdown\tgone"},
};

/* ---- texts ---- */

static void
put_character(enum shell shell, char c)
{
	if (shell == SHELL_FISH && (c == '\'' || c == '\\')) {
		(void)printf("\\%c", c);
	} else if (c == '\'') {
		(void)printf("'\\''");
	} else {
		(void)putchar(c);
	}
}

/* One element of a list; fish wants its lines joined. */
static void
put_element(enum shell shell, const char *text)
{
	(void)printf("\t\t'");
	for (; *text != '\0'; text++) {
		put_character(shell, *text);
	}
	(void)printf("'%s\n", shell == SHELL_FISH ? " \\" : "");
}

/* ---- commands and their forms ---- */

static void
put_commands(enum shell shell)
{
	char line[LINE_ROOM];

	for (size_t i = 0; i < commands_count(); i++) {
		const struct command *command = commands_at(i);

		(void)snprintf(line, sizeof line, "%s\t%s", command->name,
		    command->help);
		put_element(shell, line);
	}
}

static void
describe_item(const struct synopsis_item *item, struct buf *line)
{
	int name_size = (int)item->name.size;
	int value_size = (int)item->value.size;

	switch (item->kind) {
	case SYNOPSIS_WORD:
		(void)buf_printf(line, "\tword:%.*s", name_size, item->name.data);
		break;
	case SYNOPSIS_VALUE:
		(void)buf_printf(line, "\t%s:%.*s", item->many ? "many" : "value",
		    name_size, item->name.data);
		break;
	case SYNOPSIS_FLAG:
		(void)buf_printf(line, "\tflag:%.*s%s%.*s%s", name_size,
		    item->name.data,
		    value_size == 0    ? "" :
			item->attached ? "=[" :
					 "=",
		    value_size, item->value.data, item->attached ? "]" : "");
		break;
	}
}

/* False where a synopsis breaks the grammar. */
static bool
put_forms(enum shell shell)
{
	for (size_t i = 0; i < commands_count(); i++) {
		const struct command *command = commands_at(i);
		struct synopsis synopsis;

		if (!synopsis_parse(command->synopsis, &synopsis)) {
			(void)fprintf(stderr, "completion_gen: synopsis of %s: %s\n",
			    command->name, command->synopsis);
			return false;
		}
		for (size_t j = 0; j < synopsis.count; j++) {
			const struct synopsis_form *form = &synopsis.forms[j];
			struct buf line;

			buf_init(&line, LINE_ROOM);
			(void)buf_printf(&line, "%s", command->name);
			for (size_t k = 0; k < form->count; k++) {
				describe_item(&form->items[k], &line);
			}
			(void)buf_append(&line, "", 1);
			put_element(shell, line.data);
			buf_fini(&line);
		}
	}
	return true;
}

static void
put_option(enum shell shell, const char *name, char letter, const char *argument,
    const char *help)
{
	const char shorter[] = {'-', letter, '\0'};
	char line[LINE_ROOM];

	(void)snprintf(line, sizeof line, "--%s\t%s\t%s\t%s", name,
	    letter == '\0' ? "" : shorter, argument, help);
	put_element(shell, line);
}

static void
put_options(enum shell shell)
{
#define OPTION_ROW(name, letter, argument, help) \
	put_option(shell, name, letter, argument, help);
	OPTIONS_TABLE(OPTION_ROW)
#undef OPTION_ROW
#define FLAG_ROW(name, letter, argument, to, help) \
	put_option(shell, name, letter, argument, help);
	OPTIONS_FLAGS_TABLE(FLAG_ROW)
#undef FLAG_ROW
}

/* ---- values ---- */

static void
add_settings(struct buf *line, const char *group)
{
	for (size_t i = 0; i < config_option_count(); i++) {
		const char *path = config_option(i)->path;

		if (strncmp(path, group, strlen(group)) == 0) {
			(void)buf_printf(line, "\t%s", path);
		}
	}
}

static void
add_levels(struct buf *line)
{
	const char *words = config_option(CONFIG_ID_log_level)->unit;
	struct slice word;

	for (size_t i = 0; synopsis_choice(slice_of(words), i, &word); i++) {
		(void)buf_printf(line, "\t%.*s", (int)word.size, word.data);
	}
}

static void
add_commands(struct buf *line)
{
	for (size_t i = 0; i < commands_count(); i++) {
		(void)buf_printf(line, "\t%s", commands_at(i)->name);
	}
}

static void
put_values(enum shell shell)
{
	for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
		struct buf line;

		buf_init(&line, WORDS_ROOM);
		(void)buf_printf(&line, "%s.%s", values[i].command, values[i].value);
		switch (values[i].source) {
		case FROM_WORDS:
			(void)buf_printf(&line, "\t%s", values[i].words);
			break;
		case FROM_SETTINGS:
			add_settings(&line, "");
			break;
		case FROM_LIMITS:
			add_settings(&line, "watchdog.");
			break;
		case FROM_LEVELS:
			add_levels(&line);
			break;
		case FROM_COMMANDS:
			add_commands(&line);
			break;
		case FROM_EXPLAINED:
			add_settings(&line, "");
			add_commands(&line);
			break;
		}
		(void)buf_append(&line, "", 1);
		put_element(shell, line.data);
		buf_fini(&line);
	}
}

/* ---- the script ---- */

static int
put_script(enum shell shell, FILE *script)
{
	char line[LINE_ROOM];

	while (fgets(line, sizeof line, script)) {
		if (strcmp(line, "@COMMANDS@\n") == 0) {
			put_commands(shell);
		} else if (strcmp(line, "@FORMS@\n") == 0) {
			if (!put_forms(shell)) {
				return 1;
			}
		} else if (strcmp(line, "@OPTIONS@\n") == 0) {
			put_options(shell);
		} else if (strcmp(line, "@VALUES@\n") == 0) {
			put_values(shell);
		} else {
			(void)fputs(line, stdout);
		}
	}
	return ferror(script) || fflush(stdout) != 0 ? 1 : 0;
}

int
main(int argc, char **argv)
{
	static const char *const shells[] =
	    {[SHELL_BASH] = "bash", [SHELL_ZSH] = "zsh", [SHELL_FISH] = "fish"};

	for (size_t i = 0; argc == 3 && i < sizeof shells / sizeof shells[0]; i++) {
		FILE *script =
		    strcmp(argv[1], shells[i]) == 0 ? fopen(argv[2], "re") : NULL;

		if (script) {
			int status = put_script((enum shell)i, script);

			(void)fclose(script);
			return status;
		}
	}
	(void)fprintf(stderr, "usage: completion_gen bash|zsh|fish FILE.in\n");
	return 64;
}
