#include "present.h"

#include <stdlib.h>

#include "apply.h"
#include "log.h"
#include "message.h"
#include "process.h"
#include "xalloc.h"

#define REBOOT_AFTER CLOCK_S(1)

const struct snapshot *
app_snapshots(void *ctx, mono_ns now, uint32_t *count)
{
	struct app *app = ctx;

	*count = gateway_shard_count(app->gateway);
	if (*count > app->snapshots_room) {
		/* Once, when `auto` has learnt how many there are. */
		free(app->snapshots);
		app->snapshots = xzalloc(*count * sizeof *app->snapshots);
		app->snapshots_room = *count;
	}
	gateway_snapshots(app->gateway, now, app->snapshots);
	for (uint32_t i = 0; app->handover.role != HEALTH_ACTS && i < *count; i++) {
		struct snapshot *shard = &app->snapshots[i];

		(void)slice_copy(slice_of(app->handover.reason), shard->reason,
		    sizeof shard->reason);
	}
	return app->snapshots;
}

struct watchdog_limits
app_limits(const struct app *app)
{
	const struct config *config = app->live;

	return (struct watchdog_limits){
	    .keepalive = config->watchdog_keepalive,
	    .stall = config->watchdog_stall,
	    .disconnect_grace = config->watchdog_disconnect_grace,
	    .max_latency = config->watchdog_max_latency,
	};
}

struct gateway_settings
app_gateway_settings(const struct app *app)
{
	const struct config *config = app->live;

	return (struct gateway_settings){
	    .intents = config->discord_intents,
	    .presence = config->discord_presence,
	    .compress = (enum inflate_kind)config->discord_compress,
	    .connect_timeout = config->gateway_connect_timeout,
	    .hello_timeout = config->gateway_hello_timeout,
	    .ready_timeout = config->gateway_ready_timeout,
	    .probe_after = config->gateway_probe_after,
	    .url = app->args.sim ? "" : config->discord_gateway,
	};
}

const char *
app_origin_of(const struct app *app, const char *path)
{
	size_t index = 0;

	return config_option_find(path, &index) ?
	    config_value_source(app->live, index) :
	    "";
}

/* The probes as they are, borrowed until the next call. */
size_t
app_probe_views(struct app *app)
{
	size_t count = probes_count(app->probes);

	for (size_t i = 0; i < count; i++) {
		app->probe_views[i] = probes_view(app->probes, i);
	}
	return count;
}

void
app_bot_facts(void *ctx, mono_ns now, struct bot_facts *out)
{
	struct app *app = ctx;
	uint32_t count = 0;
	const struct snapshot *shards = app_snapshots(app, now, &count);
	struct snapshot_total total = snapshot_aggregate(shards, count);

	*out = (struct bot_facts){
	    .connected = count > 0 && total.connected == count,
	    .latency = total.latency,
	    .last_event_age = total.last_event_age,
	    .uptime = now - app->started_at,
	    .probes = app->probe_views,
	    .probe_count = app_probe_views(app),
	    .wall_ms = clock_wall_ms(),
	    .now = now,
	};
	if (count > 0) {
		(void)message_id(slice_of(shards[0].user_id), &out->own_user);
	}
}

void
app_reboot_soon(void *ctx, mono_ns now)
{
	struct app *app = ctx;

	/* The first one counts. */
	if (!app->rebooting) {
		app->rebooting = true;
		loop_timer_arm(app->reboot_timer, now + REBOOT_AFTER);
	}
}

void
app_configure_bot(struct app *app, mono_ns now)
{
	char problem[256];

	bot_configure(app->bot, app->live, problem, sizeof problem);
	if (problem[0] != '\0') {
		log_error("bot_text_kept", KV("reason", (const char *)problem));
	}
	chat_configure(app->chat, app->live);
	slash_configure(app->slash, app->live, now);
}

size_t
app_job_views(struct app *app)
{
	size_t count = jobs_count(app->jobs);

	for (size_t i = 0; i < count; i++) {
		jobs_view(app->jobs, i, &app->job_views[i]);
	}
	return count;
}

