#include "schedule.h"

#define MINUTE_S 60
#define HOUR_S   3600
#define DAY_S    86400

/* Dates and weekdays repeat after 28 years, or 40 with a century between that has no
 * leap day. */
#define DAYS_MAX (INT64_C(40) * 366)

/* A date that does not fit is left in a few steps, none of them over its end. */
#define LATE_HOUR 21

/* Local time: seconds since 1970 as a clock without any offset would count them. */
typedef int64_t local_s;

/* ---- dates ---- */

struct date {
	unsigned month;
	unsigned day;
	unsigned weekday;
};

static int64_t
floor_div(int64_t a, int64_t b)
{
	return a / b - (a % b < 0 ? 1 : 0);
}

/* The date of a day since 1970, by the Gregorian calendar with years from March on: so
 * leap days come last. */
static struct date
date_of(int64_t days)
{
	int64_t shifted = days + 719468; /* since 1 March of year 0 */
	int64_t era = floor_div(shifted, 146097);
	int64_t of_era = shifted - era * 146097;
	int64_t year =
	    (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
	int64_t of_year = of_era - (365 * year + year / 4 - year / 100);
	int64_t month = (5 * of_year + 2) / 153; /* from March */

	return (struct date){
	    .month = (unsigned)(month < 10 ? month + 3 : month - 9),
	    .day = (unsigned)(of_year - (153 * month + 2) / 5 + 1),
	    .weekday = (unsigned)(((days + 4) % 7 + 7) % 7),
	};
}

/* ---- local time and instants ---- */

/* The first instant at which the clock of the zone shows local; the end of the gap
 * where it never does.  No two changes of a zone come within two days. */
static int64_t
instant_of(const struct zone *zone, local_s local)
{
	int32_t before = zone_offset(zone, local - DAY_S);
	int32_t after = zone_offset(zone, local + DAY_S);
	int64_t early = local - (before > after ? before : after);
	int64_t late = local - (before > after ? after : before);

	if (zone_offset(zone, early) == local - early) {
		return early;
	}
	if (zone_offset(zone, late) == local - late) {
		return late;
	}
	/* A gap: the change lies between the two. */
	while (late - early > 1) {
		int64_t middle = early + (late - early) / 2;

		if (zone_offset(zone, middle) == before) {
			early = middle;
		} else {
			late = middle;
		}
	}
	return late;
}

/* ---- what fits ---- */

static bool
fits_date(const struct schedule *schedule, int64_t days)
{
	struct date date = date_of(days);

	return schedule->kind == SCHEDULE_AT ||
	    cron_fits_date(&schedule->cron, date.month, date.day, date.weekday);
}

static bool
fits_minute(const struct cron *cron, unsigned minute)
{
	return (cron->hours >> minute / 60 & 1U) != 0 &&
	    (cron->minutes >> minute % 60 & 1U) != 0;
}

/* The first minute of the day at `from` or later that fits; 1440 where there is none.
 */
static unsigned
next_minute(const struct schedule *schedule, unsigned from)
{
	if (schedule->kind == SCHEDULE_AT) {
		for (size_t i = 0; i < schedule->times.count; i++) {
			if (schedule->times.at[i] >= from) {
				return schedule->times.at[i];
			}
		}
		return 24 * 60;
	}
	while (from < 24 * 60 && !fits_minute(&schedule->cron, from)) {
		from++;
	}
	return from;
}

/* ---- the next instant, in seconds ---- */

/* Goes over the dates of the local calendar: the instants rise as the local times do.
 */
static bool
next_by_calendar(const struct schedule *schedule, int64_t after, int64_t *out)
{
	const struct zone *zone = schedule->zone;
	int64_t first = floor_div(after + zone_offset(zone, after), DAY_S) - 1;

	for (int64_t days = first; days < first + DAYS_MAX; days++) {
		unsigned minute = 0;

		if (!fits_date(schedule, days)) {
			continue;
		}
		for (;;) {
			minute = next_minute(schedule, minute);
			if (minute == 24 * 60) {
				break;
			}
			*out =
			    instant_of(zone, days * DAY_S + (local_s)minute * MINUTE_S);
			if (*out > after) {
				return true;
			}
			minute++;
		}
	}
	return false;
}

/* Goes over the instants as the clock shows them: for what fits every hour. */
static bool
next_by_clock(const struct schedule *schedule, int64_t after, int64_t *out)
{
	int64_t at = after + 1;
	int64_t end = after + DAYS_MAX * DAY_S;

	while (at < end) {
		local_s local = at + zone_offset(schedule->zone, at);
		int64_t days = floor_div(local, DAY_S);
		int64_t second = local - days * DAY_S;

		if (!fits_date(schedule, days)) {
			int64_t late = (int64_t)LATE_HOUR * HOUR_S;

			at += second < late ? late - second : HOUR_S - second % HOUR_S;
		} else if (second % MINUTE_S != 0) {
			at += MINUTE_S - second % MINUTE_S;
		} else if (!fits_minute(&schedule->cron,
			       (unsigned)(second / MINUTE_S))) {
			at += MINUTE_S;
		} else {
			*out = at;
			return true;
		}
	}
	return false;
}

static bool
is_hourly(const struct schedule *schedule)
{
	return schedule->kind == SCHEDULE_CRON && schedule->cron.hours == 0xFFFFFF;
}

wall_us
schedule_next(const struct schedule *schedule, wall_us after)
{
	int64_t found = 0;
	int64_t after_s = floor_div(after, SCHEDULE_S(1));

	if (schedule->kind == SCHEDULE_EVERY) {
		return (floor_div(after, schedule->every) + 1) * schedule->every;
	}
	bool some = is_hourly(schedule) ? next_by_clock(schedule, after_s, &found) :
					  next_by_calendar(schedule, after_s, &found);

	return some ? SCHEDULE_S(found) : SCHEDULE_NEVER;
}

/* ---- from instants to runs ---- */

/* The first time after `after` comes next. */
static void
plan(struct schedule_run *run, const struct schedule *schedule,
    const struct schedule_policy *policy, wall_us after, struct rng *rng)
{
	run->planned = schedule_next(schedule, after);
	run->due = run->planned;
	if (run->planned != SCHEDULE_NEVER && policy->jitter > 0) {
		run->due += rng_between(rng, 0, policy->jitter + 1);
	}
}

void
schedule_start(struct schedule_run *run, const struct schedule *schedule,
    const struct schedule_policy *policy, wall_us now, struct rng *rng)
{
	run->seen = now;
	plan(run, schedule, policy, now, rng);
}

enum schedule_verdict
schedule_step(struct schedule_run *run, const struct schedule *schedule,
    const struct schedule_policy *policy, wall_us now, struct rng *rng)
{
	wall_us back = run->seen - now;

	run->seen = now;
	if (back > SCHEDULE_BACK_MAX) {
		plan(run, schedule, policy, now, rng);
		return SCHEDULE_WAIT;
	}
	if (now < run->due) {
		return SCHEDULE_WAIT;
	}
	bool missed = now - run->due > SCHEDULE_GRACE;

	/* What was planned counts as done also where the clock is a little behind it.
	 */
	plan(run, schedule, policy, now > run->planned ? now : run->planned, rng);
	return missed && !policy->run_missed ? SCHEDULE_MISSED : SCHEDULE_RUN;
}

bool
schedule_was_missed(const struct schedule *schedule, wall_us last, wall_us now)
{
	wall_us from = last > now - SCHEDULE_REACH ? last : now - SCHEDULE_REACH;

	if (schedule->kind == SCHEDULE_EVERY || from >= now) {
		return false;
	}
	return schedule_next(schedule, from) <= now;
}

void
schedule_make_up(struct schedule_run *run, wall_us now)
{
	run->planned = now;
	run->due = now;
}
