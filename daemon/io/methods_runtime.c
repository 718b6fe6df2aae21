/*
 * The methods that set values while the daemon runs, over all that was read: the
 * watchdog's limits and the level of the log.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "duration.h"
#include "methods_json.h"
#include "methods_rows.h"
#include "methods_setting.h"

#define NAME_ROOM  64
#define VALUE_ROOM 48
#define GROUP      "watchdog."
#define LIMITS     "keepalive, stall, disconnect_grace, max_latency"

static const size_t limits[] = {CONFIG_ID_watchdog_keepalive, CONFIG_ID_watchdog_stall,
    CONFIG_ID_watchdog_disconnect_grace, CONFIG_ID_watchdog_max_latency};

#define LIMIT_COUNT (sizeof limits / sizeof limits[0])

/* ---- arguments ---- */

/* The argument at index as text, a number as such; NULL where there is none. */
static const char *
text_argument(const struct visit *visit, size_t index, char out[VALUE_ROOM])
{
	const struct json *argument = visit_argument(visit, index);
	double number;

	if (json_number(argument, &number)) {
		(void)snprintf(out, VALUE_ROOM, "%.15g", number);
		return out;
	}
	return json_text(argument);
}

/* ---- answers ---- */

static struct json *
describe_keep(const struct visit *visit, size_t index)
{
	const struct methods_source *source = visit->source;
	struct config_keep keep = config_keep(source->loaded(source->ctx),
	    source->config(source->ctx), index);
	struct json *object = json_new_object();

	json_add_text(object, "where", keep.where);
	json_add_text(object, "text", keep.text);
	config_keep_free(&keep);
	return object;
}

static struct json *
describe_changes(const struct visit *visit, const struct config *before,
    const struct config_changes *changes)
{
	const struct config *now = visit->source->config(visit->source->ctx);
	struct json *array = json_new_array();

	for (size_t i = 0; i < changes->count; i++) {
		size_t index = changes->ids[i];

		json_append(array,
		    setting_describe_change(before, now, index,
			config_reload_word(config_option(index)->reload)));
	}
	return array;
}

/* Adds what an option is by now, and who made it so. */
static void
add_present(struct json *answer, const struct visit *visit, size_t index)
{
	const struct config *config = visit->source->config(visit->source->ctx);

	json_add_text(answer, "path", config_option(index)->path);
	setting_add_value(answer, "value", config, index);
	json_add_text(answer, "source", config_value_source(config, index));
	json_add(answer, "override", setting_describe_override(visit, index));
}

/* Sets an option and ends the call. */
static void
set_option(const struct visit *visit, size_t index, const char *value)
{
	const struct methods_source *source = visit->source;
	struct control_caller caller = control_call_caller(visit->call);
	struct config *before = config_copy(source->config(source->ctx));
	struct config_changes changes;
	char why[256] = "";
	struct override_ask ask = {
	    .index = index,
	    .value = value,
	    .by = {caller.uid, caller.pid},
	};

	if (!visit_read_span(visit, &ask.span)) {
		goto out;
	}
	enum gw_err err =
	    source->override(source->ctx, &ask, visit->now, &changes, why, sizeof why);

	if (err != GW_OK) {
		visit_refuse(visit, RPC_ERR_REFUSED, NULL, "%s",
		    why[0] ? why : err_text(err));
		goto out;
	}
	struct json *answer = visit_new_answer(visit->command->name);

	json_add_text(answer, "action", "set");
	add_present(answer, visit, index);
	json_add(answer, "changes", describe_changes(visit, before, &changes));
	json_add(answer, "keep", describe_keep(visit, index));
	visit_answer(visit, answer);
out:
	config_free(before);
}

/* Takes back what was set of the wanted options, and ends the call. */
static void
take_back(const struct visit *visit, const bool wanted[CONFIG_ID_COUNT])
{
	const struct methods_source *source = visit->source;
	struct config *before = config_copy(source->config(source->ctx));
	struct config_changes changes;
	unsigned count = source->take_back(source->ctx, wanted, visit->now, &changes);
	struct json *answer = visit_new_answer(visit->command->name);

	json_add_text(answer, "action", "reset");
	json_add_int(answer, "taken_back", count);
	json_add(answer, "changes", describe_changes(visit, before, &changes));
	visit_answer(visit, answer);
	config_free(before);
}

/* ---- thresholds ---- */

