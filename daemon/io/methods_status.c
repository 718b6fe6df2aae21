/* The status method: one answer about the whole process. */
#include "methods_status.h"

#include "methods_explain.h"
#include "methods_json.h"
#include "methods_rows.h"
#include "methods_setting.h"

struct json *
methods_status_daemon(const struct visit *visit)
{
	const struct methods_source *source = visit->source;
	struct methods_process process;
	struct json *object = json_new_object();

	source->process(source->ctx, &process);
	json_add_text(object, "name", source->bot_name);
	json_add_text(object, "bot_version", source->bot_version);
	json_add_text(object, "version", source->version);
	json_add_text(object, "profile", source->profile);
	json_add_text(object, "state", source->state(source->ctx, visit->now));
	json_add_int(object, "pid", process.pid);
	json_add_time(object, "start_time", source->started_wall_ms);
	json_add_seconds(object, "uptime_seconds", visit->now - source->started_at);
	if (process.rss_bytes == 0) {
		json_add_null(object, "rss_bytes");
	} else {
		json_add_int(object, "rss_bytes", (int64_t)process.rss_bytes);
	}
	json_add_bool(object, "simulated", source->sim_control != NULL);
	return object;
}

/* The verdict that would end the process soonest: the enum is in that order. */
static const char *
worst_verdict(const struct visit_shards *selection,
    const struct watchdog_limits *limits)
{
	enum watchdog_verdict worst = WATCHDOG_OK;

	for (uint32_t i = 0; i < selection->count; i++) {
		enum watchdog_verdict verdict =
		    watchdog_decide(&selection->shards[i], limits);

		worst = verdict > worst ? verdict : worst;
	}
	return watchdog_verdict_name(worst);
}

struct json *
methods_status_watchdog(const struct visit *visit, const struct visit_shards *selection,
    const struct watchdog_limits *limits)
{
	const struct methods_source *source = visit->source;
	mono_ns wait = source->check_at(source->ctx, visit->now) - visit->now;
	struct json *object = json_new_object();

	json_add_text(object, "verdict", worst_verdict(selection, limits));
	json_add_seconds(object, "next_check_seconds", wait > 0 ? wait : 0);
	json_add_seconds(object, "keepalive_seconds", limits->keepalive);
	json_add_seconds(object, "stall_seconds", limits->stall);
	json_add_seconds(object, "disconnect_grace_seconds", limits->disconnect_grace);
	json_add_seconds(object, "max_latency_seconds", limits->max_latency);
	return object;
}

static struct json *
describe_loop(const struct methods_source *source)
{
	struct loop_stats stats = source->loop(source->ctx);
	struct json *object = json_new_object();

	json_add_int(object, "turns", (int64_t)stats.turns);
	json_add_int(object, "spins", (int64_t)stats.spins);
	json_add_seconds(object, "turn_max_seconds", stats.turn_max);
	json_add(object, "turn_times", methods_json_quantiles(stats.turn_times));
	json_add(object, "timer_lags", methods_json_quantiles(stats.timer_lags));
	return object;
}

/* Of the day: left is what may still be sent before the reserve. */
static struct json *
describe_budget(const struct methods_source *source)
{
	struct gateway_budget budget;
	struct json *object = json_new_object();

	source->budget(source->ctx, &budget);
	json_add_int(object, "total", budget.total);
	json_add_int(object, "used_today", budget.used_today);
	json_add_int(object, "left", budget.left);
	json_add_int(object, "reserve", budget.reserve);
	if (budget.told_remaining < 0) {
		json_add_null(object, "told_remaining");
	} else {
		json_add_int(object, "told_remaining", budget.told_remaining);
	}
	if (budget.release_at_wall_ms == 0) {
		json_add_null(object, "held_until");
		json_add_null(object, "held_for_seconds");
	} else {
		int64_t left_ms = budget.release_at_wall_ms - clock_wall_ms();

		json_add_time(object, "held_until", budget.release_at_wall_ms);
		json_add_seconds(object, "held_for_seconds",
		    left_ms > 0 ? CLOCK_MS(left_ms) : 0);
	}
	return object;
}

static struct json *
describe_rest(const struct visit *visit)
{
	struct rest_stats stats = visit->source->rest(visit->source->ctx, visit->now);
	bool failed = stats.last_error != NULL;
	struct json *object = json_new_object();

	json_add_int(object, "requests", (int64_t)stats.requests);
	json_add_int(object, "retries", (int64_t)stats.retries);
	json_add_int(object, "limited", (int64_t)stats.limited);
	json_add_int(object, "refused", (int64_t)stats.refused);
	json_add_int(object, "queued", stats.queued);
	json_add_int(object, "in_flight", stats.in_flight);
	json_add_int(object, "invalid_10min", stats.invalid_10min);
	json_add_bool(object, "braked", stats.braked);
	json_add_bool(object, "unauthorized", stats.unauthorized);
	json_add_seconds(object, "global_wait_seconds", stats.global_wait);
	json_add_text(object, "last_error", stats.last_error);
	json_add_seconds(object, "last_error_age_seconds",
	    failed ? visit->now - stats.last_error_at : SNAPSHOT_NONE);
	return object;
}

/* Below this many shards all are listed; beyond it those that are not ready, as many.
 * The list stays a glance: gwctl shards has them all. */
#define LISTED_MAX 64

static struct json *
describe_shard(const struct visit *visit, const struct visit_shards *selection,
    uint32_t index, const struct watchdog_limits *limits)
{
	const struct snapshot *shard = &selection->shards[index];
	struct json *object = methods_json_shard(shard, limits);
	mono_ns exit_in = SNAPSHOT_NONE;

	if (!shard->ready) {
		struct outlook outlook;

		methods_explain_take(visit, selection, index, 0, &outlook);
		exit_in = outlook_exit_in(&outlook);
	}
	json_add_seconds(object, "watchdog_exit_in_seconds", exit_in);
	return object;
}

static void
add_shards(const struct visit *visit, struct json *status,
    const struct visit_shards *selection, const struct watchdog_limits *limits)
{
	bool all = selection->count <= LISTED_MAX;
	struct json *array = json_new_array();
	uint32_t listed = 0;

	for (uint32_t i = 0; i < selection->count && listed < LISTED_MAX; i++) {
		const struct snapshot *shard = &selection->shards[i];

		if (all || !shard->ready) {
			json_append(array, describe_shard(visit, selection, i, limits));
			listed++;
		}
	}
	json_add_int(status, "shards_left_out", selection->count - listed);
	json_add(status, "shards", array);
}

void
methods_status(const struct visit *visit)
{
	struct watchdog_limits limits = visit_limits(visit);
	struct visit_shards selection;

	if (!visit_select_shards(visit, &selection)) {
		return;
	}
	struct json *status = visit_new_answer("status");

	json_add(status, "daemon", methods_status_daemon(visit));
	json_add(status, "gateway",
	    methods_json_total(selection.shards, selection.count));
	json_add(status, "watchdog",
	    methods_status_watchdog(visit, &selection, &limits));
	json_add(status, "loop", describe_loop(visit->source));
	visit_add_beats(visit, status);
	json_add(status, "identify", describe_budget(visit->source));
	json_add(status, "config", setting_describe_config(visit));
	json_add(status, "rest", describe_rest(visit));
	add_shards(visit, status, &selection, &limits);
	visit_answer(visit, status);
}
