/*
 * The screens of thresholds, log and stop.
 */
#ifndef GWCTL_RENDER_RUNTIME_H
#define GWCTL_RENDER_RUNTIME_H

#include "json.h"
#include "writer.h"

/** The limits with what is left of them, or what a change of them did. */
void render_thresholds_screen(struct writer *writer, const struct json *result);

/** The level of the log, or what a change of it did. */
void render_log_screen(struct writer *writer, const struct json *result);

void render_stop_screen(struct writer *writer, const struct json *result);

#endif
