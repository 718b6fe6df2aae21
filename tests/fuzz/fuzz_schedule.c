/*
 * Schedules: the first line as a cron expression and as times of day, what follows as
 * the file of a zone, and as a rule.
 *
 * Whatever is read must give rising instants, each of which fits.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "schedule.h"

#define LINE_ROOM 256
#define WHY_ROOM  256

/* 1 January 2026. */
#define START SCHEDULE_S(INT64_C(1767225600))

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check(bool holds)
{
	if (!holds) {
		abort();
	}
}

static void
walk(const struct schedule *schedule)
{
	wall_us at = START;

	for (int i = 0; i < 8 && at != SCHEDULE_NEVER; i++) {
		wall_us next = schedule_next(schedule, at);

		check(next > at);
		check(next == SCHEDULE_NEVER || next % SCHEDULE_S(1) == 0);
		at = next;
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct zone zone;
	const uint8_t *end = size > 0 ? memchr(data, '\n', size) : NULL;
	size_t line_size = end ? (size_t)(end - data) : size;
	size_t rest = end ? line_size + 1 : size;
	char line[LINE_ROOM];
	char why[WHY_ROOM];
	struct zone_rule rule;
	struct schedule schedule = {.zone = &zone};

	if (!slice_copy((struct slice){(const char *)data, line_size}, line,
		sizeof line)) {
		return 0;
	}
	struct slice file = {(const char *)data + rest, size - rest};

	memset(&zone, 0, sizeof zone);
	if (zone_rule_parse(line, &rule)) {
		zone.rule = rule;
	} else if (zone_parse(file, &zone) != GW_OK) {
		memset(&zone, 0, sizeof zone);
	}
	for (int64_t at = -(INT64_C(1) << 40); at < INT64_C(1) << 41;
	     at += INT64_C(1) << 37) {
		int32_t offset = zone_offset(&zone, at);

		check(offset >= -2 * 86400 && offset <= 2 * 86400);
	}
	if (cron_parse(line, &schedule.cron, why, sizeof why) == GW_OK) {
		schedule.kind = SCHEDULE_CRON;
		walk(&schedule);
	}
	if (cron_times_parse(line, &schedule.times, why, sizeof why) == GW_OK) {
		schedule.kind = SCHEDULE_AT;
		walk(&schedule);
	}
	return 0;
}
