#include "calls.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "budget.h"
#include "mentions.h"
#include "messages.h"

#define CONTENT_MAX_CHARACTERS 2000
#define EMBEDS_MAX             10

void
call_error(struct call *call, int status, int code, const char *message)
{
	call->answer->status = status;
	jsonw_raw(&call->answer->body, "{\"message\": ");
	jsonw_string(&call->answer->body, slice_of(message), false);
	jsonw_fmt(&call->answer->body, ", \"code\": %d}", code);
}

static const cJSON *
member_of(const cJSON *object, const char *name)
{
	return cJSON_GetObjectItemCaseSensitive(object, name);
}

/* {"a": {"0": {...}}} around the errors of a.0, from the inside out. */
static void
put_error_path(struct jsonw *out, const char *path, const char *code, const char *text)
{
	size_t size = strcspn(path, ".");

	jsonw_raw(out, "{");
	jsonw_string(out, (struct slice){path, size}, false);
	jsonw_raw(out, ": ");
	if (path[size] == '.') {
		put_error_path(out, path + size + 1, code, text);
	} else {
		jsonw_fmt(out, "{\"_errors\": [{\"code\": \"%s\", \"message\": ", code);
		jsonw_string(out, slice_of(text), false);
		jsonw_raw(out, "}]}");
	}
	jsonw_raw(out, "}");
}

void
call_form_error(struct call *call, const char *path, const char *code, const char *text)
{
	struct jsonw *out = &call->answer->body;

	call->answer->status = 400;
	jsonw_raw(out,
	    "{\"message\": \"Invalid Form Body\", \"code\": 50035, \"errors\": ");
	put_error_path(out, path, code, text);
	jsonw_raw(out, "}");
}

void
call_gateway(struct call *call)
{
	call->answer->status = 200;
	jsonw_fmt(&call->answer->body, "{\"url\":\"%s\"}", call->sim->gateway_url);
}

void
call_gateway_bot(struct call *call)
{
	struct sim *sim = call->sim;

	call->answer->status = 200;
	jsonw_fmt(&call->answer->body,
	    "{\"url\":\"%s\",\"session_start_limit\":{\"max_concurrency\":%" PRIu64
	    ",\"remaining\":%" PRIu64 ",\"reset_after\":%" PRId64 ",\"total\":%" PRIu64
	    "},\"shards\":%" PRIu64 "}",
	    sim->gateway_url, sim->argv.max_concurrency, budget_remaining(sim),
	    budget_reset_after_ms(sim), sim->argv.session_total, sim->argv.shards);
}

void
call_me(struct call *call)
{
	call->answer->status = 200;
	world_put_user(&call->sim->world, &call->answer->body, WORLD_BOT, true);
}

void
call_application(struct call *call)
{
	struct jsonw *body = &call->answer->body;

	call->answer->status = 200;
	jsonw_raw(body, "{\"id\":");
	jsonw_id(body, world_bot_id());
	jsonw_raw(body,
	    ",\"name\":\"gwsim\",\"icon\":null,\"description\":\"\","
	    "\"summary\":\"\",\"type\":null,\"bot_public\":false,"
	    "\"bot_require_code_grant\":false,\"verify_key\":\"00\","
	    "\"flags\":565248,\"flags_new\":\"565248\",\"team\":null,\"bot\":");
	world_put_user(&call->sim->world, body, WORLD_BOT, false);
	jsonw_raw(body, ",\"owner\":");
	world_put_user(&call->sim->world, body, 0, false);
	jsonw_raw(body, "}");
}

size_t
call_characters_of(const char *text)
{
	size_t count = 0;

	for (; *text != '\0'; text++) {
		count += ((unsigned char)*text & 0xC0) != 0x80 ? 1 : 0;
	}
	return count;
}

