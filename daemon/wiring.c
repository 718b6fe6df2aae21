/*
 * What the parts ask of each other while they run: the answers of the health paths and
 * of the control methods, put together from the present state of all parts.
 */
#include "present.h"

#include <stdio.h>
#include <unistd.h>

#include "apply.h"
#include "page.h"
#include "reload.h"

/* ---- what HTTP answers ---- */

/* While this process waits for an older one there is nothing but the probes. */
static bool
waits(const struct app *app, struct http_reply *reply)
{
	if (app->gateway) {
		return false;
	}
	reply->type = "text/plain; charset=utf-8";
	(void)buf_printf(reply->body, "503 %s\n", app->handover.reason);
	return true;
}

static void
answer_probe(void *ctx, const struct http_request *request, struct http_reply *reply)
{
	struct health_input input;
	struct slice value;
	enum health_path path = request->route->probe;

	app_health(ctx, request->now, &input);
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

	if (waits(ctx, reply)) {
		return;
	}
	app_metrics(ctx, request->now, &input);
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
	    [PAGE_KEEPALIVE] = app_origin_of(app, "watchdog.keepalive"),
	    [PAGE_STALL] = app_origin_of(app, "watchdog.stall"),
	    [PAGE_DISCONNECT_GRACE] = app_origin_of(app, "watchdog.disconnect_grace"),
	    [PAGE_MAX_LATENCY] = app_origin_of(app, "watchdog.max_latency"),
	};
	struct gateway_budget budget;

	app_health(app, now, &health);
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
	    .job_count = app_job_views(app),
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
	if (waits(ctx, reply)) {
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
	if (waits(ctx, reply)) {
		return;
	}
	render_page(ctx, request, true, reply);
}

static void
answer_emoji(void *ctx, const struct http_request *request, struct http_reply *reply)
{
	const struct app *app = ctx;

	if (waits(app, reply)) {
		return;
	}
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

	app_health(ctx, now, &input);
	return health_state(&input);
}

static const char *
source_yielded(void *ctx)
{
	const struct app *app = ctx;

	return app->handover.role == HEALTH_ACTS ? NULL : app->handover.reason;
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
	return app_probe_views(app);
}

static size_t
source_jobs(void *ctx, const struct job_view **out)
{
	struct app *app = ctx;

	*out = app->job_views;
	return app_job_views(app);
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
	    .yielded = source_yielded,
	    .health = app_health,
	    .metrics = app_metrics,
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
