/* Greetings: those who join the server that a greeting's channel is of get it, once. */
#include "chat_parts.h"

#include "log.h"

void
chat_note_place(struct chat *chat, uint64_t channel, uint64_t guild, mono_ns now)
{
	struct chat_place *place = &chat->places[0];

	for (size_t i = 0; i < CHAT_PLACES_MAX; i++) {
		struct chat_place *other = &chat->places[i];

		if (other->channel == channel) {
			place = other;
			break;
		}
		place = other->at < place->at ? other : place;
	}
	*place = (struct chat_place){channel, guild, now};
}

static const struct chat_place *
find_place(const struct chat *chat, uint64_t channel, mono_ns now)
{
	for (size_t i = 0; i < CHAT_PLACES_MAX; i++) {
		const struct chat_place *place = &chat->places[i];

		if (place->channel == channel &&
		    (place->guild != 0 || now - place->at < CHAT_ASK_AGAIN)) {
			return place;
		}
	}
	return NULL;
}

static void
greet(struct chat *chat, size_t index, const struct bot_request *request,
    uint64_t channel, const struct bot_answer *answer)
{
	const uint64_t causes[] = {request->guild, request->user, index};
	bool announced = request->message != 0;
	struct chat_deed model = {
	    .chat = chat,
	    .greeting = true,
	    .command = BOT_COMMAND_NONE,
	    .channel = announced ? request->channel : channel,
	    .message = request->message,
	    .nonce = nonce_of(NONCE_GREETING, causes, sizeof causes / sizeof *causes),
	};
	bool good = true;

	if (announced && answer->reaction) {
		good = chat_react(chat, &model, answer->reaction);
	} else if (!announced && answer->text->size > 0) {
		good = chat_post(chat, &model, answer, request->user);
	} else {
		return;
	}
	chat_count(chat, BOT_COMMAND_NONE, true, good ? CHAT_ANSWERED : CHAT_DROPPED);
	log_info("chat_greeting", KV("user", request->user),
	    KV("guild", request->guild), KV("channel", model.channel),
	    KV("result", chat_result_word(good ? CHAT_ANSWERED : CHAT_DROPPED)));
}

/* A greeting is for those who join the server that its channel is of.  False where it
 * must be asked for first, which channel says. */
static bool
greet_with(struct chat *chat, size_t index, const struct bot_request *request,
    const struct bot_facts *facts, uint64_t *channel)
{
	struct buf text;

	buf_init(&text, BOT_TEXT_MAX_BYTES);
	struct bot_answer answer = {.text = &text};

	bot_greet(chat->options.bot, index, request, facts, &answer, channel);
	const struct chat_place *place = find_place(chat, *channel, facts->now);

	if (place && place->guild == request->guild && answer.verdict == BOT_ANSWER) {
		greet(chat, index, request, *channel, &answer);
	}
	buf_fini(&text);
	return place != NULL;
}

static bool
is_new_joiner(struct chat *chat, const struct bot_request *request, mono_ns now)
{
	/* Somebody may join several servers, and Discord may announce it. */
	uint64_t key = request->user ^ request->guild * 3 ^ request->message * 5;

	return incoming_is_new(&chat->joined, key | 1U, now, CHAT_SEEN_WITHIN);
}

/* The first channel that must be asked for; 0: none. */
static uint64_t
unknown_channel(struct chat *chat, const struct bot_request *request,
    const struct bot_facts *facts)
{
	uint64_t unknown = 0;

	for (size_t i = 0; i < bot_greetings(chat->options.bot); i++) {
		struct buf text;
		uint64_t channel = 0;

		buf_init(&text, BOT_TEXT_MAX_BYTES);
		struct bot_answer answer = {.text = &text};

		bot_greet(chat->options.bot, i, request, facts, &answer, &channel);
		buf_fini(&text);
		if (!find_place(chat, channel, facts->now)) {
			unknown = channel;
		}
	}
	return unknown;
}

void
chat_take_joined(struct chat *chat, struct slice data, mono_ns now, bool last)
{
	struct bot_request request = incoming_request(&chat->incoming);
	struct bot_facts facts;
	bool member = request.message == 0;
	bool ask = false;

	if (!last && !is_new_joiner(chat, &request, now)) {
		return;
	}
	chat->options.facts(chat->options.ctx, now, &facts);
	uint64_t unknown = unknown_channel(chat, &request, &facts);

	/* Those with several channels in question wait once for each. */
	if (unknown != 0 && chat_wait_for(chat, unknown, true, member, data)) {
		return;
	}
	chat_add_guild(chat_find_guild(chat, request.guild, now, &ask), &request);
	if (ask && chat_wait_for(chat, request.guild, false, member, data)) {
		return;
	}
	if (!last && unknown != 0) {
		chat_count(chat, BOT_COMMAND_NONE, true, CHAT_DROPPED);
		return;
	}
	for (size_t i = 0; i < bot_greetings(chat->options.bot); i++) {
		uint64_t channel = 0;

		(void)greet_with(chat, i, &request, &facts, &channel);
	}
}
