/* Lists of groups: the keys of each, for gwbot.conf(5) and the example file. */
#include <stdio.h>
#include <string.h>

#include "gen.h"
#include "template.h"

/* " (kind tcp or http)", or nothing. */
static void
put_when(const struct config_rows *rows, const struct config_item *item,
    const char *before, const char *after)
{
	const char *words = item->when;

	if (words[0] == '\0') {
		return;
	}
	(void)printf("%s%s ", before, rows->items[1].option.path);
	for (; *words != '\0'; words += *words == '|' ? 1 : 0) {
		size_t size = strcspn(words, "|");

		(void)printf("%s%.*s", words > item->when ? " or " : "", (int)size,
		    words);
		words += size;
	}
	(void)printf("%s", after);
}

static void
put_item(const struct config_rows *rows, const struct config_item *item)
{
	const struct config_option *option = &item->option;
	char allowed[ALLOWED_TEXT_BYTES];

	(void)printf(".It Ic %s Pq %s", option->path, config_type_word(option->type));
	put_when(rows, item, " , ", "");
	(void)putchar('\n');
	put_sentence("", option->help);
	put_sentence("Allowed: ", allowed_text(option, allowed));
	if (item->needed) {
		put_text("It must be given.");
	} else {
		put_sentence("Default: ", option->def[0] ? option->def : "nothing");
	}
}

/* " (only of greetings)", or nothing. */
static const char *
place_words(const char *where)
{
	static const char *const rows[][2] = {
	    {"cj", "; not in posts of jobs"},
	    {"c", "; in answers to commands only"},
	};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		if (strcmp(rows[i][0], where) == 0) {
			return rows[i][1];
		}
	}
	return "";
}

static void
put_placeholders(void)
{
	(void)printf(".Ss Placeholders\n");
	put_text(
	    "Texts that gwbotd writes may hold these; {{ and }} are single braces.");
	put_text("What people wrote is put in so that it neither notifies anybody nor "
		 "formats anything.");
	(void)printf(".Bl -tag -width Ds\n");
	for (int i = 0; i < TEMPLATE_COUNT; i++) {
		enum template_id id = (enum template_id)i;

		(void)printf(".It Ic {%s}\n", template_name(id));
		put_sentence(template_help(id), place_words(template_where(id)));
	}
	(void)printf(".El\n");
}

void
put_lists(void)
{
	for (size_t i = 0; i < config_option_count(); i++) {
		const struct config_option *option = config_option(i);
		const struct config_rows *rows = config_rows(option);

		if (option->type != CONFIG_GROUPS) {
			continue;
		}
		(void)printf(".Ss Keys of a %s\n.Bl -tag -width Ds\n", rows->noun);
		for (size_t j = 0; j < rows->count; j++) {
			put_item(rows, &rows->items[j]);
		}
		(void)printf(".El\n");
	}
	put_placeholders();
}

/* ---- the example file ---- */

/* What stands here is read by people only: the list itself is empty by default. */
static void
put_example_item(const struct config_rows *rows, const struct config_item *item)
{
	const struct config_option *option = &item->option;
	char allowed[ALLOWED_TEXT_BYTES];

	(void)printf("# - %s: %s", option->path, option->help);
	put_when(rows, item, " (", ")");
	(void)printf("\n#     Allowed: %s\n", allowed_text(option, allowed));
	if (item->needed) {
		(void)printf("#     It must be given.\n");
	} else if (option->def[0] != '\0') {
		(void)printf("#     Default: %s\n", option->def);
	}
}

void
put_example_list(const struct config_option *option)
{
	const struct config_rows *rows = config_rows(option);
	char allowed[ALLOWED_TEXT_BYTES];

	(void)printf("# %s\n# Allowed: %s\n", option->help,
	    allowed_text(option, allowed));
	(void)printf("#%s = ();\n#\n# The keys of a %s:\n", option->path, rows->noun);
	for (size_t i = 0; i < rows->count; i++) {
		put_example_item(rows, &rows->items[i]);
	}
}
