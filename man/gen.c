/*
 * man_gen: what the manual and the example file say about options, commands and exit
 * statuses, out of the tables that the programs are made of.
 *
 *   man_gen page FILE.in    the page, its lines @OPTIONS@, @COMMANDS@, @EXITS@,
 *                           @ERRORS@, @LISTS@, @METHODS@, @OBJECTS@, @METRICS@,
 * @STATES@ and the names of limits replaced man_gen example conf/gwbot.conf.example
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "config.h"
#include "config_private.h"
#include "gen.h"

#if __has_include("failure.h")
#include "failure.h"
#endif

#define TEXT_BYTES  ALLOWED_TEXT_BYTES
#define LINE_ROOM   1024
#define WRAP_COLUMN 78

/* ---- words ---- */

static const char *
reload_text(enum config_reload reload)
{
	switch (reload) {
	case CONFIG_LIVE:
		return "at once";
	case CONFIG_RECONNECT:
		return "with the next connection";
	case CONFIG_IDENTIFY:
		return "with the next session";
	case CONFIG_RESTART:
		return "with the next start";
	}
	return "";
}

/* What is allowed, as a C string; small and ours, so that it always fits. */
const char *
allowed_text(const struct config_option *option, char out[TEXT_BYTES])
{
	struct buf text;

	buf_init(&text, TEXT_BYTES);
	(void)config_allowed(option, &text);
	(void)slice_copy(buf_slice(&text), out, TEXT_BYTES);
	buf_fini(&text);
	return out;
}

/* ---- mdoc ---- */

void
put_text(const char *text)
{
	size_t column = 0;

	while (*text != '\0') {
		size_t size = strcspn(text, " ");

		if (column > 0 && column + 1 + size > WRAP_COLUMN) {
			(void)putchar('\n');
			column = 0;
		} else if (column > 0) {
			(void)putchar(' ');
			column++;
		}
		if (column == 0 && (*text == '.' || *text == '\'')) {
			(void)printf("\\&");
		}
		for (size_t i = 0; i < size; i++) {
			(void)printf(text[i] == '\\' ? "\\e" : "%c", text[i]);
		}
		column += size;
		text += size + (text[size] == ' ' ? 1 : 0);
	}
	(void)putchar('\n');
}

void
put_sentence(const char *label, const char *text)
{
	char line[LINE_ROOM];

	(void)snprintf(line, sizeof line, "%s%s.", label, text);
	if (line[0] >= 'a' && line[0] <= 'z') {
		line[0] = (char)(line[0] - 'a' + 'A');
	}
	put_text(line);
}

static void
put_default(const struct config_option *option)
{
	char line[TEXT_BYTES];
	const char *other = option->def_other;

	(void)snprintf(line, sizeof line, "%s%s%s%s",
	    option->def[0] ? option->def : "nothing", other ? "; " : "",
	    other ? other : "", other ? " in dev, test, qa and stage" : "");
	put_sentence("Default: ", line);
}

static void
put_variables(const struct config_option *option)
{
	if (!option->env[0]) {
		return;
	}
	(void)printf("Environment:\n.Ev %s%s\n", option->env,
	    option->legacy[0] ? " ," : " .");
	if (option->legacy[0]) {
		(void)printf("deprecated\n.Ev %s .\n", option->legacy);
	}
}

/* What it is still called in files of older versions. */
static void
put_old_names(size_t index)
{
	const char *old = config_option_old_path(index);

	if (old) {
		(void)printf("Deprecated name:\n.Ic %s .\n", old);
	}
}

static void
put_options(void)
{
	char allowed[TEXT_BYTES];

	(void)printf(".Bl -tag -width Ds\n");
	for (size_t i = 0; i < config_option_count(); i++) {
		const struct config_option *option = config_option(i);

		(void)printf(".It Ic %s Pq %s\n", option->path,
		    config_type_word(option->type));
		put_sentence("", option->help);
		put_sentence("Allowed: ", allowed_text(option, allowed));
		put_default(option);
		put_variables(option);
		put_old_names(i);
		put_sentence("A change takes effect ", reload_text(option->reload));
	}
	(void)printf(".El\n");
}

