/*
 * /metrics: the present figures as Prometheus text (format 0.0.4), out of the rows of
 * metrics.def.  Pure.
 */
#ifndef GWBOTD_METRICS_TEXT_H
#define GWBOTD_METRICS_TEXT_H

#include <stdbool.h>
#include <stdint.h>

#include "buf.h"
#include "chat_stats.h"
#include "clock.h"
#include "dispatches.h"
#include "emoji_ask.h"
#include "histogram.h"
#include "job.h"
#include "life.h"
#include "log.h"
#include "probe.h"
#include "ratelimit_told.h"
#include "snapshot.h"
#include "tally.h"
#include "watchdog.h"

/* The figures of the process that the system keeps; 0: not known. */
struct process_figures {
	mono_ns cpu; /* user and system */
	uint64_t open_fds;
	uint64_t max_fds;
	uint64_t virtual_bytes;
	uint64_t resident_bytes;
	uint64_t threads;
};

/* All that the rows read.  Everything is borrowed. */
struct metrics_input {
	const struct snapshot *shards;
	uint32_t count;
	struct watchdog_limits limits;
	int64_t wall_ms; /* now */
	int64_t started_wall_ms;
	const char *version; /* of gwbotd */
	const char *profile;
	bool yielded; /* a newer instance acts */
	bool reload_failed;
	int64_t reloaded_wall_ms; /* the last that succeeded; the start counts */
	mono_ns check_age;        /* of the watchdog's last check; the start counts */
	int64_t identifies_left;  /* before the reserve */
	int64_t identifies_total;
	int64_t identifies_used;
	int64_t release_wall_ms; /* 0: some are left */
	const struct histogram *beats;
	const struct dispatch_counts *dispatched; /* by all shards */
	struct life life;
	struct {
		uint64_t turns, spins;
		mono_ns turn_max;
		const struct histogram *turn_times, *timer_lags;
	} loop;
	struct {
		uint64_t retries, invalid_total;
		unsigned queued, invalid;
		const uint64_t *scopes; /* RATELIMIT_SCOPES of them */
		const struct tally_routes *routes;
	} rest;
	struct {
		uint64_t evicted;
		unsigned open;
		const struct tally_routes *handlers;
	} http;
	struct {
		uint64_t lookups, failures;
		const struct tally_times *times;
	} dns;
	const struct probe_view *probes;
	size_t probe_count;
	const struct job_view *jobs;
	size_t job_count;
	mono_ns now; /* the instant that ages of probes are counted from */
	struct {
		uint64_t requests, hits, fetches;
		const uint64_t *rejects; /* EMOJI_REJECTS of them */
		const struct histogram *renders;
		uint64_t cache_bytes;
		unsigned waiting;
	} emoji;
	struct chat_stats chat;
	struct {
		bool kept;
		uint64_t failures, uses, unanswered;
	} slash;
	unsigned control_clients;
	const uint64_t *commands; /* by command_id, unknown ones last */
	const uint64_t *command_failures;
	uint64_t log_messages[LOG_LEVELS];
	uint64_t log_suppressed;
	uint64_t log_dropped;
	struct process_figures process;
};

/* Latencies of more shards than this are counted together. */
#define METRICS_SHARDS_APART 64

/* The Content-Type of the document. */
#define METRICS_TYPE "text/plain; version=0.0.4; charset=utf-8"

/** Appends the whole document; errors as buf_reserve(), a part may be there then. */
enum gw_err metrics_render(const struct metrics_input *input, struct buf *out);

/** The same of the row at index of metrics.def only, as metrics_at() counts them. */
enum gw_err metrics_render_row(const struct metrics_input *input, size_t index,
    struct buf *out);

#endif
