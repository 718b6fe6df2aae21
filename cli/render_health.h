/*
 * The screens for monitoring: health, check, wait, metrics and doctor.
 */
#ifndef GWCTL_RENDER_HEALTH_H
#define GWCTL_RENDER_HEALTH_H

#include "json.h"
#include "writer.h"

/** What the probes are told, and why. */
void render_health_screen(struct writer *writer, const struct json *result);

/** The line of a monitoring plugin: status, text, figures. */
void render_check_line(struct writer *writer, const struct json *result);

/** One line: what was waited for, and for how long. */
void render_wait_line(struct writer *writer, const struct json *result);

/** The texts of all families. */
void render_metrics_text(struct writer *writer, const struct json *result);

/** A line a finding, with what to do, and how many there are. */
void render_doctor_screen(struct writer *writer, const struct json *result);

#endif
