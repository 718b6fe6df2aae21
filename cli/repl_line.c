/* A line of the prompt, command by command; what is the prompt's own is done here. */
#include <stdio.h>
#include <stdlib.h>

#include "duration.h"
#include "render.h"
#include "repl_private.h"
#include "run.h"
#include "shell.h"

static void
complain(const struct repl *repl, const char *code, const char *text, const char *hint)
{
	struct failure failure = {.exit = EXIT_DONE};

	(void)failure_set(&failure, EXIT_USAGE, code, "%s", text);
	failure_hint(&failure, "%s", hint);
	(void)failure_print(&failure, repl->session.json);
}

static void
flush(struct writer *writer)
{
	if (writer->out.size > 0) {
		(void)fwrite(writer->out.data, 1, writer->out.size, stdout);
	}
	(void)fflush(stdout);
	writer_fini(writer);
}

/* ---- words of the prompt ---- */

static void
put_word(struct writer *writer, const struct shell_word *word)
{
	writer_printf(writer, STYLE_BOLD, "  %s", word->name);
	writer_printf(writer, STYLE_PLAIN, "%s%s", word->synopsis[0] ? " " : "",
	    word->synopsis);
	writer_tab(writer, 28);
	writer_text(writer, STYLE_PLAIN, word->help);
	writer_newline(writer);
}

static void
show_own_words(const struct repl *repl, const struct shell_word *only)
{
	struct writer writer;

	writer_init(&writer, repl->colour);
	for (size_t i = 0; shell_at(i); i++) {
		const struct shell_word *word = shell_at(i);

		if (only ? word == only : word->id != SHELL_HELP) {
			put_word(&writer, word);
		}
	}
	flush(&writer);
}

static void
run_help_word(struct repl *repl, const struct words *words)
{
	if (words->count > 1) {
		const struct shell_word *word = shell_find(words->list[1]);

		show_own_words(repl, word);
		return;
	}
	run_help(repl->colour);
	(void)fputs("\nat the prompt:\n", stdout);
	show_own_words(repl, NULL);
}

static void
run_history(const struct repl *repl, const struct words *words)
{
	const struct history *history = &repl->history;
	size_t count = history->count;
	struct writer writer;

	if (words->count > 1) {
		char *end;
		unsigned long wanted = strtoul(words->list[1], &end, 10);

		if (*end != '\0' || words->list[1][0] == '-' || words->count > 2) {
			complain(repl, "usage", "usage: history [N]", "");
			return;
		}
		count = wanted < count ? (size_t)wanted : count;
	}
	writer_init(&writer, false);
	for (size_t i = history->count - count; i < history->count; i++) {
		writer_printf(&writer, STYLE_PLAIN, "%5zu  ", i + 1);
		writer_put(&writer, STYLE_PLAIN, history->lines[i]);
		writer_newline(&writer);
	}
	flush(&writer);
}

static void
run_own(struct repl *repl, const struct words *words, enum shell_id id)
{
	switch (id) {
	case SHELL_HELP:
	case SHELL_WHAT:
		run_help_word(repl, words);
		break;
	case SHELL_HISTORY:
		run_history(repl, words);
		break;
	case SHELL_CLEAR:
		if (!repl->dumb) {
			(void)fputs("\033[H\033[2J", stdout);
		}
		break;
	case SHELL_QUIT:
	case SHELL_EXIT:
		repl->leaving = true;
		break;
	case SHELL_WATCH:
		complain(repl, "usage", "usage: watch COMMAND [ARG...]",
		    "a command that shows something, e.g. watch shards");
		break;
	case SHELL_NONE:
		break;
	}
}

/* What the prompt does itself: its own words, but for those that lead to a command. */
static enum shell_id
own_word(const struct words *words)
{
	const struct shell_word *word = shell_find(words->list[0]);

	if (!word || (word->id == SHELL_WATCH && words->count > 1)) {
		return SHELL_NONE;
	}
	if (word->id == SHELL_HELP && words->count > 1 && !shell_find(words->list[1])) {
		return SHELL_NONE;
	}
	return word->id;
}

/* ---- the line ---- */

static void
run_words(struct repl *repl, struct words *words)
{
	struct failure failure = {.exit = EXIT_DONE};
	struct options options;
	enum shell_id own = own_word(words);

	if (own != SHELL_NONE) {
		run_own(repl, words, own);
	} else if (!shell_parse(words, &repl->session, &options, &failure)) {
		(void)failure_print(&failure, options.json);
	} else {
		repl_child_run(repl, &options);
	}
}

void
repl_line_run(struct repl *repl, const char *line)
{
	struct slice rest = slice_of(line);
	struct words words;

	words_init(&words);
	do {
		enum gw_err err = words_take(&words, &rest);
		const char *problem = words_problem(&words, err);

		if (problem) {
			complain(repl, "usage", problem, "");
			break;
		}
		if (words.count > 0) {
			run_words(repl, &words);
		}
	} while (rest.size > 0 && !repl->leaving);
	words_fini(&words);
}
