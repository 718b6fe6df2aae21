/*
 * The screens that show shards one by one: shards and latency.
 */
#ifndef GWCTL_RENDER_SHARDS_H
#define GWCTL_RENDER_SHARDS_H

#include "json.h"
#include "writer.h"

/**
 * One line a shard, those in trouble first, with what is done about it.
 *
 * On a terminal at most a screenful; elsewhere all.
 */
void render_shards_screen(struct writer *writer, const struct json *result);

/** The percentiles of all shards as a table; of a single one the histogram, too. */
void render_latency_screen(struct writer *writer, const struct json *result);

/** What a shard that is not ready tries next, as in "tries to begin a new session". */
struct render_cure {
	char text[64];
};
struct render_cure render_cure_of(const struct json *shard);

/** How the shards of a `reconnect --wait` came back, with member "back". */
void render_shards_back(struct writer *writer, const struct json *result);

#endif
