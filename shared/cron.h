/*
 * Times of day and five-field cron expressions: text -> sets of numbers.
 *
 * Pure.  The configuration checks with it, schedule (daemon/core) finds the instants.
 */
#ifndef GWBOT_CRON_H
#define GWBOT_CRON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"

/* Of a list such as "02:00,10:00,18:00". */
#define CRON_TIMES_MAX 48

/* The numbers that a field names are the bits that are set. */
struct cron {
	uint64_t minutes;  /* 0 to 59 */
	uint32_t hours;    /* 0 to 23 */
	uint32_t days;     /* of the month, 1 to 31 */
	uint32_t months;   /* 1 to 12 */
	uint32_t weekdays; /* 0 is Sunday, 6 Saturday */
	bool any_day;      /* the field begins with *: only the other one counts */
	bool any_weekday;
};

/* Minutes since midnight, rising, none twice. */
struct cron_times {
	uint16_t at[CRON_TIMES_MAX];
	size_t count;
};

/**
 * Reads "minute hour day month weekday" as crontab(5) has it: lists, ranges, steps,
 * names of months and weekdays, 7 for Sunday.
 *
 * On an error why (room bytes) names the field and what it allows, and out is
 * undefined. GW_ERR_RANGE where the date never comes (30 February).
 */
enum gw_err cron_parse(const char *text, struct cron *out, char *why, size_t room);

/** Reads "HH:MM,HH:MM,..."; errors as cron_parse().  An empty text is no time. */
enum gw_err cron_times_parse(const char *text, struct cron_times *out, char *why,
    size_t room);

/**
 * True where a date is one of the expression's.
 *
 * As in cron: where both the day of the month and the weekday are restricted, one of
 * them is enough.
 */
bool cron_fits_date(const struct cron *cron, unsigned month, unsigned day,
    unsigned weekday);

#endif
