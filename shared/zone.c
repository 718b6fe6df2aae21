/* TZif and POSIX rules; see zone.h. */
#include "zone.h"

#include <limits.h>
#include <string.h>

#define HEADER_BYTES 44
#define DAY_S        86400
#define RULE_ROOM    128

/* ---- TZif ---- */

struct header {
	uint32_t isutc, isstd, leaps, transitions, types, chars;
};

static uint32_t
read_u32(const unsigned char *at)
{
	return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 |
	    (uint32_t)at[3];
}

static int64_t
read_i64(const unsigned char *at)
{
	return (int64_t)((uint64_t)read_u32(at) << 32 | read_u32(at + 4));
}

static bool
read_header(struct slice content, size_t from, struct header *out)
{
	const unsigned char *at = (const unsigned char *)content.data + from;

	if (content.size < from || content.size - from < HEADER_BYTES ||
	    memcmp(at, "TZif", 4) != 0 || at[4] < '2') {
		return false;
	}
	*out = (struct header){
	    .isutc = read_u32(at + 20),
	    .isstd = read_u32(at + 24),
	    .leaps = read_u32(at + 28),
	    .transitions = read_u32(at + 32),
	    .types = read_u32(at + 36),
	    .chars = read_u32(at + 40),
	};
	return true;
}

/* How many bytes follow a header; each count has 32 bits, so that 64 hold the sum. */
static uint64_t
body_bytes(const struct header *header, unsigned time_bytes)
{
	return (uint64_t)header->transitions * (time_bytes + 1U) +
	    (uint64_t)header->types * 6U + header->chars +
	    (uint64_t)header->leaps * (time_bytes + 4U) + header->isstd + header->isutc;
}

static enum gw_err
read_block(const unsigned char *body, const struct header *header, struct zone *out)
{
	const unsigned char *indexes = body + (size_t)header->transitions * 8;
	const unsigned char *types = indexes + header->transitions;
	int32_t offsets[ZONE_TYPES_MAX] = {0};

	for (uint32_t i = 0; i < header->types; i++) {
		offsets[i] = (int32_t)read_u32(types + (size_t)i * 6);
		if (offsets[i] < -2 * DAY_S || offsets[i] > 2 * DAY_S) {
			return GW_ERR_SYNTAX;
		}
	}
	out->first = offsets[0];
	out->count = header->transitions;
	for (uint32_t i = 0; i < header->transitions; i++) {
		int64_t at = read_i64(body + (size_t)i * 8);

		if (indexes[i] >= header->types ||
		    (i > 0 && at <= out->transitions[i - 1].at)) {
			return GW_ERR_SYNTAX;
		}
		out->transitions[i].at = at;
		out->transitions[i].offset = offsets[indexes[i]];
	}
	return GW_OK;
}

/* "\nCET-1CEST,...\n"; an empty one: no rule. */
static bool
read_footer(struct slice footer, struct zone_rule *out)
{
	char text[RULE_ROOM];

	*out = (struct zone_rule){.known = false};
	if (footer.size < 2 || footer.data[0] != '\n') {
		return false;
	}
	const char *end = memchr(footer.data + 1, '\n', footer.size - 1);
	size_t size = end ? (size_t)(end - footer.data - 1) : 0;

	if (!end || memchr(footer.data, '\0', size + 1) ||
	    !slice_copy((struct slice){footer.data + 1, size}, text, sizeof text)) {
		return false;
	}
	return size == 0 || zone_rule_parse(text, out);
}

enum gw_err
zone_parse(struct slice content, struct zone *out)
{
	struct header header;

	if (!read_header(content, 0, &header)) {
		return GW_ERR_SYNTAX;
	}
	uint64_t second = HEADER_BYTES + body_bytes(&header, 4);

	if (second > content.size || !read_header(content, (size_t)second, &header)) {
		return GW_ERR_SYNTAX;
	}
	size_t body = (size_t)second + HEADER_BYTES;

	if (body_bytes(&header, 8) > content.size - body || header.types == 0) {
		return GW_ERR_SYNTAX;
	}
	if (header.transitions > ZONE_TRANSITIONS_MAX ||
	    header.types > ZONE_TYPES_MAX) {
		return GW_ERR_TOO_LARGE;
	}
	size_t footer = body + (size_t)body_bytes(&header, 8);
	enum gw_err err =
	    read_block((const unsigned char *)content.data + body, &header, out);

	if (err == GW_OK &&
	    !read_footer((struct slice){content.data + footer, content.size - footer},
		&out->rule)) {
		err = GW_ERR_SYNTAX;
	}
	return err;
}

/* ---- POSIX rules ---- */

static bool
take(const char **at, char mark)
{
	if (**at != mark) {
		return false;
	}
	(*at)++;
	return true;
}

static bool
take_number(const char **at, int min, int max, int *out)
{
	int number = 0;
	size_t digits = strspn(*at, "0123456789");

	if (digits == 0 || digits > 3) {
		return false;
	}
	for (; digits > 0; digits--, (*at)++) {
		number = number * 10 + (**at - '0');
	}
	*out = number;
	return number >= min && number <= max;
}

/* "CET" or "<+03>": what it is called does not matter here. */
static bool
take_name(const char **at)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz"
				      "ABCDEFGHIJKLMNOPQRSTUVWXYZ";

	if (take(at, '<')) {
		size_t size = strcspn(*at, ">");

		*at += size;
		return size > 0 && take(at, '>');
	}
	size_t size = strspn(*at, letters);

	*at += size;
	return size >= 3;
}

