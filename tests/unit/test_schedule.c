/* When jobs run: calendars with seams, and clocks that are set. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "lastrun.h"
#include "schedule.h"

#define COUNT(cases) (sizeof(cases) / sizeof(cases)[0])
#define HOUR         SCHEDULE_S(3600)
#define DAY          (24 * HOUR)
#define MINUTE       SCHEDULE_S(60)
#define WHY_ROOM     256

static struct zone zone;

static void
use(struct schedule *schedule, const char *name, const char *text)
{
	char why[WHY_ROOM];

	assert_int_equal(zone_read(name, &zone, why, sizeof why), GW_OK);
	*schedule = (struct schedule){.zone = &zone};
	if (strchr(text, ':')) {
		schedule->kind = SCHEDULE_AT;
		assert_int_equal(cron_times_parse(text, &schedule->times, why,
				     sizeof why),
		    GW_OK);
	} else {
		schedule->kind = SCHEDULE_CRON;
		assert_int_equal(cron_parse(text, &schedule->cron, why, sizeof why),
		    GW_OK);
	}
}

/* "2026-03-29T00:59:59Z" */
static wall_us
instant(const char *text)
{
	struct tm parts = {.tm_year = 0};

	assert_non_null(strptime(text, "%Y-%m-%dT%H:%M:%SZ", &parts));
	return SCHEDULE_S(timegm(&parts));
}

static void
seams_of_the_calendar(void **state)
{
	static const struct {
		const char *zone;
		const char *schedule;
		const char *after;
		const char *next[3]; /* one after the other */
	} cases[] = {
	    /* The clock goes from 02:00 to 03:00: 02:30 is made up for at 03:00. */
	    {"Europe/Vienna", "02:30", "2026-03-28T12:00:00Z",
		{"2026-03-29T01:00:00Z", "2026-03-30T00:30:00Z"}},
	    /* All times in the gap are one run; 03:00 is that run as well. */
	    {"Europe/Vienna", "02:00,02:15,02:45,03:00,03:10", "2026-03-29T00:00:00Z",
		{"2026-03-29T01:00:00Z", "2026-03-29T01:10:00Z",
		    "2026-03-30T00:00:00Z"}},
	    /* From 03:00 back to 02:00: 02:30 counts the first time only. */
	    {"Europe/Vienna", "02:30", "2026-10-24T12:00:00Z",
		{"2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"}},
	    {"Europe/Vienna", "30 2 * * *", "2026-10-24T12:00:00Z",
		{"2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"}},
	    /* Asked between the two, the second does not count either. */
	    {"Europe/Vienna", "02:30", "2026-10-25T00:45:00Z",
		{"2026-10-26T01:30:00Z"}},
	    /* What fits every hour follows the clock. */
	    {"Europe/Vienna", "30 * * * *", "2026-10-25T00:00:00Z",
		{"2026-10-25T00:30:00Z", "2026-10-25T01:30:00Z",
		    "2026-10-25T02:30:00Z"}},
	    {"Europe/Vienna", "30 * * * *", "2026-03-29T00:00:00Z",
		{"2026-03-29T00:30:00Z", "2026-03-29T01:30:00Z"}},
	    {"Europe/Vienna", "*/30 2 * * *", "2026-03-29T00:00:00Z",
		{"2026-03-29T01:00:00Z", "2026-03-30T00:00:00Z"}},
	    {"America/New_York", "02:30", "2026-03-08T00:00:00Z",
		{"2026-03-08T07:00:00Z", "2026-03-09T06:30:00Z"}},
	    {"America/New_York", "01:30", "2026-11-01T00:00:00Z",
		{"2026-11-01T05:30:00Z", "2026-11-02T06:30:00Z"}},
	    /* A gap of half an hour, and one at midnight. */
	    {"Australia/Lord_Howe", "02:15", "2026-10-03T12:00:00Z",
		{"2026-10-03T15:30:00Z", "2026-10-04T15:15:00Z"}},
	    {"America/Santiago", "00:00", "2026-09-05T12:00:00Z",
		{"2026-09-06T04:00:00Z", "2026-09-07T03:00:00Z"}},
	    /* Leap days, also over a year that has none. */
	    {"UTC", "0 12 29 2 *", "2024-02-29T12:00:00Z", {"2028-02-29T12:00:00Z"}},
	    {"UTC", "0 12 29 2 *", "2096-02-29T12:00:00Z", {"2104-02-29T12:00:00Z"}},
	    {"UTC", "0 * 29 2 *", "2096-02-29T23:00:00Z", {"2104-02-29T00:00:00Z"}},
	    {"UTC", "59 23 31 12 *", "2026-12-31T23:58:59Z",
		{"2026-12-31T23:59:00Z", "2027-12-31T23:59:00Z"}},
	    {"UTC", "0 0 13 * 5", "2026-02-01T00:00:00Z",
		{"2026-02-06T00:00:00Z", "2026-02-13T00:00:00Z",
		    "2026-02-20T00:00:00Z"}},
	    {"UTC", "* * * * *", "2026-02-01T00:00:00Z",
		{"2026-02-01T00:01:00Z", "2026-02-01T00:02:00Z"}},
	    {"Asia/Kolkata", "00:00", "2026-02-01T00:00:00Z", {"2026-02-01T18:30:00Z"}},
	};
	struct schedule schedule;

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		wall_us at = instant(cases[i].after);

		use(&schedule, cases[i].zone, cases[i].schedule);
		for (size_t j = 0; j < 3 && cases[i].next[j]; j++) {
			at = schedule_next(&schedule, at);
			if (at != instant(cases[i].next[j])) {
				print_message("%s %s: %lld is not %s\n", cases[i].zone,
				    cases[i].schedule, (long long)(at / 1000000),
				    cases[i].next[j]);
				fail();
			}
		}
	}
}

