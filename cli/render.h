/*
 * The daemon's answers as screens: one function a row of commands.def.
 *
 * Members that an older daemon lacks show as "-"; those of a newer one are passed over.
 */
#ifndef GWCTL_RENDER_H
#define GWCTL_RENDER_H

#include "commands.h"
#include "json.h"
#include "writer.h"

/** Writes the screen of a command's result. */
void render_result(struct writer *writer, enum command_id command,
    const struct json *result);

/** A line of words for a daemon that ended and came back after seconds. */
void render_back(struct writer *writer, double seconds, const struct json *hello);

#endif
