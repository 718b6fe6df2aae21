/* The methods that show the configuration, compare it with the files, and reload it. */
#include <stdio.h>
#include <string.h>

#include "config.h"
#include "methods_lists.h"
#include "methods_rows.h"
#include "methods_setting.h"

#define NAME_ROOM   64
#define TEXT_BYTES  ((size_t)64 * 1024)
#define CHECK_FILES "mend it and reload again; to try it first: gwbotd --check"

/* ---- one setting ---- */

static void
add_allowed(struct json *object, const struct config_option *option)
{
	struct buf text;

	buf_init(&text, TEXT_BYTES);
	(void)config_allowed(option, &text);
	(void)buf_append(&text, "", 1);
	json_add_text(object, "allowed", text.data);
	buf_fini(&text);
}

static const char *
text_or_null(const char *text)
{
	return text[0] ? text : NULL;
}

static struct json *
describe_option(const struct visit *visit, size_t index)
{
	const struct config *config = visit->source->config(visit->source->ctx);
	const struct config_option *option = config_option(index);
	struct json *object = json_new_object();
	bool secret = option->type == CONFIG_SECRET;
	bool other = !config_is_prod_like(config);

	json_add_text(object, "path", option->path);
	setting_add_value(object, "value", config, index);
	json_add_text(object, "source", config_value_source(config, index));
	json_add(object, "override", setting_describe_override(visit, index));
	json_add_bool(object, "secret", secret);
	json_add_bool(object, "set", config_value_is_set(config, index));
	json_add_text(object, "acts", config_reload_word(option->reload));
	add_allowed(object, option);
	json_add_text(object, "default",
	    other && option->def_other ? option->def_other : option->def);
	json_add_text(object, "environment", text_or_null(option->env));
	json_add_text(object, "help", option->help);
	return object;
}

/* ---- what was found while reading ---- */

static struct json *
describe_message(const struct config_message *message)
{
	struct json *object = json_new_object();
	const char *severity = config_severity_word(message->severity);
	struct buf text;

	buf_init(&text, TEXT_BYTES);
	(void)buf_printf(&text, "%s%s%s: %s", message->where,
	    message->where[0] ? ": " : "", severity, message->text);
	(void)buf_append(&text, "", 1);
	json_add_text(object, "severity", severity);
	json_add_text(object, "where", text_or_null(message->where));
	json_add_text(object, "text", message->text);
	json_add_text(object, "summary", text.data);
	json_add_text(object, "excerpt", message->excerpt);
	buf_fini(&text);
	return object;
}

static struct json *
describe_report(const struct config_report *report)
{
	struct json *messages = json_new_array();

	for (size_t i = 0; i < report->count; i++) {
		json_append(messages, describe_message(&report->messages[i]));
	}
	return messages;
}

/* Ends the call: what stands in the files cannot be taken. */
static void
refuse_report(const struct visit *visit, const struct config_report *report,
    const char *what)
{
	struct json *details = describe_report(report);
	char text[160];

	(void)snprintf(text, sizeof text, "%s: the configuration has %zu error%s", what,
	    report->errors, report->errors == 1 ? "" : "s");
	const struct rpc_failure failure = {
	    .error = RPC_ERR_REFUSED,
	    .text = text,
	    .hint = CHECK_FILES,
	    .details = details,
	};

	visit_fail(visit, &failure);
	json_free(details);
}

static struct json *
list_files(const struct config *config)
{
	struct json *files = json_new_array();

	for (size_t i = 0; i < config->files.count; i++) {
		json_append(files, json_new_text(config->files.items[i]));
	}
	return files;
}

/* ---- what differs ---- */

/* What runs against what the files say by now.  Where gwctl has set a value, a reload
 * does not reach it. */
static void
answer_diff(const struct visit *visit)
{
	const struct methods_source *source = visit->source;
	const struct config *running = source->config(source->ctx);
	struct config_report report = {.count = 0};
	struct config *fresh = NULL;
	struct config *preview = NULL;

	if (!source->read_config(source->ctx, &report, &fresh, &preview)) {
		refuse_report(visit, &report, "a reload would be refused");
		config_report_free(&report);
		return;
	}
	struct json *answer = visit_new_answer("config");
	struct json *changes = json_new_array();

	for (size_t i = 0; i < config_option_count(); i++) {
		bool held = config_value_same(running, preview, i);
		const char *acts =
		    held ? "override" : config_reload_word(config_option(i)->reload);

		if (!config_value_same(running, fresh, i) &&
		    !methods_lists_changes(changes, running, fresh, i, acts)) {
			json_append(changes,
			    setting_describe_change(running, fresh, i, acts));
		}
	}
	json_add_bool(answer, "differs", json_count(changes) > 0);
	json_add(answer, "trial", setting_describe_trial(visit));
	json_add(answer, "files", list_files(fresh));
	json_add(answer, "changes", changes);
	json_add(answer, "warnings", describe_report(&report));
	visit_answer(visit, answer);
	config_report_free(&report);
	config_free(fresh);
	config_free(preview);
}

/* ---- the rows of commands.def ---- */

