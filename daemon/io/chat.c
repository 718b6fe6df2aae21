#include "chat_parts.h"

#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "payload_scan.h"
#include "xalloc.h"

/* Five at once, then one in 2 s each; over all 20 at once, then ten a second. */
static const struct throttle_rule rule_one = {5, CLOCK_S(2)};
static const struct throttle_rule rule_all = {20, CLOCK_MS(100)};

struct chat_stats
chat_stats(const struct chat *chat)
{
	struct chat_stats stats = chat->stats;

	for (size_t i = 0; i < CHAT_CALLS_MAX; i++) {
		stats.calls += chat->deeds[i].call != 0 ? 1 : 0;
	}
	return stats;
}

/* ---- servers that are not known ---- */

static void take_message(struct chat *chat, struct slice data, mono_ns now, bool last);
static void take_member(struct chat *chat, struct slice data, mono_ns now, bool last);

/* The oldest channel of a server may have its id. */
static bool
is_for(const struct chat_waiting *waiting, uint64_t target, bool channel)
{
	return waiting->target == target && waiting->channel == channel;
}

/* All that waited for it get their turn; what they lack now they do without. */
static void
wake_waiting(struct chat *chat, uint64_t target, bool channel, mono_ns now)
{
	for (size_t i = 0; i < CHAT_WAITING_MAX; i++) {
		struct chat_waiting *waiting = &chat->waiting[i];
		struct slice data = {waiting->data, waiting->size};
		char *owned_data = waiting->data;

		if (!is_for(waiting, target, channel)) {
			continue;
		}
		bool member = waiting->member;

		*waiting = (struct chat_waiting){.chat = NULL};
		if (member) {
			take_member(chat, data, now, true);
		} else {
			take_message(chat, data, now, true);
		}
		free(owned_data);
	}
}

static void
on_known(void *ctx, const struct rest_answer *answer, mono_ns now)
{
	const struct chat_waiting *waiting = ctx;
	struct chat *chat = waiting->chat;
	uint64_t target = waiting->target;
	bool channel = waiting->channel;

	if (answer->error) {
		chat_tell_refusal(chat, REFUSAL_READ, target, answer, now);
	}
	if (channel) {
		uint64_t guild = 0;

		if (!answer->error) {
			(void)message_id(payload_scan_find(answer->body, "guild_id"),
			    &guild);
		}
		chat_note_place(chat, target, guild, now);
	} else if (answer->error || !guilds_put(chat->guilds, answer->body)) {
		guilds_put_failed(chat->guilds, target, now);
	}
	wake_waiting(chat, target, channel, now);
}

/* Keeps a dispatch until its server or channel is known; false where it cannot wait. */
bool
chat_wait_for(struct chat *chat, uint64_t target, bool channel, bool member,
    struct slice data)
{
	struct chat_waiting *place = NULL;
	bool asked = false;

	for (size_t i = 0; i < CHAT_WAITING_MAX; i++) {
		asked = asked || is_for(&chat->waiting[i], target, channel);
		place = chat->waiting[i].target == 0 ? &chat->waiting[i] : place;
	}
	if (!place) {
		return false;
	}
	*place = (struct chat_waiting){
	    .chat = chat,
	    .target = target,
	    .channel = channel,
	    .member = member,
	    .data = xstrndup(data.data, data.size),
	    .size = data.size,
	};
	if (!asked) {
		place->call = channel ?
		    discord_channel(chat->options.rest, target, on_known, place) :
		    discord_guild(chat->options.rest, target, on_known, place);
	}
	if (!asked && place->call == 0) {
		free(place->data);
		*place = (struct chat_waiting){.chat = NULL};
		return false;
	}
	return true;
}

/* The server; NULL where it is not known, and with *ask where it can be asked for. */
const struct guild *
chat_find_guild(struct chat *chat, uint64_t id, mono_ns now, bool *ask)
{
	const struct guild *guild = guilds_find(chat->guilds, id);
	bool failed = guild && guild->failed_at != 0;

	*ask = !guild || (failed && now - guild->failed_at >= CHAT_ASK_AGAIN);
	return failed ? NULL : guild;
}