static void
the_next_instant_is_after_the_given_one(void **state)
{
	struct schedule schedule;
	wall_us whole = instant("2026-02-01T10:00:00Z");

	(void)state;
	use(&schedule, "UTC", "10:00");
	assert_int_equal(schedule_next(&schedule, whole - 1), whole);
	assert_int_equal(schedule_next(&schedule, whole), whole + DAY);
	assert_int_equal(schedule_next(&schedule, whole + 1), whole + DAY);
	schedule.times.count = 0;
	assert_int_equal(schedule_next(&schedule, whole), SCHEDULE_NEVER);
}

static void
a_rhythm_is_counted_from_1970(void **state)
{
	const struct schedule schedule = {.kind = SCHEDULE_EVERY, .every = 3 * HOUR};
	wall_us midnight = instant("2026-02-01T00:00:00Z");

	(void)state;
	assert_int_equal(schedule_next(&schedule, midnight - 1), midnight);
	assert_int_equal(schedule_next(&schedule, midnight), midnight + 3 * HOUR);
	assert_int_equal(schedule_next(&schedule, midnight + 4 * HOUR),
	    midnight + 6 * HOUR);
}

/* ---- clocks that are set ---- */

struct stage {
	struct schedule schedule;
	struct schedule_policy policy;
	struct schedule_run run;
	struct rng rng;
	wall_us now;
};

/* 10:00 each day, the clock at 09:00. */
static void
start(struct stage *stage, bool run_missed)
{
	*stage = (struct stage){
	    .policy = {.run_missed = run_missed},
	    .rng = {.state = 1},
	    .now = instant("2026-02-01T09:00:00Z"),
	};
	use(&stage->schedule, "UTC", "10:00");
	schedule_start(&stage->run, &stage->schedule, &stage->policy, stage->now,
	    &stage->rng);
}

static enum schedule_verdict
step(struct stage *stage, wall_us by)
{
	stage->now += by;
	return schedule_step(&stage->run, &stage->schedule, &stage->policy, stage->now,
	    &stage->rng);
}

