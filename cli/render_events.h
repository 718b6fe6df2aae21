/*
 * Events as lines: time of day, level, whom it is about, what happened.
 */
#ifndef GWCTL_RENDER_EVENTS_H
#define GWCTL_RENDER_EVENTS_H

#include "json.h"
#include "writer.h"

/* What was shown last: where the day changes, a line says which it is. */
struct events_screen {
	char day[16];
};

/** A screen that begins today. */
struct events_screen events_screen_today(void);

/** Writes one event, with a line for its day where that is another one. */
void render_event(struct writer *writer, struct events_screen *screen,
    const struct json *event);

/** Writes the result of the command events. */
void render_events_screen(struct writer *writer, const struct json *result);

#endif
