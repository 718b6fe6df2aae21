#include "synopsis.h"

#include <ctype.h>
#include <string.h>

#define DEPTH_MAX 4 /* of brackets in brackets */

/* ---- words of the text ---- */

static struct slice
skip_blanks(struct slice text)
{
	while (text.size > 0 && text.data[0] == ' ') {
		text = (struct slice){text.data + 1, text.size - 1};
	}
	return text;
}

/* Bytes up to the next blank, or up to the bracket that closes the one in front. */
static size_t
element_size(struct slice text)
{
	size_t depth = 0;

	for (size_t i = 0; i < text.size; i++) {
		if (text.data[i] == '[') {
			depth++;
		} else if (text.data[i] == ']') {
			if (depth == 0) {
				return 0;
			}
			depth--;
		} else if (text.data[i] == ' ' && depth == 0) {
			return i;
		}
	}
	return depth == 0 ? text.size : 0;
}

/* Takes the next element off the front; false at a bracket without its other one. */
static bool
take_element(struct slice *text, struct slice *element)
{
	size_t size;

	*text = skip_blanks(*text);
	size = element_size(*text);
	*element = (struct slice){text->data, size};
	if (size == 0) {
		return text->size == 0;
	}
	*text = (struct slice){text->data + size, text->size - size};
	return true;
}

static bool
is_bar(struct slice element)
{
	return element.size == 1 && element.data[0] == '|';
}

static bool
is_value_name(struct slice name)
{
	for (size_t i = 0; i < name.size; i++) {
		unsigned char byte = (unsigned char)name.data[i];

		if (!isupper(byte) && !isdigit(byte) && !strchr("_|", byte)) {
			return false;
		}
	}
	return name.size > 0 && isupper((unsigned char)name.data[0]);
}

/* ---- forms ---- */

static bool
add_form(struct synopsis *set, const struct synopsis_form *form)
{
	if (set->count == SYNOPSIS_FORMS_MAX) {
		return false;
	}
	set->forms[set->count++] = *form;
	return true;
}

static bool
add_item(struct synopsis *set, const struct synopsis_item *item)
{
	for (size_t i = 0; i < set->count; i++) {
		struct synopsis_form *form = &set->forms[i];

		if (form->count == SYNOPSIS_ITEMS_MAX) {
			return false;
		}
		form->items[form->count++] = *item;
	}
	return true;
}

/* Every form of set followed by every form of tails. */
static bool
cross(struct synopsis *set, const struct synopsis *tails)
{
	struct synopsis out = {.count = 0};

	for (size_t i = 0; i < set->count; i++) {
		for (size_t j = 0; j < tails->count; j++) {
			struct synopsis_form form = set->forms[i];
			const struct synopsis_form *tail = &tails->forms[j];

			if (form.count + tail->count > SYNOPSIS_ITEMS_MAX) {
				return false;
			}
			memcpy(form.items + form.count, tail->items,
			    tail->count * sizeof tail->items[0]);
			form.count += tail->count;
			if (!add_form(&out, &form)) {
				return false;
			}
		}
	}
	*set = out;
	return true;
}

/* ---- elements ---- */

/* "--for", "--for=D", "--watch=[S]" */
static bool
parse_flag(struct slice element, struct synopsis_item *item)
{
	const char *equals = memchr(element.data, '=', element.size);
	size_t size = equals ? (size_t)(equals - element.data) : element.size;

	item->kind = SYNOPSIS_FLAG;
	item->name = (struct slice){element.data, size};
	if (!equals) {
		return size > 1;
	}
	item->value = (struct slice){equals + 1, element.size - size - 1};
	if (item->value.size > 2 && item->value.data[0] == '[') {
		item->attached = true;
		item->value.data++;
		item->value.size -= 2;
	}
	return size > 1 && is_value_name(item->value);
}

/* What is no bracket; the value behind a flag is taken off rest. */
static bool
parse_word(struct slice element, struct slice *rest, struct synopsis_item *item)
{
	*item = (struct synopsis_item){.kind = SYNOPSIS_WORD, .name = element};
	if (element.data[0] == '-') {
		struct slice behind = *rest;
		struct slice value;

		if (!parse_flag(element, item)) {
			return false;
		}
		if (item->value.size == 0 && take_element(&behind, &value) &&
		    is_value_name(value)) {
			item->value = value;
			*rest = behind;
		}
		return true;
	}
	if (element.size > 3 &&
	    memcmp(element.data + element.size - 3, "...", 3) == 0) {
		item->many = true;
		item->name.size -= 3;
	}
	if (is_value_name(item->name)) {
		item->kind = SYNOPSIS_VALUE;
	}
	return !memchr(item->name.data, '.', item->name.size);
}

