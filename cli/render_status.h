/*
 * The status screen.
 */
#ifndef GWCTL_RENDER_STATUS_H
#define GWCTL_RENDER_STATUS_H

#include "json.h"
#include "writer.h"

void render_status_screen(struct writer *writer, const struct json *result);

/** The first line: the bot, its state and its process. */
void render_status_title(struct writer *writer, const struct json *daemon);

#endif
