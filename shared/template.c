#include "template.h"

#include <stdio.h>
#include <string.h>

/* U+200B, which is not seen. */
#define BREAK "\xe2\x80\x8b"

enum origin { FROM_GWBOT, FROM_PEOPLE };

static const struct {
	const char *name;
	const char *where;
	enum origin from;
	const char *help;
} rows[] = {
#define PLACEHOLDER(id, name, where, from, help) {name, where, FROM_##from, help},
#include "template.def"
#undef PLACEHOLDER
};

const char *
template_name(enum template_id id)
{
	return rows[id].name;
}

const char *
template_where(enum template_id id)
{
	return rows[id].where;
}

const char *
template_help(enum template_id id)
{
	return rows[id].help;
}

/* ---- taking apart ---- */

/* The next piece of a template. */
struct piece {
	struct slice text; /* plain, or the name of a placeholder */
	bool named;
};

static bool
is_pair(struct slice rest, char brace)
{
	return rest.size >= 2 && rest.data[0] == brace && rest.data[1] == brace;
}

/* Takes a piece off the front; false at the end, and with *broken where a brace has no
 * partner. */
static bool
take_piece(struct slice *rest, struct piece *out, bool *broken)
{
	size_t plain = 0;

	*broken = false;
	while (plain < rest->size && rest->data[plain] != '{' &&
	    rest->data[plain] != '}') {
		plain++;
	}
	size_t taken = plain;

	*out = (struct piece){{rest->data, plain}, false};
	if (plain == 0 && rest->size > 0) {
		if (is_pair(*rest, '{') || is_pair(*rest, '}')) {
			out->text.size = 1;
			taken = 2;
		} else {
			const char *end = memchr(rest->data, '}', rest->size);

			*broken = rest->data[0] == '}' || !end;
			taken = *broken ? 0 : (size_t)(end - rest->data) + 1;
			out->text =
			    (struct slice){rest->data + 1, *broken ? 0 : taken - 2};
			out->named = true;
		}
	}
	rest->data += taken;
	rest->size -= taken;
	return taken > 0;
}

static bool
is_known(enum template_id id, char where)
{
	return where == 0 || strchr(rows[id].where, where) != NULL;
}

/* The placeholder of that name; TEMPLATE_COUNT: the place knows none. */
static enum template_id
find(struct slice name, char where)
{
	for (int i = 0; i < TEMPLATE_COUNT; i++) {
		if (is_known((enum template_id)i, where) &&
		    slice_equal(name, slice_of(rows[i].name))) {
			return (enum template_id)i;
		}
	}
	return TEMPLATE_COUNT;
}

static enum gw_err
refuse_name(struct slice name, char where, char *reason, size_t room)
{
	struct buf text;

	buf_init(&text, room);
	(void)buf_printf(&text, "{%.*s} is no placeholder here; those are",
	    (int)(name.size < 40 ? name.size : 40), name.data);
	for (int i = 0; i < TEMPLATE_COUNT; i++) {
		if (is_known((enum template_id)i, where)) {
			(void)buf_printf(&text, " %s", rows[i].name);
		}
	}
	(void)slice_copy(buf_slice(&text), reason, room);
	buf_fini(&text);
	return GW_ERR_UNKNOWN;
}

enum gw_err
template_check(struct slice text, char where, char *reason, size_t room)
{
	struct piece piece;
	bool broken = false;

	while (take_piece(&text, &piece, &broken)) {
		if (piece.named && find(piece.text, where) == TEMPLATE_COUNT) {
			return refuse_name(piece.text, where, reason, room);
		}
	}
	if (broken) {
		(void)snprintf(reason, room,
		    "a brace without its partner; write {{ or }} for a single one");
		return GW_ERR_SYNTAX;
	}
	return GW_OK;
}

/* ---- putting together ---- */

enum gw_err
template_escape(struct slice text, struct buf *out)
{
	enum gw_err err = GW_OK;

	for (size_t i = 0; i < text.size && err == GW_OK; i++) {
		char byte = text.data[i];

		if (byte == '@' || byte == '<') {
			err = buf_printf(out, "%c" BREAK, byte);
		} else if (byte != '\0' && strchr("\\*_~`|>#[]()-:", byte)) {
			err = buf_printf(out, "\\%c", byte);
		} else {
			err = buf_append(out, &byte, 1);
		}
	}
	return err;
}

enum gw_err
template_expand(struct slice text, char where, const struct template_values *values,
    struct buf *out)
{
	struct piece piece;
	bool broken = false;
	enum gw_err err = GW_OK;

	while (err == GW_OK && take_piece(&text, &piece, &broken)) {
		enum template_id id =
		    piece.named ? find(piece.text, where) : TEMPLATE_COUNT;

		if (!piece.named) {
			err = buf_append(out, piece.text.data, piece.text.size);
		} else if (id == TEMPLATE_COUNT) {
			err = GW_ERR_UNKNOWN;
		} else if (rows[id].from == FROM_GWBOT) {
			err = buf_append(out, values->at[id].data, values->at[id].size);
		} else {
			err = template_escape(values->at[id], out);
		}
	}
	return err == GW_OK && broken ? GW_ERR_SYNTAX : err;
}
