/* TAB and "?": readline's hooks around complete.h, and what only the daemon knows. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <readline/readline.h>

#include "repl_private.h"

#define ASK_TIME        CLOCK_MS(200) /* for all that a TAB asks the daemon */
#define HELP_COLUMN_MIN 28
#define HELP_COLUMN_MAX 36
#define ROWS_MIN        20 /* shown in any case; a tall terminal has more */

/* ---- live values ---- */

/* A request that may fail without a word: somebody is typing. */
static struct json *
ask(const struct repl *repl, const char *method, const char *argument)
{
	struct failure failure = {.exit = EXIT_DONE};
	struct json *params = json_new_array();
	struct json *result = NULL;
	struct rpc_answer answer;
	struct client client;

	if (argument) {
		json_append(params, json_new_text(argument));
	}
	client_init(&client, repl->session.socket);
	if (!client_connect(&client, ASK_TIME, &failure) ||
	    !client_hello(&client, &failure)) {
		json_free(params);
	} else if (client_request(&client, method, params, &answer, &failure)) {
		result = json_copy(answer.result);
		rpc_answer_fini(&answer);
	}
	json_free(failure.details);
	client_fini(&client);
	return result;
}

static void
add_shards(const struct repl *repl, const char *command, struct complete_list *list)
{
	struct json *result = ask(repl, "shards", NULL);
	char number[24];
	int64_t shard;

	for (const struct json *row = json_first(json_get(result, "shards")); row;
	     row = json_next(row)) {
		const char *state = json_text(json_get(row, "state_text"));

		if (json_int(json_get(row, "shard"), &shard)) {
			(void)snprintf(number, sizeof number, "%lld", (long long)shard);
			complete_add(list, number, state ? state : "");
		}
	}
	if (strcmp(command, "shards") == 0) {
		complete_add(list, "down", "those that are not ready");
	}
	json_free(result);
}

/* The built-in gateway tells its faults itself. */
static void
add_faults(const struct repl *repl, struct complete_list *list)
{
	struct json *where = ask(repl, "sim", "help");
	const char *path = json_text(json_get(where, "socket"));
	struct failure failure = {.exit = EXIT_DONE};
	struct json *answer = NULL;
	struct client sim;
	struct slice line;

	client_init(&sim, path);
	if (path && client_connect(&sim, ASK_TIME, &failure) &&
	    client_exchange(&sim, slice_of("help"), &line, &failure)) {
		(void)json_parse(line, RPC_ANSWER_MAX_BYTES, &answer);
	}
	for (const struct json *row = json_first(json_get(answer, "commands")); row;
	     row = json_next(row)) {
		const char *name = json_text(json_get(row, "name"));
		const char *help = json_text(json_get(row, "help"));

		if (name) {
			complete_add(list, name, help ? help : "");
		}
	}
	json_free(answer);
	client_fini(&sim);
	json_free(where);
}

/* A list of objects under a name, each with a name of its own. */
static void
add_named(const struct repl *repl, const char *method, const char *member,
    struct complete_list *list)
{
	struct json *result = ask(repl, method, NULL);

	for (const struct json *row = json_first(json_get(result, member)); row;
	     row = json_next(row)) {
		const char *name = json_text(json_get(row, "name"));
		const char *help = json_text(json_get(row, "state"));

		if (name) {
			complete_add(list, name, help ? help : "");
		}
	}
	json_free(result);
}

static void
add_live(void *context, const char *command, const char *value,
    struct complete_list *list)
{
	const struct repl *repl = context;

	if (!repl->link.known) {
		return; /* nobody to ask: not even 200 ms of waiting */
	}
	if (strcmp(value, "SHARD") == 0) {
		add_shards(repl, command, list);
	} else if (strcmp(value, "FAULT") == 0) {
		add_faults(repl, list);
	} else if (strcmp(value, "NAME") == 0 && strncmp(command, "job", 3) == 0) {
		add_named(repl, "jobs", "jobs", list);
	} else if (strcmp(value, "NAME") == 0 && strncmp(command, "probe", 5) == 0) {
		add_named(repl, "probes", "probes", list);
	}
}

/* ---- what can follow at end ---- */

/* Candidates for the line up to the byte at end, in repl->shown. */
static void
gather(struct repl *repl, size_t end)
{
	struct slice line = {rl_line_buffer, end};
	enum gw_err err;

	complete_fini(&repl->shown);
	do {
		err = words_take(&repl->words, &line);
	} while (err == GW_OK && line.size > 0);
	/* Behind a ";" a new command begins. */
	if (err == GW_OK && end > 0 && rl_line_buffer[end - 1] == ';' &&
	    !repl->words.open_word && !repl->words.open_comment) {
		struct slice nothing = slice_of("");

		err = words_take(&repl->words, &nothing);
	}
	if (err == GW_OK) {
		complete_words(&repl->words, add_live, repl, &repl->shown);
	}
}

