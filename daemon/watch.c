/*
 * While it runs: the watchdog's checks, the only place where its verdict acts; signals;
 * reload.
 */
#include "app.h"

#include <signal.h>
#include <unistd.h>

#include "log.h"

/* Stale, but heartbeats are answered: said at most this often. */
#define STALE_LOG_EVERY CLOCK_S(600)

/* A check that comes later than this says nothing of the shards. */
#define CHECK_LATE CLOCK_S(2)

/* An age or a latency, which may not be known yet. */
static struct log_kv
known_seconds(const char *key, mono_ns value)
{
	if (value == SNAPSHOT_NONE) {
		return KV(key, "unknown");
	}
	return KV(key, clock_seconds(value));
}

/* ---- the watchdog ---- */

static void
log_verdict(enum log_level level, const struct snapshot *snap,
    const struct watchdog_limits *limits, enum watchdog_verdict verdict)
{
	struct log_kv pairs[] = {
	    KV("verdict", watchdog_verdict_name(verdict)),
	    KV("shard", snap->shard_id),
	    KV("state", snapshot_state_text(snap->state)),
	    known_seconds("last_event_age_s", snap->last_event_age),
	    KV("stall_s", clock_seconds(limits->stall)),
	    known_seconds("latency_s", snap->latency),
	    KV("max_latency_s", clock_seconds(limits->max_latency)),
	    known_seconds("disconnect_age_s", snap->disconnect_age),
	    KV("disconnect_grace_s", clock_seconds(limits->disconnect_grace)),
	    KV("reason", (const char *)snap->reason),
	};

	log_write(level, level == LOG_LEVEL_ERROR ? "watchdog_exit" : "watchdog_stale",
	    pairs, sizeof pairs / sizeof pairs[0]);
}

/* True where the verdict ends the process. */
static bool
judge(struct app *app, const struct snapshot *snap, mono_ns now)
{
	struct watchdog_limits limits = app_limits(app);
	enum watchdog_verdict verdict = watchdog_decide(snap, &limits);

	switch (verdict) {
	case WATCHDOG_OK:
		return false;
	case WATCHDOG_STALE:
		if (app->stale_logged_at == 0 ||
		    now - app->stale_logged_at >= STALE_LOG_EVERY) {
			app->stale_logged_at = now;
			log_verdict(LOG_LEVEL_WARNING, snap, &limits, verdict);
		}
		return false;
	case WATCHDOG_ZOMBIE:
	case WATCHDOG_DOWN:
		log_verdict(LOG_LEVEL_ERROR, snap, &limits, verdict);
		app_stop(app, APP_EXIT_WATCHDOG, "watchdog");
		return true;
	}
	return false;
}

void
app_arm_watchdog(struct app *app, mono_ns at)
{
	app->check_at = at;
	loop_timer_arm(app->watchdog_timer, at);
}

/* The process stood still or the host slept: what the shards missed is not theirs. */
static bool
is_late(struct app *app, mono_ns now)
{
	mono_ns late = now - app->check_at;

	/* One that follows a late one is judged all the same: where all are late, the
	 * watchdog must not sleep for ever. */
	if (late < CHECK_LATE || app->was_late) {
		app->was_late = false;
		return false;
	}
	app->was_late = true;
	log_warning("watchdog_late", KV("seconds", clock_seconds(late)),
	    KV("effect", "no verdict before the next check"));
	return true;
}

void
app_on_watchdog(void *ctx, mono_ns now)
{
	struct app *app = ctx;
	uint32_t count = 0;

	if (app->stopping) {
		return;
	}
	app->checked_at = now;
	gateway_note_check(app->gateway, now);
	if (is_late(app, now)) {
		app_arm_watchdog(app, now + app->live->watchdog_keepalive);
		return;
	}
	const struct snapshot *shards = app_snapshots(app, now, &count);

	for (uint32_t i = 0; i < count; i++) {
		if (judge(app, &shards[i], now)) {
			return;
		}
	}
	app_arm_watchdog(app, now + app->live->watchdog_keepalive);
}