struct emoji_settings
app_emoji_settings(const struct app *app)
{
	return (struct emoji_settings){
	    .hosts = &app->live->emoji_hosts,
	    .extra_host = app->sim_host[0] ? app->sim_host : NULL,
	    .cache_bytes = (size_t)app->live->emoji_cache_bytes,
	};
}

void
app_health(void *ctx, mono_ns now, struct health_input *out)
{
	struct app *app = ctx;
	struct gateway_budget budget;

	*out = (struct health_input){
	    .limits = app_limits(app),
	    .uptime = now - app->started_at,
	    .bot = app->live->bot_name,
	    .env = app->config->profile,
	    .version = app->live->bot_version,
	    .strict_probe = app->live->http_strict_probe,
	    .stopping = app->stopping,
	    .role = app->handover.role,
	    .role_reason = app->handover.reason,
	    .probes = app->probe_views,
	    .now = now,
	};
	if (!app->gateway) {
		return; /* nothing else is there while this process waits */
	}
	gateway_identify_budget(app->gateway, &budget);
	out->identifies_left = budget.left;
	out->identify_reserve = budget.reserve;
	out->release_wall_ms = budget.release_at_wall_ms;
	out->budget_low = budget.low;
	out->probe_count = app_probe_views(app);
	out->shards = app_snapshots(app, now, &out->count);
}

void
app_notify_line(void *ctx, mono_ns now, char out[NOTIFY_LINE_ROOM])
{
	struct health_input input;

	app_health(ctx, now, &input);
	notify_line(&input, out);
}

void
app_metrics(void *ctx, mono_ns now, struct metrics_input *out)
{
	struct app *app = ctx;
	struct loop_stats loop = loop_stats(app->loop);
	struct rest_stats rest = rest_stats(app->rest, now);
	struct http_stats http = http_stats(app->http);
	struct emoji_stats emoji = emoji_stats(app->emoji);
	struct resolver_stats dns = resolver_stats(app->resolver);
	const struct methods_counts *commands = methods_counts(app->methods);
	struct slash_stats slash = slash_stats(app->slash);
	struct gateway_budget budget;

	gateway_identify_budget(app->gateway, &budget);
	*out = (struct metrics_input){
	    .limits = app_limits(app),
	    .wall_ms = clock_wall_ms(),
	    .started_wall_ms = app->source.started_wall_ms,
	    .version = GWBOT_VERSION,
	    .profile = app->config->profile,
	    .yielded = app->handover.role != HEALTH_ACTS,
	    .reload_failed = app->reload_failed,
	    .reloaded_wall_ms = app->reloaded_wall_ms,
	    .check_age = now - app->checked_at,
	    .identifies_left = budget.left,
	    .identifies_total = budget.total,
	    .identifies_used = budget.used_today,
	    .release_wall_ms = budget.release_at_wall_ms,
	    .beats = gateway_beat_lateness(app->gateway),
	    .dispatched = gateway_dispatched(app->gateway),
	    .life = app->life,
	    .loop = {loop.turns, loop.spins, loop.turn_max, loop.turn_times,
		loop.timer_lags},
	    .rest = {rest.retries, rest.invalid, rest.queued, rest.invalid_10min,
		rest.scopes, rest.routes},
	    .http = {http.evicted, http.open, http.handlers},
	    .dns = {dns.lookups, dns.failures, dns.times},
	    .probes = app->probe_views,
	    .probe_count = app_probe_views(app),
	    .jobs = app->job_views,
	    .job_count = app_job_views(app),
	    .now = now,
	    .emoji = {emoji.requests, emoji.hits, emoji.fetches, emoji.rejects,
		emoji.renders, emoji.cache_bytes, emoji.waiting},
	    .chat = chat_stats(app->chat),
	    .slash = {slash.list.kept, slash.list.failures, slash.uses,
		slash.unanswered},
	    .control_clients = control_peers(app->control),
	    .commands = commands->commands,
	    .command_failures = commands->failures,
	    .log_suppressed = log_suppressed(),
	    .log_dropped = log_dropped(),
	    .process = process_figures_read(),
	};
	for (unsigned level = 0; level < LOG_LEVELS; level++) {
		out->log_messages[level] = log_messages((enum log_level)level);
	}
	out->shards = app_snapshots(app, now, &out->count);
}
