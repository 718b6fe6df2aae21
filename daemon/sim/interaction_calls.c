/* Calls by which a bot answers interactions. */
#include <string.h>

#include "calls.h"
#include "interactions.h"
#include "mentions.h"
#include "messages.h"

#define CALLBACK_MESSAGE  4
#define CALLBACK_DEFERRED 5

/* What an answer may ask for: no embeds, only for the asker, silent. */
#define FLAGS_ALLOWED (4U | WORLD_FLAG_EPHEMERAL | 4096U)

static const cJSON *
member(const cJSON *object, const char *name)
{
	return cJSON_GetObjectItemCaseSensitive(object, name);
}

static unsigned
take_flags(const cJSON *data)
{
	const cJSON *flags = member(data, "flags");

	return cJSON_IsNumber(flags) ? (unsigned)flags->valueint & FLAGS_ALLOWED : 0;
}

/* Writes a message of the bot's that answers; draft NULL: it is still thinking. */
static struct message *
write_answer(struct call *call, const struct interaction *interaction,
    const cJSON *data, const struct call_draft *draft)
{
	struct sim *sim = call->sim;
	struct world_mentions mentions = {.user_count = 0};
	struct world_message message = {.id = world_new_id(&sim->world),
	    .channel_id = interaction->channel_id,
	    .author = WORLD_BOT,
	    .type = interaction->original_id ? 0 : WORLD_TYPE_SLASH,
	    .reply_to_id = interaction->original_id,
	    .flags = take_flags(data) | (draft ? 0 : WORLD_FLAG_LOADING),
	    .webhook_id = world_bot_id(),
	    .interaction_id = interaction->id,
	    .invoker = interaction->user,
	    .mentions = &mentions,
	    .content = draft ? draft->content : "",
	    .embeds = draft ? draft->embeds : NULL,
	    .at_ms = clock_wall_ms()};

	/* Unlike a message, an answer notifies roles only where that is allowed. */
	mentions_find(&mentions, message.content, member(data, "allowed_mentions"),
	    false);
	struct message *kept = messages_add(sim->messages, &message);

	rest_publish_message(sim, "MESSAGE_CREATE", &kept->shown);
	return kept;
}

static void
put_callback(struct call *call, const struct interaction *interaction, int type,
    const struct message *message)
{
	struct jsonw *out = &call->answer->body;
	unsigned flags = message->shown.flags;

	call->answer->status = 200;
	jsonw_raw(out, "{\"interaction\":{\"id\":");
	jsonw_id(out, interaction->id);
	jsonw_raw(out, ",\"type\":2,\"response_message_id\":");
	jsonw_id(out, message->shown.id);
	jsonw_fmt(out,
	    ",\"response_message_loading\":%s,\"response_message_ephemeral\":%s,"
	    "\"channel_id\":",
	    flags & WORLD_FLAG_LOADING ? "true" : "false",
	    flags & WORLD_FLAG_EPHEMERAL ? "true" : "false");
	jsonw_id(out, interaction->channel_id);
	jsonw_fmt(out, "},\"resource\":{\"type\":%d,\"message\":", type);
	call_put_message(call, message);
	jsonw_raw(out, "}}");
}

static bool
wants_response(const struct call *call)
{
	struct slice value;

	return http_query_find(call->request->query, "with_response", &value) &&
	    (slice_equal(value, SLICE_LITERAL("true")) ||
		slice_equal(value, SLICE_LITERAL("1")));
}

static void
answer(struct call *call, struct interaction *interaction, int type)
{
	const cJSON *data = member(call->body, "data");
	bool deferred = type == CALLBACK_DEFERRED;
	struct call_draft draft = {.content = NULL};

	if (!call_open_thread(call, interaction->channel_id) ||
	    (!deferred && !call_take_draft(call, data, &draft))) {
		return;
	}
	const struct message *message =
	    write_answer(call, interaction, data, deferred ? NULL : &draft);

	interaction->answered = true;
	interaction->original_id = message->shown.id;
	call->answer->status = 204;
	if (wants_response(call)) {
		put_callback(call, interaction, type, message);
	}
	cJSON_free(draft.embeds);
}

void
call_interaction_callback(struct call *call)
{
	struct interaction *interaction =
	    interactions_find(call->sim->interactions, call->token);
	const cJSON *type = member(call->body, "type");

	if (!interaction || interaction->id != call->interaction_id ||
	    (!interaction->answered &&
		call->sim->now - interaction->at > INTERACTION_ANSWER_TIME) ||
	    call->sim->now - interaction->at > INTERACTION_LIFE) {
		call_error(call, 404, 10062, "Unknown interaction");
	} else if (interaction->answered) {
		call_error(call, 400, 40060,
		    "Interaction has already been acknowledged.");
	} else if (!cJSON_IsNumber(type) ||
	    (type->valueint != CALLBACK_MESSAGE &&
		type->valueint != CALLBACK_DEFERRED)) {
		/* Modals are not imitated; the other types answer no command. */
		call_form_error(call, "type", "BASE_TYPE_CHOICES",
		    "Value must be one of {4, 5, 9, 12}.");
	} else {
		answer(call, interaction, type->valueint);
	}
}

/* The answered interaction of the path; NULL after an error was answered. */
static struct interaction *
take_interaction(struct call *call)
{
	struct interaction *interaction =
	    interactions_find(call->sim->interactions, call->token);

	if (!interaction || !interaction->answered ||
	    call->application_id != world_bot_id()) {
		call_error(call, 404, 10015, "Unknown Webhook");
		return NULL;
	}
	if (call->sim->now - interaction->at > INTERACTION_LIFE) {
		call_error(call, 401, 50027, "Invalid Webhook Token");
		return NULL;
	}
	return interaction;
}

/* The message of the path; NULL after an error was answered. */
static struct message *
take_message(struct call *call)
{
	const struct interaction *interaction = take_interaction(call);

	if (!interaction) {
		return NULL;
	}
	struct message *message = messages_find_any(call->sim->messages,
	    call->message_id ? call->message_id : interaction->original_id);

	if (!message || message->shown.interaction_id != interaction->id) {
		call_error(call, 404, 10008, "Unknown Message");
		return NULL;
	}
	return message;
}

void
call_follow_up(struct call *call)
{
	const struct interaction *interaction = take_interaction(call);
	struct call_draft draft;

	if (interaction && call_take_draft(call, call->body, &draft)) {
		call->answer->status = 200;
		call_put_message(call,
		    write_answer(call, interaction, call->body, &draft));
		cJSON_free(draft.embeds);
	}
}

void
call_answer_get(struct call *call)
{
	const struct message *message = take_message(call);

	if (message) {
		call->answer->status = 200;
		call_put_message(call, message);
	}
}

void
call_answer_edit(struct call *call)
{
	struct message *message = take_message(call);
	struct call_draft draft;

	if (message && call_take_draft(call, call->body, &draft)) {
		message->shown.flags &= ~WORLD_FLAG_LOADING;
		call_apply_draft(message, call->body, &draft, false);
		call->answer->status = 200;
		call_put_message(call, message);
		rest_publish_message(call->sim, "MESSAGE_UPDATE", &message->shown);
		cJSON_free(draft.embeds);
	}
}

void
call_answer_delete(struct call *call)
{
	struct message *message = take_message(call);

	if (message) {
		message->deleted = true;
		call->answer->status = 204;
		rest_publish_delete(call->sim, &message->shown);
	}
}
