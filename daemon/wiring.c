/*
 * What the parts ask of each other while they run: the answers of the health paths and
 * of the control methods, put together from the present state of all parts.
 */
#include "apply.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "health.h"
#include "log.h"
#include "message.h"
#include "metrics_text.h"
#include "page.h"
#include "process.h"
#include "reload.h"
#include "xalloc.h"

/* A reboot that was asked for in Discord: by then its answer is there. */
#define REBOOT_AFTER CLOCK_S(1)

/* ---- reading the present state ---- */

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

static const char *
origin_of(const struct app *app, const char *path)
{
	size_t index = 0;

	return config_option_find(path, &index) ?
	    config_value_source(app->live, index) :
	    "";
}

/* The probes as they are, borrowed until the next call. */
static size_t
probe_views(struct app *app)
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
	    .probe_count = probe_views(app),
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

static size_t
job_views(struct app *app)
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

static void
health_now(void *ctx, mono_ns now, struct health_input *out)
{
	struct app *app = ctx;
	struct gateway_budget budget;

	gateway_identify_budget(app->gateway, &budget);
	*out = (struct health_input){
	    .limits = app_limits(app),
	    .uptime = now - app->started_at,
	    .bot = app->live->bot_name,
	    .env = app->config->profile,
	    .version = app->live->bot_version,
	    .strict_probe = app->live->http_strict_probe,
	    .stopping = app->stopping,
	    .identifies_left = budget.left,
	    .identify_reserve = budget.reserve,
	    .release_wall_ms = budget.release_at_wall_ms,
	    .budget_low = budget.low,
	    .probes = app->probe_views,
	    .probe_count = probe_views(app),
	    .now = now,
	};
	out->shards = app_snapshots(app, now, &out->count);
}

void
app_notify_line(void *ctx, mono_ns now, char out[NOTIFY_LINE_ROOM])
{
	struct health_input input;

	health_now(ctx, now, &input);
	notify_line(&input, out);
}

static void
metrics_now(void *ctx, mono_ns now, struct metrics_input *out)
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
	    .probe_count = probe_views(app),
	    .jobs = app->job_views,
	    .job_count = job_views(app),
	    .now = now,
	    .emoji = {emoji.requests, emoji.hits, emoji.fetches, emoji.rejects,
		emoji.renders, emoji.cache_bytes, emoji.waiting},
	    .chat = chat_stats(app->chat),
	    .slash = {slash.list.kept, slash.list.failures, slash.uses,
		slash.unanswered},
	    .control_clients = control_peers(app->control),
	    .commands = commands->commands,
	    .command_failures = commands->failures,
	    .log_dropped = log_dropped(),
	    .process = process_figures_read(),
	};
	for (unsigned level = 0; level < LOG_LEVELS; level++) {
		out->log_messages[level] = log_messages((enum log_level)level);
	}
	out->shards = app_snapshots(app, now, &out->count);
}

/* ---- what HTTP answers ---- */

static void
answer_probe(void *ctx, const struct http_request *request, struct http_reply *reply)
{
	struct health_input input;
	struct slice value;
	enum health_path path = request->route->probe;

	health_now(ctx, request->now, &input);
	if (query_find(request->query, "verbose", &value) != QUERY_NONE) {
		reply->type = "text/plain; charset=utf-8";
		reply->status = health_verbose(path, &input, reply->body);
	} else {
		reply->status = health_render(path, &input, reply->body);
	}
	(void)snprintf(reply->state, sizeof reply->state, "%s", health_state(&input));
}

static void
answer_metrics(void *ctx, const struct http_request *request, struct http_reply *reply)
{
	struct metrics_input input;

	metrics_now(ctx, request->now, &input);
	reply->type = METRICS_TYPE;
	reply->status = metrics_render(&input, reply->body) == GW_OK ? 200 : 503;
}

static const struct session *
session_of(void *ctx, uint32_t index)
{
	const struct app *app = ctx;

	return gateway_session(app->gateway, index);
}

/* The words of http.status_page, in their order. */
enum page_extent {
	PAGE_AUTO,
	PAGE_FULL,
	PAGE_BRIEF,
	PAGE_OFF,
};

static enum page_extent
page_extent(const struct app *app, const struct http_request *request)
{
	enum page_extent wanted = (enum page_extent)app->live->http_status_page;

	if (wanted == PAGE_AUTO) {
		return request->near ? PAGE_FULL : PAGE_BRIEF;
	}
	return wanted;
}

