#include "keepalive.h"

#include <stdio.h>
#include <string.h>

#include "message.h"

/* Discord: milliseconds since 2015 in the upper 42 bits of an id. */
#define EPOCH_MS   INT64_C(1420070400000)
#define TIME_SHIFT 22

/* Types of channels: threads of announcements, public and private ones. */
#define THREAD_FIRST 10
#define THREAD_LAST  12

static void
begin_channel(struct keepalive *keepalive)
{
	keepalive->look = KEEPALIVE_SERVER;
	keepalive->pages = 0;
	keepalive->before[0] = '\0';
}

void
keepalive_begin(struct keepalive *keepalive, const uint64_t *threads,
    size_t thread_count, const uint64_t *channels, size_t channel_count, int64_t now_ms,
    mono_ns idle)
{
	*keepalive = (struct keepalive){
	    .named_count = thread_count,
	    .channel_count = channel_count,
	    .now_ms = now_ms,
	    .idle_ms = idle / CLOCK_MS(1),
	};
	memcpy(keepalive->named, threads, thread_count * sizeof *threads);
	memcpy(keepalive->channels, channels, channel_count * sizeof *channels);
	begin_channel(keepalive);
}

/* ---- which threads there are ---- */

static bool
read_id(const struct json *object, const char *name, uint64_t *out)
{
	const char *text = json_text(json_get(object, name));

	return text && message_id(slice_of(text), out);
}

static bool
is_known(const struct keepalive *keepalive, uint64_t id)
{
	for (size_t i = 0; i < keepalive->thread_count; i++) {
		if (keepalive->threads[i].id == id) {
			return true;
		}
	}
	return false;
}

/* One thread as Discord tells it; false where it is none. */
static bool
add_thread(struct keepalive *keepalive, const struct json *channel)
{
	const struct json *data = json_get(channel, "thread_metadata");
	int64_t type = json_int_or(json_get(channel, "type"), 0);
	uint64_t id = 0;
	uint64_t last = 0;

	if (type < THREAD_FIRST || type > THREAD_LAST || !read_id(channel, "id", &id)) {
		return false;
	}
	if (is_known(keepalive, id)) {
		return true;
	}
	if (keepalive->thread_count == KEEPALIVE_THREADS_MAX) {
		keepalive->too_many = true;
		return true;
	}
	if (!read_id(channel, "last_message_id", &last)) {
		last = id;
	}
	keepalive->threads[keepalive->thread_count++] = (struct keepalive_thread){
	    .id = id,
	    .last_ms = (int64_t)(last >> TIME_SHIFT) + EPOCH_MS,
	    .archived = json_is_true(json_get(data, "archived")),
	    .locked = json_is_true(json_get(data, "locked")),
	};
	return true;
}

static void
take_active(struct keepalive *keepalive, const struct json *body)
{
	uint64_t channel = keepalive->channels[keepalive->channel];
	uint64_t parent = 0;

	for (const struct json *at = json_first(json_get(body, "threads")); at;
	     at = json_next(at)) {
		if (read_id(at, "parent_id", &parent) && parent == channel) {
			(void)add_thread(keepalive, at);
		}
	}
	keepalive->look = KEEPALIVE_ARCHIVED;
}

static void
leave_channel(struct keepalive *keepalive)
{
	keepalive->channel++;
	begin_channel(keepalive);
}

static void
take_archived(struct keepalive *keepalive, const struct json *body)
{
	const char *last = NULL;

	for (const struct json *at = json_first(json_get(body, "threads")); at;
	     at = json_next(at)) {
		const struct json *data = json_get(at, "thread_metadata");

		(void)add_thread(keepalive, at);
		last = json_text(json_get(data, "archive_timestamp"));
	}
	bool more = json_is_true(json_get(body, "has_more")) && last &&
	    slice_copy(slice_of(last), keepalive->before, sizeof keepalive->before);

	keepalive->pages++;
	if (more && keepalive->pages == KEEPALIVE_PAGES_MAX) {
		keepalive->too_many = true;
	}
	if (!more || keepalive->pages == KEEPALIVE_PAGES_MAX) {
		leave_channel(keepalive);
	}
}

/* ---- touching them ---- */

static bool
is_idle(const struct keepalive *keepalive, const struct keepalive_thread *thread)
{
	return keepalive->now_ms - thread->last_ms > keepalive->idle_ms;
}

static void
leave_thread(struct keepalive *keepalive)
{
	keepalive->thread++;
	keepalive->opened = false;
}

static void
take_touched(struct keepalive *keepalive)
{
	keepalive->touched++;
	leave_thread(keepalive);
}

