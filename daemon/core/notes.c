#include "notes.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "json.h"
#include "text.h"

/* Of one value in the fields. */
#define VALUE_MAX_BYTES 256

/* Room to mask a secret in a value: so much longer than what is shown of it that no
 * part of a secret that is cut at its end can be seen. */
#define SCRATCH_BYTES (FEED_TEXT_MAX_BYTES + 512)

struct row {
	const char *event;
	const char *when;
	const char *type;
	const char *text;
};

static const struct row rows[] = {
#define NOTE(event, when, type, text) {event, when, type, text},
#include "notes.def"
#undef NOTE
};

/* ---- values ---- */

static const struct log_kv *
find_pair(const struct log_event *event, struct slice key)
{
	for (size_t i = 0; i < event->count; i++) {
		if (slice_equal(slice_of(event->pairs[i].key), key)) {
			return &event->pairs[i];
		}
	}
	return NULL;
}

static bool
is_empty(const struct log_kv *pair)
{
	return pair->kind == LOG_KV_TEXT && pair->value.text.size == 0;
}

/* With as many digits as are worth reading. */
static void
put_number(double number, char *room)
{
	if (number < 1) {
		(void)snprintf(room, SCRATCH_BYTES, "%.2f", number);
	} else if (number < 10) {
		(void)snprintf(room, SCRATCH_BYTES, "%.1f", number);
	} else {
		(void)snprintf(room, SCRATCH_BYTES, "%.0f", number);
	}
}

/* The value as people read it, in room (SCRATCH_BYTES). */
static struct slice
value_text(const struct log_kv *pair, const struct secret *secret, char *room)
{
	size_t size = SCRATCH_BYTES;

	switch (pair->kind) {
	case LOG_KV_TEXT:
		(void)slice_copy(pair->value.text, room, size);
		secret_scrub(secret, room, strlen(room));
		break;
	case LOG_KV_BOOL:
		return slice_of(pair->value.boolean ? "yes" : "no");
	case LOG_KV_INT:
		(void)snprintf(room, size, "%" PRId64, pair->value.integer);
		break;
	case LOG_KV_UINT:
		(void)snprintf(room, size, "%" PRIu64, pair->value.natural);
		break;
	case LOG_KV_DOUBLE:
		put_number(pair->value.number, room);
		break;
	}
	return slice_of(room);
}

/* ---- rows ---- */

/* Cuts the part up to a mark off the front of rest. */
static struct slice
cut(struct slice *rest, char mark)
{
	const char *end = rest->size > 0 ? memchr(rest->data, mark, rest->size) : NULL;
	size_t size = end ? (size_t)(end - rest->data) : rest->size;
	struct slice part = {rest->data, size};

	size += end ? 1 : 0;
	rest->data += size;
	rest->size -= size;
	return part;
}

static bool
has_pair(const struct log_event *event, struct slice condition)
{
	char room[SCRATCH_BYTES];
	bool any = !memchr(condition.data, '=', condition.size);
	struct slice key = cut(&condition, '=');
	const struct log_kv *pair = find_pair(event, key);

	return pair && (any || slice_equal(value_text(pair, NULL, room), condition));
}

static bool
fits(const struct row *row, const struct log_event *event)
{
	struct slice rest = slice_of(row->when);

	if (strcmp(row->event, event->name) != 0) {
		return false;
	}
	while (rest.size > 0) {
		if (!has_pair(event, cut(&rest, ';'))) {
			return false;
		}
	}
	return true;
}

/* ---- the text ---- */

/* Appends a template without brackets; false where a key is missing. */
static bool
fill_part(struct slice part, const struct log_event *event, const struct secret *secret,
    struct buf *out)
{
	while (part.size > 0) {
		struct slice words = cut(&part, '{');

		(void)buf_append(out, words.data, words.size);
		if (part.size == 0) {
			break;
		}
		const struct log_kv *pair = find_pair(event, cut(&part, '}'));
		char room[SCRATCH_BYTES];

		if (!pair || is_empty(pair)) {
			return false;
		}
		/* Where it does not fit, the text ends before it. */
		(void)text_clean(value_text(pair, secret, room), true, out);
	}
	return true;
}

static void
fill(const char *template, const struct log_event *event, const struct secret *secret,
    struct buf *out)
{
	struct slice rest = slice_of(template);

	while (rest.size > 0) {
		(void)fill_part(cut(&rest, '['), event, secret, out);
		size_t before = out->size;

		if (rest.size > 0 && !fill_part(cut(&rest, ']'), event, secret, out)) {
			out->size = before;
		}
	}
}

/* ---- the fields ---- */

static void
add_value(struct json *object, const struct log_kv *pair, const struct secret *secret)
{
	char room[SCRATCH_BYTES];

	switch (pair->kind) {
	case LOG_KV_BOOL:
		json_add_bool(object, pair->key, pair->value.boolean);
		return;
	case LOG_KV_INT:
		json_add_int(object, pair->key, pair->value.integer);
		return;
	case LOG_KV_UINT:
		json_add_int(object, pair->key, (int64_t)pair->value.natural);
		return;
	case LOG_KV_DOUBLE:
		json_add_number(object, pair->key, pair->value.number);
		return;
	case LOG_KV_TEXT:
		(void)value_text(pair, secret, room);
		room[VALUE_MAX_BYTES] = '\0';
		json_add_text(object, pair->key, room);
		return;
	}
}

/* The first count pairs as an object, but for the shard; false where it is too long. */
static bool
write_fields(const struct log_event *event, size_t count, const struct secret *secret,
    char *out, size_t room)
{
	struct json *object = json_new_object();
	struct buf text;

	for (size_t i = 0; i < count; i++) {
		if (strcmp(event->pairs[i].key, "shard") != 0) {
			add_value(object, &event->pairs[i], secret);
		}
	}
	buf_init(&text, room - 1);
	bool good = json_print(object, &text) == GW_OK;

	(void)slice_copy(good ? buf_slice(&text) : SLICE_LITERAL("{}"), out, room);
	buf_fini(&text);
	json_free(object);
	return good;
}

/* ---- interface ---- */

static int64_t
shard_of(const struct log_event *event)
{
	const struct log_kv *pair = find_pair(event, SLICE_LITERAL("shard"));

	if (!pair) {
		return -1;
	}
	if (pair->kind == LOG_KV_UINT) {
		return (int64_t)pair->value.natural;
	}
	return pair->kind == LOG_KV_INT ? pair->value.integer : -1;
}

bool
note_make(const struct log_event *event, const struct secret *secret, struct note *out)
{
	const struct row *row = NULL;
	size_t count = event->count;
	struct buf text;

	for (size_t i = 0; !row && i < sizeof rows / sizeof rows[0]; i++) {
		row = fits(&rows[i], event) ? &rows[i] : NULL;
	}
	if (!row) {
		return false;
	}
	out->type = row->type;
	out->level = event->level < LOG_LEVEL_INFO ? event->level : LOG_LEVEL_INFO;
	out->shard = shard_of(event);
	buf_init(&text, FEED_TEXT_MAX_BYTES);
	fill(row->text, event, secret, &text);
	(void)slice_copy(buf_slice(&text), out->text, sizeof out->text);
	buf_fini(&text);
	/* Long texts may take six times their size as JSON: the last ones go first.
	 * Without memory all of them go. */
	while (!write_fields(event, count, secret, out->fields, sizeof out->fields) &&
	    count > 0) {
		count--;
	}
	return true;
}
