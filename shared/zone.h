/*
 * Time zones: the bytes of a TZif file (RFC 8536) -> offsets from UTC.
 *
 * Pure but for zone_read().  Only the 64-bit block counts, and behind its last
 * transition the rule in the footer.  glibc's own functions know one zone a process and
 * read files when they like.
 */
#ifndef GWBOT_ZONE_H
#define GWBOT_ZONE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "err.h"

#define ZONE_FOLDER          "/usr/share/zoneinfo"
#define ZONE_FILE_MAX_BYTES  ((size_t)64 * 1024)
#define ZONE_NAME_MAX_BYTES  64
#define ZONE_TRANSITIONS_MAX 1200
#define ZONE_TYPES_MAX       64

/* When a rule's half of the year begins: a day, and the local second of it. */
struct zone_change {
	enum {
		ZONE_DAY_JULIAN,  /* Jn: 1 to 365, 29 February is not counted */
		ZONE_DAY_OF_YEAR, /* n: 0 to 365 */
		ZONE_DAY_OF_WEEK, /* Mm.w.d */
	} kind;
	int day;    /* of the year; or the weekday, 0 is Sunday */
	int week;   /* 1 to 5; 5 is the last */
	int month;  /* 1 to 12 */
	int32_t at; /* seconds since midnight; may be negative or over a day */
};

/* A POSIX TZ rule: CET-1CEST,M3.5.0,M10.5.0/3 */
struct zone_rule {
	bool known; /* there is a footer */
	bool changes;
	int32_t standard; /* seconds east of UTC */
	int32_t summer;
	struct zone_change to_summer;
	struct zone_change to_standard;
};

struct zone {
	char name[ZONE_NAME_MAX_BYTES + 1];
	int32_t first; /* before the first transition */
	size_t count;
	struct {
		int64_t at;     /* seconds since 1970 */
		int32_t offset; /* seconds east of UTC, from then on */
	} transitions[ZONE_TRANSITIONS_MAX];
	struct zone_rule rule; /* behind the last one */
};

/**
 * Reads the content of a TZif file of version 2 or higher; name is left alone.
 *
 * GW_ERR_SYNTAX for anything else, GW_ERR_TOO_LARGE for more than fits; out is
 * undefined then.
 */
enum gw_err zone_parse(struct slice content, struct zone *out);

/** Reads a POSIX rule without its line ends; false where it is none. */
bool zone_rule_parse(const char *text, struct zone_rule *out);

/** Seconds east of UTC at an instant in seconds since 1970. */
int32_t zone_offset(const struct zone *zone, int64_t at);

/** True where name may be one: a relative path without "..". */
bool zone_name_is_sound(const char *name);

/**
 * Reads the zone of that name from ZONE_FOLDER; UTC needs no file.  Does not block
 * longer than a small file of the disk takes: for the start and a reload.
 *
 * On an error why (room bytes) says what is wrong.
 */
enum gw_err zone_read(const char *name, struct zone *out, char *why, size_t room);

#endif
