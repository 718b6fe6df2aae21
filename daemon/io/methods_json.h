/*
 * Snapshots and limits as the JSON that the control methods answer with.
 *
 * Members are added, never renamed; unknown is null, never absent; durations are
 * seconds and say so in their name.
 */
#ifndef GWBOTD_METHODS_JSON_H
#define GWBOTD_METHODS_JSON_H

#include "histogram.h"
#include "json.h"
#include "snapshot.h"
#include "watchdog.h"

/** Every figure of one shard, with the watchdog's verdict on it. */
struct json *methods_json_shard(const struct snapshot *shard,
    const struct watchdog_limits *limits);

/** One line about a shard: its state, what heals it, its place in the stream. */
struct json *methods_json_row(const struct snapshot *shard,
    const struct watchdog_limits *limits);

/** The aggregate, which shards these are, and how many are in each state. */
struct json *methods_json_total(const struct snapshot *shards, uint32_t count);

/** What is left of each limit that counts for this shard now. */
struct json *methods_json_margin(const struct snapshot *shard,
    const struct watchdog_limits *limits);

/** The heartbeat's figures of one shard; limits are not looked at. */
struct json *methods_json_latency(const struct snapshot *shard,
    const struct watchdog_limits *limits);

/** How long things took: count and quantiles, null where nothing was counted. */
struct json *methods_json_quantiles(const struct histogram *histogram);

#endif
