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

struct json *
setting_describe_override(const struct visit *visit, size_t index)
{
	const struct override *found =
	    override_find(visit->source->overrides(visit->source->ctx), index);

	if (!found) {
		return json_new_text(NULL);
	}
	struct json *object = json_new_object();
	mono_ns age = visit->now - found->set_at;
	int64_t wall_ms = clock_wall_ms();

	json_add_int(object, "uid", found->by.uid);
	json_add_int(object, "pid", found->by.pid);
	json_add_time(object, "set_time", wall_ms - age / CLOCK_MS(1));
	json_add_seconds(object, "set_age_seconds", age);
	if (found->until == CLOCK_NEVER) {
		json_add_null(object, "reverts_time");
		json_add_null(object, "reverts_in_seconds");
		return object;
	}
	mono_ns left = found->until > visit->now ? found->until - visit->now : 0;

	json_add_time(object, "reverts_time", wall_ms + left / CLOCK_MS(1));
	json_add_seconds(object, "reverts_in_seconds", left);
	return object;
}
