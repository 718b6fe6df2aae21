/*
 * Starts the parts in order; stop.c stops them in reverse, and what they ask of each
 * other is in wiring.c.
 */
#include "apply.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "hardening.h"
#include "log.h"
#include "memory.h"
#include "programs.h"
#include "reload.h"

#define LOOKUP_THREADS 4
#define DISK_THREADS   2
#define ERRAND_THREADS 2

/* The sentinel names a turn of the loop that takes longer than this. */
#define TURN_WARN CLOCK_S(5)

static const int signals[] = {SIGTERM, SIGINT, SIGHUP, SIGUSR1, 0};

#define DISCORD_GATEWAY "wss://gateway.discord.gg"
#define USER_AGENT      "DiscordBot (https://gwbot.example, " GWBOT_VERSION ") gwbotd"

/* ---- what parts say ---- */

static void
on_refused(void *ctx, const char *reason)
{
	struct app *app = ctx;

	if (app->stopping || app->handover.role != HEALTH_ACTS) {
		return; /* each shard is told of it, and each part tells it */
	}
	log_error("refused_by_discord", KV("reason", reason),
	    KV("exit_status", APP_EXIT_REFUSED));
	(void)snprintf(app->why, sizeof app->why, "Discord refuses this bot: %s",
	    reason);
	app_stop(app, APP_EXIT_REFUSED, "Discord refuses this bot");
}

static void
on_turned(void *ctx)
{
	const struct app *app = ctx;

	notify_turned(app->notify);
}

static void
on_unfit(void *ctx, const char *reason)
{
	log_error("start_failed", KV("reason", reason),
	    KV("exit_status", APP_EXIT_CONFIG));
	app_note_why(ctx, reason);
	app_stop(ctx, APP_EXIT_CONFIG, "the shards do not fit this process");
}

/* ---- starting ---- */

static const char *
text_or_null(const char *text)
{
	return text[0] != '\0' ? text : NULL;
}

static int
config_failed(struct app *app, const char *why)
{
	log_error("start_failed", KV("reason", why),
	    KV("exit_status", APP_EXIT_CONFIG));
	app_note_why(app, why);
	return APP_EXIT_CONFIG;
}

/* What failed has logged it. */
static int
start_failed(struct app *app, const char *why)
{
	app_note_why(app, why);
	return APP_EXIT_INTERNAL;
}

/* What the host has not got now it may have when the supervisor starts us again. */
static int
listen_failed(struct app *app, enum gw_err err, const char *why)
{
	if (!err_is_lack(err)) {
		return config_failed(app, why);
	}
	log_error("start_failed", KV("reason", why),
	    KV("remedy",
		"the next start may have it; else give it more: open files "
		"(LimitNOFILE=, ulimit -n), memory (MemoryMax=) or room on the disk"),
	    KV("exit_status", APP_EXIT_INTERNAL));
	return start_failed(app, why);
}

/* What nobody here sends must not end the daemon: a log's reader that went, before the
 * library ignores it as well, and the signals that have no meaning of their own. */
static void
ignore_strays(void)
{
	(void)signal(SIGPIPE, SIG_IGN);
	(void)signal(SIGUSR2, SIG_IGN);
	for (int number = SIGRTMIN; number <= SIGRTMAX; number++) {
		(void)signal(number, SIG_IGN);
	}
}

void
app_hold_signals(void)
{
	sigset_t set;

	ignore_strays();
	(void)sigemptyset(&set);
	for (const int *number = signals; *number != 0; number++) {
		(void)sigaddset(&set, *number);
	}
	(void)sigprocmask(SIG_BLOCK, &set, NULL);
}

/* ---- descriptors ---- */

/* Log, state, helpers, resolver, REST, control and some probes. */
#define FDS_LEAST 64

/* A socket and a record. */
#define FDS_PER_SHARD 2

static struct store_shards
shards_of(const struct config *config)
{
	const struct config_shards *shards = &config->discord_shards;

	return (struct store_shards){
	    .first = shards->first,
	    .count = shards->automatic ? 0 : shards->last - shards->first + 1,
	    .total = shards->total,
	};
}

static uint32_t
shards_most(void)
{
	return (uint32_t)config_option(CONFIG_ID_discord_shards)->max;
}

