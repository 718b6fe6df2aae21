/*
 * While it runs: the watchdog's checks, the only place where its verdict acts, and
 * signals.
 */

#include <signal.h>
#include <stdio.h>

#include "log.h"
#include "memory.h"
#include "reload.h"

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

	log_write_change(level,
	    level == LOG_LEVEL_ERROR ? "watchdog_exit" : "watchdog_stale", pairs,
	    sizeof pairs / sizeof pairs[0]);
}

/* For the last line of all; the figures are in the one before. */
static void
note_verdict(struct app *app, const struct snapshot *snap,
    const struct watchdog_limits *limits, enum watchdog_verdict verdict)
{
	bool zombie = verdict == WATCHDOG_ZOMBIE;
	mono_ns age = zombie ? snap->last_event_age : snap->disconnect_age;
	mono_ns limit = zombie ? limits->stall : limits->disconnect_grace;
	char why[sizeof app->why];

	(void)snprintf(why, sizeof why,
	    "watchdog: shard %u %s for %lld s, over %s of %lld s",
	    (unsigned)snap->shard_id, zombie ? "had no event" : "was not connected",
	    (long long)(age / CLOCK_S(1)),
	    zombie ? "watchdog.stall" : "watchdog.disconnect_grace",
	    (long long)(limit / CLOCK_S(1)));
	app_note_why(app, why);
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
		note_verdict(app, snap, &limits, verdict);
		app_trip(app,
		    verdict == WATCHDOG_ZOMBIE ? LIFE_TRIP_STALE :
						 LIFE_TRIP_DISCONNECTED);
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
	if (app->handover.role == HEALTH_ACTS) {
		takeover_ear_look(app->handover.ear, now);
	}
	app->checked_at = now;
	if (app->handover.role != HEALTH_ACTS) {
		/* Its shards are down because it yielded. */
		app_arm_watchdog(app, now + app->live->watchdog_keepalive);
		return;
	}
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
	/* What lies free between what is used, after connects, reloads and answers. */
	memory_trim();
	app_arm_watchdog(app, now + app->live->watchdog_keepalive);
}

/* ---- signals ---- */

static void
on_reload(struct app *app, mono_ns now)
{
	struct config_report report = {.count = 0};
	struct config_changes changes;
	const struct methods_reload_ask ask = {.span = CLOCK_NEVER};

	/* The log has it all. */
	(void)app_reload(app, &ask, now, &report, &changes);
	config_report_free(&report);
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
		if (app->handover.role == HEALTH_ACTS) {
			on_reload(app, now);
		} else {
			log_warning("reload_refused",
			    KV("effect", (const char *)app->handover.reason));
		}
		return;
	case SIGUSR1:
		if (app->gateway) {
			dump(app, now);
		}
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