static void
refuse_unknown(const struct visit *visit, const char *wanted)
{
	char nearest[NAME_ROOM];
	bool near = config_nearest(wanted, nearest, sizeof nearest);

	visit_refuse(visit, RPC_ERR_REFUSED, "all settings: gwctl config",
	    "there is no setting \"%.60s\"%s%s", wanted, near ? "; nearest: " : "",
	    near ? nearest : "");
}

void
methods_config(const struct visit *visit)
{
	const struct json *argument = visit_argument(visit, 0);
	const char *wanted = json_text(argument);
	const struct config *config = visit->source->config(visit->source->ctx);

	if (argument && !wanted && json_kind(argument) != JSON_NULL) {
		visit_refuse(visit, RPC_ERR_PARAMS, NULL, "PATH must be a text");
		return;
	}
	if (wanted && strcmp(wanted, "diff") == 0) {
		answer_diff(visit);
		return;
	}
	struct json *options = json_new_array();

	for (size_t i = 0; i < config_option_count(); i++) {
		if (!wanted || config_option_fits(i, wanted)) {
			json_append(options, describe_option(visit, i));
		}
		methods_lists_items(options, config, i, wanted);
	}
	if (json_count(options) == 0) {
		json_free(options);
		refuse_unknown(visit, wanted);
		return;
	}
	struct json *answer = visit_new_answer("config");

	json_add_text(answer, "profile", visit->source->profile);
	json_add(answer, "files", list_files(config));
	json_add(answer, "options", options);
	visit_answer(visit, answer);
}

/* Ends the call with what changed since before. */
static void
answer_reload(const struct visit *visit, const char *action,
    const struct config *before, const struct config_changes *changes,
    const struct config_report *report)
{
	const struct methods_source *source = visit->source;
	struct json *answer = visit_new_answer("reload");
	struct json *list = json_new_array();

	for (size_t i = 0; i < changes->count; i++) {
		enum config_reload reload = config_option(changes->ids[i])->reload;
		/* What waits for a restart does not run yet. */
		const struct config *fresh = reload == CONFIG_RESTART ?
		    source->loaded(source->ctx) :
		    source->config(source->ctx);

		const char *acts = config_reload_word(reload);

		if (!methods_lists_changes(list, before, fresh, changes->ids[i],
			acts)) {
			json_append(list,
			    setting_describe_change(before, fresh, changes->ids[i],
				acts));
		}
	}
	json_add_text(answer, "action", action);
	json_add(answer, "trial", setting_describe_trial(visit));
	json_add(answer, "files", list_files(source->loaded(source->ctx)));
	json_add(answer, "changes", list);
	json_add(answer, "warnings", describe_report(report));
	visit_answer(visit, answer);
}

static void
take_files(const struct visit *visit, mono_ns span)
{
	const struct methods_source *source = visit->source;
	struct control_caller caller = control_call_caller(visit->call);
	struct config *before = config_copy(source->config(source->ctx));
	const struct methods_reload_ask ask = {span, {caller.uid, caller.pid}};
	struct config_report report = {.count = 0};
	struct config_changes changes;

	if (source->reload(source->ctx, &ask, visit->now, &report, &changes)) {
		answer_reload(visit, span == CLOCK_NEVER ? "reload" : "trial", before,
		    &changes, &report);
	} else {
		refuse_report(visit, &report, "reload refused, nothing changed");
	}
	config_report_free(&report);
	config_free(before);
}

static void
keep(const struct visit *visit)
{
	const struct methods_source *source = visit->source;
	const struct config_report report = {.count = 0};
	const struct config_changes changes = {.count = 0};

	if (source->reload_keep(source->ctx)) {
		answer_reload(visit, "keep", source->config(source->ctx), &changes,
		    &report);
	} else {
		visit_refuse(visit, RPC_ERR_REFUSED,
		    "what runs beside the files: gwctl config diff",
		    "no reload is on trial: there is nothing to keep");
	}
}

static void
undo(const struct visit *visit)
{
	const struct methods_source *source = visit->source;
	struct config *before = config_copy(source->config(source->ctx));
	const struct config_report report = {.count = 0};
	struct config_changes changes;

	if (source->reload_undo(source->ctx, visit->now, &changes)) {
		answer_reload(visit, "undo", before, &changes, &report);
	} else {
		visit_refuse(visit, RPC_ERR_REFUSED,
		    "what runs beside the files: gwctl config diff",
		    "there is nothing to go back to: no reload has changed anything "
		    "since the start, or since it last went back");
	}
	config_free(before);
}

void
methods_reload(const struct visit *visit)
{
	bool keeps = visit_flag(visit, "keep");
	bool undoes = visit_flag(visit, "undo");
	bool tries = visit_flag(visit, "for");
	mono_ns span;

	if ((keeps ? 1 : 0) + (undoes ? 1 : 0) + (tries ? 1 : 0) > 1) {
		visit_refuse(visit, RPC_ERR_PARAMS, NULL,
		    "one of --for, --keep and --undo, not several");
	} else if (keeps) {
		keep(visit);
	} else if (undoes) {
		undo(visit);
	} else if (visit_read_span(visit, &span)) {
		take_files(visit, span);
	}
}