/* How many shards the limit of open files allows; one always. */
static uint32_t
shards_allowed(void)
{
	struct rlimit limit = {RLIM_INFINITY, RLIM_INFINITY};

	(void)getrlimit(RLIMIT_NOFILE, &limit);
	rlim_t room = limit.rlim_cur > FDS_LEAST ? limit.rlim_cur - FDS_LEAST : 0;
	rlim_t shards = room / FDS_PER_SHARD;

	shards = shards < shards_most() ? shards : shards_most();
	return shards > 0 ? (uint32_t)shards : 1;
}

/* Raises the soft limit of open files to what all of it needs, as far as the hard one
 * goes.  What is missing is taken from the probes first. */
static int
raise_files(struct app *app)
{
	uint32_t known = shards_of(app->config).count;
	uint32_t shards = known > 0 ? known : shards_most();
	rlim_t probes = (rlim_t)app->config->http_max_connections;
	rlim_t wanted = 2 * FDS_LEAST + FDS_PER_SHARD * shards + 2 * probes;
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0) {
		return 0;
	}
	if (limit.rlim_cur < wanted && shards > 1) {
		limit.rlim_cur = wanted < limit.rlim_max ? wanted : limit.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &limit);
	}
	app->shard_fds = FDS_PER_SHARD * (limit.rlim_cur >= wanted ? shards : known);
	if (known <= shards_allowed()) {
		return 0;
	}
	char why[192];

	(void)snprintf(why, sizeof why,
	    "discord.shards: %u shards need %u open files and the limit is %llu: raise "
	    "it "
	    "(LimitNOFILE=, ulimit -Hn) or hold fewer shards in this process",
	    known, FDS_LEAST + FDS_PER_SHARD * known,
	    (unsigned long long)limit.rlim_cur);
	return config_failed(app, why);
}

static void
on_log_timer(void *ctx, mono_ns now)
{
	const struct app *app = ctx;

	loop_timer_arm(app->log_timer, log_settle(now, false));
}

static void
on_log_alarm(void *ctx, mono_ns at)
{
	const struct app *app = ctx;

	loop_timer_arm(app->log_timer, at);
}

static int
start_loop(struct app *app)
{
	app->loop = loop_new();
	if (!app->loop ||
	    loop_watch_signals(app->loop, signals, app_on_signal, app) != GW_OK) {
		return start_failed(app, "the event loop cannot be made");
	}
	app->lookups = worker_new(app->loop, LOOKUP_THREADS);
	app->worker = worker_new(app->loop, DISK_THREADS);
	app->errands = worker_new(app->loop, ERRAND_THREADS);
	app->resolver = resolver_new(app->loop, app->lookups);
	app->watchdog_timer = loop_timer_new(app->loop, app_on_watchdog, app);
	app->stop_timer = loop_timer_new(app->loop, app_on_stop_timer, app);
	app->reboot_timer = loop_timer_new(app->loop, app_on_reboot_timer, app);
	app->override_timer = loop_timer_new(app->loop, app_on_override, app);
	app->trial_timer = loop_timer_new(app->loop, app_on_trial, app);
	app->log_timer = loop_timer_new(app->loop, on_log_timer, app);
	log_set_alarm(on_log_alarm, app);
	app->handover_timer = loop_timer_new(app->loop, app_on_handover, app);
	return 0;
}

static int
start_notify(struct app *app)
{
	struct notify_options options = {
	    .loop = app->loop,
	    .socket = getenv("NOTIFY_SOCKET"),
	    .watchdog_usec = getenv("WATCHDOG_USEC"),
	    .watchdog_pid = getenv("WATCHDOG_PID"),
	    .line = app_notify_line,
	    .ctx = app,
	};

	/* They stay in the environment: no program that we start gets ours. */
	app->notify = notify_new(&options);
	return 0;
}

enum gw_err
app_open_store(struct app *app)
{
	enum gw_err err = GW_OK;
	struct store_options options = {
	    .loop = app->loop,
	    .worker = app->worker,
	    .dir = app->config->state_dir,
	    .token = app->token,
	    .intents = app->config->discord_intents,
	};

	app->store = store_open(&options, &err);
	if (!app->store) {
		return err;
	}
	app->handover.ear =
	    takeover_ear_new(app->loop, app->config->state_dir, app_on_asked, app);
	app_begin_life(app);
	return GW_OK;
}

