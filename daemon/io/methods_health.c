/* The health method: what GET /healthz says, out of the same verdict. */
#include "health.h"
#include "methods_json.h"
#include "methods_rows.h"

static void
append_reason(void *ctx, const char *text)
{
	json_append(ctx, json_new_text(text));
}

static struct json *
list_reasons(const struct health_input *input)
{
	struct json *reasons = json_new_array();

	health_reasons(input, append_reason, reasons);
	return reasons;
}

/* What a probe of each path is answered now. */
static struct json *
list_paths(const struct health_input *input)
{
	struct json *paths = json_new_array();

	for (int path = 0; path <= HEALTH_PATH_STARTUPZ; path++) {
		struct json *object = json_new_object();

		json_add_text(object, "path", health_path_text((enum health_path)path));
		json_add_int(object, "status",
		    health_render((enum health_path)path, input, NULL));
		json_append(paths, object);
	}
	return paths;
}

static struct json *
list_shards(const struct health_input *input)
{
	struct json *shards = json_new_array();
	uint32_t listed = 0;

	for (uint32_t i = 0; i < input->count && listed < HEALTH_SHARDS_LISTED; i++) {
		const struct snapshot *shard = &input->shards[i];

		if (health_lists(input, shard)) {
			json_append(shards, methods_json_row(shard, &input->limits));
			listed++;
		}
	}
	return shards;
}

static void
add_figures(struct json *health, const struct health_input *input)
{
	struct snapshot_total total = snapshot_aggregate(input->shards, input->count);

	json_add_bool(health, "connected",
	    total.shards > 0 && total.connected == total.shards);
	json_add_int(health, "shards_total", total.shards);
	json_add_int(health, "shards_connected", total.connected);
	json_add_seconds(health, "last_event_age_seconds",
	    health_last_event_age(input));
	json_add_seconds(health, "latency_seconds", total.latency);
	json_add_seconds(health, "disconnect_age_seconds", total.disconnect_age);
	json_add_seconds(health, "last_ready_age_seconds", total.last_ready_age);
}

static void
add_limits(struct json *health, const struct watchdog_limits *limits)
{
	json_add_seconds(health, "keepalive_seconds", limits->keepalive);
	json_add_seconds(health, "stall_seconds", limits->stall);
	json_add_seconds(health, "disconnect_grace_seconds", limits->disconnect_grace);
	json_add_seconds(health, "max_latency_seconds", limits->max_latency);
}

static void
add_budget(struct json *health, const struct health_input *input)
{
	json_add_int(health, "identifies_left", input->identifies_left);
	json_add_int(health, "identify_reserve", input->identify_reserve);
	if (input->release_wall_ms == 0) {
		json_add_null(health, "identify_held_until");
	} else {
		json_add_time(health, "identify_held_until", input->release_wall_ms);
	}
}

void
methods_health(const struct visit *visit)
{
	const struct methods_source *source = visit->source;
	struct json *health = visit_new_answer("health");
	struct methods_process process;
	struct health_input input;

	source->process(source->ctx, &process);
	source->health(source->ctx, visit->now, &input);
	json_add_text(health, "state", health_state(&input));
	json_add_int(health, "http_status",
	    health_render(HEALTH_PATH_HEALTHZ, &input, NULL));
	json_add(health, "reasons", list_reasons(&input));
	json_add_text(health, "name", input.bot);
	json_add_text(health, "bot_version", input.version);
	json_add_text(health, "profile", input.env);
	json_add_text(health, "version", source->version);
	json_add_int(health, "pid", process.pid);
	json_add_seconds(health, "uptime_seconds", input.uptime);
	json_add_bool(health, "strict_probe", input.strict_probe);
	add_figures(health, &input);
	add_limits(health, &input.limits);
	add_budget(health, &input);
	json_add(health, "paths", list_paths(&input));
	json_add(health, "shards", list_shards(&input));
	visit_answer(visit, health);
}
