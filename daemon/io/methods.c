#include "methods.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "methods_json.h"
#include "methods_visit.h"
#include "xalloc.h"

struct methods {
	const struct methods_source *source;
	bool rebooting;
};

/* Every row must have its function: one without does not link, and with -Werror does
 * not compile. */
#define COMMAND(id, name, synopsis, access, help) \
	static void method_##id(const struct visit *visit);
#include "commands.def"
#undef COMMAND

static void (*const functions[])(const struct visit *visit) = {
#define COMMAND(id, name, synopsis, access, help) [COMMAND_##id] = method_##id,
#include "commands.def"
#undef COMMAND
};

static struct methods_limits
limits_of(const struct methods_source *source)
{
	struct methods_limits limits;

	source->limits(source->ctx, &limits);
	return limits;
}

/* ---- hello ---- */

static void
add_protocol(struct json *object)
{
	struct json *range = json_new_array();

	json_append(range, json_new_int(RPC_PROTOCOL_MIN));
	json_append(range, json_new_int(RPC_PROTOCOL_MAX));
	json_add(object, "protocol", range);
}

/* False where the client names a range that does not meet ours. */
static bool
protocols_meet(const struct json *params, int64_t *min, int64_t *max)
{
	const struct json *range = json_get(params, "protocol");

	*min = RPC_PROTOCOL_MIN;
	*max = RPC_PROTOCOL_MAX;
	(void)json_int(json_at(range, 0), min);
	(void)json_int(json_at(range, 1), max);
	return *min <= RPC_PROTOCOL_MAX && *max >= RPC_PROTOCOL_MIN;
}

static const char *
text_or(const struct json *value, const char *otherwise)
{
	const char *text = json_text(value);

	return text ? text : otherwise;
}

static void
say_hello(const struct visit *visit)
{
	const struct methods_source *source = visit->source;
	const struct json *params = visit->request->params;
	struct methods_process process;
	int64_t min;
	int64_t max;

	if (!protocols_meet(params, &min, &max)) {
		visit_refuse(visit, RPC_ERR_SKEW,
		    "restart the daemon after an upgrade: systemctl restart gwbotd",
		    "gwbotd %s speaks protocol %d to %d, %.40s %.40s needs %" PRId64
		    " to %" PRId64,
		    source->version, RPC_PROTOCOL_MIN, RPC_PROTOCOL_MAX,
		    text_or(json_get(params, "client"), "the client"),
		    text_or(json_get(params, "version"), ""), min, max);
		return;
	}
	struct json *hello = visit_new_answer("hello");
	struct json *capabilities = json_new_array();

	source->process(source->ctx, &process);
	json_add_text(hello, "daemon", "gwbotd");
	json_add_text(hello, "version", source->version);
	add_protocol(hello);
	for (size_t i = 0; i < commands_count(); i++) {
		json_append(capabilities, json_new_text(commands_at(i)->name));
	}
	json_add(hello, "capabilities", capabilities);
	json_add_text(hello, "name", source->bot_name);
	json_add_text(hello, "profile", source->profile);
	json_add_int(hello, "pid", process.pid);
	json_add_time(hello, "start_time", source->started_wall_ms);
	visit_answer(visit, hello);
}

/* ---- the rows of commands.def ---- */

static struct json *
describe_daemon(const struct visit *visit)
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

static struct json *
describe_watchdog(const struct visit_shards *selection,
    const struct watchdog_limits *limits)
{
	struct json *object = json_new_object();

	json_add_text(object, "verdict", worst_verdict(selection, limits));
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
	return object;
}

static struct json *
describe_shards(const struct visit_shards *selection,
    const struct watchdog_limits *limits)
{
	struct json *array = json_new_array();

	for (uint32_t i = 0; i < selection->count; i++) {
		json_append(array, methods_json_shard(&selection->shards[i], limits));
	}
	return array;
}