static bool parse_set(struct slice text, size_t depth, struct synopsis *out);

/* "[X]" is an item that may be left out; "[X Y]" and "[X | Y]" are forms of their own
 * beside the empty one. */
static bool
parse_bracket(struct slice element, size_t depth, struct synopsis *set)
{
	static const struct synopsis_form empty;
	struct slice inner = {element.data + 1, element.size - 2};
	struct synopsis forms = {.count = 0};
	struct synopsis tails = {.count = 0};

	if (depth == DEPTH_MAX || element.data[element.size - 1] != ']' ||
	    !parse_set(inner, depth + 1, &forms) || forms.forms[0].count == 0) {
		return false;
	}
	if (forms.count == 1 && forms.forms[0].count == 1) {
		forms.forms[0].items[0].optional = true;
		return cross(set, &forms);
	}
	(void)add_form(&tails, &empty);
	for (size_t i = 0; i < forms.count; i++) {
		if (!add_form(&tails, &forms.forms[i])) {
			return false;
		}
	}
	return cross(set, &tails);
}

/* The elements of text up to a bar, one behind the other. */
static bool
parse_row(struct slice *text, size_t depth, struct synopsis *out)
{
	static const struct synopsis_form empty;
	struct slice element;

	*out = (struct synopsis){.count = 0};
	(void)add_form(out, &empty);
	while (take_element(text, &element)) {
		struct synopsis_item item;

		if (element.size == 0 || is_bar(element)) {
			return true;
		}
		if (element.data[0] == '[') {
			if (!parse_bracket(element, depth, out)) {
				return false;
			}
		} else if (!parse_word(element, text, &item) || !add_item(out, &item)) {
			return false;
		}
	}
	return false;
}

static bool
parse_set(struct slice text, size_t depth, struct synopsis *out)
{
	out->count = 0;
	do {
		struct synopsis row;

		if (!parse_row(&text, depth, &row)) {
			return false;
		}
		for (size_t i = 0; i < row.count; i++) {
			if (!add_form(out, &row.forms[i])) {
				return false;
			}
		}
		text = skip_blanks(text);
	} while (text.size > 0);
	return true;
}

bool
synopsis_parse(const char *text, struct synopsis *out)
{
	return parse_set(slice_of(text), 0, out);
}

bool
synopsis_choice(struct slice words, size_t index, struct slice *out)
{
	for (;;) {
		const char *bar =
		    words.size > 0 ? memchr(words.data, '|', words.size) : NULL;
		size_t size = bar ? (size_t)(bar - words.data) : words.size;

		*out = (struct slice){words.data, size};
		if (index-- == 0) {
			return size > 0;
		}
		if (!bar) {
			return false;
		}
		words = (struct slice){bar + 1, words.size - size - 1};
	}
}

bool
synopsis_is_word(const struct synopsis_item *item, struct slice text)
{
	struct slice word;

	for (size_t i = 0; synopsis_choice(item->name, i, &word); i++) {
		if (slice_equal(word, text)) {
			return item->kind == SYNOPSIS_WORD;
		}
	}
	return false;
}

/* Items that may be left out take what fits them; words tell forms apart, so that the
 * first way to read a line is the only one. */
static bool
words_fit(const struct synopsis_form *form, const struct slice *words, size_t count)
{
	size_t taken = 0;

	for (size_t i = 0; i < form->count; i++) {
		const struct synopsis_item *item = &form->items[i];

		if (item->kind == SYNOPSIS_FLAG) {
			continue;
		}
		bool fits = taken < count &&
		    (item->kind == SYNOPSIS_VALUE ||
			synopsis_is_word(item, words[taken]));

		if (!fits && !item->optional) {
			return false;
		}
		taken = fits && item->many ? count : taken + (fits ? 1 : 0);
	}
	return taken == count;
}

static bool
form_has_flag(const struct synopsis_form *form, struct slice name)
{
	for (size_t i = 0; i < form->count; i++) {
		if (form->items[i].kind == SYNOPSIS_FLAG &&
		    slice_equal(form->items[i].name, name)) {
			return true;
		}
	}
	return false;
}

bool
synopsis_fits(const struct synopsis_form *form, const struct slice *words,
    size_t word_count, const struct slice *flags, size_t flag_count)
{
	for (size_t i = 0; i < flag_count; i++) {
		if (!form_has_flag(form, flags[i])) {
			return false;
		}
	}
	return words_fit(form, words, word_count);
}