/* "--for", "--watch=[S]", "KEY", "set", "ARG...", "|" */
static void
put_element(const char *text, int size)
{
	int name = (int)strcspn(text, "=.[] ");
	bool attached = text[name] == '=';

	name = name < size ? name : size;
	if (text[0] == '|') {
		(void)printf(" \\*(Ba");
	} else if (text[0] == '-') {
		(void)printf(" Fl %.*s", name - 1, text + 1); /* Fl brings a dash */
	} else if (text[0] >= 'A' && text[0] <= 'Z') {
		(void)printf(" Ar %.*s", name, text);
	} else {
		(void)printf(" Cm %.*s", name, text);
	}
	if (attached) {
		(void)printf(" Ns Oo = Ns Ar %.*s Oc",
		    (int)strcspn(text + name + 2, "]"), text + name + 2);
	} else if (size > name && text[name] == '.') {
		(void)printf(" ...");
	}
}

void
put_synopsis(const char *synopsis)
{
	while (*synopsis != '\0') {
		if (*synopsis == '[') {
			(void)printf(" Oo");
			synopsis++;
		} else if (*synopsis == ']') {
			(void)printf(" Oc");
			synopsis++;
		} else if (*synopsis == ' ') {
			synopsis++;
		} else {
			size_t size = strcspn(synopsis, " ]");

			/* The bracket behind "=" is of the element itself. */
			size += synopsis[size] == ']' && memchr(synopsis, '[', size) ?
			    1 :
			    0;
			put_element(synopsis, (int)size);
			synopsis += size;
		}
	}
}

static const char *
access_text(enum command_access access)
{
	switch (access) {
	case COMMAND_READ:
	case COMMAND_CLIENT:
		return NULL;
	case COMMAND_WRITE:
		return "Needs write permission to the socket, and is logged.";
	case COMMAND_EITHER:
		return "With arguments it needs write permission to the socket, and "
		       "is logged.";
	}
	return NULL;
}

static void
put_commands(void)
{
	(void)printf(".Bl -tag -width Ds\n");
	for (size_t i = 0; i < commands_count(); i++) {
		const struct command *command = commands_at(i);
		const char *access = access_text(command->access);

		(void)printf(".It Ic %s", command->name);
		put_synopsis(command->synopsis);
		(void)putchar('\n');
		put_sentence("", command->help);
		if (access) {
			put_text(access);
		}
	}
	(void)printf(".El\n");
}

/* The truth table of the health paths. */
static void
put_health(void)
{
	(void)printf(
	    ".Bl -column reconnecting livez startupz readyz healthz\n"
	    ".It Em state Ta Em livez Ta Em startupz Ta Em readyz Ta Em healthz\n");
#define STATE(id, word, startupz, readyz, healthz)                                \
	(void)printf(".It %s Ta 200 Ta %d Ta %d Ta %d\n", word, startupz, readyz, \
	    healthz);
#include "states.def"
#undef STATE
	(void)printf(".El\n");
}

static void
put_exit(int status, const char *help)
{
	(void)printf(".It %d\n", status);
	put_sentence("", help);
}

static void
put_exits(bool client)
{
	(void)printf(".Bl -tag -width Ds\n");
	if (client) {
#ifdef FAILURE_EXIT_TABLE
#define FAILURE_EXIT(name, status, help) put_exit(status, help);
		FAILURE_EXIT_TABLE(FAILURE_EXIT)
#undef FAILURE_EXIT
#endif
	} else {
#define EXIT(id, status, help, next) put_exit(status, help);
#include "exits.def"
#undef EXIT
	}
	(void)printf(".El\n");
}