static void
answer_nothing(struct http_reply *reply)
{
	reply->status = 404;
	reply->type = "text/plain; charset=utf-8";
	(void)buf_printf(reply->body, "404 Not Found\n");
}

static void
render_page(struct app *app, const struct http_request *request, bool live,
    struct http_reply *reply)
{
	mono_ns now = request->now;
	struct health_input health;
	const char *const sources[PAGE_LIMITS] = {
	    [PAGE_KEEPALIVE] = origin_of(app, "watchdog.keepalive"),
	    [PAGE_STALL] = origin_of(app, "watchdog.stall"),
	    [PAGE_DISCONNECT_GRACE] = origin_of(app, "watchdog.disconnect_grace"),
	    [PAGE_MAX_LATENCY] = origin_of(app, "watchdog.max_latency"),
	};
	struct gateway_budget budget;

	health_now(app, now, &health);
	gateway_identify_budget(app->gateway, &budget);
	struct rest_stats rest = rest_stats(app->rest, now);
	const struct page_input input = {
	    .health = &health,
	    .session = session_of,
	    .ctx = app,
	    .wall_ms = clock_wall_ms(),
	    .started_wall_ms = app->source.started_wall_ms,
	    .pid = getpid(),
	    .gwbotd = GWBOT_VERSION,
	    .now = now,
	    .check_at = app->check_at,
	    .identifies_total = budget.total,
	    .identifies_used = budget.used_today,
	    .sources = sources,
	    .jobs = app->job_views,
	    .job_count = job_views(app),
	    .history = events_history(app->events),
	    .simulated = app->args.sim,
	    .brief = page_extent(app, request) == PAGE_BRIEF,
	    .life = app->life,
	    .rest = {rest.queued, rest.invalid_10min,
		rest.limited_until > now ? rest.limited_until - now : 0},
	};

	reply->type = "text/html; charset=utf-8";
	reply->policy = page_policy();
	reply->status = page_render(&input, live, reply->body) == GW_OK ? 200 : 503;
	(void)snprintf(reply->state, sizeof reply->state, "%s", health_state(&health));
}

static void
answer_page(void *ctx, const struct http_request *request, struct http_reply *reply)
{
	if (page_extent(ctx, request) == PAGE_OFF) {
		answer_nothing(reply);
		return;
	}
	render_page(ctx, request, false, reply);
}

static void
answer_page_live(void *ctx, const struct http_request *request,
    struct http_reply *reply)
{
	if (page_extent(ctx, request) == PAGE_OFF) {
		answer_nothing(reply);
		return;
	}
	render_page(ctx, request, true, reply);
}

static void
answer_emoji(void *ctx, const struct http_request *request, struct http_reply *reply)
{
	const struct app *app = ctx;

	emoji_answer(app->emoji, request, reply);
}

static const struct http_route routes[] = {{.path = "/metrics",
					       .answer = answer_metrics},
    {.path = "/emoji-pad", .answer = answer_emoji},
    {.path = "/status", .answer = answer_page},
    {.path = "/status/live", .answer = answer_page_live},
#define ROUTE_PROBE(name, path) {path, answer_probe, HEALTH_PATH_##name},
    HEALTH_PATH_TABLE(ROUTE_PROBE)
#undef ROUTE_PROBE
};

const struct http_route *
app_http_routes(size_t *count)
{
	*count = sizeof routes / sizeof routes[0];
	return routes;
}

/* ---- what the control methods ask for ---- */

static const char *
source_state(void *ctx, mono_ns now)
{
	struct health_input input;

	health_now(ctx, now, &input);
	return health_state(&input);
}

static const struct session *
source_session(void *ctx, uint32_t index, mono_ns now)
{
	(void)now;
	return session_of(ctx, index);
}

static mono_ns
source_check_at(void *ctx, mono_ns now)
{
	const struct app *app = ctx;

	(void)now;
	return app->check_at;
}

static void
source_limits(void *ctx, struct watchdog_limits *out)
{
	const struct app *app = ctx;

	*out = app_limits(app);
}

static struct loop_stats
source_loop(void *ctx)
{
	const struct app *app = ctx;

	return loop_stats(app->loop);
}

static uint32_t
source_reconnect(void *ctx, int64_t shard_id, bool fresh, mono_ns now)
{
	const struct app *app = ctx;

	return gateway_reconnect(app->gateway, shard_id, fresh, now);
}

