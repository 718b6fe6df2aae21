/* Calls about messages and reactions. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "calls.h"
#include "mentions.h"
#include "messages.h"
#include "xalloc.h"

#define NONCE_MAX_CHARACTERS 25
#define TYPE_MENU            23 /* the answer to a command of a context menu */
#define BULK_MIN             2
#define BULK_MAX             100
#define FLAG_NO_EMBEDS       4U
#define FLAG_SILENT          4096U

/* Bulk deletion is for what is younger. */
#define BULK_AGE_MS (INT64_C(14) * 86400000)

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

/* The nonce as JSON text in out, "" for none; false after an error was answered. */
static bool
take_nonce(struct call *call, struct jsonw *out)
{
	const cJSON *nonce = member(call, "nonce");

	if (!nonce || cJSON_IsNull(nonce)) {
		return true;
	}
	if (cJSON_IsString(nonce) &&
	    call_characters_of(nonce->valuestring) <= NONCE_MAX_CHARACTERS) {
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

/* People can wave at whoever joined, which is a reply: bots are refused here, since the
 * reference says so of all such messages. */
static bool
is_system(const struct world_message *message)
{
	return message->type != 0 && message->type != WORLD_TYPE_REPLY &&
	    message->type != WORLD_TYPE_SLASH && message->type != TYPE_MENU;
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
	if (call_lacks(call, RIGHT_HISTORY)) {
		call_error(call, 400, 160002,
		    "Cannot reply without permission to read message history");
		return false;
	}
	*reply_to = strtoull(id->valuestring, NULL, 10);
	const struct message *target =
	    messages_find(call->sim->messages, call->channel_id, *reply_to);

	if (target && is_system(&target->shown)) {
		call_form_error(call, "message_reference",
		    "REPLIES_CANNOT_REPLY_TO_SYSTEM_MESSAGE",
		    "Cannot reply to a system message");
		return false;
	}
	if (!target && !cJSON_IsFalse(fail)) {
		call_form_error(call, "message_reference", "REPLIES_UNKNOWN_MESSAGE",
		    "Unknown message");
		return false;
	}
	*reply_to = target ? *reply_to : 0;
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
	if (!call_open_thread(call, call->channel_id)) {
		return;
	}
	message.id = world_new_id(&sim->world);
	struct message *kept = messages_add(sim->messages, &message);

	call->answer->status = 200;
	call_put_message(call, kept);
	rest_publish_message(sim, "MESSAGE_CREATE", &kept->shown);
	world_touch_thread(&sim->world, call->channel_id, kept->shown.id);
}

void
call_message_create(struct call *call)
{
	struct call_draft draft;
	struct jsonw nonce;

	if (!call_may_write(call) || !call_take_draft(call, call->body, &draft)) {
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

struct message *
call_take_message(struct call *call)
{
	if (!call_may(call, RIGHT_VIEW)) {
		return NULL;
	}
	struct message *message =
	    messages_find(call->sim->messages, call->channel_id, call->message_id);

	if (!message) {
		call_error(call, 404, 10008, "Unknown Message");
	}
	return message;
}

/* Which messages of a channel are wanted. */
struct window {
	uint64_t before; /* 0: not given */
	uint64_t after;
	uint64_t around;
	uint64_t limit;
};

/* False after an error was answered. */
static bool
take_window(struct call *call, struct window *window)
{
	*window = (struct window){
	    .before = call_query_number(call, "before", 0),
	    .after = call_query_number(call, "after", 0),
	    .around = call_query_number(call, "around", 0),
	    .limit = call_query_number(call, "limit", 50),
	};
	int given = (window->before ? 1 : 0) + (window->after ? 1 : 0) +
	    (window->around ? 1 : 0);

	if (window->limit < 1 || window->limit > 100) {
		call_form_error(call, "limit", "NUMBER_TYPE_MAX",
		    "int value should be between 1 and 100.");
		return false;
	}
	if (given > 1) {
		call_form_error(call, "before", "BASE_TYPE_BAD_COMBINATION",
		    "before, after and around exclude each other.");
		return false;
	}
	return true;
}

/* The first one to show, where count messages stand newest first. */
static size_t
first_of(const struct message *const *list, size_t count, const struct window *window)
{
	size_t at = 0;

	if (window->before != 0) {
		while (at < count && list[at]->shown.id >= window->before) {
			at++;
		}
	} else if (window->after != 0) {
		/* Those that follow it, not the newest ones of all. */
		while (at < count && list[at]->shown.id > window->after) {
			at++;
		}
		at = at > window->limit ? at - window->limit : 0;
	} else if (window->around != 0) {
		while (at < count && list[at]->shown.id > window->around) {
			at++;
		}
		at = at > window->limit / 2 ? at - window->limit / 2 : 0;
	}
	return at;
}

static void
put_window(struct call *call, const struct message *const *list, size_t count,
    const struct window *window)
{
	size_t first = first_of(list, count, window);

	for (size_t i = first; i < count && i - first < window->limit &&
	     list[i]->shown.id > window->after;
	     i++) {
		jsonw_raw(&call->answer->body, i > first ? "," : "");
		call_put_message(call, list[i]);
	}
}

void
call_message_list(struct call *call)
{
	const struct message **list = xzalloc(MESSAGES_KEPT * sizeof(struct message *));
	struct window window;

	if (call_may(call, RIGHT_VIEW) && take_window(call, &window)) {
		/* Without the history there is none, and no error either. */
		size_t count = call_lacks(call, RIGHT_HISTORY) ?
		    0 :
		    messages_of_channel(call->sim->messages, call->channel_id, list);

		call->answer->status = 200;
		jsonw_raw(&call->answer->body, "[");
		put_window(call, list, count, &window);
		jsonw_raw(&call->answer->body, "]");
	}
	free(list);
}

void
call_message_get(struct call *call)
{
	const struct message *message =
	    call_may(call, RIGHT_HISTORY) ? call_take_message(call) : NULL;

	if (message) {
		call->answer->status = 200;
		call_put_message(call, message);
	}
}

void
call_message_edit(struct call *call)
{
	struct message *message = call_take_message(call);

	if (!message) {
		return;
	}
	if (message->shown.author != WORLD_BOT) {
		call_error(call, 403, 50005,
		    "Cannot edit a message authored by another user");
		return;
	}
	struct call_draft draft;

	if (call_is_unarchived(call) && call_take_draft(call, call->body, &draft)) {
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
	struct message *message = call_take_message(call);

	if (!message || !call_is_unarchived(call) ||
	    (message->shown.author != WORLD_BOT &&
		!call_may(call, RIGHT_MANAGE_MESSAGES))) {
		return;
	}
	message->deleted = true;
	call->answer->status = 204;
	rest_publish_delete(call->sim, &message->shown);
}

static bool
is_told_twice(const cJSON *ids, const cJSON *id)
{
	const cJSON *at = NULL;

	cJSON_ArrayForEach(at, ids)
	{
		if (at == id) {
			return false;
		}
		if (strcmp(at->valuestring, id->valuestring) == 0) {
			return true;
		}
	}
	return false;
}

/* One bad id fails all of them; false after an error was answered. */
static bool
check_bulk(struct call *call, const cJSON *ids)
{
	uint64_t oldest =
	    world_old_id(&call->sim->world, clock_wall_ms() - BULK_AGE_MS) &
	    ~WORLD_LOW_MASK;
	const cJSON *id = NULL;

	cJSON_ArrayForEach(id, ids)
	{
		if (!cJSON_IsString(id) || id->valuestring[0] < '0' ||
		    id->valuestring[0] > '9') {
			call_form_error(call, "messages", "NUMBER_TYPE_COERCE",
			    "Value is not snowflake.");
			return false;
		}
		if (is_told_twice(ids, id)) {
			call_form_error(call, "messages",
			    "SET_TYPE_ALREADY_CONTAINS_VALUE",
			    "The set already contains this value");
			return false;
		}
		if (strtoull(id->valuestring, NULL, 10) < oldest) {
			call_error(call, 400, 50034,
			    "You can only bulk delete messages that are under 14 days "
			    "old.");
			return false;
		}
	}
	return true;
}

void
call_bulk_delete(struct call *call)
{
	const cJSON *ids = member(call, "messages");
	const cJSON *id = NULL;
	int count = cJSON_IsArray(ids) ? cJSON_GetArraySize(ids) : 0;
	struct jsonw out;

	if (!call_may(call, RIGHT_MANAGE_MESSAGES) || !call_is_unarchived(call)) {
		return;
	}
	if (count < BULK_MIN || count > BULK_MAX) {
		call_error(call, 400, 50016,
		    "Provided too few or too many messages to delete. Must provide at "
		    "least 2 and fewer than 100 messages to delete");
		return;
	}
	if (!check_bulk(call, ids)) {
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
	struct message *message = call_take_message(call);

	if (!message || !call_is_unarchived(call) || !call_may(call, RIGHT_HISTORY) ||
	    !call_may(call, RIGHT_REACT)) {
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
	struct message *message = call_take_message(call);

	if (!message || !call_is_unarchived(call)) {
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
	if (!call_may_write(call)) {
		return;
	}
	call->answer->status = 204;
	session_publish(call->sim, call->guild, INTENT_TYPING,
	    world_typing(&call->sim->world, call->channel_id, WORLD_BOT,
		clock_wall_ms()),
	    NULL);
}
