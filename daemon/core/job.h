/*
 * One job as its readers see it.
 */
#ifndef GWBOTD_JOB_H
#define GWBOTD_JOB_H

#include <stdbool.h>
#include <stdint.h>

#include "clock.h"
#include "schedule.h"

#define JOB_WORDS_ROOM 640

/* One job for readers; texts are borrowed. */
struct job_view {
	const char *name;
	char action[16];
	char schedule[JOB_WORDS_ROOM]; /* "at 02:00, 10:00" */
	const char *zone;              /* NULL: it knows none */
	mono_ns begun_at;   /* the present or last run; meaningless before the first */
	wall_us begun_wall; /* the same by the wall clock; 0: never */
	wall_us good_wall;  /* the end of the last one that succeeded; 0: never */
	wall_us next;       /* SCHEDULE_NEVER: none */
	uint64_t runs;
	uint64_t failures;
	uint64_t missed;
	mono_ns
	    took; /* the last run that ended, if ended; the same is true of these: */
	const char *result;
	const char *output;
	bool good;
	bool ended;
	bool running;
	bool standard;       /* refresh, which no one wrote down */
	int32_t next_offset; /* of the zone at next: seconds east of UTC */
};

#endif