/* ---- signals ---- */

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

		log_write(level, "config", pairs, 2);
	}
}

/* When a changed option takes effect, and what makes it do so now. */
static const char *
remedy_of(enum config_reload reload)
{
	switch (reload) {
	case CONFIG_LIVE:
		return "";
	case CONFIG_RECONNECT:
		return "takes effect with the next connection: gwctl reconnect";
	case CONFIG_IDENTIFY:
		return "takes effect with the next session: gwctl reconnect --fresh";
	case CONFIG_RESTART:
		return "takes effect at the next start: gwctl reboot";
	}
	return "";
}

/* Tells which changed options wait for something; returns how many take effect now. */
static unsigned
compare_reloaded(const struct app *app, const struct config *fresh)
{
	unsigned live = 0;

	for (size_t i = 0; i < config_option_count(); i++) {
		const struct config_option *option = config_option(i);
		bool restart = option->reload == CONFIG_RESTART;

		/* What waits for a restart still runs as it was at the start. */
		if (config_value_same(restart ? app->config : app->live, fresh, i)) {
			continue;
		}
		if (option->reload == CONFIG_LIVE) {
			live++;
			continue;
		}
		log_warning("config_deferred", KV("option", option->path),
		    KV("remedy", remedy_of(option->reload)));
	}
	return live;
}

static void
reload(struct app *app, mono_ns now)
{
	struct config_report report = {.count = 0};
	struct config *fresh = app_load_config(app, &report);

	log_report(&report);
	config_report_free(&report);
	app->reload_failed = fresh == NULL;
	if (!fresh) {
		log_error("reload_refused",
		    KV("effect", "the running configuration stays"));
		return;
	}
	app->reloaded_wall_ms = clock_wall_ms();

	unsigned changed = compare_reloaded(app, fresh);
	struct config *old = app->live;

	app->live = fresh;
	struct gateway_settings settings = app_gateway_settings(app);

	/* Before the texts of the old configuration go. */
	gateway_configure(app->gateway, &settings, now);
	http_set_max_connections(app->http, (unsigned)fresh->http_max_connections);
	if (old != app->config) {
		config_free(old);
	}
	app->source.bot_name = fresh->bot_name;
	app->source.bot_version = fresh->bot_version;
	log_open(STDERR_FILENO, (enum log_format)fresh->log_format,
	    (enum log_level)fresh->log_level);
	/* Counted from the last check: reloads that come faster than the checks must
	 * not put them off for ever. */
	mono_ns check_at = app->checked_at + fresh->watchdog_keepalive;

	app_arm_watchdog(app, check_at > now ? check_at : now);
	log_info("reloaded", KV("changed", changed));
}

static void
dump(struct app *app, mono_ns now)
{
	uint32_t count = 0;
	const struct snapshot *shards = app_snapshots(app, now, &count);

	for (uint32_t i = 0; i < count; i++) {
		const struct snapshot *snap = &shards[i];

		log_info("status", KV("shard", snap->shard_id),
		    KV("state", snapshot_state_text(snap->state)),
		    KV("connected", snap->connected), KV("seq", snap->seq),
		    known_seconds("last_event_age_s", snap->last_event_age),
		    known_seconds("latency_s", snap->latency),
		    known_seconds("disconnect_age_s", snap->disconnect_age),
		    KV("reconnects", snap->reconnects), KV("resumes", snap->resumes),
		    KV("identifies", snap->identifies),
		    KV("reason", (const char *)snap->reason));
	}
}

void
app_on_signal(void *ctx, int number, mono_ns now)
{
	struct app *app = ctx;

	switch (number) {
	case SIGHUP:
		reload(app, now);
		return;
	case SIGUSR1:
		dump(app, now);
		return;
	default:
		if (app->args.sim && !app->stopping) {
			simchild_quit(&app->sim);
		}
		app_stop(app, APP_EXIT_STOPPED,
		    number == SIGTERM ? "SIGTERM" : "SIGINT");
		return;
	}
}
