#include "cron.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define FIELDS     5
#define WORD_ROOM  16
#define FIELD_ROOM 128

static const char month_names[] = "jan feb mar apr may jun jul aug sep oct nov dec";
static const char weekday_names[] = "sun mon tue wed thu fri sat";

static const struct field {
	const char *name;
	unsigned min;
	unsigned max;
	const char *names; /* three letters each, a blank between; NULL: none */
	unsigned first;    /* the number of the first name */
} fields[FIELDS] = {
    {"minute", 0, 59, NULL, 0},
    {"hour", 0, 23, NULL, 0},
    {"day of the month", 1, 31, NULL, 0},
    {"month", 1, 12, month_names, 1},
    {"weekday", 0, 7, weekday_names, 0},
};

/* Where the reason goes. */
struct trouble {
	char *why;
	size_t room;
};

__attribute__((format(printf, 3, 4))) static enum gw_err
refuse(const struct trouble *trouble, enum gw_err err, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	(void)vsnprintf(trouble->why, trouble->room, format, args);
	va_end(args);
	return err;
}

/* ---- one field ---- */

static enum gw_err
refuse_word(const struct field *field, const char *word, const struct trouble *trouble)
{
	return refuse(trouble, GW_ERR_SYNTAX,
	    "%s: \"%.16s\" is none of %u to %u%s%.3s%s%s", field->name, word,
	    field->min, field->max, field->names ? ", " : "",
	    field->names ? field->names : "", field->names ? " to " : "",
	    field->names ? field->names + strlen(field->names) - 3 : "");
}

/* "5", "mon"; the whole of word. */
static bool
read_number(const struct field *field, const char *word, unsigned *out)
{
	size_t size = strlen(word);

	if (size > 0 && size <= 2 && strspn(word, "0123456789") == size) {
		*out = (unsigned)strtoul(word, NULL, 10);
		return *out >= field->min && *out <= field->max;
	}
	for (size_t i = 0; field->names && size == 3 && i < strlen(field->names);
	     i += 4) {
		if (strncasecmp(field->names + i, word, 3) == 0) {
			*out = field->first + (unsigned)(i / 4);
			return true;
		}
	}
	return false;
}

/* Cuts *text at the mark; what stands behind it, or NULL where there is none. */
static char *
cut(char *text, char mark)
{
	char *at = strchr(text, mark);

	if (!at) {
		return NULL;
	}
	*at = '\0';
	return at + 1;
}

static enum gw_err
read_step(const struct field *field, const char *text, unsigned *out,
    const struct trouble *trouble)
{
	size_t size = strlen(text);

	*out = size > 0 && size <= 2 && strspn(text, "0123456789") == size ?
	    (unsigned)strtoul(text, NULL, 10) :
	    0;
	if (*out == 0 || *out > field->max) {
		return refuse(trouble, GW_ERR_RANGE,
		    "%s: a step is a number from 1 to %u, not \"%.16s\"", field->name,
		    field->max, text);
	}
	return GW_OK;
}

/* One item of the list: "*", "5", "1-5", "*" or "1-30" with "/2". */
static enum gw_err
read_item(const struct field *field, char *item, uint64_t *out,
    const struct trouble *trouble)
{
	char *step_text = cut(item, '/');
	unsigned step = 1;
	unsigned first = field->min;
	unsigned last = field->max;
	bool star = strcmp(item, "*") == 0;
	char *last_text = star ? NULL : cut(item, '-');

	if (!star && !read_number(field, item, &first)) {
		return refuse_word(field, item, trouble);
	}
	if (!star && !last_text) {
		last = first;
	}
	if (last_text && !read_number(field, last_text, &last)) {
		return refuse_word(field, last_text, trouble);
	}
	if (first > last) {
		return refuse(trouble, GW_ERR_RANGE, "%s: %u-%u runs backwards",
		    field->name, first, last);
	}
	if (step_text && first == last && !star && !last_text) {
		return refuse(trouble, GW_ERR_SYNTAX,
		    "%s: a step needs a range, such as */%.4s or %u-%u/%.4s",
		    field->name, step_text, first, field->max, step_text);
	}
	if (step_text && read_step(field, step_text, &step, trouble) != GW_OK) {
		return GW_ERR_RANGE;
	}
	for (unsigned at = first; at <= last; at += step) {
		*out |= UINT64_C(1) << at;
	}
	return GW_OK;
}

static enum gw_err
read_field(const struct field *field, char *text, uint64_t *out,
    const struct trouble *trouble)
{
	enum gw_err err = GW_OK;

	*out = 0;
	for (char *item = text; item && err == GW_OK;) {
		char *next = cut(item, ',');

		if (*item == '\0') {
			return refuse(trouble, GW_ERR_SYNTAX,
			    "%s: an empty item in a list", field->name);
		}
		err = read_item(field, item, out, trouble);
		item = next;
	}
	return err;
}

