/*
 * The one way from a changed configuration to the running parts: a reload (reload.c)
 * and a value set by gwctl both end here.
 *
 * What runs (app->live) is what was read last (app->loaded) under the overrides; only
 * options that wait for a restart keep the value that they had at the start.
 */
#ifndef GWBOTD_APPLY_H
#define GWBOTD_APPLY_H

#include "app.h"

/**
 * Has the parts take what was read; returns how many options changed that act now.
 *
 * changes are the options that changed; config_option()->reload says when each acts
 * (those that wait for a restart are told again as long as they wait).  Logs those that
 * wait.
 */
unsigned app_take(struct app *app, struct config *owned_read, mono_ns now,
    struct config_changes *changes);

/** Keeps a configuration that was loaded for a way back; NULL: there is none.  The one
 * kept before is forgotten. */
void app_remember(struct app *app, struct config *owned_before);

/**
 * Sets an option over all layers until its time is up, it is taken back or the process
 * ends; reloads do not touch it, another value for it replaces it with its time.
 *
 * changes: as app_reload(), with the options that are derived from it.  On an error
 * nothing changes and why (room bytes) says what is wrong and what is allowed;
 * GW_ERR_PERMISSION for an option that waits for a restart.
 */
enum gw_err app_override(struct app *app, const struct override_ask *ask, mono_ns now,
    struct config_changes *changes, char *why, size_t room);

/** Takes back those of the wanted options that are set; how many those were. */
unsigned app_take_back(struct app *app, const bool wanted[CONFIG_ID_COUNT], mono_ns now,
    struct config_changes *changes);

/** The timer of values that revert by themselves; ctx is the app. */
void app_on_override(void *ctx, mono_ns now);

/** What would run with this as what was read: under the overrides. */
struct config *app_preview(const struct app *app, const struct config *read);

/** Frees all configurations. */
void app_free_config(struct app *app);

#endif