static void
a_time_is_run_once_when_it_comes(void **state)
{
	struct stage stage;

	(void)state;
	start(&stage, true);
	assert_int_equal(step(&stage, HOUR - 1), SCHEDULE_WAIT);
	assert_int_equal(step(&stage, 1), SCHEDULE_RUN);
	assert_int_equal(step(&stage, 0), SCHEDULE_WAIT);
	assert_int_equal(step(&stage, DAY - 1), SCHEDULE_WAIT);
	assert_int_equal(step(&stage, 1), SCHEDULE_RUN);
}

static void
a_late_look_is_no_missed_run(void **state)
{
	struct stage stage;

	(void)state;
	start(&stage, false);
	assert_int_equal(step(&stage, HOUR + MINUTE), SCHEDULE_RUN);
	start(&stage, false);
	assert_int_equal(step(&stage, HOUR + MINUTE + 1), SCHEDULE_MISSED);
	assert_int_equal(step(&stage, 0), SCHEDULE_WAIT);
}

static void
all_that_was_missed_is_one_run_or_none(void **state)
{
	struct stage stage;

	(void)state;
	for (int run_missed = 0; run_missed <= 1; run_missed++) {
		start(&stage, run_missed == 1);
		assert_int_equal(step(&stage, 5 * DAY),
		    run_missed ? SCHEDULE_RUN : SCHEDULE_MISSED);
		assert_int_equal(step(&stage, 0), SCHEDULE_WAIT);
		assert_int_equal(stage.run.planned, instant("2026-02-06T10:00:00Z"));
	}
}

static void
a_clock_that_is_set_back_a_little_runs_nothing_twice(void **state)
{
	struct stage stage;

	(void)state;
	start(&stage, true);
	assert_int_equal(step(&stage, HOUR), SCHEDULE_RUN);
	assert_int_equal(step(&stage, -HOUR), SCHEDULE_WAIT);
	for (int i = 0; i < 60; i++) {
		assert_int_equal(step(&stage, MINUTE), SCHEDULE_WAIT);
	}
	assert_int_equal(step(&stage, -3 * HOUR), SCHEDULE_WAIT);
	assert_int_equal(step(&stage, 3 * HOUR), SCHEDULE_WAIT);
	assert_int_equal(stage.run.planned, instant("2026-02-02T10:00:00Z"));
}

static void
a_clock_that_was_wrong_is_forgotten(void **state)
{
	struct stage stage;

	(void)state;
	start(&stage, true);
	/* It said 2027 for a while. */
	assert_int_equal(step(&stage, 365 * DAY), SCHEDULE_RUN);
	assert_int_equal(step(&stage, -365 * DAY), SCHEDULE_WAIT);
	assert_int_equal(stage.run.planned, instant("2026-02-01T10:00:00Z"));
	assert_int_equal(step(&stage, HOUR), SCHEDULE_RUN);
}

static void
jitter_is_chosen_anew_for_each_run(void **state)
{
	struct stage stage;
	wall_us least = SCHEDULE_NEVER;
	wall_us most = 0;

	(void)state;
	start(&stage, false);
	stage.policy.jitter = 10 * MINUTE;
	for (int day = 0; day < 300; day++) {
		schedule_start(&stage.run, &stage.schedule, &stage.policy, stage.now,
		    &stage.rng);
		wall_us jitter = stage.run.due - stage.run.planned;

		assert_in_range(jitter, 0, 10 * MINUTE);
		least = jitter < least ? jitter : least;
		most = jitter > most ? jitter : most;
	}
	assert_true(least < MINUTE);
	assert_true(most > 9 * MINUTE);
	/* A run by chance late is not missed, and its day does not come again. */
	stage.now = stage.run.due;
	assert_int_equal(step(&stage, 0), SCHEDULE_RUN);
	assert_true(stage.run.planned > stage.now);
}

/* ---- what came while no process ran ---- */