/* ---- rows on the screen ---- */

static size_t
rows_allowed(void)
{
	int rows = 0;
	int columns = 0;

	rl_get_screen_size(&rows, &columns);
	return rows > ROWS_MIN + 3 ? (size_t)rows - 3 : ROWS_MIN;
}

/* Behind the longest name, where that is not too long. */
static size_t
help_column(const struct complete_list *list)
{
	size_t column = HELP_COLUMN_MIN;

	for (size_t i = 0; i < list->count; i++) {
		size_t width = writer_width(list->entries[i].text) + 4;

		if (width > column && width <= HELP_COLUMN_MAX) {
			column = width;
		}
	}
	return column;
}

static void
put_row(struct writer *writer, const struct complete_entry *entry, size_t column)
{
	writer_put(writer, STYLE_PLAIN, "  ");
	writer_put(writer, entry->typed ? STYLE_BOLD : STYLE_DIM, entry->text);
	if (entry->help[0]) {
		writer_put(writer, STYLE_PLAIN, "  ");
		writer_tab(writer, column);
		writer_text(writer, STYLE_PLAIN, entry->help);
	}
	writer_newline(writer);
}

static void
show_rows(struct repl *repl)
{
	const struct complete_list *list = &repl->shown;
	size_t allowed = rows_allowed();
	size_t count = list->count > allowed ? allowed : list->count;
	size_t column = help_column(list);
	struct writer writer;

	repl_print_begin(repl, &writer);
	for (size_t i = 0; i < count; i++) {
		put_row(&writer, &list->entries[i], column);
	}
	if (list->count > count) {
		writer_printf(&writer, STYLE_DIM, "  and %zu more",
		    list->count - count);
		writer_newline(&writer);
	}
	if (list->count == 0) {
		writer_put(&writer, STYLE_DIM, "  nothing can follow here");
		writer_newline(&writer);
	}
	repl_print_end(repl, &writer);
}

/* ---- readline's hooks ---- */

/* The second TAB: rows with help in place of readline's columns. */
static void
display_matches(char **matches, int count, int longest)
{
	(void)matches;
	(void)count;
	(void)longest;
	show_rows(repl_current());
}

/* As rl_completion_matches() makes it: what all have in common, each, NULL. */
static char **
make_matches(const struct complete_list *list)
{
	char common[COMPLETE_TEXT_BYTES];
	size_t count = complete_common(list, common, sizeof common);
	char **matches;
	size_t used = 0;

	if (count == 0) {
		return NULL;
	}
	/* readline frees them. */
	matches = calloc(count + 2, sizeof *matches);
	if (!matches) {
		return NULL;
	}
	matches[used++] = strdup(common);
	for (size_t i = 0; i < list->count && count > 1; i++) {
		if (complete_offers(list, &list->entries[i])) {
			matches[used++] = strdup(list->entries[i].text);
		}
	}
	return matches;
}

static char **
complete(const char *text, int start, int end)
{
	struct repl *repl = repl_current();

	(void)start;
	rl_attempted_completion_over = 1; /* never file names */
	gather(repl, (size_t)end);
	/* A word with quotes or backslashes inside is left as it is. */
	if (strcmp(repl->shown.prefix, text) != 0) {
		return NULL;
	}
	char **matches = make_matches(&repl->shown);
	size_t size = matches ? strlen(matches[0]) : 0;

	/* "state=" goes on. */
	rl_completion_append_character =
	    size > 0 && matches[0][size - 1] == '=' ? '\0' : ' ';
	return matches;
}

/* "?" shows what can follow; inside quotes and comments it is itself. */
static int
show_following(int count, int key)
{
	struct repl *repl = repl_current();

	gather(repl, (size_t)rl_point);
	if (repl->words.open_quote || repl->words.open_comment) {
		return rl_insert(count, key);
	}
	show_rows(repl);
	return 0;
}

void
repl_complete_install(void)
{
	rl_attempted_completion_function = complete;
	rl_completion_display_matches_hook = display_matches;
	rl_completer_word_break_characters = " \t\n;";
	rl_completer_quote_characters = "'\"";
	(void)rl_bind_key_in_map('?', show_following, emacs_standard_keymap);
	(void)rl_bind_key_in_map('?', show_following, vi_insertion_keymap);
}
