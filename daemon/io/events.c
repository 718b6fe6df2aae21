#include "events.h"

#include <stdlib.h>

#include "clock.h"
#include "xalloc.h"

struct events_follower {
	struct events_follower *next;
	struct events *events;
	struct feed_inbox inbox;
	void (*wake)(void *ctx);
	void *ctx;
	bool waits; /* found nothing to take */
	_Alignas(max_align_t) char bytes[FEED_QUEUE_MAX_BYTES];
};

struct events {
	struct dispatch *dispatch;
	struct dispatch_consumer consumer; /* docked while somebody follows */
	const struct secret *secret;
	struct feed_history history;
	struct events_follower *followers;
	void (*observer)(void *ctx, const struct note *note); /* NULL: none */
	void *observer_ctx;
	_Alignas(max_align_t) char bytes[FEED_HISTORY_MAX_BYTES];
};

/* ---- in ---- */

static void
offer(struct events *events, const struct feed_entry *entry)
{
	for (struct events_follower *follower = events->followers; follower;
	     follower = follower->next) {
		if (feed_inbox_offer(&follower->inbox, entry) && follower->waits) {
			follower->waits = false;
			follower->wake(follower->ctx);
		}
	}
}

static void
add_change(struct events *events, struct feed_entry *entry)
{
	entry->kind = FEED_CHANGE;
	entry->wall_ms = clock_wall_ms();
	entry->seq = -1;
	feed_history_add(&events->history, entry);
	offer(events, entry);
}

static void
on_log(void *ctx, const struct log_event *event)
{
	struct events *events = ctx;
	struct note note;

	if (!note_make(event, events->secret, &note)) {
		return;
	}
	struct feed_entry entry = {
	    .level = note.level,
	    .shard = note.shard,
	    .type = slice_of(note.type),
	    .text = slice_of(note.text),
	    .fields = slice_of(note.fields),
	};

	add_change(events, &entry);
	if (events->observer) {
		events->observer(events->observer_ctx, &note);
	}
}

/* A name as Discord writes them: anything else in it becomes a question mark. */
static size_t
put_name(struct slice name, char *out, size_t room)
{
	size_t size = name.size < room ? name.size : room;

	for (size_t i = 0; i < size; i++) {
		char c = name.data[i];
		bool known = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
		    (c >= '0' && c <= '9') || c == '_';

		out[i] = '?';
		if (known) {
			out[i] = c;
		}
	}
	return size;
}

static void
on_dispatch(void *ctx, const struct dispatch_event *event)
{
	struct events *events = ctx;
	char type[FEED_TYPE_MAX_BYTES] = FEED_DISPATCH_PREFIX;
	size_t prefix = sizeof FEED_DISPATCH_PREFIX - 1;
	size_t name = put_name(event->type, type + prefix, sizeof type - prefix);
	const struct feed_entry entry = {
	    .kind = FEED_DISPATCH,
	    .level = LOG_LEVEL_INFO,
	    .wall_ms = clock_wall_ms(),
	    .shard = event->shard_id,
	    .seq = event->seq,
	    .amount = event->data.size,
	    .type = {type, prefix + name},
	};

	offer(events, &entry);
}

/* What its followers want; at rest it is not docked and costs nothing. */
static void
want(struct events *events)
{
	struct dispatch_set wants = {{0}};

	for (const struct events_follower *follower = events->followers; follower;
	     follower = follower->next) {
		feed_filter_add_wants(&follower->inbox.filter, &wants);
	}
	dispatch_want(events->dispatch, &events->consumer, &wants);
}

/* ---- out ---- */

void
events_observe(struct events *events, void (*fn)(void *ctx, const struct note *note),
    void *ctx)
{
	events->observer = fn;
	events->observer_ctx = ctx;
}

const struct feed_queue *
events_history(const struct events *events)
{
	return &events->history.queue;
}

struct events_follower *
events_follow(struct events *events, const struct feed_filter *filter,
    void (*wake)(void *ctx), void *ctx)
{
	struct events_follower *follower = xzalloc(sizeof *follower);

	follower->events = events;
	follower->wake = wake;
	follower->ctx = ctx;
	feed_inbox_init(&follower->inbox, filter, follower->bytes);
	if (!events->followers) {
		dispatch_dock(events->dispatch, &events->consumer);
	}
	follower->next = events->followers;
	events->followers = follower;
	want(events);
	return follower;
}

void
events_unfollow(struct events_follower *owned_follower)
{
	struct events *events = owned_follower->events;
	struct events_follower **link = &events->followers;

	while (*link != owned_follower) {
		link = &(*link)->next;
	}
	*link = owned_follower->next;
	want(events);
	if (!events->followers) {
		dispatch_undock(events->dispatch, &events->consumer);
	}
	free(owned_follower);
}

bool
events_take(struct events_follower *follower, struct feed_entry *out)
{
	follower->waits = !feed_inbox_take(&follower->inbox, out);
	return !follower->waits;
}

/* ---- life ---- */

struct events *
events_new(struct dispatch *dispatch, const struct secret *secret)
{
	struct events *events = xzalloc(sizeof *events);

	events->dispatch = dispatch;
	events->secret = secret;
	events->consumer =
	    (struct dispatch_consumer){.take = on_dispatch, .ctx = events};
	feed_history_init(&events->history, events->bytes);
	log_set_listener(on_log, events);
	return events;
}

void
events_free(struct events *owned_events)
{
	if (owned_events) {
		log_set_listener(NULL, NULL);
		free(owned_events);
	}
}
