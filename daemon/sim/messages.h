/*
 * Messages: the last ones of all channels, so that REST can show and change them.
 */
#ifndef GWSIM_MESSAGES_H
#define GWSIM_MESSAGES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "world.h"

#define MESSAGES_KEPT      4096
#define MESSAGES_REACTIONS 20 /* Discord: different ones on one message */

struct messages;

struct message {
	struct world_message shown; /* its texts are owned here */
	char *content;
	char *nonce;
	char *embeds;
	struct world_mentions *mentions;
	char *reactions[MESSAGES_REACTIONS]; /* the bot's own */
	bool deleted;
};

struct messages *messages_new(void);

void messages_free(struct messages *owned_messages);

/** Keeps a copy, of its mentions too; the oldest one goes. */
struct message *messages_add(struct messages *messages,
    const struct world_message *message);

/** The message with this id in the channel; NULL: unknown, deleted, or not for all. */
struct message *messages_find(struct messages *messages, uint64_t channel_id,
    uint64_t message_id);

/** The message with this id, one that only one person sees too. */
struct message *messages_find_any(struct messages *messages, uint64_t message_id);

/** The message that the bot sent with this nonce within the last 5 minutes, or NULL. */
struct message *messages_find_nonce(struct messages *messages, uint64_t channel_id,
    const char *nonce, int64_t now_ms);

/**
 * The messages of a channel that are there for all, by their ids, newest first.
 *
 * out has room for MESSAGES_KEPT; returns how many there are.
 */
size_t messages_of_channel(struct messages *messages, uint64_t channel_id,
    const struct message **out);

/** The id of a channel's newest message, be it deleted; 0 where it never had one. */
uint64_t messages_newest_of(struct messages *messages, uint64_t channel_id);

/** An instant for a pin, later than that of any other one. */
int64_t messages_pin_time(struct messages *messages, int64_t now_ms);

/** The nth message kept, newest first; NULL past the last one. */
struct message *messages_nth(struct messages *messages, uint64_t nth);

/** Changes the embeds of a message: JSON text, NULL for none. */
void messages_set_embeds(struct message *message, const char *embeds);

/** Changes whom a message notifies; copies. */
void messages_set_mentions(struct message *message,
    const struct world_mentions *mentions);

/** Changes the text of a message. */
void messages_edit(struct message *message, const char *content, int64_t now_ms);

/** The id of the newest message, or of a made-up one where there is none. */
uint64_t messages_last_id(struct messages *messages);

/** Fills in what the message answers to, as far as it is kept. */
void messages_link(struct messages *messages, struct world_message *message);

#endif
