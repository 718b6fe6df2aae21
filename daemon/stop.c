/*
 * Stops the parts in the reverse order of start.c; what the process was stopped for is
 * kept for its last line.
 */
#include "apply.h"

#include <stdio.h>
#include <stdlib.h>

#include "log.h"

/* How long a stop may wait for the disk; the whole exit takes at most 2 s. */
#define STOP_LIMIT CLOCK_S(1)
#define STOP_POLL  CLOCK_MS(10)

/* And for the log channel. */
#define STOP_TELL CLOCK_MS(400)

void
app_on_stop_timer(void *ctx, mono_ns now)
{
	struct app *app = ctx;

	/* A verdict reaches the log channel where that is quick. */
	bool told = logchannel_is_idle(app->logchannel, now) ||
	    now >= app->stop_deadline - STOP_LIMIT + STOP_TELL;
	bool still =
	    told && store_is_synced(app->store) && children_count(app->children) == 0;

	if (still || now >= app->stop_deadline) {
		loop_stop(app->loop, app->exit_status);
		return;
	}
	loop_timer_arm(app->stop_timer, now + STOP_POLL);
}

void
app_note_why(struct app *app, const char *why)
{
	if (app->why[0] == '\0') {
		(void)snprintf(app->why, sizeof app->why, "%s", why);
	}
}

/* The sessions stay resumable whatever the reason is. */
void
app_stop(struct app *app, int exit_status, const char *reason)
{
	mono_ns now = clock_now();

	if (app->stopping) {
		return;
	}
	app->stopping = true;
	app->exit_status = exit_status;
	app->stop_deadline = now + STOP_LIMIT;
	app_note_why(app, reason);
	log_change("stopping", KV("exit_status", exit_status), KV("reason", reason));
	notify_stopping(app->notify);
	if (app->handover.role == HEALTH_WAITS) {
		/* Nothing runs yet that would have to end. */
		loop_stop(app->loop, exit_status);
		return;
	}
	control_leave(app->control);
	gateway_stop(app->gateway, now);
	app_end_life(app, exit_status);
	store_flush(app->store);
	children_stop(app->children);
	loop_timer_arm(app->stop_timer, now + STOP_POLL);
}

void
app_on_reboot_timer(void *ctx, mono_ns now)
{
	(void)now;
	app_stop(ctx, APP_EXIT_STOPPED, "reboot asked for in Discord");
}

void
app_free_parts(struct app *app)
{
	control_free(app->control);
	methods_free(app->methods);
	emoji_free(app->emoji);
	http_free(app->http);
	logchannel_free(app->logchannel);
	chat_free(app->chat);
	slash_free(app->slash);
	bot_free(app->bot);
	jobs_free(app->jobs);
	probes_free(app->probes);
	children_free(app->children);
	gateway_free(app->gateway);
	rest_free(app->rest);
	fetch_free(app->fetch);
	takeover_ear_free(app->handover.ear);
	takeover_plea_free(app->handover.plea);
	store_close(app->store);
	resolver_free(app->resolver);
	notify_free(app->notify);
	loop_timer_free(app->watchdog_timer);
	loop_timer_free(app->stop_timer);
	loop_timer_free(app->reboot_timer);
	loop_timer_free(app->override_timer);
	loop_timer_free(app->trial_timer);
	log_set_alarm(NULL, NULL);
	loop_timer_free(app->log_timer);
	loop_timer_free(app->handover_timer);
	worker_free(app->lookups);
	worker_free(app->errands);
	worker_free(app->worker);
	loop_free(app->loop);
	ws_tls_free(app->tls);
	spawner_free(app->spawner);
	free(app->snapshots);
}
