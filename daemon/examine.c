/* The facts that gwctl doctor's checks look at, gathered from the parts. */
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app.h"
#include "apply.h"
#include "hardening.h"
#include "host.h"
#include "log.h"
#include "process.h"
#include "trust.h"

/* ---- the configuration ---- */

/* What the files say by now: read as `gwctl config diff` reads them. */
static void
compare_disk(const struct app *app, struct doctor_facts *out)
{
	struct config_report report = {.count = 0};
	struct config *fresh = app_load_config(app, &report);

	out->config.disk_errors = report.errors;
	out->config.disk_warnings = report.count - report.errors;
	for (size_t i = 0; fresh && i < CONFIG_ID_COUNT; i++) {
		bool differs = !config_value_same(app->loaded, fresh, i);

		out->config.disk_differs += differs ? 1 : 0;
	}
	config_report_free(&report);
	config_free(fresh);
}

static void
add_config(const struct app *app, struct doctor_facts *out)
{
	const struct config *config = app->live;

	out->config.profile = app->config->profile;
	out->config.profile_known = !config_is_prod_like(app->config) ||
	    strcmp(app->config->profile, "prod") == 0;
	out->config.files = config->files.count;
	out->config.file = config->files.count > 0 ? config->files.items[0] : NULL;
	out->config.reload_failed = app->reload_failed;
	for (size_t i = CONFIG_ID_COUNT; i-- > 0;) {
		bool waits = config_option(i)->reload == CONFIG_RESTART &&
		    !config_value_same(app->live, app->loaded, i);

		out->config.restart_waits += waits ? 1 : 0;
		if (override_find(&app->overrides, i)) {
			out->config.overrides++;
			out->config.overridden = config_option(i)->path;
		}
	}
	compare_disk(app, out);
}

/* The permissions of a file or folder; 0: it cannot be looked at. */
static unsigned
mode_of(const char *path)
{
	struct stat status;

	return path && stat(path, &status) == 0 ? status.st_mode & 07777 : 0;
}

static void
add_token(const struct app *app, struct doctor_facts *out)
{
	const struct config *config = app->config;
	const char *source = config_value_source(config, CONFIG_ID_discord_token);
	const char *file = config_value_source(config, CONFIG_ID_discord_token_file);
	bool from_file = config->discord_token_file[0] && strcmp(source, file) == 0;
	bool from_env = strncmp(source, "env:", 4) == 0;

	out->token.size = app->token ? secret_size(app->token) : 0;
	out->token.swappable = app->token && !secret_is_locked(app->token);
	out->token.source = app->args.sim ? "the built-in gateway" : source;
	if (!app->args.sim) {
		out->token.file = from_file ? config->discord_token_file : NULL;
		out->token.inlined = !from_file && !from_env;
		out->token.mode = mode_of(out->token.file);
	}
}

/* ---- the parts ---- */

static void
add_identify(const struct app *app, struct doctor_facts *out)
{
	struct gateway_budget budget;

	gateway_identify_budget(app->gateway, &budget);
	out->identify.left = budget.left;
	out->identify.total = budget.total;
	out->identify.reserve = budget.reserve;
	out->identify.low = budget.low;
	if (budget.release_at_wall_ms > 0) {
		int64_t left_ms = budget.release_at_wall_ms - clock_wall_ms();

		out->identify.held_for = CLOCK_MS(left_ms > 0 ? left_ms : 1);
	}
}

static void
add_api(const struct app *app, mono_ns now, struct doctor_facts *out)
{
	struct rest_stats rest = rest_stats(app->rest, now);

	out->api.requests = rest.requests;
	out->api.invalid_10min = rest.invalid_10min;
	out->api.braked = rest.braked;
	out->api.unauthorized = rest.unauthorized;
	out->api.last_error = rest.last_error;
	out->api.last_error_age = now - rest.last_error_at;
	out->clock.known = rest.clock_at != 0;
	out->clock.ahead = rest.clock_ahead;
	out->clock.age = now - rest.clock_at;
}

static void
add_chat(const struct app *app, struct doctor_facts *out)
{
	const struct config *config = app->live;
	uint32_t intents = config->discord_intents;
	size_t greetings = bot_greetings(app->bot);

	out->chat.greetings = greetings > 0;
	out->chat.commands = config->commands.count > greetings ||
	    config->bot_admins.count > 0 || config->bot_admin_roles.count > 0;
	out->chat.guild_messages = (intents & CHAT_INTENT_GUILD) != 0;
	out->chat.message_content = (intents & CHAT_INTENT_CONTENT) != 0;
	out->chat.direct_messages = (intents & CHAT_INTENT_DIRECT) != 0;
	out->chat.guild_members = (intents & CHAT_INTENT_MEMBERS) != 0;
}

static void
add_slash(const struct app *app, struct doctor_facts *out)
{
	struct slash_stats stats = slash_stats(app->slash);

	out->slash.wanted = stats.list.wanted;
	out->slash.connected = stats.list.connected;
	out->slash.kept = stats.list.kept;
	out->slash.commands = stats.list.commands;
	out->slash.problem = stats.list.problem;
}

/* Without TLS nothing needs to be trusted. */
static void
add_trust(struct app *app, struct doctor_facts *out)
{
	const struct config *config = app->config;

	if (app->args.sim) {
		out->trust.place = app->sim.ca_file;
	} else if (config->discord_ca_file[0] != '\0') {
		out->trust.place = config->discord_ca_file;
	} else if (strncmp(config->discord_api_base, "https:", 6) == 0) {
		out->trust.empty =
		    !trust_has_system_store(app->trust_place, sizeof app->trust_place);
		out->trust.place = app->trust_place;
	}
}

static void
add_http(const struct app *app, struct doctor_facts *out)
{
	struct http_stats stats = http_stats(app->http);

	out->http.port = http_port(app->http);
	out->http.open = stats.open;
	out->http.most = http_max_connections(app->http);
	out->http.refused = stats.refused;
}

static void
add_process(const struct app *app, struct doctor_facts *out)
{
	struct loop_stats loop = loop_stats(app->loop);

	out->process = process_figures_read();
	out->memory_limit = host_memory_limit("");
	out->turns = loop.turn_times;
	out->turn_max = loop.turn_max;
	out->beats = gateway_beat_lateness(app->gateway);
	out->log_dropped = log_dropped();
	out->host.uid = geteuid();
	out->host.writes_core = host_writes_core();
	struct hardening hardening = hardening_read();

	out->host.may_gain = !hardening.no_new_privs;
	out->host.filtered = hardening.filtered;
	out->host.may_exec = hardening.may_exec;
	out->host.capabilities = hardening.capabilities;
	out->host.supervisor = host_supervisor();
}

void
app_doctor_facts(void *ctx, mono_ns now, struct doctor_facts *out)
{
	struct app *app = ctx;

	*out = (struct doctor_facts){
	    .limits = app_limits(app),
	    .simulated = app->args.sim,
	    .yielded = app->handover.role == HEALTH_ACTS ? NULL : app->handover.reason,
	    .state.dir = app->config->state_dir,
	    .state.mode = mode_of(app->config->state_dir),
	    .state.problem = store_problem(app->store, app->state_problem,
		sizeof app->state_problem),
	};
	out->shards = app_snapshots(app, now, &out->count);
	add_config(app, out);
	add_token(app, out);
	add_identify(app, out);
	add_api(app, now, out);
	add_chat(app, out);
	add_slash(app, out);
	add_trust(app, out);
	add_http(app, out);
	add_process(app, out);
}
