#include "discord.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define PATH_ROOM 512

uint64_t
discord_send(struct rest *rest, uint64_t channel, const struct message_draft *draft,
    rest_fn *fn, void *ctx)
{
	char path[PATH_ROOM];
	struct buf body;
	uint64_t id = 0;

	buf_init(&body, MESSAGE_MAX_BYTES);
	(void)snprintf(path, sizeof path, "/channels/%" PRIu64 "/messages", channel);
	if (message_write(draft, &body) == GW_OK) {
		const struct rest_request request = {
		    .method = "POST",
		    .route = "/channels/{channel}/messages",
		    .path = path,
		    .body = buf_slice(&body),
		    .timeout = DISCORD_TIMEOUT,
		    .repeatable = true,
		};

		id = rest_call(rest, &request, fn, ctx);
	}
	buf_fini(&body);
	return id;
}

/* Percent-encodes all but what RFC 3986 leaves as it is. */
static bool
escape(const char *text, char *out, size_t room)
{
	static const char hex[] = "0123456789ABCDEF";
	size_t size = 0;

	for (; *text != '\0'; text++) {
		unsigned char byte = (unsigned char)*text;
		bool plain = (byte >= '0' && byte <= '9') ||
		    (byte >= 'A' && byte <= 'Z') || (byte >= 'a' && byte <= 'z') ||
		    strchr("-._~", byte);

		if (size + 4 > room) {
			return false;
		}
		if (plain) {
			out[size++] = (char)byte;
		} else {
			out[size++] = '%';
			out[size++] = hex[byte >> 4];
			out[size++] = hex[byte & 15U];
		}
	}
	out[size] = '\0';
	return size > 0;
}

uint64_t
discord_react(struct rest *rest, uint64_t channel, uint64_t message, const char *emoji,
    rest_fn *fn, void *ctx)
{
	char path[PATH_ROOM];
	char escaped[PATH_ROOM / 2];

	if (!escape(emoji, escaped, sizeof escaped)) {
		return 0;
	}
	(void)snprintf(path, sizeof path,
	    "/channels/%" PRIu64 "/messages/%" PRIu64 "/reactions/%s/@me", channel,
	    message, escaped);
	const struct rest_request request = {
	    .method = "PUT",
	    .route = "/channels/{channel}/messages/{message}/reactions/{emoji}/@me",
	    .path = path,
	    .timeout = DISCORD_TIMEOUT,
	    .repeatable = true,
	};

	return rest_call(rest, &request, fn, ctx);
}

uint64_t
discord_delete(struct rest *rest, uint64_t channel, uint64_t message, rest_fn *fn,
    void *ctx)
{
	char path[PATH_ROOM];

	(void)snprintf(path, sizeof path, "/channels/%" PRIu64 "/messages/%" PRIu64,
	    channel, message);
	const struct rest_request request = {
	    .method = "DELETE",
	    .route = "/channels/{channel}/messages/{message}",
	    .path = path,
	    .timeout = DISCORD_TIMEOUT,
	    .repeatable = true,
	};

	return rest_call(rest, &request, fn, ctx);
}
