/* Commands by which people do things: they write, and become members. */
#include <inttypes.h>
#include <string.h>

#include "commands.h"
#include "mentions.h"
#include "messages.h"
#include "rest.h"
#include "rights.h"
#include "who.h"

#define TYPE_MAX 99

/* What is kept of the messages of all channels bounds what one command makes. */
#define COUNT_MAX UINT64_C(10000)

struct say {
	struct who who;
	struct world_message message;
	int64_t age_ms;
	uint64_t count;
	uint64_t edit_id;
	bool quiet; /* nobody is told */
};

/* "last" is the newest message of all. */
static bool
read_message_id(struct command *command, const char *text, uint64_t *id)
{
	if (text && strcmp(text, "last") == 0) {
		*id = messages_last_id(command->sim->messages);
		return true;
	}
	return command_number(text, 1, UINT64_MAX, id);
}

static bool
take_number(struct command *command, const struct who_word *word, struct say *say)
{
	const char *value = word->value;
	uint64_t number = 0;

	if (strcmp(word->key, "type") == 0) {
		bool good = command_number(value, 0, TYPE_MAX, &number);

		say->message.type = (int)number;
		return good;
	}
	if (strcmp(word->key, "webhook") == 0) {
		return command_number(value, 1, UINT64_MAX, &say->message.webhook_id);
	}
	if (strcmp(word->key, "reply") == 0) {
		return read_message_id(command, value, &say->message.reply_to_id);
	}
	if (strcmp(word->key, "edit") == 0) {
		return read_message_id(command, value, &say->edit_id);
	}
	if (strcmp(word->key, "count") == 0) {
		return command_number(value, 1, COUNT_MAX, &say->count);
	}
	return who_read_age(value, &say->age_ms);
}

static void
take_word(struct command *command, const struct who_word *word, struct say *say)
{
	if (who_take(command, word, &say->who)) {
		return;
	}
	if (strcmp(word->key, "bot") == 0) {
		say->message.other_bot = true;
	} else if (strcmp(word->key, "pinned") == 0) {
		say->message.pinned_ms = clock_wall_ms();
	} else if (strcmp(word->key, "quiet") == 0) {
		say->quiet = true;
	} else if (!take_number(command, word, say)) {
		command->error = "a word has no good value";
	}
}

static void
edit(struct command *command, const struct say *say)
{
	struct message *message =
	    messages_find_any(command->sim->messages, say->edit_id);

	if (!message) {
		command->error = "no such message";
		return;
	}
	messages_edit(message, command->text, clock_wall_ms());
	rest_publish_message(command->sim, "MESSAGE_UPDATE", &message->shown);
}

/* A message of the past is there without anyone being told of it. */
static void
write_one(struct command *command, const struct say *say)
{
	struct sim *sim = command->sim;
	struct world_message message = say->message;
	struct world_mentions mentions = {.user_count = 0};

	mentions_find(&mentions, command->text, NULL, true);
	mentions_add_replied(&mentions,
	    messages_find(sim->messages, message.channel_id, message.reply_to_id),
	    NULL);
	if (message.pinned_ms != 0) {
		message.pinned_ms = messages_pin_time(sim->messages, clock_wall_ms());
	}
	message.mentions = &mentions;
	message.content = command->text;
	message.at_ms = clock_wall_ms() - say->age_ms;
	message.id = say->age_ms > 0 ? world_old_id(&sim->world, message.at_ms) :
				       world_new_id(&sim->world);
	struct message *kept = messages_add(sim->messages, &message);

	world_touch_thread(&sim->world, message.channel_id, message.id);
	if (say->age_ms == 0 && !say->quiet) {
		rest_publish_message(sim, "MESSAGE_CREATE", &kept->shown);
	}
}

