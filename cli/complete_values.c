#include "complete_values.h"

#include <stdio.h>
#include <string.h>

#include "commands.h"
#include "config.h"
#include "metrics.h"
#include "options.h"
#include "synopsis.h"

/* ---- from the tables ---- */

static void
add_settings(struct complete_list *list, const char *group)
{
	for (size_t i = 0; i < config_option_count(); i++) {
		const struct config_option *option = config_option(i);

		if (strncmp(option->path, group, strlen(group)) == 0) {
			complete_add(list, option->path, option->help);
		}
	}
}

static void
add_paths(struct complete_list *list)
{
	add_settings(list, "");
}

static void
add_limits(struct complete_list *list)
{
	add_settings(list, "watchdog.");
}

static void
add_levels(struct complete_list *list)
{
	const char *words = config_option(CONFIG_ID_log_level)->unit;
	char text[COMPLETE_TEXT_BYTES];
	struct slice word;

	for (size_t i = 0; synopsis_choice(slice_of(words), i, &word); i++) {
		(void)slice_copy(word, text, sizeof text);
		complete_add(list, text, "");
	}
}

static void
add_commands(struct complete_list *list)
{
	complete_commands(list, false);
}

static void
add_metrics(struct complete_list *list)
{
	for (size_t i = 0; i < metrics_count(); i++) {
		complete_add(list, metrics_at(i)->name, metrics_at(i)->help);
	}
}

static void
add_explained(struct complete_list *list)
{
	add_paths(list);
	add_commands(list);
	add_metrics(list);
}

static void
add_conditions(struct complete_list *list)
{
	complete_add(list, "ready", "all shards are ready");
	complete_add(list, "down", "it is not ready");
	complete_add(list, "gone", "no process answers");
	complete_add(list, "state=", "the state is that word");
	complete_add(list, "shard=", "N:WORD, a shard is in that state");
}

static void
add_types(struct complete_list *list)
{
	complete_add(list, "shard.*", "what happens to the shards");
	complete_add(list, "identify.*", "new sessions");
	complete_add(list, "watchdog.*", "verdicts of the watchdog");
	complete_add(list, "config.*", "the configuration");
	complete_add(list, "daemon.*", "the process");
	complete_add(list, "rest.*", "limits and refusals of the API");
	complete_add(list, "dispatch.*", "what the gateway sends");
	complete_add(list, "!dispatch.*", "all but that");
}

static void
add_when(struct complete_list *list)
{
	complete_add(list, "auto", "on a terminal that has colours");
	complete_add(list, "always", "");
	complete_add(list, "never", "");
}

void
complete_commands(struct complete_list *list, bool screens)
{
	for (size_t i = 0; i < commands_count(); i++) {
		const struct command *command = commands_at(i);

		if (!screens || !commands_changes(command, 0)) {
			complete_add(list, command->name, command->help);
		}
	}
}

const char *
complete_flag_help(struct slice name)
{
	static const struct {
		const char *name;
		const char *help;
	} rows[] = {
#define FLAG_ROW(flag, letter, argument, to, text) {flag, text},
	    OPTIONS_FLAGS_TABLE(FLAG_ROW)
#undef FLAG_ROW
	};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		if (slice_equal(slice_of(rows[i].name), name)) {
			return rows[i].help;
		}
	}
	return "";
}

/* ---- by the name of the value ---- */

static const struct {
	const char *command; /* NULL: any */
	const char *value;
	void (*add)(struct complete_list *list); /* NULL: the daemon is asked, if any */
	const char *help;
} values[] = {
    {NULL, "SHARD", NULL, "a shard, or a range such as 0-15"},
    {NULL, "COMMAND", add_commands, "a command"},
    {"config", "PATH", add_paths, "a setting, a group or a glob"},
    {"thresholds", "KEY", add_limits, "a limit of the watchdog"},
    {"explain", "NAME", add_explained,
	"a setting, metric, command, exit status or close code"},
    {"events", "GLOB", add_types, "a type of event, or a glob"},
    {"metrics", "GLOB", add_metrics, "a metric, or a glob"},
    {"wait", "CONDITION", add_conditions, "what to wait for"},
    {"probes", "NAME", NULL, "a probe"},
    {"job", "NAME", NULL, "a job"},
    {NULL, "WHEN", add_when, "auto, always or never"},
    {NULL, "LEVEL", add_levels, "least urgent level that is written"},
    {NULL, "D", NULL, "a duration: 500ms, 90s, 5min"},
    {NULL, "DURATION", NULL, "a duration: 500ms, 90s, 5min"},
    {NULL, "N", NULL, "a number"},
};

void
complete_value(const struct complete_source *source, const char *command,
    struct slice value, struct complete_list *list)
{
	char name[COMPLETE_TEXT_BYTES];
	const char *help = "";
	size_t before = list->count;

	(void)slice_copy(value, name, sizeof name);
	for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
		bool of_command =
		    !values[i].command || strcmp(values[i].command, command) == 0;

		if (of_command && strcmp(values[i].value, name) == 0) {
			help = values[i].help;
			if (values[i].add) {
				values[i].add(list);
			}
		}
	}
	if (source->live) {
		source->live(source->context, command, name, list);
	}
	if (list->count == before) {
		complete_name(list, name, help);
	}
}