static int
put_page(const char *path)
{
	FILE *page = fopen(path, "re");
	const char *slash = strrchr(path, '/');
	bool client = strncmp(slash ? slash + 1 : path, "gwctl", 5) == 0;
	char line[LINE_ROOM];

	if (!page) {
		(void)fprintf(stderr, "man_gen: cannot read %s\n", path);
		return 1;
	}
	while (fgets(line, sizeof line, page)) {
		if (strcmp(line, "@OPTIONS@\n") == 0) {
			put_options();
		} else if (strcmp(line, "@LISTS@\n") == 0) {
			put_lists();
		} else if (strcmp(line, "@COMMANDS@\n") == 0) {
			put_commands();
		} else if (strcmp(line, "@EXITS@\n") == 0) {
			put_exits(client);
		} else if (strcmp(line, "@ERRORS@\n") == 0) {
			put_errors();
		} else if (strcmp(line, "@METHODS@\n") == 0) {
			put_methods();
		} else if (strcmp(line, "@EVENTS@\n") == 0) {
			put_events();
		} else if (strcmp(line, "@OBJECTS@\n") == 0) {
			put_objects();
		} else if (strcmp(line, "@METRICS@\n") == 0) {
			put_metrics();
		} else if (strcmp(line, "@HEALTH@\n") == 0) {
			put_health();
		} else if (strcmp(line, "@STATES@\n") == 0) {
			put_states();
		} else {
			put_line(line);
		}
	}
	(void)fclose(page);
	return 0;
}

/* ---- the example file ---- */

static const char *
no_environment(void *context, const char *name)
{
	(void)context;
	(void)name;
	return NULL;
}

static void
put_example_option(const struct config *config, enum config_id id, const char *indent)
{
	const struct config_option *option = config_option(id);
	const char *dot = strchr(option->path, '.');
	char allowed[TEXT_BYTES];
	struct buf value;

	if (option->type == CONFIG_GROUPS) {
		put_example_list(option);
		return;
	}
	buf_init(&value, TEXT_BYTES);
	if (option->type == CONFIG_SECRET || id == CONFIG_ID_profile) {
		/* One is never printed, the other decides what is. */
		(void)buf_printf(&value, "\"%s\"", option->def);
	} else {
		(void)config_value_literal(config, id, &value);
	}
	(void)printf("%s# %s\n", indent, option->help);
	(void)printf("%s# Allowed: %s\n", indent, allowed_text(option, allowed));
	if (option->def_other) {
		(void)printf("%s# Default: %s; %s in dev, test, qa and stage\n", indent,
		    option->def, option->def_other);
	}
	if (option->env[0]) {
		(void)printf("%s# Environment: %s\n", indent, option->env);
	}
	(void)printf("%s#%s = %.*s;\n", indent, dot ? dot + 1 : option->path,
	    (int)value.size, value.data);
	buf_fini(&value);
}

static void
put_example_options(const struct config *config)
{
	struct slice group = {"", 0};

	for (size_t i = 0; i < config_option_count(); i++) {
		const char *path = config_option(i)->path;
		size_t size = strcspn(path, ".");
		struct slice next = {path, path[size] == '.' ? size : 0};
		bool same = slice_equal(group, next);

		if (!same) {
			(void)printf("%s\n%.*s%s", group.size ? "};\n" : "",
			    (int)next.size, next.data, next.size ? ": {\n" : "");
			group = next;
		} else if (i > 0) {
			(void)putchar('\n');
		}
		put_example_option(config, (enum config_id)i, next.size ? "\t" : "");
	}
	(void)printf("%s", group.size ? "};\n" : "");
}

static int
put_example(void)
{
	struct config_sources sources = {
	    .file = "",
	    .profile = "prod",
	    .paths = {.get = no_environment, .uid = 0, .run_dir = "/run/gwbot"},
	};
	struct config_report report = {NULL, 0, 0};
	struct config *config = config_load(&sources, &report);

	config_report_free(&report);
	if (!config) {
		return 1;
	}
	(void)printf(
	    "# gwbot.conf: configuration of gwbotd(8), explained in gwbot.conf(5).\n"
	    "#\n"
	    "# Every setting shows its default; take the # away to change one.\n"
	    "# Check the file: gwbotd --check.  See what counts: gwbotd "
	    "--print-config.\n"
	    "\n");
	put_example_options(config);
	(void)printf("\n"
		     "# Settings of one profile go over those above.\n"
		     "profiles: {\n"
		     "\t#test: { log: { level = \"debug\"; }; };\n"
		     "};\n");
	config_free(config);
	return 0;
}

int
main(int argc, char **argv)
{
	if (argc == 3 && strcmp(argv[1], "page") == 0) {
		return put_page(argv[2]);
	}
	if (argc == 2 && strcmp(argv[1], "example") == 0) {
		return put_example();
	}
	(void)fprintf(stderr, "usage: man_gen page FILE.in | man_gen example\n");
	return 64;
}
