#include "messages.h"

#include <stdlib.h>
#include <string.h>

#include "xalloc.h"

/* Discord promises "a few minutes" for enforce_nonce. */
#define NONCE_MS (INT64_C(5) * 60 * 1000)

struct messages {
	struct message ring[MESSAGES_KEPT];
	uint64_t count; /* ever added */
};

struct messages *
messages_new(void)
{
	return xzalloc(sizeof(struct messages));
}

static void
clear(struct message *message)
{
	free(message->content);
	free(message->nonce);
	free(message->embeds);
	free(message->mentions);
	for (int i = 0; i < MESSAGES_REACTIONS; i++) {
		free(message->reactions[i]);
	}
	*message = (struct message){.deleted = true};
}

void
messages_free(struct messages *owned_messages)
{
	if (!owned_messages) {
		return;
	}
	for (int i = 0; i < MESSAGES_KEPT; i++) {
		clear(&owned_messages->ring[i]);
	}
	free(owned_messages);
}

struct message *
messages_add(struct messages *messages, const struct world_message *message)
{
	struct message *slot = &messages->ring[messages->count++ % MESSAGES_KEPT];

	clear(slot);
	*slot = (struct message){.shown = *message,
	    .content = xstrdup(message->content),
	    .nonce = xstrdup(message->nonce),
	    .embeds = xstrdup(message->embeds)};
	if (message->mentions) {
		slot->mentions = xzalloc(sizeof *slot->mentions);
		*slot->mentions = *message->mentions;
	}
	slot->shown.mentions = slot->mentions;
	slot->shown.content = slot->content;
	slot->shown.nonce = slot->nonce;
	slot->shown.embeds = slot->embeds;
	slot->shown.reply_to = NULL;
	return slot;
}

struct message *
messages_nth(struct messages *messages, uint64_t nth)
{
	if (nth >= messages->count || nth >= MESSAGES_KEPT) {
		return NULL;
	}
	return &messages->ring[(messages->count - 1 - nth) % MESSAGES_KEPT];
}

struct message *
messages_find(struct messages *messages, uint64_t channel_id, uint64_t message_id)
{
	struct message *at = NULL;

	for (uint64_t i = 0; (at = messages_nth(messages, i)); i++) {
		if (at->shown.id == message_id && !at->deleted &&
		    at->shown.channel_id == channel_id &&
		    (at->shown.flags & WORLD_FLAG_EPHEMERAL) == 0) {
			return at;
		}
	}
	return NULL;
}

struct message *
messages_find_any(struct messages *messages, uint64_t message_id)
{
	struct message *at = NULL;

	for (uint64_t i = 0; (at = messages_nth(messages, i)); i++) {
		if (at->shown.id == message_id && !at->deleted) {
			return at;
		}
	}
	return NULL;
}

struct message *
messages_find_nonce(struct messages *messages, uint64_t channel_id, const char *nonce,
    int64_t now_ms)
{
	struct message *at = NULL;

	for (uint64_t i = 0; (at = messages_nth(messages, i)); i++) {
		if (at->nonce && at->shown.channel_id == channel_id &&
		    strcmp(at->nonce, nonce) == 0 &&
		    now_ms - at->shown.at_ms < NONCE_MS) {
			return at;
		}
	}
	return NULL;
}

void
messages_set_embeds(struct message *message, const char *embeds)
{
	free(message->embeds);
	message->embeds = xstrdup(embeds);
	message->shown.embeds = message->embeds;
}

void
messages_set_mentions(struct message *message, const struct world_mentions *mentions)
{
	free(message->mentions);
	message->mentions = NULL;
	if (mentions) {
		message->mentions = xzalloc(sizeof *message->mentions);
		*message->mentions = *mentions;
	}
	message->shown.mentions = message->mentions;
}

void
messages_edit(struct message *message, const char *content, int64_t now_ms)
{
	char *copy = xstrdup(content);

	/* Last: the new text may be the old one. */
	free(message->content);
	message->content = copy;
	message->shown.content = message->content;
	message->shown.edited_ms = now_ms;
}

uint64_t
messages_last_id(struct messages *messages)
{
	const struct message *last = messages_nth(messages, 0);

	return last && last->shown.id ? last->shown.id : UINT64_C(1400000000000000000);
}

void
messages_link(struct messages *messages, struct world_message *message)
{
	const struct message *target = message->reply_to_id == 0 ?
	    NULL :
	    messages_find(messages, message->channel_id, message->reply_to_id);

	message->reply_to = target ? &target->shown : NULL;
}

static int
compare_ids(const void *a, const void *b)
{
	const struct message *const *left = a;
	const struct message *const *right = b;

	return ((*left)->shown.id < (*right)->shown.id) -
	    ((*left)->shown.id > (*right)->shown.id);
}

size_t
messages_of_channel(struct messages *messages, uint64_t channel_id,
    const struct message **out)
{
	const struct message *at = NULL;
	size_t count = 0;

	for (uint64_t i = 0; (at = messages_nth(messages, i)); i++) {
		if (!at->deleted && at->shown.channel_id == channel_id &&
		    (at->shown.flags & WORLD_FLAG_EPHEMERAL) == 0) {
			out[count++] = at;
		}
	}
	qsort(out, count, sizeof(struct message *), compare_ids);
	return count;
}

uint64_t
messages_newest_of(struct messages *messages, uint64_t channel_id)
{
	const struct message *at = NULL;
	uint64_t newest = 0;

	for (uint64_t i = 0; (at = messages_nth(messages, i)); i++) {
		if (at->shown.channel_id == channel_id && at->shown.id > newest &&
		    (at->shown.flags & WORLD_FLAG_EPHEMERAL) == 0) {
			newest = at->shown.id;
		}
	}
	return newest;
}

int64_t
messages_pin_time(struct messages *messages, int64_t now_ms)
{
	const struct message *at = NULL;

	for (uint64_t i = 0; (at = messages_nth(messages, i)); i++) {
		now_ms =
		    at->shown.pinned_ms >= now_ms ? at->shown.pinned_ms + 1 : now_ms;
	}
	return now_ms;
}