static struct json *
describe_limit(const struct visit *visit, size_t index)
{
	const struct config *config = visit->source->config(visit->source->ctx);
	struct config *other = config_copy(config);
	struct json *limit = json_new_object();

	json_add_text(limit, "name", config_option(index)->path);
	setting_add_value(limit, "value", config, index);
	config_forget(other, index);
	setting_add_value(limit, "default", other, index);
	json_add_text(limit, "source", config_value_source(config, index));
	json_add(limit, "override", setting_describe_override(visit, index));
	config_free(other);
	return limit;
}

static void
show_limits(const struct visit *visit)
{
	struct visit_shards selection = {.all = true};

	selection.shards =
	    visit->source->snapshots(visit->source->ctx, visit->now, &selection.count);
	struct json *thresholds = visit_new_answer("thresholds");
	struct json *rows = json_new_array();

	for (size_t i = 0; i < LIMIT_COUNT; i++) {
		json_append(rows, describe_limit(visit, limits[i]));
	}
	json_add(thresholds, "limits", rows);
	visit_answer_shards(visit, thresholds, &selection, methods_json_margin);
}

/* The limit whose name has the key in it, or is nearest to it; NULL: none is. */
static const char *
nearest_limit(const char *key, char room[NAME_ROOM])
{
	for (size_t i = 0; i < LIMIT_COUNT; i++) {
		const char *path = config_option(limits[i])->path;

		if (strlen(key) > 2 && strstr(path + sizeof GROUP - 1, key)) {
			return path;
		}
	}
	bool near = config_nearest(key, room, NAME_ROOM) &&
	    strncmp(room, GROUP, sizeof GROUP - 1) == 0;

	return near ? room : NULL;
}

static void
refuse_key(const struct visit *visit, const char *key)
{
	char room[NAME_ROOM];
	const char *nearest = nearest_limit(key, room);

	visit_refuse(visit, RPC_ERR_REFUSED, "the limits are: " LIMITS,
	    "the watchdog has no limit \"%.60s\"%s%s", key,
	    nearest ? "; nearest: " : "", nearest ? nearest : "");
}

/* "stall" or "watchdog.stall"; false: the call has ended. */
static bool
find_limit(const struct visit *visit, const char *key, size_t *index)
{
	for (size_t i = 0; i < LIMIT_COUNT; i++) {
		const char *path = config_option(limits[i])->path;

		if (strcmp(path, key) == 0 ||
		    strcmp(path + sizeof GROUP - 1, key) == 0) {
			*index = limits[i];
			return true;
		}
	}
	refuse_key(visit, key);
	return false;
}

/* One of them, or all. */
static void
reset_limits(const struct visit *visit)
{
	char room[VALUE_ROOM];
	const char *key = text_argument(visit, 1, room);
	bool wanted[CONFIG_ID_COUNT] = {false};
	size_t index = 0;

	if (key && !find_limit(visit, key, &index)) {
		return;
	}
	for (size_t i = 0; i < LIMIT_COUNT; i++) {
		wanted[limits[i]] = !key || limits[i] == index;
	}
	take_back(visit, wanted);
}

static void
set_limit(const struct visit *visit)
{
	char key_room[VALUE_ROOM];
	char value_room[VALUE_ROOM];
	const char *key = text_argument(visit, 1, key_room);
	const char *value = text_argument(visit, 2, value_room);
	size_t index;

	if (!key || !value) {
		visit_refuse(visit, RPC_ERR_PARAMS, NULL,
		    "KEY and VALUE must be texts or numbers");
	} else if (find_limit(visit, key, &index)) {
		set_option(visit, index, value);
	}
}

/* Which words there may be was looked at before. */
void
methods_thresholds(const struct visit *visit)
{
	const char *word = json_text(visit_argument(visit, 0));

	if (!word) {
		show_limits(visit);
	} else if (strcmp(word, "set") == 0) {
		set_limit(visit);
	} else {
		reset_limits(visit);
	}
}

/* ---- log ---- */

static void
show_level(const struct visit *visit)
{
	struct json *answer = visit_new_answer("log");

	add_present(answer, visit, CONFIG_ID_log_level);
	visit_answer(visit, answer);
}

void
methods_log(const struct visit *visit)
{
	char room[VALUE_ROOM];
	const char *word = text_argument(visit, 0, room);
	bool wanted[CONFIG_ID_COUNT] = {[CONFIG_ID_log_level] = true};

	if (!word) {
		show_level(visit);
	} else if (strcmp(word, "reset") != 0) {
		set_option(visit, CONFIG_ID_log_level, word);
	} else if (visit_option(visit, "for")) {
		visit_refuse(visit, RPC_ERR_PARAMS, NULL, "--for goes with a LEVEL");
	} else {
		take_back(visit, wanted);
	}
}
