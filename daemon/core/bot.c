#include "bot.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "bot_health.h"
#include "message.h"
#include "xalloc.h"
#include "zone.h"

#define PADDLE   "\xf0\x9f\x8f\x93" /* U+1F3D3 */
#define ELLIPSIS "\xe2\x80\xa6"

/* Of lists.def, the second row of a command. */
#define ON_JOIN 1

/* The text of a command; the place of it is that in the configuration. */
struct answer_text {
	char *name;
	struct buf text;
};

struct bot {
	const struct config *config; /* NULL: none yet */
	struct answer_text *texts;   /* as many as config->commands */
	size_t text_count;
	struct zone zone;
	bool zone_known; /* else UTC */
	struct {
		uint64_t user; /* 0: nobody */
		mono_ns at;
	} refused[BOT_REFUSED_MAX];
	size_t refused_next; /* the one who was refused longest ago */
};

static const struct own_command {
	enum bot_command command;
	struct bot_menu_entry entry;
} own[] = {
    {BOT_COMMAND_PING, {"ping", "Is the bot there?", false, false}},
    {BOT_COMMAND_HEALTH, {"health", "How the bot does", false, true}},
    {BOT_COMMAND_REBOOT, {"reboot", "Starts the bot anew", false, true}},
};

#define OWN_COUNT (sizeof own / sizeof own[0])

struct bot *
bot_new(void)
{
	return xzalloc(sizeof(struct bot));
}

/* ---- the configuration ---- */

static void
free_texts(struct answer_text *texts, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		free(texts[i].name);
		buf_fini(&texts[i].text);
	}
	free(texts);
}

void
bot_free(struct bot *owned_bot)
{
	if (!owned_bot) {
		return;
	}
	free_texts(owned_bot->texts, owned_bot->text_count);
	free(owned_bot);
}

static void
keep_old_text(const struct bot *bot, struct answer_text *fresh)
{
	fresh->text.size = 0;
	for (size_t i = 0; i < bot->text_count; i++) {
		if (strcmp(bot->texts[i].name, fresh->name) == 0) {
			(void)buf_append(&fresh->text, bot->texts[i].text.data,
			    bot->texts[i].text.size);
		}
	}
}

/* The first problem is told; later ones are of the same kind. */
static void
read_text(const struct bot *bot, const struct config_command *command,
    struct answer_text *out, char *problem, size_t room)
{
	char why[256] = "";

	out->name = xstrdup(command->name);
	buf_init(&out->text, CONFIG_ANSWER_MAX_BYTES);
	if (config_command_text(command, &out->text, why, sizeof why) == GW_OK) {
		return;
	}
	keep_old_text(bot, out);
	if (problem[0] == '\0') {
		(void)snprintf(problem, room, "command \"%s\": %s", command->name, why);
	}
}

void
bot_configure(struct bot *bot, const struct config *config, char *problem, size_t room)
{
	size_t count = config->commands.count;
	struct answer_text *texts =
	    xzalloc((count > 0 ? count : 1) * sizeof(struct answer_text));
	char why[128];

	problem[0] = '\0';
	for (size_t i = 0; i < count; i++) {
		read_text(bot, config_command(config, i), &texts[i], problem, room);
	}
	free_texts(bot->texts, bot->text_count);
	bot->texts = texts;
	bot->text_count = count;
	bot->config = config;
	bot->zone_known =
	    zone_read(config->schedule_timezone, &bot->zone, why, sizeof why) == GW_OK;
}

/* ---- which command ---- */

static bool
is_name(struct slice typed, const char *name)
{
	return typed.size == strlen(name) &&
	    strncasecmp(typed.data, name, typed.size) == 0;
}

static bool
is_switched_on(const struct bot *bot, enum bot_command command)
{
	switch (command) {
	case BOT_COMMAND_PING:
		return bot->config->chat_ping;
	case BOT_COMMAND_HEALTH:
		return bot->config->chat_health;
	case BOT_COMMAND_REBOOT:
		return bot->config->chat_reboot;
	case BOT_COMMAND_CUSTOM:
	case BOT_COMMAND_NONE:
		break;
	}
	return false;
}

