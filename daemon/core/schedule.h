/*
 * When a job runs next: times of day, a rhythm or a cron expression, by the clock of a
 * zone.  Pure; instants are wall time in microseconds since 1970.
 *
 * What cron(8) does when the clock of a zone changes: a time that does not exist is
 * made up for right after the gap, once for all that lie in it; one that exists twice
 * counts the first time.  An expression that fits every hour runs by the clock as it
 * is.
 */
#ifndef GWBOTD_SCHEDULE_H
#define GWBOTD_SCHEDULE_H

#include <stdbool.h>
#include <stdint.h>

#include "buf.h"
#include "cron.h"
#include "rng.h"
#include "zone.h"

/* Wall time in microseconds since 1970. */
typedef int64_t wall_us;

#define SCHEDULE_S(n) ((wall_us)(n)*INT64_C(1000000))

/* An instant that never comes. */
#define SCHEDULE_NEVER INT64_MAX

enum schedule_kind {
	SCHEDULE_AT,
	SCHEDULE_EVERY,
	SCHEDULE_CRON,
};

struct schedule {
	enum schedule_kind kind;
	struct cron_times times; /* AT */
	wall_us every;           /* EVERY: multiples of it since 1970 */
	struct cron cron;        /* CRON */
	const struct zone *zone; /* AT, CRON; borrowed */
};

/** The first instant after `after`; SCHEDULE_NEVER where there is none. */
wall_us schedule_next(const struct schedule *schedule, wall_us after);

/* ---- from instants to runs ---- */

/* Later than this a time was missed: the host slept, or the clock was set forward. */
#define SCHEDULE_GRACE SCHEDULE_S(60)

/* A clock that is set back by more than this was wrong before, and no season. */
#define SCHEDULE_BACK_MAX SCHEDULE_S(3 * 3600)

struct schedule_policy {
	wall_us jitter;  /* each run begins up to this much later */
	bool run_missed; /* one run for all that was missed */
};

/* One job's place in its schedule. */
struct schedule_run {
	wall_us planned; /* what comes next, as the schedule has it */
	wall_us due;     /* the same and its jitter */
	wall_us seen;    /* the last instant at which it was asked */
};

enum schedule_verdict {
	SCHEDULE_WAIT,
	SCHEDULE_RUN,    /* now */
	SCHEDULE_MISSED, /* a time has passed, and is left out */
};

/** Begins at now, with the first instant after it. */
void schedule_start(struct schedule_run *run, const struct schedule *schedule,
    const struct schedule_policy *policy, wall_us now, struct rng *rng);

/**
 * What is to be done at now; run->due says when to ask again at the latest, but ask
 * every minute, since the clock may be set.
 */
enum schedule_verdict schedule_step(struct schedule_run *run,
    const struct schedule *schedule, const struct schedule_policy *policy, wall_us now,
    struct rng *rng);

/* What a process that starts makes up for is at most so old. */
#define SCHEDULE_REACH SCHEDULE_S(24 * 3600)

/**
 * True where a time of a zone's clock came between last, the instant of the last one
 * that was seen to, and now, and is within SCHEDULE_REACH.  A rhythm misses nothing:
 * the next one is soon.
 */
bool schedule_was_missed(const struct schedule *schedule, wall_us last, wall_us now);

/** Makes one run of what was missed, at now. */
void schedule_make_up(struct schedule_run *run, wall_us now);

#endif
