/* What chat does at Discord, and what came of it. */
#include "chat_parts.h"

#include "log.h"

/* Drops are told this often, with their count. */
#define DROPS_AGAIN CLOCK_S(60)

/* Discord: the message is gone, as it should be. */
#define CODE_UNKNOWN_MESSAGE 10008

static const char *const result_words[] = {
#define RESULT_WORD(id, label) label,
    CHAT_RESULT_TABLE(RESULT_WORD)
#undef RESULT_WORD
};

const char *
chat_result_word(enum chat_result result)
{
	return result_words[result];
}

/* ---- what came of it ---- */

void
chat_count_drop(struct chat *chat, mono_ns now)
{
	chat->drops++;
	if (chat->drops_told_at != 0 && now - chat->drops_told_at < DROPS_AGAIN) {
		return;
	}
	log_warning("chat_dropped", KV("count", chat->drops),
	    KV("reason", "more commands than are answered"));
	chat->drops = 0;
	chat->drops_told_at = now;
}

void
chat_count(struct chat *chat, enum bot_command command, bool greeting,
    enum chat_result result)
{
	if (greeting) {
		chat->stats.greetings[result]++;
	} else if (command < BOT_COMMAND_NONE) {
		chat->stats.commands[command][result]++;
	}
}

void
chat_tell_refusal(struct chat *chat, enum refusal_deed kind, uint64_t channel,
    const struct rest_answer *answer, mono_ns now)
{
	char words[256];

	if (!refusals_are_new(&chat->refusals, kind, channel, answer->status,
		answer->code, now)) {
		return;
	}
	refusal_words(kind, answer->status, answer->code, answer->error, words,
	    sizeof words);
	log_warning("chat_refused", KV("channel", channel),
	    KV("status", answer->status), KV("reason", (const char *)words));
}

/* ---- calls ---- */

static struct chat_deed *
free_deed(struct chat *chat)
{
	for (size_t i = 0; i < CHAT_CALLS_MAX; i++) {
		if (chat->deeds[i].call == 0) {
			return &chat->deeds[i];
		}
	}
	return NULL;
}

static void on_deed(void *ctx, const struct rest_answer *answer, mono_ns now);

static void
remove_request(struct chat_deed *deed)
{
	deed->kind = REFUSAL_DELETE;
	deed->remove = false;
	deed->call = discord_delete(deed->chat->options.rest, deed->channel,
	    deed->message, on_deed, deed);
}

static void
on_deed(void *ctx, const struct rest_answer *answer, mono_ns now)
{
	struct chat_deed *deed = ctx;
	bool gone =
	    deed->kind == REFUSAL_DELETE && answer->code == CODE_UNKNOWN_MESSAGE;

	deed->call = 0;
	if (answer->error && !gone) {
		chat_count(deed->chat, deed->command, deed->greeting, CHAT_FAILED);
		chat_tell_refusal(deed->chat, deed->kind, deed->channel, answer, now);
	} else if (deed->remove) {
		remove_request(deed);
	}
}

/* ---- what is to be done ---- */

bool
chat_post(struct chat *chat, const struct chat_deed *model,
    const struct bot_answer *answer, uint64_t user)
{
	struct chat_deed *deed = free_deed(chat);

	if (!deed) {
		return false;
	}
	const struct message_draft draft = {
	    .content = buf_slice(answer->text),
	    .reply_to = model->message,
	    .ping_users = &user,
	    .ping_user_count = answer->ping_user ? 1 : 0,
	    .nonce = model->nonce.text,
	};

	*deed = *model;
	deed->kind = model->message != 0 ? REFUSAL_REPLY : REFUSAL_SEND;
	deed->call =
	    discord_send(chat->options.rest, deed->channel, &draft, on_deed, deed);
	return deed->call != 0;
}

bool
chat_react(struct chat *chat, const struct chat_deed *model, const char *reaction)
{
	struct chat_deed *deed = free_deed(chat);

	if (!deed) {
		return false;
	}
	*deed = *model;
	deed->kind = REFUSAL_REACT;
	deed->call = discord_react(chat->options.rest, deed->channel, deed->message,
	    reaction, on_deed, deed);
	return deed->call != 0;
}

/* The request goes when the last of it is done. */
bool
chat_act(struct chat *chat, struct chat_deed model, const struct bot_answer *answer,
    uint64_t user)
{
	bool text = answer->text->size > 0;
	bool good = true;

	if (answer->reaction) {
		model.remove = answer->remove && !text;
		good = chat_react(chat, &model, answer->reaction);
	}
	if (text) {
		model.remove = answer->remove;
		good = chat_post(chat, &model, answer, user) && good;
	}
	return good;
}