/* The next thread that wants something. */
static struct keepalive_call
next_touch(struct keepalive *keepalive)
{
	while (keepalive->thread < keepalive->thread_count) {
		const struct keepalive_thread *thread =
		    &keepalive->threads[keepalive->thread];

		if (thread->locked) {
			keepalive->locked++;
		} else if (thread->archived && !keepalive->opened) {
			return (struct keepalive_call){KEEPALIVE_OPEN, thread->id, ""};
		} else if (is_idle(keepalive, thread)) {
			return (struct keepalive_call){KEEPALIVE_POST, thread->id, ""};
		} else {
			keepalive->skipped++;
		}
		leave_thread(keepalive);
	}
	return (struct keepalive_call){KEEPALIVE_DONE, 0, ""};
}

struct keepalive_call
keepalive_next(struct keepalive *keepalive)
{
	if (keepalive->named_next < keepalive->named_count) {
		return (struct keepalive_call){KEEPALIVE_LOOK,
		    keepalive->named[keepalive->named_next], ""};
	}
	if (keepalive->channel < keepalive->channel_count) {
		bool active = keepalive->look == KEEPALIVE_ACTIVE;

		return (struct keepalive_call){keepalive->look,
		    active ? keepalive->server :
			     keepalive->channels[keepalive->channel],
		    keepalive->before};
	}
	return next_touch(keepalive);
}

void
keepalive_take(struct keepalive *keepalive, const struct json *body)
{
	switch (keepalive_next(keepalive).step) {
	case KEEPALIVE_LOOK:
		keepalive->not_threads += add_thread(keepalive, body) ? 0 : 1;
		keepalive->named_next++;
		return;
	case KEEPALIVE_SERVER:
		if (read_id(body, "guild_id", &keepalive->server)) {
			keepalive->look = KEEPALIVE_ACTIVE;
		} else {
			keepalive->not_threads++;
			leave_channel(keepalive);
		}
		return;
	case KEEPALIVE_ACTIVE:
		take_active(keepalive, body);
		return;
	case KEEPALIVE_ARCHIVED:
		take_archived(keepalive, body);
		return;
	case KEEPALIVE_OPEN:
		keepalive->opened = true;
		if (!is_idle(keepalive, &keepalive->threads[keepalive->thread])) {
			take_touched(keepalive);
		}
		return;
	case KEEPALIVE_POST:
		take_touched(keepalive);
		return;
	case KEEPALIVE_DONE:
		return;
	}
}

void
keepalive_take_refusal(struct keepalive *keepalive, unsigned status)
{
	keepalive->gone += status == 404 ? 1 : 0;
	keepalive->refused += status == 403 ? 1 : 0;
	keepalive->failed += status != 404 && status != 403 ? 1 : 0;

	if (keepalive->named_next < keepalive->named_count) {
		keepalive->named_next++;
	} else if (keepalive->channel < keepalive->channel_count) {
		/* Active ones may be there all the same. */
		if (keepalive->look == KEEPALIVE_ACTIVE) {
			keepalive->look = KEEPALIVE_ARCHIVED;
		} else {
			leave_channel(keepalive);
		}
	} else if (keepalive->thread < keepalive->thread_count) {
		leave_thread(keepalive);
	}
}

/* ---- the result ---- */

bool
keepalive_is_good(const struct keepalive *keepalive)
{
	return keepalive->not_threads == 0 && keepalive->gone == 0 &&
	    keepalive->refused == 0 && keepalive->failed == 0;
}

void
keepalive_words(const struct keepalive *keepalive, char *out, size_t room)
{
	const struct {
		unsigned count;
		const char *words;
	} reasons[] = {
	    {keepalive->locked, "locked"},
	    {keepalive->not_threads, "no thread"},
	    {keepalive->gone, "not found"},
	    {keepalive->refused, "without the right"},
	    {keepalive->failed, "failed"},
	};
	struct buf text;

	buf_init(&text, room - 1);
	(void)buf_printf(&text, "touched %u thread%s, skipped %u", keepalive->touched,
	    keepalive->touched == 1 ? "" : "s", keepalive->skipped);
	for (size_t i = 0; i < sizeof reasons / sizeof reasons[0]; i++) {
		if (reasons[i].count > 0) {
			(void)buf_printf(&text, ", %u %s", reasons[i].count,
			    reasons[i].words);
		}
	}
	if (keepalive->too_many) {
		(void)buf_printf(&text, "; not all of them, there are too many");
	}
	(void)slice_copy(buf_slice(&text), out, room);
	buf_fini(&text);
}