/* "[+-]hh[:mm[:ss]]" in seconds; the hours to 167 as RFC 8536 allows. */
static bool
take_time(const char **at, int32_t *out)
{
	bool negative = **at == '-';
	int parts[3] = {0, 0, 0};

	if (**at == '-' || **at == '+') {
		(*at)++;
	}
	if (!take_number(at, 0, 167, &parts[0])) {
		return false;
	}
	for (int i = 1; i < 3 && take(at, ':'); i++) {
		if (!take_number(at, 0, 59, &parts[i])) {
			return false;
		}
	}
	int32_t seconds = parts[0] * 3600 + parts[1] * 60 + parts[2];

	*out = negative ? -seconds : seconds;
	return true;
}

static bool
take_day(const char **at, struct zone_change *out)
{
	if (take(at, 'M')) {
		out->kind = ZONE_DAY_OF_WEEK;
		return take_number(at, 1, 12, &out->month) && take(at, '.') &&
		    take_number(at, 1, 5, &out->week) && take(at, '.') &&
		    take_number(at, 0, 6, &out->day);
	}
	if (take(at, 'J')) {
		out->kind = ZONE_DAY_JULIAN;
		return take_number(at, 1, 365, &out->day);
	}
	out->kind = ZONE_DAY_OF_YEAR;
	return take_number(at, 0, 365, &out->day);
}

static bool
take_change(const char **at, struct zone_change *out)
{
	out->at = 2 * 3600;
	return take(at, ',') && take_day(at, out) &&
	    (!take(at, '/') || take_time(at, &out->at));
}

bool
zone_rule_parse(const char *text, struct zone_rule *out)
{
	const char *at = text;
	int32_t west = 0;

	*out = (struct zone_rule){.known = true};
	if (!take_name(&at) || !take_time(&at, &west) || west > DAY_S ||
	    west < -DAY_S) {
		return false;
	}
	out->standard = -west;
	out->summer = out->standard + 3600;
	if (*at == '\0') {
		return true;
	}
	out->changes = true;
	if (!take_name(&at)) {
		return false;
	}
	if (*at != ',') {
		if (!take_time(&at, &west) || west > DAY_S || west < -DAY_S) {
			return false;
		}
		out->summer = -west;
	}
	return take_change(&at, &out->to_summer) &&
	    take_change(&at, &out->to_standard) && *at == '\0';
}

/* ---- what a rule says of an instant ---- */

static bool
is_leap(int64_t year)
{
	return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

/* Days from 1 January 1970 to that of the year. */
static int64_t
days_to_year(int64_t year)
{
	int64_t before = year - 1;

	return 365 * (year - 1970) + (before / 4 - 1969 / 4) -
	    (before / 100 - 1969 / 100) + (before / 400 - 1969 / 400);
}

static int
days_to_month(int64_t year, int month)
{
	static const int days[] = {0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304,
	    334, 365};

	return days[month - 1] + (month > 2 && is_leap(year) ? 1 : 0);
}

/* The day of the year, from 0. */
static int
change_day(const struct zone_change *change, int64_t year)
{
	if (change->kind == ZONE_DAY_OF_YEAR) {
		return change->day;
	}
	if (change->kind == ZONE_DAY_JULIAN) {
		return change->day - 1 + (change->day > 59 && is_leap(year) ? 1 : 0);
	}
	int first = days_to_month(year, change->month);
	int next = change->month == 12 ? (is_leap(year) ? 366 : 365) :
					 days_to_month(year, change->month + 1);
	/* 1 January 1970 was a Thursday. */
	int weekday = (int)((days_to_year(year) + first + 4) % 7);
	int day = first + (change->day - weekday + 7) % 7 + 7 * (change->week - 1);

	return day < next ? day : day - 7;
}

/* The instant of a change, given the offset that is in force before it. */
static int64_t
change_at(const struct zone_change *change, int64_t year, int32_t offset)
{
	return (days_to_year(year) + change_day(change, year)) * DAY_S + change->at -
	    offset;
}

static int64_t
year_of(int64_t seconds)
{
	int64_t days = seconds / DAY_S;
	int64_t year = 1970 + days / 366;

	while (days_to_year(year + 1) <= days) {
		year++;
	}
	return year;
}

/* Footers speak of times to come: of one before 1970 the standard offset is said. */
static int32_t
rule_offset(const struct zone_rule *rule, int64_t at)
{
	/* Far beyond what a clock can show; days_to_year() must not overflow. */
	static const int64_t limit = INT64_C(1) << 40;

	if (!rule->changes || at < DAY_S || at > limit) {
		return rule->standard;
	}
	int64_t year = year_of(at + rule->standard);
	int64_t summer = change_at(&rule->to_summer, year, rule->standard);
	int64_t winter = change_at(&rule->to_standard, year, rule->summer);
	bool in_summer =
	    summer < winter ? at >= summer && at < winter : at >= summer || at < winter;

	return in_summer ? rule->summer : rule->standard;
}

int32_t
zone_offset(const struct zone *zone, int64_t at)
{
	size_t low = 0;
	size_t high = zone->count;

	if (zone->count == 0 || at < zone->transitions[0].at) {
		return zone->count == 0 && zone->rule.known ?
		    rule_offset(&zone->rule, at) :
		    zone->first;
	}
	while (high - low > 1) {
		size_t middle = low + (high - low) / 2;

		if (zone->transitions[middle].at <= at) {
			low = middle;
		} else {
			high = middle;
		}
	}
	return low == zone->count - 1 && zone->rule.known ?
	    rule_offset(&zone->rule, at) :
	    zone->transitions[low].offset;
}

bool
zone_name_is_sound(const char *name)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz"
				      "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_+-/";
	size_t size = strlen(name);

	return size > 0 && size <= ZONE_NAME_MAX_BYTES && name[0] != '/' &&
	    name[size - 1] != '/' && strspn(name, letters) == size;
}
