#include "discord.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define PATH_ROOM 512

/* A hundred messages with their embeds. */
#define PAGE_MAX_BYTES ((size_t)4 * 1024 * 1024)

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

uint64_t
discord_bulk_delete(struct rest *rest, uint64_t channel, const uint64_t *messages,
    size_t count, rest_fn *fn, void *ctx)
{
	char path[PATH_ROOM];
	struct buf body;

	buf_init(&body, MESSAGE_MAX_BYTES);
	(void)buf_printf(&body, "{\"messages\":[");
	for (size_t i = 0; i < count; i++) {
		(void)buf_printf(&body, "%s\"%" PRIu64 "\"", i > 0 ? "," : "",
		    messages[i]);
	}
	(void)buf_printf(&body, "]}");
	(void)snprintf(path, sizeof path, "/channels/%" PRIu64 "/messages/bulk-delete",
	    channel);
	const struct rest_request request = {
	    .method = "POST",
	    .route = "/channels/{channel}/messages/bulk-delete",
	    .path = path,
	    .body = buf_slice(&body),
	    .timeout = DISCORD_TIMEOUT,
	};
	uint64_t id = rest_call(rest, &request, fn, ctx);

	buf_fini(&body);
	return id;
}

static uint64_t
get(struct rest *rest, const char *route, const char *path, rest_fn *fn, void *ctx)
{
	const struct rest_request request = {
	    .method = "GET",
	    .route = route,
	    .path = path,
	    .timeout = DISCORD_TIMEOUT,
	    .repeatable = true,
	    .answer_max_bytes = PAGE_MAX_BYTES,
	};

	return rest_call(rest, &request, fn, ctx);
}

uint64_t
discord_messages(struct rest *rest, uint64_t channel, uint64_t before, rest_fn *fn,
    void *ctx)
{
	char path[PATH_ROOM];

	(void)snprintf(path, sizeof path,
	    "/channels/%" PRIu64 "/messages?limit=100&before=%" PRIu64, channel,
	    before);
	return get(rest, "/channels/{channel}/messages", path, fn, ctx);
}

uint64_t
discord_message(struct rest *rest, uint64_t channel, uint64_t message, rest_fn *fn,
    void *ctx)
{
	char path[PATH_ROOM];

	(void)snprintf(path, sizeof path, "/channels/%" PRIu64 "/messages/%" PRIu64,
	    channel, message);
	return get(rest, "/channels/{channel}/messages/{message}", path, fn, ctx);
}

uint64_t
discord_channel(struct rest *rest, uint64_t channel, rest_fn *fn, void *ctx)
{
	char path[PATH_ROOM];

	(void)snprintf(path, sizeof path, "/channels/%" PRIu64, channel);
	return get(rest, "/channels/{channel}", path, fn, ctx);
}

uint64_t
discord_threads_active(struct rest *rest, uint64_t server, rest_fn *fn, void *ctx)
{
	char path[PATH_ROOM];

	(void)snprintf(path, sizeof path, "/guilds/%" PRIu64 "/threads/active", server);
	return get(rest, "/guilds/{guild}/threads/active", path, fn, ctx);
}

uint64_t
discord_threads_archived(struct rest *rest, uint64_t channel, const char *before,
    rest_fn *fn, void *ctx)
{
	char path[PATH_ROOM];
	char escaped[PATH_ROOM / 2] = "";
	bool given = before[0] != '\0';

	if (given && !escape(before, escaped, sizeof escaped)) {
		return 0;
	}
	(void)snprintf(path, sizeof path,
	    "/channels/%" PRIu64 "/threads/archived/public?limit=100%s%s", channel,
	    given ? "&before=" : "", escaped);
	return get(rest, "/channels/{channel}/threads/archived/public", path, fn, ctx);
}

uint64_t
discord_open_thread(struct rest *rest, uint64_t thread, rest_fn *fn, void *ctx)
{
	char path[PATH_ROOM];

	(void)snprintf(path, sizeof path, "/channels/%" PRIu64, thread);
	const struct rest_request request = {
	    .method = "PATCH",
	    .route = "/channels/{channel}",
	    .path = path,
	    .body = SLICE_LITERAL("{\"archived\":false}"),
	    .timeout = DISCORD_TIMEOUT,
	    .repeatable = true,
	};

	return rest_call(rest, &request, fn, ctx);
}

uint64_t
discord_guild(struct rest *rest, uint64_t guild, rest_fn *fn, void *ctx)
{
	char path[PATH_ROOM];

	(void)snprintf(path, sizeof path, "/guilds/%" PRIu64 "?with_counts=true",
	    guild);
	return get(rest, "/guilds/{guild}", path, fn, ctx);
}