static void
a_start_makes_up_once_for_what_it_missed_within_a_day(void **state)
{
	static const struct {
		const char *last;
		const char *now;
		bool missed;
	} cases[] = {
	    {"2026-02-01T10:00:00Z", "2026-02-01T12:00:00Z", false},
	    {"2026-02-01T10:00:00Z", "2026-02-02T09:59:59Z", false},
	    {"2026-02-01T10:00:00Z", "2026-02-02T10:00:00Z", true},
	    {"2026-02-01T10:00:00Z", "2026-02-09T09:00:00Z", true},
	    {"2026-02-01T09:59:59Z", "2026-02-01T10:00:00Z", true},
	    /* A clock that was wrong. */
	    {"2027-02-01T10:00:00Z", "2026-02-01T12:00:00Z", false},
	    {"1969-01-01T00:00:00Z", "2026-02-01T12:00:00Z", true},
	};
	struct schedule schedule;

	(void)state;
	use(&schedule, "UTC", "10:00");
	for (size_t i = 0; i < COUNT(cases); i++) {
		assert_int_equal(schedule_was_missed(&schedule, instant(cases[i].last),
				     instant(cases[i].now)),
		    cases[i].missed);
	}
	assert_true(
	    schedule_was_missed(&schedule, INT64_MIN, instant("2026-02-01T12:00:00Z")));
	/* 10:00 on Sunday; on Wednesday it is too long ago. */
	use(&schedule, "UTC", "0 10 * * sun");
	assert_true(schedule_was_missed(&schedule, instant("2026-01-30T00:00:00Z"),
	    instant("2026-02-01T23:00:00Z")));
	assert_false(schedule_was_missed(&schedule, instant("2026-01-30T00:00:00Z"),
	    instant("2026-02-04T00:00:00Z")));
	schedule = (struct schedule){.kind = SCHEDULE_EVERY, .every = HOUR};
	assert_false(schedule_was_missed(&schedule, 0, DAY));

	struct stage stage;

	start(&stage, true);
	schedule_make_up(&stage.run, stage.now);
	assert_int_equal(step(&stage, 0), SCHEDULE_RUN);
	assert_int_equal(step(&stage, 1), SCHEDULE_WAIT);
	assert_int_equal(stage.run.planned, instant("2026-02-01T10:00:00Z"));
}

static void
last_runs_are_kept_by_name_and_schedule(void **state)
{
	struct lastrun_file file = {.jobs = {{0, 0}}};
	uint64_t key = lastrun_key(slice_of("a"), slice_of("10:00"), slice_of("UTC"));
	wall_us at = 0;

	(void)state;
	assert_false(lastrun_read(&file, key, &at));
	lastrun_write(&file, key, 5);
	lastrun_write(&file, key, 7);
	assert_true(lastrun_read(&file, key, &at));
	assert_int_equal(at, 7);
	assert_false(lastrun_read(&file,
	    lastrun_key(slice_of("a"), slice_of("10:01"), slice_of("UTC")), &at));
	assert_false(lastrun_read(&file,
	    lastrun_key(slice_of("b"), slice_of("10:00"), slice_of("UTC")), &at));
	/* The oldest makes room. */
	for (uint64_t i = 0; i + 1 < LASTRUN_JOBS_MAX; i++) {
		lastrun_write(&file, 1000 + i, 100 + (wall_us)i);
	}
	assert_true(lastrun_read(&file, key, &at));
	lastrun_write(&file, 1, 50);
	assert_false(lastrun_read(&file, key, &at));
	assert_true(lastrun_read(&file, 1, &at));
	assert_true(lastrun_read(&file, 1000, &at));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(seams_of_the_calendar),
	    cmocka_unit_test(the_next_instant_is_after_the_given_one),
	    cmocka_unit_test(a_rhythm_is_counted_from_1970),
	    cmocka_unit_test(a_time_is_run_once_when_it_comes),
	    cmocka_unit_test(a_late_look_is_no_missed_run),
	    cmocka_unit_test(all_that_was_missed_is_one_run_or_none),
	    cmocka_unit_test(a_clock_that_is_set_back_a_little_runs_nothing_twice),
	    cmocka_unit_test(a_clock_that_was_wrong_is_forgotten),
	    cmocka_unit_test(jitter_is_chosen_anew_for_each_run),
	    cmocka_unit_test(a_start_makes_up_once_for_what_it_missed_within_a_day),
	    cmocka_unit_test(last_runs_are_kept_by_name_and_schedule),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