/* The words of state.takeover, in their order. */
enum takeover_word {
	TAKEOVER_REFUSE,
	TAKEOVER_ASK,
};

static int
start_store(struct app *app)
{
	if (app_open_store(app) == GW_OK) {
		return 0;
	}
	if (app->config->state_takeover == TAKEOVER_REFUSE) {
		return config_failed(app,
		    "another gwbotd uses this state folder: stop it, have this one ask "
		    "for it (state.takeover), or set state.dir");
	}
	app_wait_for_older(app);
	return 0;
}

static int
start_control(struct app *app)
{
	char why[256] = "";

	app->source = app_methods_source(app);
	app->reloaded_wall_ms = app->source.started_wall_ms;
	app->methods = methods_new(&app->source);
	struct control_options options = {
	    .loop = app->loop,
	    .path = app->config->control_socket,
	    .request = methods_serve,
	    .ctx = app->methods,
	};

	enum gw_err err = control_new(&options, &app->control, why, sizeof why);

	if (err != GW_OK) {
		return listen_failed(app, err, why);
	}
	log_info("control_listening", KV("path", options.path));
	return 0;
}

static int
start_http(struct app *app)
{
	char why[256] = "";
	struct http_options options = {
	    .loop = app->loop,
	    .port = (uint16_t)app->config->http_port,
	    .max_connections = (unsigned)app->config->http_max_connections,
	    .reserved_fds = app->shard_fds,
	    .ctx = app,
	};
	if (app->http) {
		return 0; /* it answered while this process waited */
	}
	options.routes = app_http_routes(&options.route_count);
	const struct config_list *listen = &app->config->http_listen;
	size_t index = 0;
	bool chosen = config_option_find("http.listen", &index) &&
	    strcmp(config_value_source(app->config, index), "default") != 0;

	for (size_t i = 0; chosen && i < listen->count && i < LISTENER_ADDRESSES_MAX;
	     i++) {
		options.listen[i] = listen->items[i];
	}
	enum gw_err err = http_new(&options, &app->http, why, sizeof why);

	return err == GW_OK ? 0 : listen_failed(app, err, why);
}

/* What calls others: nothing is called yet.  Reading the certificates takes time. */
static int
start_clients(struct app *app)
{
	const char *ca_file = app->args.sim ?
	    app->sim.ca_file :
	    text_or_null(app->config->discord_ca_file);
	char why[256] = "";

	if (app->tls) {
		return 0; /* while this process waited */
	}
	app->tls = ws_tls_new(ca_file, why, sizeof why);
	if (!app->tls) {
		return config_failed(app, why);
	}
	struct fetch_options fetch = {.user_agent = USER_AGENT, .trust = app->tls};

	app->fetch = fetch_new(app->loop, app->resolver, &fetch);
	if (!app->fetch) {
		return start_failed(app, "the HTTP client cannot be made");
	}
	return 0;
}

static int
start_gateway(struct app *app)
{
	const struct config *config = app->config;
	const char *api_base =
	    app->args.sim ? app->sim.api_base : config->discord_api_base;
	struct rest_options rest = {
	    .loop = app->loop,
	    .fetch = app->fetch,
	    .api_base = api_base,
	    .token = app->token,
	    .unauthorized = on_refused,
	    .ctx = app,
	};

	app->rest = rest_new(&rest);
	struct gateway_options options = {
	    .loop = app->loop,
	    .resolver = app->resolver,
	    .store = app->store,
	    .rest = app->rest,
	    .tls = app->tls,
	    .token = app->token,
	    .shards_auto = config->discord_shards.automatic,
	    .shards = shards_of(config),
	    .shards_max = shards_allowed(),
	    .settings = app_gateway_settings(app),
	    .api_base = api_base,
	    .fallback = strstr(api_base, "//discord.com/") ? DISCORD_GATEWAY : NULL,
	    .user_agent = USER_AGENT,
	    .dispatch = &app->dispatch,
	    .fatal = on_refused,
	    .turned = on_turned,
	    .unfit = on_unfit,
	    .ctx = app,
	};

	app->gateway = gateway_new(&options);
	return 0;
}

