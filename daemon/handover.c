/*
 * The hand-over between two instances of one bot that share the state folder, as they
 * do while one deploy overlaps the next.
 *
 * The newer finds the folder locked and waits (it answers probes, and nothing else of
 * it runs); the older hears of it, ends its connections so that the sessions can be
 * resumed, lets go of the folder and stays, since whoever started it would start it
 * again.  So one process acts at a time, and no event is lost or taken twice.
 */
#include "app.h"

#include <stdio.h>

#include "log.h"

/* How often the newer tries the lock: this is most of the gap. */
#define TRY_EVERY CLOCK_MS(20)

/* How long the older waits for the disk before it lets go of the folder, which another
 * process on this host reads all the same. */
#define YIELD_LIMIT CLOCK_S(1)
#define YIELD_POLL  CLOCK_MS(2)

/* Where nobody has had the folder for so many looks, the newer has gone and does not
 * come back: a restart of it is shorter. */
#define LOST_LOOK  CLOCK_S(10)
#define LOST_LOOKS 3

/* ---- the newer ---- */

void
app_wait_for_older(struct app *app)
{
	struct handover *handover = &app->handover;
	mono_ns now = clock_now();

	handover->role = HEALTH_WAITS;
	handover->since = now;
	handover->asked = GW_ERR_BUSY;
	handover->plea = takeover_plea_new(app->config->state_dir, GWBOT_VERSION);
	(void)snprintf(handover->reason, sizeof handover->reason,
	    "waiting for the older instance to yield %.180s", app->config->state_dir);
	log_info("takeover_waiting",
	    KV("state_dir", (const char *)app->config->state_dir),
	    KV("for_s", clock_seconds(app->config->state_takeover_wait)));
	loop_timer_arm(app->handover_timer, now);
}

/* A full disk may be the older one's to clear: it is tried again, and said once. */
static void
ask(struct handover *handover)
{
	enum gw_err err = takeover_plea_ask(handover->plea);

	if (err != handover->asked && err != GW_OK && err != GW_ERR_BUSY) {
		log_warning("takeover_not_asked",
		    KV("reason", (const char *)err_text(err)),
		    KV("effect",
			"the older instance does not know that it is waited for"));
	}
	handover->asked = err;
}

static void
give_up(struct app *app)
{
	char why[256];

	(void)snprintf(why, sizeof why,
	    "%s gwbotd with this state folder did not yield within "
	    "state.takeover_wait, %lld s: it hangs, or is of a version that cannot: "
	    "stop it",
	    app->handover.asked == GW_ERR_BUSY ? "another new one waits, and the" :
						 "the",
	    (long long)(app->config->state_takeover_wait / CLOCK_S(1)));
	app_note_why(app, why);
	log_error("start_failed", KV("reason", (const char *)why),
	    KV("exit_status", APP_EXIT_CONFIG));
	loop_stop(app->loop, APP_EXIT_CONFIG);
}

static void
take_over(struct app *app, mono_ns now)
{
	struct handover *handover = &app->handover;

	handover->role = HEALTH_ACTS;
	log_info("takeover_done", KV("waited_s", clock_seconds(now - handover->since)));
	/* After our own ear is there: the next one that asks must find it. */
	takeover_plea_free(handover->plea);
	handover->plea = NULL;
	int status = app_go(app);

	if (status != 0) {
		loop_stop(app->loop, status);
	}
}

static void
try_lock(struct app *app, mono_ns now)
{
	struct handover *handover = &app->handover;

	if (app_open_store(app) == GW_OK) {
		take_over(app, now);
		return;
	}
	if (now - handover->since >= app->config->state_takeover_wait) {
		give_up(app);
		return;
	}
	if (handover->asked != GW_OK) {
		ask(handover);
	}
	loop_timer_arm(app->handover_timer, now + TRY_EVERY);
}

/* ---- the older ---- */

static void
let_go(struct app *app, mono_ns now)
{
	struct handover *handover = &app->handover;

	store_release(app->store);
	handover->released = true;
	log_info("yielded", KV("to", (const char *)handover->by),
	    KV("took_ms", (now - handover->since) / CLOCK_MS(1)));
	loop_timer_arm(app->handover_timer, now + LOST_LOOK);
}

/* The sessions are closed, and their last sequences are on the way to the disk. */
static void
wait_for_disk(struct app *app, mono_ns now)
{
	if (store_is_synced(app->store) || now - app->handover.since >= YIELD_LIMIT) {
		let_go(app, now);
		return;
	}
	loop_timer_arm(app->handover_timer, now + YIELD_POLL);
}

/* A newer one that was taken back, or dies for good, leaves nobody: then a fresh
 * process must act, and a supervisor starts it in the place of this one. */
static void
look_for_newer(struct app *app, mono_ns now)
{
	struct handover *handover = &app->handover;
	mono_ns every = app->live->watchdog_keepalive;

	handover->lost =
	    takeover_is_held(app->config->state_dir) ? 0 : handover->lost + 1;
	if (handover->lost >= LOST_LOOKS) {
		log_warning("takeover_lost", KV("to", (const char *)handover->by),
		    KV("effect", "this process ends, so that a fresh one acts"));
		app_stop(app, APP_EXIT_WATCHDOG,
		    "nobody has the state folder that was yielded");
		return;
	}
	loop_timer_arm(app->handover_timer,
	    now + (every < LOST_LOOK ? every : LOST_LOOK));
}

void
app_on_asked(void *ctx, const char *by, mono_ns now)
{
	struct app *app = ctx;
	struct handover *handover = &app->handover;

	if (app->stopping || handover->role != HEALTH_ACTS) {
		return;
	}
	handover->role = HEALTH_YIELDED;
	handover->since = now;
	(void)snprintf(handover->by, sizeof handover->by, "%s", by);
	(void)snprintf(handover->reason, sizeof handover->reason, "yielded to %s", by);
	log_info("yielding", KV("to", by));
	takeover_ear_free(handover->ear);
	handover->ear = NULL;
	gateway_stop(app->gateway, now);
	jobs_halt(app->jobs);
	/* What was asked of this process is the newer one's; a reboot has happened. */
	loop_timer_arm(app->reboot_timer, CLOCK_NEVER);
	loop_timer_arm(app->override_timer, CLOCK_NEVER);
	loop_timer_arm(app->trial_timer, CLOCK_NEVER);
	app_end_life(app, APP_EXIT_STOPPED);
	store_flush(app->store);
	wait_for_disk(app, now);
}

/* ---- both ---- */

void
app_on_handover(void *ctx, mono_ns now)
{
	struct app *app = ctx;

	if (app->stopping) {
		return;
	}
	switch (app->handover.role) {
	case HEALTH_ACTS:
		return;
	case HEALTH_WAITS:
		try_lock(app, now);
		return;
	case HEALTH_YIELDED:
		if (app->handover.released) {
			look_for_newer(app, now);
		} else {
			wait_for_disk(app, now);
		}
		return;
	}
}
