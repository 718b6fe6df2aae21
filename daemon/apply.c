/* Another configuration for parts that run; see apply.h. */
#include "apply.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "log.h"

/* Of a value that is set while it runs. */
#define REVERTED_BYTES 4096

/* When a changed option takes effect, and what makes it do so now. */
static const char *
remedy_of(enum config_reload reload)
{
	switch (reload) {
	case CONFIG_LIVE:
		return "";
	case CONFIG_RECONNECT:
		return "takes effect with the next connection: gwctl reconnect";
	case CONFIG_IDENTIFY:
		return "takes effect with the next session: gwctl reconnect --fresh";
	case CONFIG_RESTART:
		return "takes effect at the next start: gwctl reboot";
	}
	return "";
}

/* Tells which changed options wait for something; returns how many take effect now. */
static unsigned
log_deferred(const struct config_changes *changes)
{
	unsigned live = 0;

	for (size_t i = 0; i < changes->count; i++) {
		const struct config_option *option = config_option(changes->ids[i]);

		if (option->reload == CONFIG_LIVE) {
			live++;
			continue;
		}
		log_warning("config_deferred", KV("option", option->path),
		    KV("remedy", remedy_of(option->reload)));
	}
	return live;
}

struct config *
app_preview(const struct app *app, const struct config *read)
{
	struct config *fresh = config_copy(read);

	override_lay(&app->overrides, fresh);
	return fresh;
}

/* Frees a configuration unless the app still has it under another name. */
static void
drop(const struct app *app, struct config *owned_old)
{
	if (owned_old != app->config && owned_old != app->loaded &&
	    owned_old != app->live && owned_old != app->before) {
		config_free(owned_old);
	}
}

static void
put_in_force(struct app *app, struct config *owned_fresh, mono_ns now)
{
	struct config *old = app->live;

	/* These parts still run as they were started. */
	for (size_t i = 0; i < CONFIG_ID_COUNT; i++) {
		if (config_option(i)->reload == CONFIG_RESTART) {
			config_adopt(owned_fresh, app->config, i);
		}
	}
	app->live = owned_fresh;
	struct gateway_settings settings = app_gateway_settings(app);

	/* Before the texts of the old configuration go. */
	gateway_configure(app->gateway, &settings, now);
	probes_configure(app->probes, app->live, now);
	jobs_configure(app->jobs, app->live, now);
	logchannel_configure(app->logchannel, app->live->log_channel, now);
	app_configure_bot(app, now);
	struct emoji_settings emoji = app_emoji_settings(app);

	emoji_configure(app->emoji, &emoji);
	http_set_max_connections(app->http, (unsigned)app->live->http_max_connections);
	app->source.bot_name = app->live->bot_name;
	app->source.bot_version = app->live->bot_version;
	log_open(STDERR_FILENO, (enum log_format)app->live->log_format,
	    (enum log_level)app->live->log_level);
	/* Counted from the last check: changes that come faster than the checks must
	 * not put them off for ever. */
	mono_ns check_at = app->checked_at + app->live->watchdog_keepalive;

	app_arm_watchdog(app, check_at > now ? check_at : now);
	drop(app, old);
}

unsigned
app_take(struct app *app, struct config *owned_read, mono_ns now,
    struct config_changes *changes)
{
	struct config *old = app->loaded;

	app->loaded = owned_read;
	drop(app, old);
	struct config *fresh = app_preview(app, app->loaded);

	config_compare(app->live, fresh, changes);
	unsigned live = log_deferred(changes);

	put_in_force(app, fresh, now);
	return live;
}

void
app_remember(struct app *app, struct config *owned_before)
{
	struct config *old = app->before;

	app->before = owned_before;
	drop(app, old);
}

/* ---- values set while it runs ---- */

static enum gw_err
check_override(const struct app *app, const struct override_ask *ask, char *why,
    size_t room)
{
	const struct config_option *option = config_option(ask->index);

	if (option->reload == CONFIG_RESTART) {
		(void)snprintf(why, room,
		    "%s takes effect at the next start only: set it in the file",
		    option->path);
		return GW_ERR_PERMISSION;
	}
	struct config *trial = config_copy(app->live);
	enum gw_err err =
	    config_override(trial, ask->index, ask->value, OVERRIDE_SOURCE, why, room);

	config_free(trial);
	return err;
}

/* What was read, under the overrides as they are now, is what runs from now on. */
static void
lay_overrides(struct app *app, mono_ns now, struct config_changes *changes)
{
	struct config *fresh = app_preview(app, app->loaded);

	changes->count = 0;
	for (size_t i = 0; i < CONFIG_ID_COUNT; i++) {
		if (config_option(i)->reload != CONFIG_RESTART &&
		    !config_value_same(app->live, fresh, i)) {
			changes->ids[changes->count++] = (enum config_id)i;
		}
	}
	put_in_force(app, fresh, now);
	loop_timer_arm(app->override_timer, override_next(&app->overrides));
}

enum gw_err
app_override(struct app *app, const struct override_ask *ask, mono_ns now,
    struct config_changes *changes, char *why, size_t room)
{
	enum gw_err err = check_override(app, ask, why, room);

	changes->count = 0;
	if (err == GW_OK) {
		err = override_set(&app->overrides, ask, now);
	}
	if (err == GW_OK) {
		lay_overrides(app, now, changes);
	}
	return err;
}

unsigned
app_take_back(struct app *app, const bool wanted[CONFIG_ID_COUNT], mono_ns now,
    struct config_changes *changes)
{
	unsigned count = 0;

	for (size_t i = 0; i < CONFIG_ID_COUNT; i++) {
		count += wanted[i] && override_drop(&app->overrides, i) ? 1 : 0;
	}
	lay_overrides(app, now, changes);
	return count;
}

static void
log_reverted(const struct app *app, size_t index)
{
	struct buf value;

	buf_init(&value, REVERTED_BYTES);
	(void)config_value_text(app->live, index, &value);
	log_info("setting_reverted", KV("option", config_option(index)->path),
	    KV("value", buf_slice(&value)),
	    KV("source", config_value_source(app->live, index)));
	buf_fini(&value);
}

void
app_on_override(void *ctx, mono_ns now)
{
	struct app *app = ctx;
	struct config_changes changes;
	bool expired[CONFIG_ID_COUNT];

	if (app->stopping || !override_expire(&app->overrides, now, expired)) {
		loop_timer_arm(app->override_timer, override_next(&app->overrides));
		return;
	}
	lay_overrides(app, now, &changes);
	for (size_t i = 0; i < CONFIG_ID_COUNT; i++) {
		if (expired[i]) {
			log_reverted(app, i);
		}
	}
}

void
app_free_config(struct app *app)
{
	struct config *live = app->live;
	struct config *loaded = app->loaded;

	app_remember(app, NULL);
	app->live = NULL;
	drop(app, live);
	app->loaded = NULL;
	drop(app, loaded);
	config_free(app->config);
	app->config = NULL;
}
