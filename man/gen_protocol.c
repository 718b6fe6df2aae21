/* gwbot-control(7): errors, limits, methods and what they answer. */
#include "gen.h"

#include <stdio.h>
#include <string.h>

#include "commands.h"
#include "control.h"
#include "feed.h"
#include "metrics_text.h"
#include "rpc.h"

#define NAME_BYTES 32

/* ---- limits ---- */

static const struct {
	const char *token;
	long long value;
} limits[] = {
    {"@PROTOCOL_MIN@", RPC_PROTOCOL_MIN},
    {"@PROTOCOL_MAX@", RPC_PROTOCOL_MAX},
    {"@REQUEST_KIB@", RPC_REQUEST_MAX_BYTES / 1024},
    {"@ANSWER_MIB@", RPC_ANSWER_MAX_BYTES / 1024 / 1024},
    {"@DEPTH@", JSON_MAX_DEPTH},
    {"@PEERS@", CONTROL_PEERS_MAX},
    {"@LINE_SECONDS@", CONTROL_LINE_TIME / CLOCK_S(1)},
    {"@STALL_SECONDS@", CONTROL_STALL_TIME / CLOCK_S(1)},
    {"@FOLLOWERS@", CONTROL_FOLLOWERS_MAX},
    {"@FOLLOW_SECONDS@", CONTROL_FOLLOW_TIME / CLOCK_S(1)},
    {"@HISTORY@", FEED_HISTORY_MAX},
    {"@HISTORY_KIB@", FEED_HISTORY_MAX_BYTES / 1024},
    {"@QUEUE_KIB@", FEED_QUEUE_MAX_BYTES / 1024},
    {"@LINGER_SECONDS@", CONTROL_LINGER_TIME / CLOCK_S(1)},
    {"@SHARDS_APART@", METRICS_SHARDS_APART},
};

/* Prints the value of the limit that text begins with; the size of its name, or 0. */
static size_t
put_limit(const char *text)
{
	for (size_t i = 0; i < sizeof limits / sizeof limits[0]; i++) {
		size_t size = strlen(limits[i].token);

		if (strncmp(text, limits[i].token, size) == 0) {
			(void)printf("%lld", limits[i].value);
			return size;
		}
	}
	return 0;
}

void
put_line(const char *line)
{
	while (*line != '\0') {
		size_t taken = *line == '@' ? put_limit(line) : 0;

		if (taken == 0) {
			(void)putchar(*line);
			taken = 1;
		}
		line += taken;
	}
}

/* ---- errors ---- */

void
put_errors(void)
{
	(void)printf(".Bl -column \"-32700\" \"invalid_arguments\" \"meaning\"\n"
		     ".It Sy code Ta Sy data.code Ta Sy meaning\n");
#define ERROR_ROW(name, number, word, text) \
	(void)printf(".It %d Ta %s Ta %s\n", number, word, text);
	RPC_ERROR_TABLE(ERROR_ROW)
#undef ERROR_ROW
	(void)printf(".El\n");
}

/* ---- methods ---- */

static const struct member {
	const char *owner; /* on the first row of an answer or object: its name */
	bool answer;
	const char *name; /* NULL on that first row */
	const char *type; /* there: what it is about */
	const char *help;
} members[] = {
#define ANSWER(method, about)    {#method, true, NULL, about, NULL},
#define OBJECT(name, about)      {#name, false, NULL, about, NULL},
#define MEMBER(name, type, help) {NULL, false, name, type, help},
#include "members.def"
#undef ANSWER
#undef OBJECT
#undef MEMBER
};

#define MEMBERS (sizeof members / sizeof members[0])

/* The rows behind the first one, up to the next answer or object. */
static void
put_members(size_t first)
{
	(void)printf(".Bl -tag -width Ds -compact\n");
	for (size_t i = first + 1; i < MEMBERS && members[i].name; i++) {
		(void)printf(".It Li %s Pq %s\n", members[i].name, members[i].type);
		put_text(members[i].help);
	}
	(void)printf(".El\n");
}

static void
put_answer(const char *method)
{
	for (size_t i = 0; i < MEMBERS; i++) {
		if (members[i].answer && strcmp(members[i].owner, method) == 0) {
			put_sentence("Answers ", members[i].type);
			put_members(i);
			return;
		}
	}
}

/* "shard", "fresh": the names under which params can say the arguments. */
static void
put_parameters(const struct command *command)
{
	char name[NAME_BYTES];
	size_t i;

	for (i = 0; commands_arg_name(command, i, name, sizeof name); i++) {
		(void)printf("%s\n.Li %s", i == 0 ? "Parameters:" : " ,", name);
	}
	(void)printf("%s", i == 0 ? "No parameters.\n" : " .\n");
}

static void
put_method(const struct command *command)
{
	(void)printf(".Ss %s\n.Ic %s", command->name, command->name);
	put_synopsis(command->synopsis);
	(void)printf("\n.Pp\n");
	put_sentence("", command->help);
	put_parameters(command);
	if (command->access == COMMAND_WRITE) {
		put_text("Changes something, and is logged.");
	} else if (command->access == COMMAND_EITHER) {
		put_text("With parameters it changes something, and is logged.");
	}
	put_answer(command->name);
}

void
put_methods(void)
{
	(void)printf(".Ss hello\n.Ic hello\n.Pp\n");
	put_answer("hello");
	for (size_t i = 0; i < commands_count(); i++) {
		if (commands_at(i)->access != COMMAND_CLIENT) {
			put_method(commands_at(i));
		}
	}
}

/* The rows of a type follow each other; the first one shows what it says. */
void
put_events(void)
{
	static const struct {
		const char *type;
		const char *text;
	} notes[] = {
#define NOTE(event, when, type, text) {type, text},
#include "notes.def"
#undef NOTE
	};

	(void)printf(".Bl -tag -width Ds -compact\n");
	for (size_t i = 0; i < sizeof notes / sizeof notes[0]; i++) {
		if (i == 0 || strcmp(notes[i].type, notes[i - 1].type) != 0) {
			(void)printf(".It Li %s\n", notes[i].type);
			put_text(notes[i].text);
		}
	}
	(void)printf(".El\n");
}

void
put_objects(void)
{
	for (size_t i = 0; i < MEMBERS; i++) {
		if (!members[i].name && !members[i].answer) {
			(void)printf(".Ss object %s\n", members[i].owner);
			put_sentence("", members[i].type);
			put_members(i);
		}
	}
}
