#include "commands.h"

#include <ctype.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "synopsis.h"

#define NAME_MAX_BYTES 24 /* longer ones are nobody's typing error */

static const struct command rows[] = {
#define COMMAND(id, name, synopsis, access, help) \
	{COMMAND_##id, COMMAND_##access, name, synopsis, help},
#include "commands.def"
#undef COMMAND
};

#define ROWS (sizeof rows / sizeof rows[0])

size_t
commands_count(void)
{
	return ROWS;
}

const struct command *
commands_at(size_t index)
{
	return &rows[index];
}

const struct command *
commands_find(const char *name)
{
	for (size_t i = 0; i < ROWS; i++) {
		if (strcmp(rows[i].name, name) == 0) {
			return &rows[i];
		}
	}
	return NULL;
}

/* A test says that every row keeps the grammar. */
void
commands_forms(const struct command *command, struct synopsis *out)
{
	if (!synopsis_parse(command->synopsis, out)) {
		*out = (struct synopsis){.count = 1};
	}
}

bool
commands_changes(const struct command *command, size_t arg_count)
{
	return command->access == COMMAND_WRITE ||
	    (command->access == COMMAND_EITHER && arg_count > 0);
}

const char *
commands_access_word(enum command_access access)
{
	switch (access) {
	case COMMAND_READ:
		return "read";
	case COMMAND_WRITE:
		return "write";
	case COMMAND_EITHER:
		return "either";
	case COMMAND_CLIENT:
		return "client";
	}
	return "";
}

/* Arguments of one form. */
static void
form_arity(const struct synopsis_form *form, size_t *min, size_t *max)
{
	*min = 0;
	*max = 0;
	for (size_t i = 0; i < form->count; i++) {
		const struct synopsis_item *item = &form->items[i];

		if (item->kind == SYNOPSIS_FLAG) {
			continue;
		}
		*min += item->optional ? 0 : 1;
		if (item->many) {
			*max = COMMAND_ARGS_ANY;
			return;
		}
		*max += 1;
	}
}

void
commands_arity(const struct command *command, size_t *min, size_t *max)
{
	struct synopsis synopsis;

	commands_forms(command, &synopsis);
	form_arity(&synopsis.forms[0], min, max);
	for (size_t i = 1; i < synopsis.count; i++) {
		size_t form_min;
		size_t form_max;

		form_arity(&synopsis.forms[i], &form_min, &form_max);
		*min = form_min < *min ? form_min : *min;
		*max = form_max > *max ? form_max : *max;
	}
}

void
commands_item_name(const struct synopsis_item *item, char *out, size_t room)
{
	size_t used = 0;

	for (size_t i = 0; i < item->name.size && used + 1 < room; i++) {
		if (isalpha((unsigned char)item->name.data[i])) {
			out[used++] = (char)tolower((unsigned char)item->name.data[i]);
		}
	}
	out[used] = '\0';
}

/* True where an earlier item of the synopsis has the name of this one. */
static bool
stands_before(const struct synopsis *synopsis, size_t form, size_t index)
{
	struct slice name = synopsis->forms[form].items[index].name;

	for (size_t i = 0; i <= form; i++) {
		size_t end = i < form ? synopsis->forms[i].count : index;

		for (size_t j = 0; j < end; j++) {
			if (slice_equal(synopsis->forms[i].items[j].name, name)) {
				return true;
			}
		}
	}
	return false;
}

bool
commands_arg_name(const struct command *command, size_t index, char *out, size_t room)
{
	struct synopsis synopsis;

	commands_forms(command, &synopsis);
	for (size_t i = 0; i < synopsis.count; i++) {
		for (size_t j = 0; j < synopsis.forms[i].count; j++) {
			if (!stands_before(&synopsis, i, j) && index-- == 0) {
				commands_item_name(&synopsis.forms[i].items[j], out,
				    room);
				return true;
			}
		}
	}
	return false;
}

const struct synopsis_item *
commands_find_flag(const struct synopsis *forms, struct slice name)
{
	for (size_t i = 0; i < forms->count; i++) {
		for (size_t j = 0; j < forms->forms[i].count; j++) {
			const struct synopsis_item *item = &forms->forms[i].items[j];

			if (item->kind == SYNOPSIS_FLAG &&
			    slice_equal(item->name, name)) {
				return item;
			}
		}
	}
	return NULL;
}

bool
commands_has_flag(const struct command *command, const char *text)
{
	struct synopsis synopsis;

	commands_forms(command, &synopsis);
	return commands_find_flag(&synopsis, slice_of(text)) != NULL;
}

bool
commands_fit(const struct command *command, const struct slice *words,
    size_t word_count, const struct slice *flags, size_t flag_count)
{
	struct synopsis synopsis;

	commands_forms(command, &synopsis);
	for (size_t i = 0; i < synopsis.count; i++) {
		if (synopsis_fits(&synopsis.forms[i], words, word_count, flags,
			flag_count)) {
			return true;
		}
	}
	return false;
}

static size_t
min3(size_t a, size_t b, size_t c)
{
	size_t least = a < b ? a : b;

	return least < c ? least : c;
}

/* Letters to insert, drop, change or swap with their neighbour to get from a to b. */
static size_t
distance(const char *a, size_t a_size, const char *b, size_t b_size)
{
	size_t table[NAME_MAX_BYTES + 1][NAME_MAX_BYTES + 1];

	for (size_t i = 0; i <= a_size; i++) {
		table[i][0] = i;
	}
	for (size_t j = 0; j <= b_size; j++) {
		table[0][j] = j;
	}
	for (size_t i = 1; i <= a_size; i++) {
		for (size_t j = 1; j <= b_size; j++) {
			size_t changed = a[i - 1] == b[j - 1] ? 0 : 1;
			size_t least = min3(table[i - 1][j] + 1, table[i][j - 1] + 1,
			    table[i - 1][j - 1] + changed);

			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] &&
			    a[i - 2] == b[j - 1] && table[i - 2][j - 2] + 1 < least) {
				least = table[i - 2][j - 2] + 1;
			}
			table[i][j] = least;
		}
	}
	return table[a_size][b_size];
}

/* How far a row is from what was typed; SIZE_MAX where it is not meant. */
static size_t
row_distance(const char *typed, size_t size, const struct command *row)
{
	size_t row_size = strlen(row->name);

	if (size >= 2 && size < row_size && memcmp(typed, row->name, size) == 0) {
		return 1; /* a beginning */
	}
	size_t steps = distance(typed, size, row->name, row_size);
	size_t longer = size > row_size ? size : row_size;

	return steps * 3 <= longer + 1 ? steps : SIZE_MAX;
}

size_t
commands_nearest(const char *name, const char **out, size_t room)
{
	size_t size = strnlen(name, NAME_MAX_BYTES + 1);
	size_t count = 0;

	if (size > NAME_MAX_BYTES) {
		return 0;
	}
	for (size_t steps = 0; steps <= NAME_MAX_BYTES; steps++) {
		for (size_t i = 0; i < ROWS && count < room; i++) {
			if (row_distance(name, size, &rows[i]) == steps) {
				out[count++] = rows[i].name;
			}
		}
	}
	return count;
}

void
commands_explain_unknown(const char *name, char *out, size_t room)
{
	const char *near[3] = {"", "", ""};
	size_t count = commands_nearest(name, near, 3);

	(void)snprintf(out, room, "no command \"%.64s\"%s%s%s%s%s%s", name,
	    count > 0 ? "; nearest: " : "", near[0], count > 1 ? ", " : "", near[1],
	    count > 2 ? ", " : "", near[2]);
}
