#include "feed.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

/* ---- filters ---- */

static bool
same_letter(char a, char b)
{
	return tolower((unsigned char)a) == tolower((unsigned char)b);
}

/* Goes back to the last star only: no glob takes more than its size times that of the
 * name. */
static bool
matches(struct slice glob, struct slice name)
{
	size_t g = 0;
	size_t n = 0;
	size_t star = SIZE_MAX; /* of the last star; and the name's place then */
	size_t from = 0;

	while (n < name.size) {
		if (g < glob.size && glob.data[g] == '*') {
			star = g++;
			from = n;
		} else if (g < glob.size &&
		    (glob.data[g] == '?' || same_letter(glob.data[g], name.data[n]))) {
			g++;
			n++;
		} else if (star != SIZE_MAX) {
			g = star + 1;
			n = ++from;
		} else {
			return false;
		}
	}
	while (g < glob.size && glob.data[g] == '*') {
		g++;
	}
	return g == glob.size;
}

bool
feed_glob(struct slice glob, struct slice name)
{
	if (glob.size > 0 && glob.data[0] == '!') {
		return !matches((struct slice){glob.data + 1, glob.size - 1}, name);
	}
	return matches(glob, name);
}

static struct slice
bare_name(const struct feed_entry *entry)
{
	size_t prefix = sizeof FEED_DISPATCH_PREFIX - 1;

	return (struct slice){entry->type.data + prefix, entry->type.size - prefix};
}

static bool
wants_type(const struct feed_filter *filter, const struct feed_entry *entry)
{
	if (filter->type[0] == '\0') {
		return true;
	}
	struct slice glob = slice_of(filter->type);

	if (entry->kind != FEED_DISPATCH) {
		return feed_glob(glob, entry->type);
	}
	/* "!MESSAGE_*" leaves it out by either name. */
	bool whole = feed_glob(glob, entry->type);
	bool bare = feed_glob(glob, bare_name(entry));

	return glob.data[0] == '!' ? whole && bare : whole || bare;
}

bool
feed_filter_wants(const struct feed_filter *filter, const struct feed_entry *entry)
{
	bool shard = filter->first_shard < 0 ||
	    (entry->shard >= filter->first_shard && entry->shard <= filter->last_shard);

	return shard && wants_type(filter, entry);
}

void
feed_filter_add_wants(const struct feed_filter *filter, struct dispatch_set *set)
{
	for (unsigned i = 0; i < DISPATCH_NAME_OTHER; i++) {
		char type[FEED_TYPE_MAX_BYTES];
		int size = snprintf(type, sizeof type, FEED_DISPATCH_PREFIX "%s",
		    dispatches_name((enum dispatch_name)i));
		const struct feed_entry entry = {
		    .kind = FEED_DISPATCH,
		    .type = {type, (size_t)size},
		};

		if (wants_type(filter, &entry)) {
			dispatch_set_add(set, (enum dispatch_name)i);
		}
	}
	dispatch_set_add(set, DISPATCH_NAME_OTHER);
}

/* ---- the history ---- */

void
feed_history_init(struct feed_history *history, void *bytes)
{
	history->last_number = 0;
	feed_queue_init(&history->queue, bytes, FEED_HISTORY_MAX_BYTES,
	    FEED_HISTORY_MAX);
}

void
feed_history_add(struct feed_history *history, struct feed_entry *entry)
{
	entry->number = ++history->last_number;
	while (!feed_queue_push(&history->queue, entry) && history->queue.count > 0) {
		feed_queue_pop(&history->queue);
	}
}

/* ---- a reader ---- */

void
feed_inbox_init(struct feed_inbox *inbox, const struct feed_filter *filter, void *bytes)
{
	*inbox = (struct feed_inbox){.filter = *filter};
	feed_queue_init(&inbox->queue, bytes, FEED_QUEUE_MAX_BYTES, SIZE_MAX);
}

/* What stands in for those that were lost. */
static struct feed_entry
gap_of(const struct feed_inbox *inbox)
{
	return (struct feed_entry){
	    .kind = FEED_DROPPED,
	    .level = LOG_LEVEL_WARNING,
	    .wall_ms = inbox->dropped_wall_ms,
	    .shard = -1,
	    .seq = -1,
	    .amount = inbox->dropped,
	    .type = SLICE_LITERAL("feed.dropped"),
	};
}

/* Dispatches fill the queue up to the part for changes.  Once some were lost, more are
 * until half of that is free: one gap that is told is better than a hundred. */
static bool
has_room_for(const struct feed_inbox *inbox, const struct feed_entry *entry)
{
	size_t room = FEED_QUEUE_MAX_BYTES;

	if (entry->kind == FEED_DISPATCH) {
		room -= FEED_QUEUE_CHANGES_BYTES;
		room = inbox->dropped > 0 ? room / 2 : room;
	}
	return inbox->queue.used + feed_queue_size_of(entry) <= room;
}

/* Puts the gap in front of the entry where there is one. */
static bool
push(struct feed_inbox *inbox, const struct feed_entry *entry)
{
	if (inbox->dropped > 0) {
		struct feed_entry gap = gap_of(inbox);

		if (!feed_queue_push(&inbox->queue, &gap)) {
			return false;
		}
		inbox->dropped = 0;
	}
	return feed_queue_push(&inbox->queue, entry);
}

bool
feed_inbox_offer(struct feed_inbox *inbox, const struct feed_entry *entry)
{
	if (!feed_filter_wants(&inbox->filter, entry)) {
		return false;
	}
	if (!has_room_for(inbox, entry) || !push(inbox, entry)) {
		inbox->dropped++;
		inbox->dropped_total++;
		inbox->dropped_wall_ms = entry->wall_ms;
	}
	return true;
}

bool
feed_inbox_take(struct feed_inbox *inbox, struct feed_entry *out)
{
	if (feed_queue_peek(&inbox->queue, out)) {
		feed_queue_pop(&inbox->queue);
		return true;
	}
	/* Nothing came behind the last ones that were lost. */
	if (inbox->dropped > 0) {
		*out = gap_of(inbox);
		inbox->dropped = 0;
		return true;
	}
	return false;
}
