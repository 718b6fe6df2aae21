#include "script.h"

#include <stdio.h>
#include <string.h>

#include "run.h"
#include "shell.h"

struct script {
	const struct options *session;
	size_t line;
	int status; /* of the last command that failed */
	bool done;
};

/* One line without its end; false at the end of the input.  What is past the longest
 * line is passed over, and the line refused. */
static bool
read_line(struct buf *line, bool *too_long)
{
	int c;

	buf_clear(line);
	*too_long = false;
	while ((c = getc_unlocked(stdin)) != EOF && c != '\n') {
		char byte = (char)c;

		*too_long = *too_long || buf_append(line, &byte, 1) != GW_OK;
	}
	return c != EOF || line->size > 0;
}

static void
note(struct script *script, int status)
{
	if (status != EXIT_DONE) {
		script->status = status;
		script->done = !script->session->keep_going;
	}
}

static void
refuse(struct script *script, const char *text)
{
	struct failure failure = {.line = script->line};

	(void)failure_set(&failure, EXIT_USAGE, "usage", "%s", text);
	note(script, failure_print(&failure, script->session->json));
}

/* Words of the prompt that mean something here, too. */
static bool
take_own_word(struct script *script, const struct words *words)
{
	const struct shell_word *word = shell_find(words->list[0]);

	if (!word) {
		return false;
	}
	switch (word->id) {
	case SHELL_QUIT:
	case SHELL_EXIT:
		script->done = true;
		return true;
	case SHELL_WHAT:
		run_help(options_colours(script->session));
		return true;
	case SHELL_HISTORY:
	case SHELL_CLEAR:
		refuse(script, "history and clear are words of the prompt");
		return true;
	case SHELL_HELP:
	case SHELL_WATCH:
	case SHELL_NONE:
		break;
	}
	return false;
}

static void
run_words(struct script *script, struct words *words)
{
	struct options base = *script->session;
	struct failure failure = {.line = script->line};
	struct options options;

	base.line = script->line;
	if (take_own_word(script, words)) {
		return;
	}
	if (!shell_parse(words, &base, &options, &failure)) {
		note(script, failure_print(&failure, options.json));
	} else if (options.version) {
		(void)printf("gwctl %s\n", GWBOT_VERSION);
	} else {
		note(script, run_command(&options, options_colours(&options)));
	}
}

static void
run_line(struct script *script, struct slice line)
{
	struct words words;

	words_init(&words);
	do {
		enum gw_err err = words_take(&words, &line);
		const char *problem = words_problem(&words, err);

		if (problem) {
			refuse(script, problem);
			break;
		}
		if (words.count > 0) {
			run_words(script, &words);
		}
	} while (line.size > 0 && !script->done);
	words_fini(&words);
}

int
script_run_lines(const struct options *session)
{
	struct options bare = *session; /* a line has no lines of its own */
	struct script script = {.session = &bare};

	bare.line_count = 0;
	for (size_t i = 0; i < session->line_count && !script.done; i++) {
		script.line++;
		run_line(&script, slice_of(session->lines[i]));
	}
	return script.status;
}

int
script_run(const struct options *session)
{
	struct script script = {.session = session};
	struct buf line;
	bool too_long;

	buf_init(&line, WORDS_LINE_MAX_BYTES);
	while (!script.done && read_line(&line, &too_long)) {
		script.line++;
		if (too_long) {
			refuse(&script, words_problem(NULL, GW_ERR_TOO_LARGE));
		} else {
			run_line(&script, buf_slice(&line));
		}
	}
	buf_fini(&line);
	return script.status;
}
