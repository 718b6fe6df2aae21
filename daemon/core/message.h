/*
 * A message that gwbotd writes: the JSON of it for Discord's API.  Pure.
 *
 * Nobody is notified unless the draft names them: what a text says of @everyone, of a
 * role or of a person is only text.
 */
#ifndef GWBOTD_MESSAGE_H
#define GWBOTD_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buf.h"

/* Discord's limit of a message, in characters; one past U+FFFF counts as two, which is
 * safe whichever way Discord counts. */
#define MESSAGE_MAX_CHARACTERS 2000

/* What the body of a message can have at most: escapes, an embed of 6000 characters. */
#define MESSAGE_MAX_BYTES ((size_t)64 * 1024)

/* All is borrowed. */
struct message_draft {
	struct slice content; /* cut at MESSAGE_MAX_CHARACTERS, with "…" at the end */
	uint64_t reply_to;    /* id of a message in the same channel; 0: none */
	const uint64_t *ping_users; /* who is notified where the text mentions them */
	size_t ping_user_count;
	const uint64_t *ping_roles;
	size_t ping_role_count;
	const char *embed; /* JSON object; NULL or empty: none */
	bool private;      /* answers to interactions: only the asker sees it */
	const char *nonce; /* of nonce.h, for new messages; NULL or empty: none */
};

/** Appends the JSON object; errors as buf_append(), GW_ERR_SYNTAX of the embed. */
enum gw_err message_write(const struct message_draft *draft, struct buf *out);

/**
 * The bytes at the front of text that one message holds: all of it, or up to the last
 * line end, else blank, else character that fits max characters.
 */
size_t message_fit(struct slice text, size_t max);

/** Reads an id of Discord, between quotes or not; false where it is none. */
bool message_id(struct slice text, uint64_t *out);

#endif