static void
put_say(struct command *command, const struct say *say, uint64_t message_id)
{
	struct jsonw *answer = command->answer;

	command->answered = true;
	jsonw_raw(answer, "{\"ok\":true,\"guild_id\":");
	jsonw_id(answer, world_guild_id(say->who.guild));
	jsonw_raw(answer, ",\"channel_id\":");
	jsonw_id(answer, say->who.channel_id);
	jsonw_raw(answer, ",\"message_id\":");
	jsonw_id(answer, message_id);
	jsonw_raw(answer, ",\"author_id\":");
	jsonw_id(answer,
	    say->message.webhook_id ? say->message.webhook_id :
				      world_user_id(say->who.user));
	jsonw_raw(answer, "}");
}

void
command_say(struct command *command)
{
	static const char *const keys[] = {WHO_KEYS, "bot",
	    "webhook=", "type=", "reply=", "age=", "pinned", "count=", "quiet",
	    "edit=", NULL};
	struct say say = {.who = who_default(), .count = 1};
	struct who_word word;

	while (!command->error && who_take_word(command, keys, &word)) {
		take_word(command, &word, &say);
	}
	who_settle(command, &say.who);
	say.message.author = say.who.user;
	say.message.roles = say.who.roles;
	say.message.channel_id = say.who.channel_id;
	if (!command->error && say.edit_id != 0) {
		edit(command, &say);
	}
	for (uint64_t i = 0; !command->error && say.edit_id == 0 && i < say.count;
	     i++) {
		write_one(command, &say);
	}
	if (!command->error) {
		put_say(command, &say,
		    say.edit_id ? say.edit_id :
				  messages_last_id(command->sim->messages));
	}
}

void
command_join(struct command *command)
{
	static const char *const keys[] = {WHO_KEYS, "announce", NULL};
	struct say say = {.who = who_default()};
	bool announce = false;
	struct who_word word;

	while (!command->error && who_take_word(command, keys, &word)) {
		announce = !who_take(command, &word, &say.who) || announce;
	}
	if (!command->error && command->text[0] != '\0') {
		command->error = "a word is not understood";
	}
	/* Whoever is new has no roles yet. */
	say.who.roles.given = true;
	who_settle(command, &say.who);
	if (command->error) {
		return;
	}
	session_publish(command->sim, say.who.guild, INTENT_MEMBERS,
	    world_member_add(&command->sim->world, say.who.guild, say.who.user,
		&say.who.roles),
	    NULL);
	if (announce) {
		say.message = (struct world_message){.author = say.who.user,
		    .type = WORLD_TYPE_JOIN,
		    .channel_id = say.who.channel_id};
		write_one(command, &say);
	}
	put_say(command, &say, announce ? messages_last_id(command->sim->messages) : 0);
}

/* A channel by its number is that of the first guild. */
static bool
read_place(const struct world *world, const char *text, uint64_t *channel_id)
{
	uint64_t guild = 0;

	*channel_id = RIGHTS_ANYWHERE;
	if (strcmp(text, "all") == 0) {
		return true;
	}
	if (!command_number(text, 1, UINT64_MAX, channel_id)) {
		return false;
	}
	*channel_id |= *channel_id <= WORLD_LOW_MASK ? world_guild_id(0) : 0;
	return world_find_channel(world, *channel_id, &guild);
}

void
command_right(struct command *command)
{
	struct sim *sim = command->sim;
	uint64_t channel_id = 0;
	enum right right = RIGHT_VIEW;
	bool on = command->word_count == 3 && strcmp(command->words[2], "on") == 0;

	if (command->word_count != 3 ||
	    (!on && strcmp(command->words[2], "off") != 0)) {
		command->error = "a channel, a right and on or off are wanted";
	} else if (!read_place(&sim->world, command->words[0], &channel_id)) {
		command->error = "no such channel";
	} else if (!rights_find(command->words[1], &right)) {
		command->error = "no such right";
	} else if (!rights_set(sim->rights, channel_id, right, on)) {
		command->error = "too many channels differ";
	}
}
