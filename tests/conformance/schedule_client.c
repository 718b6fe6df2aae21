/*
 * schedule_client: what schedule makes of a zone and a text.
 *
 *   schedule_client ZONE at|every|cron TEXT AFTER COUNT
 *
 * prints COUNT instants in seconds since 1970, the first after AFTER.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "schedule.h"

#define WHY_ROOM 256

int
main(int argc, char **argv)
{
	static struct zone zone;
	struct schedule schedule = {.zone = &zone};
	char why[WHY_ROOM] = "usage: schedule_client ZONE KIND TEXT AFTER COUNT";

	if (argc != 6 || zone_read(argv[1], &zone, why, sizeof why) != GW_OK) {
		(void)fprintf(stderr, "%s\n", why);
		return 2;
	}
	enum gw_err err = GW_OK;

	if (strcmp(argv[2], "at") == 0) {
		schedule.kind = SCHEDULE_AT;
		err = cron_times_parse(argv[3], &schedule.times, why, sizeof why);
	} else if (strcmp(argv[2], "cron") == 0) {
		schedule.kind = SCHEDULE_CRON;
		err = cron_parse(argv[3], &schedule.cron, why, sizeof why);
	} else {
		schedule.kind = SCHEDULE_EVERY;
		schedule.every = SCHEDULE_S(strtoll(argv[3], NULL, 10));
	}
	if (err != GW_OK) {
		(void)fprintf(stderr, "%s\n", why);
		return 2;
	}
	wall_us at = SCHEDULE_S(strtoll(argv[4], NULL, 10));

	for (long count = strtol(argv[5], NULL, 10); count > 0; count--) {
		at = schedule_next(&schedule, at);
		(void)printf("%" PRId64 "\n",
		    at == SCHEDULE_NEVER ? -1 : at / SCHEDULE_S(1));
	}
	return 0;
}
