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

/* The synopsis, with one empty form where the row breaks the grammar (a test says that
 * none does). */
static void
parse(const struct command *command, struct synopsis *out)
{
	if (!synopsis_parse(command->synopsis, out)) {
		*out = (struct synopsis){.count = 1};
	}
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

	parse(command, &synopsis);
	form_arity(&synopsis.forms[0], min, max);
	for (size_t i = 1; i < synopsis.count; i++) {
		size_t form_min;
		size_t form_max;

		form_arity(&synopsis.forms[i], &form_min, &form_max);
		*min = form_min < *min ? form_min : *min;
		*max = form_max > *max ? form_max : *max;
	}
}

static const struct synopsis_form *
longest_form(const struct synopsis *synopsis)
{
	const struct synopsis_form *form = &synopsis->forms[0];

	for (size_t i = 1; i < synopsis->count; i++) {
		if (synopsis->forms[i].count > form->count) {
			form = &synopsis->forms[i];
		}
	}
	return form;
}

bool
commands_arg_name(const struct command *command, size_t index, char *out, size_t room)
{
	struct synopsis synopsis;
	size_t used = 0;

	parse(command, &synopsis);
	const struct synopsis_form *form = longest_form(&synopsis);
	bool found = index < form->count;
	struct slice name = found ? form->items[index].name : (struct slice){0};

	for (size_t i = 0; i < name.size && used + 1 < room; i++) {
		if (isalpha((unsigned char)name.data[i])) {
			out[used++] = (char)tolower((unsigned char)name.data[i]);
		}
	}
	out[used] = '\0';
	return found;
}

bool
commands_has_flag(const struct command *command, const char *text)
{
	struct synopsis synopsis;
	struct slice wanted = slice_of(text);

	parse(command, &synopsis);
	for (size_t i = 0; i < synopsis.count; i++) {
		const struct synopsis_form *form = &synopsis.forms[i];

		for (size_t j = 0; j < form->count; j++) {
			if (form->items[j].kind == SYNOPSIS_FLAG &&
			    slice_equal(form->items[j].name, wanted)) {
				return true;
			}
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