/* ---- the expression ---- */

/* "30 2 30 2 *" would wait for ever. */
static bool
date_comes(const struct cron *cron)
{
	static const unsigned days[] = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

	if (!cron->any_weekday) {
		return true;
	}
	for (unsigned month = 1; month <= 12; month++) {
		uint32_t possible = (uint32_t)((UINT64_C(2) << days[month - 1]) - 2);

		if ((cron->months >> month & 1U) != 0 && (cron->days & possible) != 0) {
			return true;
		}
	}
	return false;
}

/* The words of text, in out one after the other; how many there are. */
static size_t
split(const char *text, char out[FIELDS][FIELD_ROOM], bool *too_long)
{
	static const char blanks[] = " \t";
	size_t count = 0;

	for (text += strspn(text, blanks); *text != '\0';
	     text += strspn(text, blanks)) {
		size_t size = strcspn(text, blanks);

		*too_long = *too_long || size >= FIELD_ROOM;
		if (count < FIELDS && size < FIELD_ROOM) {
			memcpy(out[count], text, size);
			out[count][size] = '\0';
		}
		count++;
		text += size;
	}
	return count;
}

enum gw_err
cron_parse(const char *text, struct cron *out, char *why, size_t room)
{
	const struct trouble trouble = {why, room};
	char words[FIELDS][FIELD_ROOM];
	uint64_t sets[FIELDS] = {0};
	bool too_long = false;
	size_t count = split(text, words, &too_long);

	why[0] = '\0';
	if (count != FIELDS || too_long) {
		return refuse(&trouble, GW_ERR_SYNTAX,
		    "%s fields where five are needed: minute hour day month weekday",
		    too_long           ? "too long" :
			count > FIELDS ? "too many" :
					 "too few");
	}
	*out = (struct cron){
	    .any_day = words[2][0] == '*',
	    .any_weekday = words[4][0] == '*',
	};
	for (size_t i = 0; i < FIELDS; i++) {
		enum gw_err err = read_field(&fields[i], words[i], &sets[i], &trouble);

		if (err != GW_OK) {
			return err;
		}
	}
	out->minutes = sets[0];
	out->hours = (uint32_t)sets[1];
	out->days = (uint32_t)sets[2];
	out->months = (uint32_t)sets[3];
	out->weekdays = (uint32_t)((sets[4] | sets[4] >> 7) & 0x7F);
	if (!date_comes(out)) {
		return refuse(&trouble, GW_ERR_RANGE, "that date never comes");
	}
	return GW_OK;
}

bool
cron_fits_date(const struct cron *cron, unsigned month, unsigned day, unsigned weekday)
{
	bool by_day = (cron->days >> day & 1U) != 0;
	bool by_weekday = (cron->weekdays >> weekday & 1U) != 0;

	if ((cron->months >> month & 1U) == 0) {
		return false;
	}
	return cron->any_day || cron->any_weekday ? by_day && by_weekday :
						    by_day || by_weekday;
}

/* ---- times of day ---- */

static bool
read_two(const char *text, unsigned max, unsigned *out)
{
	if (strspn(text, "0123456789") < 2) {
		return false;
	}
	*out = (unsigned)(text[0] - '0') * 10 + (unsigned)(text[1] - '0');
	return *out <= max;
}

/* Keeps them in order; one that is there already is no other one. */
static bool
add_time(struct cron_times *times, uint16_t minute)
{
	size_t place = 0;

	while (place < times->count && times->at[place] < minute) {
		place++;
	}
	if (place < times->count && times->at[place] == minute) {
		return true;
	}
	if (times->count == CRON_TIMES_MAX) {
		return false;
	}
	memmove(&times->at[place + 1], &times->at[place],
	    (times->count - place) * sizeof times->at[0]);
	times->at[place] = minute;
	times->count++;
	return true;
}

enum gw_err
cron_times_parse(const char *text, struct cron_times *out, char *why, size_t room)
{
	static const char separators[] = ", \t";
	const struct trouble trouble = {why, room};

	why[0] = '\0';
	out->count = 0;
	for (text += strspn(text, separators); *text != '\0';
	     text += strspn(text, separators)) {
		size_t size = strcspn(text, separators);
		unsigned hour = 0;
		unsigned minute = 0;
		bool good = size == 5 && text[2] == ':' && read_two(text, 23, &hour) &&
		    read_two(text + 3, 59, &minute);

		if (!good) {
			return refuse(&trouble, GW_ERR_SYNTAX,
			    "\"%.*s\" is no time of day from 00:00 to 23:59",
			    size < WORD_ROOM ? (int)size : WORD_ROOM, text);
		}
		if (!add_time(out, (uint16_t)(hour * 60 + minute))) {
			return refuse(&trouble, GW_ERR_RANGE, "more than %d times",
			    CRON_TIMES_MAX);
		}
		text += size;
	}
	return GW_OK;
}
