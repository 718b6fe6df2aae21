/*
 * Another configuration, read from all layers: to stay, or on trial; and the way back.
 */
#ifndef GWBOTD_RELOAD_H
#define GWBOTD_RELOAD_H

#include "app.h"

/**
 * Reads all layers again and has the parts take what changed: all or nothing.
 *
 * ask->span: after it what ran before comes back, unless the new one is kept; a reload
 * on trial while another one is on trial goes back to what was there before both.
 * Without a span it stays, and ends a trial.  changes: as app_take().  False where the
 * configuration has errors: they are in report, and everything stays as it is, a trial
 * too.  Logs either way.
 */
bool app_reload(struct app *app, const struct methods_reload_ask *ask, mono_ns now,
    struct config_report *report, struct config_changes *changes);

/** The one on trial stays; false where none is. */
bool app_reload_keep(struct app *app);

/** What ran before the last reload that changed something comes back; false where there
 * is none, since it is back or nothing changed since the start. */
bool app_reload_undo(struct app *app, const char *reason, mono_ns now,
    struct config_changes *changes);

/** The timer of a trial; ctx is the app. */
void app_on_trial(void *ctx, mono_ns now);

#endif