/* The place of a custom command in the list; its length: there is none. */
static size_t
find_custom(const struct bot *bot, struct slice name)
{
	size_t i = 0;

	while (i < bot->text_count &&
	    (config_command(bot->config, i)->on == ON_JOIN ||
		!is_name(name, bot->texts[i].name))) {
		i++;
	}
	return i;
}

enum bot_command
bot_find(const struct bot *bot, struct slice name)
{
	if (!bot->config || name.size == 0) {
		return BOT_COMMAND_NONE;
	}
	for (size_t i = 0; i < OWN_COUNT; i++) {
		bool alias =
		    own[i].command == BOT_COMMAND_HEALTH && is_name(name, "status");

		if (alias || is_name(name, own[i].entry.name)) {
			return is_switched_on(bot, own[i].command) ? own[i].command :
								     BOT_COMMAND_NONE;
		}
	}
	return find_custom(bot, name) < bot->text_count ? BOT_COMMAND_CUSTOM :
							  BOT_COMMAND_NONE;
}

const char *
bot_command_word(enum bot_command command)
{
	return command < OWN_COUNT        ? own[command].entry.name :
	    command == BOT_COMMAND_CUSTOM ? "custom" :
					    "none";
}

/* ---- who may ---- */

static bool
has_one_of(const struct bot_request *request, const struct config_list *roles)
{
	for (size_t i = 0; i < roles->count; i++) {
		uint64_t role = 0;

		if (!message_id(slice_of(roles->items[i]), &role)) {
			continue;
		}
		for (size_t j = 0; j < request->role_count; j++) {
			if (request->roles[j] == role) {
				return true;
			}
		}
	}
	return false;
}

static bool
is_admin(const struct bot *bot, const struct bot_request *request)
{
	const struct config_list *admins = &bot->config->bot_admins;

	for (size_t i = 0; i < admins->count; i++) {
		uint64_t user = 0;

		if (message_id(slice_of(admins->items[i]), &user) &&
		    user == request->user) {
			return true;
		}
	}
	return request->administrator ||
	    has_one_of(request, &bot->config->bot_admin_roles);
}

/* Notes that the person is refused now; false where that was told a short while ago, or
 * to too many others. */
static bool
refusal_is_due(struct bot *bot, uint64_t user, mono_ns now)
{
	size_t place = bot->refused_next;

	for (size_t i = 0; i < BOT_REFUSED_MAX; i++) {
		if (bot->refused[i].user == user &&
		    now - bot->refused[i].at < BOT_REFUSED_AGAIN) {
			return false;
		}
	}
	if (bot->refused[place].user != 0 &&
	    now - bot->refused[place].at < BOT_REFUSED_AGAIN) {
		return false;
	}
	bot->refused[place].user = user;
	bot->refused[place].at = now;
	bot->refused_next = (place + 1) % BOT_REFUSED_MAX;
	return true;
}

static void
refuse(struct bot *bot, const struct bot_request *request, mono_ns now,
    const char *text, struct bot_answer *answer)
{
	if (request->way == BOT_BY_MESSAGE &&
	    !refusal_is_due(bot, request->user, now)) {
		answer->verdict = BOT_IGNORE;
		return;
	}
	answer->verdict = BOT_REFUSE;
	answer->private = true;
	(void)buf_printf(answer->text, "%s", text);
}

/* ---- texts with placeholders ---- */

#define VALUE_ROOM 32

/* The texts behind struct template_values. */
struct value_texts {
	char user[VALUE_ROOM];
	char user_id[VALUE_ROOM];
	char channel[VALUE_ROOM];
	char members[VALUE_ROOM];
	char uptime[VALUE_ROOM];
	char date[VALUE_ROOM];
	char time[VALUE_ROOM];
};

static void
put_moment(const struct bot *bot, int64_t wall_ms, struct value_texts *texts)
{
	int64_t at = wall_ms / 1000;
	int32_t offset = bot->zone_known ? zone_offset(&bot->zone, at) : 0;
	time_t local = (time_t)(at + offset);
	struct tm parts;

	if (!gmtime_r(&local, &parts)) {
		texts->date[0] = '\0';
		texts->time[0] = '\0';
		return;
	}
	(void)strftime(texts->date, sizeof texts->date, "%Y-%m-%d", &parts);
	(void)strftime(texts->time, sizeof texts->time, "%H:%M", &parts);
}