void
chat_add_guild(const struct guild *guild, struct bot_request *request)
{
	if (guild) {
		request->server = slice_of(guild->name);
		request->members = guild->members;
		request->administrator = guild_is_administrator(guild, request->user,
		    request->roles, request->role_count);
	}
}

/* ---- commands ---- */

static void
log_command(const struct bot_request *request, enum bot_command command,
    enum chat_result result)
{
	const char *word = bot_command_word(command);

	log_info("chat_command",
	    KV("command",
		command == BOT_COMMAND_CUSTOM ? request->name : slice_of(word)),
	    KV("user", request->user), KV("guild", request->guild),
	    KV("channel", request->channel), KV("result", chat_result_word(result)));
}

static enum chat_result
answer_command(struct chat *chat, const struct bot_request *request,
    enum bot_command command, mono_ns now)
{
	struct bot_facts facts;
	struct buf text;

	chat->options.facts(chat->options.ctx, now, &facts);
	if (request->user == facts.own_user) {
		return CHAT_IGNORED;
	}
	buf_init(&text, BOT_TEXT_MAX_BYTES);
	struct bot_answer answer = {.text = &text};
	enum chat_result result = CHAT_IGNORED;

	bot_judge(chat->options.bot, request, &facts, &answer);
	if (answer.verdict != BOT_IGNORE) {
		struct chat_deed model = {
		    .chat = chat,
		    .command = command,
		    .channel = request->channel,
		    .message = request->message,
		    .nonce = nonce_of(NONCE_REPLY, &request->message, 1),
		};

		result = answer.verdict == BOT_REFUSE ? CHAT_REFUSED : CHAT_ANSWERED;
		result = chat_act(chat, model, &answer, request->user) ? result :
									 CHAT_DROPPED;
		log_command(request, command, result);
	}
	if (answer.reboot) {
		chat->options.reboot(chat->options.ctx, now);
	}
	buf_fini(&text);
	return result;
}

static bool
is_stale_reboot(const struct chat *chat, enum bot_command command, uint64_t message)
{
	return command == BOT_COMMAND_REBOOT &&
	    incoming_made_ms(message) < chat->options.started_wall_ms;
}

/* last: it waited for its server already. */
static void
take_command(struct chat *chat, struct slice data, mono_ns now, bool last)
{
	struct bot_request request = incoming_request(&chat->incoming);
	enum bot_command command = bot_find(chat->options.bot, request.name);
	bool ask = false;

	if (command == BOT_COMMAND_NONE) {
		return;
	}
	if (!last) {
		if (is_stale_reboot(chat, command, request.message)) {
			chat_count(chat, command, false, CHAT_IGNORED);
			return;
		}
		if (!throttle_take(&chat->throttle, request.user, now)) {
			chat_count(chat, command, false, CHAT_DROPPED);
			chat_count_drop(chat, now);
			return;
		}
		if (!incoming_is_new(&chat->seen, request.message, now,
			CHAT_SEEN_WITHIN)) {
			return;
		}
		log_debug("chat_text", KV("user", request.user),
		    KV("text", (const char *)chat->incoming.text));
	}
	if (request.guild != 0) {
		chat_add_guild(chat_find_guild(chat, request.guild, now, &ask),
		    &request);
	}
	if (!last && ask && bot_needs_guild(chat->options.bot, &request) &&
	    chat_wait_for(chat, request.guild, false, false, data)) {
		return;
	}
	chat_count(chat, command, false, answer_command(chat, &request, command, now));
}

/* ---- dispatches ---- */

static void
take_message(struct chat *chat, struct slice data, mono_ns now, bool last)
{
	if (!chat->hears && !chat->greets) {
		return;
	}
	if (!incoming_message(data, chat->config->chat_prefix, &chat->incoming)) {
		return;
	}
	if (chat->incoming.kind == INCOMING_COMMAND) {
		if (chat->hears) {
			take_command(chat, data, now, last);
		}
	} else if (chat->greets) {
		chat_take_joined(chat, data, now, last);
	}
}

