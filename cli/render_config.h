/*
 * The screens of config and reload.
 */
#ifndef GWCTL_RENDER_CONFIG_H
#define GWCTL_RENDER_CONFIG_H

#include "json.h"
#include "writer.h"

/** Settings with their sources, one in full, or with diff what differs. */
void render_config_screen(struct writer *writer, const struct json *result);

/** What a reload changed, by when it acts. */
void render_reload_screen(struct writer *writer, const struct json *result);

/** True where the answer to `config diff` has differences. */
bool render_config_differs(const struct json *result);

/** "  label          text": one fact below a heading. */
void render_config_row(struct writer *writer, const char *label, const char *text);

/** When a change acts, by the word of its JSON: "now" is "at once". */
const char *render_config_when(const char *word);

#endif
