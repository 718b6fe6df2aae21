#include "discord_slash.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define PATH_ROOM 512

/* Of an answer to an interaction; 10.3 of the protocol's facts. */
#define ANSWER_MESSAGE  4
#define ANSWER_DEFERRED 5

/* A deferred answer may say this alone: only the one who asked sees it. */
#define ANSWER_EPHEMERAL "{\"flags\":64}"

/* Around the message in the body of an answer. */
#define ANSWER_MAX_BYTES (MESSAGE_MAX_BYTES + 64)

/* A path with the token of an interaction. */
#define TOKEN_PATH_ROOM 1280

uint64_t
discord_get_application(struct rest *rest, rest_fn *fn, void *ctx)
{
	static const char path[] = "/applications/@me";
	const struct rest_request request = {
	    .method = "GET",
	    .route = path,
	    .path = path,
	    .timeout = DISCORD_TIMEOUT,
	};

	return rest_call(rest, &request, fn, ctx);
}

/* The commands of all servers or of one. */
static uint64_t
call_commands(struct rest *rest, const char *method, uint64_t application,
    uint64_t guild, struct slice body, rest_fn *fn, void *ctx)
{
	char path[PATH_ROOM];
	const struct rest_request request = {
	    .method = method,
	    .route = guild != 0 ?
		"/applications/{application}/guilds/{guild}/commands" :
		"/applications/{application}/commands",
	    .path = path,
	    .body = body,
	    .timeout = DISCORD_TIMEOUT,
	};

	if (guild != 0) {
		(void)snprintf(path, sizeof path,
		    "/applications/%" PRIu64 "/guilds/%" PRIu64 "/commands",
		    application, guild);
	} else {
		(void)snprintf(path, sizeof path, "/applications/%" PRIu64 "/commands",
		    application);
	}
	return rest_call(rest, &request, fn, ctx);
}

uint64_t
discord_get_commands(struct rest *rest, uint64_t application, uint64_t guild,
    rest_fn *fn, void *ctx)
{
	return call_commands(rest, "GET", application, guild, slice_of(""), fn, ctx);
}

uint64_t
discord_put_commands(struct rest *rest, uint64_t application, uint64_t guild,
    struct slice commands, rest_fn *fn, void *ctx)
{
	return call_commands(rest, "PUT", application, guild, commands, fn, ctx);
}

static enum gw_err
write_answer(const struct message_draft *draft, struct buf *out)
{
	enum gw_err err = buf_printf(out,
	    "{\"type\":%d,\"data\":", draft ? ANSWER_MESSAGE : ANSWER_DEFERRED);

	if (err == GW_OK) {
		err = draft ? message_write(draft, out) :
			      buf_printf(out, "%s", ANSWER_EPHEMERAL);
	}
	return err == GW_OK ? buf_append(out, "}", 1) : err;
}

uint64_t
discord_answer_interaction(struct rest *rest, const struct discord_interaction *to,
    const struct message_draft *draft, mono_ns within, rest_fn *fn, void *ctx)
{
	char path[TOKEN_PATH_ROOM];
	struct buf body;
	uint64_t id = 0;

	buf_init(&body, ANSWER_MAX_BYTES);
	(void)snprintf(path, sizeof path, "/interactions/%" PRIu64 "/%s/callback",
	    to->id, to->token);
	if (write_answer(draft, &body) == GW_OK) {
		const struct rest_request request = {
		    .method = "POST",
		    .route = "/interactions/{interaction}/{token}/callback",
		    .path = path,
		    .body = buf_slice(&body),
		    .timeout = within,
		    .repeatable = true, /* a second one is refused with 40060 */
		};

		id = rest_call(rest, &request, fn, ctx);
	}
	buf_fini(&body);
	explicit_bzero(path, sizeof path);
	return id;
}

uint64_t
discord_finish_interaction(struct rest *rest, const struct discord_interaction *to,
    const struct message_draft *draft, rest_fn *fn, void *ctx)
{
	char path[TOKEN_PATH_ROOM];
	struct buf body;
	uint64_t id = 0;

	buf_init(&body, MESSAGE_MAX_BYTES);
	(void)snprintf(path, sizeof path, "/webhooks/%" PRIu64 "/%s/messages/@original",
	    to->application, to->token);
	if (message_write(draft, &body) == GW_OK) {
		const struct rest_request request = {
		    .method = "PATCH",
		    .route = "/webhooks/{application}/{token}/messages/@original",
		    .path = path,
		    .body = buf_slice(&body),
		    .timeout = DISCORD_TIMEOUT,
		    .repeatable = true,
		};

		id = rest_call(rest, &request, fn, ctx);
	}
	buf_fini(&body);
	explicit_bzero(path, sizeof path);
	return id;
}