static void
take_member(struct chat *chat, struct slice data, mono_ns now, bool last)
{
	if (chat->greets && incoming_member(data, &chat->incoming)) {
		chat_take_joined(chat, data, now, last);
	}
}

static void
on_dispatch(void *ctx, const struct dispatch_event *event)
{
	struct chat *chat = ctx;

	if (slice_equal(event->type, SLICE_LITERAL("MESSAGE_CREATE"))) {
		take_message(chat, event->data, event->now, false);
		return;
	}
	guilds_take(chat->guilds, event->type, event->data);
	if (slice_equal(event->type, SLICE_LITERAL("GUILD_MEMBER_ADD"))) {
		take_member(chat, event->data, event->now, false);
	}
}

/* ---- begin and end ---- */

bool
chat_can_hear(uint32_t intents)
{
	/* The text of direct messages comes without MESSAGE_CONTENT. */
	return (intents & CHAT_INTENT_DIRECT) != 0 ||
	    ((intents & CHAT_INTENT_GUILD) != 0 &&
		(intents & CHAT_INTENT_CONTENT) != 0);
}

struct chat *
chat_new(const struct chat_options *options)
{
	struct chat *chat = xzalloc(sizeof *chat);

	chat->options = *options;
	chat->consumer = (struct dispatch_consumer){.take = on_dispatch, .ctx = chat};
	chat->throttle.one = rule_one;
	chat->throttle.all = rule_all;
	return chat;
}

/* Messages are most of what a gateway sends: they are wanted only where they are read.
 */
static struct dispatch_set
wants_of(const struct chat *chat)
{
	struct dispatch_set wants = {{0}};

	guilds_add_wants(&wants);
	if (chat->hears || chat->greets) {
		dispatch_set_add(&wants, DISPATCH_NAME_MESSAGE_CREATE);
	}
	return wants;
}

void
chat_configure(struct chat *chat, const struct config *config)
{
	struct bot_menu_entry first;
	uint32_t intents = config->discord_intents;

	chat->config = config;
	bool commands = bot_menu(chat->options.bot, &first, 1) > 0;

	chat->hears = chat_can_hear(intents) && commands;
	chat->greets = bot_greetings(chat->options.bot) > 0 &&
	    (intents & (CHAT_INTENT_MEMBERS | CHAT_INTENT_GUILD)) != 0;
	/* Slash commands come whatever the intents are, and ask for servers. */
	bool wanted = commands || chat->greets;
	struct dispatch_set wants = wants_of(chat);

	dispatch_want(chat->options.dispatch, &chat->consumer, &wants);
	if (wanted && !chat->docked) {
		/* What was missed meanwhile would be wrong. */
		guilds_free(chat->guilds);
		chat->guilds = guilds_new();
		dispatch_dock(chat->options.dispatch, &chat->consumer);
	} else if (!wanted && chat->docked) {
		dispatch_undock(chat->options.dispatch, &chat->consumer);
	}
	chat->docked = wanted;
}

const struct guild *
chat_guild(struct chat *chat, uint64_t id)
{
	const struct guild *guild = chat->docked ? guilds_find(chat->guilds, id) : NULL;

	return guild && guild->failed_at == 0 ? guild : NULL;
}

void
chat_free(struct chat *owned_chat)
{
	struct chat *chat = owned_chat;

	if (!chat) {
		return;
	}
	if (chat->docked) {
		dispatch_undock(chat->options.dispatch, &chat->consumer);
	}
	for (size_t i = 0; i < CHAT_CALLS_MAX; i++) {
		if (chat->deeds[i].call != 0) {
			rest_cancel(chat->options.rest, chat->deeds[i].call);
		}
	}
	for (size_t i = 0; i < CHAT_WAITING_MAX; i++) {
		if (chat->waiting[i].call != 0) {
			rest_cancel(chat->options.rest, chat->waiting[i].call);
		}
		free(chat->waiting[i].data);
	}
	guilds_free(chat->guilds);
	free(chat);
}
