#include "vary.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define PEOPLE 20000

struct person {
	uint64_t id;
	uint64_t look;
};

/* What stands behind a key gives way to something of this event's own. */
struct change {
	const char *key;
	bool quoted; /* the old value is a string, else null */
	void (*put)(struct jsonw *out, const struct person *person,
	    struct world_rng *rng);
};

static const char *const syllables[] = {"an", "ber", "cha", "den", "el", "fi", "gra",
    "hor", "in", "jo", "ka", "lie", "mo", "nu", "or", "pla", "qui", "ra", "sten", "ta",
    "und", "ve", "wi", "xa", "yo", "zu", "ér", "ös", "th", "st", "ing", "ly"};

#define SYLLABLES (sizeof syllables / sizeof syllables[0])

static void
put_letters(struct jsonw *out, struct world_rng *rng, size_t count, bool words)
{
	for (size_t i = 0; i < count; i++) {
		jsonw_raw(out, syllables[world_random_below(rng, SYLLABLES)]);
		if (words && world_random_below(rng, 3) == 0) {
			jsonw_raw(out, " ");
		}
	}
}

static void
put_id(struct jsonw *out, const struct person *person, struct world_rng *rng)
{
	(void)rng;
	jsonw_id(out, person->id);
}

static void
put_name(struct jsonw *out, const struct person *person, struct world_rng *rng)
{
	struct world_rng own = {person->look};

	(void)rng;
	jsonw_raw(out, "\"");
	put_letters(out, &own, 3 + person->look % 4, false);
	jsonw_fmt(out, "%u\"", (unsigned)(person->look >> 8 & 0x3FF));
}

static void
put_avatar(struct jsonw *out, const struct person *person, struct world_rng *rng)
{
	struct world_rng own = {person->look};

	(void)rng;
	jsonw_fmt(out, "\"%016" PRIx64 "%016" PRIx64 "\"", world_random(&own),
	    world_random(&own));
}

static void
put_text(struct jsonw *out, const struct person *person, struct world_rng *rng)
{
	(void)person;
	jsonw_raw(out, "\"");
	put_letters(out, rng, 12 + world_random_below(rng, 60), true);
	jsonw_raw(out, "\"");
}

static const struct change changes[] = {
    {"\"id\":", true, put_id},
    {"\"user_id\":", true, put_id},
    {"\"username\":", true, put_name},
    {"\"avatar\":", false, put_avatar},
    {"\"content\":", true, put_text},
    {"\"details\":", true, put_text},
};

/* The bytes of a string with its quotes; 0 where there is none. */
static size_t
string_size(struct slice rest)
{
	size_t at = 1;

	if (rest.size == 0 || rest.data[0] != '"') {
		return 0;
	}
	while (at < rest.size && rest.data[at] != '"') {
		at += rest.data[at] == '\\' ? 2 : 1;
	}
	return at + 1 <= rest.size ? at + 1 : 0;
}

static size_t
old_size(const struct change *change, struct slice rest)
{
	if (change->quoted) {
		return string_size(rest);
	}
	return rest.size >= 4 && memcmp(rest.data, "null", 4) == 0 ? 4 : 0;
}

/* The change that begins here, and the size of the value that it replaces. */
static const struct change *
find_change(struct slice rest, size_t *size)
{
	for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
		const struct change *change = &changes[i];
		size_t key_size = strlen(change->key);

		if (rest.size > key_size &&
		    memcmp(rest.data, change->key, key_size) == 0) {
			*size = old_size(change,
			    (struct slice){rest.data + key_size, rest.size - key_size});
			return *size > 0 ? change : NULL;
		}
	}
	return NULL;
}

static void
put_bytes(struct jsonw *out, const char *data, size_t size)
{
	out->err = out->err == GW_OK ? buf_append(&out->buf, data, size) : out->err;
}

static void
rewrite(struct jsonw *out, struct slice d, struct world_rng *rng)
{
	struct world_rng whose = {world_random_below(rng, PEOPLE)};
	struct person person = {.look = world_random(&whose)};
	size_t from = 0;

	/* 18 digits, as ids of the last years have. */
	person.id = UINT64_C(161000000000000000) +
	    person.look % UINT64_C(1000000000) * 838860800;
	for (size_t at = 0; at < d.size; at++) {
		size_t size = 0;
		const struct change *change = d.data[at] == '"' ?
		    find_change((struct slice){d.data + at, d.size - at}, &size) :
		    NULL;

		if (change) {
			at += strlen(change->key);
			put_bytes(out, d.data + from, at - from);
			change->put(out, &person, rng);
			at += size - 1;
			from = at + 1;
		}
	}
	put_bytes(out, d.data + from, d.size - from);
}

struct event *
vary_event(struct event *owned_event, struct world_rng *rng)
{
	struct event *event = owned_event;
	struct jsonw out;
	char name[64];

	/* A channel's id is its own: clients look it up. */
	if (!event || event->name_size >= sizeof name ||
	    memcmp(event->bytes, "CHANNEL", 7) == 0) {
		return event;
	}
	memcpy(name, event->bytes, event->name_size);
	name[event->name_size] = '\0';
	jsonw_init(&out, EVENT_MAX_BYTES);
	rewrite(&out, (struct slice){event->bytes + event->name_size, event->size},
	    rng);
	event_unref(event);
	return event_take(name, &out, 0);
}
