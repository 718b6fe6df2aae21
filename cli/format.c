#include "format.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define MINUTE 60LL
#define HOUR   (60 * MINUTE)
#define DAY    (24 * HOUR)

/* Beyond what any clock shows; keeps the casts below defined. */
#define SECONDS_MAX 1e12

static struct format_text text_of(const char *format, ...)
    __attribute__((format(printf, 1, 2)));

static struct format_text
text_of(const char *format, ...)
{
	struct format_text out;
	va_list args;

	va_start(args, format);
	(void)vsnprintf(out.text, sizeof out.text, format, args);
	va_end(args);
	return out;
}

static struct format_text
two_units(long long big, const char *big_unit, long long small, const char *small_unit)
{
	return small == 0 ?
	    text_of("%lld %s", big, big_unit) :
	    text_of("%lld %s %lld %s", big, big_unit, small, small_unit);
}

struct format_text
format_seconds(double seconds)
{
	if (!(seconds >= 0 && seconds < SECONDS_MAX)) {
		return text_of("-");
	}
	long long whole = (long long)(seconds + 0.5);

	if (seconds < 9.95 && fabs(seconds - (double)whole) > 0.049) {
		return text_of("%.1f s", seconds);
	}
	if (whole < MINUTE) {
		return text_of("%lld s", whole);
	}
	if (whole < HOUR) {
		return two_units(whole / MINUTE, "min", whole % MINUTE, "s");
	}
	if (whole < DAY) {
		return two_units(whole / HOUR, "h", whole % HOUR / MINUTE, "min");
	}
	return two_units(whole / DAY, "d", whole % DAY / HOUR, "h");
}

struct format_text
format_latency(double seconds)
{
	if (!(seconds >= 0 && seconds < 0.9995)) {
		return format_seconds(seconds);
	}
	return text_of("%.*f ms", seconds < 0.00095 ? 1 : 0, seconds * 1000);
}

struct format_text
format_bytes(double bytes)
{
	static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
	size_t unit = 0;

	while (bytes >= 1024 && unit + 1 < sizeof units / sizeof units[0]) {
		bytes /= 1024;
		unit++;
	}
	return text_of("%.*f %s", unit == 0 ? 0 : 1, bytes, units[unit]);
}

struct format_text
format_decimal(double number)
{
	struct format_text out = text_of("%.6f",
	    number < SECONDS_MAX && number > -SECONDS_MAX ? number : SECONDS_MAX);
	char *end = out.text + strlen(out.text) - 1;

	while (*end == '0') {
		*end-- = '\0';
	}
	if (*end == '.') {
		*end = '\0';
	}
	return out;
}

static struct format_text
format_number(const struct json *value, struct format_text (*format)(double))
{
	double number;

	return json_number(value, &number) ? format(number) : (struct format_text){"-"};
}

struct format_text
format_json_seconds(const struct json *value)
{
	return format_number(value, format_seconds);
}

struct format_text
format_json_latency(const struct json *value)
{
	return format_number(value, format_latency);
}

struct format_text
format_json_bytes(const struct json *value)
{
	return format_number(value, format_bytes);
}

struct format_text
format_json_scalar(const struct json *value)
{
	const char *text = json_text(value);
	double number;
	bool flag;

	if (text) {
		return text_of("%s", text);
	}
	if (json_bool(value, &flag)) {
		return text_of("%s", flag ? "yes" : "no");
	}
	return json_number(value, &number) ? text_of("%.15g", number) : text_of("-");
}