static void
method_status(const struct visit *visit)
{
	struct methods_limits limits = limits_of(visit->source);
	struct visit_shards selection;

	if (!visit_select_shards(visit, &selection)) {
		return;
	}
	struct json *status = visit_new_answer("status");

	json_add(status, "daemon", describe_daemon(visit));
	json_add(status, "gateway",
	    methods_json_total(selection.shards, selection.count));
	json_add(status, "watchdog", describe_watchdog(&selection, &limits.values));
	json_add(status, "loop", describe_loop(visit->source));
	json_add(status, "shards", describe_shards(&selection, &limits.values));
	visit_answer(visit, status);
}

static void
method_snapshot(const struct visit *visit)
{
	struct methods_limits limits = limits_of(visit->source);
	struct visit_shards selection;

	if (!visit_select_shards(visit, &selection)) {
		return;
	}
	struct json *snapshot = visit_new_answer("snapshot");

	if (selection.all) {
		json_add(snapshot, "total",
		    methods_json_total(selection.shards, selection.count));
	}
	json_add(snapshot, "shards", describe_shards(&selection, &limits.values));
	visit_answer(visit, snapshot);
}

static void
method_latency(const struct visit *visit)
{
	struct methods_limits limits = limits_of(visit->source);
	struct visit_shards selection;

	if (!visit_select_shards(visit, &selection)) {
		return;
	}
	struct json *latency = visit_new_answer("latency");
	struct json *shards = json_new_array();
	mono_ns highest = SNAPSHOT_NONE;

	for (uint32_t i = 0; i < selection.count; i++) {
		const struct snapshot *shard = &selection.shards[i];

		highest = shard->latency > highest ? shard->latency : highest;
		json_append(shards, methods_json_latency(shard));
	}
	json_add_seconds(latency, "highest_seconds", highest);
	json_add_seconds(latency, "max_latency_seconds", limits.values.max_latency);
	json_add(latency, "shards", shards);
	visit_answer(visit, latency);
}

static void
append_limit(struct json *array, const char *name, mono_ns value, const char *source)
{
	struct json *limit = json_new_object();

	json_add_text(limit, "name", name);
	json_add_seconds(limit, "value_seconds", value);
	json_add_text(limit, "source", source);
	json_append(array, limit);
}

static void
method_thresholds(const struct visit *visit)
{
	struct methods_limits limits = limits_of(visit->source);
	const struct watchdog_limits *values = &limits.values;
	struct visit_shards selection;

	if (!visit_select_shards(visit, &selection)) {
		return;
	}
	struct json *thresholds = visit_new_answer("thresholds");
	struct json *rows = json_new_array();
	struct json *shards = json_new_array();

	append_limit(rows, "watchdog.keepalive", values->keepalive,
	    limits.keepalive_from);
	append_limit(rows, "watchdog.stall", values->stall, limits.stall_from);
	append_limit(rows, "watchdog.disconnect_grace", values->disconnect_grace,
	    limits.disconnect_grace_from);
	append_limit(rows, "watchdog.max_latency", values->max_latency,
	    limits.max_latency_from);
	for (uint32_t i = 0; i < selection.count; i++) {
		json_append(shards, methods_json_margin(&selection.shards[i], values));
	}
	json_add(thresholds, "limits", rows);
	json_add(thresholds, "shards", shards);
	visit_answer(visit, thresholds);
}

/* The answer is in the kernel's hands before the end of the process is asked for. */
static void
method_reboot(const struct visit *visit)
{
	const struct methods_source *source = visit->source;
	struct methods_process process;
	struct visit_shards selection;
	uint32_t resumable = 0;

	if (!visit_select_shards(visit, &selection)) {
		return;
	}
	for (uint32_t i = 0; i < selection.count; i++) {
		resumable += selection.shards[i].session_id[0] ? 1 : 0;
	}
	struct json *reboot = visit_new_answer("reboot");

	source->process(source->ctx, &process);
	json_add_bool(reboot, "accepted", true);
	json_add_bool(reboot, "already_asked", visit->methods->rebooting);
	json_add_int(reboot, "pid", process.pid);
	json_add_int(reboot, "exit_status", 0);
	json_add_int(reboot, "shards", selection.count);
	json_add_int(reboot, "resumable", resumable);
	visit->methods->rebooting = true;
	visit_answer(visit, reboot);
	source->reboot(source->ctx);
}