static void
copy_uptime(mono_ns uptime, char out[VALUE_ROOM])
{
	struct buf text;

	buf_init(&text, VALUE_ROOM);
	bot_health_uptime(uptime, &text);
	(void)slice_copy(buf_slice(&text), out, VALUE_ROOM);
	buf_fini(&text);
}

static void
collect(const struct bot *bot, const struct bot_request *request,
    const struct bot_facts *facts, struct value_texts *texts,
    struct template_values *out)
{
	(void)snprintf(texts->user, VALUE_ROOM, "<@%" PRIu64 ">", request->user);
	(void)snprintf(texts->user_id, VALUE_ROOM, "%" PRIu64, request->user);
	(void)snprintf(texts->channel, VALUE_ROOM, "<#%" PRIu64 ">", request->channel);
	(void)snprintf(texts->members, VALUE_ROOM, "?");
	if (request->members >= 0) {
		(void)snprintf(texts->members, VALUE_ROOM, "%" PRId64,
		    request->members);
	}
	copy_uptime(facts->uptime, texts->uptime);
	put_moment(bot, facts->wall_ms, texts);
	*out = (struct template_values){
	    .at =
		{
		    [TEMPLATE_user] = slice_of(texts->user),
		    [TEMPLATE_user_name] = request->user_name,
		    [TEMPLATE_user_id] = slice_of(texts->user_id),
		    [TEMPLATE_args] = request->arguments,
		    [TEMPLATE_channel] = slice_of(texts->channel),
		    [TEMPLATE_server] = request->server,
		    [TEMPLATE_members] = slice_of(texts->members),
		    [TEMPLATE_bot] = slice_of(bot->config->bot_name),
		    [TEMPLATE_version] = slice_of(bot->config->bot_version),
		    [TEMPLATE_uptime] = slice_of(texts->uptime),
		    [TEMPLATE_date] = slice_of(texts->date),
		    [TEMPLATE_time] = slice_of(texts->time),
		},
	};
}

/* Fills in what the group at index says; a text that is too long ends early, as the
 * message would. */
static void
answer_with(const struct bot *bot, size_t index, char where,
    const struct bot_request *request, const struct bot_facts *facts,
    struct bot_answer *answer)
{
	const struct config_command *command = config_command(bot->config, index);
	struct value_texts texts = {.user = ""};
	struct template_values values;

	collect(bot, request, facts, &texts, &values);
	(void)template_expand(buf_slice(&bot->texts[index].text), where, &values,
	    answer->text);
	answer->verdict = BOT_ANSWER;
	answer->reaction = command->reaction[0] != '\0' ? command->reaction : NULL;
	answer->ping_user = command->ping;
	answer->remove = command->remove;
	answer->private = command->private;
}

/* There is no message to react to: the emoji is the answer where there is no text. */
static void
make_reaction_text(struct bot_answer *answer)
{
	const char *colon = answer->reaction ? strchr(answer->reaction, ':') : NULL;

	if (answer->reaction && answer->text->size == 0) {
		(void)buf_printf(answer->text, colon ? "<:%s>" : "%s",
		    answer->reaction);
	}
	answer->reaction = NULL;
}

/* ---- the verdict ---- */

static void
judge_custom(struct bot *bot, const struct bot_request *request,
    const struct bot_facts *facts, struct bot_answer *answer)
{
	size_t index = find_custom(bot, request->name);
	const struct config_command *command = config_command(bot->config, index);
	bool limited = command->admins || command->roles.count > 0;
	bool role = !command->admins && has_one_of(request, &command->roles);

	if (limited && !role && !is_admin(bot, request)) {
		refuse(bot, request, facts->now,
		    command->admins ? "Only admins may use this command." :
				      "You lack the role that this command needs.",
		    answer);
		return;
	}
	answer_with(bot, index, TEMPLATE_COMMAND, request, facts, answer);
}

