/*
 * What outlives the process of its lives: counts starts and the watchdog's exits, and
 * writes down how each life ends.
 */
#include "app.h"

#include <stdio.h>

#include "leave.h"
#include "log.h"

void
app_begin_life(struct app *app)
{
	enum life_verdict verdict = life_begin(store_life(app->store), &app->life);

	(void)store_ledger_changed(app->store);
	if (verdict == LIFE_DAMAGED || verdict == LIFE_NEWER) {
		log_warning("life_record_unusable",
		    KV("reason",
			verdict == LIFE_NEWER ? "written by a newer version" :
						"damaged"),
		    KV("effect", "starts and watchdog exits are counted anew"));
	}
	log_info("life", KV("starts", app->life.starts),
	    KV("last_end", life_end_word(app->life.last_end)));
}

void
app_trip(struct app *app, enum life_trip trip)
{
	life_trip(store_life(app->store), &app->life, trip);
}

void
app_on_loop_stuck(void *ctx, const char *handler, mono_ns stuck)
{
	const struct app *app = ctx;
	char why[192];

	/* Behind the end of the life there may be no page any more. */
	if (app->store && !app->life_ended) {
		life_trip_loop(store_life(app->store));
	}
	(void)snprintf(why, sizeof why, "the event loop was stuck for %lld s in %s",
	    (long long)(stuck / CLOCK_S(1)), handler);
	leave_aside(APP_EXIT_WATCHDOG, why);
}

void
app_end_life(struct app *app, int exit_status)
{
	if (!app->store || app->life_ended) {
		return;
	}
	app->life_ended = true;
	life_end(store_life(app->store), &app->life, life_end_of(exit_status),
	    exit_status);
	(void)store_ledger_changed(app->store);
}