static void
source_budget(void *ctx, struct gateway_budget *out)
{
	const struct app *app = ctx;

	gateway_identify_budget(app->gateway, out);
}

static const struct histogram *
source_beats(void *ctx)
{
	const struct app *app = ctx;

	return gateway_beat_lateness(app->gateway);
}

static struct rest_stats
source_rest(void *ctx, mono_ns now)
{
	const struct app *app = ctx;

	return rest_stats(app->rest, now);
}

static const struct config *
source_config(void *ctx)
{
	const struct app *app = ctx;

	return app->live;
}

static const struct config *
source_loaded(void *ctx)
{
	const struct app *app = ctx;

	return app->loaded;
}

static bool
source_read_config(void *ctx, struct config_report *report, struct config **fresh,
    struct config **preview)
{
	const struct app *app = ctx;

	*fresh = app_load_config(app, report);
	*preview = *fresh ? app_preview(app, *fresh) : NULL;
	return *fresh != NULL;
}

static bool
source_reload(void *ctx, const struct methods_reload_ask *ask, mono_ns now,
    struct config_report *report, struct config_changes *changes)
{
	return app_reload(ctx, ask, now, report, changes);
}

static bool
source_reload_keep(void *ctx)
{
	return app_reload_keep(ctx);
}

static bool
source_reload_undo(void *ctx, mono_ns now, struct config_changes *changes)
{
	return app_reload_undo(ctx, "gwctl reload --undo", now, changes);
}

static struct methods_reload
source_reload_state(void *ctx)
{
	const struct app *app = ctx;

	return app->reload;
}

static size_t
source_probes(void *ctx, const struct probe_view **out)
{
	struct app *app = ctx;

	*out = app->probe_views;
	return probe_views(app);
}

static size_t
source_jobs(void *ctx, const struct job_view **out)
{
	struct app *app = ctx;

	*out = app->job_views;
	return job_views(app);
}

static enum gw_err
source_run_job(void *ctx, const char *name, mono_ns now)
{
	const struct app *app = ctx;

	return app->stopping ? GW_ERR_CLOSED : jobs_run(app->jobs, name, now);
}

static enum gw_err
source_override(void *ctx, const struct override_ask *ask, mono_ns now,
    struct config_changes *changes, char *why, size_t room)
{
	return app_override(ctx, ask, now, changes, why, room);
}

static unsigned
source_take_back(void *ctx, const bool wanted[CONFIG_ID_COUNT], mono_ns now,
    struct config_changes *changes)
{
	return app_take_back(ctx, wanted, now, changes);
}

static const struct overrides *
source_overrides(void *ctx)
{
	const struct app *app = ctx;

	return &app->overrides;
}

static void
source_stop(void *ctx)
{
	app_stop(ctx, APP_EXIT_STOPPED, "stop asked for by gwctl");
}

static void
source_reboot(void *ctx)
{
	app_stop(ctx, APP_EXIT_STOPPED, "reboot asked for by gwctl");
}

struct methods_source
app_methods_source(struct app *app)
{
	return (struct methods_source){
	    .ctx = app,
	    .bot_name = app->live->bot_name,
	    .bot_version = app->live->bot_version,
	    .profile = app->config->profile,
	    .version = GWBOT_VERSION,
	    .started_at = app->started_at,
	    .started_wall_ms = clock_wall_ms(),
	    .sim_control = app->args.sim ? app->sim.control : NULL,
	    .events = app->events,
	    .snapshots = app_snapshots,
	    .session = source_session,
	    .check_at = source_check_at,
	    .state = source_state,
	    .health = health_now,
	    .metrics = metrics_now,
	    .doctor_facts = app_doctor_facts,
	    .limits = source_limits,
	    .process = methods_process_self,
	    .loop = source_loop,
	    .reconnect = source_reconnect,
	    .budget = source_budget,
	    .rest = source_rest,
	    .beats = source_beats,
	    .config = source_config,
	    .loaded = source_loaded,
	    .read_config = source_read_config,
	    .reload = source_reload,
	    .reload_keep = source_reload_keep,
	    .reload_undo = source_reload_undo,
	    .reload_state = source_reload_state,
	    .override = source_override,
	    .take_back = source_take_back,
	    .overrides = source_overrides,
	    .probes = source_probes,
	    .jobs = source_jobs,
	    .run_job = source_run_job,
	    .reboot = source_reboot,
	    .stop = source_stop,
	};
}
