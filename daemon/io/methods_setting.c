#include "methods_setting.h"

#include <stdio.h>

#define NAME_ROOM  64
#define TEXT_BYTES ((size_t)64 * 1024)

void
setting_add_value(struct json *object, const char *name, const struct config *config,
    size_t index)
{
	const struct config_option *option = config_option(index);
	struct buf text;

	if (option->type == CONFIG_SECRET) {
		json_add_null(object, name);
		return;
	}
	buf_init(&text, TEXT_BYTES);
	(void)config_value_text(config, index, &text);
	(void)buf_append(&text, "", 1);
	json_add_text(object, name, text.data);
	buf_fini(&text);
	if (option->type == CONFIG_DURATION) {
		char seconds[NAME_ROOM];

		(void)snprintf(seconds, sizeof seconds, "%s_seconds", name);
		json_add_seconds(object, seconds, config_duration(config, index));
	}
}

struct json *
setting_describe_change(const struct config *old, const struct config *fresh,
    size_t index, const char *acts)
{
	struct json *object = json_new_object();
	const struct config_option *option = config_option(index);

	json_add_text(object, "path", option->path);
	json_add_text(object, "acts", acts);
	json_add_bool(object, "secret", option->type == CONFIG_SECRET);
	setting_add_value(object, "old", old, index);
	json_add_text(object, "old_source", config_value_source(old, index));
	setting_add_value(object, "new", fresh, index);
	json_add_text(object, "new_source", config_value_source(fresh, index));
	return object;
}

/* Until when something holds; CLOCK_NEVER: it is not known to end. */
static void
add_end(struct json *object, mono_ns until, mono_ns now)
{
	if (until == CLOCK_NEVER) {
		json_add_null(object, "reverts_time");
		json_add_null(object, "reverts_in_seconds");
		return;
	}
	mono_ns left = until > now ? until - now : 0;

	json_add_time(object, "reverts_time", clock_wall_ms() + left / CLOCK_MS(1));
	json_add_seconds(object, "reverts_in_seconds", left);
}

static struct json *
describe_span(const struct override_caller *by, mono_ns since, mono_ns until,
    mono_ns now)
{
	struct json *object = json_new_object();
	mono_ns age = now - since;

	json_add_int(object, "uid", by->uid);
	json_add_int(object, "pid", by->pid);
	json_add_time(object, "set_time", clock_wall_ms() - age / CLOCK_MS(1));
	json_add_seconds(object, "set_age_seconds", age);
	add_end(object, until, now);
	return object;
}

struct json *
setting_describe_override(const struct visit *visit, size_t index)
{
	const struct override *found =
	    override_find(visit->source->overrides(visit->source->ctx), index);

	if (!found) {
		return json_new_text(NULL);
	}
	return describe_span(&found->by, found->set_at, found->until, visit->now);
}

struct json *
setting_describe_trial(const struct visit *visit)
{
	const struct methods_source *source = visit->source;
	struct methods_reload state = {.on_trial = false};

	if (source->reload_state) {
		state = source->reload_state(source->ctx);
	}
	return state.on_trial ?
	    describe_span(&state.by, state.since, state.reverts_at, visit->now) :
	    json_new_text(NULL);
}

struct json *
setting_describe_config(const struct visit *visit)
{
	const struct methods_source *source = visit->source;
	struct json *object = json_new_object();
	struct methods_reload state = {.set_back = false};

	if (source->reload_state) {
		state = source->reload_state(source->ctx);
	}
	json_add(object, "trial", setting_describe_trial(visit));
	json_add_seconds(object, "set_back_age_seconds",
	    state.set_back ? visit->now - state.since : -1);
	return object;
}
