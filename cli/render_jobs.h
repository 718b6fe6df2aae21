/*
 * Screens of the dependency probes and the scheduled jobs.
 */
#ifndef GWCTL_RENDER_JOBS_H
#define GWCTL_RENDER_JOBS_H

#include "json.h"
#include "writer.h"

void render_probes_screen(struct writer *writer, const struct json *result);
void render_jobs_screen(struct writer *writer, const struct json *result);
void render_job_screen(struct writer *writer, const struct json *result);

#endif