static void
method_version(const struct visit *visit)
{
	struct json *version = visit_new_answer("version");
	struct json *daemon = json_new_object();

	json_add_text(daemon, "version", visit->source->version);
	add_protocol(daemon);
	json_add(version, "gwbotd", daemon);
	visit_answer(visit, version);
}

/* gwctl talks to gwsim itself: the daemon only says where it listens. */
static void
method_sim(const struct visit *visit)
{
	if (!visit->source->sim_control) {
		visit_refuse(visit, RPC_ERR_REFUSED,
		    "the built-in gateway runs with: gwbotd --sim",
		    "this gwbotd talks to the real gateway; there is nothing to play "
		    "faults with");
		return;
	}
	struct json *sim = visit_new_answer("sim");

	json_add_text(sim, "socket", visit->source->sim_control);
	visit_answer(visit, sim);
}

static void
append_command(struct json *array, const struct command *command)
{
	struct json *object = json_new_object();

	json_add_text(object, "name", command->name);
	json_add_text(object, "synopsis", command->synopsis);
	json_add_text(object, "access",
	    command->access == COMMAND_WRITE ? "write" : "read");
	json_add_text(object, "help", command->help);
	json_append(array, object);
}

static void
method_help(const struct visit *visit)
{
	const char *wanted = json_text(visit_argument(visit, 0));
	const struct command *only = wanted ? commands_find(wanted) : NULL;

	if (wanted && !only) {
		visit_refuse_unknown(visit, wanted);
		return;
	}
	struct json *help = visit_new_answer("help");
	struct json *commands = json_new_array();

	for (size_t i = 0; i < commands_count(); i++) {
		if (!only || only == commands_at(i)) {
			append_command(commands, commands_at(i));
		}
	}
	json_add(help, "commands", commands);
	visit_answer(visit, help);
}

/* ---- dispatch ---- */

void
methods_serve(void *ctx, struct control_call *owned_call, mono_ns now)
{
	struct methods *methods = ctx;
	const struct rpc_request *request = control_call_request(owned_call);
	const struct visit visit = {
	    .methods = methods,
	    .source = methods->source,
	    .command = commands_find(request->method),
	    .request = request,
	    .call = owned_call,
	    .now = now,
	};

	if (strcmp(request->method, "hello") == 0) {
		say_hello(&visit);
		return;
	}
	if (!visit.command) {
		visit_refuse_unknown(&visit, request->method);
		return;
	}
	if (!visit_arguments_fit(&visit)) {
		return;
	}
	if (visit.command->access == COMMAND_WRITE) {
		visit_log(&visit);
	}
	functions[visit.command->id](&visit);
}

struct methods *
methods_new(const struct methods_source *source)
{
	struct methods *methods = xzalloc(sizeof *methods);

	methods->source = source;
	return methods;
}

void
methods_free(struct methods *owned_methods)
{
	free(owned_methods);
}

void
methods_process_self(void *ctx, struct methods_process *out)
{
	char line[128] = "";
	FILE *statm = fopen("/proc/self/statm", "re");

	(void)ctx;
	*out = (struct methods_process){.pid = getpid()};
	if (!statm) {
		return;
	}
	const char *second = fgets(line, sizeof line, statm) ? strchr(line, ' ') : NULL;

	if (second) {
		out->rss_bytes = strtoull(second, NULL, 10) *
		    (unsigned long long)sysconf(_SC_PAGESIZE);
	}
	(void)fclose(statm);
}
