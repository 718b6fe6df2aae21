#include "reload.h"

#include "apply.h"
#include "log.h"

static void
log_report(const struct config_report *report)
{
	for (size_t i = 0; i < report->count; i++) {
		const struct config_message *message = &report->messages[i];
		enum log_level level = message->severity == CONFIG_ERROR ?
		    LOG_LEVEL_ERROR :
		    LOG_LEVEL_WARNING;
		struct log_kv pairs[] = {
		    KV("where", (const char *)message->where),
		    KV("text", (const char *)message->text),
		};

		log_write_change(level, "config", pairs, 2);
	}
}

static bool
is_same(const struct config *one, const struct config *other)
{
	for (size_t i = 0; i < CONFIG_ID_COUNT; i++) {
		if (!config_value_same(one, other, i)) {
			return false;
		}
	}
	return true;
}

static void
end_trial(struct app *app)
{
	app->reload.on_trial = false;
	loop_timer_arm(app->trial_timer, CLOCK_NEVER);
}

static void
begin_trial(struct app *app, const struct methods_reload_ask *ask, mono_ns now)
{
	app->reload = (struct methods_reload){
	    .on_trial = true,
	    .since = now,
	    .reverts_at = clock_add(now, ask->span),
	    .by = ask->by,
	};
	loop_timer_arm(app->trial_timer, app->reload.reverts_at);
	log_info("reload_on_trial", KV("for_s", clock_seconds(ask->span)));
}

/* What the way back leads to: a trial over another one has that one's way. */
static void
settle(struct app *app, const struct methods_reload_ask *ask, bool same, mono_ns now)
{
	bool was_on_trial = app->reload.on_trial;

	app->reload.set_back = false;
	if (ask->span == CLOCK_NEVER) {
		(void)app_reload_keep(app);
	} else if (was_on_trial || !same) {
		begin_trial(app, ask, now);
	}
}

static bool
reload(struct app *app, const struct methods_reload_ask *ask, mono_ns now,
    struct config_report *report, struct config_changes *changes)
{
	struct config *read = app_load_config(app, report);

	log_report(report);
	changes->count = 0;
	app->reload_failed = read == NULL;
	if (!read) {
		log_error("reload_refused",
		    KV("effect", "the running configuration stays"));
		return false;
	}
	spawner_learn(app->spawner);
	bool same = is_same(app->loaded, read);
	bool over_trial = app->reload.on_trial && ask->span != CLOCK_NEVER;

	if (!same && !over_trial) {
		app_remember(app, app->loaded);
	}
	unsigned live = app_take(app, read, now, changes);

	app->reloaded_wall_ms = clock_wall_ms();
	log_info("reloaded", KV("changed", live));
	settle(app, ask, same, now);
	return true;
}

bool
app_reload(struct app *app, const struct methods_reload_ask *ask, mono_ns now,
    struct config_report *report, struct config_changes *changes)
{
	notify_reloading(app->notify);
	bool taken = reload(app, ask, now, report, changes);

	notify_ready(app->notify);
	return taken;
}

bool
app_reload_keep(struct app *app)
{
	if (!app->reload.on_trial) {
		return false;
	}
	end_trial(app);
	log_info("reload_kept", KV("effect", "what was reloaded stays"));
	return true;
}

bool
app_reload_undo(struct app *app, const char *reason, mono_ns now,
    struct config_changes *changes)
{
	struct config *before = app->before;

	changes->count = 0;
	if (!before) {
		return false;
	}
	end_trial(app);
	unsigned live = app_take(app, before, now, changes);

	app_remember(app, NULL);
	app->reload.set_back = true;
	app->reload.since = now;
	log_warning("reload_reverted", KV("reason", reason), KV("changed", live),
	    KV("remedy", "a restart takes what the files say: gwctl config diff"));
	return true;
}

void
app_on_trial(void *ctx, mono_ns now)
{
	struct app *app = ctx;
	struct config_changes changes;

	if (app->stopping || !app->reload.on_trial) {
		return;
	}
	if (now < app->reload.reverts_at) {
		loop_timer_arm(app->trial_timer, app->reload.reverts_at);
		return;
	}
	(void)app_reload_undo(app, "the new one was not kept in time", now, &changes);
}
