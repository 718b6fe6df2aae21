/*
 * The status page: what people look at.  One self-contained document; pure.
 *
 * The server makes all of it, so that it reads without scripts; a script fetches the
 * live part again each second and replaces the sections that differ (daemon/page/).
 */
#ifndef GWBOTD_PAGE_H
#define GWBOTD_PAGE_H

#include "buf.h"
#include "feed_queue.h"
#include "health.h"
#include "job.h"
#include "life.h"
#include "outlook.h"

struct page_input {
	const struct health_input *health; /* shards, limits, budget */
	/* Of the shard at index, borrowed. */
	const struct session *(*session)(void *ctx, uint32_t index);
	void *ctx;
	mono_ns now;
	mono_ns check_at;        /* the watchdog's next look */
	int64_t wall_ms;         /* now */
	int64_t started_wall_ms; /* the process */
	int64_t pid;
	const char *gwbotd;         /* its version */
	int64_t identifies_total;   /* in 24 h, as Discord allows */
	int64_t identifies_used;    /* in the last 24 h */
	const char *const *sources; /* of the watchdog's limits, in the order below */
	const struct job_view *jobs;
	size_t job_count;
	const struct feed_queue
	    *history;   /* changes of state, oldest first; NULL: none */
	bool simulated; /* gwbotd --sim */
	bool brief; /* for strangers: state, name and versions, nothing else is read */
	struct life life; /* of this process and those before */
	struct {
		unsigned queued, invalid_10min;
		mono_ns
		    limited_for; /* the longest wait that Discord asked for; 0: none */
	} rest;
};

/* The order of page_input.sources. */
enum page_limit {
	PAGE_KEEPALIVE,
	PAGE_STALL,
	PAGE_DISCONNECT_GRACE,
	PAGE_MAX_LATENCY,
	PAGE_LIMITS,
};

/* Tiles are for those in trouble first, then the others; the rest is counted. */
#define PAGE_TILES_MAX 64

/* Of the history the last ones, newest first. */
#define PAGE_EVENTS_MAX 20

/**
 * Appends the whole page, or with live the part that changes.
 *
 * Errors as buf_append(); half a page is taken back.
 */
enum gw_err page_render(const struct page_input *input, bool live, struct buf *out);

/** The Content-Security-Policy that lets a browser run just this page. */
const char *page_policy(void);

#endif
