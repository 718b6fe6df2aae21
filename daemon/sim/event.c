#include "event.h"

#include <stdlib.h>
#include <string.h>

/* The key order of Discord's own frames: t, s, op, d. */
#define HEAD        "{\"t\":\""
#define SEQ         "\",\"s\":"
#define BODY        ",\"op\":0,\"d\":"
#define TAIL        "}"

#define FIXED_BYTES (sizeof HEAD + sizeof SEQ + sizeof BODY + sizeof TAIL - 4)

static char *
put(char *out, const char *data, size_t size)
{
	memcpy(out, data, size);
	return out + size;
}

struct event *
event_new(const char *name, struct slice d, size_t id_at)
{
	size_t name_size = strlen(name);
	struct event *event = malloc(sizeof *event + name_size + d.size);

	if (!event) {
		return NULL;
	}
	*event = (struct event){.refs = 1,
	    .name_size = name_size,
	    .id_at = id_at,
	    .size = d.size};
	(void)put(put(event->bytes, name, name_size), d.data, d.size);
	return event;
}

struct event *
event_take(const char *name, struct jsonw *spent, size_t id_at)
{
	struct event *event = NULL;

	if (spent->err == GW_OK && spent->buf.size > 0) {
		event = event_new(name, buf_slice(&spent->buf), id_at);
	}
	jsonw_fini(spent);
	return event;
}

struct event *
event_ref(struct event *event)
{
	event->refs++;
	return event;
}

void
event_unref(struct event *event)
{
	if (event && --event->refs == 0) {
		free(event);
	}
}

static size_t
digits_of(uint64_t number)
{
	size_t count = 1;

	while (number >= 10) {
		number /= 10;
		count++;
	}
	return count;
}

static void
write_digits(char *out, size_t count, uint64_t number)
{
	while (count > 0) {
		out[--count] = (char)('0' + number % 10);
		number /= 10;
	}
}

size_t
event_wire_size(const struct event *event, uint64_t seq)
{
	return FIXED_BYTES + event->name_size + digits_of(seq) + event->size;
}

void
event_write(const struct event *event, uint64_t seq, uint64_t id, char *out)
{
	size_t digits = digits_of(seq);

	out = put(out, HEAD, sizeof HEAD - 1);
	out = put(out, event->bytes, event->name_size);
	out = put(out, SEQ, sizeof SEQ - 1);
	write_digits(out, digits, seq);
	out = put(out + digits, BODY, sizeof BODY - 1);
	char *d = out;

	out = put(out, event->bytes + event->name_size, event->size);
	if (id != 0 && event->id_at != 0) {
		write_digits(d + event->id_at, EVENT_ID_DIGITS, id);
	}
	(void)put(out, TAIL, sizeof TAIL - 1);
}
