#include "calls.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "budget.h"
#include "mentions.h"
#include "messages.h"

#define CONTENT_MAX_CHARACTERS 2000
#define NONCE_MAX_CHARACTERS   25
#define FLAG_NO_EMBEDS         4U
#define FLAG_SILENT            4096U
#define EMBEDS_MAX             10
#define BULK_MIN               2
#define BULK_MAX               100

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

static const cJSON *
member(const struct call *call, const char *name)
{
	return member_of(call->body, name);
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

static size_t
characters_of(const char *text)
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
	if (characters_of(content->valuestring) > CONTENT_MAX_CHARACTERS) {
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

/* The nonce as JSON text in out, "" for none; false after an error was answered. */
static bool
take_nonce(struct call *call, struct jsonw *out)
{
	const cJSON *nonce = member(call, "nonce");

	if (!nonce || cJSON_IsNull(nonce)) {
		return true;
	}
	if (cJSON_IsString(nonce) &&
	    characters_of(nonce->valuestring) <= NONCE_MAX_CHARACTERS) {
		jsonw_string(out, slice_of(nonce->valuestring), false);
		return true;
	}
	if (cJSON_IsNumber(nonce) && nonce->valuedouble >= -9007199254740991.0 &&
	    nonce->valuedouble <= 9007199254740991.0 &&
	    (double)(int64_t)nonce->valuedouble == nonce->valuedouble) {
		jsonw_fmt(out, "%.0f", nonce->valuedouble);
		return true;
	}
	call_error(call, 400, 50035, "Invalid Form Body");
	return false;
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

/* What a reply points at; false after an error was answered. */
static bool
take_reference(struct call *call, uint64_t *reply_to)
{
	const cJSON *reference = member(call, "message_reference");
	const cJSON *id = cJSON_GetObjectItemCaseSensitive(reference, "message_id");
	const cJSON *fail =
	    cJSON_GetObjectItemCaseSensitive(reference, "fail_if_not_exists");

	*reply_to = 0;
	if (!reference || cJSON_IsNull(reference)) {
		return true;
	}
	if (!cJSON_IsString(id)) {
		call_error(call, 400, 50035, "Invalid Form Body");
		return false;
	}
	*reply_to = strtoull(id->valuestring, NULL, 10);
	if (!messages_find(call->sim->messages, call->channel_id, *reply_to)) {
		if (!cJSON_IsFalse(fail)) {
			call_error(call, 400, 50035, "Invalid Form Body");
			return false;
		}
		*reply_to = 0;
	}
	return true;
}

/* What a bot may ask for: no embeds, silent. */
static unsigned
take_flags(const cJSON *body)
{
	const cJSON *flags = member_of(body, "flags");

	return cJSON_IsNumber(flags) ?
	    (unsigned)flags->valueint & (FLAG_NO_EMBEDS | FLAG_SILENT) :
	    0;
}

static void
create(struct call *call, const struct call_draft *draft, const char *nonce)
{
	struct sim *sim = call->sim;
	int64_t now_ms = clock_wall_ms();
	struct world_mentions mentions = {.user_count = 0};
	struct world_message message = {.channel_id = call->channel_id,
	    .author = WORLD_BOT,
	    .content = draft->content,
	    .embeds = draft->embeds,
	    .mentions = &mentions,
	    .nonce = nonce[0] != '\0' ? nonce : NULL,
	    .at_ms = now_ms};
	struct message *known =
	    nonce[0] != '\0' && cJSON_IsTrue(member(call, "enforce_nonce")) ?
	    messages_find_nonce(sim->messages, call->channel_id, nonce, now_ms) :
	    NULL;

	if (known) {
		sim->stats.rest_duplicates++;
		call->answer->status = 200;
		call_put_message(call, known);
		return;
	}
	if (!take_reference(call, &message.reply_to_id)) {
		return;
	}
	mentions_find(&mentions, draft->content, member(call, "allowed_mentions"),
	    true);
	mentions_add_replied(&mentions,
	    messages_find(sim->messages, call->channel_id, message.reply_to_id),
	    member(call, "allowed_mentions"));
	message.flags = take_flags(call->body);
	message.id = world_new_id(&sim->world);
	struct message *kept = messages_add(sim->messages, &message);

	call->answer->status = 200;
	call_put_message(call, kept);
	rest_publish_message(sim, "MESSAGE_CREATE", &kept->shown);
}

void
call_message_create(struct call *call)
{
	struct call_draft draft;
	struct jsonw nonce;

	if (!call_take_draft(call, call->body, &draft)) {
		return;
	}
	jsonw_init(&nonce, 512);
	if (take_nonce(call, &nonce)) {
		/* Room for the NUL that a C string wants. */
		(void)buf_append(&nonce.buf, "", 1);
		create(call, &draft, nonce.buf.data);
	}
	jsonw_fini(&nonce);
	cJSON_free(draft.embeds);
}

/* The message of the path; NULL after an error was answered. */
static struct message *
take_message(struct call *call)
{
	struct message *message =
	    messages_find(call->sim->messages, call->channel_id, call->message_id);

	if (!message) {
		call_error(call, 404, 10008, "Unknown Message");
	}
	return message;
}

static uint64_t
query_number(const struct call *call, const char *name, uint64_t otherwise)
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
call_message_list(struct call *call)
{
	uint64_t limit = query_number(call, "limit", 50);
	uint64_t before = query_number(call, "before", UINT64_MAX);
	uint64_t after = query_number(call, "after", 0);
	const struct message *message = NULL;
	uint64_t shown = 0;

	if (limit < 1 || limit > 100) {
		call_error(call, 400, 50035, "Invalid Form Body");
		return;
	}
	call->answer->status = 200;
	jsonw_raw(&call->answer->body, "[");
	for (uint64_t i = 0;
	     shown < limit && (message = messages_nth(call->sim->messages, i)); i++) {
		if (message->deleted || message->shown.channel_id != call->channel_id ||
		    message->shown.id >= before || message->shown.id <= after) {
			continue;
		}
		jsonw_raw(&call->answer->body, shown++ > 0 ? "," : "");
		call_put_message(call, message);
	}
	jsonw_raw(&call->answer->body, "]");
}

void
call_message_get(struct call *call)
{
	const struct message *message = take_message(call);

	if (message) {
		call->answer->status = 200;
		call_put_message(call, message);
	}
}

void
call_message_edit(struct call *call)
{
	struct message *message = take_message(call);

	if (!message) {
		return;
	}
	if (message->shown.author != WORLD_BOT) {
		call_error(call, 403, 50005,
		    "Cannot edit a message authored by another user");
		return;
	}
	struct call_draft draft;

	if (call_take_draft(call, call->body, &draft)) {
		call_apply_draft(message, call->body, &draft, true);
		call->answer->status = 200;
		call_put_message(call, message);
		rest_publish_message(call->sim, "MESSAGE_UPDATE", &message->shown);
		cJSON_free(draft.embeds);
	}
}

void
call_message_delete(struct call *call)
{
	struct message *message = take_message(call);

	if (!message) {
		return;
	}
	message->deleted = true;
	call->answer->status = 204;
	rest_publish_delete(call->sim, &message->shown);
}

void
call_bulk_delete(struct call *call)
{
	const cJSON *ids = member(call, "messages");
	const cJSON *id = NULL;
	int count = cJSON_IsArray(ids) ? cJSON_GetArraySize(ids) : 0;
	struct jsonw out;

	if (count < BULK_MIN || count > BULK_MAX) {
		call_error(call, 400, 50016,
		    "Provided too few or too many messages to delete. Must provide at "
		    "least 2 and fewer than 100 messages to delete");
		return;
	}
	jsonw_init(&out, EVENT_MAX_BYTES);
	jsonw_raw(&out, "{\"ids\":[");
	cJSON_ArrayForEach(id, ids)
	{
		uint64_t number =
		    cJSON_IsString(id) ? strtoull(id->valuestring, NULL, 10) : 0;
		struct message *message =
		    messages_find(call->sim->messages, call->channel_id, number);

		if (message) {
			message->deleted = true;
		}
		jsonw_raw(&out, id->prev && id != ids->child ? "," : "");
		jsonw_id(&out, number);
	}
	jsonw_raw(&out, "],\"channel_id\":");
	jsonw_id(&out, call->channel_id);
	jsonw_raw(&out, ",\"guild_id\":");
	jsonw_id(&out, world_guild_id(call->guild));
	jsonw_raw(&out, "}");
	call->answer->status = 204;
	session_publish(call->sim, call->guild, INTENT_MESSAGES,
	    event_take("MESSAGE_DELETE_BULK", &out, 0), NULL);
}

/* A custom emoji is name:id; any other is Unicode, which plain ASCII is not. */
static bool
emoji_is_known(const char *emoji)
{
	const char *colon = strchr(emoji, ':');

	if (colon) {
		return colon - emoji >= 2 && strspn(colon + 1, "0123456789") >= 17 &&
		    colon[1 + strspn(colon + 1, "0123456789")] == '\0';
	}
	struct slice rest = slice_of(emoji);
	bool beyond_ascii = false;

	while (rest.size > 0) {
		size_t length = jsonw_utf8_length(rest);

		if (length == 0) {
			return false;
		}
		beyond_ascii = beyond_ascii || length > 1;
		rest.data += length;
		rest.size -= length;
	}
	return beyond_ascii;
}

static void
publish_reaction(struct call *call, const char *name)
{
	session_publish(call->sim, call->guild, INTENT_REACTIONS,
	    world_reaction(&call->sim->world, name, call->channel_id, call->message_id,
		WORLD_BOT, call->emoji),
	    NULL);
}

void
call_reaction_add(struct call *call)
{
	struct message *message = take_message(call);

	if (!message) {
		return;
	}
	if (!emoji_is_known(call->emoji)) {
		call_error(call, 400, 10014, "Unknown Emoji");
		return;
	}
	char **place = NULL;

	for (int i = 0; i < MESSAGES_REACTIONS; i++) {
		char **at = &message->reactions[i];

		if (*at && strcmp(*at, call->emoji) == 0) {
			/* There already: nothing happens, and nothing is told. */
			call->answer->status = 204;
			return;
		}
		if (!*at && !place) {
			place = at;
		}
	}
	if (!place) {
		call_error(call, 400, 30010,
		    "Maximum number of reactions reached (20)");
		return;
	}
	size_t size = strlen(call->emoji);

	*place = calloc(1, size + 1);
	if (*place) {
		memcpy(*place, call->emoji, size);
	}
	call->answer->status = 204;
	publish_reaction(call, "MESSAGE_REACTION_ADD");
}

void
call_reaction_remove(struct call *call)
{
	struct message *message = take_message(call);

	if (!message) {
		return;
	}
	call->answer->status = 204;
	for (int i = 0; i < MESSAGES_REACTIONS; i++) {
		char **at = &message->reactions[i];

		if (*at && strcmp(*at, call->emoji) == 0) {
			free(*at);
			*at = NULL;
			publish_reaction(call, "MESSAGE_REACTION_REMOVE");
		}
	}
}

void
call_typing(struct call *call)
{
	call->answer->status = 204;
	session_publish(call->sim, call->guild, INTENT_TYPING,
	    world_typing(&call->sim->world, call->channel_id, WORLD_BOT,
		clock_wall_ms()),
	    NULL);
}
