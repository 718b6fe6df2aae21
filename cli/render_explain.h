/*
 * The screens of explain: what acts next on the shards, and what a name means.
 */
#ifndef GWCTL_RENDER_EXPLAIN_H
#define GWCTL_RENDER_EXPLAIN_H

#include "json.h"
#include "writer.h"

void render_explain_screen(struct writer *writer, const struct json *result);

/** When an act comes: "in 3.2 s", "now", or that nobody knows. */
struct render_explain_when {
	char text[48];
};
struct render_explain_when render_explain_when(const struct json *act);

#endif