static void
judge_own(struct bot *bot, const struct bot_request *request,
    const struct bot_facts *facts, struct bot_answer *answer)
{
	if (answer->command != BOT_COMMAND_PING && !is_admin(bot, request)) {
		refuse(bot, request, facts->now, "Only admins may use this command.",
		    answer);
		return;
	}
	answer->verdict = BOT_ANSWER;
	if (answer->command == BOT_COMMAND_PING) {
		answer->reaction = PADDLE;
		if (request->way == BOT_BY_SLASH) {
			(void)buf_printf(answer->text, PADDLE " Pong");
		}
	} else if (answer->command == BOT_COMMAND_HEALTH) {
		bot_health(facts, answer->text);
		answer->remove = true;
		answer->private = true;
	} else {
		(void)buf_printf(answer->text, "Rebooting" ELLIPSIS);
		answer->reboot = true;
	}
}

void
bot_judge(struct bot *bot, const struct bot_request *request,
    const struct bot_facts *facts, struct bot_answer *answer)
{
	*answer = (struct bot_answer){
	    .command = bot_find(bot, request->name),
	    .text = answer->text,
	};
	if (answer->command == BOT_COMMAND_NONE) {
		return;
	}
	if (answer->command == BOT_COMMAND_CUSTOM) {
		judge_custom(bot, request, facts, answer);
	} else {
		judge_own(bot, request, facts, answer);
	}
	if (request->way == BOT_BY_SLASH) {
		make_reaction_text(answer);
	}
}

static bool
tells_of_guild(struct slice text)
{
	return text.size > 0 &&
	    (memmem(text.data, text.size, "{server}", 8) ||
		memmem(text.data, text.size, "{members}", 9));
}

bool
bot_needs_guild(const struct bot *bot, const struct bot_request *request)
{
	enum bot_command command = bot_find(bot, request->name);

	if (request->guild == 0 || command == BOT_COMMAND_NONE) {
		return false;
	}
	if (command != BOT_COMMAND_CUSTOM) {
		return command != BOT_COMMAND_PING && !is_admin(bot, request);
	}
	size_t index = find_custom(bot, request->name);
	const struct config_command *custom = config_command(bot->config, index);

	return tells_of_guild(buf_slice(&bot->texts[index].text)) ||
	    ((custom->admins || custom->roles.count > 0) && !is_admin(bot, request));
}

/* ---- greetings ---- */

static size_t
count_on(const struct bot *bot, int on)
{
	size_t count = 0;

	for (size_t i = 0; i < bot->text_count; i++) {
		count += config_command(bot->config, i)->on == on ? 1 : 0;
	}
	return count;
}

size_t
bot_greetings(const struct bot *bot)
{
	return count_on(bot, ON_JOIN);
}

void
bot_greet(const struct bot *bot, size_t index, const struct bot_request *request,
    const struct bot_facts *facts, struct bot_answer *answer, uint64_t *channel)
{
	*answer = (struct bot_answer){.text = answer->text};
	*channel = 0;
	for (size_t i = 0; i < bot->text_count; i++) {
		const struct config_command *command = config_command(bot->config, i);

		if (command->on != ON_JOIN || index-- > 0) {
			continue;
		}
		struct bot_request there = *request;

		if (message_id(slice_of(command->channel), channel)) {
			there.channel = *channel;
			answer_with(bot, i, TEMPLATE_JOIN, &there, facts, answer);
			answer->command = BOT_COMMAND_CUSTOM;
		}
		return;
	}
}

/* ---- the menu ---- */

size_t
bot_menu(const struct bot *bot, struct bot_menu_entry *out, size_t room)
{
	size_t count = 0;

	for (size_t i = 0; bot->config && i < OWN_COUNT && count < room; i++) {
		if (is_switched_on(bot, own[i].command)) {
			out[count++] = own[i].entry;
		}
	}
	for (size_t i = 0; i < bot->text_count && count < room; i++) {
		const struct config_command *command = config_command(bot->config, i);

		if (command->on == ON_JOIN) {
			continue;
		}
		struct slice text = buf_slice(&bot->texts[i].text);

		out[count++] = (struct bot_menu_entry){
		    .name = command->name,
		    .help = command->help,
		    .takes_text = text.size > 0 &&
			memmem(text.data, text.size, "{args}", 6) != NULL,
		    .admins_only = command->admins,
		};
	}
	return count;
}

size_t
bot_menu_own(struct bot_menu_entry *out, size_t room)
{
	size_t count = 0;

	for (; count < OWN_COUNT && count < room; count++) {
		out[count] = own[count].entry;
	}
	return count;
}
