#include "duration.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/* The longest first: the order in which duration_format() tries them. */
static const struct {
	const char *name;
	mono_ns size;
} units[] = {
    {"d", CLOCK_S(86400)}, {"h", CLOCK_S(3600)}, {"min", CLOCK_S(60)},
    {"s", CLOCK_S(1)}, {"ms", CLOCK_MS(1)},
    {"m", CLOCK_S(60)}, /* read, never written */
};

#define WRITTEN_UNITS 5

static const char *
skip_blanks(const char *text)
{
	return text + strspn(text, " \t");
}

/* The unit that text is, blanks behind it; 0 where there is none. */
static mono_ns
unit_find(const char *text)
{
	size_t size = strcspn(text, " \t");

	if (*skip_blanks(text + size) != '\0') {
		return 0;
	}
	if (size == 0) {
		return CLOCK_S(1);
	}
	for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
		if (strlen(units[i].name) == size &&
		    strncmp(units[i].name, text, size) == 0) {
			return units[i].size;
		}
	}
	return 0;
}

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

enum gw_err
duration_parse(const char *text, mono_ns *out)
{
	text = skip_blanks(text);
	bool negative = *text == '-';
	const char *digits = negative ? text + 1 : text;
	const char *end = digits;

	while (is_digit(*end)) {
		end++;
	}
	if (end == digits) {
		return GW_ERR_SYNTAX;
	}
	const char *fraction = *end == '.' ? end + 1 : end;
	const char *rest = fraction;

	while (*end == '.' && is_digit(*rest)) {
		rest++;
	}
	if (*end == '.' && rest == fraction) {
		return GW_ERR_SYNTAX;
	}
	mono_ns unit = unit_find(skip_blanks(rest));

	if (unit == 0) {
		return GW_ERR_SYNTAX;
	}
	if (negative) {
		return GW_ERR_RANGE;
	}
	mono_ns total = 0;

	for (const char *at = digits; at < end; at++) {
		if (__builtin_mul_overflow(total, 10, &total) ||
		    __builtin_add_overflow(total, *at - '0', &total)) {
			return GW_ERR_RANGE;
		}
	}
	if (__builtin_mul_overflow(total, unit, &total)) {
		return GW_ERR_RANGE;
	}
	for (mono_ns place = unit / 10; fraction < rest && place > 0; fraction++) {
		if (__builtin_add_overflow(total, place * (*fraction - '0'), &total)) {
			return GW_ERR_RANGE;
		}
		place /= 10;
	}
	*out = total;
	return GW_OK;
}

/* Milliseconds with the digits below them, zeroes at the end left out. */
static void
format_fine(mono_ns duration, char *out, size_t room)
{
	char digits[8];
	size_t size = 6;

	(void)snprintf(digits, sizeof digits, "%06d", (int)(duration % CLOCK_MS(1)));
	while (size > 1 && digits[size - 1] == '0') {
		size--;
	}
	(void)snprintf(out, room, "%" PRId64 ".%.*sms", duration / CLOCK_MS(1),
	    (int)size, digits);
}

void
duration_format(mono_ns duration, char *out, size_t room)
{
	if (duration == 0) {
		(void)snprintf(out, room, "0s");
		return;
	}
	for (size_t i = 0; i < WRITTEN_UNITS; i++) {
		if (duration % units[i].size == 0) {
			(void)snprintf(out, room, "%" PRId64 "%s",
			    duration / units[i].size, units[i].name);
			return;
		}
	}
	format_fine(duration, out, room);
}
