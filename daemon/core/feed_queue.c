#include "feed_queue.h"

#include <stdalign.h>
#include <string.h>

/* What stands in front of an event's texts. */
struct header {
	size_t size; /* of the whole, rounded up so that the next one is aligned */
	uint64_t number;
	int64_t wall_ms;
	int64_t shard;
	int64_t seq;
	uint64_t amount;
	uint16_t type_size;
	uint16_t text_size;
	uint16_t fields_size;
	uint8_t kind;
	uint8_t level;
};

_Static_assert(FEED_FIELDS_MAX_BYTES <= UINT16_MAX && FEED_TEXT_MAX_BYTES <= UINT16_MAX,
    "sizes fit the header");

void
feed_queue_init(struct feed_queue *queue, void *bytes, size_t room, size_t max_count)
{
	*queue = (struct feed_queue){
	    .bytes = bytes,
	    .room = room,
	    .max_count = max_count,
	};
}

size_t
feed_queue_size_of(const struct feed_entry *entry)
{
	size_t size = sizeof(struct header) + entry->type.size + entry->text.size +
	    entry->fields.size;
	size_t step = alignof(max_align_t);

	return (size + step - 1) / step * step;
}

/* Finds size bytes in a row; false where there are none. */
static bool
find_room(struct feed_queue *queue, size_t size)
{
	if (queue->count == queue->max_count) {
		return false;
	}
	if (queue->count == 0) {
		queue->head = 0;
		queue->tail = 0;
		queue->wrapped = false;
	}
	if (queue->wrapped) {
		return queue->head - queue->tail >= size;
	}
	if (queue->room - queue->tail >= size) {
		return true;
	}
	if (queue->head < size) {
		return false;
	}
	queue->wrapped = true;
	queue->end = queue->tail;
	queue->tail = 0;
	return true;
}

static char *
put(char *to, struct slice bytes)
{
	if (bytes.size > 0) {
		memcpy(to, bytes.data, bytes.size);
	}
	return to + bytes.size;
}

bool
feed_queue_push(struct feed_queue *queue, const struct feed_entry *entry)
{
	size_t size = feed_queue_size_of(entry);

	if (entry->type.size > FEED_TYPE_MAX_BYTES ||
	    entry->text.size > FEED_TEXT_MAX_BYTES ||
	    entry->fields.size > FEED_FIELDS_MAX_BYTES || !find_room(queue, size)) {
		return false;
	}
	struct header header = {
	    .size = size,
	    .number = entry->number,
	    .wall_ms = entry->wall_ms,
	    .shard = entry->shard,
	    .seq = entry->seq,
	    .amount = entry->amount,
	    .type_size = (uint16_t)entry->type.size,
	    .text_size = (uint16_t)entry->text.size,
	    .fields_size = (uint16_t)entry->fields.size,
	    .kind = (uint8_t)entry->kind,
	    .level = (uint8_t)entry->level,
	};
	char *at = queue->bytes + queue->tail;

	memcpy(at, &header, sizeof header);
	(void)put(put(put(at + sizeof header, entry->type), entry->text),
	    entry->fields);
	queue->tail += size;
	queue->used += size;
	queue->count++;
	return true;
}

/* The event at a place; returns its size. */
static size_t
read_at(const struct feed_queue *queue, size_t at, struct feed_entry *out)
{
	struct header header;
	const char *texts = queue->bytes + at + sizeof header;

	memcpy(&header, queue->bytes + at, sizeof header);
	*out = (struct feed_entry){
	    .kind = (enum feed_kind)header.kind,
	    .level = (enum log_level)header.level,
	    .number = header.number,
	    .wall_ms = header.wall_ms,
	    .shard = header.shard,
	    .seq = header.seq,
	    .amount = header.amount,
	    .type = {texts, header.type_size},
	    .text = {texts + header.type_size, header.text_size},
	    .fields = {texts + header.type_size + header.text_size, header.fields_size},
	};
	return header.size;
}

/* The place behind an event that is not the newest. */
static size_t
place_behind(const struct feed_queue *queue, size_t at, size_t size)
{
	at += size;
	return queue->wrapped && at == queue->end ? 0 : at;
}

bool
feed_queue_peek(const struct feed_queue *queue, struct feed_entry *out)
{
	if (queue->count == 0) {
		return false;
	}
	(void)read_at(queue, queue->head, out);
	return true;
}

void
feed_queue_pop(struct feed_queue *queue)
{
	struct feed_entry entry;

	if (queue->count == 0) {
		return;
	}
	size_t size = read_at(queue, queue->head, &entry);

	queue->head += size;
	queue->used -= size;
	queue->count--;
	if (queue->wrapped && queue->head == queue->end) {
		queue->head = 0;
		queue->wrapped = false;
	}
}

struct feed_walk
feed_walk_of(const struct feed_queue *queue)
{
	return (struct feed_walk){queue, queue->count, queue->head};
}

bool
feed_walk_next(struct feed_walk *walk, struct feed_entry *out)
{
	if (walk->left == 0) {
		return false;
	}
	size_t size = read_at(walk->queue, walk->at, out);

	walk->at = place_behind(walk->queue, walk->at, size);
	walk->left--;
	return true;
}
