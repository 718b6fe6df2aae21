/* What a command or greeting needs as a whole: an answer, which may be in a file. */
#include "config_private.h"

#include <stdio.h>
#include <strings.h>

#include "template.h"

/* The words of the second row of a command, in lists.def. */
#define ON_JOIN 1

bool
config_command_is_own(const char *name)
{
	static const char *const own[] = {"ping", "health", "status", "reboot"};

	for (size_t i = 0; i < sizeof own / sizeof own[0]; i++) {
		if (strcasecmp(own[i], name) == 0) {
			return true;
		}
	}
	return false;
}

static enum gw_err
read_answer(const char *path, char where, struct buf *out, char *why, size_t room)
{
	char reason[CONFIG_REASON_ROOM] = "";
	struct buf content;

	buf_init(&content, CONFIG_ANSWER_MAX_BYTES);
	enum gw_err err = config_read_template(path, where, &content, reason);

	if (err == GW_OK) {
		err = buf_append(out, content.data, content.size);
	} else {
		(void)snprintf(why, room, "its file: %s", reason);
	}
	buf_fini(&content);
	return err;
}

enum gw_err
config_command_text(const struct config_command *command, struct buf *out, char *why,
    size_t room)
{
	char where = command->on == ON_JOIN ? TEMPLATE_JOIN : TEMPLATE_COMMAND;
	struct slice reply = slice_of(command->reply);

	if (command->file[0] != '\0') {
		return read_answer(command->file, where, out, why, room);
	}
	enum gw_err err = template_check(reply, where, why, room);

	return err == GW_OK ? buf_append(out, reply.data, reply.size) : err;
}

/* Why the command cannot be; empty: it can.  What it lacks may have been refused before
 * (incomplete). */
static void
find_fault(const struct config_command *command, bool incomplete, char *why,
    size_t room)
{
	bool has_reply = command->reply[0] != '\0';
	bool has_file = command->file[0] != '\0';
	struct buf text;

	if (command->on != ON_JOIN && config_command_is_own(command->name)) {
		(void)snprintf(why, room,
		    "gwbotd has a command of that name: choose another one");
		return;
	}
	if (has_reply && has_file) {
		(void)snprintf(why, room, "has both reply and file: leave one out");
		return;
	}
	if (!has_reply && !has_file && command->reaction[0] == '\0') {
		(void)snprintf(why, room, "%s",
		    incomplete ? "" : "needs one of reply, file and reaction");
		return;
	}
	buf_init(&text, CONFIG_ANSWER_MAX_BYTES);
	(void)config_command_text(command, &text, why, room);
	buf_fini(&text);
}

static void
check_command(const struct config_command *command, struct config_report *report)
{
	char why[CONFIG_REASON_ROOM] = "";
	char shown[CONFIG_REASON_ROOM];

	find_fault(command, report->errors > 0, why, sizeof why);
	if (why[0] == '\0') {
		return;
	}
	config_printable(why, shown, sizeof shown);
	config_report_add(report, CONFIG_ERROR,
	    command->group.source ? command->group.source : "", "command \"%s\": %s",
	    command->name, shown);
}

void
config_commands_check(const struct config *config, struct config_report *report)
{
	for (size_t i = 0; i < config->commands.count; i++) {
		check_command(config_command(config, i), report);
	}
}
