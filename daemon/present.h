/*
 * The present state of all parts, as its readers want it: the health answers, the page,
 * the control methods, the metrics, the bot's own answers.  Nothing of it is kept.
 */
#ifndef GWBOTD_PRESENT_H
#define GWBOTD_PRESENT_H

#include "app.h"
#include "health.h"
#include "metrics_text.h"

/** What the health answers are made of; borrowed until the next call; ctx is the app.
 */
void app_health(void *ctx, mono_ns now, struct health_input *out);

/** What the metrics are made of; the same. */
void app_metrics(void *ctx, mono_ns now, struct metrics_input *out);

/** Where the live value of an option came from; "" where there is no such option. */
const char *app_origin_of(const struct app *app, const char *path);

/** Fills app->probe_views or app->job_views; how many there are. */
size_t app_probe_views(struct app *app);
size_t app_job_views(struct app *app);

#endif