static int
start_emoji(struct app *app)
{
	struct emoji_settings settings = app_emoji_settings(app);

	app->emoji = emoji_new(app->loop, app->fetch, app->spawner, &settings);
	return 0;
}

/* The CDN of gwsim is where its API is. */
static void
note_sim_host(struct app *app)
{
	const char *host = strstr(app->sim.api_base, "://");

	host = host ? host + strlen("://") : "";
	(void)slice_copy((struct slice){host, strcspn(host, "/")}, app->sim_host,
	    sizeof app->sim_host);
}

static int
start_sim(struct app *app)
{
	char why[256] = "";

	if (!app->args.sim) {
		return 0;
	}
	enum gw_err err = simchild_start(app->spawner, app->config->state_dir,
	    &app->sim, why, sizeof why);

	if (err == GW_ERR_TOO_LARGE) {
		return config_failed(app, why); /* of the path of state.dir */
	}
	if (err != GW_OK) {
		log_error("sim_failed", KV("reason", (const char *)why));
		return start_failed(app, why);
	}
	note_sim_host(app);
	return 0;
}

/* First of all: what it forks has no descriptor, no thread and no log of ours. */
static int
start_spawner(struct app *app)
{
	app->spawner = programs_spawner(app);
	if (!app->spawner) {
		const char *why = strerror(errno);

		log_error("start_failed", KV("reason", why),
		    KV("exit_status", APP_EXIT_INTERNAL));
		return start_failed(app, why);
	}
	if (spawner_is_apart(app->spawner)) {
		hardening_forbid_programs();
	}
	return 0;
}

typedef int start_step(struct app *app);

/* In their order; NULL ends them. */
static int
take_steps(struct app *app, start_step *const *steps)
{
	for (; *steps; steps++) {
		int status = (*steps)(app);

		if (status != 0) {
			return status;
		}
	}
	return 0;
}

int
app_go(struct app *app)
{
	static start_step *const steps[] = {start_sim, start_clients, start_gateway,
	    app_start_bot, start_emoji, start_http, start_control, NULL};
	const struct config *config = app->config;
	int status = take_steps(app, steps);

	if (status != 0) {
		return status;
	}
	mono_ns now = clock_now();

	app->checked_at = now;
	app_arm_watchdog(app, now + config->watchdog_keepalive);
	log_info("watchdog",
	    KV("keepalive_s", clock_seconds(config->watchdog_keepalive)),
	    KV("stall_s", clock_seconds(config->watchdog_stall)),
	    KV("disconnect_grace_s", clock_seconds(config->watchdog_disconnect_grace)));
	/* Before the first event. */
	app_configure_bot(app, now);
	gateway_start(app->gateway, now);
	probes_configure(app->probes, app->live, now);
	jobs_configure(app->jobs, app->live, now);
	logchannel_configure(app->logchannel, app->live->log_channel, now);
	/* Not when Discord answers: an outage of it must fail no start. */
	notify_ready(app->notify);
	return 0;
}

static int
start_all(struct app *app)
{
	static start_step *const steps[] = {start_spawner, raise_files, start_loop,
	    start_notify, start_store, NULL};
	int status = take_steps(app, steps);

	if (status != 0) {
		return status;
	}
	if (app->handover.role != HEALTH_WAITS) {
		return app_go(app);
	}
	/* What can be done before the older yields makes the gap shorter. */
	static start_step *const early[] = {start_http, start_clients, NULL};

	/* The built-in gateway comes later, and its certificate with it. */
	return app->args.sim ? start_http(app) : take_steps(app, early);
}

int
app_run(struct app *app)
{
	const struct config *config = app->config;

	(void)umask(0077);
	log_open(STDERR_FILENO, (enum log_format)config->log_format,
	    (enum log_level)config->log_level);
	log_set_secret(app->token);
	app->logs = true;
	app->events = events_new(&app->dispatch, app->token);
	app_greet(app);
	int status = start_all(app);

	memory_run();
	if (status == 0) {
		worker_start_sentinel(app->worker, TURN_WARN, config->loop_limit,
		    app_on_loop_stuck, app);
		status = loop_run(app->loop);
		app_note_why(app, "the event loop ended");
	}
	app_end_life(app, status);
	app_free_parts(app);
	events_free(app->events);
	return status;
}