/* The content of a body, "" beside embeds; NULL after an error was answered. */
static const char *
take_content(struct call *call, const cJSON *body)
{
	const cJSON *content = member_of(body, "content");
	bool embeds = cJSON_GetArraySize(member_of(body, "embeds")) > 0;

	if (!content || cJSON_IsNull(content) ||
	    (cJSON_IsString(content) && content->valuestring[0] == '\0')) {
		if (embeds) {
			return "";
		}
		call_error(call, 400, 50006, "Cannot send an empty message");
		return NULL;
	}
	if (!cJSON_IsString(content)) {
		call_form_error(call, "content", "STRING_TYPE_CONVERT",
		    "Could not interpret value as string.");
		return NULL;
	}
	if (call_characters_of(content->valuestring) > CONTENT_MAX_CHARACTERS) {
		call_form_error(call, "content", "BASE_TYPE_MAX_LENGTH",
		    "Must be 2000 or fewer in length.");
		return NULL;
	}
	return content->valuestring;
}

bool
call_take_draft(struct call *call, const cJSON *body, struct call_draft *draft)
{
	const cJSON *embeds = member_of(body, "embeds");

	*draft = (struct call_draft){.content = take_content(call, body)};
	if (!draft->content) {
		return false;
	}
	if (cJSON_GetArraySize(embeds) > EMBEDS_MAX) {
		call_form_error(call, "embeds", "BASE_TYPE_MAX_LENGTH",
		    "Must be 10 or fewer in length.");
		return false;
	}
	if (!mentions_check(call, member_of(body, "allowed_mentions"))) {
		return false;
	}
	draft->embeds = cJSON_IsArray(embeds) ? cJSON_PrintUnformatted(embeds) : NULL;
	return true;
}

void
call_apply_draft(struct message *message, const cJSON *body,
    const struct call_draft *draft, bool all)
{
	struct world_mentions mentions = {.user_count = 0};
	bool content = member_of(body, "content") != NULL;

	/* What the body does not name stays as it is. */
	if (member_of(body, "embeds")) {
		messages_set_embeds(message, draft->embeds);
	}
	messages_edit(message, content ? draft->content : message->content,
	    clock_wall_ms());
	mentions_find(&mentions, message->content, member_of(body, "allowed_mentions"),
	    all);
	messages_set_mentions(message, &mentions);
}

void
call_put_message(struct call *call, const struct message *message)
{
	struct world_message shown = message->shown;

	messages_link(call->sim->messages, &shown);
	(void)world_put_message(&call->sim->world, &call->answer->body, &shown, false,
	    true);
}

uint64_t
call_query_number(const struct call *call, const char *name, uint64_t otherwise)
{
	struct slice value;
	char text[24];

	if (!http_query_find(call->request->query, name, &value) ||
	    !slice_copy(value, text, sizeof text)) {
		return otherwise;
	}
	return strtoull(text, NULL, 10);
}

void
call_guild(struct call *call)
{
	call->answer->status = 200;
	world_put_guild(&call->sim->world, &call->answer->body, call->guild);
}

void
call_guild_channels(struct call *call)
{
	call->answer->status = 200;
	world_put_channels(&call->sim->world, &call->answer->body, call->guild);
}

void
call_guild_roles(struct call *call)
{
	call->answer->status = 200;
	world_put_roles(&call->answer->body, call->guild);
}

/* The user of the path; false after an error was answered. */
static bool
take_user(struct call *call, int code, const char *problem, int *user)
{
	char text[24];

	(void)snprintf(text, sizeof text, "%" PRIu64, call->user_id);
	*user = WORLD_BOT;
	if (call->user_id != world_bot_id() &&
	    !world_find_user(&call->sim->world, text, user)) {
		call_error(call, 404, code, problem);
		return false;
	}
	call->answer->status = 200;
	return true;
}

void
call_user(struct call *call)
{
	int user = 0;

	if (take_user(call, 10013, "Unknown User", &user)) {
		world_put_user(&call->sim->world, &call->answer->body, user, false);
	}
}

void
call_guild_member(struct call *call)
{
	int user = 0;

	if (take_user(call, 10007, "Unknown Member", &user)) {
		world_put_member(&call->sim->world, &call->answer->body, call->guild,
		    user, true);
	}
}
