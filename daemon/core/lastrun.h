/*
 * When the time of each job came last, in bytes that outlive the process, so that the
 * next one knows what it missed.  Pure.
 *
 * Damage costs a run at most: every value is one that a clock might have shown.
 */
#ifndef GWBOTD_LASTRUN_H
#define GWBOTD_LASTRUN_H

#include <stdbool.h>
#include <stdint.h>

#include "buf.h"
#include "schedule.h"

/* Jobs of a configuration, and some that were in it before. */
#define LASTRUN_JOBS_MAX 96

/* All zero: nothing is known. */
struct lastrun_file {
	struct {
		uint64_t key; /* 0: free */
		wall_us at;
	} jobs[LASTRUN_JOBS_MAX];
};

/** What a job is kept under: another schedule is another job. */
uint64_t lastrun_key(struct slice name, struct slice schedule, struct slice zone);

/** False where nothing is known of it. */
bool lastrun_read(const struct lastrun_file *file, uint64_t key, wall_us *at);

/** Notes it; the one of the oldest instant makes room. */
void lastrun_write(struct lastrun_file *file, uint64_t key, wall_us at);

#endif
