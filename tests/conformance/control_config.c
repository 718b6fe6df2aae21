#include "control_config.h"

#include <string.h>

#include "xalloc.h"

/* As the daemon has it: what was read, and what runs under the overrides. */
static struct {
	struct config *loaded;
	struct config *live;
	struct overrides overrides;
} stage;

struct watchdog_limits
control_config_limits(void)
{
	const struct config *config = stage.live;

	return (struct watchdog_limits){
	    .keepalive = config->watchdog_keepalive,
	    .stall = config->watchdog_stall,
	    .disconnect_grace = config->watchdog_disconnect_grace,
	    .max_latency = config->watchdog_max_latency,
	};
}

static void
stage_limits(void *ctx, struct watchdog_limits *out)
{
	(void)ctx;
	*out = control_config_limits();
}

static const char *
stage_getenv(void *context, const char *name)
{
	(void)context;
	return strcmp(name, "WATCHDOG_MAX_LATENCY_SEC") == 0 ? "10" : NULL;
}

static const struct config *
stage_config(void *ctx)
{
	(void)ctx;
	return stage.live;
}

static const struct config *
stage_loaded(void *ctx)
{
	(void)ctx;
	return stage.loaded;
}

static const struct overrides *
stage_overrides(void *ctx)
{
	(void)ctx;
	return &stage.overrides;
}

static void
lay_overrides(struct config_changes *changes)
{
	struct config *fresh = config_copy(stage.loaded);

	override_lay(&stage.overrides, fresh);
	config_compare(stage.live, fresh, changes);
	config_free(stage.live);
	stage.live = fresh;
}

static enum gw_err
stage_override(void *ctx, const struct override_ask *ask, mono_ns now,
    struct config_changes *changes, char *why, size_t room)
{
	(void)ctx;
	struct config *trial = config_copy(stage.live);
	enum gw_err err =
	    config_override(trial, ask->index, ask->value, OVERRIDE_SOURCE, why, room);

	config_free(trial);
	err = err == GW_OK ? override_set(&stage.overrides, ask, now) : err;
	if (err == GW_OK) {
		lay_overrides(changes);
	}
	return err;
}

static unsigned
stage_take_back(void *ctx, const bool wanted[CONFIG_ID_COUNT], mono_ns now,
    struct config_changes *changes)
{
	unsigned count = 0;

	(void)ctx;
	(void)now;
	for (size_t i = 0; i < CONFIG_ID_COUNT; i++) {
		count += wanted[i] && override_drop(&stage.overrides, i) ? 1 : 0;
	}
	lay_overrides(changes);
	return count;
}

void
control_config_load(void)
{
	const struct config_sources sources = {
	    .file = "", /* none */
	    .profile = "prod",
	    .paths = {.get = stage_getenv, .run_dir = "/run/gwbot"},
	};
	struct config_report report = {.count = 0};

	stage.loaded = config_load(&sources, &report);
	stage.loaded->drop_ins = xstrdup("/etc/gwbot.d");
	stage.live = config_copy(stage.loaded);
	config_report_free(&report);
}

void
control_config_override(void)
{
	const struct override_ask ask = {
	    .index = CONFIG_ID_watchdog_disconnect_grace,
	    .value = "20min",
	    .by = {4000000000, 4711},
	    .span = CLOCK_MS(INT64_C(3600500)),
	};
	struct config_changes changes;

	(void)override_set(&stage.overrides, &ask, clock_now() - CLOCK_S(300));
	lay_overrides(&changes);
}

void
control_config_free(void)
{
	config_free(stage.loaded);
	config_free(stage.live);
}

void
control_config_fill(struct methods_source *source)
{
	source->limits = stage_limits;
	source->config = stage_config;
	source->loaded = stage_loaded;
	source->override = stage_override;
	source->take_back = stage_take_back;
	source->overrides = stage_overrides;
}
